//! What the work is worth, beside the queue: for the people who do it, in plain words.

use tuesday_domain::ledger::shown::{Shown, Standing};
use tuesday_engine::ops::TeamValue;

use super::shown::tile;
use super::views::WorthRow;

/// Workflow by workflow; a saving below nothing and more errors than by hand stand there as they are.
pub(super) fn rows(values: &[TeamValue]) -> Vec<WorthRow> {
    values.iter().map(row).collect()
}

fn row(v: &TeamValue) -> WorthRow {
    let mut row = WorthRow {
        title: v.title.clone(),
        href: format!("/workflows/{}/scorecard", v.workflow),
        measuring: v
            .measuring_until
            .map(|day| format!("measuring until {day}"))
            .unwrap_or_default(),
        saved: String::new(),
        saved_how: String::new(),
        saved_tone: "",
        now: String::new(),
        by_hand: String::new(),
        wrong_how: String::new(),
        wrong_tone: "",
    };
    if let Some(net) = &v.net {
        (row.saved, row.saved_how) = told(net);
        row.saved_tone = if net.value.is_some_and(|n| n < 0) {
            "bad"
        } else {
            ""
        };
    }
    if let Some(errors) = &v.errors {
        (row.now, row.wrong_how) = told(&errors.after);
        let (by_hand, lacks) = told(&errors.before);
        row.by_hand = if errors.before.value.is_some() {
            by_hand
        } else {
            lacks
        };
        if errors.change.value.is_some() {
            row.wrong_how.clone_from(&errors.change.means);
        }
        if errors.change.low.is_some_and(|low| low > 0) {
            row.wrong_tone = "bad";
        }
    }
    row
}

/// The value, and its interval or what is lacking.
fn told(s: &Shown) -> (String, String) {
    let t = tile(s, None);
    let how = match s.standing {
        Standing::Measured => String::new(),
        Standing::Estimated => t.interval,
        Standing::Missing => t.means,
    };
    (t.value, how)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use tuesday_domain::ledger::day::{Day, Days};
    use tuesday_domain::ledger::figures::DayFigures;
    use tuesday_domain::ledger::shown::Unit;
    use tuesday_domain::ledger::value::errors;

    use super::*;

    fn value(net: Option<Shown>) -> TeamValue {
        let day = Day::parse("2026-11-22").unwrap();
        let measured = net.is_some();
        TeamValue {
            workflow: "w".into(),
            title: "W".into(),
            measuring_until: (!measured).then_some(day),
            days: Days { from: day, to: day },
            errors: net.as_ref().map(|_| errors(&DayFigures::new(), None)),
            net,
        }
    }

    #[test]
    fn before_day_thirty_it_measures_and_after_it_hides_nothing() {
        let early = row(&value(None));
        assert_eq!(early.measuring, "measuring until 2026-11-22");
        let loss = Shown::measured("net_saved", "Saved", Unit::Time, -7_200_000, "");
        let late = row(&value(Some(loss)));
        assert_eq!((late.saved.as_str(), late.saved_tone), ("-2.0 h", "bad"));
        assert_eq!(late.by_hand, "no baseline");
        assert!(late.wrong_how.starts_with("too few"), "{}", late.wrong_how);
    }
}
