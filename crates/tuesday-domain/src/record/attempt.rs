//! One try of one step: what it cost, how long it took, how it ended.

use crate::id::RunId;
use crate::run::Step;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// How an attempt ended.
    AttemptResult {
        /// Did what it should.
        Done = "done",
        /// Failed for now.
        Transient = "transient",
        /// Failed for good.
        Permanent = "permanent",
        /// Cut at its timeout.
        TimedOut = "timed_out",
        /// The answer was unusable.
        Invalid = "invalid",
        /// The model refused.
        Refused = "refused",
        /// The lease was lost; the result came too late and was not used.
        Late = "late",
        /// Nobody knows whether it happened.
        Unclear = "unclear",
    }
}

/// What the provider reported; absent means unknown, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Usage {
    /// Tokens in.
    pub input_tokens: u64,
    /// Tokens out.
    pub output_tokens: u64,
}

/// One try of one step of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its run.
    pub run: RunId,
    /// The run's version it was recorded at; unique within the run together with `step`.
    pub seq: u32,
    /// Which step.
    pub step: Step,
    /// 1 for the first try of the step.
    pub number: u32,
    /// When it started.
    pub started_at: Timestamp,
    /// How long it took, in microseconds.
    pub duration_us: i64,
    /// How it ended.
    pub result: AttemptResult,
    /// Stable code of the failure.
    pub code: Option<String>,
    /// In words; never holds a secret.
    pub detail: Option<String>,
    /// Model calls: what was called, as pinned.
    pub model: Option<String>,
    /// Model calls: what the provider says it called.
    pub model_reported: Option<String>,
    /// Model calls: SHA-256 of the exact request text.
    pub request_hash: Option<[u8; 32]>,
    /// Payload number of the answer.
    pub answer_ref: Option<u32>,
    /// Tokens.
    pub usage: Option<Usage>,
    /// Cost in millionths of the price's currency; absent when unknown.
    pub cost_micros: Option<i64>,
    /// The currency of the cost; absent without a price.
    pub currency: Option<String>,
    /// The version of the price table it was booked by; 0 is the package's own price.
    pub price_version: Option<u32>,
    /// Bytes received before it ended.
    pub bytes_received: u64,
    /// When the next try is due.
    pub retry_at: Option<Timestamp>,
}
