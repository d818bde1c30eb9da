//! The time in which no node was at work is stated by the first one that comes back: nobody in here could
//! say it before. Whoever listens to the signs of life outside noticed it; this says how long it was.
//!
//! Every node that works says so again and again, and says it when it stops because it was told to. One of
//! several that restarts finds the signs of the others and states nothing. Two that come back at once are
//! kept apart by the mark they both replace.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, Subject};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::{Category, Trouble};
use tuesday_store::{ApplyError, LastSeen};

use crate::engine::{Engine, apply_problem, read_problem};

/// Between two signs of a node.
pub const SIGN: Duration = Duration::from_secs(10);
/// Longer without a sign than this, and no node was at work.
const SILENT: Duration = Duration::from_secs(45);

/// A time without a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downtime {
    /// The last sign before it.
    pub from: Timestamp,
    /// When a node was back.
    pub until: Timestamp,
    /// The last node had stopped because it was told to.
    pub stopped: bool,
}

impl Downtime {
    /// How long it was.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.until.since(self.from)
    }

    /// The downtime between the last sign and now, if it was one. A database that was put back since
    /// knows nothing of the nodes after its backup: there the restore is what is stated.
    fn between(last: LastSeen, now: Timestamp, restored: Option<Timestamp>) -> Option<Self> {
        if restored.is_some_and(|at| at > last.at) {
            return None;
        }
        let down = Self {
            from: last.at,
            until: now,
            stopped: last.stopped,
        };
        (down.length() > SILENT).then_some(down)
    }

    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        let how = if self.stopped {
            "the last node had been stopped on purpose"
        } else {
            "the last node had ended without stopping: it crashed, was killed or lost its machine"
        };
        format!(
            "no node was at work from {} to {}, for {}; {how}",
            self.from.rfc3339(),
            self.until.rfc3339(),
            told(self.length())
        )
    }
}

/// A length in its two largest units.
fn told(length: Duration) -> String {
    let seconds = length.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

impl Engine {
    /// This node begins to work. States the time without one, and opens an incident when it was longer
    /// than `limit`.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn come_back(&self, limit: Duration) -> Result<Option<Downtime>, Problem> {
        let now = self.now();
        let restored = self.0.config.restored_at;
        let last = self.0.reader.last_seen().await.map_err(read_problem)?;
        let Some((last, down)) = last.and_then(|l| Some((l, Downtime::between(l, now, restored)?)))
        else {
            self.say_alive().await?;
            return Ok(None);
        };
        let mut changes = vec![Change::MarkReturned {
            seen_at: last.at,
            at: now,
        }];
        let actor = Actor::System("nodes");
        let mut entry = AuditEntry::new(now, actor, "instance.returned", Subject::Instance)
            .fact("from", down.from.rfc3339())
            .fact("until", down.until.rfc3339())
            .fact("seconds", down.length().as_secs())
            .fact("ended", if down.stopped { "stopped" } else { "lost" });
        // An instance without a workflow has no work that could wait, and nobody to tell.
        let works = !self.0.catalog.workflows().is_empty();
        if works && down.length() > limit {
            let trouble = Trouble::new(Category::NodeDown, "every node", None, down.words());
            entry = entry.fact("cause", trouble.key());
            changes.push(self.report_trouble(trouble));
        }
        match self.apply(Decision { changes, entry }).await {
            Ok(_) => Ok(Some(down)),
            // Another node was back first and has stated it.
            Err(ApplyError::Conflict { .. }) => {
                self.say_alive().await?;
                Ok(None)
            }
            Err(e) => Err(apply_problem(e)),
        }
    }

    /// This node is at work.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn say_alive(&self) -> Result<(), Problem> {
        let said = self.0.store.say_alive(self.now()).await;
        said.map_err(apply_problem)
    }

    /// This node stops because it was told to.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn say_stopped(&self) -> Result<(), Problem> {
        let said = self.0.store.say_stopped(self.now()).await;
        said.map_err(apply_problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_silence_is_a_restart_and_a_long_one_is_told_with_how_it_began() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let last = |stopped| LastSeen {
            at: at(100),
            stopped,
        };
        assert_eq!(Downtime::between(last(false), at(145), None), None);
        assert_eq!(
            Downtime::between(last(false), at(50), None),
            None,
            "a clock behind"
        );
        let down = Downtime::between(last(false), at(100 + 3_660), None);
        assert_eq!(
            down.map(|d| d.words()).unwrap_or_default(),
            "no node was at work from 1970-01-01T00:01:40.000Z to 1970-01-01T01:02:40.000Z, for 1 h 1 min; the last node \
             had ended without stopping: it crashed, was killed or lost its machine"
        );
        let clean = Downtime::between(last(true), at(146), None).map(|d| d.words());
        assert!(clean.is_some_and(|w| w.ends_with("stopped on purpose")));
        let restored = |seconds| Downtime::between(last(false), at(900), Some(at(seconds)));
        assert_eq!(restored(500), None, "the sign is as old as the backup");
        assert!(restored(50).is_some(), "restored before");
    }
}
