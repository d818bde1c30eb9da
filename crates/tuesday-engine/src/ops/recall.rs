//! Takes an approval back while nothing was sent: unsent actions are voided and the output, with
//! every edit, is before the person again. The decided task stays as it was decided; a new one
//! follows it.

use tuesday_domain::action::ActionEvent;
use tuesday_domain::id::{ReviewId, RunId};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Action, Change, Review, ReviewDecision, Run};
use tuesday_domain::run::{Reason, RunEvent, Status};
use tuesday_domain::time::Timestamp;

use super::approve::Decided;
use super::task::{Task, draft, people};
use crate::engine::{Engine, read_problem};
use crate::steps::give_back::{is_unsent, rebound, tier_of};
use crate::steps::{Ask, open_review};

/// Until when the actions of a run can be recalled: the first time one of them may be sent.
pub(crate) fn recall_until(actions: &[Action], now: Timestamp) -> Option<Timestamp> {
    let waiting = actions
        .iter()
        .filter(|a| a.first_sent_at.is_none() && !a.state.is_settled());
    waiting
        .filter_map(|a| a.not_before)
        .min()
        .filter(|t| *t > now)
}

impl Engine {
    /// `by` takes the approval of this task back. Repeated, it answers the task that followed.
    ///
    /// # Errors
    /// `already_sent` once sending started, `not_allowed` for who may not decide the task,
    /// `illegal_state` when nothing of it was approved.
    pub async fn recall(&self, id: ReviewId, by: &str) -> Result<Decided, Problem> {
        let task = self.task(id).await?;
        allowed(&task, by)?;
        if let Some(done) = self.recalled(&task).await? {
            return Ok(done);
        }
        still_here(&task)?;
        let now = self.now();
        let mut draft = draft(&task, by, "review.recalled", now);
        for action in task.actions.iter().filter(|a| !a.state.is_settled()) {
            draft.action(&mut action.clone(), &[ActionEvent::Void], false)?;
        }
        draft.event(RunEvent::Recalled)?;
        draft.change(Change::DropJob { run: task.run.id });
        let words = vec![format!(
            "{by} took the approval back before anything was sent"
        )];
        let ask = Ask {
            tier: tier_of(&task.release, &task.run, Some(&task.review), &task.payloads),
            bound_to: bound(&task),
            edited_by: task.review.edited_by.clone(),
            follows: Some(task.review.id),
            owner: Some(by.to_owned()),
            ..Ask::output(Reason::Recalled, words, RunEvent::Recalled)
        };
        let review = open_review(&task.release.ready.def, &draft.run, ask, now);
        draft.fact("follows", task.review.id.to_string());
        draft.open_review(review.clone());
        self.crash_point("recall.before_commit");
        match self.commit_task(id, draft).await {
            Ok(run) => {
                self.crash_point("recall.after_commit");
                Ok(Decided::of(review, run, 0))
            }
            // Somebody was faster: the other click, or the worker that sends.
            Err(refused) => {
                let task = self.task(id).await?;
                match self.recalled(&task).await? {
                    Some(done) => Ok(done),
                    None => still_here(&task).and(Err(refused)),
                }
            }
        }
    }

    /// `by` takes the approval of this run back, whichever of its tasks it was given in.
    ///
    /// # Errors
    /// As [`Engine::recall`]; `illegal_state` when no person approved it.
    pub async fn recall_run(&self, id: RunId, by: &str) -> Result<Decided, Problem> {
        let reviews = self.0.reader.reviews_of(id).await.map_err(read_problem)?;
        let approved = |r: &&Review| {
            let yes = [
                Some(ReviewDecision::Approve),
                Some(ReviewDecision::ApproveWithEdits),
            ];
            yes.contains(&r.decision)
        };
        let Some(last) = reviews.iter().rev().find(approved) else {
            return Err(Problem::new(
                "illegal_state",
                "no person approved this run: there is nothing to recall",
            )
            .way_out("cancel the run while nothing is being sent"));
        };
        self.recall(last.id, by).await
    }

    /// Until when `by` can take the approval of this run back; nothing when nobody approved it, it is
    /// too late, or `by` may not.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn recallable_by(&self, run: &Run, by: &str) -> Result<Option<Timestamp>, Problem> {
        if run.state.status != Status::Dispatching {
            return Ok(None);
        }
        let reader = &self.0.reader;
        let reviews = reader.reviews_of(run.id).await.map_err(read_problem)?;
        let Some(last) = reviews.iter().rev().find(|r| r.decided_by.is_some()) else {
            return Ok(None);
        };
        let task = self.task(last.id).await?;
        let until = recall_until(&task.actions, self.now());
        Ok(until.filter(|_| allowed(&task, by).is_ok() && still_here(&task).is_ok()))
    }

    /// The open task that follows this one, when it was recalled already.
    async fn recalled(&self, task: &Task) -> Result<Option<Decided>, Problem> {
        let reader = &self.0.reader;
        let reviews = reader.reviews_of(task.run.id).await.map_err(read_problem)?;
        let next: Option<Review> = reviews.into_iter().rev().find(|r| {
            r.follows == Some(task.review.id)
                && r.reason == Reason::Recalled
                && !r.state.is_decided()
        });
        Ok(next.map(|review| Decided::of(review, task.run.clone(), 0)))
    }
}

fn bound(task: &Task) -> String {
    match (task.snapshot(), task.facts()) {
        (Some(snapshot), Some(facts)) => {
            rebound(&task.release, &task.run, &snapshot, &facts, &task.payloads)
        }
        _ => String::new(),
    }
}

fn allowed(task: &Task, by: &str) -> Result<(), Problem> {
    let people = people(task);
    if people.iter().any(|p| p == by) {
        return Ok(());
    }
    Err(
        Problem::new("not_allowed", format!("{by} may not recall this"))
            .with("people", people)
            .way_out("ask one of the named persons"),
    )
}

fn still_here(task: &Task) -> Result<(), Problem> {
    if task.run.state.status == Status::Dispatching
        && task
            .actions
            .iter()
            .all(|a| is_unsent(a.state) && a.first_sent_at.is_none())
    {
        return Ok(());
    }
    if task.actions.iter().any(|a| a.first_sent_at.is_some()) {
        return Err(Problem::new(
            "already_sent",
            "sending has started; it can no longer be recalled",
        )
        .way_out("put it right in the system that was written to"));
    }
    Err(Problem::new(
        "illegal_state",
        format!(
            "the run is {}: there is nothing to recall",
            task.run.state.status
        ),
    ))
}
