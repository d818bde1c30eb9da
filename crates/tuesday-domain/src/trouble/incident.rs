//! An incident's life: its states, what can happen to it, what a new finding means for it, and what
//! must be done before it may be closed.

use std::time::Duration;

use super::Category;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// Where an incident stands.
    IncidentState {
        /// Nobody has said that they are on it.
        Triggered = "triggered",
        /// A person is on it.
        Acknowledged = "acknowledged",
        /// The cause is contained or gone; what it left behind is not put right yet.
        Mitigated = "mitigated",
        /// Put right.
        Resolved = "resolved",
        /// Looked back upon: cause, fix and follow-ups are written down.
        Reviewed = "reviewed",
    }
}

words! {
    /// In which layer the fix was made.
    FixLayer {
        /// A source, its mapping or its freshness.
        Input = "input",
        /// The prompt.
        Prompt = "prompt",
        /// The model or its parameters.
        Model = "model",
        /// The decision table or a check.
        Rules = "rules",
        /// A connector or a destination.
        Connector = "connector",
        /// How people work with it.
        Process = "process",
        /// Machines and software below.
        Platform = "platform",
    }
}

/// What can happen to an incident.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IncidentEvent {
    /// A person is on it.
    Acknowledge,
    /// Whoever was on it has been quiet for too long.
    GoQuiet,
    /// A person has contained it.
    Mitigate,
    /// The cause has passed.
    Pass,
    /// It happened again.
    Recur,
    /// A person says it is put right.
    Resolve,
    /// A person has looked back on it.
    Review,
}

/// An event that cannot happen to an incident in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to an incident that is {state}")]
pub struct IllegalIncidentEvent {
    /// The state it was in.
    pub state: IncidentState,
    /// The event that was refused.
    pub event: IncidentEvent,
}

impl IncidentState {
    /// Still somebody's work.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Triggered | Self::Acknowledged | Self::Mitigated)
    }

    /// The cause is there now.
    #[must_use]
    pub const fn is_burning(self) -> bool {
        matches!(self, Self::Triggered | Self::Acknowledged)
    }

    /// What follows; the only place where an incident changes state.
    ///
    /// # Errors
    /// [`IllegalIncidentEvent`] for every pair that is not listed.
    pub const fn next(self, event: IncidentEvent) -> Result<Self, IllegalIncidentEvent> {
        use IncidentEvent as E;
        match (self, event) {
            (Self::Triggered, E::Acknowledge) => Ok(Self::Acknowledged),
            (Self::Acknowledged, E::GoQuiet)
            | (Self::Mitigated | Self::Resolved | Self::Reviewed, E::Recur) => Ok(Self::Triggered),
            (Self::Triggered | Self::Acknowledged, E::Mitigate | E::Pass) => Ok(Self::Mitigated),
            (Self::Mitigated, E::Resolve) => Ok(Self::Resolved),
            (Self::Resolved, E::Review) => Ok(Self::Reviewed),
            (state, event) => Err(IllegalIncidentEvent { state, event }),
        }
    }
}

/// Findings of this many of one kind within [`TOGETHER`] are a cause, even when each is soft.
pub const ENOUGH: usize = 3;
/// How far apart soft findings may lie and still count together.
pub const TOGETHER: Duration = Duration::from_secs(300);
/// A cause that comes back within this time after it was resolved was not resolved.
pub const SAME_AGAIN: Duration = Duration::from_secs(86_400);

/// What new findings of one cause mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// A new incident.
    Open,
    /// One more of the same.
    Join,
    /// It was thought to be over.
    Recur,
    /// Not enough yet to call it a cause.
    Wait,
}

/// The last incident of a cause, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    /// Where it stands.
    pub state: IncidentState,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
}

/// Sorts findings of one cause: `at` and whether each is hard.
#[must_use]
pub fn joined(findings: &[(Timestamp, bool)], last: Option<Last>) -> Joined {
    let newest = findings.iter().map(|f| f.0).max().unwrap_or_default();
    let near = |f: &&(Timestamp, bool)| newest.since(f.0) <= TOGETHER;
    let enough = findings.iter().any(|f| f.1) || findings.iter().filter(near).count() >= ENOUGH;
    match last {
        Some(l) if l.state.is_burning() && !findings.is_empty() => Joined::Join,
        _ if !enough => Joined::Wait,
        Some(l) if l.state == IncidentState::Mitigated => Joined::Recur,
        Some(l)
            if l.resolved_at
                .is_some_and(|at| newest.since(at) <= SAME_AGAIN) =>
        {
            Joined::Recur
        }
        _ => Joined::Open,
    }
}

/// What stands in the way of closing an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closing {
    /// Corrections that are neither done nor given up.
    pub open_corrections: u64,
    /// The eval case that guards against it, by name or file.
    pub case: Option<String>,
    /// Why there is none.
    pub waiver: Option<String>,
    /// Words of the person.
    pub resolution: String,
}

/// Why an incident cannot be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotClosable {
    /// Somebody still has to put outputs right.
    #[error("{0} corrections are still open")]
    OpenCorrections(u64),
    /// Nothing guards against the next one.
    #[error(
        "a wrong answer is resolved with a regression case, or with a waiver that says why there is none"
    )]
    NoCase,
    /// Nobody said what was done.
    #[error("say in a sentence what was done")]
    NoWords,
}

