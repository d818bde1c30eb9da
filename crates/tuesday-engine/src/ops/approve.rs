//! Approves an output, as it stands or after an edit. Bound to exactly what the person saw: output,
//! frozen inputs and effect.

use serde_json::{Value, json};
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::recheck::{FieldChange, Recheck};
use tuesday_domain::record::{
    Action, OverrideKind, PayloadKind, Review, ReviewDecision, Run, SecondLookBasis, Seed,
};
use tuesday_domain::review::{ReviewEvent, ReviewKind};
use tuesday_domain::route::{Planned, approved_plan, plan};
use tuesday_domain::run::RunEvent;
use tuesday_domain::time::Timestamp;

use super::cleared::cleared;
use super::overrides;
use super::rules::acknowledged;
use super::second_look::Approved;
use super::task::{Request, Task, draft, listed, may_decide};
use crate::draft::Draft;
use crate::engine::{Engine, read_problem};
use crate::steps::recheck::wanted;
use crate::steps::route::{authorise, bound_to, recallable};
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
    /// The person accepts what has changed since, and gives a reason.
    pub accept_changed: bool,
    /// Idempotency key of the request: repeated, it has no second effect.
    pub key: Option<String>,
}

impl Approval {
    /// How this request is remembered, when it has a key.
    pub(super) fn request(&self, by: &str) -> Option<Request> {
        let act = json!([
            "approve",
            self.revision,
            self.edit,
            self.reason,
            self.note,
            self.checklist,
            self.accept_changed
        ]);
        Request::new(by, self.key.as_deref(), &act)
    }
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
    /// Until when it can be recalled, for approvals with a recall window.
    pub recall_until: Option<Timestamp>,
    /// What has changed in watched sources since the snapshot, for information.
    pub changes: Vec<FieldChange>,
    /// It was a known error, and whether it was caught.
    pub seed: Option<Seed>,
}

impl Decided {
    pub(super) const fn of(review: Review, run: Run, approvals_left: u32) -> Self {
        Self {
            review,
            run,
            approvals_left,
            recall_until: None,
            changes: Vec::new(),
            seed: None,
        }
    }
}

/// What will count, once it is recorded.
struct Final {
    output: Value,
    edited: bool,
    planned: Vec<Planned>,
    found: Option<Recheck>,
}

