//! How the web part of a node is set up.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::Request;
use serde::Deserialize;
use tuesday_domain::port::Secrets;
use tuesday_domain::problem::Problem;

/// Renders the metrics page, in the text format of Prometheus.
pub type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

/// What the binary decides about API and console.
#[derive(Clone)]
pub struct WebConfig {
    /// Where people reach the console, without a slash at the end. `https` makes cookies secure.
    pub public_url: String,
    /// Largest request body in bytes, over all workflows; each workflow has its own limit below it.
    pub max_body_bytes: usize,
    /// One-time sign-in codes: code to handle of the person. Each works once.
    pub sign_in_codes: HashMap<String, String>,
    /// Demo only: the sign-in page lets anybody act as any active person.
    pub demo_people: bool,
    /// This node is meant to work, so without a worker it is not ready.
    pub needs_worker: bool,
    /// Proxies in front of this node whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// The company's identity provider, when there is one.
    pub identity: Option<IdentityProvider>,
    /// What `/metrics` prints; absent means that there is no such page.
    pub metrics: Option<MetricsText>,
}

impl WebConfig {
    /// A node with a worker, without codes, reached at `public_url`.
    #[must_use]
    pub fn new(public_url: impl Into<String>) -> Self {
        Self {
            public_url: public_url.into().trim_end_matches('/').to_owned(),
            max_body_bytes: 8 << 20,
            sign_in_codes: HashMap::new(),
            demo_people: false,
            needs_worker: true,
            trusted_proxies: Vec::new(),
            identity: None,
            metrics: None,
        }
    }

    /// Whether people reach the console over TLS.
    pub(crate) fn https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

/// `[sign_in.oidc]` of `tuesday.toml`: an OpenID Connect provider that people may sign in through.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    /// What people call it; stands on the button.
    pub name: String,
    /// The provider's own address, exactly as it names itself.
    pub issuer: String,
    /// The name this instance is registered under there.
    pub client_id: String,
    /// Reference to the client secret, `env:NAME` or `file:PATH`; absent for a public client.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// Only verified addresses of these domains get in; empty means any.
    #[serde(default)]
    pub email_domains: Vec<String>,
    /// A claim that the ID token must hold.
    #[serde(default)]
    pub required_claim: Option<RequiredClaim>,
    /// The provider must say one of these about the strength of its sign-in (`acr`); empty means any.
    #[serde(default)]
    pub acr: Vec<String>,
    /// The provider must name one of these ways of proof (`amr`), such as `mfa`; empty means any.
    #[serde(default)]
    pub amr: Vec<String>,
}

/// A claim and the value it must have, or a list that must have it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequiredClaim {
    /// Name of the claim.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What a provider answered.
#[derive(Clone, Debug)]
pub struct IdentityReply {
    /// HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

/// An answer that is on its way; what went wrong in words that hold no secret.
pub type IdentityAnswer = Pin<Box<dyn Future<Output = Result<IdentityReply, String>> + Send>>;
/// Sends one bounded request with a deadline, without following redirects.
pub type IdentityHttp = Arc<dyn Fn(Request<Vec<u8>>) -> IdentityAnswer + Send + Sync>;

/// A provider with what is needed to reach it.
#[derive(Clone)]
pub struct IdentityProvider {
    pub(crate) settings: OidcSettings,
    pub(crate) http: IdentityHttp,
    pub(crate) secrets: Arc<dyn Secrets>,
}

impl fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityProvider")
            .field("issuer", &self.settings.issuer)
            .finish_non_exhaustive()
    }
}

impl IdentityProvider {
    /// Checks what can be known without asking the provider.
    ///
    /// # Errors
    /// `bad_request` or `plaintext_secret`, naming the field.
    pub fn new(
        settings: OidcSettings,
        http: IdentityHttp,
        secrets: Arc<dyn Secrets>,
    ) -> Result<Self, Problem> {
        let bad = |field: &str, why: &str| {
            Problem::new("bad_request", format!("[sign_in.oidc] {field}: {why}"))
                .field(format!("sign_in.oidc.{field}"))
        };
        if settings.name.trim().is_empty() || settings.name.chars().count() > 60 {
            return Err(bad("name", "a name of 1 to 60 characters is needed"));
        }
        if settings.client_id.is_empty() {
            return Err(bad("client_id", "is empty"));
        }
        let issuer = openidconnect::url::Url::parse(&settings.issuer)
            .map_err(|_| bad("issuer", "is not an address"))?;
        let local = matches!(issuer.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if issuer.scheme() != "https" && !local {
            return Err(bad("issuer", "must be https"));
        }
        if settings
            .client_secret
            .as_deref()
            .is_some_and(|reference| !["env:", "file:"].iter().any(|p| reference.starts_with(p)))
        {
            return Err(Problem::new(
                "plaintext_secret",
                "[sign_in.oidc] client_secret is not a reference",
            )
            .field("sign_in.oidc.client_secret")
            .way_out("write `env:NAME` or `file:PATH`"));
        }
        Ok(Self {
            settings,
            http,
            secrets,
        })
    }
}
