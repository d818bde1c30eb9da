//! What is in force: a workflow's row with its live release, a release by id. Loaded releases are
//! checked against their hash, so what is shown is what runs.

use std::sync::Arc;

use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{RuleSetRow, Workflow};

use super::task::not_found;
use crate::catalog::{LiveRelease, LoadFault};
use crate::engine::{Engine, read_problem};

impl Engine {
    /// A workflow and the release that new runs get.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`, `record_damaged`.
    pub async fn live(&self, workflow: &str) -> Result<(Arc<Workflow>, Arc<LiveRelease>), Problem> {
        let row = self.known_workflow(workflow).await?;
        let release = self.loaded(row.live_release).await?;
        Ok((row, release))
    }

    /// A release, checked against its hash.
    ///
    /// # Errors
    /// `not_found`, `unavailable`, `record_damaged`.
    pub async fn loaded(&self, id: ReleaseId) -> Result<Arc<LiveRelease>, Problem> {
        self.0
            .catalog
            .release(&self.0.reader, id)
            .await
            .map_err(|e| match e {
                LoadFault::Missing(_) => not_found(&id.to_string()),
                LoadFault::Read(e) => read_problem(e),
                LoadFault::HashMismatch(_) | LoadFault::Broken(..) => {
                    Problem::new("record_damaged", e.to_string())
                }
            })
    }

    /// The decision table in force, as stored.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`, `record_damaged`.
    pub async fn live_rules(&self, workflow: &str) -> Result<RuleSetRow, Problem> {
        let row = self.known_workflow(workflow).await?;
        let rules = self
            .0
            .reader
            .ruleset(workflow, row.rules_version)
            .await
            .map_err(read_problem)?;
        rules.ok_or_else(|| {
            Problem::new(
                "record_damaged",
                format!(
                    "rules version {} of {workflow} is not there",
                    row.rules_version
                ),
            )
        })
    }
}
