//! What an error answer of a provider means: wait, give up, or somebody must pay.

use serde_json::Value;
use tuesday_domain::port::FaultKind;

use crate::net::{Answer, retry_after, scrub};

/// Longest detail that is kept, in characters.
const DETAIL: usize = 300;
/// Codes and words that name a spend limit, in lower case.
const SPENT: [&str; 7] = [
    "insufficient_quota",
    "billing_hard_limit",
    "billing_not_active",
    "spend limit",
    "spending limit",
    "spend_limit",
    "credit balance",
];

/// Kind, stable code and words for an answer whose status is not a success.
pub(super) fn meaning(answer: &Answer, secret: Option<&[u8]>) -> (FaultKind, &'static str, String) {
    let wait = retry_after(&answer.headers);
    let (kind, code) = match answer.status {
        402 => (FaultKind::Permanent, "spend_limit"),
        400..=499 if is_spent(&answer.body, wait.is_some()) => {
            (FaultKind::Permanent, "spend_limit")
        }
        401 => (FaultKind::Permanent, "unauthorized"),
        403 => (FaultKind::Permanent, "forbidden"),
        404 | 410 => (FaultKind::Permanent, "model_withdrawn"),
        413 => (FaultKind::Permanent, "too_large"),
        408 | 425 => (FaultKind::Transient(wait), "server_timeout"),
        409 => (FaultKind::Transient(wait), "conflict"),
        429 => (FaultKind::Transient(wait), "rate_limited"),
        503 | 529 => (FaultKind::Transient(wait), "overloaded"),
        500..=599 => (FaultKind::Transient(wait), "server_error"),
        300..=399 => (FaultKind::Permanent, "redirected"),
        _ => (FaultKind::Permanent, "bad_request"),
    };
    (
        kind,
        code,
        format!("status {}: {}", answer.status, words(&answer.body, secret)),
    )
}

/// Whether an error body says that money ran out. The bare word "billing" counts only without a wait, since some providers
/// mention it in ordinary rate limits.
pub(super) fn is_spent(body: &[u8], has_wait: bool) -> bool {
    let text = String::from_utf8_lossy(&body[..body.len().min(16 * 1024)]).to_lowercase();
    SPENT.iter().any(|word| text.contains(word)) || (!has_wait && text.contains("billing"))
}

/// The provider's own words, without the secret.
pub(super) fn words(body: &[u8], secret: Option<&[u8]>) -> String {
    let parsed: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let error = parsed.get("error").unwrap_or(&parsed);
    let part = |key: &str| error.get(key).and_then(Value::as_str);
    let text = match (
        part("code").or_else(|| part("type")),
        part("message")
            .or_else(|| part("detail"))
            .or(error.as_str()),
    ) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (None, Some(message)) => message.to_owned(),
        (Some(code), None) => code.to_owned(),
        (None, None) if looks_like_html(body) => return "an HTML page".to_owned(),
        (None, None) => return scrub(body, secret, DETAIL),
    };
    scrub(text.as_bytes(), secret, DETAIL)
}

/// A page for people where an answer for machines was due.
pub(super) fn looks_like_html(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<')
}
