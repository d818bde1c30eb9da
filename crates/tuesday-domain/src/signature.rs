//! Standard Webhooks 1.0.0: HMAC-SHA-256 over id, time and body, with a tolerance of five minutes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::time::Timestamp;

/// How far the sender's clock may be off, in seconds.
pub const TOLERANCE_S: i64 = 300;

/// Why a signed event is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is absent or unreadable.
    #[error("webhook-id, webhook-timestamp and webhook-signature are all needed")]
    Incomplete,
    /// Too old or too far ahead.
    #[error("webhook-timestamp is more than five minutes off")]
    ReplayWindow,
    /// No signature matches.
    #[error("no signature matches")]
    Mismatch,
    /// Our own secret is unusable.
    #[error("the webhook secret is not `whsec_` followed by base64 of 24 to 64 bytes")]
    Secret,
}

fn mac(
    secret: &[u8],
    id: &str,
    timestamp: &str,
    body: &[u8],
) -> Result<Hmac<Sha256>, SignatureError> {
    let text = std::str::from_utf8(secret)
        .map_err(|_| SignatureError::Secret)?
        .trim();
    let key = text
        .strip_prefix("whsec_")
        .and_then(|b| STANDARD.decode(b).ok())
        .ok_or(SignatureError::Secret)?;
    if !(24..=64).contains(&key.len()) {
        return Err(SignatureError::Secret);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| SignatureError::Secret)?;
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    Ok(mac)
}

/// Checks the three headers against the body; several signatures are allowed for rotation.
///
/// # Errors
/// See [`SignatureError`]; the comparison takes the same time wherever it fails.
pub fn verify(
    secret: &[u8],
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    if id.is_empty() || signatures.is_empty() {
        return Err(SignatureError::Incomplete);
    }
    let sent: i64 = timestamp.parse().map_err(|_| SignatureError::Incomplete)?;
    if (now.micros() / 1_000_000).saturating_sub(sent).abs() > TOLERANCE_S {
        return Err(SignatureError::ReplayWindow);
    }
    let mac = mac(secret, id, timestamp, body)?;
    for signature in signatures.split(' ') {
        if let Some(bytes) = signature
            .strip_prefix("v1,")
            .and_then(|b| STANDARD.decode(b).ok())
            && mac.clone().verify_slice(&bytes).is_ok()
        {
            return Ok(());
        }
    }
    Err(SignatureError::Mismatch)
}

/// Signs a body, for outgoing notices and for tests.
///
/// # Errors
/// When the secret is unusable.
pub fn sign(
    secret: &[u8],
    id: &str,
    timestamp: i64,
    body: &[u8],
) -> Result<String, SignatureError> {
    let mac = mac(secret, id, &timestamp.to_string(), body)?;
    Ok(format!(
        "v1,{}",
        STANDARD.encode(mac.finalize().into_bytes())
    ))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    // The example of the published specification.
    const SECRET: &[u8] = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIG: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn at(s: i64) -> Timestamp {
        Timestamp::from_micros(s * 1_000_000)
    }

    #[test]
    fn the_published_example_verifies() {
        assert_eq!(sign(SECRET, ID, 1_614_265_330, BODY).unwrap(), SIG);
        verify(
            SECRET,
            ID,
            "1614265330",
            &format!("v1,AAAA {SIG}"),
            BODY,
            at(1_614_265_330),
        )
        .unwrap();
    }

    #[test]
    fn a_changed_body_an_old_stamp_and_a_weak_secret_are_refused() {
        let now = at(1_614_265_330);
        assert_eq!(
            verify(SECRET, ID, "1614265330", SIG, b"{}", now),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            verify(SECRET, ID, "1614265330", SIG, BODY, at(1_614_265_631)),
            Err(SignatureError::ReplayWindow)
        );
        assert_eq!(
            verify(b"whsec_AAAA", ID, "1614265330", SIG, BODY, now),
            Err(SignatureError::Secret)
        );
        assert_eq!(
            verify(SECRET, ID, "x", SIG, BODY, now),
            Err(SignatureError::Incomplete)
        );
    }
}
