//! Signing in through the company's identity provider (OpenID Connect): code flow with PKCE.
//!
//! Who does what: this file begins a flow and judges the way back; `provider` reads the provider's
//! description and keys and trades the code; the engine says who the subject is here. The flow lies
//! in the database under its state, is good once and for minutes, and belongs to one browser by a
//! cookie, so that nobody can be signed in as somebody else by a link.
//!
//! Not relied on: anything the provider says about roles, and anything of the userinfo address beyond
//! a mail address and one claim, when its ID tokens leave them out. A provider says who somebody is and never what they may do.

mod provider;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests;

use axum::http::{HeaderMap, HeaderValue};
use openidconnect::{CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::CeremonyKind;
use tuesday_domain::time::Timestamp;
use tuesday_engine::Engine;
use tuesday_engine::ops::{ABSOLUTE, CEREMONY_LIFE, Identity};

use super::session::cookie;
use crate::config::{IdentityProvider, OidcSettings, WebConfig};
use provider::Provider;

/// Clocks of two machines may differ by this much, in seconds.
const SKEW_S: i64 = 60;

/// The provider of this instance.
pub(crate) struct Oidc {
    provider: Provider,
    settings: OidcSettings,
    back: String,
}

/// Where the browser goes, and the cookie that ties the flow to it.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) to: String,
    pub(crate) cookie: HeaderValue,
}

/// What the provider sends the browser back with.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Back {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// A flow that is under way, as it is stored.
#[derive(Serialize, Deserialize)]
struct Flow {
    v: u32,
    nonce: String,
    verifier: String,
    /// SHA-256 of the browser's cookie, in hex.
    browser: String,
    /// When it began, in microseconds since 1970.
    began: i64,
}

/// Who came back, and when the provider last saw a proof of that.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) identity: Identity,
    pub(crate) proved_at: Timestamp,
}

fn refused(why: impl Into<String>) -> Problem {
    Problem::new("identity_refused", why)
        .way_out("start again from the sign-in page; if it happens again, tell an administrator")
}

fn flow_cookie(config: &WebConfig) -> &'static str {
    if config.https() {
        "__Host-tuesday_flow"
    } else {
        "tuesday_flow"
    }
}

