//! Finding what has to do with a customer or a record in what a run holds.
//!
//! A record is a whole value. A customer may be named in the middle of a text: there the name counts
//! as a whole word, in any case. A person reads the list before anything is erased, so a name that fits
//! too often costs a look; one that fits too seldom would leave data behind.

use serde_json::Value;

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finder {
    /// In lower case.
    needle: String,
    /// Inside texts too.
    within: bool,
}

impl Finder {
    /// Values that are this record.
    #[must_use]
    pub fn record(id: &str) -> Self {
        Self {
            needle: id.trim().to_lowercase(),
            within: false,
        }
    }

    /// Texts that name this customer.
    #[must_use]
    pub fn customer(name: &str) -> Self {
        Self {
            needle: name
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .to_lowercase(),
            within: true,
        }
    }

    /// Whether there is anything to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.needle.is_empty()
    }

    /// Whether it is in this text.
    #[must_use]
    pub fn in_text(&self, text: &str) -> bool {
        if self.needle.is_empty() {
            return false;
        }
        let text = text.to_lowercase();
        if !self.within {
            return text.trim() == self.needle;
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        text.match_indices(&self.needle).any(|(at, found)| {
            !word(text[..at].chars().next_back()) && !word(text[at + found.len()..].chars().next())
        })
    }

    /// Whether it is in a value, or in the name of a field.
    #[must_use]
    pub fn in_value(&self, value: &Value) -> bool {
        match value {
            Value::String(s) => self.in_text(s),
            Value::Number(n) => self.in_text(&n.to_string()),
            Value::Array(all) => all.iter().any(|v| self.in_value(v)),
            Value::Object(all) => all
                .iter()
                .any(|(k, v)| (self.within && self.in_text(k)) || self.in_value(v)),
            Value::Null | Value::Bool(_) => false,
        }
    }

    /// Whether it is in stored bytes: JSON by its values, anything else as text.
    #[must_use]
    pub fn in_bytes(&self, bytes: &[u8]) -> bool {
        serde_json::from_slice::<Value>(bytes).map_or_else(
            |_| self.in_text(&String::from_utf8_lossy(bytes)),
            |v| self.in_value(&v),
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_customer_is_a_whole_word_anywhere_and_a_record_a_whole_value() {
        let ann = Finder::customer("Ann  Lee");
        assert!(ann.in_text("Dear ANN LEE, thank you"));
        assert!(ann.in_value(&json!({"to": [{"name": "Mrs ann\nlee"}]})));
        assert!(!ann.in_text("Joann Lee"));
        assert!(!ann.in_text("Ann Leeds"));
        assert!(ann.in_bytes("not json: ann lee.".as_bytes()));
        assert!(ann.in_bytes(br#"{"a":"\u0041nn Lee"}"#), "escapes are read");
        let record = Finder::record("D-7");
        assert!(record.in_value(&json!({"deal": "d-7"})));
        assert!(!record.in_value(&json!({"n": 7})));
        assert!(!record.in_value(&json!({"words": "about D-7"})));
        assert!(Finder::record("41").in_value(&json!({"n": 41})));
        assert!(!Finder::record(" ").in_text(""), "nothing finds nothing");
    }
}
