//! Takes back that a release stands by for the live one.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Workflow;

use super::super::standing::Move;
use super::reason_given;
use crate::engine::Engine;

impl Engine {
    /// `by` decides that no release goes on for the live one; runs that already did stay with it.
    ///
    /// # Errors
    /// `illegal_state` when none stands by; `not_allowed`, `reason_required`, `unknown_workflow`.
    pub async fn stand_down_release(
        &self,
        workflow: &str,
        by: &Actor,
        reason: &str,
    ) -> Result<Workflow, Problem> {
        let reason = reason_given(reason)?;
        self.may_release(Act::RollBackRelease, workflow, by).await?;
        let mut row = self.standing(workflow).await?;
        let Some(id) = row.rollout.alternative.take() else {
            let words = format!("no release of {workflow} stands by");
            return Err(Problem::new("illegal_state", words));
        };
        let words = format!("release {id} stands_down");
        let mut moved = Move::new(row, "release.stands_down", words);
        moved.facts.push(("release", id.to_string().into()));
        self.commit_move(moved, by, &reason).await
    }
}
