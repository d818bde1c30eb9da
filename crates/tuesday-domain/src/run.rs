//! A run's life: its states, what can happen to it, and the one function that says what follows.
//!
//! Three fields, so that no state carries two meanings: [`Status`] (where the machine stands),
//! [`Step`] (which part of the workflow it is in) and [`ReviewStatus`] (what people said).
//! `failed` is reached only by a person closing an exception, never by the machine alone.

use crate::words::words;

words! {
    /// Where a run stands.
    Status {
        /// Accepted and durable; inputs not frozen yet.
        Received = "received",
        /// A required input is absent; its owner has been asked.
        WaitingInput = "waiting_input",
        /// Inputs frozen; waits for a worker.
        Queued = "queued",
        /// A worker holds the lease.
        Running = "running",
        /// A transient failure; the next attempt has a due time.
        RetryWait = "retry_wait",
        /// In front of a named person.
        InReview = "in_review",
        /// Actions are authorised and being delivered.
        Dispatching = "dispatching",
        /// The workflow is paused; nothing moves until it resumes.
        Held = "held",
        /// Every action is confirmed, or none was wanted.
        Completed = "completed",
        /// A person said no.
        Rejected = "rejected",
        /// People do it by hand.
        HandedOff = "handed_off",
        /// A person took the run back.
        Cancelled = "cancelled",
        /// A person closed it as failed.
        Failed = "failed",
    }
}

words! {
    /// The part of the workflow a run is in.
    Step {
        /// Receiving the event.
        Intake = "intake",
        /// Freezing the inputs.
        Snapshot = "snapshot",
        /// Calling the model.
        Generate = "generate",
        /// Checking the output.
        Validate = "validate",
        /// Asking the decision table.
        Route = "route",
        /// A person decides.
        Review = "review",
        /// Writing back.
        Dispatch = "dispatch",
        /// Reading back.
        Confirm = "confirm",
    }
}

words! {
    /// What people said about the output.
    ReviewStatus {
        /// Nobody was asked.
        None = "none",
        /// Somebody was asked.
        Pending = "pending",
        /// Approved as it stood.
        Approved = "approved",
        /// Approved after an edit.
        ApprovedWithEdits = "approved_with_edits",
        /// Rejected.
        Rejected = "rejected",
        /// Passed on to the next level.
        Escalated = "escalated",
    }
}

words! {
    /// How a run ended.
    Outcome {
        /// Every action confirmed at its destination.
        WrittenBack = "written_back",
        /// Drafts placed; nothing sent.
        DraftPlaced = "draft_placed",
        /// Shadow stage: compared, nothing touched.
        ShadowOnly = "shadow_only",
        /// A person rejected the output.
        Rejected = "rejected",
        /// Done by people.
        HandedOff = "handed_off",
        /// Taken back.
        Cancelled = "cancelled",
        /// Closed as failed by a person.
        Failed = "failed",
    }
}

