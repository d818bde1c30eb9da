//! Whether this machine's clock agrees with the database's. Leases are counted by the database, due
//! times by the node: a node that lives in another time would do things too early or too late.

use std::time::Duration;

use tuesday_domain::problem::Problem;
use tuesday_engine::Clock;
use tuesday_store::{ReadError, StoreReader};

use crate::out::unavailable;

/// A node further off than this does not start.
pub(crate) const REFUSED: Duration = Duration::from_secs(5);
/// Said by `doctor`, and by a running node.
pub(crate) const NOTED: Duration = Duration::from_secs(2);
/// How often a running node looks.
const EVERY: Duration = Duration::from_secs(60);

/// How far the clocks are apart for certain: what the question itself took is given as doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Skew {
    /// Positive: the database is ahead.
    ahead_micros: i64,
    doubt: Duration,
}

impl Skew {
    /// Asks the database.
    pub(crate) async fn ask(reader: &StoreReader) -> Result<Self, ReadError> {
        let (ahead_micros, doubt) = reader.clock_ahead(|| Clock::System.now()).await?;
        Ok(Self {
            ahead_micros,
            doubt,
        })
    }

    /// Whether they are further apart than this, doubt set aside.
    pub(crate) fn exceeds(self, limit: Duration) -> bool {
        let apart = Duration::from_micros(self.ahead_micros.unsigned_abs());
        apart.saturating_sub(self.doubt) > limit
    }
}

impl std::fmt::Display for Skew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = Duration::from_micros(self.ahead_micros.unsigned_abs()).as_secs_f64();
        let way = if self.ahead_micros < 0 {
            "ahead of"
        } else {
            "behind"
        };
        write!(
            f,
            "this machine's clock is {seconds:.1} s {way} the database's"
        )
    }
}

/// Refuses to start a node whose clock is far off.
pub(crate) async fn refuse(reader: &StoreReader) -> Result<(), Problem> {
    let skew = Skew::ask(reader)
        .await
        .map_err(|e| unavailable(e.to_string()))?;
    if skew.exceeds(REFUSED) {
        return Err(Problem::new("clock_skew", skew.to_string())
            .way_out("set the clock of this machine or of the database's, and start again"));
    }
    Ok(())
}

/// Warns for as long as the node runs.
pub(crate) async fn watch(reader: StoreReader) {
    loop {
        tokio::time::sleep(EVERY).await;
        if let Ok(skew) = Skew::ask(&reader).await
            && skew.exceeds(NOTED)
        {
            tracing::warn!(%skew, "the clocks drift apart; due times on this node are wrong by that much");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubt_is_never_held_against_a_clock() {
        let skew = |ahead_micros, doubt| Skew {
            ahead_micros,
            doubt: Duration::from_millis(doubt),
        };
        assert!(skew(6_000_000, 100).exceeds(REFUSED));
        assert!(skew(-6_000_000, 100).exceeds(REFUSED));
        assert!(!skew(6_000_000, 2_000).exceeds(REFUSED));
        assert!(!skew(900_000, 0).exceeds(NOTED));
        assert_eq!(
            skew(-61_000_000, 0).to_string(),
            "this machine's clock is 61.0 s ahead of the database's"
        );
    }
}
