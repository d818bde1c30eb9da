//! Findings, incidents, their timeline, alerts and corrections.

use super::{FollowUp, Postmortem};
use crate::id::{ActionId, AlertId, CorrectionId, FindingId, IncidentId, RunId};
use crate::time::Timestamp;
use crate::trouble::alert::AlertState;
use crate::trouble::incident::{CorrectionState, FixLayer, GapState, IncidentState, Proof};
use crate::trouble::{Category, Severity};
use crate::words::words;

/// Something that was found, stored with the change that found it. A pass of the machine takes it to
/// its incident, so that five hundred failures at once wait for no common row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its id.
    pub id: FindingId,
    /// The incident it belongs to, once it was taken there.
    pub incident: Option<IncidentId>,
    /// The name of its cause.
    pub key: String,
    /// What kind of cause.
    pub category: Category,
    /// Workflow name.
    pub workflow: Option<String>,
    /// The run that met it.
    pub run: Option<RunId>,
    /// What was seen; no content, no secret.
    pub words: String,
    /// It counts by itself.
    pub hard: bool,
    /// When.
    pub at: Timestamp,
}

/// A production problem with an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// Where it stands.
    pub state: IncidentState,
    /// How bad it is.
    pub severity: Severity,
    /// Handle of the person who answers for it.
    pub owner: String,
    /// How many findings of its cause there were.
    pub count: u64,
    /// When the last of them was.
    pub last_at: Timestamp,
    /// Who is on it.
    pub acknowledged_by: Option<String>,
    /// When that was said.
    pub acknowledged_at: Option<Timestamp>,
    /// What was done, once it is resolved.
    pub resolution: Option<String>,
    /// Who resolved it.
    pub resolved_by: Option<String>,
    /// When.
    pub resolved_at: Option<Timestamp>,
    /// The eval case that guards against it.
    pub case: Option<String>,
    /// Why there is none.
    pub waiver: Option<String>,
    /// In which layer it was fixed, once it is reviewed.
    pub fix_layer: Option<FixLayer>,
    /// Whether somebody who writes no code can fix the next one, once it is reviewed.
    pub without_code: Option<bool>,
    /// Who looked back on it.
    pub reviewed_by: Option<String>,
    /// Grows by one with every change.
    pub version: u32,
    /// The name of its cause.
    pub key: String,
    /// What kind of cause.
    pub category: Category,
    /// What it is about, in one line without content.
    pub title: String,
    /// Workflow name, where it concerns one.
    pub workflow: Option<String>,
    /// Who or what opened it.
    pub opened_by: String,
    /// When.
    pub opened_at: Timestamp,
}

impl Incident {
    /// It is open again: nobody has acknowledged or closed this turn of it.
    pub fn forget_end(&mut self) {
        self.acknowledged_by = None;
        self.acknowledged_at = None;
        self.resolution = None;
        self.resolved_by = None;
        self.resolved_at = None;
        self.reviewed_by = None;
    }
}

/// One line of an incident's timeline. Lines are added, never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentEntry {
    /// Its incident.
    pub incident: IncidentId,
    /// The incident's version with which it was written.
    pub seq: u32,
    /// When it was written.
    pub at: Timestamp,
    /// What it is about, when that was earlier: an addition is marked as later.
    pub about: Option<Timestamp>,
    /// Who, as printed by [`crate::actor::Actor`].
    pub actor: String,
    /// What: `opened`, `joined`, `acknowledged`, `note`, …
    pub kind: String,
    /// In words.
    pub words: String,
}

/// A run that an incident touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentRun {
    /// The incident.
    pub incident: IncidentId,
    /// The run.
    pub run: RunId,
    /// When it was linked.
    pub at: Timestamp,
}

/// A notice that demands a person's act, walking along the rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// Where it stands.
    pub state: AlertState,
    /// The person it is with.
    pub person: String,
    /// Everybody it may walk to, in order, with a space between two handles.
    pub chain: String,
    /// Its place on the chain, from 0.
    pub level: u32,
    /// How often it has gone around.
    pub round: u32,
    /// Tries at the present person.
    pub tries: u32,
    /// When something must happen next: a try, the next person, a reminder.
    pub due_at: Timestamp,
    /// The channel that took it last, or what they all said.
    pub detail: Option<String>,
    /// Who acknowledged.
    pub acknowledged_by: Option<String>,
    /// Grows by one with every change.
    pub version: u32,
    /// Its incident.
    pub incident: IncidentId,
    /// Workflow name.
    pub workflow: Option<String>,
    /// When it fired first.
    pub fired_at: Timestamp,
}

