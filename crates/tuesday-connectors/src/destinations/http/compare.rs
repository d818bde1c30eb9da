//! Compares what is there with what was written, by JSON value.

use serde_json::{Map, Value};

/// The first written field that is absent or different, in words.
pub(super) fn difference(
    wanted: &Map<String, Value>,
    there: &Map<String, Value>,
) -> Option<String> {
    wanted
        .iter()
        .find_map(|(name, value)| match there.get(name) {
            Some(found) if same(value, found) => None,
            Some(found) => Some(format!(
                "`{name}` is {} where {} was written",
                short(found),
                short(value)
            )),
            // A null that was written may well read back as an absent field.
            None if value.is_null() => None,
            None => Some(format!("`{name}` is not there")),
        })
}

/// Of `there`, the fields that are written.
pub(super) fn written(wanted: &Map<String, Value>, there: &Map<String, Value>) -> Option<Value> {
    let some: Map<String, Value> = wanted
        .keys()
        .filter_map(|k| there.get(k).map(|v| (k.clone(), v.clone())))
        .collect();
    (!some.is_empty()).then_some(Value::Object(some))
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            x == y || (x.as_i64().is_none() || y.as_i64().is_none()) && x.as_f64() == y.as_f64()
        }
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y))
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(k, v)| y.get(k).is_some_and(|w| same(v, w)))
        }
        _ => a == b,
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use serde_json::json;

    fn diff(a: &Value, b: &Value) -> Option<String> {
        difference(a.as_object().unwrap(), b.as_object().unwrap())
    }

    #[test]
    fn numbers_by_value_texts_exactly_and_only_written_fields() {
        assert_eq!(
            diff(
                &json!({"a": 5, "b": "x"}),
                &json!({"a": 5.0, "b": "x", "c": 1})
            ),
            None
        );
        assert!(diff(&json!({"a": "5"}), &json!({"a": 5})).is_some());
        assert!(diff(&json!({"a": "x "}), &json!({"a": "x"})).is_some());
        assert!(
            diff(
                &json!({"a": 9_007_199_254_740_993_i64}),
                &json!({"a": 9_007_199_254_740_992_i64})
            )
            .is_some()
        );
        assert_eq!(
            diff(&json!({"a": 1}), &json!({})).unwrap(),
            "`a` is not there"
        );
    }
}
