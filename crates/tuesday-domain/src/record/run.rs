//! Runs, their events, payloads and jobs.

use crate::actor::Class;
use crate::audit::Commitment;
use crate::id::{IntakeId, ReleaseId, RunId};
use crate::run::RunState;
use crate::time::Timestamp;
use crate::words::words;
use crate::workflow::Stage;

/// One received occurrence. `source` + `id` name it for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where it came from: `webhook:ticket`, `file:inbox`, `sql:queue`, `schedule:nightly`, `cli`.
    pub source: String,
    /// The sender's id, or the hash of the body where the sender gives none.
    pub id: String,
    /// Who sent it, as printed by [`crate::actor::Actor`].
    pub requester: String,
    /// The sender's own reference for the run, kept as a reference only.
    pub reference: Option<String>,
    /// The exact bytes.
    pub body: Vec<u8>,
}

/// One execution of a workflow for one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Workflow name.
    pub workflow: String,
    /// The release it runs under.
    pub release: ReleaseId,
    /// Source of its event; unique together with `workflow` and `event_id`.
    pub event_source: String,
    /// Id of its event.
    pub event_id: String,
    /// SHA-256 of the event's body: the same id with another body is a conflict.
    pub body_hash: [u8; 32],
    /// Who or what asked for it.
    pub requester: String,
    /// One line that names the case.
    pub subject: String,
    /// Day of receipt in the workflow's time zone, `YYYY-MM-DD`.
    pub batch: String,
    /// Stage in force when it was accepted.
    pub stage: Stage,
    /// The state machine's part.
    pub state: RunState,
    /// Code of why it is in front of a person; kept after the decision.
    pub reason: Option<crate::run::Reason>,
    /// Handle of the person who has it, for states that want one.
    pub owner: Option<String>,
    /// Attempts of the present step.
    pub attempts: u32,
    /// Repair attempts used.
    pub repairs: u32,
    /// Number of the newest payload.
    pub payloads: u32,
    /// Payload number of the event body.
    pub body_ref: u32,
    /// Payload number of the frozen snapshot.
    pub snapshot_ref: Option<u32>,
    /// Payload number of the output in force.
    pub output_ref: Option<u32>,
    /// Payload number of the routing verdict.
    pub verdict_ref: Option<u32>,
    /// Version of the decision table that routed it.
    pub rules_version: Option<u64>,
    /// Row that fired.
    pub rules_row: Option<String>,
    /// Times the run was changed; every change adds one and one audit entry.
    pub version: u32,
    /// When the event was received.
    pub received_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When a person must look, human waits excluded.
    pub deadline_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Cost so far in millionths of the price's currency; unknown costs are not in it.
    pub cost_micros: i64,
    /// An attempt whose cost nobody reported.
    pub cost_unknown: bool,
    /// The run it repeats.
    pub rerun_of: Option<RunId>,
    /// The restriction in force when it was accepted, in words; absent for everything declared.
    pub scope: Option<String>,
}

words! {
    /// What a payload is.
    PayloadKind {
        /// The event's exact bytes.
        Event = "event",
        /// What one source answered.
        Source = "source",
        /// The frozen manifest: items, provenance, conflicts, missing fields.
        Snapshot = "snapshot",
        /// The model's exact answer.
        Answer = "answer",
        /// The parsed output.
        Output = "output",
        /// A person's edit of the output.
        Edit = "edit",
        /// The routing verdict.
        Verdict = "verdict",
        /// The exact request of an action.
        Request = "request",
        /// What the destination answered.
        Receipt = "receipt",
        /// A decision's reasons and notes.
        Note = "note",
    }
}

/// Bytes of a run, kept apart from the audit log and committed to in it by a salted hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Its run.
    pub run: RunId,
    /// Number within the run, from 1.
    pub n: u32,
    /// What it is.
    pub kind: PayloadKind,
    /// Sensitivity class.
    pub class: Class,
    /// 16 random bytes; destroyed on erasure.
    pub salt: [u8; 16],
    /// Salted SHA-256 of the bytes.
    pub commitment: Commitment,
    /// The bytes; empty once erased.
    pub bytes: Vec<u8>,
}

/// A payload by run and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadRef {
    /// Its run.
    pub run: RunId,
    /// Its number.
    pub n: u32,
}

/// A lease on a job: only the holder of the newest fence may record results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Node that holds it.
    pub node: String,
    /// When it runs out unless renewed.
    pub until: Timestamp,
}

/// The queue entry of a run. There is at most one, and none while people have the run. What is to
/// be done follows from the run's state, so a job says only who may do it and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its run.
    pub run: RunId,
    /// Workflow name, for per-workflow limits.
    pub workflow: String,
    /// Not before.
    pub due_at: Timestamp,
    /// Grows by one with every claim.
    pub fence: i64,
    /// The current claim.
    pub lease: Option<Lease>,
}

words! {
    /// What became of an event that did not become a run.
    IntakeVerdict {
        /// Kept for its owner.
        Refused = "refused",
        /// Sent again, and it became a run.
        Resubmitted = "resubmitted",
        /// Closed by a person with a reason.
        Dismissed = "dismissed",
    }
}

/// What was received and did not become a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intake {
    /// Its id.
    pub id: IntakeId,
    /// Workflow it was meant for; may be unknown to us.
    pub workflow: String,
    /// Source, as in [`Event`].
    pub source: String,
    /// The sender's id, when it could be read.
    pub event_id: Option<String>,
    /// What became of it.
    pub verdict: IntakeVerdict,
    /// Stable problem code.
    pub code: String,
    /// In words, with the field and the way out.
    pub detail: String,
    /// The raw bytes, cut to the workflow's limit.
    pub body: Vec<u8>,
    /// Length of what was sent, in bytes.
    pub body_len: u64,
    /// The person who looks after it.
    pub owner: String,
    /// When it arrived.
    pub received_at: Timestamp,
    /// The run it became after resubmission.
    pub run: Option<RunId>,
    /// Grows by one with every change.
    pub version: u32,
}
