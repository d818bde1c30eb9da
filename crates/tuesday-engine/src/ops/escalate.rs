//! Passes a task to the next named person, with a clock of its own. By a person, or because it is due.

use tuesday_domain::actor::Actor;
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Review;
use tuesday_domain::review::ReviewEvent;
use tuesday_domain::run::{RunEvent, Status};

use super::task::{Task, already_decided, may_decide};
use crate::draft::Draft;
use crate::engine::Engine;

impl Engine {
    /// `by` escalates.
    ///
    /// # Errors
    /// The refusals of a decision; `illegal_state` when nobody is left above.
    pub async fn escalate(
        &self,
        id: ReviewId,
        by: &str,
        note: Option<String>,
        revision: Option<u32>,
    ) -> Result<Review, Problem> {
        let task = self.task(id).await?;
        may_decide(&task, by, revision, self.now())?;
        if next_person(&task.review).is_none() {
            return Err(Problem::new(
                "illegal_state",
                format!("{} is the last named person above", task.review.owner),
            )
            .way_out("decide it, or hand over a result"));
        }
        self.pass_on(task, Actor::Person(by.to_owned()), note).await
    }

    /// The due time passed: the next named person gets it; the last one keeps it, with a new clock.
    pub(crate) async fn escalate_due(&self, id: ReviewId) -> Result<Review, Problem> {
        let task = self.task(id).await?;
        if task.review.state.is_decided() {
            return Err(already_decided(&task.review));
        }
        self.pass_on(task, Actor::System("review_due"), None).await
    }

    async fn pass_on(
        &self,
        task: Task,
        actor: Actor,
        note: Option<String>,
    ) -> Result<Review, Problem> {
        let now = self.now();
        let mut review = task.review.clone();
        let due = task.release.ready.def.review.due.0;
        if let Some(next) = next_person(&review) {
            review.owner = next;
        }
        review.level += 1;
        review.due_at = now.plus(due);
        review.claimed_by = None;
        review.claim_until = None;
        if note.is_some() {
            review.note = note;
        }
        let class = task.release.ready.strictest();
        let mut draft = Draft::on(&task.run, class, actor, "review.escalated", now);
        draft.fact("owner", review.owner.clone());
        draft.fact("level", review.level);
        draft.review(&mut review, ReviewEvent::Escalate)?;
        if task.run.state.status == Status::InReview {
            draft.event(RunEvent::Escalated)?;
        }
        if !task.run.state.status.is_terminal() {
            draft.run.owner = Some(review.owner.clone());
        }
        self.commit_task(review.id, draft).await?;
        Ok(review)
    }
}

fn next_person(review: &Review) -> Option<String> {
    let here = review.chain.iter().position(|p| *p == review.owner)?;
    review.chain.get(here + 1).cloned()
}
