//! The output schema as providers accept it.
//!
//! Strict decoding modes refuse keywords they do not know, so identifiers and `x-…` annotations (sensitivity classes and
//! the like) are left out while writing, without a copy of the schema. What remains is checked again by the domain, against
//! the full schema.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// Writes a schema without what only people and this program read.
pub(super) struct Schema<'a>(pub(super) &'a Value);

impl Serialize for Schema<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => {
                let mut out = serializer.serialize_map(None)?;
                for (key, value) in map.iter().filter(|(key, _)| !is_note(key)) {
                    match (key.as_str(), value) {
                        // Here the keys are names of fields or definitions, not keywords.
                        (
                            "properties" | "$defs" | "definitions" | "patternProperties",
                            Value::Object(named),
                        ) => {
                            out.serialize_entry(key, &Named(named))?;
                        }
                        ("enum" | "const" | "default" | "required", _) => {
                            out.serialize_entry(key, value)?
                        }
                        _ => out.serialize_entry(key, &Schema(value))?,
                    }
                }
                out.end()
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Schema)),
            other => other.serialize(serializer),
        }
    }
}

struct Named<'a>(&'a Map<String, Value>);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, schema)| (name, Schema(schema))))
    }
}

fn is_note(key: &str) -> bool {
    key.starts_with("x-") || matches!(key, "$schema" | "$id" | "$comment" | "examples")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn notes_go_and_names_stay() {
        let schema = json!({"$schema": "u", "x-class": "internal", "type": "object", "required": ["x-a"],
            "properties": {"x-a": {"type": "string", "x-class": "public", "enum": ["x-b"]}, "$id": {"anyOf": [{"x-c": 1, "type": "null"}]}}});
        let sent: Value =
            serde_json::from_str(&serde_json::to_string(&Schema(&schema)).unwrap()).unwrap();
        let wanted = json!({"type": "object", "required": ["x-a"],
            "properties": {"x-a": {"type": "string", "enum": ["x-b"]}, "$id": {"anyOf": [{"type": "null"}]}}});
        assert_eq!(sent, wanted);
    }
}
