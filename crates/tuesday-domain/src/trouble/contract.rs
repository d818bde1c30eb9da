//! Does a system still keep the contract that a package was written against? Told from a record as it is
//! now and as a run had read or written it.

use serde_json::{Map, Value};

use crate::definition::SourceSpec;

/// What a source no longer keeps, in words without content; empty when it keeps all.
#[must_use]
pub fn source_broken(spec: &SourceSpec, now: &Map<String, Value>, then: &Value) -> Vec<String> {
    let mut out: Vec<String> = [&spec.record_id, &spec.updated_at]
        .into_iter()
        .filter(|name| !name.is_empty() && !now.contains_key(*name))
        .map(|name| format!("`{name}` is gone"))
        .collect();
    let fields = spec.fields.iter();
    let had = fields.filter_map(|name| then.get(name).map(|value| (name, value)));
    out.extend(broken(had, now));
    out
}

/// What a destination no longer keeps of the fields that were written, in words without content.
#[must_use]
pub fn written_broken(wrote: &Map<String, Value>, now: &Map<String, Value>) -> Vec<String> {
    broken(wrote.iter(), now)
}

fn broken<'a>(
    then: impl Iterator<Item = (&'a String, &'a Value)>,
    now: &Map<String, Value>,
) -> Vec<String> {
    // What was empty says nothing about the form.
    then.filter(|(_, value)| !value.is_null())
        .filter_map(|(name, value)| match now.get(name) {
            None => Some(format!("`{name}` is gone")),
            Some(found) if found.is_null() || kind(found) == kind(value) => None,
            Some(found) => Some(format!(
                "`{name}` is {} where it was {}",
                kind(found),
                kind(value)
            )),
        })
        .collect()
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "yes or no",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(then: &Value, now: &Value) -> Vec<String> {
        written_broken(then.as_object().unwrap(), now.as_object().unwrap())
    }

    #[test]
    fn values_may_change_and_forms_may_not() {
        let then = json!({"grade": "low", "amount": 5, "note": null});
        assert!(written(&then, &json!({"grade": "high", "amount": 7.5, "more": 1})).is_empty());
        assert!(written(&then, &json!({"grade": null, "amount": 7})).is_empty());
        let mut told = written(&then, &json!({"Grade": "low", "amount": "5"}));
        told.sort();
        assert_eq!(
            told,
            [
                "`amount` is a text where it was a number",
                "`grade` is gone"
            ]
        );
    }
}
