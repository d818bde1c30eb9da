//! How the web part of a node is set up.

use std::collections::HashMap;
use std::sync::Arc;

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
            metrics: None,
        }
    }

    /// Whether people reach the console over TLS.
    pub(crate) fn https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}