fn fingerprint(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

impl Back {
    /// Whether it is the way back of somebody who confirms, and not of somebody who enters.
    pub(crate) fn confirms(&self) -> bool {
        self.state.as_deref().is_some_and(|s| s.starts_with("c."))
    }
}

impl Oidc {
    pub(crate) fn new(identity: IdentityProvider, public_url: &str) -> Self {
        Self {
            settings: identity.settings.clone(),
            provider: Provider::new(identity),
            back: format!("{public_url}/sign-in/oidc/callback"),
        }
    }

    /// What people call the provider.
    pub(crate) fn name(&self) -> &str {
        &self.settings.name
    }

    /// Begins a flow; with `confirms`, for a fresh proof of this person.
    pub(crate) async fn begin(
        &self,
        engine: &Engine,
        config: &WebConfig,
        confirms: Option<&str>,
        address: &str,
    ) -> Result<Begun, Problem> {
        let mut to = self.provider.front_door().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (nonce, browser) = (Nonce::new_random(), CsrfToken::new_random());
        let flow = Flow {
            v: 1,
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
            browser: fingerprint(browser.secret()),
            began: engine.now().micros(),
        };
        let data =
            serde_json::to_string(&flow).map_err(|e| Problem::new("internal", e.to_string()))?;
        let (kind, mark) = kind(confirms.is_some());
        let handle = engine.begin_ceremony(kind, confirms, address, data).await?;
        let oldest = ABSOLUTE.as_secs().to_string();
        {
            let mut query = to.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &self.settings.client_id)
                .append_pair("redirect_uri", &self.back)
                .append_pair("scope", "openid email")
                .append_pair("state", &format!("{mark}.{handle}"))
                .append_pair("nonce", &flow.nonce)
                .append_pair("code_challenge", challenge.as_str())
                .append_pair("code_challenge_method", "S256");
            // With an age the provider must say when it last saw a proof.
            if confirms.is_some() {
                query
                    .append_pair("prompt", "login")
                    .append_pair("max_age", "0");
            } else {
                query.append_pair("max_age", &oldest);
            }
            if !self.settings.acr.is_empty() {
                query.append_pair("acr_values", &self.settings.acr.join(" "));
            }
        }
        let secure = if config.https() { "; Secure" } else { "" };
        let cookie = HeaderValue::from_str(&format!(
            "{}={}; HttpOnly; SameSite=Lax; Path=/; Max-Age={}{secure}",
            flow_cookie(config),
            browser.secret(),
            CEREMONY_LIFE.as_secs()
        ))
        .map_err(|e| Problem::new("internal", e.to_string()))?;
        Ok(Begun {
            to: to.into(),
            cookie,
        })
    }

    /// Judges the way back. The flow is used up, whatever comes of it.
    pub(crate) async fn back(
        &self,
        engine: &Engine,
        config: &WebConfig,
        headers: &HeaderMap,
        back: Back,
        confirms: Option<&str>,
    ) -> Result<Known, Problem> {
        let state = back.state.as_deref().unwrap_or_default();
        let (kind, mark) = kind(confirms.is_some());
        let handle = state.strip_prefix(&format!("{mark}.")).unwrap_or_default();
        let taken = engine.take_ceremony(kind, confirms, handle).await?;
        let flow: Flow = serde_json::from_str(&taken.data)
            .map_err(|_| Problem::new("record_damaged", "a stored flow cannot be read"))?;
        let browser = cookie(headers, flow_cookie(config)).unwrap_or_default();
        if !super::same_secret(&fingerprint(browser), &flow.browser) {
            return Err(refused("the sign-in was begun in another browser"));
        }
        if back
            .iss
            .as_deref()
            .is_some_and(|iss| iss != self.settings.issuer)
        {
            return Err(refused("the answer came from another identity provider"));
        }
        if let Some(error) = back.error.as_deref() {
            return Err(refused(format!(
                "the identity provider answered `{}`",
                plain_word(error)
            )));
        }
        let code = back
            .code
            .ok_or_else(|| refused("the answer holds no code"))?;
        let verifier = PkceCodeVerifier::new(flow.verifier);
        let traded = self.provider.trade(code, &verifier, &self.back).await?;
        let nonce = Nonce::new(flow.nonce);
        let mut claims = self.provider.checked(&traded.id, nonce).await?;
        self.provider.complete(&mut claims, &traded).await?;
        let known = self.known(&claims)?;
        let fresh = known.proved_at.micros() >= flow.began - SKEW_S * 1_000_000;
        if confirms.is_some() && !fresh {
            return Err(refused(
                "the identity provider did not ask for a fresh proof, or did not say when it did",
            )
            .way_out("confirm with a passkey or a password"));
        }
        Ok(known)
    }

    /// What the settings ask for beyond a true token.
    fn known(&self, claims: &Value) -> Result<Known, Problem> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let s = &self.settings;
        if !s.acr.is_empty() && !text("acr").is_some_and(|acr| s.acr.iter().any(|a| a == acr)) {
            return Err(refused(
                "the sign-in at the provider was not strong enough (acr)",
            ));
        }
        let ways = claims.get("amr").and_then(Value::as_array);
        let strong = ways.is_some_and(|all| {
            all.iter()
                .filter_map(Value::as_str)
                .any(|way| s.amr.iter().any(|a| a == way))
        });
        if !s.amr.is_empty() && !strong {
            return Err(refused(
                "the sign-in at the provider was not strong enough (amr)",
            ));
        }
        if let Some(wanted) = &s.required_claim
            && !holds(claims.get(&wanted.name), &wanted.value)
        {
            return Err(refused(format!(
                "the company account lacks the claim `{}` that this instance asks for",
                wanted.name
            )));
        }
        let verified = claims.get("email_verified").and_then(Value::as_bool) == Some(true);
        let email = text("email").filter(|_| verified).map(str::to_owned);
        if !s.email_domains.is_empty() {
            let domain = email.as_deref().and_then(|e| e.rsplit_once('@'));
            let allowed = |d: &str| s.email_domains.iter().any(|a| a.eq_ignore_ascii_case(d));
            if !domain.is_some_and(|(_, d)| allowed(d)) {
                return Err(refused(
                    "the company account has no verified address of an allowed domain",
                ));
            }
        }
        let subject = text("sub").ok_or_else(|| refused("the answer names nobody"))?;
        let proved_s = claims.get("auth_time").and_then(Value::as_i64).unwrap_or(0);
        Ok(Known {
            identity: Identity {
                issuer: s.issuer.clone(),
                subject: subject.to_owned(),
                verified_email: email,
            },
            proved_at: Timestamp::from_micros(proved_s.saturating_mul(1_000_000)),
        })
    }
}

const fn kind(confirms: bool) -> (CeremonyKind, &'static str) {
    if confirms {
        (CeremonyKind::OidcConfirm, "c")
    } else {
        (CeremonyKind::OidcEnter, "e")
    }
}

/// The claim is this text, or a list that has it.
fn holds(claim: Option<&Value>, wanted: &str) -> bool {
    match claim {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Array(all)) => all.iter().any(|v| v.as_str() == Some(wanted)),
        _ => false,
    }
}

/// An error code of the protocol; whatever else stands there is somebody's text and not shown.
fn plain_word(error: &str) -> &str {
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    if error.len() <= 40 && error.chars().all(plain) {
        error
    } else {
        "an error"
    }
}
