//! Something that a named person owes after a change: an update that a policy asks for, a look back at an
//! emergency, a word about what it came to after thirty and ninety days, a successor for an owner who left, training
//! that is renewed. It stays open until somebody says what answered it, or the record shows it.

use crate::id::DutyId;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// Why somebody owes it.
    DutyKind {
        /// A policy changed that a template or a rule embodies.
        PolicyUpdate = "policy_update",
        /// An emergency change was made; somebody else looks at it afterwards.
        EmergencyReview = "emergency_review",
        /// Thirty days after the installation: somebody says whether it is working.
        ThirtyDays = "thirty_days",
        /// The day of the ninety-day metric: the sponsor decides.
        NinetyDays = "ninety_days",
        /// An owner left: somebody names a successor.
        Successor = "successor",
        /// Tiers, their questions or their guidance changed: who decides practises again.
        Retraining = "retraining",
    }
}

words! {
    /// Where it stands.
    DutyState {
        /// Owed.
        Open = "open",
        /// Answered.
        Done = "done",
    }
}

words! {
    /// What answered it.
    DutyAnswer {
        /// A release that went live since.
        Release = "release",
        /// A version of the rules that came into force since.
        Rules = "rules",
        /// Nothing has to change, for a reason.
        Reason = "reason",
    }
}

impl DutyKind {
    /// It is answered in words: no release and no version of the rules can answer it.
    #[must_use]
    pub const fn wants_words(self) -> bool {
        !matches!(self, Self::PolicyUpdate)
    }

    /// The record itself shows when it is answered: nobody's word does.
    #[must_use]
    pub const fn shown_by_record(self) -> bool {
        matches!(self, Self::Successor | Self::Retraining)
    }
}

/// One duty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    /// Its id.
    pub id: DutyId,
    /// Where it stands.
    pub state: DutyState,
    /// Handle of the person who owes it.
    pub owner: String,
    /// Until when.
    pub due_at: Timestamp,
    /// What answered it.
    pub answer: Option<DutyAnswer>,
    /// Number of the release, version of the rules.
    pub number: Option<u64>,
    /// In words: what was done, or why nothing.
    pub words: Option<String>,
    /// Who answered.
    pub done_by: Option<String>,
    /// When.
    pub done_at: Option<Timestamp>,
    /// When people were told that it is overdue.
    pub late_at: Option<Timestamp>,
    /// Version of the row.
    pub version: u32,
    /// Why somebody owes it.
    pub kind: DutyKind,
    /// The workflow.
    pub workflow: String,
    /// Name of the policy, or what the emergency was.
    pub about: String,
    /// What has to be looked at: `prompt prompt.md`, `text brand-voice`, `rule r3`, `release 4`.
    pub item: String,
    /// Why it came to be.
    pub reason: String,
    /// Who caused it.
    pub opened_by: String,
    /// When.
    pub opened_at: Timestamp,
}
