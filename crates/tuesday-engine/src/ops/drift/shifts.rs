//! The shifts of a workflow from the figures of its days; no run is read.

use std::collections::BTreeMap;

use tuesday_domain::drift::{Dimension, Judged, Part, ShiftCount, judge, shifts};
use tuesday_domain::id::ReleaseId;
use tuesday_domain::ledger::day::Day;
use tuesday_domain::ledger::figures::Mix;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{DriftBaseline, DriftFinding};
use tuesday_store::DayState;

use crate::catalog::LiveRelease;
use crate::engine::{Engine, read_problem};

/// A baseline is renewed before it is older than this, in days.
pub(super) const YEAR: i64 = 365;

/// What is judged one by one: the shifts of a day, or the day as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Grain {
    Shift,
    Day,
}

impl Grain {
    /// A finding is looked for in the shifts first: it says more.
    pub(super) const ALL: [Self; 2] = [Self::Shift, Self::Day];
}

/// One day: each shift's mix, and the releases that were at work.
pub(super) struct DayMix {
    pub(super) day: Day,
    pub(super) shifts: Vec<(String, Mix)>,
    pub(super) releases: Vec<ReleaseId>,
}

/// The frozen mix with its day's bounds.
pub(super) struct Frozen {
    pub(super) row: DriftBaseline,
    pub(super) mix: Mix,
    pub(super) to: Day,
}

/// Where a shift stands in its day. Shifts that are declared no more come last.
fn place(order: &[(u32, String)], shift: &str) -> usize {
    let found = order.iter().position(|(_, name)| name == shift);
    found.unwrap_or(order.len())
}

fn day_mix(state: &DayState, order: &[(u32, String)]) -> Option<DayMix> {
    let mut all: BTreeMap<&str, Mix> = BTreeMap::new();
    let mut releases = Vec::new();
    for row in &state.rows {
        for (shift, mix) in &row.figures.mix {
            all.entry(shift.as_str()).or_default().merge(mix);
        }
        if !releases.contains(&row.release) {
            releases.push(row.release);
        }
    }
    let mut parts: Vec<(String, Mix)> = all
        .into_iter()
        .map(|(shift, mix)| (shift.to_owned(), mix))
        .collect();
    parts.sort_by_key(|(shift, _)| place(order, shift));
    Some(DayMix {
        day: Day::parse(&state.day).ok()?,
        shifts: parts,
        releases,
    })
}

/// What of a mix is compared.
pub(super) fn counts(mix: &Mix, dimension: Dimension) -> &BTreeMap<String, u64> {
    match dimension {
        Dimension::Outcome => &mix.outcomes,
        Dimension::Landing => &mix.landings,
    }
}

/// What is compared of a shift, or of a day without a name for it.
fn counted(day: Day, shift: &str, mix: &Mix, dimension: Dimension) -> ShiftCount {
    let counts = counts(mix, dimension);
    let known: u64 = counts.values().sum();
    ShiftCount {
        day,
        shift: shift.to_owned(),
        runs: mix.runs,
        // A run without a place yet is as open as one without an outcome.
        open: mix.runs.saturating_sub(known),
        counts: counts.clone(),
    }
}

/// The shifts, or the days, after the newest finding about this baseline, judged.
pub(super) fn judged(
    frozen: &Frozen,
    days: &[DayMix],
    (dimension, grain): (Dimension, Grain),
    findings: &[DriftFinding],
    live: &LiveRelease,
) -> Judged {
    let before = findings
        .iter()
        .find(|f| f.baseline == frozen.row.version && f.dimension == dimension.word());
    let after = before.map(|f| (f.day.clone(), f.shift.clone()));
    let order = shifts(&live.ready.def.shift);
    let place = |shift: &str| place(&order, shift);
    // A finding about a whole day has no shift: it comes after all of them.
    let later = |day: Day, shift: &str| {
        after
            .as_ref()
            .is_none_or(|(d, s)| (day.to_string(), place(shift)) > (d.clone(), place(s)))
    };
    let mut all: Vec<ShiftCount> = Vec::new();
    for d in days.iter().filter(|d| d.day > frozen.to) {
        match grain {
            Grain::Shift => all.extend(
                d.shifts
                    .iter()
                    .filter(|(shift, _)| later(d.day, shift))
                    .map(|(shift, mix)| counted(d.day, shift, mix, dimension)),
            ),
            // A day in which something was found is not judged again as a whole.
            Grain::Day => {
                if after
                    .as_ref()
                    .is_none_or(|(found, _)| d.day.to_string() > *found)
                {
                    let mut whole = Mix::default();
                    d.shifts.iter().for_each(|(_, m)| whole.merge(m));
                    all.push(counted(d.day, "", &whole, dimension));
                }
            }
        }
    }
    // Days before another declaration keep the shifts they were counted in: the year is for the most of them.
    let most = days.iter().map(|d| d.shifts.len()).max().unwrap_or(0);
    let own = Part {
        dimensions: u32::try_from(Dimension::ALL.len()).unwrap_or(1),
        series: u32::try_from(Grain::ALL.len()).unwrap_or(1),
        a_day: match grain {
            Grain::Shift => u32::try_from(most.max(order.len())).unwrap_or(1),
            Grain::Day => 1,
        },
    };
    let base = counts(&frozen.mix, dimension);
    judge(base, &all, &live.ready.def.drift, own)
}

impl Engine {
    /// The mixes of these days, the oldest first.
    pub(super) async fn day_mixes(
        &self,
        name: &str,
        from: Day,
        to: Day,
    ) -> Result<Vec<DayMix>, Problem> {
        let (from, to) = (from.to_string(), to.to_string());
        let states = self.0.reader.day_figures(Some(name), None, (&from, &to));
        let states = states.await.map_err(read_problem)?;
        let (_, live) = self.live(name).await?;
        let order = shifts(&live.ready.def.shift);
        Ok(states.iter().filter_map(|s| day_mix(s, &order)).collect())
    }

    /// The frozen mix in force.
    pub(super) async fn frozen(&self, name: &str) -> Result<Option<Frozen>, Problem> {
        let newest = self.0.reader.drift_baselines(name, 1).await;
        let Some(row) = newest.map_err(read_problem)?.into_iter().next() else {
            return Ok(None);
        };
        let damaged = |e: String| {
            let words = format!("baseline {} of the mix of {name}: {e}", row.version);
            Problem::new("record_damaged", words)
        };
        let mix = serde_json::from_str(&row.mix).map_err(|e| damaged(e.to_string()))?;
        let to = Day::parse(&row.day_to).map_err(|e| damaged(e.to_string()))?;
        Ok(Some(Frozen { mix, to, row }))
    }
}
