//! Settles a task that is not a plain yes or no: supplies an input, says what became of an action,
//! hands over a result, asks for a new output, closes the run as failed.

use serde_json::Value;
use sha2::{Digest, Sha256};
use tuesday_domain::action::{ActionEvent, ActionState};
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Action, OverrideKind, PayloadKind, Review, ReviewDecision};
use tuesday_domain::review::{ReviewEvent, ReviewKind};
use tuesday_domain::run::{RunEvent, Status};
use tuesday_domain::time::Timestamp;

use super::approve::Decided;
use super::rules::acknowledged;
use super::task::{Request, Task, draft, may_decide};
use crate::draft::{Draft, is_unfinished};
use crate::engine::Engine;
use crate::steps::dispatch::drafts_only;
use crate::worker::drive::Work;

/// How a person settles a task.
#[derive(Clone, Debug, serde::Serialize)]
pub enum Settlement {
    /// The whole input, completed or corrected.
    Supply {
        /// A JSON object that meets the input schema.
        input: Value,
    },
    /// The action happened.
    Happened {
        /// What shows it.
        evidence: String,
    },
    /// The action did not happen: it is sent again under the same key.
    DidNotHappen {
        /// What shows it.
        evidence: String,
    },
    /// Done by hand.
    HandOver {
        /// What came of it.
        result: String,
    },
    /// Given up.
    CloseFailed {
        /// Why.
        reason: String,
    },
    /// Fresh inputs and a new output.
    Regenerate {
        /// Why.
        reason: Option<String>,
    },
}

impl Engine {
    /// `by` settles the task.
    ///
    /// # Errors
    /// The refusals of a decision; `reason_required` for empty words.
    pub async fn settle(
        &self,
        id: ReviewId,
        by: &str,
        revision: Option<u32>,
        s: Settlement,
    ) -> Result<Decided, Problem> {
        Box::pin(self.settle_once(id, by, revision, None, s)).await
    }

    /// As [`Engine::settle`]; the same key again has no second effect.
    ///
    /// # Errors
    /// As there.
    pub async fn settle_once(
        &self,
        id: ReviewId,
        by: &str,
        revision: Option<u32>,
        key: Option<&str>,
        s: Settlement,
    ) -> Result<Decided, Problem> {
        let mut task = self.task(id).await?;
        let request = Request::new(by, key, &serde_json::json!(["settle", revision, s]));
        if let Some(done) = task.repeated(request.as_ref())? {
            return Ok(done);
        }
        let now = self.now();
        may_decide(&task, by, revision, now)?;
        acknowledged(&task, by)?;
        if task.review.kind == ReviewKind::SecondLook {
            return Err(Problem::new(
                "illegal_state",
                "a second look has a verdict and nothing to settle",
            )
            .way_out("say whether it was right: correct or incorrect"));
        }
        let kept = request.as_ref().map(Request::text);
        task.review.request_keys.extend(kept);
        if task.seed.is_some() {
            return Box::pin(self.settle_seed(task, by, s, now)).await;
        }
        match s {
            Settlement::Supply { input } => {
                sees_the_event(&task, by)?;
                self.supply(task, by, input, now).await
            }
            Settlement::Happened { evidence } => self.happened(task, by, evidence, now).await,
            Settlement::DidNotHappen { evidence } => {
                self.did_not_happen(task, by, evidence, now).await
            }
            Settlement::HandOver { result } => {
                self.end(
                    task,
                    by,
                    now,
                    result,
                    ReviewDecision::HandOver,
                    RunEvent::TakenOver,
                    "review.handed_over",
                )
                .await
            }
            Settlement::CloseFailed { reason } => {
                self.end(
                    task,
                    by,
                    now,
                    reason,
                    ReviewDecision::CloseFailed,
                    RunEvent::ClosedAsFailed,
                    "review.closed_failed",
                )
                .await
            }
            Settlement::Regenerate { reason } => self.regenerate(task, by, reason, now).await,
        }
    }

