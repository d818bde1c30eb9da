//! What somebody has to do after an incident or a stop, by a day.

use crate::words::words;

words! {
    /// Where a follow-up stands.
    FollowUpState {
        /// Somebody has to do it.
        Open = "open",
        /// Done, with what shows it.
        Done = "done",
        /// Not wanted any more, with the reason.
        Dropped = "dropped",
    }
}

words! {
    /// What ends a follow-up.
    FollowUpEvent {
        /// It is done.
        Finish = "finish",
        /// It is not wanted any more.
        Drop = "drop",
    }
}

/// A follow-up that has ended stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the follow-up is {0} already")]
pub struct EndedAlready(pub FollowUpState);

impl FollowUpState {
    /// What follows.
    ///
    /// # Errors
    /// [`EndedAlready`] for one that is not open.
    pub const fn next(self, event: FollowUpEvent) -> Result<Self, EndedAlready> {
        match (self, event) {
            (Self::Open, FollowUpEvent::Finish) => Ok(Self::Done),
            (Self::Open, FollowUpEvent::Drop) => Ok(Self::Dropped),
            (Self::Done | Self::Dropped, _) => Err(EndedAlready(self)),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_stays_ended() {
        for event in FollowUpEvent::ALL {
            let ended = FollowUpState::Open.next(*event).unwrap();
            for again in FollowUpEvent::ALL {
                assert_eq!(ended.next(*again), Err(EndedAlready(ended)));
            }
        }
    }
}