/// Whether an incident of this category may be closed.
///
/// # Errors
/// The first thing that stands in the way.
pub fn closable(category: Category, closing: &Closing) -> Result<(), NotClosable> {
    if closing.open_corrections > 0 {
        return Err(NotClosable::OpenCorrections(closing.open_corrections));
    }
    let said = |t: &Option<String>| t.as_deref().is_some_and(|t| !t.trim().is_empty());
    if category.needs_case() && !said(&closing.case) && !said(&closing.waiver) {
        return Err(NotClosable::NoCase);
    }
    if closing.resolution.trim().is_empty() {
        return Err(NotClosable::NoWords);
    }
    Ok(())
}

words! {
    /// Where a correction stands.
    CorrectionState {
        /// Somebody has to do it.
        Open = "open",
        /// Done, and it says what shows that.
        Done = "done",
        /// Not possible or not wanted, with the reason.
        Dropped = "dropped",
    }
}

words! {
    /// What shows that a correction is done.
    Proof {
        /// A confirmed action of ours wrote there since; the receipt is the destination's.
        Action = "action",
        /// The destination was read at that moment and shows the corrected values.
        ReadBack = "read_back",
        /// Nothing but the word of the person who settled it.
        Word = "word",
    }
}

impl Proof {
    /// In words for people.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Action => "by a confirmed write",
            Self::ReadBack => "read at the destination",
            Self::Word => "by word only",
        }
    }
}

words! {
    /// What a look at the destination of a confirmed action found.
    GapState {
        /// The record is not there.
        Missing = "missing",
        /// It is there and reads otherwise than was written, by no write of ours.
        Changed = "changed",
        /// It was one of these and is as it was written again.
        Mended = "mended",
    }
}

impl CorrectionState {
    /// What follows when a person settles it.
    ///
    /// # Errors
    /// A settled correction stays settled.
    pub fn settle(self, done: bool) -> Result<Self, String> {
        match (self, done) {
            (Self::Open, true) => Ok(Self::Done),
            (Self::Open, false) => Ok(Self::Dropped),
            (Self::Done | Self::Dropped, _) => Err(format!("the correction is {self} already")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENTS: [IncidentEvent; 7] = [
        IncidentEvent::Acknowledge,
        IncidentEvent::GoQuiet,
        IncidentEvent::Mitigate,
        IncidentEvent::Pass,
        IncidentEvent::Recur,
        IncidentEvent::Resolve,
        IncidentEvent::Review,
    ];

    fn at(seconds: u64) -> Timestamp {
        Timestamp::default().plus(Duration::from_secs(seconds))
    }

    proptest! {
        /// No way leads to `resolved` except over `mitigated`, none to `reviewed` except over
        /// `resolved`, and only the machine's own events leave a person's word behind.
        #[test]
        fn no_sequence_skips_a_state(steps in proptest::collection::vec(0..7_usize, 0..40)) {
            let mut state = IncidentState::Triggered;
            for i in steps {
                let Ok(next) = state.next(EVENTS[i]) else { continue };
                if next == IncidentState::Resolved {
                    prop_assert_eq!(state, IncidentState::Mitigated);
                }
                if next == IncidentState::Reviewed {
                    prop_assert_eq!(state, IncidentState::Resolved);
                }
                prop_assert!(next != state);
                state = next;
            }
        }

        /// A burning incident takes every finding of its cause: no second page for one cause.
        #[test]
        fn one_cause_is_one_incident(hard: bool, seconds in 0_u64..1_000_000, acked: bool) {
            let state = if acked { IncidentState::Acknowledged } else { IncidentState::Triggered };
            let last = Some(Last { state, resolved_at: None });
            prop_assert_eq!(joined(&[(at(seconds), hard)], last), Joined::Join);
        }

        /// A hard finding is never dropped: it joins, comes back or opens.
        #[test]
        fn a_hard_finding_never_waits(state in 0..5_usize, ago in 0_u64..400_000) {
            let now = at(1_000_000);
            let state = IncidentState::ALL[state];
            let resolved_at = (!state.is_open()).then(|| now.minus(Duration::from_secs(ago)));
            let is = joined(&[(now, true)], Some(Last { state, resolved_at }));
            prop_assert!(is != Joined::Wait);
            prop_assert_eq!(is == Joined::Open, resolved_at.is_some() && ago > 86_400);
        }
    }

    #[test]
    fn three_soft_findings_in_five_minutes_are_a_cause_and_three_in_an_hour_are_not() {
        let soft = |times: &[u64]| times.iter().map(|&t| (at(t), false)).collect::<Vec<_>>();
        assert_eq!(joined(&soft(&[0, 10]), None), Joined::Wait);
        assert_eq!(joined(&soft(&[0, 10, 299]), None), Joined::Open);
        assert_eq!(joined(&soft(&[0, 1_000, 3_600]), None), Joined::Wait);
        assert_eq!(joined(&[], None), Joined::Wait);
    }

    #[test]
    fn a_wrong_answer_is_closed_with_corrections_done_and_a_case_or_a_waiver() {
        let mut c = Closing {
            open_corrections: 1,
            resolution: "put right".to_owned(),
            ..Closing::default()
        };
        let refused = |c: &Closing| closable(Category::WrongAnswer, c).err();
        assert_eq!(refused(&c), Some(NotClosable::OpenCorrections(1)));
        c.open_corrections = 0;
        assert_eq!(refused(&c), Some(NotClosable::NoCase));
        c.waiver = Some("  ".to_owned());
        assert_eq!(refused(&c), Some(NotClosable::NoCase));
        c.case = Some("evals/regression.jsonl#renewal-date".to_owned());
        assert_eq!(refused(&c), None);
        c.resolution = String::new();
        assert_eq!(refused(&c), Some(NotClosable::NoWords));
        c.case = None;
        c.resolution = "came back".to_owned();
        assert_eq!(closable(Category::ProviderOutage, &c), Ok(()));
    }
}
