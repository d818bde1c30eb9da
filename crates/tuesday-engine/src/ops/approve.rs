//! Approves an output, as it stands or after an edit. Bound to exactly what the person saw: output,
//! frozen inputs and effect.

use serde_json::Value;
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Action, PayloadKind, Review, ReviewDecision, Run};
use tuesday_domain::review::{ReviewEvent, ReviewKind};
use tuesday_domain::route::{Planned, plan};
use tuesday_domain::run::RunEvent;
use tuesday_domain::time::Timestamp;

use super::rules::acknowledged;
use super::task::{Task, draft, may_decide};
use crate::draft::Draft;
use crate::engine::Engine;
use crate::steps::route::{authorise, bound_to};
use crate::worker::drive::Work;

/// What a person approves.
#[derive(Clone, Debug, Default)]
pub struct Approval {
    /// The revision that was seen.
    pub revision: Option<u32>,
    /// The whole output as edited; absent approves it as it stands.
    pub edit: Option<Value>,
    /// One of the declared codes; needed with an edit.
    pub reason: Option<String>,
    /// Free words.
    pub note: Option<String>,
    /// The checklist items that were answered, word for word.
    pub checklist: Vec<String>,
    /// The person accepts that inputs changed since.
    pub accept_changed: bool,
}

/// What a decision led to.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The task as it is now.
    pub review: Review,
    /// The run as it is now.
    pub run: Run,
    /// Distinct approvals still needed.
    pub approvals_left: u32,
}

/// The place taken for the run, when one was free, and its authorised actions with their requests.
type Authorised = (Option<crate::worker::Held>, Vec<(Action, Value)>);

impl Engine {
    /// `by` approves.
    ///
    /// # Errors
    /// `already_decided` with the winner, `revision_moved`, `schema_violation` at the field, and the
    /// other refusals of a decision.
    pub async fn approve(
        &self,
        id: ReviewId,
        by: &str,
        approval: Approval,
    ) -> Result<Decided, Problem> {
        let task = self.task(id).await?;
        let now = self.now();
        may_decide(&task, by, approval.revision, now)?;
        acknowledged(&task, by)?;
        if task.review.kind != ReviewKind::Output || task.run.output_ref.is_none() {
            return Err(Problem::new("illegal_state", "there is no output to approve in this task")
                .way_out("settle it: supply the input, hand over a result, regenerate, or close it as failed"));
        }
        let (output_text, draft_output) = intact(&task)?;
        let output = approval
            .edit
            .clone()
            .unwrap_or_else(|| draft_output.clone());
        let edited = output != draft_output;
        check(&task, by, &approval, &output, edited)?;
        still_bound(&task, approval.revision, &output_text, &draft_output)?;
        let planned = planned(&task, &output)?;
        self.record(task, by, approval, output, edited, planned, now)
            .await
    }

    #[expect(clippy::too_many_arguments, reason = "one decision's facts, used once")]
    async fn record(
        &self,
        task: Task,
        by: &str,
        approval: Approval,
        output: Value,
        edited: bool,
        planned: Vec<Planned>,
        now: Timestamp,
    ) -> Result<Decided, Problem> {
        let mut review = task.review.clone();
        review.approved_by.push(by.to_owned());
        let given = u32::try_from(review.approved_by.len()).unwrap_or(u32::MAX);
        let left = review.approvals_needed.saturating_sub(given);
        let kind = if edited {
            "review.approved_with_edits"
        } else {
            "review.approved"
        };
        let mut draft = draft(
            &task,
            by,
            if left > 0 {
                "review.partly_approved"
            } else {
                kind
            },
            now,
        );
        note(&mut draft, &mut review, &approval, by);
        if edited {
            let n = draft.payload(PayloadKind::Edit, output.to_string().into_bytes());
            draft.run.output_ref = Some(n);
            review.output_ref = Some(n);
        }
        if left > 0 {
            if edited && let Some(snapshot) = task.snapshot() {
                // The next person approves this text, these inputs and this effect, and no other.
                review.bound_to = bound_to(&output.to_string(), &snapshot, &planned);
            }
            return self.half(task, draft, review, by, left).await;
        }
        review.decided_at = Some(now);
        review.decided_by = Some(by.to_owned());
        review.decision = Some(if edited {
            ReviewDecision::ApproveWithEdits
        } else {
            ReviewDecision::Approve
        });
        let was_edited = edited
            || task
                .payloads
                .iter()
                .any(|p| p.kind == PayloadKind::Edit && Some(p.n) == task.run.output_ref);
        draft.review(&mut review, ReviewEvent::Approve { edited: was_edited })?;
        draft.event(RunEvent::Approved { edited: was_edited })?;
        draft.run.owner = None;
        let (place, actions) = self.authorise_all(&task, &mut draft, planned, by, now)?;
        self.crash_point("approve.before_commit");
        let run = self.commit_task(review.id, draft).await?;
        self.crash_point("approve.after_commit");
        if !run.state.status.is_terminal() {
            self.go_on(place, Work::from_task(&task, run.clone(), actions));
        }
        Ok(Decided {
            review,
            run,
            approvals_left: 0,
        })
    }

