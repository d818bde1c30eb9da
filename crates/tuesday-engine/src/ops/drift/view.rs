//! The mix of a workflow as people see it: baseline, shifts, findings with what changed around them, how
//! often second readers agree, and the inputs beside the overrides.

use std::collections::BTreeMap;

use serde::Serialize;
use tuesday_domain::drift::{Dimension, DriftSpec, Judged};
use tuesday_domain::ledger::day::Day;
use tuesday_domain::ledger::figures::DayFigures;
use tuesday_domain::ledger::interval::share_ppm;
use tuesday_domain::ledger::report::merged;
use tuesday_domain::ledger::shown::Shown;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::DriftFinding;
use tuesday_domain::run::Reason;
use tuesday_store::DayState;

use super::canary::Canary;
use super::changes::Around;
use super::dependence::Dependence;
use super::inputs::{InputSource, input_sources};
use super::shifts::{Frozen, Grain, YEAR, counts, judged};
use super::tiers::{TierAgreement, tier_agreement};
use crate::engine::{Engine, read_problem};

/// Weeks of inputs.
const WEEKS: i64 = 12;
/// Days that agreement, sources and hands are read off.
const RECENT: i64 = 90;
/// Shifts that are shown.
const SHOWN: usize = 42;

/// The frozen mix.
#[derive(Clone, Debug, Serialize)]
pub struct FrozenMix {
    /// From 1.
    pub version: u32,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// Runs in it.
    pub runs: u64,
    /// Who froze it, as an actor.
    pub set_by: String,
    /// Why.
    pub reason: String,
    /// It is older than a year: freeze another one.
    pub old: bool,
}

/// One dimension.
#[derive(Clone, Debug, Serialize)]
pub struct DriftDimension {
    /// `outcome` or `landing`.
    pub dimension: &'static str,
    /// Counts of the baseline.
    pub baseline: BTreeMap<String, u64>,
    /// The newest shifts, judged.
    pub judged: Judged,
    /// The newest days as a whole, judged with the other half of the same alpha.
    pub days: Judged,
}

impl DriftDimension {
    /// The shifts or the days for which the false alarms are bounded have all been judged; a sentence.
    #[must_use]
    pub fn spent(&self) -> Option<String> {
        let each = [(&self.judged, "shifts"), (&self.days, "days")];
        let (judged, what) = each.into_iter().find(|(j, _)| j.is_spent())?;
        Some(format!(
            "All {} {what} of a year against this baseline are judged: no new look begins, and what drifts from now on is found late or never. Freeze another baseline.",
            judged.horizon
        ))
    }
}

/// The newest of what was judged; the first finding is told with its place among them.
fn newest(mut judged: Judged) -> Judged {
    let cut = judged.shifts.len().saturating_sub(SHOWN);
    judged.shifts.drain(..cut);
    if let Some(found) = &mut judged.found {
        found.at = found.at.saturating_sub(cut);
    }
    judged
}

/// A finding with what changed around it.
#[derive(Clone, Debug, Serialize)]
pub struct MixFinding {
    /// Number within the workflow.
    pub seq: u32,
    /// `open` or `closed`.
    pub state: &'static str,
    /// What was seen.
    pub words: String,
    /// `outcome` or `landing`.
    pub dimension: String,
    /// The day of the shift.
    pub day: String,
    /// From when the evidence is strongest.
    pub since: String,
    /// Who answers for it.
    pub owner: String,
    /// When, RFC 3339.
    pub found_at: String,
    /// What changed around it: what came before the drift, the nearest first, then what came after.
    pub changes: Vec<Around>,
    /// Why the record of what changed cannot be read; then `changes` is empty and says nothing.
    pub unreadable: Option<String>,
    /// What it was.
    pub note: Option<String>,
    /// Who said so.
    pub closed_by: Option<String>,
}

/// What was wrong with inputs in a week, beside what people overrode.
#[derive(Clone, Debug, Serialize)]
pub struct InputWeek {
    /// Its Monday.
    pub week: Day,
    /// Runs.
    pub runs: u64,
    /// Runs with a missing input.
    pub missing: u64,
    /// With a stale or unreadable source.
    pub stale: u64,
    /// With sources that contradict each other.
    pub conflicting: u64,
    /// Share of all three, in millionths.
    pub input_ppm: Option<i64>,
    /// Outputs that people changed or refused, of those they decided, in millionths.
    pub override_ppm: Option<i64>,
}

/// Everything about a workflow's mix.
#[derive(Clone, Debug, Serialize)]
pub struct Drift {
    /// Workflow name.
    pub workflow: String,
    /// For people.
    pub title: String,
    /// What it is called.
    pub label: &'static str,
    /// The day in the workflow's time zone.
    pub today: Day,
    /// What is declared.
    pub spec: DriftSpec,
    /// The frozen mix; absent until there are enough days.
    pub baseline: Option<FrozenMix>,
    /// Each dimension.
    pub dimensions: Vec<DriftDimension>,
    /// Findings, the newest first.
    pub findings: Vec<MixFinding>,
    /// How often a second reader of a person's approval agreed.
    pub agreement: Shown,
    /// Week by week, the oldest first.
    pub inputs: Vec<InputWeek>,
    /// The same tier by tier, with kappa where it can be known.
    pub tiers: Vec<TierAgreement>,
    /// Source by source, over 28 days: what to put right first stands first.
    pub sources: Vec<InputSource>,
    /// Whether the work hangs on one person.
    pub dependence: Dependence,
    /// Fixed cases that the live model is asked again and again; absent when none are declared.
    pub canary: Option<Canary>,
}

