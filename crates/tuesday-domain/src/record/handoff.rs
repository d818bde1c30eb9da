//! Everything that is with one person, whatever kind of thing it is.

use uuid::Uuid;

use crate::time::Timestamp;
use crate::words::words;

words! {
    /// What kind of thing is with a person.
    HandoffKind {
        /// A review task.
        Review = "review",
        /// An incident.
        Incident = "incident",
        /// A wrong output to put right.
        Correction = "correction",
        /// What follows from an incident or a stop.
        FollowUp = "follow_up",
        /// A problem report that wants an answer.
        Problem = "problem",
        /// A postmortem to answer.
        Postmortem = "postmortem",
        /// A change of the mix to explain.
        Drift = "drift",
        /// What is owed after a change: an update of a template or rule, a look back at an emergency.
        Duty = "duty",
        /// A release that waits for their word.
        Release = "release",
        /// A change of the rules that waits for their word.
        Rules = "rules",
        /// Something of a charter or checklist that nothing shows.
        Gap = "gap",
    }
}

/// One thing that is with a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandoffRow {
    /// What kind of thing.
    pub kind: HandoffKind,
    /// Its id, where it has one of its own.
    pub id: Option<Uuid>,
    /// Its number within the workflow, where it has one of those.
    pub number: Option<u32>,
    /// Workflow name.
    pub workflow: Option<String>,
    /// What it is, in one line.
    pub words: String,
    /// Since when it is there.
    pub since: Timestamp,
    /// When it is due.
    pub due_at: Option<Timestamp>,
}
