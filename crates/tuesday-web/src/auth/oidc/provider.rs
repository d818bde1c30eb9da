//! The identity provider as it is reached: its description, its keys, its token address.
//!
//! The description and the keys are kept and read again when they are old, and at once when a token
//! names a key that nobody has seen. Every answer is bounded and has a deadline; that is the
//! business of the client that is handed in.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openidconnect::core::{
    CoreClientAuthMethod, CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet,
    CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::url::{Url, form_urlencoded};
use openidconnect::{
    ClaimsVerificationError, ClientId, Nonce, PkceCodeVerifier, SignatureVerificationError,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tuesday_domain::problem::Problem;

use super::refused;
use crate::config::{IdentityProvider, IdentityReply};

/// A description this old is read again before somebody is sent there, so that a provider that is
/// down shows here, on a page with other ways in, and not as a dead address.
const FRESH: Duration = Duration::from_secs(30);
/// After a failure nobody waits for the next one for this long.
const PAUSE: Duration = Duration::from_secs(5);
/// Unknown keys make the description be read again at most this often.
const KEYS_PAUSE: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 10 });

/// Signatures that only the provider can make. Never `none`, never one made with a shared secret.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 8] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EdDsa,
];

struct Read {
    metadata: Arc<CoreProviderMetadata>,
    at: Instant,
}

#[derive(Default)]
struct Cache {
    read: Option<Read>,
    failed: Option<(Instant, String)>,
}

/// What a code is good for.
pub(super) struct Traded {
    pub(super) id: CoreIdToken,
    /// Used once, at the userinfo address, and not kept.
    access: Option<String>,
}

/// One provider.
pub(super) struct Provider {
    identity: IdentityProvider,
    cache: Mutex<Cache>,
}

fn unavailable(why: &str) -> Problem {
    tracing::warn!(%why, "the identity provider cannot be used");
    Problem::new(
        "identity_unavailable",
        "it is down, or answers something else than it should",
    )
    .way_out("sign in with a passkey or a password, or try again in a minute")
}

impl Provider {
    pub(super) fn new(identity: IdentityProvider) -> Self {
        Self {
            identity,
            cache: Mutex::new(Cache::default()),
        }
    }

    /// Where people are sent to sign in.
    pub(super) async fn front_door(&self) -> Result<Url, Problem> {
        let metadata = self.described(FRESH).await?;
        Ok(metadata.authorization_endpoint().url().clone())
    }

