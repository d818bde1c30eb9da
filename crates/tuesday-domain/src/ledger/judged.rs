//! Where the machine was wrong about going alone: what it let through and should not have (false positives),
//! and what it held back for a person and could have let through (false negatives). Counted from what
//! people said: a second look at what went alone, the decision on what a person had to see. What nobody
//! judged is not counted, and fewer judged cases than [`LEAST_LOOKS`] show no share.

use serde::{Deserialize, Serialize};

use super::figures::RunFacts;
use super::interval::{share_ppm, wilson};
use super::shown::{Shown, Unit};
use super::told::count;
use super::value::LEAST_LOOKS;
use crate::review::ReviewKind;
use crate::run::{Outcome, Reason};

/// Runs by what the machine would have done with them, and what people said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Judged {
    /// The rules let them go alone; also those that only the stage kept with a person.
    pub alone: u64,
    /// Of them, judged by a person.
    pub alone_known: u64,
    /// Of those, wrong.
    pub alone_wrong: u64,
    /// Held back for a person to approve.
    pub held: u64,
    /// Of them, judged.
    pub held_known: u64,
    /// Of those, right as they stood: nobody was needed.
    pub held_right: u64,
}

/// What the machine did with an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Alone,
    Held,
}

/// What the machine did with the output that was judged last; nothing where it made no such choice: there
/// was no output, it was only shown, or people asked for it.
fn call_of(run: &RunFacts) -> Option<Call> {
    let outputs = || run.tasks.iter().filter(|t| t.kind == ReviewKind::Output);
    let judged = outputs().rfind(|t| t.decision.is_some());
    let Some(task) = judged.or_else(|| outputs().next_back()) else {
        let went = matches!(
            run.outcome,
            Some(Outcome::WrittenBack | Outcome::DraftPlaced)
        );
        return went.then_some(Call::Alone);
    };
    match task.reason {
        // The rules let it go; only the stage did not.
        Reason::Stage => Some(Call::Alone),
        Reason::Rule
        | Reason::RuleInput
        | Reason::UnknownTier
        | Reason::CheckFailed
        | Reason::UncertainOutput
        | Reason::Uncalibrated => Some(Call::Held),
        _ => None,
    }
}

impl Judged {
    /// Counts a run.
    pub fn add(&mut self, run: &RunFacts) {
        let right = run.was_right();
        match call_of(run) {
            Some(Call::Alone) => {
                self.alone += 1;
                self.alone_known += u64::from(right.is_some());
                self.alone_wrong += u64::from(right == Some(false));
            }
            Some(Call::Held) => {
                self.held += 1;
                self.held_known += u64::from(right.is_some());
                self.held_right += u64::from(right == Some(true));
            }
            None => {}
        }
    }

    /// Adds what others came to.
    pub const fn merge(&mut self, o: &Self) {
        self.alone += o.alone;
        self.alone_known += o.alone_known;
        self.alone_wrong += o.alone_wrong;
        self.held += o.held;
        self.held_known += o.held_known;
        self.held_right += o.held_right;
    }

    /// Nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Both shares as people see them: false positives, then false negatives.
    #[must_use]
    pub fn shown(&self) -> [Shown; 2] {
        let alone = Said {
            key: "acted_wrongly",
            title: "Acted on wrongly (false positives)",
            hits: self.alone_wrong,
            known: self.alone_known,
            all: self.alone,
            of: "that the rules let go alone",
            found: "found wrong",
        };
        let held = Said {
            key: "held_wrongly",
            title: "Held back wrongly (false negatives)",
            hits: self.held_right,
            known: self.held_known,
            all: self.held,
            of: "that were held back for a person",
            found: "approved as they stood",
        };
        [alone.shown(), held.shown()]
    }
}

struct Said {
    key: &'static str,
    title: &'static str,
    hits: u64,
    known: u64,
    all: u64,
    of: &'static str,
    found: &'static str,
}

