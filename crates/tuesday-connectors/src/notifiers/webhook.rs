//! Notices to a chat webhook, signed after Standard Webhooks when a secret is set.

use bytes::Bytes;
use serde_json::json;
use tuesday_domain::definition::SecretHeader;
use tuesday_domain::port::{Message, Secrets};
use tuesday_domain::signature::sign;

use super::{TIMEOUT, id, text};
use crate::net::{Credential, HeaderMap, HeaderName, HeaderValue, Http, Method, Outgoing, Url};

/// Answers are not read beyond this many bytes.
const MOST_BYTES: usize = 64 * 1024;

pub(super) async fn send(
    http: &Http,
    secrets: &dyn Secrets,
    url: &str,
    secret: Option<&str>,
    auth: Option<&SecretHeader>,
    message: &Message,
) -> Result<(), String> {
    let body = serde_json::to_vec(&json!({ "text": text(message) })).map_err(|e| e.to_string())?;
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static("content-type"),
        HeaderValue::from_static("application/json"),
    );
    if let Some(reference) = secret {
        let (id, at) = (format!("msg_{}", id(message)), now_seconds());
        let signature =
            sign(&secrets.resolve(reference)?, &id, at, &body).map_err(|e| e.to_string())?;
        for (name, value) in [
            ("webhook-id", id),
            ("webhook-timestamp", at.to_string()),
            ("webhook-signature", signature),
        ] {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_str(&value).map_err(|e| e.to_string())?,
            );
        }
    }
    if let Some(auth) = auth {
        Credential::resolve(secrets, auth)?.apply(&mut headers);
    }
    deliver(http, secrets, url, headers, body).await
}

/// Posts a JSON body; a 2xx answer means that it was taken.
pub(super) async fn post(
    http: &Http,
    secrets: &dyn Secrets,
    url: &str,
    mut headers: HeaderMap,
    body: &serde_json::Value,
) -> Result<(), String> {
    headers.insert(
        HeaderName::from_static("content-type"),
        HeaderValue::from_static("application/json"),
    );
    let bytes = serde_json::to_vec(body).map_err(|e| e.to_string())?;
    deliver(http, secrets, url, headers, bytes).await
}

async fn deliver(
    http: &Http,
    secrets: &dyn Secrets,
    url: &str,
    headers: HeaderMap,
    body: Vec<u8>,
) -> Result<(), String> {
    let out = Outgoing {
        method: Method::POST,
        url: address(secrets, url)?,
        headers,
        body: Bytes::from(body),
        run: None,
        timeout: TIMEOUT,
        most_bytes: MOST_BYTES,
    };
    match http.send(out).await {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
        // The answer's text is left out: it may repeat the address, which may be a secret.
        Ok(answer) => Err(format!("answered {}", answer.status)),
        Err(fault) => Err(fault.detail),
    }
}

/// An address written out, or behind a secret reference. Errors never show it.
pub(super) fn address(secrets: &dyn Secrets, url: &str) -> Result<Url, String> {
    let bad = || "the webhook address is not an address".to_owned();
    if ["env:", "file:", "vault:"]
        .iter()
        .any(|kind| url.starts_with(kind))
    {
        let bytes = secrets.resolve(url)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| bad())?;
        return Url::parse(text.trim()).map_err(|_| bad());
    }
    Url::parse(url).map_err(|_| bad())
}

/// Seconds since 1970 by the wall clock.
#[expect(
    clippy::disallowed_methods,
    reason = "a signature's timestamp is checked by the receiver against its real clock"
)]
pub(super) fn now_seconds() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}
