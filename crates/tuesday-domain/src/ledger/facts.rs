//! A run as its records tell it: calls, tasks, second look and use. Days are folded from these.

use crate::adoption::Uptake;
use crate::id::ReleaseId;
use crate::record::{AttemptResult, ReviewDecision, SecondLookResult, Usage};
use crate::review::ReviewKind;
use crate::run::{Outcome, Reason, ReviewStatus};
use crate::snapshot::InputFault;
use crate::time::Timestamp;

/// The tier of a run that nobody looked at.
pub const AUTOMATIC: &str = "automatic";

/// One model call of a run.
#[derive(Clone, Debug)]
pub struct CallFacts {
    /// The pin.
    pub model: Option<String>,
    /// 1 for the first try.
    pub number: u32,
    /// How it ended.
    pub result: AttemptResult,
    /// How long it took, in microseconds.
    pub duration_us: i64,
    /// What the provider reported.
    pub usage: Option<Usage>,
    /// What it cost, in millionths.
    pub cost_micros: Option<i64>,
    /// Of which currency.
    pub currency: Option<String>,
}

/// One task of a run.
#[derive(Clone, Debug)]
pub struct TaskFacts {
    /// What was asked.
    pub kind: ReviewKind,
    /// Who looks.
    pub tier: String,
    /// Why a person was asked.
    pub reason: Reason,
    /// Handle of who decided.
    pub decided_by: Option<String>,
    /// Why it is outside the rollout, when it is, in the words of the task.
    pub outside: Option<String>,
    /// What was decided.
    pub decision: Option<ReviewDecision>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// How long people had it in view, in milliseconds; absent when nobody opened it.
    pub visible_ms: Option<u64>,
}

impl TaskFacts {
    /// Somebody else looks again; nothing waits for it.
    pub(super) fn is_look(&self) -> bool {
        self.kind == ReviewKind::SecondLook
    }
}

/// A run with what belongs to it.
#[derive(Clone, Debug)]
pub struct RunFacts {
    /// Its release.
    pub release: ReleaseId,
    /// The source of its event, such as `webhook:ticket`.
    pub source: String,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Where its review stands.
    pub review: ReviewStatus,
    /// Why a person got it.
    pub reason: Option<Reason>,
    /// When its event was received.
    pub received_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Its model calls.
    pub calls: Vec<CallFacts>,
    /// Its tasks, oldest first.
    pub tasks: Vec<TaskFacts>,
    /// When the first byte left for a destination.
    pub first_sent_at: Option<Timestamp>,
    /// What a second look at it said.
    pub look: Option<SecondLookResult>,
    /// The row of the decision table that sent it where it went.
    pub row: Option<String>,
    /// The confidence that was stated, in millionths; absent without one.
    pub confidence_ppm: Option<u32>,
    /// The part of the day in which it was received.
    pub shift: String,
    /// Whose case it is, where the package says how to read that.
    pub group: Option<String>,
    /// What was said from outside about the use of its output; the newest word.
    pub reported: Option<Uptake>,
    /// When somebody first opened its own page.
    pub opened_at: Option<Timestamp>,
    /// What was wrong with which of its inputs.
    pub faults: Vec<(String, InputFault)>,
}

impl RunFacts {
    /// The tier that looked at its output.
    #[must_use]
    pub fn tier(&self) -> &str {
        let output = |t: &&TaskFacts| t.kind == ReviewKind::Output;
        self.tasks
            .iter()
            .find(output)
            .map_or(AUTOMATIC, |t| t.tier.as_str())
    }

    /// Whether its output was right as it stood, as far as a person has said: a second look that found it
    /// wrong before the decision, and the decision before a second look at what no person had decided.
    #[must_use]
    pub fn was_right(&self) -> Option<bool> {
        use ReviewDecision as D;
        if self.look == Some(SecondLookResult::Incorrect) {
            return Some(false);
        }
        let outputs = self.tasks.iter().filter(|t| t.kind == ReviewKind::Output);
        match outputs.filter_map(|t| t.decision).next_back() {
            Some(D::Approve) => Some(true),
            Some(D::ApproveWithEdits | D::Reject) => Some(false),
            Some(_) => None,
            None => (self.look == Some(SecondLookResult::Correct)).then_some(true),
        }
    }

    /// Whether its output was used, as far as anybody can see: what was reported from outside, otherwise what
    /// a person made of an output that was written. A draft that was placed is used when somebody says so.
    #[must_use]
    pub fn uptake(&self) -> Option<Uptake> {
        use ReviewDecision as D;
        if self.reported.is_some() || self.outcome != Some(Outcome::WrittenBack) {
            return self.reported;
        }
        let outputs = self.tasks.iter().filter(|t| t.kind == ReviewKind::Output);
        match outputs.filter_map(|t| t.decision).next_back()? {
            D::Approve => Some(Uptake::AsIs),
            D::ApproveWithEdits => Some(Uptake::Edited),
            _ => None,
        }
    }

    /// Whether a person changed or refused its output; nothing while none decided.
    pub(super) fn overridden(&self) -> Option<bool> {
        use ReviewDecision as D;
        let outputs = self.tasks.iter().filter(|t| t.kind == ReviewKind::Output);
        match outputs.filter_map(|t| t.decision).next_back()? {
            D::Approve => Some(false),
            D::ApproveWithEdits | D::Reject => Some(true),
            _ => None,
        }
    }

    /// Whether a person had to answer something before it could be delivered: to follow a notice is a visit,
    /// wherever the answer was given.
    pub(super) fn asked(&self) -> bool {
        !self.tasks.iter().all(TaskFacts::is_look)
    }

    /// Whether somebody opened its page before it was delivered.
    pub(super) fn opened(&self) -> bool {
        let by = |at: Timestamp| self.finished_at.is_none_or(|end| at <= end);
        self.opened_at.is_some_and(by)
    }

    /// What became of it, in one word: what a person said about its output, otherwise how it ended.
    /// Nothing while neither is known.
    #[must_use]
    pub fn outcome_word(&self) -> Option<&'static str> {
        use ReviewDecision as D;
        let outputs = || self.tasks.iter().filter(|t| t.kind == ReviewKind::Output);
        let said = outputs().filter_map(|t| t.decision).next_back();
        match (said, self.outcome?) {
            (Some(D::Approve), _) => Some("approved"),
            (Some(D::ApproveWithEdits), _) => Some("edited"),
            (Some(D::Reject), _) => Some("rejected"),
            (Some(_), _) => Some("rerouted"),
            (None, Outcome::WrittenBack | Outcome::DraftPlaced) => Some("automatic"),
            (None, Outcome::ShadowOnly) => Some("shadow"),
            (None, _) if matches!(self.reason, Some(Reason::Refused | Reason::UncertainOutput)) => {
                Some("refusal")
            }
            (None, _) => Some("by_hand"),
        }
    }
}