    async fn supply(
        &self,
        task: Task,
        by: &str,
        input: Value,
        now: Timestamp,
    ) -> Result<Decided, Problem> {
        if task.review.kind != ReviewKind::Input {
            return Err(Problem::new(
                "illegal_state",
                "this task does not ask for an input",
            ));
        }
        let errors = task.release.ready.input.check(&input);
        if let Some(first) = errors.first() {
            let mut p = Problem::new(
                "schema_violation",
                format!("{} {}", first.field, first.detail),
            )
            .field(first.field.clone());
            p.errors = errors;
            return Err(p);
        }
        let body = input.to_string().into_bytes();
        self.again(
            task,
            by,
            now,
            ReviewDecision::Supply,
            "review.input_supplied",
            move |draft| {
                draft.fact(
                    "body_sha256_changed",
                    Sha256::digest(&body).as_slice() != draft.run.body_hash,
                );
                let n = draft.payload(PayloadKind::Event, body);
                draft.run.body_ref = n;
            },
        )
        .await
    }

    async fn regenerate(
        &self,
        task: Task,
        by: &str,
        reason: Option<String>,
        now: Timestamp,
    ) -> Result<Decided, Problem> {
        nothing_written(&task)?;
        self.again(
            task,
            by,
            now,
            ReviewDecision::Regenerate,
            "review.regenerate",
            move |draft| {
                if let Some(reason) = reason {
                    draft.fact("reason", reason);
                }
            },
        )
        .await
    }

    /// Sends the run back to the start: new snapshot, new output; the old ones stay on record.
    async fn again(
        &self,
        mut task: Task,
        by: &str,
        now: Timestamp,
        decision: ReviewDecision,
        kind: &'static str,
        change: impl FnOnce(&mut Draft),
    ) -> Result<Decided, Problem> {
        let mut draft = draft(&task, by, kind, now);
        change(&mut draft);
        // Not with a release that was taken out of service.
        if let Some(live) = self.instead_of(&task.run).await? {
            draft.fact("before", task.release.id.to_string());
            draft.fact("release", live.id.to_string());
            draft.run.release = live.id;
            task.release = live;
        }
        let mut review = decided(&task.review, by, decision, now);
        if decision == ReviewDecision::Regenerate {
            void_unsent(&task, &mut draft)?;
            if review.kind == ReviewKind::Output {
                let kind = OverrideKind::Reroute;
                super::overrides::keep(&mut draft, &task, &mut review, kind, None);
            }
        }
        draft.review(&mut review, ReviewEvent::Supersede)?;
        draft.event(match task.run.state.status {
            Status::WaitingInput => RunEvent::InputsSupplied,
            _ => RunEvent::Regenerate,
        })?;
        self.start_again(task, draft, review).await
    }

    /// Commits a run that is at its start again and sends it on its way.
    pub(super) async fn start_again(
        &self,
        task: Task,
        mut draft: Draft,
        review: Review,
    ) -> Result<Decided, Problem> {
        let now = draft.run.updated_at;
        draft.run.owner = None;
        draft.run.attempts = 0;
        draft.run.repairs = 0;
        draft.run.snapshot_ref = None;
        draft.run.output_ref = None;
        draft.run.verdict_ref = None;
        draft.run.deadline_at = now.plus(task.release.ready.def.limits.deadline.0);
        let place = self.queue(&mut draft, &task.release);
        let body_ref = draft.run.body_ref;
        self.crash_point("again.before_commit");
        let run = self.commit_task(review.id, draft).await?;
        self.crash_point("again.after_commit");
        let stored = self
            .0
            .reader
            .payload(run.id, body_ref)
            .await
            .map_err(crate::engine::read_problem)?;
        let mut work = Work::from_task(&task, run.clone(), Vec::new());
        (work.snapshot, work.facts, work.accepted) = (None, None, None);
        work.body = std::sync::Arc::new(stored.map(|p| p.bytes).unwrap_or_default());
        work.input = tuesday_domain::json::parse_strict(&work.body).unwrap_or(Value::Null);
        self.go_on(place, work);
        Ok(Decided::of(review, run, 0))
    }

