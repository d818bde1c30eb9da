//! Passes a task to the next named person, with a clock of its own. By a person, or because it is due.

use tuesday_domain::actor::Actor;
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Review};
use tuesday_domain::review::ReviewEvent;
use tuesday_domain::run::{RunEvent, Status};

use super::presence::Gone;
use super::task::{Task, already_decided, may_decide};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::maintenance::notice_about;

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
        let gone = self.gone(Some(&task.review.workflow), self.now()).await?;
        let Some(next) = next_person(&task.review, &gone) else {
            return Err(Problem::new(
                "illegal_state",
                format!("{} is the last named person above", task.review.owner),
            )
            .way_out("decide it, or hand over a result"));
        };
        self.pass_on(task, next, Actor::Person(by.to_owned()), note)
            .await
    }

    /// The due time passed: the next named person who is there gets it. With nobody left above it
    /// goes to the operator owner, stays overdue and is told about every day.
    pub(crate) async fn escalate_due(&self, id: ReviewId) -> Result<Review, Problem> {
        let task = self.task(id).await?;
        if task.review.state.is_decided() {
            return Err(already_decided(&task.review));
        }
        let actor = Actor::System("review_due");
        let gone = self.gone(Some(&task.review.workflow), self.now()).await?;
        match next_person(&task.review, &gone) {
            Some(next) => self.pass_on(task, next, actor, None).await,
            None => self.exhausted(task, actor).await,
        }
    }

    async fn exhausted(&self, task: Task, actor: Actor) -> Result<Review, Problem> {
        let now = self.now();
        let mut review = task.review.clone();
        let first = review.exhausted_at.is_none();
        review.exhausted_at = Some(now);
        review.owner = task.release.ready.def.owners.operator.handle.clone();
        let class = task.release.ready.strictest();
        let mut draft = Draft::on(&task.run, class, actor, "review.escalation_exhausted", now);
        draft.fact("owner", review.owner.clone());
        draft.fact("first", first);
        draft.review(&mut review, ReviewEvent::Exhaust)?;
        if !task.run.state.status.is_terminal() {
            draft.run.owner = Some(review.owner.clone());
        }
        let title = format!(
            "{}: a case is overdue and nobody is left above you",
            review.workflow
        );
        draft.change(Change::InsertNotice(Box::new(notice_about(
            &review,
            "escalation_exhausted",
            title,
            now,
        ))));
        self.commit_task(review.id, draft).await?;
        Ok(review)
    }

    async fn pass_on(
        &self,
        task: Task,
        next: String,
        actor: Actor,
        note: Option<String>,
    ) -> Result<Review, Problem> {
        let now = self.now();
        let mut review = task.review.clone();
        let due = task.release.ready.def.review.due.0;
        let from = std::mem::replace(&mut review.owner, next);
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
        draft.fact("from", from);
        draft.fact("level", review.level);
        let title = format!("{}: a case was escalated to you", review.workflow);
        draft.change(Change::InsertNotice(Box::new(notice_about(
            &review,
            "review_escalated",
            title,
            now,
        ))));
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

/// The next of the named persons who is there. An owner who is not among them counts as the first.
pub(super) fn next_person(review: &Review, gone: &Gone) -> Option<String> {
    let after = review
        .chain
        .iter()
        .position(|p| *p == review.owner)
        .map_or(0, |here| here + 1);
    if review.exhausted_at.is_some() {
        return None;
    }
    review
        .chain
        .iter()
        .skip(after)
        .find(|p| gone.is_here(p))
        .cloned()
}
