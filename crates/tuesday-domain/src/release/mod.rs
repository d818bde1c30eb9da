//! The life of a release: drafted, evaluated, judged by the gate, approved by somebody else, live, and
//! then superseded or rolled back. Every legal pair stands in [`next`]; everything else is refused.

pub mod guards;
pub mod layers;
pub mod news;
pub mod rewrites;

use crate::record::ReleaseState;

/// What happens to a release.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum ReleaseEvent {
    /// An evaluation starts, or goes on after it was cut off.
    Evaluate,
    /// The gate found everything there and right.
    Pass,
    /// The gate found something missing or wrong.
    Block,
    /// A person who did not make it approves.
    Approve,
    /// A person gives it up before it was live.
    Withdraw,
    /// New runs get it from now on.
    Promote,
    /// A newer one is live.
    Supersede,
    /// It is taken out of service.
    RollBack,
    /// It goes back into service in place of one that was rolled back.
    Reinstate,
    /// Somebody else excused what alone had stopped it: it may be evaluated once more.
    Excuse,
}

impl ReleaseEvent {
    /// Every event.
    pub const ALL: [Self; 10] = [
        Self::Evaluate,
        Self::Pass,
        Self::Block,
        Self::Approve,
        Self::Withdraw,
        Self::Promote,
        Self::Supersede,
        Self::RollBack,
        Self::Reinstate,
        Self::Excuse,
    ];
}

/// An event that a release in this state does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a release that is {state} does not take {event:?}")]
pub struct IllegalReleaseEvent {
    /// Where it stands.
    pub state: ReleaseState,
    /// What was asked.
    pub event: ReleaseEvent,
}

/// The one transition function.
///
/// # Errors
/// Every pair that is not listed.
pub const fn next(
    state: ReleaseState,
    event: ReleaseEvent,
) -> Result<ReleaseState, IllegalReleaseEvent> {
    use ReleaseEvent as E;
    use ReleaseState as S;
    Ok(match (state, event) {
        // A result that has grown old is made again; what was approved on it has to be approved again.
        (S::Draft | S::Evaluating | S::Passed | S::Approved, E::Evaluate) => S::Evaluating,
        (S::Evaluating, E::Pass) => S::Passed,
        (S::Evaluating, E::Block) => S::Blocked,
        // Nothing is taken over from the verdict: everything is evaluated again.
        (S::Blocked, E::Excuse) => S::Draft,
        (S::Passed, E::Approve) => S::Approved,
        (S::Draft | S::Passed | S::Approved, E::Withdraw) => S::Withdrawn,
        (S::Approved, E::Promote) | (S::Superseded, E::Reinstate) => S::Live,
        (S::Live, E::Supersede) => S::Superseded,
        (S::Live, E::RollBack) => S::RolledBack,
        (
            S::Draft
            | S::Evaluating
            | S::Blocked
            | S::Passed
            | S::Approved
            | S::Live
            | S::Superseded
            | S::RolledBack
            | S::Withdrawn,
            _,
        ) => return Err(IllegalReleaseEvent { state, event }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_is_live_without_gate_and_approval(picks in proptest::collection::vec(0_usize..10, 0..60)) {
            let mut state = ReleaseState::Draft;
            let (mut passed, mut approved) = (false, false);
            for pick in picks {
                let event = ReleaseEvent::ALL[pick];
                let Ok(to) = next(state, event) else { continue };
                match event {
                    ReleaseEvent::Evaluate | ReleaseEvent::Excuse => {
                        (passed, approved) = (false, false);
                    }
                    ReleaseEvent::Pass => passed = true,
                    ReleaseEvent::Approve => {
                        prop_assert!(passed);
                        approved = true;
                    }
                    _ => {}
                }
                if to == ReleaseState::Live {
                    prop_assert!(passed && approved);
                }
                state = to;
            }
        }
    }

    #[test]
    fn withdrawn_and_rolled_back_are_final_and_blocked_only_starts_anew() {
        for state in [
            ReleaseState::Blocked,
            ReleaseState::Withdrawn,
            ReleaseState::RolledBack,
        ] {
            for event in ReleaseEvent::ALL {
                let anew = state == ReleaseState::Blocked && event == ReleaseEvent::Excuse;
                let to = next(state, event).ok();
                assert_eq!(to, anew.then_some(ReleaseState::Draft), "{state} {event:?}");
            }
        }
    }
}
