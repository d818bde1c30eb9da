//! How a record looks in a CSV or a JSON Lines file.

use std::path::Path;

use serde_json::{Map, Value};

use crate::sources::database::text_of;

/// The two formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Format {
    Csv,
    JsonLines,
}

impl Format {
    pub(super) fn of(path: &Path) -> Result<Self, String> {
        match path.extension().and_then(|e| e.to_str()) {
            Some("csv") => Ok(Self::Csv),
            Some("jsonl") => Ok(Self::JsonLines),
            _ => Err("`path` must end in .csv or .jsonl".to_owned()),
        }
    }
}

/// The key and the written fields.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) key_field: String,
    pub(super) key: String,
    fields: Map<String, Value>,
}

impl Record {
    pub(super) fn new(
        key_field: &str,
        key: &str,
        fields: &Map<String, Value>,
    ) -> Result<Self, String> {
        if key.is_empty() || fields.contains_key(key_field) {
            return Err(format!(
                "the key belongs into `{key_field}`, which no field may use"
            ));
        }
        Ok(Self {
            key_field: key_field.to_owned(),
            key: key.to_owned(),
            fields: fields.clone(),
        })
    }

    /// The columns of a new file: the key first, so that a torn record still shows whose it is.
    pub(super) fn columns(&self) -> Vec<String> {
        std::iter::once(self.key_field.clone())
            .chain(self.fields.keys().cloned())
            .collect()
    }

    /// Cells in the order of `header`.
    ///
    /// # Errors
    /// Names a field the file has no column for: a reader of the file would not expect it.
    pub(super) fn cells(&self, header: &[String]) -> Result<Vec<String>, String> {
        if let Some(name) = self.columns().iter().find(|c| !header.contains(c)) {
            return Err(format!("the file has no column `{name}`"));
        }
        Ok(header
            .iter()
            .map(|name| {
                if *name == self.key_field {
                    self.key.clone()
                } else {
                    self.fields.get(name).map_or_else(String::new, cell)
                }
            })
            .collect())
    }

    /// The record as one JSON line, with its newline.
    pub(super) fn json_line(&self) -> String {
        let mut map = Map::new();
        map.insert(self.key_field.clone(), Value::String(self.key.clone()));
        map.extend(self.fields.clone());
        format!("{}\n", Value::Object(map))
    }

    /// How the stored JSON record differs from this one.
    pub(super) fn json_difference(&self, stored: &Map<String, Value>) -> Option<String> {
        let differs = |(name, value): (&String, &Value)| {
            (stored.get(name) != Some(value)).then(|| format!("`{name}` differs"))
        };
        self.fields.iter().find_map(differs)
    }
}

/// One CSV cell. A text that a spreadsheet would run as a formula gets a leading apostrophe;
/// plain signed numbers are amounts and stay as they are.
fn cell(value: &Value) -> String {
    let text = text_of(value).unwrap_or_default();
    let formula = value.is_string()
        && text.starts_with(['=', '+', '-', '@', '\t', '\r'])
        && !is_number(&text);
    if formula { format!("'{text}") } else { text }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, part]
        .iter()
        .all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
}

/// Cells as one CSV line, with its newline.
pub(super) fn csv_line(cells: &[String]) -> Result<Vec<u8>, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).map_err(|e| e.to_string())?;
    writer.into_inner().map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn formulas_are_defused_and_amounts_are_not() {
        assert_eq!(cell(&json!("=1+1")), "'=1+1");
        assert_eq!(
            cell(&json!("-2+3+cmd|' /C calc'!A0")),
            "'-2+3+cmd|' /C calc'!A0"
        );
        assert_eq!(cell(&json!("@x")), "'@x");
        assert_eq!(cell(&json!("-12.50")), "-12.50");
        assert_eq!(cell(&json!(-3)), "-3");
        assert_eq!(cell(&json!("-")), "'-");
        assert_eq!(cell(&Value::Null), "");
    }
}
