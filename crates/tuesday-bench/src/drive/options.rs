//! What is sent, where to, and how fast.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};

use crate::client::Address;
use crate::fault::BenchError;

/// Makes the body of event number so-and-so.
pub type BodyMaker = Arc<dyn Fn(u64) -> Bytes + Send + Sync>;

/// Options of the load generator.
#[derive(Clone)]
pub struct DriveOptions {
    /// Such as `http://127.0.0.1:4300`.
    pub base_url: String,
    /// The workflow whose trigger takes the events.
    pub workflow: String,
    /// Sent as a bearer token.
    pub token: Option<String>,
    /// Events to send.
    pub runs: u64,
    /// Connections, each with one event under way.
    pub concurrency: usize,
    /// Events a second over all connections; as fast as they are accepted when absent.
    pub rate: Option<f64>,
    /// Size of the default body, about, in bytes.
    pub body_bytes: usize,
    /// Body of each event, in place of the default one.
    pub body: Option<BodyMaker>,
    /// Start of the idempotency keys; must differ from one drive to the next on the same data.
    pub key_prefix: String,
    /// How long no run may be finished before the drive gives up.
    pub patience: Duration,
}

impl fmt::Debug for DriveOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token is left out on purpose.
        f.debug_struct("DriveOptions")
            .field("base_url", &self.base_url)
            .field("workflow", &self.workflow)
            .field("runs", &self.runs)
            .field("concurrency", &self.concurrency)
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

impl DriveOptions {
    /// A thousand runs of 2 kB from 64 connections, as fast as they are accepted.
    #[must_use]
    pub fn new(base_url: &str, workflow: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            workflow: workflow.to_owned(),
            token: None,
            runs: 1_000,
            concurrency: 64,
            rate: None,
            body_bytes: 2_048,
            body: None,
            key_prefix: "bench".to_owned(),
            patience: Duration::from_secs(30),
        }
    }

    /// Where events go.
    pub(super) fn address(&self) -> Result<Address, BenchError> {
        let base = self.base_url.trim_end_matches('/');
        Address::parse(&format!("{base}/api/v1/triggers/{}", self.workflow))
    }

    pub(super) fn check(&self) -> Result<(), BenchError> {
        if self.runs == 0 {
            return Err(BenchError::Nothing("runs"));
        }
        if self.concurrency == 0 {
            return Err(BenchError::Nothing("concurrency"));
        }
        match self.rate {
            Some(rate) if !(rate.is_finite() && rate > 0.0) => Err(BenchError::Nothing("rate")),
            _ => Ok(()),
        }
    }

    pub(super) fn headers(
        &self,
        number: u64,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, BenchError> {
        let key = format!("{}-{number}", self.key_prefix);
        let value = |text: String| {
            HeaderValue::try_from(text)
                .map_err(|_| BenchError::Address("the token or key prefix is no header".to_owned()))
        };
        let mut headers = vec![(HeaderName::from_static("idempotency-key"), value(key)?)];
        if let Some(token) = &self.token {
            headers.push((AUTHORIZATION, value(format!("Bearer {token}"))?));
        }
        Ok(headers)
    }

    pub(super) fn body(&self, number: u64) -> Bytes {
        match &self.body {
            Some(make) => make(number),
            None => default_body(number, self.body_bytes),
        }
    }
}

/// An event with an id, a subject and enough text. The text differs from event to event, because
/// stores compress what repeats itself, and real events do not.
fn default_body(number: u64, bytes: usize) -> Bytes {
    let mut body = format!(r#"{{"id":"E-{number}","subject":"Delivery {number}","text":""#);
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while body.len() + 2 < bytes {
        // Marsaglia's xorshift: cheap, and the same for the same number.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let word = WORDS[usize::try_from(state >> 59).unwrap_or(0)];
        let _ = write!(body, "{word} {} ", state >> 44 & 0xfff);
    }
    body.truncate(
        bytes
            .saturating_sub(2)
            .max(body.find(r#"text":""#).map_or(0, |at| at + 7)),
    );
    body.push_str(r#""}"#);
    Bytes::from(body)
}

const WORDS: [&str; 32] = [
    "pallet",
    "invoice",
    "late",
    "driver",
    "order",
    "missing",
    "carton",
    "refund",
    "please",
    "check",
    "Tuesday",
    "account",
    "broken",
    "label",
    "second",
    "delivery",
    "warehouse",
    "noon",
    "signed",
    "nobody",
    "called",
    "again",
    "price",
    "wrong",
    "size",
    "return",
    "before",
    "week",
    "contract",
    "still",
    "waiting",
    "answer",
];
