//! What is erased, what was asked to be erased, and what must not be.

use crate::actor::Class;
use crate::id::{ErasureId, IntakeId, ProblemReportId, RunId};
use crate::privacy::Hold;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// Where texts stand that quote a run, beside its payloads.
    TextsOf {
        /// The unsalted hash of the event.
        Event = "event",
        /// Review tasks: the line that names the case, reasons, notes.
        Tasks = "tasks",
        /// Actions: the record, the other side's id, what was answered.
        Actions = "actions",
        /// Tries: what went wrong, the hash of the request.
        Tries = "tries",
        /// What the decision table was asked, as back-tests read it.
        Routing = "routing",
        /// Whose case it is, as adoption is told apart.
        Group = "group",
        /// Words that the mapping of the rules did not know.
        Unmapped = "unmapped",
        /// Problem reports.
        Reports = "reports",
        /// Signals from outside.
        Signals = "signals",
        /// Corrections of an incident.
        Corrections = "corrections",
        /// Why a second look found it wrong.
        SecondLooks = "second_looks",
        /// The refused event it was made from.
        Intake = "intake",
    }
}

/// An erasure that somebody asked for. It is ordered in one decision and then done run by run, so that
/// a node that dies in the middle leaves it to be finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasureOrder {
    /// Its id.
    pub id: ErasureId,
    /// When everything was gone.
    pub done_at: Option<Timestamp>,
    /// Version of the row.
    pub version: u32,
    /// What was named: `run`, `record` or `customer`; never the name itself.
    pub about: String,
    /// The policy it is done under, in words.
    pub policy: String,
    /// Why.
    pub reason: String,
    /// Ids of runs, refused events and problem reports, with spaces between.
    pub objects: String,
    /// Handle of who ordered it.
    pub ordered_by: String,
    /// When.
    pub ordered_at: Timestamp,
}

/// A change of these rows, or of what they erase.
#[derive(Clone, Debug)]
pub enum PrivacyChange {
    /// Bytes and salts of the payloads of a class go.
    ErasePayloads {
        /// The run.
        run: RunId,
        /// The class.
        class: Class,
    },
    /// Texts beside the payloads go.
    EraseTexts {
        /// The run.
        run: RunId,
        /// Where they stand.
        of: TextsOf,
    },
    /// Signals that name a record and belong to no run.
    EraseSignals {
        /// The record.
        record: String,
    },
    /// The body of a refused event goes.
    EraseIntake {
        /// The record.
        id: IntakeId,
    },
    /// The words of a report go.
    EraseReport {
        /// The report.
        id: ProblemReportId,
    },
    /// Goes on only while the holds are the ones that were read.
    CheckHolds {
        /// How often holds had changed when they were read.
        seen: u64,
    },
    /// The holds change; erasures that read them before find that out.
    MoveHolds,
    /// A hold is placed.
    InsertHold(Box<Hold>),
    /// A hold is lifted.
    UpdateHold(Box<Hold>),
    /// An erasure is ordered.
    InsertErasure(Box<ErasureOrder>),
    /// It is done.
    UpdateErasure(Box<ErasureOrder>),
}
