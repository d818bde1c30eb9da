//! What the machine saved: minutes against a baseline by hand, after everything that people still spend;
//! and whether it is wrong more or less often than people were. Without a baseline or measured review
//! time there is no number.

use serde::Serialize;

use super::figures::DayFigures;
use super::interval::{difference, share_ppm, wilson};
use super::mul_div;
use super::shown::{Shown, Unit};
use super::told::count;
use crate::record::BaselineRow;

/// Fewer second looks than this show no share.
pub const LEAST_LOOKS: u64 = 30;

/// One line of the calculation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Stable name.
    pub key: &'static str,
    /// For people.
    pub title: &'static str,
    /// Milliseconds; negative for what is taken off.
    pub ms: i64,
}

/// The calculation, top to bottom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Saved {
    /// Gross, then every deduction.
    pub lines: Vec<Line>,
    /// What is left; may be negative.
    pub net: Shown,
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Net time saved. `upkeep_ms` are entered hours of maintenance and support.
///
/// Every finished task would have taken the baseline's time by hand. Taken off is the time of those that
/// people did after all, the time in view of all cases, and the upkeep. A decision whose case was never
/// in view took some time that nobody measured: between nothing and a whole task by hand.
#[must_use]
pub fn saved(figures: &DayFigures, baseline: Option<&BaselineRow>, upkeep_ms: i64) -> Saved {
    const KEY: &str = "net_saved";
    const TITLE: &str = "Time saved, net";
    let missing = |lacks: &str| Saved {
        lines: Vec::new(),
        net: Shown::missing(KEY, TITLE, Unit::Time, lacks),
    };
    let Some(baseline) = baseline else {
        return missing("no baseline: nobody has measured how long a task takes by hand");
    };
    let sample = signed(baseline.sample);
    let by_hand = |tasks: u64| {
        let handling = signed(baseline.handling_ms);
        mul_div(handling, signed(tasks), sample)
    };
    let finished = figures.resolved + figures.handed_off + figures.rejected;
    let (Some(gross), Some(manual), Some(unknown)) = (
        by_hand(finished),
        by_hand(figures.handed_off + figures.rejected),
        by_hand(figures.untimed),
    ) else {
        return missing("the baseline has no tasks in its sample");
    };
    if finished == 0 {
        return missing("no task has ended yet");
    }
    if figures.timed == 0 && figures.untimed > 0 {
        return missing("cannot be computed: no decision has a measured time in view");
    }
    let line = |key, title, ms: i64| Line { key, title, ms };
    let lines = vec![
        line("gross", "By hand it would have taken", gross),
        line("manual", "Done by hand after all", -manual),
        line(
            "review",
            "Review of what was approved as it stood",
            -signed(figures.review_ms),
        ),
        line(
            "rework",
            "Review of what was changed or refused",
            -signed(figures.rework_ms),
        ),
        line(
            "exceptions",
            "Missing input, unclear sends, manual work",
            -signed(figures.exception_ms),
        ),
        line("second_looks", "Second looks", -signed(figures.look_ms)),
        line("upkeep", "Maintenance and support", -upkeep_ms),
    ];
    let net: i64 = lines.iter().map(|l| l.ms).sum();
    let means = "time by hand from the baseline, less everything people still spent";
    let mut shown = Shown::measured(KEY, TITLE, Unit::Time, net, means);
    if figures.untimed > 0 {
        shown = shown.between(net - unknown, net);
        shown.means = format!(
            "{means}; {} decisions were made outside the console and may each have taken up to a task by hand",
            count(figures.untimed)
        );
    }
    Saved { lines, net: shown }
}

/// Wrong results after the fact, found by second looks, and what the baseline says of the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Errors {
    /// By hand, in the baseline's sample.
    pub before: Shown,
    /// Now, among approved outputs that were drawn for a second look.
    pub after: Shown,
    /// After less before.
    pub change: Shown,
}

/// What an error is, printed beside the numbers.
pub const ERROR: &str =
    "found wrong when somebody else looked again, of all that were looked at again";

