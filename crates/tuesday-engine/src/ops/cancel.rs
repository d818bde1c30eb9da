//! Takes a run back, as long as nothing is being sent.

use tuesday_domain::action::{ActionEvent, ActionState};
use tuesday_domain::actor::Actor;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Run};
use tuesday_domain::review::ReviewEvent;
use tuesday_domain::run::RunEvent;

use super::task::not_found;
use crate::draft::{Draft, is_unfinished};
use crate::engine::{Engine, apply_problem, read_problem};

impl Engine {
    /// Cancels the run; its open task is superseded, its unsent actions are voided.
    ///
    /// # Errors
    /// `illegal_state` when it has ended or something is being sent; `reason_required`.
    pub async fn cancel(&self, id: RunId, by: &Actor, reason: &str) -> Result<Run, Problem> {
        if reason.trim().is_empty() {
            return Err(
                Problem::new("reason_required", "cancelling needs a reason").field("reason")
            );
        }
        let reader = &self.0.reader;
        let found = reader
            .work(id)
            .await
            .map_err(read_problem)?
            .ok_or_else(|| not_found(&id.to_string()))?;
        let release = self
            .0
            .catalog
            .release(reader, found.run.release)
            .await
            .map_err(|e| Problem::new("record_damaged", e.to_string()))?;
        let now = self.now();
        let mut draft = Draft::on(
            &found.run,
            release.ready.strictest(),
            by.clone(),
            "run.cancelled",
            now,
        );
        draft.fact("reason", reason);
        for action in found.actions.iter().filter(|a| is_unfinished(a.state)) {
            if matches!(
                action.state,
                ActionState::Sending | ActionState::Delivered | ActionState::Uncertain
            ) {
                return Err(Problem::new(
                    "illegal_state",
                    format!("{} is being sent, or may have been", action.name),
                )
                .way_out("wait for its outcome, or settle the task about it"));
            }
            draft.action(&mut action.clone(), &[ActionEvent::Void], false)?;
        }
        for review in reader
            .reviews_of(id)
            .await
            .map_err(read_problem)?
            .iter()
            .filter(|r| !r.state.is_decided())
        {
            let mut review = review.clone();
            review.decided_at = Some(now);
            draft.review(&mut review, ReviewEvent::Supersede)?;
        }
        let had_job = found.run.state.status.wants_job();
        draft.event(RunEvent::Cancelled)?;
        if had_job {
            draft.change(Change::DropJob { run: id });
        }
        let (decision, run) = draft.finish();
        self.apply(decision).await.map_err(apply_problem)?;
        Ok(run)
    }
}
