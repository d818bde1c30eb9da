//! The first shift: somebody who has finished the training decides a fixed queue of twenty known cases,
//! alone. What is right is what the pack says; help from anybody, above all from who builds it, makes it
//! show nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::practice::{Exercise, drawn};
use crate::eval::Case;
use crate::time::Timestamp;
use crate::words::words;

/// Cases of a first shift.
pub const CASES: usize = 20;
/// Of them, at most so many that nobody should approve whatever is proposed.
const TRAPS: usize = 4;

words! {
    /// How a first shift stands.
    FirstShiftState {
        /// Cases are still to be decided.
        Running = "running",
        /// At least nineteen of twenty were right, alone.
        Passed = "passed",
        /// Fewer were right.
        Failed = "failed",
        /// It shows nothing: somebody helped, or who builds it took it.
        NotCounted = "not_counted",
    }
}

/// A case of the queue as it is kept, with what is right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShiftCase {
    /// Its number, from 1.
    pub number: u32,
    /// Its name in the pack.
    pub name: String,
    /// The event.
    pub input: Value,
    /// What the sources answer.
    pub sources: Map<String, Value>,
    /// What is proposed.
    pub proposed: Map<String, Value>,
    /// Whether it should be approved.
    pub approve: bool,
    /// Why, in words.
    pub why: String,
}

impl From<Exercise> for ShiftCase {
    fn from(e: Exercise) -> Self {
        Self {
            number: e.number,
            name: e.name,
            input: e.input,
            sources: e.sources,
            proposed: e.proposed,
            approve: e.approve,
            why: e.why,
        }
    }
}

impl From<ShiftCase> for Exercise {
    fn from(c: ShiftCase) -> Self {
        Self {
            number: c.number,
            name: c.name,
            input: c.input,
            sources: c.sources,
            proposed: c.proposed,
            approve: c.approve,
            why: c.why,
        }
    }
}

/// Number of each case to whether it was approved.
pub type ShiftAnswers = BTreeMap<u32, bool>;

/// The queue for this seed, half of it wrong; the same seed gives the same cases. Cases that the person has
/// seen come only where the pack has not enough others. Nothing when it has fewer than twenty with an answer.
#[must_use]
pub fn queue(cases: &[Case], seed: &str, seen: &BTreeSet<String>) -> Option<Vec<ShiftCase>> {
    let fresh: Vec<Case> = cases
        .iter()
        .filter(|c| !seen.contains(&c.name))
        .cloned()
        .collect();
    let new = drawn(&fresh, seed, (CASES, TRAPS), &BTreeSet::new());
    let found = new.or_else(|| drawn(cases, seed, (CASES, TRAPS), seen))?;
    Some(found.into_iter().map(ShiftCase::from).collect())
}

/// Enough right decisions: 95 percent, nineteen of twenty.
#[must_use]
pub const fn enough(right: usize, of: usize) -> bool {
    of >= CASES && right * 20 >= of * 19
}

/// What else decides whether a shift counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShiftFacts {
    /// Who took it builds the workflow.
    pub engineer: bool,
    /// Who helped, by the person's own account.
    pub helped_by: Option<String>,
    /// What those who build it did to the workflow meanwhile, as the log has it.
    pub acts: Vec<String>,
    /// Tasks of the workflow that the person had decided before.
    pub decided_before: u64,
    /// When it began.
    pub from: Timestamp,
    /// When the last case was decided.
    pub at: Timestamp,
}

/// The result: kept with the shift and never computed again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShiftReport {
    /// Right decisions.
    pub right: usize,
    /// Cases.
    pub of: usize,
    /// Nobody helped.
    pub counted: bool,
    /// Why it does not count, or is not passed; empty when it is.
    pub why: Vec<String>,
    /// Tasks of the workflow that the person had decided before.
    pub decided_before: u64,
    /// How long it took.
    pub seconds: u64,
}

impl ShiftReport {
    /// In one line.
    #[must_use]
    pub fn words(&self) -> String {
        let minutes = self.seconds.div_ceil(60);
        let mut told = format!("{} of {} right in {minutes} min", self.right, self.of);
        if self.decided_before > 0 {
            told = format!("{told}, after {} decided tasks", self.decided_before);
        }
        if self.why.is_empty() {
            return told;
        }
        format!("{told}; {}", self.why.join("; "))
    }
}

