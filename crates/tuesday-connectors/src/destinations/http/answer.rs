//! Reads what a write was answered with: a receipt, a clean refusal, or nobody knows.

use serde_json::{Value, json};
use tuesday_domain::action::Ability;
use tuesday_domain::definition::HttpMethod;
use tuesday_domain::facts;
use tuesday_domain::port::{Delivery, Intent, SendFault};

use super::compare::written;
use crate::destinations::{ANSWER_BYTES, for_good, receipt, unclear};
use crate::net::{Answer, HttpFault, Stage, retry_after, scrub};

/// Most characters of a refusal that are kept.
const EXCERPT: usize = 300;

/// A whole answer of any status.
pub(super) fn judge(
    intent: &Intent,
    answer: &Answer,
    secret: Option<&[u8]>,
) -> Result<Delivery, SendFault> {
    match answer.status {
        200..300 => success(intent, answer, secret),
        status => Err(refusal(intent, answer, status, secret)),
    }
}

/// A write that brought no whole answer. Only before the request left is it known to have had no
/// effect; afterwards nobody knows, whatever the class.
pub(super) fn unanswered(fault: &HttpFault) -> SendFault {
    let detail = fault.detail.clone();
    match fault.stage {
        Stage::Refused => for_good("address_refused", detail),
        Stage::Connect => SendFault::RefusedForNow {
            code: "connect",
            detail,
            retry_after: None,
        },
        Stage::TimedOut => unclear("timeout", detail),
        Stage::NoAnswer => unclear("no_answer", detail),
        Stage::Cut => unclear("cut_answer", detail),
        Stage::TooLarge => unclear("answer_too_large", detail),
    }
}

fn success(intent: &Intent, answer: &Answer, secret: Option<&[u8]>) -> Result<Delivery, SendFault> {
    let text = scrub(&answer.body, secret, ANSWER_BYTES / 4);
    let body = serde_json::from_slice::<Value>(&answer.body)
        .unwrap_or_else(|_| Value::String(text.clone()));
    if let Some(expr) = &intent.spec.error_when {
        match facts::eval(expr, &json!({ "answer": body, "status": answer.status })) {
            Ok(Value::Null | Value::Bool(false)) => {}
            Ok(_) => {
                return Err(for_good(
                    "error_in_success",
                    format!(
                        "answered {} with an error: {}",
                        answer.status,
                        excerpt(&text)
                    ),
                ));
            }
            Err(e) => {
                return Err(unclear(
                    "error_unreadable",
                    format!("`{expr}` cannot be told: {e}; answered {}", excerpt(&text)),
                ));
            }
        }
    }
    let external_id = match &intent.spec.external_id {
        Some(pointer) => body.pointer(pointer).and_then(id_text),
        None => None,
    };
    Ok(Delivery {
        external_id,
        version_after: version(answer, &body),
        after: body
            .as_object()
            .and_then(|map| written(&intent.fields, map)),
        answer: text,
        repeated: replayed(answer),
        ..receipt(answer.status.to_string())
    })
}

/// An id as text; numbers are written out.
pub(super) fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(s) if !s.is_empty() => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

/// The version of a record: its `ETag`, else its field `version`.
pub(super) fn version(answer: &Answer, body: &Value) -> Option<String> {
    answer
        .header("etag")
        .map(str::to_owned)
        .or_else(|| body.get("version").and_then(id_text))
}

/// Did the other side answer from memory? The header differs between vendors.
fn replayed(answer: &Answer) -> bool {
    let says = |name: &str, word: &str| {
        answer
            .header(name)
            .is_some_and(|v| v.eq_ignore_ascii_case(word))
    };
    says("idempotent-replayed", "true")
        || says("idempotency-replayed", "true")
        || says("x-idempotency-lookup", "hit")
}

fn refusal(intent: &Intent, answer: &Answer, status: u16, secret: Option<&[u8]>) -> SendFault {
    let ability = intent.spec.ability;
    let detail = format!(
        "answered {status}: {}",
        scrub(&answer.body, secret, EXCERPT)
    );
    let later = |code| SendFault::RefusedForNow {
        code,
        detail: detail.clone(),
        retry_after: retry_after(&answer.headers),
    };
    match (status, ability) {
        (300 | 404 | 410, _) => SendFault::NoUniqueTarget { detail },
        (409, Ability::ServerKey) => later("in_progress"),
        (412, _) => SendFault::TargetChanged {
            detail: format!(
                "{detail}; the version of the snapshot was {}",
                intent.expected_version.as_deref().unwrap_or("not known")
            ),
        },
        (422, Ability::ServerKey) if names_the_key(&answer.body) => for_good("key_reuse", detail),
        (429, _) => later("rate_limited"),
        (503, _) => later("unavailable"),
        (401 | 403, _) => for_good("unauthorized", detail),
        (300..=399, _) => for_good("redirect", detail),
        // A stored error comes back for ever under this key, and execution had begun when it was
        // stored: repeating tells nothing new.
        (500.., _) if replayed(answer) => unclear("replayed_error", detail),
        (408 | 500.., Ability::ServerKey) => again(&later, "safe under the same key"),
        (408 | 500.., Ability::Upsert) if intent.spec.method != Some(HttpMethod::Post) => {
            again(&later, "safe by natural key")
        }
        (408 | 500.., _) => unclear("server_error", detail),
        (409, _) => for_good("conflict", detail),
        _ => for_good("refused", detail),
    }
}

/// A server error where sending again is safe; the reason goes into the record.
fn again(later: &dyn Fn(&'static str) -> SendFault, why: &str) -> SendFault {
    match later("server_error") {
        SendFault::RefusedForNow {
            code,
            detail,
            retry_after,
        } => SendFault::RefusedForNow {
            code,
            detail: format!("{detail} (sending again is {why})"),
            retry_after,
        },
        other => other,
    }
}

/// 422 is also used for bad data; the body says when the key is meant.
fn names_the_key(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    text.contains("idempoten") || (text.contains("key") && text.contains("reus"))
}

fn excerpt(text: &str) -> String {
    text.chars().take(EXCERPT).collect()
}
