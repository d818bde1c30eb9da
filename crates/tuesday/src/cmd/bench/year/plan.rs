//! What happens when in the synthetic year: how many cases come in each part of each day, what the model
//! says to them, and on which days something changes. All of it follows from the size alone, so that two
//! years of one size are the same.

use std::time::Duration;

use tuesday_domain::ledger::day::Day;
use tuesday_domain::time::Timestamp;

/// Parts of a day: when the work of the part is done, and its share of the day in percent. They lie in the
/// shifts that the mix is watched by.
const PARTS: [(u64, u64); 3] = [(3 * 3_600, 15), (12 * 3_600, 60), (19 * 3_600, 25)];
/// A day on the weekend has this part of the cases of another one, in percent.
const WEEKEND: u64 = 40;
const DAY: u64 = 86_400;

/// A number without a pattern, the same for the same case and purpose.
pub(super) const fn mixed(n: u64, purpose: u64) -> u64 {
    let mut x = n
        .wrapping_add(0x632b_e59b_d9b4_e019)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ purpose.wrapping_mul(0xd1b5_4a32_d192_ed03);
    x ^= x >> 32;
    x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 29)
}

/// One of `of`.
pub(super) const fn dice(n: u64, purpose: u64, of: u64) -> u64 {
    mixed(n, purpose) % of
}

/// The year.
pub(super) struct Plan {
    pub(super) days: u64,
    pub(super) runs: u64,
    /// The first day, a Monday.
    pub(super) first: Day,
    /// Its midnight.
    pub(super) start: Timestamp,
}

/// A part of a day.
pub(super) struct Part {
    pub(super) day: u64,
    pub(super) at: Timestamp,
    /// Cases from this number on.
    pub(super) from: u64,
    pub(super) runs: u64,
    /// It is the first of its day.
    pub(super) opens_day: bool,
}

impl Plan {
    /// The day of the calendar.
    pub(super) fn day(&self, day: u64) -> Day {
        self.first.plus(i64::try_from(day).unwrap_or(0))
    }

    /// On which day something happens that is due after so many thousandths of the year.
    pub(super) const fn on(&self, thousandths: u64) -> u64 {
        self.days * thousandths / 1_000
    }

    /// The day from which on the model answers another way.
    pub(super) const fn drift_day(&self) -> u64 {
        self.on(680)
    }

    /// How many parts of a hundred the model says no to.
    pub(super) const fn noes(&self, day: u64) -> u64 {
        if day < self.drift_day() { 10 } else { 30 }
    }

    fn weight(day: u64, part: usize) -> u64 {
        let whole = if day % 7 >= 5 { WEEKEND } else { 100 };
        whole * PARTS[part].1
    }

    /// All parts of all days in order; together they have every case once.
    pub(super) fn parts(&self) -> Vec<Part> {
        let all = (0..self.days).flat_map(|day| (0..PARTS.len()).map(move |part| (day, part)));
        let total: u64 = all.clone().map(|(d, p)| Self::weight(d, p)).sum();
        let (mut before, mut from) = (0, 0);
        all.map(|(day, part)| {
            before += Self::weight(day, part);
            let upto =
                u64::try_from(u128::from(self.runs) * u128::from(before) / u128::from(total))
                    .unwrap_or(self.runs);
            let (first, runs) = (from, upto - from);
            from = upto;
            Part {
                day,
                at: self
                    .start
                    .plus(Duration::from_secs(day * DAY + PARTS[part].0)),
                from: first,
                runs,
                opens_day: part == 0,
            }
        })
        .collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn every_case_comes_once_and_weekends_are_quiet() {
        let plan = Plan {
            days: 365,
            runs: 1_000_000,
            first: Day::parse("2026-11-23").unwrap(),
            start: Timestamp::parse("2026-11-23T00:00:00Z").unwrap(),
        };
        let parts = plan.parts();
        assert_eq!(parts.len(), 3 * 365);
        assert_eq!(parts.iter().map(|p| p.runs).sum::<u64>(), 1_000_000);
        let next = parts.windows(2).all(|w| w[0].from + w[0].runs == w[1].from);
        assert!(next, "no case is left out and none comes twice");
        let day = |n: u64| -> u64 { parts.iter().filter(|p| p.day == n).map(|p| p.runs).sum() };
        assert!(day(4) > 2 * day(5), "{} and {}", day(4), day(5));
        assert!(plan.drift_day() > 28 && plan.noes(0) < plan.noes(364));
    }

    #[test]
    fn dice_are_fair_enough() {
        let hits = (0..100_000).filter(|n| dice(*n, 7, 10) == 0).count();
        assert!((9_500..10_500).contains(&hits), "{hits}");
    }
}