impl Alert {
    /// Everybody it may walk to, in order.
    #[must_use]
    pub fn people(&self) -> Vec<&str> {
        self.chain.split_whitespace().collect()
    }
}

words! {
    /// What a delivery was about.
    DeliveryKind {
        /// Somebody has to act.
        Alert = "alert",
        /// The incident needs nobody any more.
        Cleared = "cleared",
        /// Somebody tried the channels.
        Test = "test",
    }
}

/// One try to reach somebody through the channels. Rows are added, never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertDelivery {
    /// The alert; a test has an id of its own.
    pub alert: AlertId,
    /// Number of the try, from 1.
    pub n: u32,
    /// What it was about.
    pub kind: DeliveryKind,
    /// The person.
    pub person: String,
    /// A channel took it.
    pub ok: bool,
    /// The channel that took it.
    pub channel: Option<String>,
    /// What went wrong on the way, also when another channel took it; no secret.
    pub detail: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What puts a wrong output right at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// Its id.
    pub id: CorrectionId,
    /// Where it stands.
    pub state: CorrectionState,
    /// Handle of the person who does it.
    pub owner: String,
    /// When it is due.
    pub due_at: Timestamp,
    /// What shows that it is done; absent while it is not.
    pub proof: Option<Proof>,
    /// What was looked up: the action with its receipt, or what the destination showed. Never typed.
    pub receipt: Option<String>,
    /// Who settled it.
    pub settled_by: Option<String>,
    /// When.
    pub settled_at: Option<Timestamp>,
    /// In the words of the person: what was done, or why it was dropped.
    pub note: Option<String>,
    /// Grows by one with every change.
    pub version: u32,
    /// Its incident.
    pub incident: IncidentId,
    /// The run whose output is wrong.
    pub run: RunId,
    /// The action that wrote it.
    pub action: Option<ActionId>,
    /// Where it was written: `system: record`.
    pub place: String,
    /// What is to be put right.
    pub words: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How a confirmed action stands against its destination, once it was found to differ. What is known is
/// not told again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The action.
    pub action: ActionId,
    /// What the last look found.
    pub state: GapState,
    /// In which field, without its content.
    pub words: String,
    /// When it was found so.
    pub at: Timestamp,
    /// Grows by one with every change.
    pub version: u32,
    /// The run of the action.
    pub run: RunId,
    /// Its workflow.
    pub workflow: String,
}

/// A change of one of these rows.
#[derive(Clone, Debug)]
pub enum TroubleChange {
    /// Something was found.
    InsertFinding(Finding),
    /// A finding was taken to its incident.
    TakeFinding(Finding),
    /// Soft findings that nothing came of.
    DropFindings {
        /// Those from before this go.
        before: Timestamp,
    },
    /// A new incident; no other one of its cause may be open.
    InsertIncident(Incident),
    /// The incident as it is now; `version` is `expect + 1`.
    UpdateIncident(Incident),
    /// A line of its timeline.
    InsertEntry(IncidentEntry),
    /// A run it touches; linked twice is linked once.
    LinkRun(IncidentRun),
    /// A new alert.
    InsertAlert(Alert),
    /// The alert as it is now; `version` is `expect + 1`.
    UpdateAlert(Alert),
    /// A try to reach somebody.
    InsertDelivery(AlertDelivery),
    /// A new correction.
    InsertCorrection(Correction),
    /// The correction as it is now; `version` is `expect + 1`.
    UpdateCorrection(Correction),
    /// A new follow-up.
    InsertFollowUp(FollowUp),
    /// The follow-up as it is now; `version` is `expect + 1`.
    UpdateFollowUp(FollowUp),
    /// A new postmortem; no other one of its workflow may be open.
    InsertPostmortem(Postmortem),
    /// The postmortem as it is now; `version` is `expect + 1`.
    UpdatePostmortem(Postmortem),
    /// A confirmed action was found to differ from its destination.
    InsertGap(Gap),
    /// What the last look found; `version` is `expect + 1`.
    UpdateGap(Gap),
}
