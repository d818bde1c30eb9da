//! The one clock: the system's, or a test clock that only moves when told.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tuesday_domain::time::Timestamp;

/// Where "now" comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is set; microseconds since the epoch.
    Test(Arc<AtomicI64>),
}

impl Clock {
    /// A test clock that starts at `at`.
    #[must_use]
    pub fn test(at: Timestamp) -> Self {
        Self::Test(Arc::new(AtomicI64::new(at.micros())))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => system_now(),
            Self::Test(at) => Timestamp::from_micros(at.load(Ordering::SeqCst)),
        }
    }

    /// For lease arithmetic: nothing on the system clock (the database's own counts), the test
    /// clock's time otherwise.
    #[must_use]
    pub fn for_leases(&self) -> Option<Timestamp> {
        matches!(self, Self::Test(_)).then(|| self.now())
    }

    /// Sets a test clock; a system clock cannot be set.
    pub fn set(&self, to: Timestamp) -> bool {
        match self {
            Self::System => false,
            Self::Test(at) => {
                at.store(to.micros(), Ordering::SeqCst);
                true
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
fn system_now() -> Timestamp {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}
