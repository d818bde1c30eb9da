//! The plain form spoken with `http` models and `command`s: one JSON object each way.
//!
//! The answer is either the output itself, or an envelope around it that may add confidence, model, usage, a refusal or a
//! reason why it is incomplete. An object is an envelope when it has `output` or `refusal` and no key an envelope lacks.
//! Where the output schema has a field of one of these two names, the answer must be an envelope.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tuesday_domain::definition::ConfidenceSource;
use tuesday_domain::port::{ModelAnswer, ModelRequest};

use super::usage::Tokens;

const KEYS: [&str; 6] = [
    "output",
    "refusal",
    "confidence",
    "model",
    "usage",
    "incomplete",
];

#[derive(Serialize)]
struct Task<'a> {
    run: String,
    attempt: u32,
    prompt: &'a str,
    system: &'a str,
    facts: &'a Value,
    schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    repair: Option<&'a str>,
}

/// The request's bytes.
///
/// # Errors
/// When the facts cannot be written, which JSON values always can.
pub(super) fn task(request: &ModelRequest) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Task {
        run: request.run.to_string(),
        attempt: request.attempt,
        prompt: &request.prompt,
        system: &request.system,
        facts: &request.facts,
        schema: &request.output_schema,
        repair: request.repair.as_deref(),
    })
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    output: Option<&'a RawValue>,
    refusal: Option<Refusal>,
    confidence: Option<f64>,
    model: Option<String>,
    usage: Option<Tokens>,
    incomplete: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Refusal {
    Is(bool),
    Words(String),
}

/// Why an answer is not of the plain form.
#[derive(Debug)]
pub(super) enum Bad {
    /// Not JSON, or cut.
    Json(serde_json::Error),
    /// An envelope with a wrong part: a fault of the other side's program.
    Envelope(String),
}

/// Fills `answer` from the bytes. Output that is a JSON text is taken as that text, so that prose stays prose.
pub(super) fn open(
    bytes: &[u8],
    request: &ModelRequest,
    mut answer: ModelAnswer,
) -> Result<ModelAnswer, Bad> {
    let whole: &RawValue = serde_json::from_slice(bytes).map_err(Bad::Json)?;
    if !is_envelope(whole, &request.output_schema) {
        answer.text = text(whole);
        return Ok(answer);
    }
    let envelope: Envelope<'_> =
        serde_json::from_str(whole.get()).map_err(|e| Bad::Envelope(e.to_string()))?;
    answer.text = envelope.output.map(text).unwrap_or_default();
    match envelope.refusal {
        Some(Refusal::Words(words)) if !words.is_empty() => {
            (answer.refusal, answer.text) = (true, words)
        }
        Some(Refusal::Is(true)) => answer.refusal = true,
        Some(_) | None => {}
    }
    answer.incomplete = envelope.incomplete.filter(|reason| !reason.is_empty());
    answer.model_reported = envelope.model;
    answer.usage = envelope.usage.and_then(Tokens::usage);
    if let Some(confidence) = envelope.confidence.filter(|c| !(0.0..=1.0).contains(c)) {
        return Err(Bad::Envelope(format!(
            "confidence {confidence} is not between 0 and 1"
        )));
    }
    if matches!(
        request.spec.confidence.source,
        ConfidenceSource::Classifier | ConfidenceSource::Logprob
    ) {
        answer.confidence = envelope.confidence;
    }
    Ok(answer)
}

fn is_envelope(whole: &RawValue, schema: &Value) -> bool {
    let declared = |key: &str| {
        schema
            .get("properties")
            .and_then(|fields| fields.get(key))
            .is_some()
    };
    let Ok(parts) = serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(whole.get()) else {
        return false;
    };
    let has = parts.contains_key("output") || parts.contains_key("refusal");
    declared("output")
        || declared("refusal")
        || (has && parts.keys().all(|key| KEYS.contains(&&**key)))
}

fn text(raw: &RawValue) -> String {
    serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
}
