//! What the charter says about money and hours, beside what was measured: the hours that the problem took,
//! and what upkeep may cost in a month.

use super::day::{Day, Days};
use super::entry;
use super::figures::DayFigures;
use super::mul_div;
use super::price::amount;
use super::report::Costs;
use super::shown::{Shown, Standing, Unit};
use super::told::count;
use crate::record::{BaselineRow, CostCategory, CostEntry};

/// What upkeep may cost in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Millionths of the currency.
    pub micros: i64,
    /// ISO 4217.
    pub currency: String,
}

impl Budget {
    /// Of a statement in its one form: `1200 EUR`.
    #[must_use]
    pub fn of(statement: &str) -> Option<Self> {
        let (sum, currency) = statement.split_once(' ')?;
        Some(Self {
            micros: amount(sum).ok()?,
            currency: currency.trim().to_owned(),
        })
    }
}

impl std::fmt::Display for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cents = mul_div(self.micros, 1, 10_000).unwrap_or(0);
        write!(f, "{}.{:02} {}", cents / 100, cents % 100, self.currency)
    }
}

/// The calendar month of a day, up to that day.
#[must_use]
pub fn month_to(day: Day) -> Days {
    let first = Day::parse(&format!("{}-01", day.month())).unwrap_or(day);
    Days {
        from: first,
        to: day,
    }
}

/// What upkeep came to in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upkeep {
    /// In the budget's currency, in millionths.
    pub micros: i64,
    /// What is not in it, in words; empty when it is whole.
    pub lacks: Vec<String>,
}

/// What maintenance came to in the budget's currency, where `costs` are those of the month.
#[must_use]
pub fn upkeep(costs: &Costs, budget: &Budget) -> Upkeep {
    let booked = costs.by_category.get(&CostCategory::Maintenance);
    let of = |c: &str| booked.and_then(|sums| sums.get(c)).copied().unwrap_or(0);
    let mut lacks: Vec<String> = booked
        .into_iter()
        .flatten()
        .filter(|(c, n)| **c != budget.currency && **n != 0)
        .map(|(c, _)| format!("what was paid in {c}"))
        .collect();
    let unpriced = costs.unpriced_ms.get(&CostCategory::Maintenance);
    if let Some(ms) = unpriced.filter(|ms| **ms != 0) {
        let minutes = ms / 60_000;
        lacks.push(format!("{minutes} min that have no price of an hour"));
    }
    Upkeep {
        micros: of(&budget.currency),
        lacks,
    }
}

/// What was entered as upkeep in a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entered {
    /// Whether anything is, and is not taken back.
    pub any: bool,
    /// Hours, in milliseconds; nothing when nobody entered any.
    pub ms: Option<i64>,
}

impl Entered {
    /// Of the entries of a workflow that touch these days; what was taken back is as never entered.
    #[must_use]
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a CostEntry>, days: Days) -> Self {
        let (mut all, mut timed, mut ms) = (0, 0, 0);
        for e in entries {
            let Some(over) = entry::days(e).filter(|o| o.from <= days.to && o.to >= days.from)
            else {
                continue;
            };
            if e.category != CostCategory::Maintenance || e.workflow.is_none() {
                continue;
            }
            // What takes an entry back has its days: both are seen, or neither.
            let one = if e.reverses.is_some() { -1 } else { 1 };
            all += one;
            if let Some(minutes) = e.minutes {
                timed += one;
                ms += entry::part(minutes.saturating_mul(60_000), over, days);
            }
        }
        Self {
            any: all > 0,
            ms: (timed > 0).then_some(ms),
        }
    }
}

/// Both figures of upkeep: the hours that were entered, and what it came to against the budget. What nobody
/// entered is missing, and not none.
#[must_use]
pub fn upkeep_shown(
    costs: &Costs,
    entered: Entered,
    month: Days,
    budget: Option<&Budget>,
) -> [Shown; 2] {
    let name = month.from.month();
    let (key, title) = ("maintenance_time", "Maintenance hours this month");
    let hours = match entered.ms {
        Some(ms) => {
            let means = format!("entered for prompts, connectors and rules in {name}");
            Shown::measured(key, title, Unit::Time, ms, &means)
        }
        None => {
            let none = format!("no hours were entered in {name}");
            Shown::missing(key, title, Unit::Time, &none)
        }
    };
    let (key, title) = ("maintenance_cost", "Maintenance, of its budget");
    let Some(budget) = budget else {
        let none = "no maintenance budget is stated in the charter";
        return [hours, Shown::missing(key, title, Unit::Money, none)];
    };
    if !entered.any {
        let none = format!("nothing was entered in {name}, of {budget} a month");
        return [hours, Shown::missing(key, title, Unit::Money, &none)];
    }
    let found = upkeep(costs, budget);
    let over = if found.micros > budget.micros {
        ": over budget"
    } else {
        ""
    };
    let means = format!("of {budget} a month, {name}{over}");
    let mut cost =
        Shown::measured(key, title, Unit::Money, found.micros, &means).of(&budget.currency);
    if !found.lacks.is_empty() {
        // Only upwards: what is lacking can only add to it.
        cost.low = cost.value;
        cost.standing = Standing::Estimated;
        cost.means = format!("{means}; at least, without {}", found.lacks.join("; "));
    }
    [hours, cost]
}