/// Grades the answers against the queue and says whether the shift counts. What is missing is wrong.
#[must_use]
pub fn grade(
    cases: &[ShiftCase],
    answers: &ShiftAnswers,
    facts: &ShiftFacts,
) -> (FirstShiftState, ShiftReport) {
    let right = |c: &&ShiftCase| answers.get(&c.number) == Some(&c.approve);
    let (right, of) = (cases.iter().filter(right).count(), cases.len());
    let mut why = Vec::new();
    if facts.engineer {
        why.push("whoever builds the workflow took it".to_owned());
    }
    if let Some(who) = &facts.helped_by {
        why.push(format!("{who} helped"));
    }
    if !facts.acts.is_empty() {
        let acts = facts.acts.join(", ");
        why.push(format!("who builds it acted meanwhile: {acts}"));
    }
    let counted = why.is_empty();
    let enough = enough(right, of);
    if !enough {
        why.push("19 of 20 are needed".to_owned());
    }
    let state = match (counted, enough) {
        (false, _) => FirstShiftState::NotCounted,
        (true, true) => FirstShiftState::Passed,
        (true, false) => FirstShiftState::Failed,
    };
    let report = ShiftReport {
        right,
        of,
        counted,
        why,
        decided_before: facts.decided_before,
        seconds: facts.at.since(facts.from).as_secs(),
    };
    (state, report)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;
    use crate::charter::practice::exercises;
    use serde_json::json;
    use std::time::Duration;

    fn pack(known: usize, traps: usize) -> Vec<Case> {
        let case = |name: String, kind: &str, output: Value| -> Case {
            let text = json!({"name": name, "kind": kind, "input": {"id": name},
                "expect": {"output": output}});
            serde_json::from_value(text).unwrap()
        };
        let grade = |n: usize| if n.is_multiple_of(3) { "high" } else { "low" };
        let known = (0..known).map(|n| case(format!("k{n}"), "happy", json!({"grade": grade(n)})));
        let traps = (0..traps).map(|n| case(format!("t{n}"), "adversarial", json!({})));
        known.chain(traps).collect()
    }

    fn facts() -> ShiftFacts {
        let from = Timestamp::from_micros(1_000_000);
        ShiftFacts {
            engineer: false,
            helped_by: None,
            acts: Vec::new(),
            decided_before: 0,
            from,
            at: from.plus(Duration::from_secs(600)),
        }
    }

    fn answers(cases: &[ShiftCase], wrong: usize) -> ShiftAnswers {
        let said = cases.iter().enumerate();
        said.map(|(i, c)| (c.number, c.approve != (i < wrong)))
            .collect()
    }

    #[test]
    fn twenty_cases_half_of_them_wrong_and_none_of_the_practice_where_there_are_others() {
        let cases = pack(60, 9);
        let seen: BTreeSet<String> = exercises(&cases, "lena 1")
            .unwrap()
            .into_iter()
            .map(|e| e.name)
            .collect();
        let found = queue(&cases, "lena shift", &seen).unwrap();
        assert_eq!(found.len(), CASES);
        assert_eq!(found.iter().filter(|c| c.approve).count(), CASES / 2);
        assert!(found.iter().all(|c| !seen.contains(&c.name)));
        assert_eq!(queue(&cases, "lena shift", &seen).unwrap(), found);
        assert_ne!(queue(&cases, "lena other", &seen).unwrap(), found);
        let kept = serde_json::to_string(&found).unwrap();
        let read: Vec<ShiftCase> = serde_json::from_str(&kept).unwrap();
        assert_eq!(read, found);
        // A case is never shown with what is right.
        let shown = serde_json::to_string(&Exercise::from(found[0].clone())).unwrap();
        assert!(!shown.contains("approve") && !shown.contains(&found[0].why));
    }

    #[test]
    fn a_wrong_proposal_is_not_told_by_its_value() {
        let mut cases = pack(80, 4);
        for (n, case) in cases.iter_mut().enumerate() {
            if let Some(grade) = case.expect.output.get_mut("grade") {
                *grade = json!(format!("g{}", n % 8));
            }
        }
        let found = queue(&cases, "x", &BTreeSet::new()).unwrap();
        let wrong = found.iter().filter(|c| !c.approve);
        let values: BTreeSet<String> = wrong.map(|c| c.proposed["grade"].to_string()).collect();
        assert!(values.len() >= 4, "{values:?}");
    }

    #[test]
    fn a_small_pack_repeats_what_was_seen_and_one_of_nineteen_has_no_queue() {
        let all = |cases: &[Case]| {
            cases
                .iter()
                .map(|c| c.name.clone())
                .collect::<BTreeSet<_>>()
        };
        let twenty = pack(18, 2);
        assert!(queue(&twenty, "x", &all(&twenty)).is_some());
        assert_eq!(queue(&pack(17, 2), "x", &BTreeSet::new()), None);
        assert_eq!(queue(&pack(0, 40), "x", &BTreeSet::new()), None);
        // Those not seen come before the others.
        let more = pack(26, 2);
        let seen = BTreeSet::from_iter((0..10).map(|n| format!("k{n}")));
        let found = queue(&more, "x", &seen).unwrap();
        assert_eq!(found.iter().filter(|c| seen.contains(&c.name)).count(), 2);
    }

    #[test]
    fn nineteen_of_twenty_pass_and_eighteen_do_not() {
        let cases = queue(&pack(30, 4), "x", &BTreeSet::new()).unwrap();
        for (wrong, wanted) in [
            (0, FirstShiftState::Passed),
            (1, FirstShiftState::Passed),
            (2, FirstShiftState::Failed),
        ] {
            let (state, report) = grade(&cases, &answers(&cases, wrong), &facts());
            assert_eq!((state, report.right), (wanted, CASES - wrong));
            assert!(report.counted);
        }
        let mut missing = answers(&cases, 1);
        missing.remove(&cases[5].number);
        assert_eq!(grade(&cases, &missing, &facts()).0, FirstShiftState::Failed);
        let (_, report) = grade(&cases, &answers(&cases, 0), &facts());
        assert_eq!(report.words(), "20 of 20 right in 10 min");
    }

    #[test]
    fn help_of_any_kind_makes_it_show_nothing() {
        let cases = queue(&pack(30, 4), "x", &BTreeSet::new()).unwrap();
        let helped = [
            ShiftFacts {
                engineer: true,
                ..facts()
            },
            ShiftFacts {
                helped_by: Some("ada".into()),
                ..facts()
            },
            ShiftFacts {
                acts: vec!["ada: rules.changed".into()],
                ..facts()
            },
        ];
        for facts in helped {
            for wrong in [0, 5] {
                let (state, report) = grade(&cases, &answers(&cases, wrong), &facts);
                assert_eq!(state, FirstShiftState::NotCounted, "{facts:?}");
                assert!(!report.counted && !report.why.is_empty());
            }
        }
    }
}