/// The place taken for the run, when one was free, and its authorised actions with their requests.
pub(super) type Authorised = (Option<crate::worker::Held>, Vec<(Action, Value)>);

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
        let request = approval.request(by);
        if let Some(done) = task.repeated(request.as_ref())? {
            return Ok(done);
        }
        let now = self.now();
        may_decide(&task, by, approval.revision, now)?;
        acknowledged(&task, by)?;
        if task.review.kind == ReviewKind::Action {
            cleared(&task, by)?;
            return Box::pin(self.accept_changed(task, by, &approval, now)).await;
        }
        if task.review.kind != ReviewKind::Output || task.run.output_ref.is_none() {
            return Err(Problem::new("illegal_state", "there is no output to approve in this task")
                .way_out("settle it: supply the input, hand over a result, regenerate, or close it as failed"));
        }
        listed(&task, by)?;
        cleared(&task, by)?;
        let (text, draft_output) = intact(&task)?;
        let output = approval
            .edit
            .clone()
            .unwrap_or_else(|| draft_output.clone());
        let edited = output != draft_output;
        check(&task, by, &approval, &output, edited)?;
        still_bound(&task, approval.revision, &text, &draft_output)?;
        if task.seed.is_some() {
            return Box::pin(self.approve_seed(task, by, &approval, output, edited)).await;
        }
        let planned = approved_plan(&task.release.ready, planned(&task, &output)?);
        let found = Box::pin(self.rechecked(&task, by, &approval)).await?;
        let last = Final {
            output,
            edited,
            planned,
            found,
        };
        Box::pin(self.record(task, by, approval, last, now)).await
    }

    async fn record(
        &self,
        task: Task,
        by: &str,
        approval: Approval,
        last: Final,
        now: Timestamp,
    ) -> Result<Decided, Problem> {
        let mut review = task.review.clone();
        let left = counted(&mut review, by, last.edited);
        let kind = match (left > 0, last.edited) {
            (true, _) => "review.partly_approved",
            (false, true) => "review.approved_with_edits",
            (false, false) => "review.approved",
        };
        let mut draft = draft(&task, by, kind, now);
        if self.instead_of(&task.run).await?.is_some() {
            draft.fact("kept_of_rolled_back_release", task.release.number);
        }
        note(&mut draft, &mut review, &approval, by);
        self.keep(&task, &mut draft, &mut review, &last, by);
        if left > 0 {
            let text = last.edited.then_some(last.output);
            return self.half(task, draft, review, text, left).await;
        }
        review.decided_at = Some(now);
        review.decided_by = Some(by.to_owned());
        // The text differs from the model's, whoever wrote it.
        let was_edited = review.edited_by.is_some();
        review.decision = Some(if was_edited {
            ReviewDecision::ApproveWithEdits
        } else {
            ReviewDecision::Approve
        });
        draft.review(&mut review, ReviewEvent::Approve { edited: was_edited })?;
        draft.event(RunEvent::Approved { edited: was_edited })?;
        draft.run.owner = None;
        let mut had_part = review.approved_by.clone();
        had_part.extend(review.edited_by.clone());
        had_part.push(by.to_owned());
        had_part.sort();
        had_part.dedup();
        let approved = Approved {
            basis: SecondLookBasis::Human,
            by: had_part.join(", "),
            tier: &review.tier,
            stored: &task.payloads,
        };
        self.draw_second_look(&mut draft, &task.release.ready.def, approved)
            .await
            .map_err(read_problem)?;
        let wait = recallable(task.release.ready.def.review.recall_seconds, now);
        let (place, actions) = {
            let by = format!("person:{by}");
            self.authorise_by(&task, &mut draft, last.planned, &by, wait, now)?
        };
        self.crash_point("approve.before_commit");
        let run = self.commit_task(review.id, draft).await?;
        self.crash_point("approve.after_commit");
        let waiting = !run.state.status.is_terminal();
        if waiting {
            let mut work = Work::from_task(&task, run.clone(), actions);
            work.accepted = last.found.clone().filter(|f| f.accepted_by.is_some());
            self.go_on(place, work);
        }
        let mut done = Decided::of(review, run, 0);
        done.recall_until = wait.filter(|_| waiting);
        done.changes = last.found.map(|f| f.changes).unwrap_or_default();
        Ok(done)
    }

    /// Keeps the edited text, what was accepted, and what was overridden.
    fn keep(&self, task: &Task, draft: &mut Draft, review: &mut Review, last: &Final, by: &str) {
        let mut text = None;
        if last.edited {
            let n = draft.payload(PayloadKind::Edit, last.output.to_string().into_bytes());
            draft.run.output_ref = Some(n);
            review.output_ref = Some(n);
            text = Some(n);
        }
        let forced = last.found.as_ref().filter(|f| f.accepted_by.is_some());
        review.recheck_ref = forced.map(|found| {
            let bytes = serde_json::to_vec(found).unwrap_or_default();
            draft.payload(PayloadKind::Note, bytes)
        });
        if let Some(found) = &last.found
            && forced.is_none()
            && !found.changes.is_empty()
        {
            // Only fields that nobody watches: told, and no reason to stop.
            let fields: Vec<String> = found
                .changes
                .iter()
                .map(|c| format!("{}.{}", c.source, c.field))
                .collect();
            draft.fact("also_changed", fields);
        }
        let kind = match (forced, text) {
            (Some(_), _) => OverrideKind::Forced,
            (None, Some(_)) => OverrideKind::Edit,
            (None, None) => return,
        };
        draft.fact("by", by);
        overrides::keep(draft, task, review, kind, text.map(|n| (&last.output, n)));
    }

    /// Not enough yet: the task goes to the next named person who has neither approved this text nor
    /// written it. `edit` is the text this person made it.
    pub(super) async fn half(
        &self,
        task: Task,
        mut draft: Draft,
        mut review: Review,
        edit: Option<Value>,
        left: u32,
    ) -> Result<Decided, Problem> {
        if let (Some(output), Some(snapshot)) = (edit, task.snapshot()) {
            // The next person approves this text, these inputs and this effect, and no other.
            let effects = super::approve::planned(&task, &output)?;
            review.bound_to = bound_to(&output.to_string(), &snapshot, &effects);
        }
        review.claimed_by = None;
        review.claim_until = None;
        let next = review
            .chain
            .iter()
            .find(|p| !review.approved_by.contains(p) && review.edited_by.as_ref() != Some(*p));
        if let Some(next) = next {
            review.owner = next.clone();
        }
        draft.run.owner = Some(review.owner.clone());
        draft.fact("approvals_left", left);
        draft.review(&mut review, ReviewEvent::PartlyApprove)?;
        draft.event(RunEvent::PartlyApproved)?;
        self.crash_point("approve.before_first_commit");
        let run = self.commit_task(task.review.id, draft).await?;
        self.crash_point("approve.after_first_commit");
        Ok(Decided::of(review, run, left))
    }

    /// Authorises the plan by `by`, and queues the run to carry it out.
    pub(super) fn authorise_by(
        &self,
        task: &Task,
        draft: &mut Draft,
        planned: Vec<Planned>,
        by: &str,
        not_before: Option<Timestamp>,
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
        let place = match not_before {
            Some(due) => {
                self.queue_at(draft, due);
                None
            }
            None => self.queue(draft, &task.release),
        };
        let at_once = place.is_some()
            && !wanted(&task.release)
            && !self.may_have_sent(&task.run)
            && self.stage_of(&task.run) == task.run.stage;
        let actions = authorise(draft, planned, by, revision, at_once, not_before, now)
            .map_err(|e| Problem::new("internal", e.to_string()))?;
        Ok((place, actions))
    }
}