words! {
    /// Why a run is in front of a person. Stable codes: reports group by them.
    Reason {
        /// A row of the decision table asked for a person.
        Rule = "rule",
        /// A value the table needs is unknown, missing or mistyped.
        RuleInput = "rule_input",
        /// A source sent a word that the mapping of the rules does not know.
        UnknownTier = "unknown_tier",
        /// A required input is absent.
        MissingInput = "missing_input",
        /// A source is older than its refusal age, or has no usable time.
        StaleSource = "stale_source",
        /// A source could not be read.
        SourceUnavailable = "source_unavailable",
        /// Two sources disagree on a critical field.
        ConflictingSources = "conflicting_sources",
        /// The model cannot be called as configured.
        PermanentFailure = "permanent_failure",
        /// Every allowed attempt failed.
        AttemptsSpent = "attempts_spent",
        /// The output breaks its schema or cannot be parsed.
        InvalidOutput = "invalid_output",
        /// The output breaks a declared check.
        CheckFailed = "check_failed",
        /// The model refused.
        Refused = "refused",
        /// The model said it is not sure.
        UncertainOutput = "uncertain_output",
        /// The total deadline passed.
        Overdue = "overdue",
        /// The target record changed since the snapshot.
        TargetChanged = "target_changed",
        /// No record, or several, match the action.
        NoUniqueTarget = "no_unique_target",
        /// It is unknown whether the action happened and it cannot be looked up.
        UncertainAction = "uncertain_action",
        /// The destination refused for good.
        ActionFailed = "action_failed",
        /// The stage allows no automatic action.
        Stage = "stage",
        /// The release does not match its hash.
        ReleaseHashMismatch = "release_hash_mismatch",
        /// The provider answered with another model than the pinned one.
        ModelMismatch = "model_mismatch",
        /// The rule rests on a confidence that is miscalibrated, or whose calibration is not current.
        Uncalibrated = "uncalibrated",
        /// A watched field changed between approval and sending.
        SourceChanged = "source_changed",
        /// A watched source could not be read again, so nobody knows whether it changed.
        FreshnessUnknown = "freshness_unknown",
        /// A watched record is gone.
        TargetMissing = "target_missing",
        /// A person took an approval back before anything was sent.
        Recalled = "recalled",
        /// Stored bytes do not match their commitment; nothing that rests on them is sent.
        RecordDamaged = "record_damaged",
        /// Handed to people by rule or by hand.
        Manual = "manual",
        /// The workflow was killed, retired or given back to people: its open work is done by hand.
        ManualFallback = "manual_fallback",
        /// The item is not in the scope that the workflow works for.
        OutOfRollout = "out_of_rollout",
        /// An approval was drawn to be looked at by somebody else.
        SecondLook = "second_look",
        /// What the next step needs is gone for now; the run waits for it.
        DependencyDown = "dependency_down",
        /// The workflow may spend no more on its model in this period.
        SpendLimit = "spend_limit",
        /// Restricted data would have reached a model that is not cleared for it.
        RestrictedInput = "restricted_input",
    }
}

impl Reason {
    /// What was read, or was not there to be read, is why a person has to look.
    #[must_use]
    pub const fn of_inputs(self) -> bool {
        matches!(
            self,
            Self::RuleInput
                | Self::UnknownTier
                | Self::MissingInput
                | Self::StaleSource
                | Self::ConflictingSources
        )
    }
}

impl Status {
    /// No further change is possible.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Rejected | Self::HandedOff | Self::Cancelled | Self::Failed
        )
    }

    /// A machine must do the next thing: such a run always has a job with a due time.
    #[must_use]
    pub const fn wants_job(self) -> bool {
        matches!(
            self,
            Self::Received | Self::Queued | Self::Running | Self::RetryWait | Self::Dispatching
        )
    }

    /// A person must do the next thing: such a run always names one.
    #[must_use]
    pub const fn wants_person(self) -> bool {
        matches!(self, Self::WaitingInput | Self::InReview | Self::Held)
    }
}

/// The changing part of a run that the state machine owns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunState {
    /// Where it stands.
    pub status: Status,
    /// Which part it is in.
    pub step: Step,
    /// What people said.
    pub review: ReviewStatus,
    /// How it ended; set exactly when `status` is terminal.
    pub outcome: Option<Outcome>,
    /// The status to go back to when a held run resumes; set exactly when `status` is `held`.
    pub held_from: Option<Status>,
}

