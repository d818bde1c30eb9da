//! How a workflow's rollout stands, what people decided about it, and what is said about its outputs
//! afterwards.

use crate::id::{DecisionId, RunId, SignalId};
use crate::scope::Restriction;
use crate::time::Timestamp;
use crate::words::words;

/// What stands beside label, stage and switch. Times are absent until somebody moves the field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    /// For whom and what it works; empty for everything that the package declares.
    pub scope: Restriction,
    /// People do the work: what is held goes to them, new events too.
    pub fallback: bool,
    /// New events are refused; it retires once nothing is open.
    pub retiring: bool,
    /// When the present stage began.
    pub staged_at: Option<Timestamp>,
    /// What came before is not counted any more: it went on after a decision.
    pub counted_from: Option<Timestamp>,
    /// When the switch was last moved.
    pub switched_at: Option<Timestamp>,
    /// Who or what moved it, as an actor.
    pub switched_by: Option<String>,
    /// Why.
    pub switch_reason: Option<String>,
}

words! {
    /// What becomes of a workflow.
    Choice {
        /// It ends.
        Stop = "stop",
        /// It is built anew before it works again.
        Redesign = "redesign",
        /// It is tried again.
        AnotherPilot = "another_pilot",
        /// It works for fewer.
        Narrow = "narrow",
        /// It goes on.
        Proceed = "proceed",
    }
}

/// A person's decision about a workflow, with what it rests on. Never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRecord {
    /// Its id.
    pub id: DecisionId,
    /// Workflow name.
    pub workflow: String,
    /// What was chosen.
    pub choice: Choice,
    /// What was asked.
    pub question: String,
    /// What it rests on: figures, reports, links.
    pub evidence: String,
    /// Why.
    pub reason: String,
    /// Handle of the person.
    pub decided_by: String,
    /// When.
    pub decided_at: Timestamp,
}

/// What somebody reports about an output afterwards: a complaint, a compliance flag, an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Its id.
    pub id: SignalId,
    /// Workflow name.
    pub workflow: String,
    /// `complaint`, `compliance_flag`, `outcome`, or a word of the package.
    pub kind: String,
    /// The run it is about.
    pub run: Option<RunId>,
    /// The record it is about, in the sender's words.
    pub record: Option<String>,
    /// Says that the output was wrong; for an outcome, that it was decided otherwise.
    pub wrong: bool,
    /// Who posted it, as an actor.
    pub posted_by: String,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// A change of these rows.
#[derive(Clone, Debug)]
pub enum RolloutChange {
    /// A decision was made.
    InsertDecision(DecisionRecord),
    /// A signal arrived.
    InsertSignal(Signal),
}
