//! What a system remembers under an idempotency key.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use crate::http::Reply;

/// Answers by key, for as long as the system lives or until they are told to expire.
#[derive(Debug, Default)]
pub(crate) struct Keys(HashMap<String, Kept>);

#[derive(Debug)]
struct Kept {
    request: u64,
    reply: Reply,
    ready_at: Option<Instant>,
}

/// What the memory says about a request.
pub(crate) enum Known {
    /// Never seen.
    New,
    /// The same request was answered with this.
    Same(Reply),
    /// The key belongs to another request.
    Other,
    /// The first request has not been answered yet.
    InProgress,
}

impl Keys {
    pub(crate) fn look(&self, key: &str, request: u64) -> Known {
        match self.0.get(key) {
            None => Known::New,
            Some(kept) if kept.request != request => Known::Other,
            Some(kept) if kept.ready_at.is_some_and(|at| Instant::now() < at) => Known::InProgress,
            Some(kept) => Known::Same(kept.reply.clone()),
        }
    }

    /// Keeps the answer; until `delay` is over the request counts as in progress.
    pub(crate) fn keep(&mut self, key: &str, request: u64, reply: &Reply, delay: Duration) {
        let ready_at = (!delay.is_zero()).then(|| Instant::now() + delay);
        self.0.insert(
            key.to_owned(),
            Kept {
                request,
                reply: reply.clone(),
                ready_at,
            },
        );
    }

    /// Forgets all keys, as a provider does when they expire.
    pub(crate) fn expire(&mut self) {
        self.0.clear();
    }
}

/// Tells requests apart by method, path and exact bytes.
pub(crate) fn fingerprint(method: &str, path: &str, body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (method, path, body).hash(&mut hasher);
    hasher.finish()
}
