//! Postmortems of workflows, and what follows from them and from incidents.

use crate::id::{FollowUpId, IncidentId};
use crate::postmortem::follow_up::FollowUpState;
use crate::postmortem::{PostmortemState, RootCause, Stopped, Wall};
use crate::time::Timestamp;

/// Why a workflow stopped, as people and records tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postmortem {
    /// Workflow name.
    pub workflow: String,
    /// Number within the workflow, from 1.
    pub seq: u32,
    /// Where it stands.
    pub state: PostmortemState,
    /// Handle of the person who answers it.
    pub owner: String,
    /// Answers of people as JSON while it is open; all seven once it is closed.
    pub answers: String,
    /// What was at the root, once it is closed.
    pub root: Option<RootCause>,
    /// The wall it ran into, once it is closed.
    pub wall: Option<Wall>,
    /// For the model as the root: why it was nothing else, as JSON.
    pub ruled_out: Option<String>,
    /// What is learnt, once it is closed.
    pub lessons: Option<String>,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// When.
    pub closed_at: Option<Timestamp>,
    /// Grows by one with every change.
    pub version: u32,
    /// What it was opened for.
    pub stopped: Stopped,
    /// The reason given for the stop, or for asking.
    pub reason: String,
    /// Who or what opened it, as an actor.
    pub opened_by: String,
    /// When; records are asked as of this moment.
    pub opened_at: Timestamp,
}

/// What somebody has to do by a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp {
    /// Its id.
    pub id: FollowUpId,
    /// Where it stands.
    pub state: FollowUpState,
    /// Handle of the person who does it.
    pub owner: String,
    /// When it is due.
    pub due_at: Timestamp,
    /// When people were told that it is late.
    pub told_at: Option<Timestamp>,
    /// What shows that it is done, or why it was dropped.
    pub note: Option<String>,
    /// Who ended it.
    pub ended_by: Option<String>,
    /// When.
    pub ended_at: Option<Timestamp>,
    /// Grows by one with every change.
    pub version: u32,
    /// The incident it follows from.
    pub incident: Option<IncidentId>,
    /// The postmortem of the workflow it follows from.
    pub postmortem: Option<u32>,
    /// Workflow name, where it concerns one.
    pub workflow: Option<String>,
    /// What is to be done.
    pub words: String,
    /// Who said so.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}
