//! An alert's life: it walks along named persons until one of them says that they are on it.

use std::time::Duration;

use crate::words::words;

words! {
    /// Where an alert stands.
    AlertState {
        /// To be delivered to the person it names.
        Firing = "firing",
        /// A channel took it; the person has not answered yet.
        Notified = "notified",
        /// It passed on, to be delivered to the next person.
        Escalated = "escalated",
        /// A person is on it.
        Acknowledged = "acknowledged",
        /// The incident needs nobody any more.
        Cleared = "cleared",
    }
}

/// What can happen to an alert.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AlertEvent {
    /// A channel took it.
    Deliver,
    /// Nobody answered in time, or no channel took it: the next person.
    Escalate,
    /// A person is on it.
    Acknowledge,
    /// Whoever was on it went quiet, or the cause came back: from the beginning.
    Fire,
    /// The incident needs nobody any more.
    Clear,
}

/// An event that cannot happen to an alert in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to an alert that is {state}")]
pub struct IllegalAlertEvent {
    /// The state it was in.
    pub state: AlertState,
    /// The event that was refused.
    pub event: AlertEvent,
}

impl AlertState {
    /// What follows; the only place where an alert changes state.
    ///
    /// # Errors
    /// [`IllegalAlertEvent`] for every pair that is not listed.
    pub const fn next(self, event: AlertEvent) -> Result<Self, IllegalAlertEvent> {
        use AlertEvent as E;
        match (self, event) {
            (Self::Firing | Self::Escalated, E::Deliver) => Ok(Self::Notified),
            (Self::Firing | Self::Notified | Self::Escalated, E::Escalate) => Ok(Self::Escalated),
            (Self::Firing | Self::Notified | Self::Escalated, E::Acknowledge) => {
                Ok(Self::Acknowledged)
            }
            (Self::Acknowledged | Self::Cleared, E::Fire) => Ok(Self::Firing),
            (Self::Firing | Self::Notified | Self::Escalated | Self::Acknowledged, E::Clear) => {
                Ok(Self::Cleared)
            }
            (state, event) => Err(IllegalAlertEvent { state, event }),
        }
    }

    /// A channel has to be tried.
    #[must_use]
    pub const fn wants_delivery(self) -> bool {
        matches!(self, Self::Firing | Self::Escalated)
    }
}

/// Tries at one person before the next one is asked, each after a pause.
pub const TRIES: u32 = 2;
/// Pause between two tries at one person.
pub const AGAIN: Duration = Duration::from_secs(10);

/// The place after `level` on a walk over `people` persons, and whether a new round begins. The walk
/// never ends: whoever was asked first is asked again.
#[must_use]
pub const fn step(level: u32, people: u32) -> (u32, bool) {
    if level + 1 < people {
        (level + 1, false)
    } else {
        (0, true)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_walk_reaches_everybody_again_and_again(people in 1_u32..12, from in 0_u32..12) {
            let mut level = from % people;
            let mut seen = BTreeSet::new();
            let mut rounds = 0;
            for _ in 0..people * 2 {
                seen.insert(level);
                let (next, again) = step(level, people);
                rounds += u32::from(again);
                prop_assert!(next < people);
                level = next;
            }
            prop_assert_eq!(seen.len() as u32, people);
            prop_assert_eq!(rounds, 2);
        }

        #[test]
        fn an_acknowledged_alert_is_delivered_only_after_it_fires_again(
            steps in proptest::collection::vec(0..5_usize, 0..40),
        ) {
            let events = [AlertEvent::Deliver, AlertEvent::Escalate, AlertEvent::Acknowledge, AlertEvent::Fire, AlertEvent::Clear];
            let mut state = AlertState::Firing;
            for i in steps {
                let Ok(next) = state.next(events[i]) else { continue };
                if matches!(state, AlertState::Acknowledged | AlertState::Cleared) {
                    prop_assert!(!matches!(next, AlertState::Notified | AlertState::Escalated));
                }
                state = next;
            }
        }
    }
}
