//! Durations counted in classes that are 1.6 % wide, so that the percentiles of any span of days follow
//! from the days' own counts.
//!
//! Up to 63 every value has a class of its own; above, each doubling is cut into 64 classes (the layout
//! of an HDR histogram with six bits). A percentile is the middle of its class, so it is off by at most
//! 0.8 %.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

const BITS: u32 = 6;
const SUB: u64 = 1 << BITS;

/// Counts by class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram(BTreeMap<u32, u64>);

fn class(value: u64) -> u32 {
    if value < SUB {
        return u32::try_from(value).unwrap_or(0);
    }
    let shift = 63 - value.leading_zeros() - BITS;
    let sub = u32::try_from((value >> shift) & (SUB - 1)).unwrap_or(0);
    (shift + 1) * 64 + sub
}

fn middle(class: u32) -> u64 {
    if u64::from(class) < SUB {
        return u64::from(class);
    }
    let (shift, sub) = (class / 64 - 1, u64::from(class % 64));
    let low = (SUB + sub) << shift;
    low + ((1_u64 << shift) >> 1)
}

impl Histogram {
    /// Counts one value, in milliseconds or whatever unit the caller keeps.
    pub fn add(&mut self, value: u64) {
        *self.0.entry(class(value.min(u64::MAX >> 1))).or_default() += 1;
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        for (class, n) in &other.0 {
            *self.0.entry(*class).or_default() += n;
        }
    }

    /// How many values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// The mean and the standard deviation, to within the width of the classes; nothing without values.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a mean needs no more than 52 bits"
    )]
    pub fn mean_and_deviation(&self) -> Option<(f64, f64)> {
        let n = self.count();
        if n == 0 {
            return None;
        }
        let sum = |of: &dyn Fn(f64) -> f64| {
            let each = self.0.iter();
            each.map(|(class, count)| of(middle(*class) as f64) * *count as f64)
                .sum::<f64>()
        };
        let mean = sum(&|v| v) / n as f64;
        let square = sum(&|v| (v - mean).powi(2));
        Some((mean, (square / (n.max(2) - 1) as f64).sqrt()))
    }

    /// The value that `percent` of all do not exceed, to within 0.8 %; nothing without values.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let all = self.count();
        let rank = (all * percent.min(100)).div_ceil(100).max(1);
        let mut seen = 0;
        self.0
            .iter()
            .find(|(_, n)| {
                seen += **n;
                seen >= rank
            })
            .map(|(class, _)| middle(*class))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_values_are_exact_and_empty_ones_have_no_percentile() {
        let mut h = Histogram::default();
        assert_eq!(h.percentile(50), None);
        (1..=9).for_each(|v| h.add(v));
        assert_eq!(h.percentile(50), Some(5));
        assert_eq!(h.percentile(95), Some(9));
        assert_eq!(h.percentile(0), Some(1));
        let text = serde_json::to_string(&h).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), h);
    }

    proptest! {
        #[test]
        fn a_percentile_is_within_a_hundredth_of_the_sorted_values(
            mut values in prop::collection::vec(0_u64..90_000_000_000, 1..300), percent in 1_u64..=100,
        ) {
            let mut parts = [Histogram::default(), Histogram::default()];
            for (i, v) in values.iter().enumerate() {
                parts[i % 2].add(*v);
            }
            let [mut all, other] = parts;
            all.merge(&other);
            values.sort_unstable();
            let rank = usize::try_from((values.len() as u64 * percent).div_ceil(100)).unwrap();
            let exact = values[rank.max(1) - 1];
            let found = all.percentile(percent).unwrap();
            prop_assert!(found.abs_diff(exact) * 100 <= exact, "{found} for {exact}");
            prop_assert_eq!(all.count(), values.len() as u64);
        }
    }
}
