//! The one clock: the system's, or a test clock that only moves when told.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tuesday_domain::time::Timestamp;

/// Where "now" comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// The machine's clock moved by an offset in microseconds: it ticks, and it can be set.
    Test(Arc<AtomicI64>),
}

impl Clock {
    /// A test clock this many microseconds ahead of the machine's.
    #[must_use]
    pub fn offset(micros: i64) -> Self {
        Self::Test(Arc::new(AtomicI64::new(micros)))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => system_now(),
            Self::Test(offset) => {
                Timestamp::from_micros(system_now().micros() + offset.load(Ordering::SeqCst))
            }
        }
    }

    /// For lease arithmetic: nothing on the system clock (the database's own counts), the test
    /// clock's time otherwise.
    #[must_use]
    pub fn for_leases(&self) -> Option<Timestamp> {
        matches!(self, Self::Test(_)).then(|| self.now())
    }

    /// Moves a test clock to another offset; a system clock cannot be moved.
    pub fn set_offset(&self, micros: i64) -> bool {
        match self {
            Self::System => false,
            Self::Test(offset) => {
                offset.store(micros, Ordering::SeqCst);
                true
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the machine's clock"
)]
fn system_now() -> Timestamp {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}
