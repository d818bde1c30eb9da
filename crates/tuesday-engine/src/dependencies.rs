//! What this node knows about the systems it depends on: failures in a row, the last success, and which
//! of them are down by an open incident. What is down is spared, except for one try now and then that
//! finds out whether it is back. Failures of one run alone are no outage: it may be that run's own fault.
//!
//! Counts are this node's own and are lost with it; they are found again within a few calls. Which
//! incidents are open is read from the database, so all nodes spare the same systems.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tuesday_domain::id::RunId;
use tuesday_domain::record::Incident;
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::watch::Sample;
use tuesday_domain::trouble::{Category, key};

/// Failures in a row that make an outage.
const IN_A_ROW: u32 = 3;
/// Between two tries at a system that is down, on each node.
const PROBE: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Seen {
    row: u32,
    /// The first run of the row.
    first: Option<RunId>,
    /// Another run failed in the same row.
    several: bool,
    good_at: Option<Timestamp>,
    probed_at: Option<Timestamp>,
}

/// The node's picture.
#[derive(Default)]
pub(crate) struct Dependencies {
    seen: Mutex<HashMap<String, Seen>>,
    open: RwLock<Vec<Incident>>,
    backlog: Mutex<HashMap<String, Vec<Sample>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Dependencies {
    /// A call went through and its answer can be used.
    pub(crate) fn worked(&self, outage: Category, name: &str, now: Timestamp) {
        let mut seen = lock(&self.seen);
        let entry = seen.entry(key(outage, name)).or_default();
        (entry.row, entry.first, entry.several) = (0, None, false);
        entry.good_at = Some(now);
    }

    /// A call of this run failed; answers whether that makes an outage, or goes on with one.
    pub(crate) fn failed(&self, outage: Category, name: &str, run: RunId) -> bool {
        let down = self.is_down(outage, name);
        let mut seen = lock(&self.seen);
        let entry = seen.entry(key(outage, name)).or_default();
        entry.row = entry.row.saturating_add(1);
        entry.several |= *entry.first.get_or_insert(run) != run;
        down || (entry.several && entry.row >= IN_A_ROW)
    }

    /// A look that belongs to no run failed; answers how many did so in a row.
    pub(crate) fn failed_alone(&self, outage: Category, name: &str) -> u32 {
        let mut seen = lock(&self.seen);
        let entry = seen.entry(key(outage, name)).or_default();
        entry.row = entry.row.saturating_add(1);
        entry.row
    }

    /// When a call last went through here.
    pub(crate) fn good_at(&self, key: &str) -> Option<Timestamp> {
        lock(&self.seen).get(key).and_then(|s| s.good_at)
    }

    /// The open incidents, as just read.
    pub(crate) fn set_open(&self, incidents: Vec<Incident>) {
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = incidents;
    }

    /// The open incidents, as last read.
    pub(crate) fn open(&self) -> Vec<Incident> {
        self.open
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether a system is down by an open incident.
    pub(crate) fn is_down(&self, outage: Category, name: &str) -> bool {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        // Nothing is down as a rule, and then no name is built.
        open.iter()
            .any(|i| i.category == outage && i.state.is_burning() && i.key == key(outage, name))
    }

    /// Whether a try is due at a system that is down.
    pub(crate) fn probe_is_due(&self, outage: Category, name: &str, now: Timestamp) -> bool {
        let seen = lock(&self.seen);
        let last = seen.get(&key(outage, name)).and_then(|s| s.probed_at);
        last.is_none_or(|at| now.since(at) >= PROBE)
    }

    /// Takes the one try that is due; nobody else gets it.
    pub(crate) fn take_probe(&self, outage: Category, name: &str, now: Timestamp) -> bool {
        let mut seen = lock(&self.seen);
        let entry = seen.entry(key(outage, name)).or_default();
        let due = entry.probed_at.is_none_or(|at| now.since(at) >= PROBE);
        if due {
            entry.probed_at = Some(now);
        }
        due
    }

    /// Keeps what waits in a workflow, and answers what waited when over `window`.
    pub(crate) fn sample(&self, workflow: &str, now: Sample, window: Duration) -> Vec<Sample> {
        let mut all = lock(&self.backlog);
        let own = all.entry(workflow.to_owned()).or_default();
        own.push(now);
        // One sample from before the window stays: it says what was when the window began.
        let start = now.at.minus(window);
        let keep = own.iter().rposition(|s| s.at <= start).unwrap_or(0);
        own.drain(..keep);
        own.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: Category = Category::ProviderOutage;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::default().plus(Duration::from_secs(seconds))
    }

    fn run(n: u128) -> RunId {
        RunId::new(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn a_success_between_failures_is_no_outage_and_three_in_a_row_are_one() {
        let d = Dependencies::default();
        assert!(!d.failed(P, "m", run(1)));
        assert!(!d.failed(P, "m", run(2)));
        d.worked(P, "m", at(1));
        assert!(!d.failed(P, "m", run(1)));
        assert!(!d.failed(P, "other", run(2)));
        assert!(!d.failed(P, "m", run(2)));
        assert!(d.failed(P, "m", run(2)));
    }

    #[test]
    fn one_run_that_fails_for_ever_is_no_outage() {
        let d = Dependencies::default();
        assert!((0..20).all(|_| !d.failed(P, "m", run(1))));
        assert!(d.failed(P, "m", run(2)), "until another one fails too");
    }

    #[test]
    fn what_is_down_is_tried_once_in_a_while() {
        let d = Dependencies::default();
        assert!(d.take_probe(P, "m", at(0)));
        assert!(!d.take_probe(P, "m", at(4)));
        assert!(d.probe_is_due(P, "m", at(5)));
        assert!(d.take_probe(P, "m", at(5)));
    }

    #[test]
    fn samples_reach_back_over_the_window_and_no_further() {
        let d = Dependencies::default();
        let window = Duration::from_secs(60);
        for i in 0..100 {
            let now = Sample {
                at: at(i * 10),
                waiting: i,
            };
            let kept = d.sample("w", now, window);
            assert!(kept.len() <= 7);
        }
    }
}
