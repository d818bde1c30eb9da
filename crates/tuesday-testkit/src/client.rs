//! The HTTP API as a program outside sees it.

use std::sync::Once;
use std::time::Duration;

use serde_json::Value;

/// A client with a token.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    token: String,
}

/// An answer: status and body.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

impl Answer {
    /// The code of a problem, or the empty text.
    #[must_use]
    pub fn code(&self) -> &str {
        self.text("code")
    }

    /// A text member of the body, or the empty text.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.body
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

impl Client {
    /// A client that sends `token`.
    #[must_use]
    pub fn new(token: &str) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .tcp_nodelay(true)
            .build()
            .unwrap();
        Self {
            http,
            token: token.to_owned(),
        }
    }

    /// GET; `None` when there was no answer.
    pub async fn get(&self, url: &str) -> Option<Answer> {
        heard(self.http.get(url).bearer_auth(&self.token)).await
    }

    /// POST; `None` when there was no answer.
    pub async fn post(&self, url: &str, body: &Value) -> Option<Answer> {
        heard(self.http.post(url).bearer_auth(&self.token).json(body)).await
    }

    /// POST of exact bytes with exactly these headers, without the token.
    pub async fn post_bare(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Option<Answer> {
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json")
            .body(body.to_owned());
        heard(
            headers
                .iter()
                .fold(request, |r, (name, value)| r.header(*name, *value)),
        )
        .await
    }
}

async fn heard(request: reqwest::RequestBuilder) -> Option<Answer> {
    let answer = request.send().await.ok()?;
    let status = answer.status().as_u16();
    // A connection that breaks off in the body is no answer: nothing may be concluded from it.
    let bytes = answer.bytes().await.ok()?;
    Some(Answer {
        status,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    })
}
