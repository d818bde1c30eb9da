//! The clock of the stub world: the machine's, until a test sets it.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Means "ask the machine"; no moment jiff can express has this value.
const MACHINE: i64 = i64::MIN;

/// Milliseconds since the epoch, or [`MACHINE`].
#[derive(Debug)]
pub(crate) struct Clock(AtomicI64);

impl Clock {
    pub(crate) fn machine() -> Self {
        Self(AtomicI64::new(MACHINE))
    }

    /// Stands still at `now`, or follows the machine again.
    pub(crate) fn set(&self, now: Option<Timestamp>) {
        let millis = now.map_or(MACHINE, Timestamp::as_millisecond);
        self.0.store(millis, Ordering::Relaxed);
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the stub stands outside the engine, so it has a clock of its own; tests set it"
    )]
    pub(crate) fn now(&self) -> Timestamp {
        match self.0.load(Ordering::Relaxed) {
            MACHINE => Timestamp::now(),
            millis => Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }
}

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn text(at: Timestamp) -> String {
    format!("{at:.3}")
}
