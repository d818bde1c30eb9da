//! What a workflow comes to on two days: thirty days after it was installed, and on the day that its
//! ninety-day metric names. Pure: figures in, words and a verdict out.

use std::time::Duration;

use super::weekly::is_kept;
use crate::ledger::shown::{Shown, Unit};
use crate::time::{Span, Timestamp};
use crate::watch::{Comparison, Judged, Metric, OnMissing, PauseRule, Standing};
use crate::words::words;

/// The checkpoint is so long after the installation.
pub const THIRTY: Duration = Duration::from_secs(30 * 86_400);
/// A day that nobody looked at for so long is told as late.
const LATE: Duration = Duration::from_secs(2 * 86_400);

/// Is the day of the checkpoint here? One that was missed is told late, and never dropped.
#[must_use]
pub fn is_thirty(installed: Timestamp, now: Timestamp) -> bool {
    is_here(installed.plus(THIRTY), now)
}

/// Is a day that begins at this moment here, or gone?
#[must_use]
pub fn is_here(begins: Timestamp, now: Timestamp) -> bool {
    now >= begins
}

/// What is said first about a day that began at this moment and is looked at only now; empty in time.
#[must_use]
pub fn late_words(begins: Timestamp, now: Timestamp) -> String {
    let late = now.since(begins);
    if late < LATE {
        return String::new();
    }
    format!(
        "Told late, {} days after its day: nothing was running to tell it. ",
        late.as_secs() / 86_400
    )
}

/// The ninety-day metric as a charter states it.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// What it is, when records can tell it.
    pub metric: Option<Metric>,
    /// At most the number, or at least.
    pub at_most: bool,
    /// The number.
    pub number: f64,
    /// The day of the verdict, `YYYY-MM-DD`.
    pub day: String,
}

impl Target {
    /// Of a statement in its one form: `override_rate at most 10 by 2027-02-28`.
    #[must_use]
    pub fn of(statement: &str) -> Option<Self> {
        let words: Vec<&str> = statement.split_whitespace().collect();
        let [name, "at", comparison, number, .., "by", day] = words.as_slice() else {
            return None;
        };
        Some(Self {
            name: (*name).to_owned(),
            metric: name.parse().ok().filter(|m| is_kept(*m)),
            at_most: *comparison == "most",
            number: number.parse().ok()?,
            day: (*day).to_owned(),
        })
    }

    /// The rule that is met when the target is missed (`at most`) or kept (`at least`).
    #[must_use]
    pub fn as_rule(&self, metric: Metric) -> PauseRule {
        PauseRule {
            name: "ninety-day metric".to_owned(),
            metric,
            comparison: if self.at_most {
                Comparison::Above
            } else {
                Comparison::AtLeast
            },
            number: self.number,
            over_runs: None,
            over: Some(Span(THIRTY)),
            signal: None,
            on_missing: OnMissing::Pause,
        }
    }

    /// The verdict over what was judged.
    #[must_use]
    pub const fn verdict(&self, judged: &Judged) -> Verdict {
        match (judged.standing, self.at_most) {
            (Standing::Met, false) | (Standing::Clear, true) => Verdict::Met,
            (Standing::Met, true) | (Standing::Clear, false) => Verdict::NotMet,
            (Standing::Counting | Standing::Missing, _) => Verdict::Unknown,
        }
    }
}

words! {
    /// What a day came to.
    Verdict {
        /// The target was kept, or it works.
        Met = "met",
        /// The target was missed, or it does not work.
        NotMet = "not_met",
        /// Nobody can tell: no data.
        Unknown = "unknown",
    }
}

/// Day thirty in words: does it work, what does it save, how often is it wrong.
#[must_use]
pub fn thirty(figures: &[Shown]) -> (Verdict, String) {
    let of = |key: &str| figures.iter().find(|f| f.key == key);
    let count = |key: &str| of(key).and_then(|f| f.value).unwrap_or(0);
    let (runs, resolved) = (count("runs"), count("resolved"));
    if runs == 0 {
        let words =
            "No data: not one run was received in thirty days. Nobody can say whether it works.";
        return (Verdict::Unknown, words.to_owned());
    }
    let verdict = if resolved > 0 {
        Verdict::Met
    } else {
        Verdict::NotMet
    };
    let works = format!("Is it working? {resolved} of {runs} runs were resolved.");
    let said = |key: &str, title: &str| {
        let text = of(key).map_or_else(|| "not kept".to_owned(), shown);
        format!("{title}: {text}.")
    };
    let words = [
        works,
        said("net_saved", "Time saved"),
        said("error_after", "Wrong after the fact"),
    ];
    (verdict, words.join(" "))
}