/// The hours that the problem took by hand in a week, measured, beside those that the charter claims.
#[must_use]
pub fn friction(
    figures: &DayFigures,
    baseline: Option<&BaselineRow>,
    days: Days,
    claimed: Option<&str>,
) -> Shown {
    let (key, title) = ("friction_measured", "By hand it would take, a week");
    let claimed = claimed.filter(|c| !c.is_empty()).map_or_else(
        || "nothing is claimed in the charter".to_owned(),
        |hours| format!("the charter claims {hours} h a week"),
    );
    let tasks = figures.resolved + figures.handed_off + figures.rejected;
    let measured = baseline.and_then(|b| {
        let handling = i64::try_from(b.handling_ms).ok()?;
        let tasks = i64::try_from(tasks).ok()?.checked_mul(7)?;
        let of = i64::try_from(b.sample).ok()?.checked_mul(days.count())?;
        mul_div(handling, tasks, of)
    });
    match measured {
        Some(ms) => {
            let means = format!(
                "{} tasks at the baseline's minutes; {claimed}",
                count(tasks)
            );
            Shown::measured(key, title, Unit::Time, ms, &means)
        }
        None => {
            let lacks = format!("no baseline; {claimed}");
            Shown::missing(key, title, Unit::Time, &lacks)
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn costs(eur: i64, ms: i64) -> Costs {
        let mut costs = Costs::default();
        costs.by_category.insert(
            CostCategory::Maintenance,
            [("EUR".to_owned(), eur), ("USD".to_owned(), 0)].into(),
        );
        if ms > 0 {
            costs.unpriced_ms.insert(CostCategory::Maintenance, ms);
        }
        costs
    }

    #[test]
    fn a_budget_is_an_amount_of_a_month() {
        let budget = Budget::of("1200.5 EUR").unwrap();
        assert_eq!(budget.micros, 1_200_500_000);
        assert_eq!(budget.to_string(), "1200.50 EUR");
        assert_eq!(Budget::of("much"), None);
        let month = month_to(Day::parse("2026-11-22").unwrap());
        assert_eq!(month.from.to_string(), "2026-11-01");
        assert_eq!(month.count(), 22);
    }

    #[test]
    fn upkeep_is_held_against_its_budget_and_says_what_it_lacks() {
        let budget = Budget::of("100 EUR").unwrap();
        let month = month_to(Day::parse("2026-11-22").unwrap());
        let told = |costs: &Costs| {
            let entered = Entered {
                any: true,
                ms: Some(0),
            };
            let [_, cost] = upkeep_shown(costs, entered, month, Some(&budget));
            (cost.value, cost.standing, cost.means)
        };
        let (value, standing, means) = told(&costs(100_000_000, 0));
        assert_eq!((value, standing), (Some(100_000_000), Standing::Measured));
        assert_eq!(means, "of 100.00 EUR a month, 2026-11");
        let (_, _, means) = told(&costs(100_000_001, 0));
        assert!(means.ends_with(": over budget"), "{means}");
        let (_, standing, means) = told(&costs(1, 90 * 60_000));
        assert_eq!(standing, Standing::Estimated);
        assert!(means.contains("at least, without 90 min"), "{means}");
        let some = Entered {
            any: true,
            ms: Some(60_000),
        };
        let [hours, cost] = upkeep_shown(&costs(1, 0), some, month, None);
        assert_eq!((hours.value, cost.value), (Some(60_000), None));
        let nothing = Entered::default();
        for shown in upkeep_shown(&Costs::default(), nothing, month, Some(&budget)) {
            assert_eq!((shown.value, shown.standing), (None, Standing::Missing));
        }
    }

    #[test]
    fn friction_is_measured_by_the_baseline_and_never_assumed() {
        let figures = DayFigures {
            resolved: 20,
            handed_off: 8,
            ..DayFigures::new()
        };
        let from = Day::parse("2026-11-01").unwrap();
        let days = Days {
            from,
            to: from.plus(27),
        };
        let baseline = BaselineRow {
            workflow: "w".into(),
            version: 1,
            sample: 10,
            handling_ms: 10 * 600_000,
            errors: 0,
            turnaround_ms: 1,
            method: "stopwatch".into(),
            sampled_from: "2026-10-01".into(),
            sampled_to: "2026-10-02".into(),
            after_launch: false,
            captured_by: "ada".into(),
            captured_at: crate::time::Timestamp::from_micros(0),
        };
        // 28 tasks of ten minutes in four weeks.
        let found = friction(&figures, Some(&baseline), days, Some("12.5"));
        assert_eq!(found.value, Some(7 * 600_000));
        assert!(found.means.ends_with("the charter claims 12.5 h a week"));
        let none = friction(&figures, None, days, None);
        assert_eq!(none.standing, Standing::Missing);
    }
}
