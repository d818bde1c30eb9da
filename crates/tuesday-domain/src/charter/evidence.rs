//! How the evidence of one thing stands, and how it comes to stand so.

use std::time::Duration;

use crate::time::Timestamp;
use crate::words::words;

words! {
    /// How evidence stands.
    EvidenceState {
        /// Nobody has said or shown anything.
        Missing = "missing",
        /// A person says so; nothing shows it.
        Claimed = "claimed",
        /// A live object shows it.
        Verified = "verified",
        /// It was shown once, and is too old or gone.
        Lapsed = "lapsed",
    }
}

words! {
    /// What happens to evidence.
    EvidenceEvent {
        /// A person states it.
        Claim = "claim",
        /// A live object shows it.
        Prove = "prove",
        /// What showed it is too old, or gone.
        Fade = "fade",
        /// The statement is taken back.
        Withdraw = "withdraw",
    }
}

/// A move that evidence does not make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("evidence that is {from} does not take `{event}`")]
pub struct IllegalEvidenceMove {
    /// How it stood.
    pub from: EvidenceState,
    /// What should have happened to it.
    pub event: EvidenceEvent,
}

impl EvidenceState {
    /// The state after an event.
    ///
    /// # Errors
    /// For every pair that is not in the table: nothing fades that was never shown, and no statement
    /// makes what has lapsed good again.
    pub const fn next(self, event: EvidenceEvent) -> Result<Self, IllegalEvidenceMove> {
        use EvidenceEvent as E;
        match (self, event) {
            (Self::Missing | Self::Claimed, E::Claim) => Ok(Self::Claimed),
            (_, E::Prove) => Ok(Self::Verified),
            // What is shown needs no statement.
            (Self::Verified, E::Claim) => Ok(Self::Verified),
            (Self::Verified | Self::Lapsed, E::Fade) => Ok(Self::Lapsed),
            (Self::Claimed | Self::Missing, E::Withdraw) => Ok(Self::Missing),
            (Self::Lapsed, E::Claim)
            | (Self::Missing | Self::Claimed, E::Fade)
            | (Self::Verified | Self::Lapsed, E::Withdraw) => {
                Err(IllegalEvidenceMove { from: self, event })
            }
        }
    }
}

/// The evidence of one thing at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// How it stands.
    pub state: EvidenceState,
    /// What is there, or what is lacking, in words.
    pub words: String,
    /// Since when it is so: when it was stated or last shown.
    pub at: Option<Timestamp>,
    /// When it lapses unless it is shown again.
    pub until: Option<Timestamp>,
    /// Handle of the person who stated it.
    pub by: Option<String>,
}

impl Evidence {
    /// Nothing is there.
    pub(super) fn missing(words: impl Into<String>) -> Self {
        Self::at_rest(EvidenceState::Missing, words)
    }

    /// It is said, not shown.
    pub(super) fn claimed(words: impl Into<String>) -> Self {
        Self::at_rest(EvidenceState::Claimed, words)
    }

    /// A live object shows it now.
    pub(super) fn verified(words: impl Into<String>) -> Self {
        Self::at_rest(EvidenceState::Verified, words)
    }

    /// It was good, and what showed it is gone.
    pub(super) fn lapsed(words: impl Into<String>) -> Self {
        Self::at_rest(EvidenceState::Lapsed, words)
    }

    /// It was shown at a moment and is good for so long.
    pub(super) fn shown(
        at: Timestamp,
        good_for: Duration,
        now: Timestamp,
        words: impl Into<String>,
    ) -> Self {
        let until = at.plus(good_for);
        let state = if now < until {
            EvidenceState::Verified
        } else {
            EvidenceState::Lapsed
        };
        Self {
            at: Some(at),
            until: Some(until),
            ..Self::at_rest(state, words)
        }
    }

    pub(super) const fn since(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    pub(super) fn stated(mut self, by: &str, at: Timestamp) -> Self {
        self.by = Some(by.to_owned());
        self.at = Some(at);
        self
    }

    fn at_rest(state: EvidenceState, words: impl Into<String>) -> Self {
        Self {
            state: settled(state),
            words: words.into(),
            at: None,
            until: None,
            by: None,
        }
    }

    /// How old it is.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        self.at.map(|at| now.since(at))
    }
}

/// The state, reached by the moves that lead to it; no evidence stands where the table leads nowhere.
fn settled(to: EvidenceState) -> EvidenceState {
    use EvidenceEvent as E;
    let way: &[E] = match to {
        EvidenceState::Missing => &[],
        EvidenceState::Claimed => &[E::Claim],
        EvidenceState::Verified => &[E::Prove],
        EvidenceState::Lapsed => &[E::Prove, E::Fade],
    };
    let step = |state: EvidenceState, event: &E| state.next(*event).ok();
    way.iter()
        .try_fold(EvidenceState::Missing, step)
        .unwrap_or(EvidenceState::Missing)
}
