//! A deterministic example of a JSON schema: the first of every enum, the least of every number.

use serde_json::{Map, Value, json};

/// Schemas nested deeper than this repeat themselves; `null` ends them.
const DEEPEST: usize = 16;

/// An example of the schema; an object that says so when there is no schema.
pub(super) fn example(schema: &Value) -> Value {
    if schema.is_null() {
        return json!({ "answer": "ok" });
    }
    of(schema, schema, 0)
}

fn of(schema: &Value, root: &Value, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let found = reference
            .strip_prefix('#')
            .and_then(|pointer| root.pointer(pointer));
        return found.map_or(Value::Null, |target| of(target, root, depth + 1));
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    if let Some(first) = schema
        .get("enum")
        .and_then(Value::as_array)
        .and_then(|v| v.first())
    {
        return first.clone();
    }
    for word in ["anyOf", "oneOf"] {
        if let Some(first) = schema.get(word).and_then(|choices| choices.get(0)) {
            return of(first, root, depth + 1);
        }
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        other => other.and_then(Value::as_str),
    };
    match kind {
        Some("string") => text(schema),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| 0.into()),
        Some("boolean") => Value::Bool(false),
        Some("array") => {
            let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
            let item = schema.get("items").unwrap_or(&Value::Null);
            (0..least).map(|_| of(item, root, depth + 1)).collect()
        }
        Some("object") => object(schema, root, depth),
        None if schema.get("properties").is_some() => object(schema, root, depth),
        _ => Value::Null,
    }
}

fn object(schema: &Value, root: &Value, depth: usize) -> Value {
    let fields = schema.get("properties").and_then(Value::as_object);
    let example = fields
        .into_iter()
        .flatten()
        .map(|(name, s)| (name.clone(), of(s, root, depth + 1)));
    Value::Object(example.collect::<Map<_, _>>())
}

fn text(schema: &Value) -> Value {
    let least = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0);
    let words = match schema.get("format").and_then(Value::as_str) {
        Some("date") => "2026-01-06",
        Some("date-time") => "2026-01-06T09:00:00Z",
        Some("email") => "person@example.com",
        _ => "text",
    };
    let mut words = words.to_owned();
    while (words.chars().count() as u64) < least {
        words.push('.');
    }
    Value::String(words)
}
