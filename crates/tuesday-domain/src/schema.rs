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
        if let Some(properties) = source.get("properties").and_then(Value::as_object) {
            for (name, property) in properties {
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

    /// Class of a top-level field; undeclared fields are restricted.
    #[must_use]
    pub fn class(&self, field: &str) -> Class {
        self.classes
            .get(field)
            .copied()
            .unwrap_or(Class::Restricted)
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use serde_json::json;

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
