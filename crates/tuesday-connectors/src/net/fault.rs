//! How far a failed call came, which decides whether it may simply be sent again.

use super::client::Answer;

/// A call that brought no complete answer.
#[derive(Debug, Clone)]
pub struct HttpFault {
    /// How far it came.
    pub stage: Stage,
    /// In words; holds no header, no query and no body.
    pub detail: String,
    /// Status, headers and the bytes that did arrive, when the answer had begun.
    pub partial: Option<Box<Answer>>,
}

/// How far a failed call came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The policy refused the address; nothing left this machine.
    Refused,
    /// No connection (name, TCP or TLS); the request was not sent.
    Connect,
    /// Sent, perhaps in part; no answer began.
    NoAnswer,
    /// The answer began and broke off.
    Cut,
    /// The deadline passed; whether the request arrived is unknown.
    TimedOut,
    /// The answer is larger than the caller reads.
    TooLarge,
}

impl HttpFault {
    /// Certainly nothing reached the other side, so it cannot have been applied.
    #[must_use]
    pub fn surely_unsent(&self) -> bool {
        matches!(self.stage, Stage::Refused | Stage::Connect)
    }

    /// Body bytes that arrived.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.partial
            .as_ref()
            .map_or(0, |partial| partial.body.len() as u64)
    }
}
