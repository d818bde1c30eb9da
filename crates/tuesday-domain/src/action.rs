//! An action: one intended effect on a destination, with one key for ever.
//!
//! Intent and key are committed before the first byte leaves. An unclear answer is a state
//! (`uncertain`), looked up before any retry; where it cannot be looked up, a person decides.

use sha2::{Digest, Sha256};

use crate::id::RunId;
use crate::words::words;

words! {
    /// Where an action stands.
    ActionState {
        /// Planned by an output that nobody approved yet.
        Proposed = "proposed",
        /// Approved by a person or by a rule.
        Authorised = "authorised",
        /// Committed before the first byte leaves.
        Sending = "sending",
        /// The destination said yes; not read back yet.
        Delivered = "delivered",
        /// Read back equal, or the destination is declared trusted.
        Confirmed = "confirmed",
        /// Refused for now; the same key will be tried again at a due time.
        RetryWait = "retry_wait",
        /// Unknown whether it happened.
        Uncertain = "uncertain",
        /// A precondition failed: the target changed, or is not unique.
        Blocked = "blocked",
        /// Refused for good.
        Failed = "failed",
        /// Taken back before sending.
        Voided = "voided",
        /// Undone by an action of its own.
        Compensated = "compensated",
    }
}

words! {
    /// How consequential an action is.
    ActionClass {
        /// Reads only.
        Read = "read",
        /// Places a draft that a person still has to send.
        Draft = "draft",
        /// Changes a record.
        Write = "write",
        /// Sends a message.
        Send = "send",
        /// Moves money.
        Pay = "pay",
        /// Cannot be undone.
        Irreversible = "irreversible",
    }
}

words! {
    /// What the destination can do about repeats (classes A to F).
    Ability {
        /// A receipt row in the same transaction as the effect: exactly once.
        SameTransaction = "A",
        /// A server-side idempotency key: once within the key's life.
        ServerKey = "B",
        /// A natural key, PUT or upsert: once in effect.
        Upsert = "C",
        /// A precondition such as an `ETag`: once, and no lost update.
        Conditional = "D",
        /// The effect carries the key and can be searched for: once, subject to search lag.
        Searchable = "E",
        /// Nothing: at most once after an unclear answer.
        None = "F",
    }
}

impl Ability {
    /// After an unclear answer: may the same request simply be sent again under the same key?
    #[must_use]
    pub const fn may_resend_blind(self) -> bool {
        matches!(self, Self::SameTransaction | Self::ServerKey | Self::Upsert)
    }
    /// Can the system find out whether the effect is there?
    #[must_use]
    pub const fn can_look(self) -> bool {
        !matches!(self, Self::None)
    }
}

impl ActionClass {
    /// May a rule authorise it in stage auto? Money and what cannot be undone need people.
    #[must_use]
    pub const fn rule_may_authorise(self) -> bool {
        !matches!(self, Self::Pay | Self::Irreversible)
    }
}

/// What can happen to an action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ActionEvent {
    /// A person or a rule approved it.
    Authorise,
    /// Taken back before sending.
    Void,
    /// The precondition holds and a worker holds the lease.
    Send,
    /// The precondition failed.
    Block,
    /// A success answer.
    Deliver,
    /// Read back equal, or trusted.
    Confirm,
    /// A clean refusal that may pass.
    RefuseForNow,
    /// The wait is over, or a lookup proved that the effect is absent.
    Reauthorise,
    /// A clean refusal for good.
    RefuseForGood,
    /// No answer, or a crash while sending.
    LoseAnswer,
    /// A lookup, or a person with evidence, found the effect.
    Find,
    /// Undone by an action of its own.
    Compensate,
}

/// An event that cannot happen in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to an action that is {state}")]
pub struct IllegalActionEvent {
    /// The state it was in.
    pub state: ActionState,
    /// The event that was refused.
    pub event: ActionEvent,
}