/// What can happen to a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunEvent {
    /// Inputs were frozen.
    SnapshotTaken,
    /// A required input is absent.
    InputMissing,
    /// A source is stale, conflicting, restricted or unapproved.
    InputRefused,
    /// A source failed for now; it will be read again.
    SourceRetry,
    /// The missing input arrived.
    InputsSupplied,
    /// Nobody supplied the missing input in time.
    InputDuePassed,
    /// A worker took the lease and an attempt starts.
    LeaseTaken,
    /// The lease ran out under a worker that is gone.
    LeaseLost,
    /// The attempt failed but another is allowed.
    TransientFailure,
    /// The wait before the next attempt is over.
    RetryTimeReached,
    /// No further attempt is allowed, or none would help.
    PermanentFailure,
    /// The output is unusable and a repair attempt is allowed.
    RepairWanted,
    /// The output is unusable and no repair attempt is left, or the model refused or is unsure.
    OutputRefused,
    /// Shadow stage: the result is only compared.
    ShadowFinished,
    /// The decision table let it through.
    RoutedAuto,
    /// The decision table, or a value it could not use, asks for a person.
    RoutedReview,
    /// The decision table gives it to people to do by hand.
    RoutedManual,
    /// One of several required approvals was given.
    PartlyApproved,
    /// All required approvals are there.
    Approved {
        /// The text was edited.
        edited: bool,
    },
    /// Fresh inputs and a new output are wanted.
    Regenerate,
    /// A person said no.
    RejectedByPerson,
    /// A person passed it to the next level.
    Escalated,
    /// A person did it by hand and gave the result.
    TakenOver,
    /// A person closed the exception as failed.
    ClosedAsFailed,
    /// Every action is confirmed.
    ActionsConfirmed {
        /// Only drafts were placed.
        drafts_only: bool,
    },
    /// An action needs a person: target changed, uncertain, refused.
    ActionNeedsPerson,
    /// A person took the approval back before anything was sent.
    Recalled,
    /// A person settled the actions and the run may go on delivering.
    DispatchResumed,
    /// Stricter rules are in force and nothing was sent.
    RulesStricter,
    /// The workflow was paused.
    Paused,
    /// The workflow resumed.
    Resumed,
    /// People take the work: the workflow was killed, retired or given back to them.
    ManualFallback,
    /// The total deadline passed.
    DeadlinePassed,
    /// A person took the run back before anything was sent.
    Cancelled,
}

/// An event that cannot happen in this state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to a run that is {status}", status = state.status)]
pub struct IllegalRunEvent {
    /// The state it was in.
    pub state: RunState,
    /// The event that was refused.
    pub event: RunEvent,
}

impl RunState {
    /// A run that was just accepted; `paused` workflows hold it at once.
    #[must_use]
    pub const fn accepted(paused: bool) -> Self {
        Self {
            status: if paused {
                Status::Held
            } else {
                Status::Received
            },
            step: Step::Intake,
            review: ReviewStatus::None,
            outcome: None,
            held_from: if paused { Some(Status::Received) } else { None },
        }
    }

    const fn at(self, status: Status, step: Step) -> Self {
        Self {
            status,
            step,
            outcome: None,
            held_from: None,
            ..self
        }
    }

    const fn end(self, status: Status, outcome: Outcome) -> Self {
        Self {
            status,
            outcome: Some(outcome),
            held_from: None,
            ..self
        }
    }

    const fn said(self, review: ReviewStatus) -> Self {
        Self { review, ..self }
    }