    /// One of two: the task goes to the next named person who has not approved it.
    async fn half(
        &self,
        task: Task,
        mut draft: Draft,
        mut review: Review,
        by: &str,
        left: u32,
    ) -> Result<Decided, Problem> {
        review.claimed_by = None;
        review.claim_until = None;
        if let Some(next) = review
            .chain
            .iter()
            .find(|p| !review.approved_by.contains(p))
        {
            review.owner = next.clone();
        }
        draft.run.owner = Some(review.owner.clone());
        draft.fact("approvals_left", left);
        draft.review(&mut review, ReviewEvent::PartlyApprove)?;
        draft.event(RunEvent::PartlyApproved)?;
        debug_assert!(review.approved_by.iter().any(|p| p == by));
        self.crash_point("approve.before_first_commit");
        let run = self.commit_task(task.review.id, draft).await?;
        self.crash_point("approve.after_first_commit");
        Ok(Decided {
            review,
            run,
            approvals_left: left,
        })
    }

    fn authorise_all(
        &self,
        task: &Task,
        draft: &mut Draft,
        planned: Vec<Planned>,
        by: &str,
        now: Timestamp,
    ) -> Result<Authorised, Problem> {
        if planned.is_empty() {
            draft.event(RunEvent::ActionsConfirmed { drafts_only: true })?;
            return Ok((None, Vec::new()));
        }
        // A revision of its own for every plan of this run, so no key is ever used for two contents.
        let revision = task
            .actions
            .iter()
            .map(|a| a.revision + 1)
            .max()
            .unwrap_or(0);
        let place = self.queue(draft, &task.release);
        let actions = authorise(
            draft,
            planned,
            &format!("person:{by}"),
            revision,
            place.is_some(),
            now,
        )
        .map_err(|e| Problem::new("internal", e.to_string()))?;
        Ok((place, actions))
    }
}

fn check(
    task: &Task,
    by: &str,
    approval: &Approval,
    output: &Value,
    edited: bool,
) -> Result<(), Problem> {
    let def = &task.release.ready.def;
    let tier = def.review.tier.iter().find(|t| t.name == task.review.tier);
    if task.review.approved_by.iter().any(|p| p == by) {
        return Err(Problem::new(
            "same_person_twice",
            format!("{by} has approved this already; a second person is needed"),
        ));
    }
    if let Some(tier) = tier {
        let open: Vec<_> = tier
            .checklist
            .iter()
            .filter(|q| !approval.checklist.contains(q))
            .cloned()
            .collect();
        if let Some(first) = open.first() {
            return Err(
                Problem::new("checklist_unanswered", format!("not answered: {first}"))
                    .field("checklist")
                    .with("open", open.clone()),
            );
        }
        if tier.human_rewrite && !is_rewrite(task, output) {
            return Err(Problem::new(
                "rewrite_required",
                "this tier asks a person to rewrite the draft",
            )
            .field("edit"));
        }
    }
    if edited {
        let errors = task.release.ready.output.check(output);
        if let Some(first) = errors.first() {
            let mut p = Problem::new(
                "schema_violation",
                format!("{} {}", first.field, first.detail),
            )
            .field(first.field.clone());
            p.errors = errors;
            return Err(p);
        }
        declared_reason(task, approval.reason.as_deref(), "an edit")?;
    }
    Ok(())
}

