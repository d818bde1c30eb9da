//! A review task: one unit of human decision with one owner and a due time.
//!
//! States follow WS-HumanTask 1.1 (Ready, Reserved, Completed, Suspended, Exited). A task never
//! resolves itself: time escalates it along named people, it never decides.

use crate::words::words;

words! {
    /// Where a review task stands.
    ReviewState {
        /// Waits for its owner (WS-HumanTask: Ready).
        Open = "open",
        /// Somebody is on it (Reserved, InProgress).
        Claimed = "claimed",
        /// Decided: as it stood (Completed).
        Approved = "approved",
        /// Decided: after an edit (Completed).
        ApprovedWithEdits = "approved_with_edits",
        /// Decided: no (Completed).
        Rejected = "rejected",
        /// Done by hand, with a result (Completed).
        HandedOver = "handed_over",
        /// The workflow is paused: reading allowed, deciding not (Suspended).
        Suspended = "suspended",
        /// The output it was about is gone (Exited).
        Superseded = "superseded",
    }
}

words! {
    /// What a review task asks of a person.
    ReviewKind {
        /// Decide on an output.
        Output = "output",
        /// Supply or correct an input.
        Input = "input",
        /// Settle an action whose outcome is unclear, refused or blocked.
        Action = "action",
        /// Do the work by hand.
        Manual = "manual",
        /// Say whether an approved output was right. Nothing waits for it.
        SecondLook = "second_look",
    }
}

/// What can happen to a review task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReviewEvent {
    /// A person takes it.
    Claim,
    /// The person gives it back, or the claim ran out.
    Release,
    /// One of two required approvals.
    PartlyApprove,
    /// The last required approval.
    Approve {
        /// The output was edited.
        edited: bool,
    },
    /// No, with a reason.
    Reject,
    /// Done by hand, with a result.
    HandOver,
    /// Something about the case was noticed and noted; nobody decided.
    Note,
    /// Passed to the next named person, by a person or because it is due.
    Escalate,
    /// Given to another named person, by a person or because its owner is away.
    Reassign,
    /// Nobody is left above: the owner keeps it, overdue and marked.
    Exhaust,
    /// The workflow was paused.
    Suspend,
    /// The workflow resumed.
    Resume,
    /// The output was replaced or the run cancelled.
    Supersede,
}

/// An event that cannot happen in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to a review task that is {state}")]
pub struct IllegalReviewEvent {
    /// The state it was in.
    pub state: ReviewState,
    /// The event that was refused.
    pub event: ReviewEvent,
}

impl ReviewState {
    /// Nobody can decide any more.
    #[must_use]
    pub const fn is_decided(self) -> bool {
        !matches!(self, Self::Open | Self::Claimed | Self::Suspended)
    }

    /// What follows from `event`; the only place where a review task changes state.
    ///
    /// # Errors
    /// [`IllegalReviewEvent`] for every pair that is not listed.
    pub const fn next(self, event: ReviewEvent) -> Result<Self, IllegalReviewEvent> {
        use ReviewEvent as E;
        Ok(match (self, event) {
            (Self::Open | Self::Claimed, E::Claim) => Self::Claimed,
            (Self::Open | Self::Claimed, E::Note) => self,
            (Self::Claimed, E::Release) | (Self::Suspended, E::Resume) => Self::Open,
            (Self::Open | Self::Claimed, E::PartlyApprove | E::Escalate | E::Reassign) => {
                Self::Open
            }
            // A paused task stays paused, whoever has it.
            (Self::Suspended, E::Reassign) => Self::Suspended,
            // The person who is on it stays on it.
            (Self::Open, E::Exhaust) => Self::Open,
            (Self::Claimed, E::Exhaust) => Self::Claimed,
            (Self::Open | Self::Claimed, E::Approve { edited: false }) => Self::Approved,
            (Self::Open | Self::Claimed, E::Approve { edited: true }) => Self::ApprovedWithEdits,
            (Self::Open | Self::Claimed, E::Reject) => Self::Rejected,
            (Self::Open | Self::Claimed, E::HandOver) => Self::HandedOver,
            (Self::Open | Self::Claimed, E::Suspend) => Self::Suspended,
            (Self::Open | Self::Claimed | Self::Suspended, E::Supersede) => Self::Superseded,
            _ => return Err(IllegalReviewEvent { state: self, event }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &[ReviewEvent] = &[
        ReviewEvent::Claim,
        ReviewEvent::Release,
        ReviewEvent::PartlyApprove,
        ReviewEvent::Approve { edited: false },
        ReviewEvent::Approve { edited: true },
        ReviewEvent::Reject,
        ReviewEvent::HandOver,
        ReviewEvent::Note,
        ReviewEvent::Escalate,
        ReviewEvent::Reassign,
        ReviewEvent::Exhaust,
        ReviewEvent::Suspend,
        ReviewEvent::Resume,
        ReviewEvent::Supersede,
    ];

    #[test]
    fn a_decided_task_takes_no_further_event() {
        for &state in ReviewState::ALL {
            let moves = EVENTS.iter().filter(|&&e| state.next(e).is_ok()).count();
            assert_eq!(moves == 0, state.is_decided(), "{state}");
        }
    }

    #[test]
    fn time_never_decides() {
        for &state in ReviewState::ALL {
            for event in [
                ReviewEvent::Escalate,
                ReviewEvent::Note,
                ReviewEvent::Reassign,
                ReviewEvent::Exhaust,
                ReviewEvent::Release,
                ReviewEvent::Suspend,
                ReviewEvent::Resume,
            ] {
                if let Ok(next) = state.next(event) {
                    assert!(!next.is_decided());
                }
            }
        }
    }

    #[test]
    fn a_suspended_task_cannot_be_approved() {
        assert!(
            ReviewState::Suspended
                .next(ReviewEvent::Approve { edited: false })
                .is_err()
        );
    }
}