    /// What follows from `event`; the only place where a run changes state.
    ///
    /// # Errors
    /// [`IllegalRunEvent`] for every pair that is not listed.
    pub fn next(self, event: RunEvent) -> Result<Self, IllegalRunEvent> {
        use RunEvent as E;
        use Status as S;
        let illegal = || IllegalRunEvent { state: self, event };
        Ok(match (self.status, event) {
            (S::Received, E::SnapshotTaken) => self.at(S::Queued, Step::Generate),
            (S::Received, E::SourceRetry) => self.at(S::Received, Step::Snapshot),
            (S::Received, E::InputMissing) => self.at(S::WaitingInput, Step::Snapshot),
            (S::Received, E::InputRefused | E::PermanentFailure) => self.to_person(Step::Snapshot),
            (S::WaitingInput, E::InputsSupplied) => self.at(S::Received, Step::Snapshot),
            (S::WaitingInput, E::InputDuePassed) => self.to_person(Step::Snapshot),
            (S::Queued, E::LeaseTaken) => self.at(S::Running, Step::Generate),
            (S::Running, E::TransientFailure) => self.at(S::RetryWait, Step::Generate),
            (S::RetryWait, E::RetryTimeReached) | (S::Running, E::LeaseLost) => {
                self.at(S::Queued, Step::Generate)
            }
            (S::Running, E::RepairWanted) => self.at(S::Queued, Step::Validate),
            (S::Running | S::Queued | S::RetryWait, E::PermanentFailure) => {
                self.to_person(Step::Generate)
            }
            (S::Running, E::OutputRefused) => self.to_person(Step::Validate),
            (S::Running, E::ShadowFinished) => Self {
                step: Step::Route,
                ..self.end(S::Completed, Outcome::ShadowOnly)
            },
            // Also of a run in review: asked again because somebody said so.
            (S::Running | S::InReview, E::RoutedAuto) => self
                .said(ReviewStatus::None)
                .at(S::Dispatching, Step::Dispatch),
            (S::Running | S::InReview, E::RoutedReview) => self.to_person(Step::Review),
            (S::Running | S::InReview, E::RoutedManual) => Self {
                step: Step::Route,
                ..self.end(S::HandedOff, Outcome::HandedOff)
            },
            (S::InReview, E::PartlyApproved) => self.at(S::InReview, Step::Review),
            (S::InReview, E::Approved { edited }) => self
                .said(if edited {
                    ReviewStatus::ApprovedWithEdits
                } else {
                    ReviewStatus::Approved
                })
                .at(S::Dispatching, Step::Dispatch),
            (S::InReview, E::Escalated) => self
                .said(ReviewStatus::Escalated)
                .at(S::InReview, self.step),
            (S::InReview, E::Regenerate) => self
                .said(ReviewStatus::None)
                .at(S::Received, Step::Snapshot),
            (S::InReview, E::DispatchResumed) => self.at(S::Dispatching, Step::Dispatch),
            (S::InReview, E::ActionsConfirmed { drafts_only }) => self.written(drafts_only),
            (S::InReview, E::RejectedByPerson) => self
                .said(ReviewStatus::Rejected)
                .end(S::Rejected, Outcome::Rejected),
            (S::InReview | S::WaitingInput, E::TakenOver) => {
                self.end(S::HandedOff, Outcome::HandedOff)
            }
            (S::InReview | S::WaitingInput, E::ClosedAsFailed) => {
                self.end(S::Failed, Outcome::Failed)
            }
            (S::Dispatching, E::ActionsConfirmed { drafts_only }) => self.written(drafts_only),
            (S::Dispatching, E::ActionNeedsPerson | E::RulesStricter) => {
                self.to_person(Step::Dispatch)
            }
            (S::Dispatching, E::Recalled) => self.to_person(Step::Review),
            (S::Received | S::Queued | S::RetryWait | S::Dispatching, E::Paused) => Self {
                held_from: Some(self.status),
                ..self.at(S::Held, self.step)
            },
            (S::Held, E::Resumed) => self.resumed().ok_or_else(illegal)?,
            (S::Held | S::InReview | S::WaitingInput, E::ManualFallback) => {
                self.end(S::HandedOff, Outcome::HandedOff)
            }
            (s, E::DeadlinePassed) if s.wants_job() || s == S::WaitingInput => {
                self.to_person(self.step)
            }
            (s, E::Cancelled) if !s.is_terminal() => self.end(S::Cancelled, Outcome::Cancelled),
            _ => return Err(illegal()),
        })
    }

    /// Back to where it was held. Before a model call its inputs may be out of date: they are frozen again.
    fn resumed(self) -> Option<Self> {
        Some(match self.held_from? {
            Status::Queued | Status::RetryWait => self.at(Status::Received, Step::Snapshot),
            before => self.at(before, self.step),
        })
    }

    const fn to_person(self, step: Step) -> Self {
        self.said(ReviewStatus::Pending).at(Status::InReview, step)
    }

