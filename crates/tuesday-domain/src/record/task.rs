//! Review tasks and actions.

use crate::action::{Ability, ActionClass, ActionState};
use crate::id::{ActionId, ReviewId, RunId};
use crate::review::{ReviewKind, ReviewState};
use crate::run::Reason;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// What a person decided.
    ReviewDecision {
        /// As it stood.
        Approve = "approve",
        /// After an edit.
        ApproveWithEdits = "approve_with_edits",
        /// No.
        Reject = "reject",
        /// Done by hand.
        HandOver = "hand_over",
        /// Input supplied.
        Supply = "supply",
        /// Fresh inputs, new output.
        Regenerate = "regenerate",
        /// Closed as failed.
        CloseFailed = "close_failed",
        /// The action happened, says a person with evidence.
        Happened = "happened",
        /// The action did not happen, says a person with evidence: send it again.
        DidNotHappen = "did_not_happen",
        /// A second look found the output right.
        Correct = "correct",
        /// A second look found the output wrong.
        Incorrect = "incorrect",
    }
}

words! {
    /// How a person overrode the machine.
    OverrideKind {
        /// Another text than the model's.
        Edit = "edit",
        /// No.
        Reject = "reject",
        /// Somewhere else: by hand, or made anew.
        Reroute = "reroute",
        /// Approved although something had changed.
        Forced = "forced",
    }
}

/// One unit of human decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// Its run.
    pub run: RunId,
    /// Workflow name.
    pub workflow: String,
    /// What it asks for.
    pub kind: ReviewKind,
    /// Where it stands.
    pub state: ReviewState,
    /// Tier of the workflow; empty for kinds without one.
    pub tier: String,
    /// One line that names the case.
    pub subject: String,
    /// Stable code of why a person looks.
    pub reason: Reason,
    /// Why, in words, one sentence each.
    pub reasons: Vec<String>,
    /// The one person who has it.
    pub owner: String,
    /// Who may be next: the named persons it escalates along, in order, the present owner first.
    pub chain: Vec<String>,
    /// How often it escalated.
    pub level: u32,
    /// Who is on it.
    pub claimed_by: Option<String>,
    /// Until when, without activity.
    pub claim_until: Option<Timestamp>,
    /// When it escalates.
    pub due_at: Timestamp,
    /// When it was opened; ages keep counting.
    pub created_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// By whom.
    pub decided_by: Option<String>,
    /// What.
    pub decision: Option<ReviewDecision>,
    /// The picked reason code.
    pub decision_reason: Option<String>,
    /// Free words of the person.
    pub note: Option<String>,
    /// Payload number of the output it is about.
    pub output_ref: Option<u32>,
    /// Commitment text of the output, snapshot and effect that an approval is bound to.
    pub bound_to: String,
    /// Persons who approved so far, for tiers that need two.
    pub approved_by: Vec<String>,
    /// Distinct approvals needed.
    pub approvals_needed: u32,
    /// Who wrote the text in force; in a tier of two that person's approval does not count.
    pub edited_by: Option<String>,
    /// Payload number of the newest look at the sources that found something.
    pub recheck_ref: Option<u32>,
    /// Set when a person overrode the machine.
    pub override_kind: Option<OverrideKind>,
    /// Payload number of what was overridden: the difference and its reason.
    pub override_ref: Option<u32>,
    /// The decided task that this one follows: its approval was recalled or met a changed source.
    pub follows: Option<ReviewId>,
    /// Hashes of the decision requests that counted, so that a repeated request has no second effect.
    pub request_keys: Vec<String>,
    /// When nobody was left above; told again every day since. Such a task stays overdue.
    pub exhausted_at: Option<Timestamp>,
    /// Grows by one with every change; a decision names the revision it saw.
    pub revision: u32,
}

/// One intended effect on a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its id.
    pub id: ActionId,
    /// Its run.
    pub run: RunId,
    /// Place in the plan, from 0.
    pub ordinal: u16,
    /// Grows with a reviewer's edit.
    pub revision: u16,
    /// Name in the definition.
    pub name: String,
    /// Consequence.
    pub class: ActionClass,
    /// What the destination can do about repeats.
    pub ability: Ability,
    /// The record that is written, copied from the snapshot.
    pub target: String,
    /// The one key, for ever.
    pub key: String,
    /// Where it stands.
    pub state: ActionState,
    /// Payload number of the exact request (JSON).
    pub request_ref: u32,
    /// Who or which rule authorised it.
    pub authorised_by: Option<String>,
    /// Tries so far.
    pub attempts: u32,
    /// When intent was first committed; bounds the life of a server-side key.
    pub first_sent_at: Option<Timestamp>,
    /// Not sent before: until then a person can recall it.
    pub not_before: Option<Timestamp>,
    /// Payload number of the receipt.
    pub receipt_ref: Option<u32>,
    /// The destination's own id for the effect.
    pub external_id: Option<String>,
    /// Why it is not confirmed, in words.
    pub detail: Option<String>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Grows by one with every change.
    pub version: u32,
}

impl Action {
    /// The place of the plan whose action this one undoes.
    #[must_use]
    pub const fn undoes(&self) -> Option<u16> {
        crate::action::undone_place(self.ordinal)
    }
}