    async fn happened(
        &self,
        task: Task,
        by: &str,
        evidence: String,
        now: Timestamp,
    ) -> Result<Decided, Problem> {
        let mut action = stuck(&task)?;
        words(&evidence, "evidence")?;
        let mut draft = draft(&task, by, "action.confirmed_by_person", now);
        if action.state != ActionState::Uncertain {
            return Err(Problem::new(
                "illegal_state",
                format!("the action is {}, not uncertain", action.state),
            ));
        }
        let n = draft.payload(
            PayloadKind::Receipt,
            serde_json::json!({"said_by": by, "evidence": evidence})
                .to_string()
                .into_bytes(),
        );
        action.receipt_ref = Some(n);
        draft.action(&mut action, &[ActionEvent::Find], false)?;
        let review = decided(&task.review, by, ReviewDecision::Happened, now);
        self.resume(task, draft, Settled::of(review, action)).await
    }

    async fn did_not_happen(
        &self,
        task: Task,
        by: &str,
        evidence: String,
        now: Timestamp,
    ) -> Result<Decided, Problem> {
        let mut action = stuck(&task)?;
        words(&evidence, "evidence")?;
        let mut draft = draft(&task, by, "action.reauthorised_by_person", now);
        let n = draft.payload(PayloadKind::Note, evidence.into_bytes());
        draft.fact("evidence", n);
        action.attempts = 0;
        draft.action(&mut action, &[ActionEvent::Reauthorise], false)?;
        let review = decided(&task.review, by, ReviewDecision::DidNotHappen, now);
        self.resume(task, draft, Settled::of(review, action)).await
    }

    /// The person settled one action; the run goes on with the rest, or is complete.
    pub(super) async fn resume(
        &self,
        task: Task,
        mut draft: Draft,
        settled: Settled,
    ) -> Result<Decided, Problem> {
        let Settled {
            mut review,
            action: changed,
            request: rewritten,
            accepted,
        } = settled;
        let event = match review.decision {
            Some(ReviewDecision::Approve) => ReviewEvent::Approve { edited: false },
            _ => ReviewEvent::HandOver,
        };
        draft.review(&mut review, event)?;
        draft.run.owner = None;
        let actions: Vec<(Action, Value)> = task
            .actions
            .iter()
            .map(|a| {
                let stored = || {
                    task.bytes(a.request_ref)
                        .and_then(|b| serde_json::from_slice(&b).ok())
                        .unwrap_or(Value::Null)
                };
                if a.id == changed.id {
                    (changed.clone(), rewritten.clone().unwrap_or_else(stored))
                } else {
                    (a.clone(), stored())
                }
            })
            .collect();
        let mut place = None;
        if actions.iter().all(|(a, _)| a.state.is_settled()) {
            draft.event(RunEvent::ActionsConfirmed {
                drafts_only: drafts_only(&actions),
            })?;
        } else {
            draft.event(RunEvent::DispatchResumed)?;
            place = self.queue(&mut draft, &task.release);
        }
        self.crash_point("settle.before_commit");
        let run = self.commit_task(review.id, draft).await?;
        self.crash_point("settle.after_commit");
        if !run.state.status.is_terminal() {
            let mut work = Work::from_task(&task, run.clone(), actions);
            work.fresh_lease = false;
            if accepted.is_some() {
                work.accepted = accepted;
            }
            self.go_on(place, work);
        }
        Ok(Decided::of(review, run, 0))
    }

