//! JSON Schema 2020-12 for inputs and outputs, with the sensitivity class of every field.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::Value;

use crate::actor::Class;

/// A compiled schema.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
    source: Value,
    classes: BTreeMap<String, Class>,
    /// Fields below a top-level field that declare a class of their own, dotted.
    nested: BTreeMap<String, Class>,
    unclassified: Vec<String>,
}

/// A value that breaks the schema.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// JSON pointer of the field; empty for the whole.
    pub field: String,
    /// What is wrong, in words.
    pub detail: String,
}

impl Schema {
    /// Compiles `source`.
    ///
    /// # Errors
    /// When it is not a valid JSON Schema for an object.
    pub fn compile(source: Value) -> Result<Self, String> {
        if source.get("type").and_then(Value::as_str) != Some("object") {
            return Err("the top level must be `\"type\": \"object\"`".to_owned());
        }
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&source)
            .map_err(|e| e.to_string())?;
        let (mut classes, mut unclassified) = (BTreeMap::new(), Vec::new());
        let mut nested = BTreeMap::new();
        if let Some(properties) = source.get("properties").and_then(Value::as_object) {
            for (name, property) in properties {
                below(name, property, &mut nested)?;
                match property
                    .get("x-class")
                    .and_then(Value::as_str)
                    .map(str::parse::<Class>)
                {
                    Some(Ok(class)) => {
                        classes.insert(name.clone(), class);
                    }
                    Some(Err(e)) => return Err(format!("/properties/{name}/x-class: {e}")),
                    None => {
                        // Fail closed: what nobody classified is treated as the strictest class.
                        classes.insert(name.clone(), Class::Restricted);
                        unclassified.push(name.clone());
                    }
                }
            }
        }
        Ok(Self {
            validator,
            source,
            classes,
            nested,
            unclassified,
        })
    }

    /// Everything that is wrong with `value`, at most 20 findings.
    #[must_use]
    pub fn check(&self, value: &Value) -> Vec<FieldError> {
        if self.validator.is_valid(value) {
            return Vec::new();
        }
        self.validator
            .iter_errors(value)
            .take(20)
            .map(|e| FieldError {
                field: e.instance_path().to_string(),
                detail: e.masked().to_string(),
            })
            .collect()
    }

    /// The schema as written.
    #[must_use]
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// Class of a field by its dotted path: its own or that of the field around it, whichever is
    /// stricter. Undeclared fields are restricted.
    #[must_use]
    pub fn class(&self, path: &str) -> Class {
        let top = path.split_once('.').map_or(path, |(top, _)| top);
        let class = self.classes.get(top).copied().unwrap_or(Class::Restricted);
        let around = path
            .match_indices('.')
            .skip(1)
            .map(|(i, _)| &path[..i])
            .chain([path]);
        around
            .filter_map(|p| self.nested.get(p).copied())
            .fold(class, Class::max)
    }

    /// The strictest class among the declared fields: the class of a whole record.
    #[must_use]
    pub fn strictest(&self) -> Class {
        self.classes
            .values()
            .copied()
            .max()
            .unwrap_or(Class::Restricted)
    }

    /// Fields without a class, for a warning.
    #[must_use]
    pub fn unclassified(&self) -> &[String] {
        &self.unclassified
    }

    /// Names of the declared top-level fields.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.classes.keys().map(String::as_str)
    }
}

/// Collects the classes that fields inside `property` declare; lists count as what they hold.
fn below(path: &str, property: &Value, out: &mut BTreeMap<String, Class>) -> Result<(), String> {
    if let Some(items) = property.get("items") {
        below(path, items, out)?;
    }
    let inner = property.get("properties").and_then(Value::as_object);
    for (name, field) in inner.into_iter().flatten() {
        let path = format!("{path}.{name}");
        if let Some(word) = field.get("x-class") {
            let class = word.as_str().unwrap_or_default().parse();
            let class = class.map_err(|e| format!("/{}/x-class: {e}", path.replace('.', "/")))?;
            out.insert(path.clone(), class);
        }
        below(&path, field, out)?;
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_inside_an_object_or_a_list_has_its_own_class() {
        let s = Schema::compile(json!({
            "type": "object",
            "properties": {"payer": {"type": "object", "x-class": "confidential", "properties": {
                "memo": {"type": "string", "x-class": "internal"},
                "iban": {"type": "string", "x-class": "restricted"},
                "bank": {"type": "object", "x-class": "restricted", "properties": {"name": {"x-class": "public"}}}}},
                "lines": {"type": "array", "x-class": "internal", "items": {"type": "object", "properties": {
                    "card": {"x-class": "restricted"}}}}}
        }))
        .unwrap();
        for (path, class) in [
            ("payer", Class::Confidential),
            ("payer.memo", Class::Confidential),
            ("payer.iban", Class::Restricted),
            ("payer.bank.name", Class::Restricted),
            ("payer.other", Class::Confidential),
            ("lines.card", Class::Restricted),
            ("gone.x", Class::Restricted),
        ] {
            assert_eq!(s.class(path), class, "{path}");
        }
    }

    #[test]
    fn each_wrong_field_is_named_without_its_value() {
        let s = Schema::compile(json!({
            "type": "object", "additionalProperties": false, "required": ["id", "amount"],
            "properties": {"id": {"type": "string", "x-class": "internal"}, "amount": {"type": "string"}}
        }))
        .unwrap();
        let errors = s.check(&json!({"id": 7, "secret": "hunter2"}));
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert!(errors.iter().any(|e| e.field == "/id"));
        assert!(!format!("{errors:?}").contains("hunter2"));
        assert_eq!(s.class("id"), Class::Internal);
        assert_eq!(s.class("amount"), Class::Restricted);
        assert_eq!(s.unclassified(), ["amount"]);
    }
}
