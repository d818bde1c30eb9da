//! Whether other work came in: the shares of event sources, of groups and of input faults since the drift
//! beside those of the frozen days. A share has moved when its exact interval (C. J. Clopper and E. S.
//! Pearson, Biometrika 26, 1934) lies apart from that of the baseline, and by more than the declared
//! tolerance. All intervals together miss at most once in a hundred. From the figures of days; no run is read.

use std::collections::{BTreeMap, BTreeSet};

use tuesday_domain::drift::DriftSpec;
use tuesday_domain::ledger::day::Day;
use tuesday_domain::ledger::figures::DayFigures;
use tuesday_domain::ledger::report::merged;
use tuesday_domain::rules::clopper_pearson;
use tuesday_store::DayState;

/// How often one of the intervals may miss its share.
const MISS: f64 = 0.01;
/// Shares that are named of each kind.
const NAMED: usize = 3;

/// The kinds of shares, in words.
const KINDS: [&str; 3] = ["event source", "group", "runs with a faulty input of"];

/// Runs by what is compared, of one kind.
fn counts(f: &DayFigures, kind: usize) -> BTreeMap<String, u64> {
    match kind {
        0 => f.sources.clone(),
        1 => f.groups.iter().map(|(k, g)| (k.clone(), g.runs)).collect(),
        _ => {
            // Under the empty name are all runs.
            let faults = f.inputs.iter().filter(|(k, _)| !k.is_empty());
            faults.map(|(k, c)| (k.clone(), c.runs)).collect()
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of runs stay far below 2^52"
)]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// A share that moved.
struct Move {
    key: String,
    rose: bool,
    was: f64,
    is: f64,
    bounds: ((f64, f64), (f64, f64)),
}

impl Move {
    fn words(&self, kind: usize) -> String {
        let percent = |s: f64| format!("{:.1}", s * 100.0);
        let name = if self.key.is_empty() {
            "(none)"
        } else {
            &self.key
        };
        let ((was_low, was_high), (is_low, is_high)) = self.bounds;
        format!(
            "{} {name} {} % instead of {} % ({} to {}, was {} to {})",
            KINDS[kind],
            percent(self.is),
            percent(self.was),
            percent(is_low),
            percent(is_high),
            percent(was_low),
            percent(was_high)
        )
    }

    /// The first day whose own share lies beyond what the baseline allows on the side it moved to.
    fn day(&self, days: &[(Day, DayFigures)], kind: usize, tolerance: f64) -> Option<Day> {
        let (low, high) = self.bounds.0;
        let beyond = |f: &DayFigures| {
            let own = share(counts(f, kind).get(&self.key).copied().unwrap_or(0), f.runs);
            if self.rose {
                own > high + tolerance
            } else {
                own < low - tolerance
            }
        };
        days.iter()
            .find(|(_, f)| f.runs > 0 && beyond(f))
            .map(|(day, _)| *day)
    }
}

/// The shares of one kind that moved, the one that moved most first.
fn moves(kind: usize, then: &DayFigures, now: &DayFigures, spec: &DriftSpec) -> Vec<Move> {
    let (was, is) = (counts(then, kind), counts(now, kind));
    let keys: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    // Two intervals for each share, over all kinds.
    let sure = 1.0 - MISS / share(2 * (KINDS.len() * keys.len().max(1)) as u64, 1);
    let tolerance = spec.tolerance_percent / 100.0;
    let mut out: Vec<Move> = Vec::new();
    for key in keys {
        let of = |map: &BTreeMap<String, u64>| map.get(key).copied().unwrap_or(0);
        let (k, n) = (of(&was), of(&is));
        let (old, new) = (
            clopper_pearson(k, then.runs, sure),
            clopper_pearson(n, now.runs, sure),
        );
        let rose = new.0 > old.1 + tolerance;
        if rose || new.1 < old.0 - tolerance {
            out.push(Move {
                key: key.clone(),
                rose,
                was: share(k, then.runs),
                is: share(n, now.runs),
                bounds: (old, new),
            });
        }
    }
    out.sort_by(|a, b| (b.is - b.was).abs().total_cmp(&(a.is - a.was).abs()));
    out
}

/// What moved: for each kind the day from which on, and words. `now` begins some days before the drift, so
/// that the day is told also when the inputs moved first.
pub(super) fn inputs_moved(
    then: &[DayState],
    now: &[DayState],
    since: Day,
    spec: &DriftSpec,
) -> Vec<(Day, String)> {
    let sum = |days: &[DayState]| merged(days.iter().flat_map(|s| &s.rows));
    let old = sum(then);
    let mut days: Vec<(Day, DayFigures)> = now
        .iter()
        .filter_map(|s| Some((Day::parse(&s.day).ok()?, merged(s.rows.iter()))))
        .collect();
    days.sort_by_key(|(day, _)| *day);
    let first = since.to_string();
    let late: Vec<DayState> = now.iter().filter(|s| s.day >= first).cloned().collect();
    let new = sum(&late);
    if old.runs == 0 || new.runs < u64::from(spec.least_runs) {
        return Vec::new();
    }
    let mut out = Vec::new();
    for kind in 0..KINDS.len() {
        let all = moves(kind, &old, &new, spec);
        let tolerance = spec.tolerance_percent / 100.0;
        let day = all
            .iter()
            .filter_map(|m| m.day(&days, kind, tolerance))
            .min();
        if all.is_empty() {
            continue;
        }
        let words: Vec<String> = all.iter().take(NAMED).map(|m| m.words(kind)).collect();
        let more = all.len().saturating_sub(NAMED);
        let more = if more == 0 {
            String::new()
        } else {
            format!("; {more} more")
        };
        let day = day.unwrap_or(since);
        let words = format!(
            "{}{more}; since {day}, exact 99 % intervals apart by more than {} points",
            words.join("; "),
            spec.tolerance_percent
        );
        out.push((day, words));
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use tuesday_domain::id::ReleaseId;
    use tuesday_domain::ledger::figures::InputCount;
    use tuesday_domain::ledger::grouped::GroupCost;
    use tuesday_domain::record::DayRow;
    use tuesday_domain::time::Timestamp;

    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    /// A day of a hundred runs: so many by mail, the others by webhook; so many with a stale source.
    fn state(of: Day, mail: u64, stale: u64) -> DayState {
        let group = GroupCost {
            runs: 100,
            ..GroupCost::default()
        };
        let count = |runs| InputCount {
            runs,
            stale: runs,
            ..InputCount::default()
        };
        let figures = DayFigures {
            runs: 100,
            sources: [
                ("mail".to_owned(), mail),
                ("webhook".to_owned(), 100 - mail),
            ]
            .into(),
            groups: [("emea".to_owned(), group)].into(),
            inputs: [
                (String::new(), count(100)),
                ("crm".to_owned(), count(stale)),
            ]
            .into(),
            ..DayFigures::new()
        };
        DayState {
            workflow: "w".into(),
            day: of.to_string(),
            rows: vec![DayRow {
                workflow: "w".into(),
                day: of.to_string(),
                release: ReleaseId::new(uuid::Uuid::from_u128(1)),
                tier: String::new(),
                figures,
            }],
            open: 0,
            made_at: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn a_source_that_sends_more_and_a_fault_that_is_new_are_told_with_their_day_and_size() {
        let first = day("2026-11-01");
        let then: Vec<DayState> = (0..14).map(|n| state(first.plus(n), 20, 2)).collect();
        // More mail from the 16th on, stale sources from the 18th on, the drift on the 18th.
        let now: Vec<DayState> = (14..18)
            .map(|n| {
                state(
                    first.plus(n),
                    if n > 14 { 60 } else { 20 },
                    if n > 16 { 30 } else { 2 },
                )
            })
            .collect();
        let told = inputs_moved(&then, &now, day("2026-11-18"), &DriftSpec::default());
        let days: Vec<String> = told.iter().map(|t| t.0.to_string()).collect();
        assert_eq!(days, ["2026-11-16", "2026-11-18"], "{told:?}");
        assert!(
            told[0]
                .1
                .contains("event source mail 60.0 % instead of 20.0 %"),
            "{told:?}"
        );
        assert!(
            told[1]
                .1
                .contains("runs with a faulty input of crm 30.0 % instead of 2.0 %"),
            "{told:?}"
        );
    }

    #[test]
    fn inputs_that_vary_by_chance_or_within_the_tolerance_have_not_moved() {
        let first = day("2026-11-01");
        let then: Vec<DayState> = (0..14).map(|n| state(first.plus(n), 20, 2)).collect();
        let now: Vec<DayState> = (14..18).map(|n| state(first.plus(n), 26, 5)).collect();
        assert_eq!(
            inputs_moved(&then, &now, day("2026-11-15"), &DriftSpec::default()),
            []
        );
    }
}
