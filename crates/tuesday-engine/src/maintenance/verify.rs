//! Verifies the whole audit log without being asked: what does not hold opens an incident before
//! somebody relies on it. Each node that seals does it for itself.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tuesday_domain::time::Timestamp;

use crate::engine::Engine;

/// After the start, and then between two looks.
const FIRST: Duration = Duration::from_secs(10 * 60);
const EVERY: Duration = Duration::from_secs(6 * 3_600);

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let Some(signer) = engine.0.config.signer.clone() else {
        return Ok(());
    };
    let now = engine.now();
    if !engine.0.verifies.is_due(now) {
        return Ok(());
    }
    let done = Box::pin(engine.verify_audit(signer.verifier(), &[], |_| {})).await;
    engine.0.verifies.next(now.plus(EVERY));
    match done {
        Ok(_) => Ok(()),
        Err(p) => Err(p.detail),
    }
}

/// When this node verifies next.
pub(crate) struct Verifies(Mutex<Timestamp>);

impl Verifies {
    /// Of a node that starts now.
    pub(crate) fn starting(now: Timestamp) -> Self {
        Self(Mutex::new(now.plus(FIRST)))
    }

    fn is_due(&self, now: Timestamp) -> bool {
        now >= *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, at: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}
