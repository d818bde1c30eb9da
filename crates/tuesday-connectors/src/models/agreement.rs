//! Confidence by agreement: asks several times, and says which share of the answers is the same.

use std::future::Future;

use futures::future::join_all;
use serde_json::Value;
use tuesday_domain::definition::SelfConsistency;
use tuesday_domain::port::{ModelAnswer, ModelFault, ModelRequest};
use tuesday_domain::record::Usage;

use super::fault::misconfigured;

/// Fewest and most answers that are compared: one agrees with itself, and each costs a call.
const SAMPLES: std::ops::RangeInclusive<u32> = 2..=20;

/// Calls `once` as often as declared, at the same time, and returns the most frequent answer.
///
/// One failed call fails all: with fewer answers the same share would mean less. What the others cost is booked with it.
pub(super) async fn call<F, C>(request: &ModelRequest, once: F) -> Result<ModelAnswer, ModelFault>
where
    F: Fn() -> C,
    C: Future<Output = Result<ModelAnswer, ModelFault>> + Send,
{
    let Some(SelfConsistency(samples)) = request
        .spec
        .confidence
        .samples
        .filter(|samples| SAMPLES.contains(&samples.0))
    else {
        return Err(misconfigured(
            "model.confidence.samples must lie between 2 and 20 for self_consistency",
        ));
    };
    if request.spec.kind.is_built_in() {
        return Err(misconfigured(
            "a built-in model answers the same each time: self_consistency says nothing about it",
        ));
    }
    let results = join_all((0..samples).map(|_| once())).await;
    let usage = results.iter().fold(None, |sum, result| {
        add(sum, result.as_ref().map_or_else(|f| f.usage, |a| a.usage))
    });
    let bytes = results
        .iter()
        .map(|result| {
            result
                .as_ref()
                .map_or_else(|f| f.bytes_received, |a| a.bytes_received)
        })
        .sum();
    let answers: Vec<ModelAnswer> = results
        .into_iter()
        .collect::<Result<_, ModelFault>>()
        .map_err(|fault| ModelFault {
            usage,
            bytes_received: bytes,
            ..fault
        })?;
    let keys: Vec<String> = answers.iter().map(key).collect();
    let votes = |place: usize| keys.iter().filter(|key| **key == keys[place]).count();
    // Of equally frequent answers the first counts, so that the same answers give the same result.
    let (winner, agreeing) = (0..keys.len())
        .map(|place| (place, votes(place)))
        .rev()
        .max_by_key(|(_, votes)| *votes)
        .unwrap_or((0, 0));
    let Some(mut answer) = answers.into_iter().nth(winner) else {
        return Err(misconfigured("no answer to compare"));
    };
    answer.confidence = u32::try_from(agreeing)
        .ok()
        .map(|agreeing| f64::from(agreeing) / f64::from(samples));
    answer.usage = usage;
    answer.bytes_received = bytes;
    Ok(answer)
}

fn add(sum: Option<Usage>, more: Option<Usage>) -> Option<Usage> {
    match (sum, more) {
        (Some(a), Some(b)) => Some(Usage {
            input_tokens: a.input_tokens.saturating_add(b.input_tokens),
            output_tokens: a.output_tokens.saturating_add(b.output_tokens),
        }),
        (sum, more) => sum.or(more),
    }
}

/// What makes two answers the same: the output with its keys sorted, whether it is a refusal, and whether it is whole.
fn key(answer: &ModelAnswer) -> String {
    let output = serde_json::from_str::<Value>(&answer.text)
        .map_or_else(|_| answer.text.clone(), |value| sorted(&value));
    format!(
        "{}\n{}\n{output}",
        answer.refusal,
        answer.incomplete.as_deref().unwrap_or_default()
    )
}

fn sorted(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut parts: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), sorted(value)))
                .collect();
            parts.sort_unstable();
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(sorted).collect::<Vec<_>>().join(",")
        ),
        other => other.to_string(),
    }
}
