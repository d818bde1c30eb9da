//! What people state about a workflow, and the history of its label. Rows are only ever added.

use crate::charter::Statement;
use crate::charter::first_shift::FirstShiftState;
use crate::charter::friday::FridayState;
use crate::charter::turnover::TurnoverState;
use crate::id::{DecisionId, ReleaseId, RunId};
use crate::time::Timestamp;
use crate::words::words;
use crate::workflow::Label;

/// A statement about a workflow; the newest of its kind counts, an empty one takes it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CharterFact {
    /// Workflow name.
    pub workflow: String,
    /// Number within the workflow, from 1.
    pub seq: u32,
    /// What is stated.
    pub statement: Statement,
    /// Whom or what it is about; empty for the workflow itself.
    pub about: String,
    /// The statement in its one form; empty when it is taken back.
    pub value: String,
    /// Handle of the person who stated it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

words! {
    /// What happened to a label.
    LabelMove {
        /// A test instance gave what the package asked for.
        Granted = "granted",
        /// A person raised it.
        Raised = "raised",
        /// A person lowered it.
        Lowered = "lowered",
        /// Evidence was lost: the grace began.
        Lapsing = "lapsing",
        /// What was lost came back in time.
        Restored = "restored",
        /// The grace was over.
        Fell = "fell",
        /// The quarterly look is due.
        Asked = "asked",
        /// Somebody looked at it.
        Reviewed = "reviewed",
        /// It was retired.
        Retired = "retired",
    }
}

words! {
    /// What is decided about a workflow every quarter: should it continue at all?
    QuarterChoice {
        /// It serves more.
        Expand = "expand",
        /// It goes on as it is.
        Keep = "keep",
        /// It serves fewer.
        Narrow = "narrow",
        /// It stops for now.
        Pause = "pause",
        /// It ends.
        Retire = "retire",
    }
}

/// The decision of a quarter, with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarterDecision {
    /// What was decided.
    pub choice: QuarterChoice,
    /// The figures of the quarter as they stood, and what was said beside them, as JSON.
    pub evidence: String,
}

/// One event in the history of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelEvent {
    /// Workflow name.
    pub workflow: String,
    /// Number within the workflow, from 1.
    pub seq: u32,
    /// What happened.
    pub kind: LabelMove,
    /// The label from then on.
    pub label: Label,
    /// What was unmet, or what was said, one a line.
    pub reasons: String,
    /// Lapsing: when the label falls.
    pub until: Option<Timestamp>,
    /// The decision it rests on.
    pub decision: Option<DecisionId>,
    /// Reviewed: what was decided about the workflow; absent in looks from before there was such a decision.
    pub quarter: Option<QuarterDecision>,
    /// Who or what moved it, as an actor.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A test of a workflow without the person who built it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turnover {
    /// Workflow name.
    pub workflow: String,
    /// Number within the workflow, from 1.
    pub seq: u32,
    /// How it stands.
    pub state: TurnoverState,
    /// When it ended: its days were over, it was signed, or called off.
    pub ended_at: Option<Timestamp>,
    /// Who signed it or called it off.
    pub signed_by: Option<String>,
    /// The grades as JSON once signed, or why it was called off.
    pub report: Option<String>,
    /// Version of the row.
    pub version: u32,
    /// Handle of the person whose rights are suspended meanwhile.
    pub without: String,
    /// When it began.
    pub from: Timestamp,
    /// When its days are over.
    pub until: Timestamp,
    /// Entries that the log had then.
    pub log_from: u64,
    /// Who started it.
    pub started_by: String,
    /// Handles of those who built the workflow when it began, with spaces between.
    pub engineers: String,
}

/// A Friday test: somebody tells a finished run from its record, with the clock running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FridayTest {
    /// Workflow name.
    pub workflow: String,
    /// Number within the workflow, from 1.
    pub seq: u32,
    /// How it stands.
    pub state: FridayState,
    /// When it was answered, or its time was over.
    pub ended_at: Option<Timestamp>,
    /// The grades as JSON once it ended.
    pub report: Option<String>,
    /// Version of the row.
    pub version: u32,
    /// The run that was picked.
    pub run: RunId,
    /// Handle of who takes it.
    pub person: String,
    /// When it began.
    pub from: Timestamp,
    /// When its time is over.
    pub until: Timestamp,
    /// Handles of those who built the workflow when it began, with spaces between.
    pub engineers: String,
}

/// A first shift: somebody decides a fixed queue alone, after the training.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstShift {
    /// Workflow name.
    pub workflow: String,
    /// Number within the workflow, from 1.
    pub seq: u32,
    /// How it stands.
    pub state: FirstShiftState,
    /// When the last case was decided.
    pub ended_at: Option<Timestamp>,
    /// The result as JSON once it ended.
    pub report: Option<String>,
    /// What was decided so far: number of each case to whether it was approved, as JSON.
    pub answers: String,
    /// Who helped, by the person's own account.
    pub helped_by: Option<String>,
    /// Version of the row.
    pub version: u32,
    /// Handle of who takes it.
    pub person: String,
    /// When it began.
    pub from: Timestamp,
    /// Entries that the log had then.
    pub log_from: u64,
    /// The release whose pack the cases are of.
    pub release: ReleaseId,
    /// The cases with what is right, as JSON.
    pub cases: String,
    /// Tasks of the workflow that the person had decided before.
    pub decided_before: u64,
    /// Handles of those who built the workflow when it began, with spaces between.
    pub engineers: String,
}

/// A change of these rows.
#[derive(Clone, Debug)]
pub enum CharterChange {
    /// Something was stated.
    InsertFact(CharterFact),
    /// Something happened to the label.
    InsertLabelEvent(LabelEvent),
    /// A turnover test began.
    InsertTurnover(Turnover),
    /// It ended, was signed or called off.
    UpdateTurnover(Turnover),
    /// A Friday test began.
    InsertFriday(FridayTest),
    /// It was answered, or its time was over.
    UpdateFriday(FridayTest),
    /// A first shift began.
    InsertFirstShift(FirstShift),
    /// Cases of it were decided.
    UpdateFirstShift(FirstShift),
}
