//! A histogram with logarithmic buckets: constant memory, and no quantile off by more than 1.6 %.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Buckets for each doubling.
const FINE: usize = 64;
const FINE_BITS: u32 = FINE.trailing_zeros();
const BUCKETS: usize = (64 - FINE_BITS as usize + 1) * FINE;

/// Counts of durations.
#[derive(Debug, Clone)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    sum_ns: u128,
    max_ns: u64,
}

/// The usual quantiles, microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Measurements.
    pub count: u64,
    /// Half were faster.
    pub p50_us: f64,
    /// 90 % were faster.
    pub p90_us: f64,
    /// 99 % were faster.
    pub p99_us: f64,
    /// The slowest.
    pub max_us: f64,
    /// Arithmetic mean.
    pub mean_us: f64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: vec![0; BUCKETS],
            count: 0,
            sum_ns: 0,
            max_ns: 0,
        }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&mut self, taken: Duration) {
        let ns = u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(ns)] += 1;
        self.count += 1;
        self.sum_ns += u128::from(ns);
        self.max_ns = self.max_ns.max(ns);
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        self.buckets
            .iter_mut()
            .zip(&other.buckets)
            .for_each(|(mine, theirs)| *mine += theirs);
        self.count += other.count;
        self.sum_ns += other.sum_ns;
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// The duration that `permille` thousandths of the measurements do not exceed; zero when there
    /// are none.
    #[must_use]
    pub fn quantile(&self, permille: u64) -> Duration {
        let wanted = (u128::from(self.count) * u128::from(permille.min(1000)))
            .div_ceil(1000)
            .max(1);
        let mut seen = 0_u128;
        for (at, count) in self.buckets.iter().enumerate() {
            seen += u128::from(*count);
            if seen >= wanted {
                return Duration::from_nanos(top(at).min(self.max_ns));
            }
        }
        Duration::from_nanos(self.max_ns)
    }

    /// The usual quantiles.
    #[must_use]
    pub fn latency(&self) -> Latency {
        let us = |d: Duration| d.as_secs_f64() * 1e6;
        let mean_ns = self.sum_ns.checked_div(u128::from(self.count)).unwrap_or(0);
        Latency {
            count: self.count,
            p50_us: us(self.quantile(500)),
            p90_us: us(self.quantile(900)),
            p99_us: us(self.quantile(990)),
            max_us: us(Duration::from_nanos(self.max_ns)),
            mean_us: us(Duration::from_nanos(
                u64::try_from(mean_ns).unwrap_or(u64::MAX),
            )),
        }
    }
}

/// Small values have a bucket each; above, each doubling is cut into [`FINE`] parts.
fn bucket(ns: u64) -> usize {
    let doublings = (u64::BITS - ns.leading_zeros()).saturating_sub(FINE_BITS + 1);
    doublings as usize * FINE + usize::try_from(ns >> doublings).unwrap_or(0)
}

/// The largest value of a bucket.
fn top(at: usize) -> u64 {
    if at < 2 * FINE {
        return at as u64;
    }
    let doublings = at / FINE - 1;
    let within = (at - doublings * FINE) as u128;
    u64::try_from(((within + 1) << doublings) - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_one_another_and_hold_their_values() {
        let mut values: Vec<u64> = (0..5_000).collect();
        values.extend((0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]));
        values.push(u64::MAX);
        for value in values {
            let at = bucket(value);
            assert!(at < BUCKETS, "{value}");
            assert!(top(at) >= value, "{value} is above its bucket");
            assert!(
                at == 0 || top(at - 1) < value,
                "{value} fits the bucket before"
            );
            assert!(
                (top(at) - value) as f64 <= value as f64 / 64.0,
                "{value} is told too coarsely"
            );
        }
    }

    #[test]
    fn quantiles_of_a_known_series() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|us| histogram.record(Duration::from_micros(us)));
        let told = histogram.latency();
        let near = |told: f64, wanted: f64| (told - wanted).abs() <= wanted * 0.016;
        assert!(
            near(told.p50_us, 500.0) && near(told.p90_us, 900.0) && near(told.p99_us, 990.0),
            "{told:?}"
        );
        assert_eq!((told.count, told.max_us), (1000, 1000.0));
        assert!((told.mean_us - 500.5).abs() < 1e-6, "{told:?}");
    }

    #[test]
    fn merging_is_counting_together() {
        let (mut left, mut right) = (Histogram::default(), Histogram::default());
        left.record(Duration::from_millis(1));
        right.record(Duration::from_millis(9));
        left.merge(&right);
        assert_eq!(left.latency().count, 2);
        assert_eq!(left.quantile(1000), Duration::from_millis(9));
        assert_eq!(Histogram::default().quantile(500), Duration::ZERO);
    }
}