    #[expect(clippy::too_many_arguments, reason = "one decision's facts, used once")]
    async fn end(
        &self,
        task: Task,
        by: &str,
        now: Timestamp,
        text: String,
        decision: ReviewDecision,
        event: RunEvent,
        kind: &'static str,
    ) -> Result<Decided, Problem> {
        words(
            &text,
            if decision == ReviewDecision::HandOver {
                "result"
            } else {
                "reason"
            },
        )?;
        let mut review = decided(&task.review, by, decision, now);
        review.note = Some(text.clone());
        let mut draft = draft(&task, by, kind, now);
        if decision == ReviewDecision::HandOver && review.kind == ReviewKind::Output {
            let kind = OverrideKind::Reroute;
            super::overrides::keep(&mut draft, &task, &mut review, kind, None);
        }
        let n = draft.payload(PayloadKind::Note, text.into_bytes());
        draft.fact("note", n);
        draft.review(&mut review, ReviewEvent::HandOver)?;
        // Work handed to people by rule is over as a run; only its item is still open.
        if !task.run.state.status.is_terminal() {
            void_unsent(&task, &mut draft)?;
            draft.event(event)?;
        }
        draft.run.owner = None;
        self.crash_point("end.before_commit");
        let run = self.commit_task(review.id, draft).await?;
        self.crash_point("end.after_commit");
        Ok(Decided::of(review, run, 0))
    }
}

/// One action that a person settled, with the decided task.
pub(super) struct Settled {
    pub(super) review: Review,
    pub(super) action: Action,
    /// The request as it was changed by the decision.
    pub(super) request: Option<Value>,
    /// What the person accepted.
    pub(super) accepted: Option<tuesday_domain::recheck::Recheck>,
}

impl Settled {
    const fn of(review: Review, action: Action) -> Self {
        Self {
            review,
            action,
            request: None,
            accepted: None,
        }
    }
}

/// Part of a plan that is written is not written again.
pub(super) fn nothing_written(task: &Task) -> Result<(), Problem> {
    let written = |s| matches!(s, ActionState::Confirmed | ActionState::Compensated);
    if task.actions.iter().any(|a| written(a.state)) {
        return Err(Problem::new(
            "illegal_state",
            "part of this run's effect is written; a new output would write it twice",
        )
        .way_out("hand over a result, or send a new event"));
    }
    Ok(())
}

pub(super) fn decided(
    review: &Review,
    by: &str,
    decision: ReviewDecision,
    now: Timestamp,
) -> Review {
    let mut review = review.clone();
    review.decided_at = Some(now);
    review.decided_by = Some(by.to_owned());
    review.decision = Some(decision);
    review
}

/// Whoever writes the whole input must be allowed to see it.
fn sees_the_event(task: &Task, by: &str) -> Result<(), Problem> {
    let class = task.release.ready.input.strictest();
    if task.veil(by).shows(class) {
        return Ok(());
    }
    Err(Problem::new(
        "not_cleared",
        format!("the event is {} and masked for {by}", class.word()),
    )
    .field("input")
    .way_out("escalate it"))
}

pub(super) fn words(text: &str, field: &str) -> Result<(), Problem> {
    if text.trim().is_empty() {
        return Err(
            Problem::new("reason_required", format!("{field} must not be empty")).field(field),
        );
    }
    Ok(())
}

/// The action a task of kind `action` is about: the first that is not settled.
pub(super) fn stuck(task: &Task) -> Result<Action, Problem> {
    if task.review.kind != ReviewKind::Action {
        return Err(Problem::new(
            "illegal_state",
            "this task is not about an action",
        ));
    }
    task.actions
        .iter()
        .find(|a| is_unfinished(a.state))
        .cloned()
        .ok_or_else(|| Problem::new("illegal_state", "every action of this run is settled"))
}

/// Takes back what was never sent. An uncertain action must be settled first.
pub(super) fn void_unsent(task: &Task, draft: &mut Draft) -> Result<(), Problem> {
    for action in task.actions.iter().filter(|a| is_unfinished(a.state)) {
        if matches!(
            action.state,
            ActionState::Sending | ActionState::Delivered | ActionState::Uncertain
        ) {
            return Err(Problem::new(
                "illegal_state",
                format!(
                    "{} may have happened: say first whether it did",
                    action.name
                ),
            ));
        }
        draft.action(&mut action.clone(), &[ActionEvent::Void], false)?;
    }
    Ok(())
}