/// The error rates with their intervals.
#[must_use]
pub fn errors(figures: &DayFigures, baseline: Option<&BaselineRow>) -> Errors {
    let share = |key, title: &str, hits: u64, of: u64| {
        let (low, high) = wilson(hits, of);
        let value = share_ppm(hits, of).unwrap_or(0);
        let means = format!("{} of {}: {ERROR}", count(hits), count(of));
        Shown::measured(key, title, Unit::Share, value, &means).between(low, high)
    };
    let none = |key, title: &str, lacks: &str| Shown::missing(key, title, Unit::Share, lacks);
    let before = match baseline {
        Some(b) if b.sample > 0 => share("error_before", "Wrong by hand", b.errors, b.sample),
        _ => none("error_before", "Wrong by hand", "no baseline"),
    };
    let few = format!("too few: {} of {LEAST_LOOKS} second looks", figures.looks);
    let after = if figures.looks >= LEAST_LOOKS {
        share("error_after", "Wrong now", figures.wrong, figures.looks)
    } else {
        none("error_after", "Wrong now", &few)
    };
    const CHANGE: (&str, &str) = ("error_change", "Difference");
    let ends = baseline.filter(|_| after.value.is_some()).and_then(|b| {
        let ends = difference((b.errors, b.sample), (figures.wrong, figures.looks))?;
        Some((ends, after.value? - before.value?))
    });
    let change = match ends {
        Some(((low, high), value)) => {
            let means = if low > 0 {
                "more often wrong than by hand"
            } else if high < 0 {
                "less often wrong than by hand"
            } else {
                "the interval holds zero: no difference is proven"
            };
            Shown::measured(CHANGE.0, CHANGE.1, Unit::Share, value, means).between(low, high)
        }
        None => none(CHANGE.0, CHANGE.1, "needs the share before and now"),
    };
    Errors {
        before,
        after,
        change,
    }
}

