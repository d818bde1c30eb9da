//! Is the model's answer usable? Parsed strictly, held against the schema and the declared checks;
//! refusals and stated uncertainty are outcomes of their own, also when dressed as valid JSON.

use serde_json::Value;

use crate::definition::{CheckSpec, Markers, OutputSpec};
use crate::facts::{Ctx, Expr, at};
use crate::prompt::is_hidden;
use crate::schema::Schema;

/// What an answer turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Judged {
    /// Meets the schema.
    Output(Value),
    /// The model refused.
    Refused(String),
    /// The model said it is not sure; the output is kept for the reviewer.
    Uncertain(Value, String),
    /// Not usable, with every reason.
    Invalid(Vec<String>),
}

/// Judges an answer text. `refusal` and `incomplete` are what the provider marked.
#[must_use]
pub fn judge(
    spec: &OutputSpec,
    schema: &Schema,
    text: &str,
    refusal: bool,
    incomplete: Option<&str>,
) -> Judged {
    if refusal {
        return Judged::Refused("the provider marked the answer as a refusal".to_owned());
    }
    if let Some(why) = incomplete {
        return Judged::Invalid(vec![format!("the answer was cut short: {why}")]);
    }
    if text.len() > spec.max_bytes {
        return Judged::Invalid(vec![format!(
            "the answer has {} bytes, more than {}",
            text.len(),
            spec.max_bytes
        )]);
    }
    if text.trim().is_empty() {
        return Judged::Invalid(vec!["the answer is empty".to_owned()]);
    }
    let value = match crate::json::parse_strict(unfence(text).as_bytes()) {
        Ok(value) => value,
        Err(e) => {
            // Prose may still be a refusal; a phrase is only looked for in prose and text fields.
            return match phrase(&spec.refusal, text) {
                Some(p) => Judged::Refused(format!("the answer says \"{p}\"")),
                None => Judged::Invalid(vec![format!("not the agreed JSON: {e}")]),
            };
        }
    };
    if let Some(sign) = marked(&spec.refusal, &value) {
        return Judged::Refused(sign);
    }
    let mut faults: Vec<String> = schema
        .check(&value)
        .into_iter()
        .map(|e| {
            format!(
                "{}: {}",
                if e.field.is_empty() {
                    "the answer"
                } else {
                    &e.field
                },
                e.detail
            )
        })
        .collect();
    hidden(&value, "", &mut faults);
    if !faults.is_empty() {
        return Judged::Invalid(faults);
    }
    match marked(&spec.uncertain, &value) {
        Some(sign) => Judged::Uncertain(value, sign),
        None => Judged::Output(value),
    }
}

/// Runs the declared checks; answers the messages of those that do not hold. An expression that
/// fails to evaluate is a check that does not hold.
#[must_use]
pub fn failed_checks(checks: &[(CheckSpec, Expr)], ctx: &Ctx) -> Vec<(String, String)> {
    checks
        .iter()
        .filter_map(|(spec, expr)| match expr.eval(ctx) {
            Ok(Value::Bool(true)) => None,
            Ok(_) => Some((spec.name.clone(), spec.message.clone())),
            Err(e) => Some((
                spec.name.clone(),
                format!("{} (the check itself failed: {e})", spec.message),
            )),
        })
        .collect()
}

/// Models like to wrap JSON in a code fence; the fence is not part of the answer.
fn unfence(text: &str) -> &str {
    let t = text.trim();
    t.strip_prefix("```json")
        .or_else(|| t.strip_prefix("```"))
        .and_then(|t| t.strip_suffix("```"))
        .map_or(t, str::trim)
}

fn phrase<'a>(markers: &'a Markers, text: &str) -> Option<&'a str> {
    let lower = text.to_lowercase();
    markers
        .phrases
        .iter()
        .find(|p| lower.contains(&p.to_lowercase()))
        .map(String::as_str)
}

fn marked(markers: &Markers, value: &Value) -> Option<String> {
    if let Some(field) = &markers.field
        && let Some(v) = at(value, field)
    {
        let shown = v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        if markers.values.contains(&shown) {
            return Some(format!("{field} is {shown}"));
        }
    }
    let mut texts = Vec::new();
    strings(value, &mut texts);
    texts
        .into_iter()
        .find_map(|t| phrase(markers, t).map(|p| format!("the answer says \"{p}\"")))
}

fn strings<'a>(value: &'a Value, out: &mut Vec<&'a str>) {
    match value {
        Value::String(s) => out.push(s),
        Value::Array(items) => items.iter().for_each(|v| strings(v, out)),
        Value::Object(map) => map.values().for_each(|v| strings(v, out)),
        _ => {}
    }
}

fn hidden(value: &Value, path: &str, faults: &mut Vec<String>) {
    match value {
        Value::String(s) if s.chars().any(is_hidden) => {
            faults.push(format!(
                "{path}: holds hidden characters that a person would not see"
            ));
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(i, v)| hidden(v, &format!("{path}/{i}"), faults)),
        Value::Object(map) => map
            .iter()
            .for_each(|(k, v)| hidden(v, &format!("{path}/{k}"), faults)),
        _ => {}
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec() -> (OutputSpec, Schema) {
        let spec: OutputSpec = serde_json::from_value(json!({
            "schema": "output.schema.json",
            "refusal": {"field": "status", "values": ["refused"], "phrases": ["I cannot help with"]},
            "uncertain": {"field": "status", "values": ["unsure"]},
        }))
        .unwrap();
        let schema = Schema::compile(json!({
            "type": "object", "additionalProperties": false, "required": ["label"],
            "properties": {"label": {"enum": ["a", "b"]}, "status": {"type": "string"}}
        }))
        .unwrap();
        (spec, schema)
    }

    #[test]
    fn each_kind_of_bad_answer_has_its_own_end() {
        let (spec, schema) = spec();
        let judge = |t: &str| judge(&spec, &schema, t, false, None);
        assert!(matches!(judge(r#"{"label":"a"}"#), Judged::Output(_)));
        assert!(matches!(
            judge("```json\n{\"label\":\"a\"}\n```"),
            Judged::Output(_)
        ));
        assert!(matches!(judge("Sure! The label is a."), Judged::Invalid(_)));
        assert!(matches!(
            judge("I cannot help with that."),
            Judged::Refused(_)
        ));
        assert!(matches!(
            judge(r#"{"label":"a","status":"refused"}"#),
            Judged::Refused(_)
        ));
        assert!(matches!(
            judge(r#"{"label":"a","status":"unsure"}"#),
            Judged::Uncertain(..)
        ));
        for bad in [
            "",
            "  ",
            r#"{"label":"c"}"#,
            r#"{"label":"a","x":1}"#,
            r#"{"label":"a","label":"b"}"#,
            r#"{"label":NaN}"#,
            "{\"label\":\"a\",\"status\":\"\u{202e}x\"}",
        ] {
            assert!(matches!(judge(bad), Judged::Invalid(_)), "{bad:?}");
        }
    }

    #[test]
    fn what_the_provider_marked_wins() {
        let (spec, schema) = spec();
        assert!(matches!(
            judge(&spec, &schema, r#"{"label":"a"}"#, true, None),
            Judged::Refused(_)
        ));
        assert!(matches!(
            judge(&spec, &schema, r#"{"label":"a"}"#, false, Some("length")),
            Judged::Invalid(_)
        ));
    }
}
