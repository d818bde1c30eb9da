//! Inputs before the model: what was wrong with each source over the last days, beside how often people
//! overrode outputs with and without that fault. From the figures of days; no run is read.

use std::collections::BTreeMap;

use serde::Serialize;
use tuesday_domain::definition::Definition;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::figures::InputCount;
use tuesday_domain::ledger::interval::{share_ppm, wilson};
use tuesday_domain::ledger::shown::{Shown, Unit};
use tuesday_domain::ledger::told::count;
use tuesday_store::DayState;

/// Days that are looked at.
const DAYS: i64 = 28;
/// Fewer decided outputs show no rate.
const LEAST: u64 = 20;
/// The name of the event among sources.
const EVENT: &str = "input";

/// One source.
#[derive(Clone, Debug, Serialize)]
pub struct InputSource {
    /// Its name; the event is `input`.
    pub source: String,
    /// The system, in the words people use.
    pub system: String,
    /// Share of runs with something wrong with it.
    pub share: Shown,
    /// Runs with something missing.
    pub missing: u64,
    /// With something stale.
    pub stale: u64,
    /// Contradicted by a source of a better rank.
    pub conflicting: u64,
    /// Not readable, or not as one record.
    pub invalid: u64,
    /// Of the decided outputs with such a fault, those that people changed or refused.
    pub with: Shown,
    /// The same without such a fault.
    pub without: Shown,
    /// People override more with the fault than without, beyond chance: put the input right first.
    pub first: bool,
}

/// How often people overrode, with its interval.
fn overrides(key: &'static str, title: &str, of: &InputCount) -> Shown {
    if of.decided < LEAST {
        let lacks = format!("too few: {} of {LEAST} decided outputs", of.decided);
        return Shown::missing(key, title, Unit::Share, &lacks);
    }
    let value = share_ppm(of.overridden, of.decided).unwrap_or(0);
    let (low, high) = wilson(of.overridden, of.decided);
    let means = format!(
        "{} of {} decided outputs",
        count(of.overridden),
        count(of.decided)
    );
    Shown::measured(key, title, Unit::Share, value, &means).between(low, high)
}

fn source(
    (name, system): (&str, &str),
    sums: &BTreeMap<String, InputCount>,
    (workflow, days): (&str, Days),
) -> InputSource {
    let all = sums.get("").copied().unwrap_or_default();
    let bad = sums.get(name).copied().unwrap_or_default();
    let good = InputCount {
        decided: all.decided.saturating_sub(bad.decided),
        overridden: all.overridden.saturating_sub(bad.overridden),
        ..InputCount::default()
    };
    let share = match share_ppm(bad.runs, all.runs) {
        Some(value) => {
            let means = format!("{} of {} runs", count(bad.runs), count(all.runs));
            let page = format!(
                "/runs?workflow={workflow}&from={}&to={}&input={name}",
                days.from, days.to
            );
            Shown::measured(
                "input_faults",
                "Runs with a fault",
                Unit::Share,
                value,
                &means,
            )
            .behind(page)
        }
        None => Shown::missing(
            "input_faults",
            "Runs with a fault",
            Unit::Share,
            "no run in these days",
        ),
    };
    let with = overrides("override_with", "Overridden with the fault", &bad);
    let without = overrides("override_without", "Overridden without it", &good);
    let first = matches!((with.low, without.high), (Some(low), Some(high)) if low > high);
    InputSource {
        source: name.to_owned(),
        system: system.to_owned(),
        share,
        missing: bad.missing,
        stale: bad.stale,
        conflicting: bad.conflicting,
        invalid: bad.invalid,
        with,
        without,
        first,
    }
}

/// Every source that is declared, and those that were: what to put right first stands first, then the one
/// with most faults.
fn listed(def: &Definition, sums: &BTreeMap<String, InputCount>, days: Days) -> Vec<InputSource> {
    let declared = def
        .source
        .iter()
        .map(|s| (s.name.as_str(), s.system.as_str()));
    let mut names: Vec<(&str, &str)> = std::iter::once((EVENT, "the event"))
        .chain(declared)
        .collect();
    let gone = sums.keys().filter(|k| !k.is_empty());
    for name in gone {
        if !names.iter().any(|(n, _)| n == name) {
            names.push((name, "declared no more"));
        }
    }
    let workflow = def.workflow.name.as_str();
    let mut out: Vec<InputSource> = names
        .into_iter()
        .map(|name| source(name, sums, (workflow, days)))
        .collect();
    out.sort_by_key(|s| (!s.first, std::cmp::Reverse(s.share.value)));
    out
}

/// Source by source what was wrong with the inputs of the last 28 days; `recent` has them.
pub(super) fn input_sources(def: &Definition, recent: &[DayState], today: Day) -> Vec<InputSource> {
    let days = Days {
        from: today.plus(1 - DAYS),
        to: today,
    };
    let first = days.from.to_string();
    let mut sums: BTreeMap<String, InputCount> = BTreeMap::new();
    for row in recent
        .iter()
        .filter(|s| s.day >= first)
        .flat_map(|s| &s.rows)
    {
        for (source, count) in &row.figures.inputs {
            sums.entry(source.clone()).or_default().merge(count);
        }
    }
    listed(def, &sums, days)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn count(runs: u64, decided: u64, overridden: u64) -> InputCount {
        InputCount {
            runs,
            missing: runs,
            decided,
            overridden,
            ..InputCount::default()
        }
    }

    fn days() -> Days {
        let day = |t: &str| Day::parse(t).unwrap();
        Days {
            from: day("2026-11-01"),
            to: day("2026-11-28"),
        }
    }

    #[test]
    fn a_source_is_put_right_first_when_people_override_more_with_its_fault() {
        let sums = [
            (String::new(), count(400, 300, 60)),
            ("crm".to_owned(), count(120, 100, 50)),
            ("erp".to_owned(), count(200, 150, 30)),
        ]
        .into();
        let of = |name| source((name, "x"), &sums, ("w", days()));
        let crm = of("crm");
        assert!(crm.first, "50 % with, 5 % without");
        assert_eq!(
            (crm.with.value, crm.without.value),
            (Some(500_000), Some(50_000))
        );
        assert_eq!(crm.share.value, Some(300_000));
        assert_eq!(
            crm.share.records.as_deref(),
            Some("/runs?workflow=w&from=2026-11-01&to=2026-11-28&input=crm")
        );
        assert!(!of("erp").first, "20 % with and without");
        let quiet = of("quiet");
        assert_eq!((quiet.share.value, quiet.with.value), (Some(0), None));
    }
}