/// How long half of the tasks took, by hand and now, and what has changed: speed, apart from errors.
#[must_use]
pub fn turnaround(figures: &DayFigures, baseline: Option<&BaselineRow>) -> [Shown; 3] {
    let time =
        |key, title: &str, ms: i64, means: &str| Shown::measured(key, title, Unit::Time, ms, means);
    let none = |key, title: &str, lacks: &str| {
        let lacks = format!("not measured: {lacks}");
        Shown::missing(key, title, Unit::Time, &lacks)
    };
    let by_hand = baseline.filter(|b| b.turnaround_ms > 0);
    let by_hand = by_hand.and_then(|b| Some((i64::try_from(b.turnaround_ms).ok()?, b.sample)));
    let now = figures.total.percentile(50);
    let now = now.and_then(|ms| i64::try_from(ms).ok());
    let before = ("turnaround_before", "Half were done by hand within");
    let after = ("turnaround_p50", "Half are done within");
    let change = ("turnaround_change", "Half, now against by hand");
    [
        match by_hand {
            Some((ms, sample)) => {
                let means = format!("median of {} tasks of the baseline", count(sample));
                time(before.0, before.1, ms, &means)
            }
            None => none(before.0, before.1, "no baseline"),
        },
        match now {
            Some(ms) => {
                let means = "resolved runs, from receipt to receipt; to within 0.8 %";
                time(after.0, after.1, ms, means)
            }
            None => none(after.0, after.1, "no resolved tasks"),
        },
        match (by_hand, now) {
            (Some((was, _)), Some(is)) => {
                let means = match is.cmp(&was) {
                    std::cmp::Ordering::Less => "faster than by hand",
                    std::cmp::Ordering::Equal => "as fast as by hand",
                    std::cmp::Ordering::Greater => "slower than by hand",
                };
                time(change.0, change.1, is - was, means)
            }
            _ => none(change.0, change.1, "needs the time before and now"),
        },
    ]
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::super::histogram::Histogram;
    use super::super::shown::Standing;
    use super::*;
    use crate::time::Timestamp;

    fn baseline() -> BaselineRow {
        BaselineRow {
            workflow: "w".into(),
            version: 1,
            sample: 40,
            handling_ms: 40 * 300_000,
            errors: 4,
            turnaround_ms: 7_200_000,
            method: "stopwatch".into(),
            sampled_from: "2026-10-01".into(),
            sampled_to: "2026-10-02".into(),
            after_launch: false,
            captured_by: "ada".into(),
            captured_at: Timestamp::from_micros(0),
        }
    }

    fn figures() -> DayFigures {
        DayFigures {
            runs: 13,
            open: 1,
            resolved: 10,
            handed_off: 1,
            rejected: 1,
            timed: 8,
            review_ms: 120_000,
            rework_ms: 60_000,
            exception_ms: 30_000,
            look_ms: 10_000,
            ..DayFigures::new()
        }
    }

    #[test]
    fn speed_has_its_own_before_and_after_and_says_which_was_not_measured() {
        let mut f = figures();
        f.total = Histogram::default();
        let told = |f: &DayFigures, b: Option<&BaselineRow>| {
            turnaround(f, b).map(|s| (s.value, s.standing))
        };
        let (measured, missing) = (Standing::Measured, (None, Standing::Missing));
        let by_hand = (Some(7_200_000), measured);
        assert_eq!(told(&f, Some(&baseline())), [by_hand, missing, missing]);
        assert_eq!(told(&f, None), [missing; 3]);
        f.total.add(1_800_000);
        let [before, now, change] = turnaround(&f, None);
        assert_eq!(before.means, "not measured: no baseline");
        assert_eq!(
            (now.standing, change.standing),
            (measured, Standing::Missing)
        );
        let [_, now, change] = turnaround(&f, Some(&baseline()));
        assert_eq!(change.value, Some(now.value.unwrap() - 7_200_000));
        assert_eq!(change.means, "faster than by hand");
        f.total = Histogram::default();
        f.total.add(9_000_000);
        let [.., change] = turnaround(&f, Some(&baseline()));
        assert!(change.value.unwrap() > 0);
        assert_eq!(change.means, "slower than by hand");
    }

    #[test]
    fn net_is_gross_less_every_line_and_can_be_negative() {
        let s = saved(&figures(), Some(&baseline()), 600_000);
        // 12 tasks of 5 min, less 2 by hand, 220 s in view and 10 min of upkeep.
        assert_eq!(s.net.value, Some(60 * 60_000 - 600_000 - 220_000 - 600_000));
        assert_eq!(s.net.standing, Standing::Measured);
        assert_eq!(
            s.lines.iter().map(|l| l.ms).sum::<i64>(),
            s.net.value.unwrap()
        );
        let dear = saved(&figures(), Some(&baseline()), 9_000_000);
        assert!(dear.net.value.unwrap() < 0, "shown as it is");
    }

    #[test]
    fn what_was_not_measured_widens_the_figure_or_takes_it_away() {
        let mut f = figures();
        f.untimed = 2;
        let s = saved(&f, Some(&baseline()), 0);
        assert_eq!(s.net.standing, Standing::Estimated);
        let (low, high) = (s.net.low.unwrap(), s.net.high.unwrap());
        assert_eq!(high - low, 2 * 300_000);
        f.timed = 0;
        assert_eq!(saved(&f, Some(&baseline()), 0).net.value, None);
        assert_eq!(saved(&figures(), None, 0).net.standing, Standing::Missing);
        assert_eq!(
            saved(&DayFigures::new(), Some(&baseline()), 0).net.value,
            None
        );
    }

    #[test]
    fn few_looks_show_no_share_and_many_show_an_interval() {
        let mut f = figures();
        f.looks = 29;
        let e = errors(&f, Some(&baseline()));
        assert_eq!(e.after.means, "too few: 29 of 30 second looks");
        assert_eq!((e.after.value, e.change.value), (None, None));
        assert_eq!(e.before.value, Some(100_000));
        (f.looks, f.wrong) = (400, 4);
        let e = errors(&f, Some(&baseline()));
        assert_eq!(e.after.value, Some(10_000));
        assert_eq!(e.change.value, Some(-90_000));
        assert!(e.change.high.unwrap() < 0 && e.change.means.starts_with("less"));
    }
}
