//! Somebody writes down how the work was before the machine: what a task took, how often it was wrong,
//! how long the answer took. Without it nothing is said to be saved.

use tuesday_domain::actor::Actor;
use tuesday_domain::ledger::day::Day;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, BaselineRow, MoneyChange, Subject};

use super::unbookable;
use crate::engine::{Engine, read_problem};

/// A baseline as somebody measured it.
#[derive(Clone, Debug)]
pub struct NewBaseline {
    /// Tasks in the sample.
    pub sample: u64,
    /// Milliseconds of work in all of them together.
    pub handling_ms: u64,
    /// How many were wrong in the end.
    pub errors: u64,
    /// Median time from receipt to result, in milliseconds.
    pub turnaround_ms: u64,
    /// How it was measured.
    pub method: String,
    /// First day of the sample.
    pub from: Day,
    /// Last day.
    pub to: Day,
}

impl Engine {
    /// Keeps a baseline; the newest holds. One that is captured after the first run has ended says so
    /// wherever it is cited.
    ///
    /// # Errors
    /// `cost_invalid` naming the field; `unknown_workflow`, `not_allowed`, `revision_moved`.
    pub async fn capture_baseline(
        &self,
        workflow: &str,
        new: NewBaseline,
        by: &str,
    ) -> Result<BaselineRow, Problem> {
        self.keeps_ledger(Some(workflow), by).await?;
        let today = self.today(Some(workflow)).await?;
        let bad = if new.sample == 0 || new.sample > 1_000_000 {
            Some(("sample", "1 to 1000000 tasks"))
        } else if new.handling_ms == 0 {
            Some(("minutes", "more than nothing"))
        } else if new.handling_ms / new.sample > 24 * 3_600_000 {
            Some(("minutes", "a task takes at most a day of work"))
        } else if new.errors > new.sample {
            Some(("errors", "not more than the sample"))
        } else if new.method.trim().is_empty() {
            Some(("method", "say how it was measured"))
        } else if new.to < new.from || new.to > today {
            Some(("to", "after the first day, and not in the future"))
        } else {
            None
        };
        if let Some((field, why)) = bad {
            return Err(unbookable(field, why));
        }
        let reader = &self.0.reader;
        let (old, launched) =
            tokio::try_join!(reader.baselines(workflow), reader.has_ended_runs(workflow))
                .map_err(read_problem)?;
        let now = self.now();
        let row = BaselineRow {
            workflow: workflow.to_owned(),
            version: old.first().map_or(0, |b| b.version) + 1,
            sample: new.sample,
            handling_ms: new.handling_ms,
            errors: new.errors,
            turnaround_ms: new.turnaround_ms,
            method: new.method.trim().to_owned(),
            sampled_from: new.from.to_string(),
            sampled_to: new.to.to_string(),
            after_launch: launched,
            captured_by: by.to_owned(),
            captured_at: now,
        };
        let entry = AuditEntry::new(
            now,
            Actor::Person(by.to_owned()),
            "baseline.captured",
            Subject::Workflow(workflow.to_owned()),
        )
        .fact("version", row.version)
        .fact("sample", row.sample)
        .fact("handling_ms", row.handling_ms)
        .fact("errors", row.errors)
        .fact("turnaround_ms", row.turnaround_ms)
        .fact("method", row.method.clone())
        .fact("after_launch", row.after_launch);
        self.money(vec![MoneyChange::InsertBaseline(row.clone())], entry)
            .await?;
        Ok(row)
    }

    /// The baseline that holds.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn baseline(&self, workflow: &str) -> Result<Option<BaselineRow>, Problem> {
        let all = self.0.reader.baselines(workflow).await;
        Ok(all.map_err(read_problem)?.into_iter().next())
    }
}