impl Said {
    fn shown(&self) -> Shown {
        let Self {
            hits,
            known,
            all,
            of,
            found,
            ..
        } = self;
        let value = share_ppm(*hits, *known).filter(|_| *known >= LEAST_LOOKS);
        let Some(value) = value else {
            let lacks = if *all == 0 {
                format!("none {of}")
            } else {
                format!("too few: {known} of {LEAST_LOOKS} judged by a person, of {all} {of}")
            };
            return Shown::missing(self.key, self.title, Unit::Share, &lacks);
        };
        let (low, high) = wilson(*hits, *known);
        let (some, looked, all) = (count(*hits), count(*known), count(*all));
        let means = format!("{some} of {looked} {found}, of {all} {of}");
        Shown::measured(self.key, self.title, Unit::Share, value, &means).between(low, high)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::super::shown::Standing;
    use super::*;
    use crate::ledger::figures::TaskFacts;
    use crate::record::{ReviewDecision, SecondLookResult};
    use crate::run::ReviewStatus;
    use crate::time::Timestamp;

    fn run(outcome: Option<Outcome>) -> RunFacts {
        RunFacts {
            release: crate::id::ReleaseId::new(uuid::Uuid::from_u128(1)),
            source: "webhook:ticket".into(),
            outcome,
            review: ReviewStatus::None,
            reason: None,
            received_at: Timestamp::from_micros(0),
            finished_at: None,
            calls: Vec::new(),
            tasks: Vec::new(),
            first_sent_at: None,
            look: None,
            row: None,
            confidence_ppm: None,
            shift: String::new(),
            group: None,
            reported: None,
            opened_at: None,
            faults: Vec::new(),
        }
    }

    fn asked(reason: Reason, decision: Option<ReviewDecision>) -> RunFacts {
        let task = TaskFacts {
            kind: ReviewKind::Output,
            tier: "desk".into(),
            reason,
            decided_by: None,
            outside: None,
            decision,
            created_at: Timestamp::from_micros(0),
            decided_at: None,
            visible_ms: None,
        };
        RunFacts {
            tasks: vec![task],
            ..run(Some(Outcome::WrittenBack))
        }
    }

    fn counted(runs: &[RunFacts]) -> Judged {
        let mut out = Judged::default();
        runs.iter().for_each(|r| out.add(r));
        out
    }

    #[test]
    fn what_went_alone_is_known_by_a_second_look_only() {
        let mut wrong = run(Some(Outcome::WrittenBack));
        wrong.look = Some(SecondLookResult::Incorrect);
        let mut right = run(Some(Outcome::DraftPlaced));
        right.look = Some(SecondLookResult::Correct);
        let all = counted(&[
            wrong,
            right,
            run(Some(Outcome::WrittenBack)),
            run(Some(Outcome::ShadowOnly)),
            run(None),
        ]);
        assert_eq!((all.alone, all.alone_known, all.alone_wrong), (3, 2, 1));
        assert_eq!(all.held, 0);
    }

    #[test]
    fn what_only_the_stage_kept_counts_as_let_go_and_is_judged_by_its_reviewer() {
        use ReviewDecision as D;
        let all = counted(&[
            asked(Reason::Stage, Some(D::Approve)),
            asked(Reason::Stage, Some(D::ApproveWithEdits)),
            asked(Reason::Stage, None),
        ]);
        assert_eq!((all.alone, all.alone_known, all.alone_wrong), (3, 2, 1));
    }

    #[test]
    fn what_was_held_back_and_stood_as_it_was_needed_nobody() {
        use ReviewDecision as D;
        let mut found_wrong = asked(Reason::Rule, Some(D::Approve));
        found_wrong.look = Some(SecondLookResult::Incorrect);
        let all = counted(&[
            asked(Reason::Rule, Some(D::Approve)),
            asked(Reason::CheckFailed, Some(D::Reject)),
            found_wrong,
            asked(Reason::Rule, Some(D::HandOver)),
            asked(Reason::Recalled, Some(D::Approve)),
        ]);
        assert_eq!((all.held, all.held_known, all.held_right), (4, 3, 1));
        assert_eq!(all.alone, 0, "a recall is no choice of the machine");
    }

    #[test]
    fn few_judged_cases_show_no_share_and_many_an_interval() {
        let few = Judged {
            alone: 500,
            alone_known: 29,
            alone_wrong: 3,
            ..Judged::default()
        };
        let [acted, held] = few.shown();
        assert_eq!(acted.value, None);
        assert_eq!(
            acted.means,
            "too few: 29 of 30 judged by a person, of 500 that the rules let go alone"
        );
        assert_eq!(held.means, "none that were held back for a person");
        let many = Judged {
            alone_known: 100,
            ..few
        };
        let [acted, _] = many.shown();
        assert_eq!(acted.standing, Standing::Estimated);
        assert_eq!(acted.value, Some(30_000));
        assert!(acted.low.unwrap() < 30_000 && acted.high.unwrap() > 30_000);
    }
}
