//! Rejects an output, with a reason from the workflow's list. Nothing reaches the destination.

use tuesday_domain::definition::OnReject;
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::ReviewDecision;
use tuesday_domain::review::{ReviewEvent, ReviewKind};
use tuesday_domain::run::{Reason, RunEvent};

use super::approve::{Decided, declared_reason};
use super::rules::acknowledged;
use super::task::{draft, may_decide};
use crate::draft::is_unfinished;
use crate::engine::Engine;
use crate::steps::Ask;
use crate::steps::open_review;

/// What a person rejects with.
#[derive(Clone, Debug, Default)]
pub struct Refusal {
    /// The revision that was seen.
    pub revision: Option<u32>,
    /// One of the declared codes.
    pub reason: String,
    /// Free words.
    pub note: Option<String>,
}

impl Engine {
    /// `by` rejects.
    ///
    /// # Errors
    /// The refusals of a decision; `reason_required` and `unknown_reason`.
    pub async fn reject(
        &self,
        id: ReviewId,
        by: &str,
        refusal: Refusal,
    ) -> Result<Decided, Problem> {
        let task = self.task(id).await?;
        let now = self.now();
        may_decide(&task, by, refusal.revision, now)?;
        acknowledged(&task, by)?;
        if !matches!(task.review.kind, ReviewKind::Output | ReviewKind::Input) {
            return Err(Problem::new(
                "illegal_state",
                "this task is not about an output: settle it instead",
            ));
        }
        declared_reason(&task, Some(&refusal.reason), "a rejection")?;
        let mut review = task.review.clone();
        review.decided_at = Some(now);
        review.decided_by = Some(by.to_owned());
        review.decision = Some(ReviewDecision::Reject);
        review.decision_reason = Some(refusal.reason.clone());
        review.note = refusal.note;
        let mut draft = draft(&task, by, "review.rejected", now);
        draft.fact("reason", refusal.reason);
        draft.review(&mut review, ReviewEvent::Reject)?;
        if task.actions.iter().any(|a| is_unfinished(a.state)) {
            return Err(Problem::new(
                "illegal_state",
                "an action of this run is not settled yet",
            ));
        }
        let by_hand = task.release.ready.def.review.on_reject == OnReject::HandOff;
        draft.event(if by_hand {
            RunEvent::TakenOver
        } else {
            RunEvent::RejectedByPerson
        })?;
        if by_hand {
            let words = vec![format!(
                "{by} rejected the output; {}",
                task.release.ready.def.manual.instructions
            )];
            let ask = Ask {
                kind: ReviewKind::Manual,
                ..Ask::output(Reason::Manual, words, RunEvent::TakenOver)
            };
            let work = open_review(&task.release.ready.def, &draft.run, ask, now);
            draft.open_review(work);
        }
        draft.run.owner = None;
        let run = self.commit_task(id, draft).await?;
        Ok(Decided {
            review,
            run,
            approvals_left: 0,
        })
    }
}
