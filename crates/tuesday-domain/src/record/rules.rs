//! Versions of a decision table with their life, who has read which version, and where each run was
//! sent: what changing the rules while runs go on needs to remember.

use crate::id::RunId;
use crate::record::ReviewDecision;
use crate::rules::Route;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// Where a decision-table version stands.
    RuleSetState {
        /// Being edited; never stored.
        Draft = "draft",
        /// Waits for the bound owner.
        Proposed = "proposed",
        /// Agreed, and comes into force at a later time.
        Scheduled = "scheduled",
        /// In force.
        Active = "active",
        /// Replaced.
        Superseded = "superseded",
        /// Not accepted, or withdrawn before it was in force.
        Refused = "refused",
        /// Its time ran out.
        Expired = "expired",
    }
}

/// What can happen to a version of a decision table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RuleSetEvent {
    /// It needs a second person.
    Propose,
    /// Agreed to, and its time has not come.
    Schedule,
    /// It comes into force.
    Activate,
    /// Refused by the bound owner, or withdrawn by its author.
    Refuse,
    /// Another version comes into force.
    Supersede,
    /// The time it was made for is over.
    Expire,
}

/// An event that cannot happen in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to a rules version that is {state}")]
pub struct IllegalRuleSetEvent {
    /// The state it was in.
    pub state: RuleSetState,
    /// The event that was refused.
    pub event: RuleSetEvent,
}

impl RuleSetState {
    /// What follows from `event`; the only place where a rules version changes state.
    ///
    /// # Errors
    /// [`IllegalRuleSetEvent`] for every pair that is not listed.
    pub const fn next(self, event: RuleSetEvent) -> Result<Self, IllegalRuleSetEvent> {
        use RuleSetEvent as E;
        Ok(match (self, event) {
            (Self::Draft, E::Propose) => Self::Proposed,
            (Self::Draft | Self::Proposed, E::Schedule) => Self::Scheduled,
            (Self::Draft | Self::Proposed | Self::Scheduled, E::Activate) => Self::Active,
            (Self::Proposed | Self::Scheduled, E::Refuse) => Self::Refused,
            (Self::Active, E::Supersede) => Self::Superseded,
            (Self::Active, E::Expire) => Self::Expired,
            _ => return Err(IllegalRuleSetEvent { state: self, event }),
        })
    }
}

/// One version of a workflow's decision table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSetRow {
    /// Workflow name.
    pub workflow: String,
    /// From 1.
    pub version: u64,
    /// Where it stands.
    pub state: RuleSetState,
    /// The CSV text as ops see it.
    pub csv: String,
    /// SHA-256 of the canonical CSV.
    pub hash: [u8; 32],
    /// Why it was changed.
    pub reason: String,
    /// When.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// The version that was edited; absent for the first.
    pub base: Option<u64>,
    /// The version whose text it puts back, for a rollback or when a time ran out.
    pub restores: Option<u64>,
    /// Handle of the second person who must agree; absent when nobody must.
    pub bound_owner: Option<String>,
    /// When the second person decided.
    pub decided_at: Option<Timestamp>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// Comes into force then, and not at once.
    pub starts_at: Option<Timestamp>,
    /// Is in force until then; what was in force before comes back.
    pub ends_at: Option<Timestamp>,
}

/// A person has read a version of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesAck {
    /// Workflow name.
    pub workflow: String,
    /// Handle.
    pub person: String,
    /// The newest version that was read.
    pub version: u64,
    /// When.
    pub at: Timestamp,
}

/// A person has read what a release changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseAck {
    /// Workflow name.
    pub workflow: String,
    /// Handle.
    pub person: String,
    /// Number of the newest release that was read.
    pub number: u32,
    /// When.
    pub at: Timestamp,
}

/// A word of a source that the mapping did not know when a run brought it first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmapped {
    /// Workflow name.
    pub workflow: String,
    /// Column of the table.
    pub field: String,
    /// The word as it is compared: lower case, without blanks around.
    pub folded: String,
    /// The word as it arrived.
    pub word: String,
    /// The run that brought it.
    pub run: RunId,
    /// When.
    pub at: Timestamp,
    /// Until then the operator owner should have said what it stands for.
    pub due_at: Timestamp,
}

/// Where the table sent one run, on which values, and what a person said later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// The run.
    pub run: RunId,
    /// Workflow name.
    pub workflow: String,
    /// Version of the table that was asked.
    pub rules_version: u64,
    /// Id of the row that decided; absent when a value stopped the evaluation.
    pub row: Option<String>,
    /// Where the table sent it.
    pub route: Route,
    /// The compared values, packed for that version's columns.
    pub facts: Vec<u8>,
    /// When.
    pub at: Timestamp,
    /// What a person decided about the output; absent while nobody has.
    pub decision: Option<ReviewDecision>,
    /// The confidence that was stated, in millionths; absent without one.
    pub confidence_ppm: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [RuleSetEvent; 6] = [
        RuleSetEvent::Propose,
        RuleSetEvent::Schedule,
        RuleSetEvent::Activate,
        RuleSetEvent::Refuse,
        RuleSetEvent::Supersede,
        RuleSetEvent::Expire,
    ];

    #[test]
    fn what_is_over_stays_over() {
        for state in [
            RuleSetState::Superseded,
            RuleSetState::Refused,
            RuleSetState::Expired,
        ] {
            assert!(EVENTS.iter().all(|e| state.next(*e).is_err()), "{state}");
        }
    }

    #[test]
    fn only_what_is_in_force_can_be_replaced_or_run_out() {
        for &state in RuleSetState::ALL {
            let active = state == RuleSetState::Active;
            assert_eq!(state.next(RuleSetEvent::Supersede).is_ok(), active);
            assert_eq!(state.next(RuleSetEvent::Expire).is_ok(), active);
        }
        assert!(RuleSetState::Refused.next(RuleSetEvent::Activate).is_err());
    }
}