fn finding(f: DriftFinding) -> MixFinding {
    let (changes, unreadable) = match serde_json::from_str(&f.changes) {
        Ok(changes) => (changes, None),
        Err(e) => (Vec::new(), Some(e.to_string())),
    };
    MixFinding {
        seq: f.seq,
        state: f.state.word(),
        changes,
        unreadable,
        found_at: f.found_at.rfc3339(),
        words: f.words,
        dimension: f.dimension,
        day: f.day,
        since: f.since,
        owner: f.owner,
        note: f.note,
        closed_by: f.closed_by,
    }
}

fn frozen_mix(frozen: &Frozen, today: Day) -> FrozenMix {
    let row = &frozen.row;
    FrozenMix {
        version: row.version,
        from: row.day_from.clone(),
        to: row.day_to.clone(),
        runs: frozen.mix.runs,
        set_by: row.set_by.clone(),
        reason: row.reason.clone(),
        old: today.since(frozen.to) > YEAR,
    }
}

fn input_week(week: Day, f: &DayFigures) -> InputWeek {
    let of = |reasons: &[Reason]| {
        let all = reasons.iter();
        all.filter_map(|r| f.exceptions.get(r.word())).sum::<u64>()
    };
    let missing = of(&[Reason::MissingInput, Reason::RuleInput, Reason::UnknownTier]);
    let stale = of(&[Reason::StaleSource, Reason::SourceUnavailable]);
    let conflicting = of(&[Reason::ConflictingSources]);
    let decided = f.approved + f.edited + f.refused;
    InputWeek {
        week,
        runs: f.runs,
        missing,
        stale,
        conflicting,
        input_ppm: share_ppm(missing + stale + conflicting, f.runs),
        override_ppm: share_ppm(f.edited + f.refused, decided),
    }
}

impl Engine {
    /// The mix of a workflow now.
    ///
    /// # Errors
    /// `unknown_workflow`, `record_damaged`, `unavailable`.
    pub async fn drift(&self, name: &str) -> Result<Drift, Problem> {
        let (row, live) = self.live(name).await?;
        let today = self.today(Some(name)).await?;
        let findings = self.0.reader.drift_findings(name, 50).await;
        let findings = findings.map_err(read_problem)?;
        let frozen = self.frozen(name).await?;
        let mut dimensions = Vec::new();
        if let Some(frozen) = &frozen {
            let from = frozen.to.plus(-1).max(today.plus(-YEAR));
            let days = self.day_mixes(name, from, today).await?;
            for dimension in Dimension::ALL {
                let by =
                    |grain| newest(judged(frozen, &days, (*dimension, grain), &findings, &live));
                dimensions.push(DriftDimension {
                    dimension: dimension.word(),
                    baseline: counts(&frozen.mix, *dimension).clone(),
                    judged: by(Grain::Shift),
                    days: by(Grain::Day),
                });
            }
        }
        let recent = self.recent_days(name, today).await?;
        let (agreement, tiers) = tier_agreement(name, &recent, today);
        Ok(Drift {
            workflow: row.name.clone(),
            title: row.title.clone(),
            label: row.label.word(),
            spec: live.ready.def.drift,
            baseline: frozen.as_ref().map(|f| frozen_mix(f, today)),
            dimensions,
            findings: findings.into_iter().map(finding).collect(),
            agreement,
            inputs: self.input_weeks(name, today).await?,
            tiers,
            sources: input_sources(&live.ready.def, &recent, today),
            dependence: self.dependence(name, &recent, today).await?,
            canary: self.canary(&live, name).await?,
            today,
        })
    }

    /// The figures of the last ninety days, for what is read off them together.
    async fn recent_days(&self, name: &str, today: Day) -> Result<Vec<DayState>, Problem> {
        let (from, to) = (today.plus(1 - RECENT).to_string(), today.to_string());
        let states = self.0.reader.day_figures(Some(name), None, (&from, &to));
        states.await.map_err(read_problem)
    }

    async fn input_weeks(&self, name: &str, today: Day) -> Result<Vec<InputWeek>, Problem> {
        let first = today.monday().plus(-7 * (WEEKS - 1));
        let (from, to) = (first.to_string(), today.to_string());
        let states = self.0.reader.day_figures(Some(name), None, (&from, &to));
        let states = states.await.map_err(read_problem)?;
        let week = |n: i64| {
            let monday = first.plus(7 * n);
            let within =
                |day: &str| Day::parse(day).is_ok_and(|d| d >= monday && d < monday.plus(7));
            let rows = states
                .iter()
                .filter(|s| within(&s.day))
                .flat_map(|s| s.rows.iter());
            input_week(monday, &merged(rows))
        };
        Ok((0..WEEKS).map(week).collect())
    }
}

#[cfg(test)]
mod tests {
    use tuesday_domain::record::DriftState;
    use tuesday_domain::time::Timestamp;

    use super::*;

    fn kept(changes: &str) -> DriftFinding {
        DriftFinding {
            workflow: "w".into(),
            seq: 1,
            state: DriftState::Open,
            note: None,
            closed_by: None,
            closed_at: None,
            revision: 0,
            baseline: 1,
            dimension: "outcome".into(),
            day: "2026-11-20".into(),
            shift: "day".into(),
            since: "2026-11-20".into(),
            words: "x".into(),
            figures: "{}".into(),
            changes: changes.into(),
            owner: "rhea".into(),
            found_at: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn a_damaged_list_of_changes_is_told_and_is_not_an_empty_one() {
        assert_eq!(finding(kept("[]")).unreadable, None);
        for damaged in ["", "[{", "{}"] {
            let told = finding(kept(damaged));
            assert!(
                told.unreadable.is_some() && told.changes.is_empty(),
                "{damaged}"
            );
        }
    }
}
