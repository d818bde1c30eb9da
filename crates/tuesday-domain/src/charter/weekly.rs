//! The one metric of a workflow over a week, or other days: its value, from what was counted of the runs that
//! were received in them. Pure: figures in, a figure out.

use crate::ledger::figures::{DayFigures, Money};
use crate::ledger::interval::share_ppm;
use crate::ledger::mul_div;
use crate::ledger::shown::{Shown, Unit};
use crate::run::Reason;
use crate::watch::Metric;

/// Ended before a person because something failed.
const FAILED: [Reason; 6] = [
    Reason::PermanentFailure,
    Reason::AttemptsSpent,
    Reason::InvalidOutput,
    Reason::CheckFailed,
    Reason::ActionFailed,
    Reason::ModelMismatch,
];
/// The model refused or was not sure.
const REFUSED: [Reason; 2] = [Reason::Refused, Reason::UncertainOutput];
/// A source was stale, unreadable or contradictory.
const STALE: [Reason; 4] = [
    Reason::StaleSource,
    Reason::SourceUnavailable,
    Reason::ConflictingSources,
    Reason::FreshnessUnknown,
];

const TITLE: &str = "The one metric";

/// Whether a metric has a value for a week. A count of signals says nothing without their kind, and how long
/// it has been quiet is about a moment.
#[must_use]
pub const fn is_kept(metric: Metric) -> bool {
    !matches!(metric, Metric::Signals | Metric::Silence)
}

/// Why a person got the runs that a share is about; empty for one that is about decisions or money.
#[must_use]
pub const fn reasons(metric: Metric) -> &'static [Reason] {
    match metric {
        Metric::ErrorRate => &FAILED,
        Metric::RefusalRate => &REFUSED,
        Metric::StaleRate => &STALE,
        Metric::OverrideRate | Metric::CostPerDay | Metric::Signals | Metric::Silence => &[],
    }
}

/// What the metric came to in a week; nothing for one that is not kept by the week.
#[must_use]
pub fn week_value(metric: Metric, f: &DayFigures, days: i64) -> Option<Shown> {
    let of = |reasons: &[Reason]| -> u64 {
        let each = reasons.iter().map(|r| f.exceptions.get(r.word()));
        each.flatten().sum()
    };
    let decided = f.approved + f.edited + f.refused;
    match metric {
        Metric::ErrorRate => Some(share(metric, of(&FAILED), f.runs, "runs")),
        Metric::RefusalRate => Some(share(metric, of(&REFUSED), f.runs, "runs")),
        Metric::StaleRate => Some(share(metric, of(&STALE), f.runs, "runs")),
        Metric::OverrideRate => {
            let changed = f.edited + f.refused;
            Some(share(metric, changed, decided, "decided outputs"))
        }
        Metric::CostPerDay => Some(cost(metric, f, days)),
        Metric::Signals | Metric::Silence => None,
    }
}

fn share(metric: Metric, part: u64, whole: u64, what: &str) -> Shown {
    match share_ppm(part, whole) {
        Some(ppm) => {
            let means = format!("{metric}: {part} of {whole} {what}");
            Shown::measured(metric.word(), TITLE, Unit::Share, ppm, &means)
        }
        None => {
            let lacks = format!("{metric}: no {what} in these days");
            Shown::missing(metric.word(), TITLE, Unit::Share, &lacks)
        }
    }
}

fn cost(metric: Metric, f: &DayFigures, days: i64) -> Shown {
    let missing = |lacks: &str| {
        let lacks = format!("{metric}: {lacks}");
        Shown::missing(metric.word(), TITLE, Unit::Money, &lacks)
    };
    if f.runs == 0 {
        return missing("no runs in these days");
    }
    if f.unreported > 0 || f.unpriced.values().any(|n| *n > 0) {
        return missing("some calls have a cost that nobody knows");
    }
    let mut sums = Money::new();
    for (currency, micros) in f.first.iter().chain(&f.again) {
        *sums.entry(currency.clone()).or_default() += micros;
    }
    let mut sums = sums.into_iter();
    match (sums.next(), sums.next()) {
        (Some((currency, micros)), None) => {
            let means = format!("{metric}: what the calls cost, a day");
            let each = mul_div(micros, 1, days.max(1)).unwrap_or(0);
            Shown::measured(metric.word(), TITLE, Unit::Money, each, &means).of(&currency)
        }
        (None, _) => {
            let means = format!("{metric}: the calls cost nothing");
            Shown::measured(metric.word(), TITLE, Unit::Money, 0, &means)
        }
        (Some(_), Some(_)) => missing("it was paid in several currencies"),
    }
}

/// Whether a value keeps the target; nothing without a value. `number` is percent or money, as the metric is.
#[must_use]
pub fn keeps(shown: &Shown, at_most: bool, number: f64) -> Option<bool> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share or a day's cost stays far below 2^52 millionths"
    )]
    let value = shown.value? as f64;
    let limit = match shown.unit {
        Unit::Share => number * 10_000.0,
        _ => number * 1_000_000.0,
    };
    Some(if at_most {
        value <= limit
    } else {
        value >= limit
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn figures() -> DayFigures {
        DayFigures {
            runs: 40,
            approved: 15,
            edited: 3,
            refused: 2,
            exceptions: [
                ("attempts_spent".to_owned(), 2),
                ("refused".to_owned(), 1),
                ("stale_source".to_owned(), 4),
                ("rule".to_owned(), 9),
            ]
            .into(),
            first: [("EUR".to_owned(), 6_000_000)].into(),
            again: [("EUR".to_owned(), 1_000_000)].into(),
            ..DayFigures::new()
        }
    }

    #[test]
    fn each_metric_is_a_share_of_what_it_is_about() {
        let value = |metric| week_value(metric, &figures(), 7).unwrap().value;
        assert_eq!(value(Metric::ErrorRate), Some(50_000));
        assert_eq!(value(Metric::RefusalRate), Some(25_000));
        assert_eq!(value(Metric::StaleRate), Some(100_000));
        assert_eq!(value(Metric::OverrideRate), Some(250_000));
        assert_eq!(value(Metric::CostPerDay), Some(1_000_000));
        for metric in Metric::ALL {
            let value = week_value(*metric, &figures(), 7);
            assert_eq!(value.is_some(), is_kept(*metric), "{metric}");
        }
    }

    #[test]
    fn without_data_there_is_no_value_and_no_verdict() {
        let empty = DayFigures::new();
        for metric in [Metric::ErrorRate, Metric::OverrideRate, Metric::CostPerDay] {
            let shown = week_value(metric, &empty, 7).unwrap();
            assert_eq!((shown.value, keeps(&shown, true, 10.0)), (None, None));
        }
        let mut unknown = figures();
        unknown.unreported = 1;
        assert_eq!(
            week_value(Metric::CostPerDay, &unknown, 7).unwrap().value,
            None
        );
    }

    #[test]
    fn a_target_is_kept_up_to_its_number() {
        let shown = week_value(Metric::OverrideRate, &figures(), 7).unwrap();
        assert_eq!(keeps(&shown, true, 25.0), Some(true));
        assert_eq!(keeps(&shown, true, 24.9), Some(false));
        assert_eq!(keeps(&shown, false, 25.0), Some(true));
        let cost = week_value(Metric::CostPerDay, &figures(), 7).unwrap();
        assert_eq!(keeps(&cost, true, 0.99), Some(false));
    }
}