    /// The description, not older than this.
    async fn described(&self, oldest: Duration) -> Result<Arc<CoreProviderMetadata>, Problem> {
        let mut cache = self.cache.lock().await;
        if let Some(read) = cache.read.as_ref().filter(|r| r.at.elapsed() < oldest) {
            return Ok(Arc::clone(&read.metadata));
        }
        if let Some((at, why)) = cache.failed.as_ref()
            && at.elapsed() < PAUSE
        {
            return Err(unavailable(why));
        }
        match self.discover().await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *cache = Cache {
                    read: Some(Read {
                        metadata: Arc::clone(&metadata),
                        at: Instant::now(),
                    }),
                    failed: None,
                };
                Ok(metadata)
            }
            Err(why) => {
                let problem = unavailable(&why);
                cache.failed = Some((Instant::now(), why));
                Err(problem)
            }
        }
    }

    async fn discover(&self) -> Result<CoreProviderMetadata, String> {
        let issuer = &self.identity.settings.issuer;
        let at = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let metadata: CoreProviderMetadata = self.read(&at).await?;
        if metadata.issuer().as_str() != issuer {
            return Err(format!("{at} describes another issuer"));
        }
        let keys: CoreJsonWebKeySet = self.read(metadata.jwks_uri().url().as_str()).await?;
        Ok(metadata.set_jwks(keys))
    }

    async fn read<T: DeserializeOwned>(&self, at: &str) -> Result<T, String> {
        let request = Request::get(at)
            .header(header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|e| format!("{at}: {e}"))?;
        let answer = (self.identity.http)(request).await;
        let answer = answer.map_err(|e| format!("{at}: {e}"))?;
        if answer.status != 200 {
            return Err(format!("{at}: status {}", answer.status));
        }
        serde_json::from_slice(&answer.body).map_err(|e| format!("{at}: {e}"))
    }

    /// Trades the code for an ID token and a token for the userinfo address.
    pub(super) async fn trade(
        &self,
        code: String,
        verifier: &PkceCodeVerifier,
        back: &str,
    ) -> Result<Traded, Problem> {
        let metadata = self.described(Duration::MAX).await?;
        let request = self.token_request(&metadata, &code, verifier, back)?;
        let answer = (self.identity.http)(request)
            .await
            .map_err(|why| unavailable(&why))?;
        traded(&answer)
    }

    /// Adds the mail address, and the claim that is asked for, where a provider keeps them out of its
    /// ID tokens. Nothing that was in the signed token is replaced.
    pub(super) async fn complete(
        &self,
        claims: &mut Value,
        traded: &Traded,
    ) -> Result<(), Problem> {
        let settings = &self.identity.settings;
        let wanted = settings.required_claim.as_ref().map(|c| c.name.as_str());
        let names: Vec<&str> = ["email", "email_verified"]
            .into_iter()
            .chain(wanted)
            .collect();
        let metadata = self.described(Duration::MAX).await?;
        let (Some(at), Some(access)) = (metadata.userinfo_endpoint(), &traded.access) else {
            return Ok(());
        };
        if names.iter().all(|name| claims.get(name).is_some()) {
            return Ok(());
        }
        let mut request = Request::get(at.as_str())
            .header(header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|e| unavailable(&format!("userinfo address: {e}")))?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {access}"))
            .map_err(|_| refused("the identity provider's answer cannot be read"))?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        let answer = (self.identity.http)(request).await;
        let answer = answer.map_err(|why| unavailable(&why))?;
        let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.status != 200 || told.get("sub").is_none() || told.get("sub") != claims.get("sub")
        {
            return Err(refused("the identity provider told about somebody else"));
        }
        for name in names {
            if claims.get(name).is_none()
                && let Some(value) = told.get(name)
            {
                claims[name] = value.clone();
            }
        }
        Ok(())
    }

    fn token_request(
        &self,
        metadata: &CoreProviderMetadata,
        code: &str,
        verifier: &PkceCodeVerifier,
        back: &str,
    ) -> Result<Request<Vec<u8>>, Problem> {
        let at = metadata
            .token_endpoint()
            .ok_or_else(|| unavailable("the description names no token address"))?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", back)
            .append_pair("code_verifier", verifier.secret())
            .append_pair("client_id", &self.identity.settings.client_id);
        let mut basic = None;
        if let Some(secret) = self.secret()? {
            let methods = metadata.token_endpoint_auth_methods_supported();
            let only_post = methods.is_some_and(|all| {
                !all.contains(&CoreClientAuthMethod::ClientSecretBasic)
                    && all.contains(&CoreClientAuthMethod::ClientSecretPost)
            });
            if only_post {
                form.append_pair("client_secret", &secret);
            } else {
                basic = Some(self.basic(&secret)?);
            }
        }
        let mut request = Request::post(at.as_str())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(form.finish().into_bytes())
            .map_err(|e| unavailable(&format!("token address: {e}")))?;
        if let Some(basic) = basic {
            request.headers_mut().insert(header::AUTHORIZATION, basic);
        }
        Ok(request)
    }

    /// Read when it is needed, so that a new secret counts from the next sign-in.
    fn secret(&self) -> Result<Option<String>, Problem> {
        let Some(reference) = self.identity.settings.client_secret.as_deref() else {
            return Ok(None);
        };
        let bytes = self
            .identity
            .secrets
            .resolve(reference)
            .map_err(|why| unavailable(&why))?;
        String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| unavailable("the client secret is no text"))
    }

    /// RFC 6749, 2.3.1: both parts are form-encoded before they are joined.
    fn basic(&self, secret: &str) -> Result<HeaderValue, Problem> {
        let encoded =
            |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
        let pair = format!(
            "{}:{}",
            encoded(&self.identity.settings.client_id),
            encoded(secret)
        );
        let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
            .map_err(|_| unavailable("the client secret cannot be sent"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The claims of a token that is true: issuer, audience, time, nonce, algorithm and signature.
    pub(super) async fn checked(
        &self,
        token: &CoreIdToken,
        nonce: Nonce,
    ) -> Result<Value, Problem> {
        let metadata = self.described(Duration::MAX).await?;
        let first = self.claims(&metadata, token, &nonce);
        let unknown_key = matches!(
            &first,
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey
            ))
        );
        let result = if unknown_key {
            let newer = self.described(KEYS_PAUSE).await?;
            self.claims(&newer, token, &nonce)
        } else {
            first
        };
        result.map_err(|e| {
            tracing::warn!(error = %e, "an ID token was refused");
            refused("the identity provider's answer does not check out")
        })?;
        payload(token).ok_or_else(|| refused("the identity provider's answer cannot be read"))
    }

    fn claims(
        &self,
        metadata: &CoreProviderMetadata,
        token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<(), ClaimsVerificationError> {
        let verifier = CoreIdTokenVerifier::new_public_client(
            ClientId::new(self.identity.settings.client_id.clone()),
            metadata.issuer().clone(),
            metadata.jwks().clone(),
        )
        .set_allowed_algs(ALGORITHMS)
        .set_other_audience_verifier_fn(|_| false);
        token.claims(&verifier, nonce).map(drop)
    }
}

fn traded(answer: &IdentityReply) -> Result<Traded, Problem> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status >= 500 {
        return Err(unavailable(&format!(
            "token address: status {}",
            answer.status
        )));
    }
    if answer.status != 200 {
        let code = body.get("error").and_then(Value::as_str).unwrap_or("none");
        let error = super::plain_word(code);
        tracing::warn!(status = answer.status, error, "a code was not traded");
        return Err(refused("the identity provider did not accept its own code"));
    }
    let text = body.get("id_token").and_then(Value::as_str);
    let text = text.ok_or_else(|| refused("the identity provider sent no ID token"))?;
    let access = body.get("access_token").and_then(Value::as_str);
    Ok(Traded {
        id: CoreIdToken::from_str(text).map_err(|_| refused("the ID token cannot be read"))?,
        access: access.map(str::to_owned),
    })
}

/// All claims of a token whose signature was checked.
fn payload(token: &CoreIdToken) -> Option<Value> {
    let text = token.to_string();
    let middle = text.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle).ok()?).ok()
}