impl ActionState {
    /// Nothing more will happen by itself or by a person, except compensation.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Confirmed | Self::Voided | Self::Compensated)
    }

    /// What follows from `event`; the only place where an action changes state.
    ///
    /// # Errors
    /// [`IllegalActionEvent`] for every pair that is not listed.
    pub const fn next(self, event: ActionEvent) -> Result<Self, IllegalActionEvent> {
        use ActionEvent as E;
        Ok(match (self, event) {
            (Self::Proposed, E::Authorise)
            | (Self::RetryWait | Self::Uncertain | Self::Blocked | Self::Failed, E::Reauthorise) => {
                Self::Authorised
            }
            (
                Self::Proposed | Self::Authorised | Self::RetryWait | Self::Blocked | Self::Failed,
                E::Void,
            ) => Self::Voided,
            (Self::Authorised, E::Send) => Self::Sending,
            (Self::Authorised | Self::Sending, E::Block) => Self::Blocked,
            (Self::Sending, E::Deliver) => Self::Delivered,
            (Self::Sending | Self::Delivered, E::Confirm) | (Self::Uncertain, E::Find) => {
                Self::Confirmed
            }
            (Self::Sending, E::RefuseForNow) => Self::RetryWait,
            (Self::Sending | Self::Authorised, E::RefuseForGood) => Self::Failed,
            (Self::Sending | Self::Delivered, E::LoseAnswer) => Self::Uncertain,
            (Self::Confirmed, E::Compensate) => Self::Compensated,
            _ => return Err(IllegalActionEvent { state: self, event }),
        })
    }
}

/// Places of a plan end here; from here on are the actions that undo.
const UNDOING: u16 = 0x8000;

/// The place of the action that undoes the one at `ordinal` of the plan.
#[must_use]
pub const fn undoing_place(ordinal: u16) -> u16 {
    ordinal | UNDOING
}

/// The place of the plan whose action is undone by the one at `ordinal`; none for an action of the plan.
#[must_use]
pub const fn undone_place(ordinal: u16) -> Option<u16> {
    if ordinal & UNDOING == 0 {
        None
    } else {
        Some(ordinal & !UNDOING)
    }
}

/// The one key of an action, for ever: it survives a crash, a restore and a change of node.
///
/// SHA-256 over the run, the action's place in the plan and its revision; the payload is not part
/// of it (its hash is stored beside it). A reviewer's edit makes a new revision.
#[must_use]
pub fn action_key(run: RunId, ordinal: u16, revision: u16) -> String {
    let mut h = Sha256::new();
    h.update(b"tuesday/action/1");
    h.update(run.uuid().as_bytes());
    h.update(ordinal.to_be_bytes());
    h.update(revision.to_be_bytes());
    format!("tsd-{}", hex::encode(&h.finalize()[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVENTS: &[ActionEvent] = &[
        ActionEvent::Authorise,
        ActionEvent::Void,
        ActionEvent::Send,
        ActionEvent::Block,
        ActionEvent::Deliver,
        ActionEvent::Confirm,
        ActionEvent::RefuseForNow,
        ActionEvent::Reauthorise,
        ActionEvent::RefuseForGood,
        ActionEvent::LoseAnswer,
        ActionEvent::Find,
        ActionEvent::Compensate,
    ];

    proptest! {
        #[test]
        fn nothing_is_sent_without_authorisation(picks in proptest::collection::vec(0..EVENTS.len(), 0..40)) {
            let mut state = ActionState::Proposed;
            let mut authorised = false;
            for pick in picks {
                if let Ok(next) = state.next(EVENTS[pick]) {
                    authorised |= next == ActionState::Authorised;
                    if next == ActionState::Sending {
                        prop_assert!(authorised);
                    }
                    // A voided action stays voided: nothing can be sent after a recall.
                    prop_assert!(state != ActionState::Voided);
                    state = next;
                }
            }
        }
    }

    #[test]
    fn an_uncertain_action_is_never_sent_without_a_look() {
        assert!(ActionState::Uncertain.next(ActionEvent::Send).is_err());
        assert!(ActionState::Sending.next(ActionEvent::Void).is_err());
    }

    #[test]
    fn what_undoes_has_a_place_of_its_own() {
        assert_eq!(undoing_place(3), 32_771);
        assert_eq!(undone_place(32_771), Some(3));
        assert_eq!(undone_place(3), None);
    }

    #[test]
    fn the_key_depends_on_run_place_and_revision_only() {
        let run = RunId::new(uuid::Uuid::from_u128(1));
        assert_eq!(action_key(run, 0, 0), action_key(run, 0, 0));
        assert_ne!(action_key(run, 0, 0), action_key(run, 1, 0));
        assert_ne!(action_key(run, 0, 0), action_key(run, 0, 1));
    }
}
