//! A form made from a JSON Schema, and the value read back from it.
//!
//! Only what the schema declares becomes a field; what a field cannot express (objects, lists) is
//! edited as JSON. Whether the result is allowed is for the engine's own schema check to say.

use serde_json::{Map, Number, Value};
use tuesday_domain::schema::FieldError;

/// How a field is edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldKind {
    /// One line.
    Short,
    /// Several lines.
    Long,
    /// One of a list.
    Choice,
    /// A number.
    Number,
    /// Anything else.
    Json,
}

/// One field of a form.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) kind: FieldKind,
    pub(crate) value: String,
    pub(crate) options: Vec<String>,
    pub(crate) help: String,
    pub(crate) fault: Option<String>,
}

/// The fields of `schema` filled from `value`.
pub(crate) fn fields(schema: &Value, value: &Value) -> Vec<Field> {
    properties(schema)
        .map(|(name, spec)| field(name, spec, value.get(name)))
        .collect()
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

fn field(name: &str, spec: &Value, value: Option<&Value>) -> Field {
    let kind = kind(spec, value);
    Field {
        id: format!(
            "f-{}",
            name.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
        ),
        name: format!("f.{name}"),
        label: label(name, spec),
        kind,
        value: show(value, kind),
        options: options(spec, value),
        help: spec
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        fault: None,
    }
}

/// What people call a field: its title, or its name with spaces.
pub(crate) fn label(name: &str, spec: &Value) -> String {
    spec.get("title")
        .and_then(Value::as_str)
        .map_or_else(|| super::words::code(name), str::to_owned)
}

/// Whether a text is shown as a draft to read, not as a field in a table.
pub(crate) fn is_long(text: &str) -> bool {
    text.contains('\n') || text.chars().count() > 120
}

fn kind(spec: &Value, value: Option<&Value>) -> FieldKind {
    if spec.get("enum").is_some() || type_is(spec, "boolean") {
        return FieldKind::Choice;
    }
    if type_is(spec, "number") || type_is(spec, "integer") {
        return FieldKind::Number;
    }
    let text = value.and_then(Value::as_str);
    let roomy = spec
        .get("maxLength")
        .and_then(Value::as_u64)
        .is_some_and(|n| n > 120);
    match value {
        Some(Value::Object(_) | Value::Array(_)) => FieldKind::Json,
        _ if type_is(spec, "object") || type_is(spec, "array") => FieldKind::Json,
        _ if roomy || text.is_some_and(is_long) => FieldKind::Long,
        _ => FieldKind::Short,
    }
}

fn type_is(spec: &Value, word: &str) -> bool {
    match spec.get("type") {
        Some(Value::String(s)) => s == word,
        Some(Value::Array(list)) => list.iter().any(|v| v == word),
        _ => false,
    }
}

fn options(spec: &Value, value: Option<&Value>) -> Vec<String> {
    let mut list: Vec<String> = match spec.get("enum").and_then(Value::as_array) {
        Some(list) => list
            .iter()
            .map(|v| show(Some(v), FieldKind::Choice))
            .collect(),
        None if type_is(spec, "boolean") => vec!["true".to_owned(), "false".to_owned()],
        None => return Vec::new(),
    };
    // What stands there now stays selectable, so that opening the form never changes a value.
    let now = show(value, FieldKind::Choice);
    if !list.contains(&now) {
        list.insert(0, now);
    }
    list
}

fn show(value: Option<&Value>, kind: FieldKind) -> String {
    match (value, kind) {
        (None | Some(Value::Null), _) => String::new(),
        (Some(Value::String(s)), FieldKind::Json) => Value::String(s.clone()).to_string(),
        (Some(Value::String(s)), _) => s.clone(),
        (Some(v @ (Value::Object(_) | Value::Array(_))), _) => {
            serde_json::to_string_pretty(v).unwrap_or_default()
        }
        (Some(v), _) => v.to_string(),
    }
}

/// The edited value: `original` with every declared field as the form has it.
///
/// # Errors
/// Names each field whose text cannot be read as its type.
pub(crate) fn read(
    schema: &Value,
    original: &Value,
    form: &[(String, String)],
) -> Result<Value, Vec<FieldError>> {
    let mut out = original.as_object().cloned().unwrap_or_else(Map::new);
    let mut faults = Vec::new();
    for (name, spec) in properties(schema) {
        let wanted = format!("f.{name}");
        let Some((_, text)) = form.iter().find(|(n, _)| *n == wanted) else {
            continue;
        };
        // Browsers send line ends as CRLF; the original had none.
        let text = text.replace("\r\n", "\n");
        let before = original.get(name);
        let kind = kind(spec, before);
        if show(before, kind) == text {
            continue;
        }
        match parse(spec, kind, &text, before) {
            Ok(Some(value)) => {
                out.insert(name.clone(), value);
            }
            Ok(None) => {
                out.shift_remove(name);
            }
            Err(detail) => faults.push(FieldError {
                field: format!("/{name}"),
                detail,
            }),
        }
    }
    if faults.is_empty() {
        Ok(Value::Object(out))
    } else {
        Err(faults)
    }
}

fn parse(
    spec: &Value,
    kind: FieldKind,
    text: &str,
    before: Option<&Value>,
) -> Result<Option<Value>, String> {
    if text.is_empty() && kind != FieldKind::Long && kind != FieldKind::Short {
        return Ok(before.is_some_and(Value::is_null).then_some(Value::Null));
    }
    match kind {
        FieldKind::Short | FieldKind::Long
            if text.is_empty() && before.is_none_or(Value::is_null) =>
        {
            Ok(before.cloned())
        }
        FieldKind::Short | FieldKind::Long => Ok(Some(Value::String(text.to_owned()))),
        FieldKind::Choice => {
            let listed = spec
                .get("enum")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let same = listed
                .into_iter()
                .find(|v| show(Some(v), kind) == text)
                .cloned();
            Ok(Some(
                same.or_else(|| text.parse::<bool>().ok().map(Value::Bool))
                    .unwrap_or_else(|| Value::String(text.to_owned())),
            ))
        }
        FieldKind::Number => serde_json::from_str::<Number>(text.trim())
            .map(|n| Some(Value::Number(n)))
            .map_err(|_| "not a number: write it with a point, such as 1240.50".to_owned()),
        FieldKind::Json => tuesday_domain::json::parse_strict(text.as_bytes()).map(Some),
    }
}

/// Puts what the engine found wrong beside the fields it is about; returns what fits none.
pub(crate) fn mark(fields: &mut [Field], errors: &[FieldError]) -> Vec<String> {
    let mut rest = Vec::new();
    for error in errors {
        let name = error.field.split('/').nth(1).unwrap_or_default();
        match fields
            .iter_mut()
            .find(|f| !name.is_empty() && f.name == format!("f.{name}"))
        {
            Some(field) => field.fault = Some(error.detail.clone()),
            None => rest.push(
                format!("{} {}", error.field, error.detail)
                    .trim()
                    .to_owned(),
            ),
        }
    }
    rest
}

/// Shows the text that was typed, not the stored value.
pub(crate) fn refill(fields: &mut [Field], form: &[(String, String)]) {
    for field in fields {
        if let Some((_, text)) = form.iter().find(|(n, _)| *n == field.name) {
            field.value = text.replace("\r\n", "\n");
            if field.kind == FieldKind::Choice && !field.options.contains(&field.value) {
                field.options.insert(0, field.value.clone());
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({"type": "object", "properties": {
            "category": {"enum": ["refund", "delivery"]}, "amount": {"type": "number"}, "urgent": {"type": "boolean"},
            "reply": {"type": "string", "maxLength": 4000}, "lines": {"type": "array"}, "note": {"type": "string"}}})
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn an_untouched_form_changes_nothing() {
        let value = json!({"category": "refund", "amount": 12.50, "urgent": true, "reply": "Hi\nJo", "lines": [1, {"a": 2}], "extra": "kept"});
        let form: Vec<_> = fields(&schema(), &value)
            .into_iter()
            .map(|f| (f.name, f.value.replace('\n', "\r\n")))
            .collect();
        assert_eq!(read(&schema(), &value, &form).unwrap(), value);
    }

    #[test]
    fn edited_fields_keep_their_types() {
        let value = json!({"category": "refund", "amount": 12, "urgent": true, "reply": "a"});
        let form = pairs(&[
            ("f.category", "delivery"),
            ("f.amount", "13.5"),
            ("f.urgent", "false"),
            ("f.reply", "b"),
            ("f.lines", "[1]"),
            ("f.note", ""),
        ]);
        let got = read(&schema(), &value, &form).unwrap();
        assert_eq!(
            got,
            json!({"category": "delivery", "amount": 13.5, "urgent": false, "reply": "b", "lines": [1]})
        );
    }

    #[test]
    fn what_cannot_be_read_is_named_at_its_field() {
        let form = pairs(&[("f.amount", "much"), ("f.lines", "[1")]);
        let faults = read(&schema(), &json!({"amount": 1}), &form).unwrap_err();
        assert_eq!(
            faults.iter().map(|f| f.field.as_str()).collect::<Vec<_>>(),
            ["/amount", "/lines"]
        );
        let mut shown = fields(&schema(), &json!({"amount": 1}));
        assert!(mark(&mut shown, &faults).is_empty());
        assert!(
            shown
                .iter()
                .any(|f| f.name == "f.amount" && f.fault.is_some())
        );
    }

    #[test]
    fn a_field_nobody_declared_cannot_be_slipped_in() {
        let got = read(
            &schema(),
            &json!({}),
            &pairs(&[("f.target", "other"), ("f.note", "n")]),
        )
        .unwrap();
        assert_eq!(got, json!({"note": "n"}));
    }
}
