//! Known errors for the queue: how an output is spoilt in a declared way, and whether a decision
//! caught it. They measure whether people look, and never write anything.

use serde_json::{Map, Number, Value};

use crate::definition::FaultSpec;
use crate::facts::at;

/// The output with the declared fault in it; nothing when the fault does not fit this output or
/// leaves it as it was. `other` is the output of another case.
#[must_use]
pub fn spoil(output: &Value, fault: &FaultSpec, other: Option<&Value>) -> Option<Value> {
    let now = at(output, &fault.field)?;
    let wrong = if let Some(value) = &fault.set {
        value.clone()
    } else if let Some(by) = fault.scale {
        scaled(now, by)?
    } else {
        at(other?, &fault.field)?.clone()
    };
    (wrong != *now).then(|| replaced(output, &fault.field, wrong))?
}

/// Whether the spoilt field left the person's hands as it was put in.
#[must_use]
pub fn let_through(spoilt: &Value, approved: &Value, field: &str) -> bool {
    at(spoilt, field) == at(approved, field)
}

/// Whether one more is wanted: fewer were placed than the declared percent of what people decided in
/// the same span.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "decisions of a week stay far below 2^52"
)]
pub fn wanted(percent: f64, decided: u64, placed: u64) -> bool {
    percent > 0.0 && (placed + 1) as f64 <= decided as f64 * percent / 100.0
}

/// A number, or a number written as text, times `by`; text keeps its decimals.
fn scaled(now: &Value, by: f64) -> Option<Value> {
    match now {
        Value::Number(n) => {
            let wide = n.as_f64()? * by;
            number(wide, n.is_f64()).map(Value::Number)
        }
        Value::String(text) => {
            let wide = text.parse::<f64>().ok()? * by;
            let decimals = text.split_once('.').map_or(0, |(_, d)| d.len());
            wide.is_finite()
                .then(|| Value::String(format!("{wide:.decimals$}")))
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whole numbers stay whole.
#[expect(
    clippy::cast_possible_truncation,
    reason = "bounded to what an i64 holds exactly just before"
)]
fn number(wide: f64, fraction: bool) -> Option<Number> {
    if fraction {
        return Number::from_f64(wide);
    }
    let whole = wide.round();
    (whole.abs() < 9.0e15).then(|| Number::from(whole as i64))
}

fn replaced(output: &Value, path: &str, value: Value) -> Option<Value> {
    let (head, rest) = path
        .split_once('.')
        .map_or((path, None), |(h, r)| (h, Some(r)));
    let fields = output.as_object()?;
    let inner = match rest {
        None => value,
        Some(rest) => replaced(fields.get(head)?, rest, value)?,
    };
    let mut fields: Map<String, Value> = fields.clone();
    fields.insert(head.to_owned(), inner);
    Some(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fault(field: &str) -> FaultSpec {
        FaultSpec {
            name: "f".into(),
            field: field.into(),
            set: None,
            scale: None,
            swap: false,
        }
    }

    #[test]
    fn each_way_of_spoiling_changes_the_named_field_alone() {
        let output = json!({"grade": "low", "sum": {"net": 12, "gross": "14.28", "rate": 0.5}});
        let set = FaultSpec {
            set: Some(json!("high")),
            ..fault("grade")
        };
        assert_eq!(
            spoil(&output, &set, None),
            Some(json!({"grade": "high", "sum": {"net": 12, "gross": "14.28", "rate": 0.5}}))
        );
        let ten = |field: &str| FaultSpec {
            scale: Some(10.0),
            ..fault(field)
        };
        let after = |field: &str| {
            let whole = spoil(&output, &ten(field), None);
            whole.and_then(|w| at(&w, field).cloned())
        };
        assert_eq!(after("sum.net"), Some(json!(120)));
        assert_eq!(after("sum.gross"), Some(json!("142.80")));
        assert_eq!(after("sum.rate"), Some(json!(5.0)));
        assert_eq!(after("grade"), None, "words are not multiplied");
        let swap = FaultSpec {
            swap: true,
            ..fault("grade")
        };
        let other = json!({"grade": "high"});
        let swapped = spoil(&output, &swap, Some(&other));
        assert_eq!(
            swapped.as_ref().and_then(|w| at(w, "grade")),
            Some(&json!("high"))
        );
        assert_eq!(spoil(&output, &swap, None), None, "there is no other case");
    }

    #[test]
    fn what_stays_as_it_was_is_no_fault() {
        let output = json!({"grade": "low", "sum": 0});
        let same = FaultSpec {
            set: Some(json!("low")),
            ..fault("grade")
        };
        assert_eq!(spoil(&output, &same, None), None);
        let nothing = FaultSpec {
            scale: Some(10.0),
            ..fault("sum")
        };
        assert_eq!(spoil(&output, &nothing, None), None, "ten times nothing");
        assert_eq!(spoil(&output, &same, Some(&output)), None);
        let absent = FaultSpec {
            set: Some(json!(1)),
            ..fault("else")
        };
        assert_eq!(spoil(&output, &absent, None), None);
    }

    #[test]
    fn an_edit_elsewhere_lets_the_fault_through() {
        let spoilt = json!({"grade": "high", "words": "a"});
        assert!(let_through(
            &spoilt,
            &json!({"grade": "high", "words": "b"}),
            "grade"
        ));
        assert!(!let_through(
            &spoilt,
            &json!({"grade": "low", "words": "a"}),
            "grade"
        ));
        assert!(!let_through(&spoilt, &json!({"words": "a"}), "grade"));
    }

    #[test]
    fn a_share_of_few_decisions_places_none() {
        assert!(!wanted(1.0, 99, 0) && wanted(1.0, 100, 0));
        assert!(!wanted(1.0, 100, 1) && wanted(1.0, 200, 1));
        assert!(!wanted(0.0, 1_000_000, 0));
    }
}
