//! Which row decides how often, and what people then said: what rules are tuned on.

use std::time::Duration;

use tuesday_domain::problem::Problem;
use tuesday_domain::record::ReviewDecision;
use tuesday_domain::rules::Route;
use tuesday_domain::time::Timestamp;

use crate::engine::{Engine, read_problem};

/// One row of the table with what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowReport {
    /// Row id; absent for runs that the rules could not judge.
    pub row: Option<String>,
    /// Where it sends a run.
    pub route: Route,
    /// Runs it decided.
    pub hits: u64,
    /// Approved as they stood.
    pub approved: u64,
    /// Approved after an edit.
    pub edited: u64,
    /// Rejected.
    pub rejected: u64,
    /// Done by hand or closed.
    pub by_hand: u64,
    /// In the table in force; false for rows of earlier versions.
    pub in_force: bool,
}

impl Engine {
    /// The rows of the table in force, then those of earlier versions that decided within the last
    /// `days`. Rows that never decided are there with zero hits.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`, `record_damaged`.
    pub async fn rules_report(&self, workflow: &str, days: u32) -> Result<Vec<RowReport>, Problem> {
        let desk = self.rules_desk(workflow).await?;
        let back = Duration::from_secs(u64::from(days) * 86_400).as_micros();
        let since = self
            .now()
            .micros()
            .saturating_sub(i64::try_from(back).unwrap_or(i64::MAX));
        let hits = self
            .0
            .reader
            .rule_hits(workflow, Timestamp::from_micros(since))
            .await
            .map_err(read_problem)?;
        let empty = |row: Option<String>, route, in_force| RowReport {
            row,
            route,
            hits: 0,
            approved: 0,
            edited: 0,
            rejected: 0,
            by_hand: 0,
            in_force,
        };
        let mut out: Vec<RowReport> = desk
            .rules
            .rows()
            .iter()
            .map(|row| empty(Some(row.id.clone()), row.route, true))
            .collect();
        for hit in hits {
            let at = out
                .iter()
                .position(|r| r.row == hit.row && r.route == hit.route);
            let at = at.unwrap_or_else(|| {
                out.push(empty(hit.row.clone(), hit.route, false));
                out.len() - 1
            });
            let Some(row) = out.get_mut(at) else { continue };
            row.hits += hit.runs;
            match hit.decision {
                Some(ReviewDecision::Approve) => row.approved += hit.runs,
                Some(ReviewDecision::ApproveWithEdits) => row.edited += hit.runs,
                Some(ReviewDecision::Reject) => row.rejected += hit.runs,
                Some(ReviewDecision::HandOver | ReviewDecision::CloseFailed) => {
                    row.by_hand += hit.runs;
                }
                _ => {}
            }
        }
        Ok(out)
    }
}
