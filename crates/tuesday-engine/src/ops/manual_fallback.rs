//! Gives the work of a workflow back to people for a while, and takes it up again.

use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Workflow;

use super::standing::{Move, contended, reasoned};
use crate::engine::Engine;

impl Engine {
    /// On: what is held, and every new event, becomes a manual work item of the person the package
    /// names, with its inputs. Off: new events are worked on again; what people have stays theirs.
    ///
    /// # Errors
    /// `reason_required`, `workflow_retired`, `unknown_workflow`.
    pub async fn manual_fallback(
        &self,
        name: &str,
        on: bool,
        by: &Actor,
        reason: &str,
    ) -> Result<Workflow, Problem> {
        reasoned(reason)?;
        contended(on, || Box::pin(self.fallback(name, on, by, reason))).await
    }

    async fn fallback(
        &self,
        name: &str,
        on: bool,
        by: &Actor,
        reason: &str,
    ) -> Result<Workflow, Problem> {
        let mut row = self.not_retired(name).await?;
        row.rollout.fallback = on;
        let words = if on { "off on" } else { "on off" };
        let mut moved = Move::new(row, "workflow.fallback", format!("fallback {words}"));
        if on {
            moved = moved.tell("its work is done by hand until further notice".to_owned());
        }
        self.commit_move(moved, by, reason).await
    }
}
