//! How a workflow's rollout stands, what people decided about it, and what is said about its outputs
//! afterwards.

use std::sync::Arc;

use crate::adoption::Uptake;
use crate::capacity::LoadState;
use crate::drift::calibration::Trust;
use crate::id::{DecisionId, ReleaseId, RunId};
use crate::scope::Restriction;
use crate::settling::Changes;
use crate::snapshot::InputFault;
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
    /// Changes that are watched, and those that wait for them.
    pub changes: Changes,
    /// How its load is answered at present.
    pub load: LoadState,
    /// How far the confidence of its live model can be relied on.
    pub trust: Arc<Trust>,
    /// The release that goes on for the live one while the live one's model provider is away.
    pub alternative: Option<ReleaseId>,
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

/// Short texts in order, kept as one JSON array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextList(String);

impl TextList {
    /// The list of these texts.
    #[must_use]
    pub fn new(texts: &[String]) -> Self {
        Self(serde_json::Value::from(texts.to_vec()).to_string())
    }

    /// As it is kept.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.0
    }

    /// The texts.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl Default for TextList {
    fn default() -> Self {
        Self::new(&[])
    }
}

/// A person's decision about a workflow, with what it rests on. Never changed: one that is decided otherwise
/// later is named by the decision in its place, and stays readable.
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
    /// What it rests on, in words.
    pub evidence: String,
    /// What can be opened to see it: ids, pages of this instance, addresses.
    pub links: TextList,
    /// What must stay true for it to hold.
    pub conditions: TextList,
    /// Why.
    pub reason: String,
    /// The decision that it takes the place of.
    pub supersedes: Option<DecisionId>,
    /// Handle of the person.
    pub decided_by: String,
    /// When.
    pub decided_at: Timestamp,
}

/// What is said about an output afterwards: a complaint, a compliance flag, a return, an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Workflow name.
    pub workflow: String,
    /// The sender's name for it; the same one counts once.
    pub event: String,
    /// `complaint`, `compliance_flag`, `return`, `outcome`, or a word of the package.
    pub kind: String,
    /// The run it is about.
    pub run: Option<RunId>,
    /// The record it is about, in the sender's words.
    pub record: Option<String>,
    /// Says that the output was wrong; for an outcome, that it was decided otherwise.
    pub wrong: bool,
    /// How many; at least 1.
    pub count: u32,
    /// When it happened.
    pub at: Timestamp,
    /// Who posted it, as an actor.
    pub posted_by: String,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// What a signal says about the use of an output. The newest word about a run counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseReport {
    /// Workflow name.
    pub workflow: String,
    /// The sender's name for it, as the signal has it.
    pub event: String,
    /// The run it is about; absent when the old way was used and no run is known.
    pub run: Option<RunId>,
    /// What became of the output.
    pub uptake: Uptake,
    /// How many; at least 1.
    pub count: u32,
    /// The day on which it happened, in the workflow's time zone.
    pub day: String,
    /// When it happened.
    pub at: Timestamp,
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
    /// It says whether an output was used.
    InsertUse(UseReport),
    /// Whose case a run is, as its frozen inputs say.
    PutGroup {
        /// The run.
        run: RunId,
        /// Workflow name.
        workflow: String,
        /// The group, or department.
        name: String,
    },
    /// Something was wrong with an input of a run when its inputs were read.
    PutInputFault {
        /// The run.
        run: RunId,
        /// Workflow name.
        workflow: String,
        /// The source; the event is `input`.
        source: String,
        /// What.
        fault: InputFault,
    },
}
