//! Prompt text from a release's template and a snapshot's facts: tone, format, task framing.
//!
//! Everything a template reads must be bound to a declared input field or source field; that is
//! checked before a release exists. Text that came from outside is data: control and hidden
//! characters are removed, and it is handed over as data, which limits damage and promises nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::actor::Class;
use crate::definition::PackageFault;
use crate::definition::texts::{TextUse, expand};
use crate::facts::{Ctx, Text};

/// A release's prompt, split at a line of three dashes into framing and case.
#[derive(Debug)]
pub struct Prompt {
    system: Text,
    case: Text,
}

/// Rendered texts of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Task framing.
    pub system: String,
    /// The case, as data.
    pub case: String,
}

impl Prompt {
    /// Compiles a `prompt.md`.
    ///
    /// # Errors
    /// The syntax error in words, with its line.
    pub fn parse(source: &str) -> Result<Self, String> {
        let (system, case) = split(source);
        Self::of(system, case)
    }

    /// Compiles the template `file` of a package with the versioned texts that it includes; answers them,
    /// too, in the order of the template.
    ///
    /// # Errors
    /// Every fault, with file and line where they are known.
    pub fn with_texts(
        file: &str,
        source: &str,
        files: &BTreeMap<String, String>,
    ) -> Result<(Self, Vec<TextUse>), Vec<PackageFault>> {
        // Split before the texts are put in: a line of dashes in a text is no end of the framing.
        let (system, case) = split(source);
        let first = 2 + system.matches('\n').count() + 1;
        let (system, case) = match (
            expand(file, system, 1, files),
            expand(file, case, first, files),
        ) {
            (Ok(system), Ok(case)) => (system, case),
            (system, case) => {
                let both = [system.err(), case.err()];
                return Err(both.into_iter().flatten().flatten().collect());
            }
        };
        let prompt = Self::of(&system.text, &case.text).map_err(|e| {
            let way_out = "correct the text; expressions and templates use Jinja syntax";
            vec![PackageFault::new(
                file,
                "does_not_compile",
                format!("prompt: {e}"),
                way_out,
            )]
        })?;
        Ok((prompt, [system.uses, case.uses].concat()))
    }

    fn of(system: &str, case: &str) -> Result<Self, String> {
        Ok(Self {
            system: Text::parse(system)?,
            case: Text::parse(case)?,
        })
    }

    /// Names the template reads, dotted.
    #[must_use]
    pub fn reads(&self) -> Vec<String> {
        let mut names = self.system.reads();
        names.extend(self.case.reads());
        names.sort();
        names.dedup();
        names
    }

    /// Renders both parts over cleaned, masked facts.
    ///
    /// # Errors
    /// When a name is undefined.
    pub fn render(&self, facts: &Value) -> Result<Rendered, String> {
        let ctx = Ctx::new(facts);
        Ok(Rendered {
            system: self.system.render(&ctx)?,
            case: self.case.render(&ctx)?,
        })
    }
}

/// Framing and case of a template; the case is the whole input where it says nothing else.
fn split(source: &str) -> (&str, &str) {
    source
        .split_once("\n---\n")
        .unwrap_or((source, "{{ input | tojson }}"))
}

/// What a masked value reads like; never a real value.
pub const MASK: &str = "[restricted]";

/// Facts as a model may see them: fields above `clearance` masked, hidden characters removed.
/// Returns the names of the masked fields.
#[must_use]
pub fn cleared(
    facts: &Value,
    class_of: impl Fn(&str, &str) -> Class,
    clearance: Class,
) -> (Value, Vec<String>) {
    let mut masked = Vec::new();
    let mut out = Map::new();
    for (group, record) in facts.as_object().into_iter().flatten() {
        let Value::Object(record) = record else {
            out.insert(group.clone(), clean(record));
            continue;
        };
        let over = |path: &str| class_of(group, path) > clearance;
        let copy = without(record, "", &over, &mut |path| {
            masked.push(format!("{group}.{path}"));
        });
        out.insert(group.clone(), copy);
    }
    (Value::Object(out), masked)
}

/// A record with every field masked that is over the clearance, however deep it lies.
fn without(
    record: &Map<String, Value>,
    around: &str,
    over: &dyn Fn(&str) -> bool,
    masked: &mut dyn FnMut(&str),
) -> Value {
    let mut copy = Map::new();
    for (field, value) in record {
        let path = if around.is_empty() {
            field.clone()
        } else {
            format!("{around}.{field}")
        };
        let seen = if over(&path) {
            masked(&path);
            Value::String(MASK.to_owned())
        } else {
            within(value, &path, over, masked)
        };
        copy.insert(field.clone(), seen);
    }
    Value::Object(copy)
}

fn within(
    value: &Value,
    path: &str,
    over: &dyn Fn(&str) -> bool,
    masked: &mut dyn FnMut(&str),
) -> Value {
    match value {
        Value::Object(inner) => without(inner, path, over, masked),
        Value::Array(all) => {
            Value::Array(all.iter().map(|v| within(v, path, over, masked)).collect())
        }
        other => clean(other),
    }
}

fn clean(value: &Value) -> Value {
    match value {
        Value::String(s) if s.chars().any(is_hidden) => {
            Value::String(s.chars().filter(|&c| !is_hidden(c)).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(clean).collect()),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(k, v)| (k.clone(), clean(v))).collect())
        }
        other => other.clone(),
    }
}

/// Characters a person does not see but a machine reads: controls, zero-width, bidirectional
/// overrides (CVE-2021-42574), tag characters.
#[must_use]
pub const fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_restricted_field_deep_inside_is_masked_too() {
        let facts = json!({"input": {"left": {"memo": "rent", "iban": "DE00"}, "lines": [{"iban": "DE11"}, 7]}});
        let class = |_: &str, f: &str| {
            if f.ends_with(".iban") {
                Class::Restricted
            } else {
                Class::Internal
            }
        };
        let (seen, masked) = cleared(&facts, class, Class::Confidential);
        assert_eq!(
            seen,
            json!({"input": {"left": {"memo": "rent", "iban": MASK}, "lines": [{"iban": MASK}, 7]}})
        );
        assert_eq!(masked, ["input.left.iban", "input.lines.iban"]);
    }

    #[test]
    fn restricted_fields_never_reach_the_text() {
        let facts = json!({"input": {"text": "hi\u{202e}there", "iban": "DE00 1234"}});
        let class = |_: &str, f: &str| {
            if f == "iban" {
                Class::Restricted
            } else {
                Class::Internal
            }
        };
        let (seen, masked) = cleared(&facts, class, Class::Internal);
        let p = Prompt::parse("Answer.\n---\n{{ input.text }} {{ input.iban }}").unwrap();
        let r = p.render(&seen).unwrap();
        assert_eq!(r.case, "hithere [restricted]");
        assert_eq!(masked, ["input.iban"]);
        assert_eq!(p.reads(), ["input.iban", "input.text"]);
    }
}
