//! Sends a blocked action all the same: a person was shown what changed, may accept it, and says why.

use serde_json::Value;
use tuesday_domain::action::{ActionEvent, ActionState};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Action, OverrideKind, PayloadKind, ReviewDecision};
use tuesday_domain::review::ReviewEvent;
use tuesday_domain::run::{Reason, RunEvent};
use tuesday_domain::time::Timestamp;

use super::approve::{Approval, Decided};
use super::recheck::{changed, may_accept};
use super::settle::{Settled, decided, stuck};
use super::task::{Task, draft};
use crate::engine::Engine;

impl Engine {
    /// `by` approves what a blocked action would overwrite.
    pub(super) async fn accept_changed(
        &self,
        task: Task,
        by: &str,
        approval: &Approval,
        now: Timestamp,
    ) -> Result<Decided, Problem> {
        let (Some(mut shown), action) = (task.recheck(), stuck(&task)?) else {
            return Err(Problem::new(
                "illegal_state",
                "there is no output to approve in this task",
            )
            .way_out("settle it: say whether it happened, hand over a result, regenerate, or close it as failed"));
        };
        if action.state != ActionState::Blocked {
            return Err(Problem::new(
                "illegal_state",
                format!("the action is {}, not blocked", action.state),
            ));
        }
        if !approval.accept_changed {
            let mut refusal = changed(&task, by, &shown, task.review.revision);
            if task.review.reason == Reason::TargetChanged {
                refusal.code = "target_changed";
            }
            return Err(refusal);
        }
        may_accept(&task, approval)?;
        let needed = task.tier().map_or(1, |t| t.approvals.max(1));
        if task.review.approved_by.iter().any(|p| p == by) {
            return Err(Problem::new(
                "same_person_twice",
                format!("{by} has accepted this already; a second person is needed"),
            ));
        }
        let given = u32::try_from(task.review.approved_by.len()).unwrap_or(u32::MAX);
        let left = needed.saturating_sub(given.saturating_add(1));
        if left > 0 {
            return self.accepted_by_one(task, by, approval, left).await;
        }
        let mut draft = draft(&task, by, "action.accepted_by_person", now);
        let (mut action, request) = overwriting(&task, &shown, action)?;
        if let Some(request) = &request {
            let bytes = request.to_string().into_bytes();
            action.request_ref = draft.payload(PayloadKind::Request, bytes);
        }
        shown.accepted_by = Some(by.to_owned());
        let bytes = serde_json::to_vec(&shown).unwrap_or_default();
        let mut review = decided(&task.review, by, ReviewDecision::Approve, now);
        review.decision_reason = approval.reason.clone();
        review.note = approval.note.clone();
        review.recheck_ref = Some(draft.payload(PayloadKind::Note, bytes));
        review.approved_by.push(by.to_owned());
        let request_key = approval.request(by).map(|r| r.text());
        review.request_keys.extend(request_key);
        super::overrides::keep(&mut draft, &task, &mut review, OverrideKind::Forced, None);
        action.authorised_by = Some(format!("person:{by}"));
        action.attempts = 0;
        draft.action(&mut action, &[ActionEvent::Reauthorise], false)?;
        let settled = Settled {
            review,
            action,
            request,
            accepted: Some(shown),
        };
        self.resume(task, draft, settled).await
    }

    /// What takes two persons to approve takes two to overwrite: the next one who has not accepted it
    /// is asked about the same version.
    async fn accepted_by_one(
        &self,
        task: Task,
        by: &str,
        approval: &Approval,
        left: u32,
    ) -> Result<Decided, Problem> {
        let mut draft = draft(&task, by, "action.partly_accepted", self.now());
        let mut review = task.review.clone();
        review.approved_by.push(by.to_owned());
        review.decision_reason = approval.reason.clone();
        review.note = approval.note.clone();
        let request_key = approval.request(by).map(|r| r.text());
        review.request_keys.extend(request_key);
        review.claimed_by = None;
        review.claim_until = None;
        let next = review
            .chain
            .iter()
            .find(|p| !review.approved_by.contains(p));
        if let Some(next) = next.cloned() {
            review.owner = next;
        }
        draft.run.owner = Some(review.owner.clone());
        draft.fact("by", by);
        draft.fact("reason", approval.reason.clone());
        draft.fact("approvals_left", left);
        draft.review(&mut review, ReviewEvent::PartlyApprove)?;
        draft.event(RunEvent::PartlyApproved)?;
        self.crash_point("overwrite.before_first_commit");
        let run = self.commit_task(task.review.id, draft).await?;
        self.crash_point("overwrite.after_first_commit");
        Ok(Decided::of(review, run, left))
    }
}

/// The request that overwrites exactly the version the person was shown.
fn overwriting(
    task: &Task,
    shown: &tuesday_domain::recheck::Recheck,
    action: Action,
) -> Result<(Action, Option<Value>), Problem> {
    if task.review.reason != Reason::TargetChanged {
        return Ok((action, None));
    }
    let version = shown.changes.first().and_then(|c| c.new.as_str());
    let request = task
        .bytes(action.request_ref)
        .and_then(|b| serde_json::from_slice::<Value>(&b).ok());
    match (version, request) {
        (Some(version), Some(mut request)) => {
            request["expected_version"] = Value::String(version.to_owned());
            Ok((action, Some(request)))
        }
        _ => Err(Problem::new(
            "illegal_state",
            "the version that is there now is not known, so it cannot be overwritten",
        )
        .way_out("regenerate, or reject")),
    }
}
