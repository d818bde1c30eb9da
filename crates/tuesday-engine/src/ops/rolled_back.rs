//! What becomes of open tasks whose output was made by a release that was rolled back since: they say so,
//! and the person chooses. Making it again takes the live release; approving keeps it, and the log says that
//! it was kept.

use std::sync::Arc;

use tuesday_domain::problem::Problem;
use tuesday_domain::record::{ReleaseState, Run};
use tuesday_domain::review::ReviewKind;

use super::task::Task;
use crate::catalog::LiveRelease;
use crate::engine::Engine;

impl Engine {
    /// The live release, when the one of this run was taken out of service. Costs a read only for runs of
    /// another release than the live one.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`, `record_damaged`.
    pub(super) async fn instead_of(&self, run: &Run) -> Result<Option<Arc<LiveRelease>>, Problem> {
        let workflow = self.known_workflow(&run.workflow).await?;
        if workflow.live_release == run.release {
            return Ok(None);
        }
        let row = self.release_row(run.release).await?;
        if row.state != ReleaseState::RolledBack {
            return Ok(None);
        }
        self.loaded(workflow.live_release).await.map(Some)
    }

    /// What an open task about an output says of it.
    pub(super) async fn rolled_back_words(&self, task: &Task) -> Result<Option<String>, Problem> {
        if task.review.kind != ReviewKind::Output || task.review.state.is_decided() {
            return Ok(None);
        }
        let live = self.instead_of(&task.run).await?;
        Ok(live.map(|live| {
            format!(
                "release {}, which made this, was rolled back: make it again with release {}, or approve it to keep it",
                task.release.number, live.number
            )
        }))
    }
}
