//! The incidents of a span of days, for a report about it: what was opened in it, and what of that was still open
//! at its end. What is open today says nothing about an earlier quarter.

use serde::Serialize;
use tuesday_domain::ledger::day::Days;
use tuesday_domain::problem::Problem;
use tuesday_store::IncidentFilter;

use crate::engine::{Engine, read_problem};

/// Incidents that are read at once.
const PAGE: usize = 500;

/// How many incidents a span had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SpanIncidents {
    /// Opened in it.
    pub opened: u64,
    /// Of them, open at its end; now, while it is not over.
    pub open: u64,
}

impl Engine {
    /// The incidents that were opened on these days, of a workflow.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn span_incidents(
        &self,
        workflow: &str,
        days: Days,
    ) -> Result<SpanIncidents, Problem> {
        let (from, to) = self.moments_of(workflow, days).await?;
        let filter = IncidentFilter {
            workflow: Some(workflow.to_owned()),
            opened: Some((from, to)),
            ..IncidentFilter::default()
        };
        let (mut out, mut after) = (SpanIncidents::default(), None);
        loop {
            let page = self.0.reader.incidents(&filter, after, PAGE).await;
            let page = page.map_err(read_problem)?;
            after = page.last().map(|i| i.id);
            for i in &page {
                out.opened += 1;
                out.open += u64::from(i.resolved_at.is_none_or(|at| at >= to));
            }
            if page.len() < PAGE {
                return Ok(out);
            }
        }
    }
}
