//! How often a second reader of a person's approval agreed, tier by tier, from the figures of days; no look is
//! read. Kappa needs two readers who both say yes and no: second looks follow approvals only, so it is
//! missing and says why, and is not a zero that somebody could take for a figure.

use std::collections::BTreeMap;

use serde::Serialize;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::figures::AUTOMATIC;
use tuesday_domain::ledger::interval::{share_ppm, wilson};
use tuesday_domain::ledger::shown::{Shown, Unit};
use tuesday_domain::ledger::told::count;
use tuesday_store::{ANY_TIER, DayState};

use crate::ops::adoption::escaped;

/// Days that are looked at, by when the event was received.
const DAYS: i64 = 90;
/// Fewer second looks show no agreement.
const LEAST: u64 = 20;

/// One tier.
#[derive(Clone, Debug, Serialize)]
pub struct TierAgreement {
    /// Its name.
    pub tier: String,
    /// Second looks at approvals of its people.
    pub looks: u64,
    /// How often the second reader agreed.
    pub agreement: Shown,
    /// Agreement beyond chance.
    pub kappa: Shown,
}

/// How often second readers agreed, with its interval and the sample; too few say nothing.
fn agreed(
    (key, title): (&'static str, &str),
    (looks, wrong): (u64, u64),
    (workflow, tier, days): (&str, &str, Days),
) -> Shown {
    let right = looks.saturating_sub(wrong);
    let agreement = if looks < LEAST {
        let lacks = format!("too few: {looks} of {LEAST} second looks in {DAYS} days");
        Shown::missing(key, title, Unit::Share, &lacks)
    } else {
        let (low, high) = wilson(right, looks);
        let means = format!(
            "{} of {} approvals stood when somebody else looked",
            count(right),
            count(looks)
        );
        let value = share_ppm(right, looks).unwrap_or(0);
        Shown::measured(key, title, Unit::Share, value, &means).between(low, high)
    };
    agreement.behind(format!(
        "/runs?workflow={workflow}&from={}&to={}&kind=looked&tier={}",
        days.from,
        days.to,
        escaped(tier)
    ))
}

fn tier(name: &str, sum: (u64, u64), (workflow, days): (&str, Days)) -> TierAgreement {
    let title = format!("Second readers agree, {name}");
    TierAgreement {
        tier: name.to_owned(),
        looks: sum.0,
        agreement: agreed(("tier_agreement", &title), sum, (workflow, name, days)),
        kappa: Shown::missing(
            "kappa",
            "Kappa",
            Unit::Share,
            "only approvals are looked at again: the first reader says yes to all of them, so agreement by chance cannot be taken out",
        ),
    }
}

/// Agreement of second readers with people's approvals, of all tiers and tier by tier; `recent` has the last
/// ninety days. Percent agreement: kappa would need two readers who say yes and no both.
pub(super) fn tier_agreement(
    name: &str,
    recent: &[DayState],
    today: Day,
) -> (Shown, Vec<TierAgreement>) {
    let days = Days {
        from: today.plus(1 - DAYS),
        to: today,
    };
    let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let rows = recent.iter().flat_map(|s| &s.rows);
    for row in rows.filter(|r| r.tier != AUTOMATIC) {
        let sum = sums.entry(row.tier.as_str()).or_default();
        sum.0 += row.figures.looks;
        sum.1 += row.figures.wrong;
    }
    let all = sums
        .values()
        .fold((0, 0), |all, own| (all.0 + own.0, all.1 + own.1));
    let whole = agreed(
        ("agreement", "Second readers agree"),
        all,
        (name, ANY_TIER, days),
    );
    let each = sums.into_iter().map(|(t, sum)| tier(t, sum, (name, days)));
    (whole, each.collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_tier_has_its_share_with_an_interval_and_no_kappa_that_nobody_can_know() {
        let day = Day::parse("2026-11-28").unwrap();
        let days = Days {
            from: day.plus(-89),
            to: day,
        };
        let of = |looks, wrong| tier("desk", (looks, wrong), ("w", days));
        let enough = of(40, 4);
        assert_eq!(enough.agreement.value, Some(900_000));
        assert!(enough.agreement.low < Some(900_000) && enough.agreement.high > Some(900_000));
        assert_eq!(
            enough.agreement.records.as_deref(),
            Some("/runs?workflow=w&from=2026-08-31&to=2026-11-28&kind=looked&tier=desk")
        );
        let few = of(19, 0).agreement;
        assert_eq!((few.value, few.low), (None, None), "too few to say");
        assert_eq!(few.means, "too few: 19 of 20 second looks in 90 days");
        assert!(few.records.is_some(), "what there is can be opened");
        assert_eq!(enough.kappa.value, None);
    }
}
