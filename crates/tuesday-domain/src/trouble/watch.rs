//! When a watcher speaks: the limits behind stuck work, a growing backlog, a silent trigger and a
//! broken delivery promise. Numbers in, a judgement with its reason out.

use std::time::Duration;

use crate::definition::{Definition, ExpectSpec, Period};
use crate::time::Timestamp;

/// No step counts as stuck before this.
pub const STUCK_AT_LEAST: Duration = Duration::from_secs(300);
/// Fewer waiting items than this are no backlog that grows; their age is still looked at.
pub const FEW: u64 = 20;
/// Late deliveries in a hundred before the promise is broken: the promise is about the 95th percentile.
pub const LATE_PERCENT: u64 = 5;

/// How long a machine's step may take without a change before it counts as stuck.
#[must_use]
pub fn stuck_after(def: &Definition) -> Duration {
    let longest = def
        .limits
        .model_timeout
        .0
        .max(def.limits.connector_timeout.0);
    def.watch.stuck_after.map_or_else(
        || STUCK_AT_LEAST.max(longest.saturating_mul(2)),
        |span| span.0,
    )
}

/// What waited when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When it was counted.
    pub at: Timestamp,
    /// How many items waited.
    pub waiting: u64,
}

/// A backlog that grew over a whole window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// How many waited at its beginning.
    pub from: u64,
    /// How many wait now.
    pub to: u64,
    /// How long the window was.
    pub over: Duration,
}

/// Whether more arrived than was done over `window`, ending now. Samples are in order of time.
#[must_use]
pub fn growth(samples: &[Sample], window: Duration) -> Option<Growth> {
    let last = samples.last()?;
    let start = last.at.minus(window);
    // Without a sample from before the window nobody knows what was then.
    let first = samples.iter().rev().find(|s| s.at <= start)?;
    let inside: Vec<u64> = samples
        .iter()
        .filter(|s| s.at >= first.at)
        .map(|s| s.waiting)
        .collect();
    let middle = inside[inside.len() / 2];
    let grows = first.waiting < last.waiting && first.waiting <= middle && middle <= last.waiting;
    // A tenth more is noise.
    let clearly = last.waiting.saturating_sub(first.waiting) * 10 > first.waiting;
    (grows && clearly && last.waiting >= FEW).then(|| Growth {
        from: first.waiting,
        to: last.waiting,
        over: last.at.since(first.at),
    })
}

/// When a backlog is cleared at the rate of `done` in `over`, if nothing more arrived; `None` when
/// nothing was done.
#[must_use]
pub fn clears_in(waiting: u64, done: u64, over: Duration) -> Option<Duration> {
    if done == 0 {
        return None;
    }
    let seconds = over.as_secs().saturating_mul(waiting) / done;
    Some(Duration::from_secs(seconds))
}

/// Whether a period that is over had fewer events than were expected; in words.
#[must_use]
pub fn silent(expect: &ExpectSpec, weekday: bool, counted: u64) -> Option<String> {
    let applies = match expect.per {
        Period::Hour | Period::Day => true,
        Period::Weekday => weekday,
    };
    (applies && counted < u64::from(expect.events)).then(|| {
        format!(
            "{counted} events arrived in the last {}, at least {} were expected",
            expect.per.word(),
            expect.events
        )
    })
}

/// Whether more deliveries were late than the promise allows. A run without a receipt past its time
/// counts as late.
#[must_use]
pub const fn promise_broken(all: u64, late: u64) -> bool {
    late * 100 > all * LATE_PERCENT
}

/// Whether the free part of a volume is so small that people must act before it is full: less than
/// `least_percent` of it, or less than a GiB.
#[must_use]
pub const fn filling(free_bytes: u64, all_bytes: u64, least_percent: u8) -> bool {
    const LEAST: u64 = 1 << 30;
    free_bytes < LEAST || free_bytes as u128 * 100 < all_bytes as u128 * least_percent as u128
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(waiting: &[u64]) -> Vec<Sample> {
        let at = |i: usize| Timestamp::default().plus(Duration::from_secs(60 * i as u64));
        let of = |(i, &waiting)| Sample { at: at(i), waiting };
        waiting.iter().enumerate().map(of).collect()
    }

    #[test]
    fn only_a_backlog_that_grew_over_the_whole_window_speaks() {
        let ten = Duration::from_secs(600);
        let up: Vec<u64> = (0..=10).map(|i| 20 + i * 5).collect();
        assert_eq!(
            growth(&samples(&up), ten),
            Some(Growth {
                from: 20,
                to: 70,
                over: ten
            })
        );
        assert_eq!(
            growth(&samples(&up[..5]), ten),
            None,
            "the window is not over"
        );
        let burst = [20, 90, 80, 70, 60, 50, 40, 30, 25, 22, 21];
        assert_eq!(growth(&samples(&burst), ten), None);
        let small: Vec<u64> = (0..=10).collect();
        assert_eq!(growth(&samples(&small), ten), None);
        assert_eq!(growth(&[], ten), None);
    }

    #[test]
    fn the_forecast_needs_something_that_is_done() {
        let hour = Duration::from_secs(3_600);
        assert_eq!(clears_in(200, 100, hour), Some(Duration::from_secs(7_200)));
        assert_eq!(clears_in(200, 0, hour), None);
    }

    #[test]
    fn five_in_a_hundred_late_is_kept_and_six_is_not() {
        assert!(!promise_broken(100, 5));
        assert!(promise_broken(100, 6));
        assert!(promise_broken(1, 1));
        assert!(!promise_broken(0, 0));
    }

    #[test]
    fn a_weekend_is_not_silent_and_a_weekday_is() {
        let expect = ExpectSpec {
            events: 20,
            per: Period::Weekday,
        };
        assert!(silent(&expect, true, 19).is_some());
        assert!(silent(&expect, true, 20).is_none());
        assert!(silent(&expect, false, 0).is_none());
    }

    #[test]
    fn a_volume_speaks_before_it_is_full() {
        assert!(filling(5 << 30, 100 << 30, 10));
        assert!(!filling(20 << 30, 100 << 30, 10));
        assert!(!filling(5 << 30, 100 << 30, 4));
        assert!(
            !filling(10 << 30, 100 << 30, 10),
            "the bound itself is enough"
        );
        assert!(filling(1 << 29, 1 << 32, 0));
    }
}