    const fn written(self, drafts_only: bool) -> Self {
        let outcome = if drafts_only {
            Outcome::DraftPlaced
        } else {
            Outcome::WrittenBack
        };
        Self {
            step: Step::Confirm,
            ..self.end(Status::Completed, outcome)
        }
    }

    /// True when the fields agree with each other; stated to the database as CHECK constraints too.
    #[must_use]
    pub const fn is_consistent(self) -> bool {
        self.status.is_terminal() == self.outcome.is_some()
            && matches!(self.status, Status::Held) == self.held_from.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVENTS: &[RunEvent] = &[
        RunEvent::SnapshotTaken,
        RunEvent::InputMissing,
        RunEvent::InputRefused,
        RunEvent::SourceRetry,
        RunEvent::InputsSupplied,
        RunEvent::InputDuePassed,
        RunEvent::LeaseTaken,
        RunEvent::LeaseLost,
        RunEvent::TransientFailure,
        RunEvent::RetryTimeReached,
        RunEvent::PermanentFailure,
        RunEvent::RepairWanted,
        RunEvent::OutputRefused,
        RunEvent::ShadowFinished,
        RunEvent::RoutedAuto,
        RunEvent::RoutedReview,
        RunEvent::RoutedManual,
        RunEvent::PartlyApproved,
        RunEvent::Approved { edited: false },
        RunEvent::Approved { edited: true },
        RunEvent::Regenerate,
        RunEvent::RejectedByPerson,
        RunEvent::Escalated,
        RunEvent::TakenOver,
        RunEvent::ClosedAsFailed,
        RunEvent::ActionsConfirmed { drafts_only: false },
        RunEvent::ActionsConfirmed { drafts_only: true },
        RunEvent::ActionNeedsPerson,
        RunEvent::Recalled,
        RunEvent::DispatchResumed,
        RunEvent::RulesStricter,
        RunEvent::Paused,
        RunEvent::Resumed,
        RunEvent::ManualFallback,
        RunEvent::DeadlinePassed,
        RunEvent::Cancelled,
    ];

    proptest! {
        #[test]
        fn no_sequence_of_events_reaches_an_illegal_state(
            paused: bool,
            picks in proptest::collection::vec(0..EVENTS.len(), 0..60),
        ) {
            let mut state = RunState::accepted(paused);
            for pick in picks {
                let before = state;
                match state.next(EVENTS[pick]) {
                    Ok(after) => {
                        prop_assert!(!before.status.is_terminal(), "{before:?} is final");
                        prop_assert!(after.is_consistent(), "{before:?} {:?} {after:?}", EVENTS[pick]);
                        state = after;
                    }
                    Err(e) => prop_assert_eq!(e.state, before),
                }
                prop_assert!(
                    state.status.is_terminal() || state.status.wants_job() != state.status.wants_person(),
                    "{state:?} has neither a job nor a person, or both"
                );
            }
        }
    }

    #[test]
    fn only_a_person_ends_a_run_as_failed() {
        for &status in Status::ALL {
            for &event in EVENTS {
                let state = RunState {
                    status,
                    ..RunState::accepted(false)
                };
                if let Ok(next) = state.next(event)
                    && next.status == Status::Failed
                {
                    assert_eq!(event, RunEvent::ClosedAsFailed);
                }
            }
        }
    }

    #[test]
    fn every_status_but_the_first_is_reachable_and_no_non_final_one_is_a_trap() {
        let mut seen = std::collections::BTreeSet::from([Status::Received]);
        let mut frontier = vec![RunState::accepted(false)];
        while let Some(state) = frontier.pop() {
            let mut moves = 0;
            for &event in EVENTS {
                if let Ok(next) = state.next(event) {
                    moves += 1;
                    if seen.insert(next.status) {
                        frontier.push(next);
                    }
                }
            }
            assert_eq!(moves == 0, state.status.is_terminal(), "{state:?}");
        }
        assert_eq!(seen.len(), Status::ALL.len());
    }
}
