//! What a reader with a clearance sees of a value: the one place that decides what is masked.

use serde_json::{Map, Value, json};

use crate::actor::Class;
use crate::schema::Schema;

/// What stands where a value may not be shown. The class is named, so that it is clear what to ask for.
pub const MASK: &str = "masked";

/// A value as a reader with `clearance` may see it, and the names of the fields that are masked, dotted.
///
/// Fields inside objects and lists have classes of their own; a property that the schema does not
/// classify counts as restricted. Anything that is not an object is one field of the schema's
/// strictest class.
#[must_use]
pub fn by_schema(value: &Value, schema: &Schema, clearance: Class) -> (Value, Vec<String>) {
    let mut masked = Vec::new();
    let Value::Object(fields) = value else {
        let shown = whole(value, schema.strictest(), clearance);
        if shown != *value {
            masked.push(String::new());
        }
        return (shown, masked);
    };
    let shown = inside(fields, "", (schema, clearance), &mut masked);
    (shown, masked)
}

fn inside(
    fields: &Map<String, Value>,
    around: &str,
    (schema, clearance): (&Schema, Class),
    masked: &mut Vec<String>,
) -> Value {
    let shown = fields.iter().map(|(name, value)| {
        let path = if around.is_empty() {
            name.clone()
        } else {
            format!("{around}.{name}")
        };
        let class = schema.class(&path);
        let shown = if class > clearance {
            let shown = whole(value, class, clearance);
            // The items of a list share the names of their fields.
            if !masked.contains(&path) {
                masked.push(path);
            }
            shown
        } else {
            deeper(value, &path, (schema, clearance), masked)
        };
        (name.clone(), shown)
    });
    Value::Object(shown.collect())
}

fn deeper(value: &Value, path: &str, under: (&Schema, Class), masked: &mut Vec<String>) -> Value {
    match value {
        Value::Object(fields) => inside(fields, path, under, masked),
        Value::Array(items) => items
            .iter()
            .map(|item| deeper(item, path, under, masked))
            .collect(),
        plain => plain.clone(),
    }
}

/// A value of one class as a whole: shown, or replaced by a mark that names the class.
#[must_use]
pub fn whole(value: &Value, class: Class, clearance: Class) -> Value {
    if class > clearance {
        json!({ MASK: class.word() })
    } else {
        value.clone()
    }
}

/// Whether a value is the mark.
#[must_use]
pub fn is_masked(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|o| o.len() == 1 && o.contains_key(MASK))
}

/// A text of one class for a reader: shown, or a word in its place.
#[must_use]
pub fn text(text: &str, class: Class, clearance: Class) -> String {
    if class > clearance {
        format!("({MASK}: {})", class.word())
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn schema() -> Schema {
        Schema::compile(json!({
            "type": "object",
            "properties": {
                "id": {"type": "string", "x-class": "internal"},
                "iban": {"type": "string", "x-class": "restricted"},
                "plain": {"type": "string"}
            }
        }))
        .unwrap()
    }

    #[test]
    fn a_reader_sees_fields_up_to_the_clearance_and_no_further() {
        let value = json!({"id": "a", "iban": "X1", "plain": "p", "unknown": 3});
        let (seen, masked) = by_schema(&value, &schema(), Class::Confidential);
        assert_eq!(seen["id"], "a");
        assert_eq!(
            masked,
            ["iban", "plain", "unknown"],
            "unclassified is restricted"
        );
        let text = seen.to_string();
        assert!(!text.contains("X1") && !text.contains(":3"), "{text}");
        assert!(is_masked(&seen["iban"]));
        let (all, none) = by_schema(&value, &schema(), Class::Restricted);
        assert_eq!(all, value);
        assert!(none.is_empty());
        let (nothing, _) = by_schema(&value, &schema(), Class::Public);
        assert!(is_masked(&nothing["id"]));
    }

    #[test]
    fn what_is_no_object_is_masked_as_a_whole() {
        let (seen, masked) = by_schema(&json!("secret words"), &schema(), Class::Internal);
        assert!(is_masked(&seen) && masked.len() == 1);
        assert_eq!(
            text("secret", Class::Restricted, Class::Internal),
            "(masked: restricted)"
        );
        assert_eq!(text("open", Class::Internal, Class::Internal), "open");
    }

    #[test]
    fn what_lies_deeper_is_masked_by_its_own_class() {
        let schema = Schema::compile(json!({
            "type": "object",
            "properties": {
                "payer": {"type": "object", "x-class": "internal", "properties": {
                    "name": {"type": "string"}, "iban": {"type": "string", "x-class": "restricted"}}},
                "lines": {"type": "array", "x-class": "internal", "items": {"type": "object", "properties": {
                    "card": {"type": "string", "x-class": "restricted"}, "sum": {"type": "number"}}}}
            }
        }))
        .unwrap();
        let value = json!({"payer": {"name": "Ann", "iban": "X1"},
            "lines": [{"card": "1", "sum": 2}, {"card": "3", "sum": 4}]});
        let (shown, masked) = by_schema(&value, &schema, Class::Internal);
        let mark = json!({"masked": "restricted"});
        assert_eq!(
            shown,
            json!({"payer": {"name": "Ann", "iban": mark},
                "lines": [{"card": mark, "sum": 2}, {"card": mark, "sum": 4}]})
        );
        assert_eq!(masked, ["payer.iban", "lines.card"]);
        assert_eq!(
            by_schema(&value, &schema, Class::Restricted),
            (value, vec![])
        );
    }
}
