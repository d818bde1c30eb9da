//! What a decision about a known error leads to: nothing outside, a result, and the reviewer is told.

use serde_json::Value;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    Change, DeskChange, PayloadKind, Review, ReviewDecision, Seed, SeedResult,
};
use tuesday_domain::review::ReviewEvent;
use tuesday_domain::run::RunEvent;
use tuesday_domain::seeding::let_through;
use tuesday_domain::time::Timestamp;

use super::approve::{Approval, Decided, counted, note};
use super::settle::{Settlement, decided, words};
use super::task::{Task, draft};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::maintenance::notice;

impl Engine {
    /// An approval of a known error: missed, unless the spoilt field was changed before.
    pub(super) async fn approve_seed(
        &self,
        task: Task,
        by: &str,
        approval: &Approval,
        output: Value,
        edited: bool,
    ) -> Result<Decided, Problem> {
        let now = self.now();
        let mut review = task.review.clone();
        let left = counted(&mut review, by, edited);
        let kind = match (left > 0, edited) {
            (true, _) => "review.partly_approved",
            (false, true) => "review.approved_with_edits",
            (false, false) => "review.approved",
        };
        let mut draft = draft(&task, by, kind, now);
        note(&mut draft, &mut review, approval, by);
        if edited {
            let n = draft.payload(PayloadKind::Edit, output.to_string().into_bytes());
            draft.run.output_ref = Some(n);
            review.output_ref = Some(n);
        }
        if left > 0 {
            return self
                .half(task, draft, review, edited.then_some(output), left)
                .await;
        }
        review.decided_at = Some(now);
        review.decided_by = Some(by.to_owned());
        let edited = review.edited_by.is_some();
        review.decision = Some(if edited {
            ReviewDecision::ApproveWithEdits
        } else {
            ReviewDecision::Approve
        });
        self.end_seed(
            task,
            draft,
            review,
            ReviewEvent::Approve { edited },
            Some(&output),
        )
        .await
    }

    /// A rejection of a known error: caught, wherever the workflow sends what is rejected.
    pub(super) async fn reject_seed(
        &self,
        task: Task,
        draft: Draft,
        review: Review,
    ) -> Result<Decided, Problem> {
        self.end_seed(task, draft, review, ReviewEvent::Reject, None)
            .await
    }

    /// Whoever does a known error by hand, asks for a new output or gives it up has not let it through.
    pub(super) async fn settle_seed(
        &self,
        task: Task,
        by: &str,
        how: Settlement,
        now: Timestamp,
    ) -> Result<Decided, Problem> {
        let (kind, decision, event, text) = match how {
            Settlement::HandOver { result } => {
                words(&result, "result")?;
                let what = ReviewDecision::HandOver;
                (
                    "review.handed_over",
                    what,
                    ReviewEvent::HandOver,
                    Some(result),
                )
            }
            Settlement::CloseFailed { reason } => {
                words(&reason, "reason")?;
                let what = ReviewDecision::CloseFailed;
                (
                    "review.closed_failed",
                    what,
                    ReviewEvent::HandOver,
                    Some(reason),
                )
            }
            Settlement::Regenerate { reason } => {
                let what = ReviewDecision::Regenerate;
                ("review.regenerate", what, ReviewEvent::Supersede, reason)
            }
            Settlement::Supply { .. }
            | Settlement::Happened { .. }
            | Settlement::DidNotHappen { .. } => {
                return Err(Problem::new(
                    "illegal_state",
                    "this task asks for a decision about an output",
                ));
            }
        };
        let mut review = decided(&task.review, by, decision, now);
        let mut draft = draft(&task, by, kind, now);
        if let Some(text) = text {
            let n = draft.payload(PayloadKind::Note, text.clone().into_bytes());
            draft.fact("note", n);
            review.note = Some(text);
        }
        self.end_seed(task, draft, review, event, None).await
    }

    /// Ends task, run and seed in one decision. `approved` is the output that was let go.
    async fn end_seed(
        &self,
        task: Task,
        mut draft: Draft,
        mut review: Review,
        event: ReviewEvent,
        approved: Option<&Value>,
    ) -> Result<Decided, Problem> {
        let seed = task.seed.clone().ok_or_else(|| {
            Problem::new("internal", "a task without a known error was ended as one")
        })?;
        let spoilt = task.model_output().map(|(_, v)| v).unwrap_or_default();
        let missed = approved.is_some_and(|last| let_through(&spoilt, last, &seed.field));
        let result = if missed {
            SeedResult::Missed
        } else {
            SeedResult::Caught
        };
        draft.review(&mut review, event)?;
        // Nothing was ever to come of this run.
        draft.event(RunEvent::Cancelled)?;
        draft.run.owner = None;
        draft.fact("seed", result.word());
        draft.fact("seed_fault", seed.fault.clone());
        let mut people = review.approved_by.clone();
        people.extend(review.decided_by.clone());
        people.sort();
        people.dedup();
        for person in &people {
            draft.change(Change::InsertNotice(Box::new(told(
                person, &review, result, &draft,
            ))));
        }
        let seed = Seed {
            result: Some(result),
            decided_by: Some(people.join(", ")),
            decided_at: review.decided_at,
            version: seed.version + 1,
            ..seed
        };
        draft.change(Change::Desk(Box::new(DeskChange::UpdateSeed(seed.clone()))));
        self.crash_point("seed.before_end_commit");
        let run = self.commit_task(review.id, draft).await?;
        self.crash_point("seed.after_end_commit");
        let mut done = Decided::of(review, run, 0);
        done.seed = Some(seed);
        Ok(done)
    }
}

/// The words for whoever decided it.
fn told(
    person: &str,
    review: &Review,
    result: SeedResult,
    draft: &Draft,
) -> tuesday_domain::record::Notice {
    let title = match result {
        SeedResult::Caught => format!("{}: you caught a known error", review.workflow),
        SeedResult::Missed => format!("{}: you let a known error through", review.workflow),
    };
    let path = format!("/reviews/{}", review.id);
    let now = draft.run.updated_at;
    notice(
        person.to_owned(),
        review.workflow.clone(),
        "seed_decided",
        title,
        path,
        now,
    )
}
