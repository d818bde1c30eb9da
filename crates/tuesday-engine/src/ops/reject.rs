//! Rejects an output, with a reason from the workflow's list, and sends the work where the workflow
//! says for that reason. Nothing reaches the destination.

use serde_json::json;
use tuesday_domain::definition::OnReject;
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{OverrideKind, ReviewDecision};
use tuesday_domain::review::{ReviewEvent, ReviewKind};
use tuesday_domain::run::{Reason, RunEvent};

use super::approve::{Decided, declared_reason};
use super::rules::acknowledged;
use super::settle::{decided, nothing_written, void_unsent};
use super::task::{Request, Task, draft, may_decide};
use crate::draft::Draft;
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
    /// Idempotency key of the request: repeated, it has no second effect.
    pub key: Option<String>,
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
        let act = json!(["reject", refusal.revision, refusal.reason, refusal.note]);
        let request = Request::new(by, refusal.key.as_deref(), &act);
        if let Some(done) = task.repeated(request.as_ref())? {
            return Ok(done);
        }
        let now = self.now();
        may_decide(&task, by, refusal.revision, now)?;
        acknowledged(&task, by)?;
        if matches!(
            task.review.kind,
            ReviewKind::Manual | ReviewKind::SecondLook
        ) {
            return Err(Problem::new(
                "illegal_state",
                "this task is not about an output: settle it instead",
            ));
        }
        declared_reason(&task, Some(&refusal.reason), "a rejection")?;
        nothing_written(&task)?;
        let mut review = decided(&task.review, by, ReviewDecision::Reject, now);
        review.decision_reason = Some(refusal.reason.clone());
        review.note = refusal.note;
        review
            .request_keys
            .extend(request.as_ref().map(Request::text));
        let mut draft = draft(&task, by, "review.rejected", now);
        draft.fact("reason", refusal.reason.clone());
        if task.seed.is_some() {
            return Box::pin(self.reject_seed(task, draft, review)).await;
        }
        void_unsent(&task, &mut draft)?;
        let kind = OverrideKind::Reject;
        super::overrides::keep(&mut draft, &task, &mut review, kind, None);
        draft.review(&mut review, ReviewEvent::Reject)?;
        let spec = &task.release.ready.def.review;
        match spec.after_rejection(&refusal.reason) {
            OnReject::Close => draft.event(RunEvent::RejectedByPerson)?,
            OnReject::HandOff => by_hand(&task, &mut draft, by)?,
            OnReject::Regenerate => {
                draft.event(RunEvent::Regenerate)?;
                return self.start_again(task, draft, review).await;
            }
        }
        draft.run.owner = None;
        self.crash_point("reject.before_commit");
        let run = self.commit_task(id, draft).await?;
        self.crash_point("reject.after_commit");
        Ok(Decided::of(review, run, 0))
    }
}

/// People do it: a manual task is opened, and the run is over.
fn by_hand(task: &Task, draft: &mut Draft, by: &str) -> Result<(), Problem> {
    draft.event(RunEvent::TakenOver)?;
    let def = &task.release.ready.def;
    let words = vec![format!(
        "{by} rejected the output; {}",
        def.manual.instructions
    )];
    let ask = Ask {
        kind: ReviewKind::Manual,
        ..Ask::output(Reason::Manual, words, RunEvent::TakenOver)
    };
    let now = draft.run.updated_at;
    draft.open_review(open_review(def, &draft.run, ask, now));
    Ok(())
}