/// A figure with its interval, or what is lacking.
fn shown(f: &Shown) -> String {
    let Some(value) = f.value else {
        return format!("not known, {}", f.means);
    };
    let text = |n: i64| match f.unit {
        Unit::Time => {
            let minutes = n.unsigned_abs() / 60_000;
            let sign = if n < 0 { "-" } else { "" };
            format!("{sign}{} h {} min", minutes / 60, minutes % 60)
        }
        Unit::Share => format!("{}.{} %", n / 10_000, (n % 10_000).abs() / 1_000),
        Unit::Count | Unit::Money => n.to_string(),
    };
    match (f.low, f.high) {
        (Some(low), Some(high)) => {
            format!("{} (from {} to {})", text(value), text(low), text(high))
        }
        _ => text(value),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use crate::watch::{Reading, judge};

    fn at(days: u64) -> Timestamp {
        Timestamp::from_micros(0).plus(Duration::from_secs(days * 86_400))
    }

    #[test]
    fn a_day_comes_and_one_that_was_missed_is_told_late_and_never_dropped() {
        let installed = at(100);
        for (day, is) in [
            (129, false),
            (130, true),
            (159, true),
            (160, true),
            (400, true),
        ] {
            assert_eq!(is_thirty(installed, at(day)), is, "day {day}");
        }
        for (day, is) in [(89, false), (90, true), (119, true), (120, true)] {
            assert_eq!(is_here(at(90), at(day)), is, "day {day}");
        }
        assert_eq!(late_words(at(90), at(91)), "");
        assert!(late_words(at(90), at(160)).starts_with("Told late, 70 days after its day"));
    }

    #[test]
    fn a_target_is_kept_at_its_very_number_and_unknown_without_data() {
        let most = Target::of("override_rate at most 10 by 2027-02-28").unwrap();
        assert_eq!(most.day, "2027-02-28");
        let least = Target::of("cost_per_day at least 5 EUR by 2027-02-28").unwrap();
        let of = |t: &Target, reading: Reading| {
            t.verdict(&judge(&t.as_rule(t.metric.unwrap()), &reading))
        };
        let share = |part, whole| Reading::Share { part, whole };
        assert_eq!(of(&most, share(1, 10)), Verdict::Met);
        assert_eq!(of(&most, share(11, 100)), Verdict::NotMet);
        assert_eq!(of(&most, share(0, 0)), Verdict::Unknown);
        assert_eq!(
            of(&most, Reading::Missing("no price".into())),
            Verdict::Unknown
        );
        let amount = |milli| Reading::Amount { milli };
        assert_eq!(of(&least, amount(5_000)), Verdict::Met);
        assert_eq!(of(&least, amount(4_999)), Verdict::NotMet);
        assert_eq!(
            Target::of("happiness at least 5 by 2027-02-28")
                .unwrap()
                .metric,
            None
        );
        // A count of signals without their kind, and a moment's silence, have no value over a week.
        for none in [
            "signals at most 5 by 2027-02-28",
            "silence at most 60 by 2027-02-28",
        ] {
            assert_eq!(Target::of(none).unwrap().metric, None, "{none}");
        }
        assert_eq!(Target::of("faster and better"), None);
    }

    #[test]
    fn day_thirty_says_what_is_lacking_and_that_there_is_no_data() {
        let runs = |n| Shown::measured("runs", "Runs", Unit::Count, n, "");
        let (verdict, words) = thirty(&[runs(0)]);
        assert_eq!(verdict, Verdict::Unknown);
        assert!(words.starts_with("No data"), "{words}");
        let all = [
            runs(240),
            Shown::measured("resolved", "Resolved", Unit::Count, 233, ""),
            Shown::missing("net_saved", "Saved", Unit::Time, "no baseline"),
            Shown::measured("error_after", "Wrong", Unit::Share, 12_000, "").between(4_000, 29_000),
        ];
        let (verdict, words) = thirty(&all);
        assert_eq!(verdict, Verdict::Met);
        assert_eq!(
            words,
            "Is it working? 233 of 240 runs were resolved. Time saved: not known, no baseline. \
             Wrong after the fact: 1.2 % (from 0.4 % to 2.9 %)."
        );
        let (verdict, _) = thirty(&[runs(3)]);
        assert_eq!(verdict, Verdict::NotMet);
    }
}