/// Counts an approval. In a tier of two the text must be approved by two who did not write it: an
/// edit makes it another text, and starts the count anew.
pub(super) fn counted(review: &mut Review, by: &str, edited: bool) -> u32 {
    if edited {
        review.edited_by = Some(by.to_owned());
        review.approved_by.clear();
    }
    if !edited || review.approvals_needed < 2 {
        review.approved_by.push(by.to_owned());
    }
    let given = u32::try_from(review.approved_by.len()).unwrap_or(u32::MAX);
    review.approvals_needed.saturating_sub(given)
}

fn check(
    task: &Task,
    by: &str,
    approval: &Approval,
    output: &Value,
    edited: bool,
) -> Result<(), Problem> {
    let tier = task.tier();
    let needs_others = task.review.approvals_needed > 1 && !edited;
    if needs_others && task.review.edited_by.as_deref() == Some(by) {
        return Err(Problem::new(
            "same_person_twice",
            format!("{by} wrote this text; two other persons approve it"),
        ));
    }
    if !edited && task.review.approved_by.iter().any(|p| p == by) {
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
                    .way_out("answer each line of the checklist: tick it in the console, or add --all-checked")
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
    task.model_output()
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
    if review.approvals_needed > 1
        && let (Some(first), None) = (&review.edited_by, revision)
    {
        return Err(Problem::new(
            "revision_moved",
            format!("{first} has edited this; say which revision you have read"),
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

pub(super) fn note(draft: &mut Draft, review: &mut Review, approval: &Approval, by: &str) {
    // The reason of an edit stays when a second person approves without one.
    if approval.reason.is_some() {
        review.decision_reason = approval.reason.clone();
    }
    review.note = approval.note.clone();
    if let Some(request) = approval.request(by) {
        review.request_keys.push(request.text());
    }
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