/// The reason must be one of the workflow's codes.
pub(super) fn declared_reason(task: &Task, reason: Option<&str>, act: &str) -> Result<(), Problem> {
    let known = &task.release.ready.def.review.reasons;
    match reason.map(str::trim) {
        None | Some("") => Err(
            Problem::new("reason_required", format!("{act} needs a reason"))
                .field("reason")
                .with("reasons", known.clone()),
        ),
        Some(code) if known.iter().any(|k| k == code) => Ok(()),
        Some(code) => Err(Problem::new(
            "unknown_reason",
            format!("`{code}` is not a declared reason"),
        )
        .field("reason")
        .with("reasons", known.clone())
        .way_out(format!("one of: {}", known.join(", ")))),
    }
}

/// White space and case alone are no rewrite.
fn is_rewrite(task: &Task, output: &Value) -> bool {
    let squeeze = |v: &Value| {
        v.to_string()
            .split_whitespace()
            .collect::<String>()
            .to_lowercase()
    };
    task.output()
        .is_some_and(|(_, draft)| squeeze(&draft) != squeeze(output))
}

fn planned(task: &Task, output: &Value) -> Result<Vec<Planned>, Problem> {
    let facts = task
        .facts()
        .ok_or_else(|| Problem::new("record_damaged", "the frozen inputs cannot be read"))?;
    plan(
        &task.release.ready,
        task.run.id,
        task.run.stage,
        &facts,
        output,
    )
    .map_err(|f| {
        Problem::new("illegal_state", f.words)
            .way_out("correct the input, or do it by hand and hand over the result")
    })
}

/// The output in force, from stored bytes that are exactly what was committed to.
fn intact(task: &Task) -> Result<(String, Value), Problem> {
    let damaged = |why: String| {
        Problem::new("record_damaged", why).way_out(
            "regenerate the output, or hand over a result; `tuesday audit verify` says more",
        )
    };
    if let Some(why) = &task.damaged {
        return Err(damaged(why.clone()));
    }
    task.output()
        .ok_or_else(|| damaged("the stored output cannot be read".to_owned()))
}

/// Output, frozen inputs and effect are what the task was opened for, or bound to by the person who
/// approved before. A task that is bound to nothing cannot be approved.
fn still_bound(
    task: &Task,
    revision: Option<u32>,
    text: &str,
    output: &Value,
) -> Result<(), Problem> {
    let review = &task.review;
    if let (Some(first), None) = (review.approved_by.last(), revision) {
        return Err(Problem::new(
            "revision_moved",
            format!("{first} has approved this meanwhile; say which revision you have read"),
        )
        .with("revision", review.revision)
        .way_out("read it again and send its revision with the approval"));
    }
    let bound = task.snapshot().is_some_and(|snapshot| {
        let planned = planned(task, output).unwrap_or_default();
        !review.bound_to.is_empty() && bound_to(text, &snapshot, &planned) == review.bound_to
    });
    if bound {
        return Ok(());
    }
    Err(Problem::new(
        "revision_moved",
        "output, inputs or effect are not what the task was opened for",
    )
    .way_out("regenerate the output"))
}

fn note(draft: &mut Draft, review: &mut Review, approval: &Approval, by: &str) {
    review.decision_reason = approval.reason.clone();
    review.note = approval.note.clone();
    draft.fact("by", by);
    if let Some(reason) = &approval.reason {
        draft.fact("reason", reason.clone());
    }
    if approval.note.is_some() || !approval.checklist.is_empty() {
        let bytes =
            serde_json::json!({"note": approval.note, "checklist": approval.checklist}).to_string();
        let n = draft.payload(PayloadKind::Note, bytes.into_bytes());
        draft.fact("note", n);
    }
}
