//! The canary: some cases of the pack, asked of the live model again and again. Nothing around the model
//! changes between two tries, so what turns is the model.

use serde::{Deserialize, Serialize};

use crate::eval::{Case, CaseResult, Expect};
use crate::run::Reason;
use crate::time::Span;
use crate::words::words;

/// Most cases of one try.
const MOST: usize = 200;
/// Shortest and longest rest between two tries, in seconds.
const REST: std::ops::RangeInclusive<u64> = 60..=7 * 86_400;
/// So many tries in a row without an answer are trouble of their own.
pub const UNANSWERED: usize = 3;

/// How the words of a case begin that a spend limit left unasked.
pub const NOT_ASKED: &str = "not asked: ";

/// `[canary]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanarySpec {
    /// From one try to the next: `1m` to `7d`.
    pub every: Span,
    /// Names of cases of the pack. All of them are expected to pass.
    pub cases: Vec<String>,
}

impl CanarySpec {
    /// What is wrong: the field and why.
    #[must_use]
    pub fn faults(&self, pack: &[Case]) -> Vec<(&'static str, String)> {
        let mut out = Vec::new();
        if !REST.contains(&self.every.0.as_secs()) {
            out.push(("every", "1m to 7d".to_owned()));
        }
        if self.cases.is_empty() || self.cases.len() > MOST {
            out.push(("cases", format!("1 to {MOST} cases")));
        }
        for (i, name) in self.cases.iter().enumerate() {
            if !pack.iter().any(|c| c.name == *name) {
                out.push(("cases", format!("there is no case `{name}` under evals/")));
            }
            if let Some(case) = pack.iter().find(|c| c.name == *name)
                && own(case).expect == Expect::default()
            {
                let words = format!(
                    "`{name}` expects nothing of the model itself: name a field of the output"
                );
                out.push(("cases", words));
            }
            if self.cases[..i].contains(name) {
                out.push(("cases", format!("`{name}` is named twice")));
            }
        }
        out
    }
}

/// The case with only what the model itself answers for. Where the decision table sends a case is left
/// out: people change that, and it says nothing about the model.
#[must_use]
pub fn own(case: &Case) -> Case {
    let said = case.expect.reason.filter(|r| {
        matches!(
            r,
            Reason::Refused | Reason::UncertainOutput | Reason::InvalidOutput | Reason::CheckFailed
        )
    });
    Case {
        expect: Expect {
            intake: None,
            status: None,
            reason: said,
            route: Vec::new(),
            tier: None,
            row: None,
            ..case.expect.clone()
        },
        ..case.clone()
    }
}

words! {
    /// How a try of the canary ended.
    CanaryState {
        /// Somebody is at it.
        Running = "running",
        /// Every case was answered as expected.
        Passed = "passed",
        /// A case was not.
        Failed = "failed",
        /// The model did not answer all of them, and failed none: nothing can be said.
        Unanswered = "unanswered",
    }
}

/// A case that did not pass, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryMiss {
    /// Its name.
    pub case: String,
    /// What was not as expected, or why there was no answer. Without content of an answer.
    pub words: String,
}

/// What a try came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryVerdict {
    /// How it ended.
    pub state: CanaryState,
    /// Cases that did not pass.
    pub misses: Vec<CanaryMiss>,
    /// What it cost in millionths of the price's currency; unknown when one answer's cost is.
    pub cost_micros: Option<i64>,
}

impl CanaryVerdict {
    /// The same of a try that a spend limit stopped: whatever was answered before, the cases were not all asked,
    /// and nothing can be said.
    #[must_use]
    pub fn not_asked(self, spec: &CanarySpec, why: &str) -> Self {
        let miss = |case: &String| CanaryMiss {
            case: case.clone(),
            words: format!("{NOT_ASKED}{why}"),
        };
        Self {
            state: CanaryState::Unanswered,
            misses: spec.cases.iter().take(1).map(miss).collect(),
            ..self
        }
    }

    /// Why a spend limit left it unasked, when one did.
    #[must_use]
    pub fn left_unasked(&self) -> Option<&str> {
        let mut misses = self.misses.iter();
        misses.find_map(|m| m.words.strip_prefix(NOT_ASKED))
    }
}

/// Judges a try. A case fails when most of its answers do, so that one unlucky answer of a model that is
/// never quite the same is no alarm.
#[must_use]
pub fn judge(results: &[CaseResult]) -> CanaryVerdict {
    let (mut failed, mut silent) = (Vec::new(), Vec::new());
    for result in results {
        let answered: Vec<_> = result.trials.iter().filter(|t| t.error.is_none()).collect();
        let wrong: Vec<_> = answered.iter().filter(|t| !t.faults.is_empty()).collect();
        let miss = |words: String| CanaryMiss {
            case: result.case.clone(),
            words,
        };
        if wrong.len() * 2 > answered.len() {
            failed.push(miss(wrong[0].faults.join("; ")));
        } else if answered.is_empty() {
            let error = result.trials.iter().find_map(|t| t.error.clone());
            silent.push(miss(error.unwrap_or_else(|| "not tried".to_owned())));
        }
    }
    let mut trials = results.iter().flat_map(|r| &r.trials);
    let cost_micros = trials.try_fold(0_i64, |sum, t| sum.checked_add(t.cost_micros?));
    let state = match (failed.is_empty(), silent.is_empty()) {
        (false, _) => CanaryState::Failed,
        (true, false) => CanaryState::Unanswered,
        (true, true) => CanaryState::Passed,
    };
    failed.append(&mut silent);
    CanaryVerdict {
        state,
        misses: failed,
        cost_micros,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Tried;

    fn result(case: &str, trials: &[Option<&str>]) -> CaseResult {
        let trial = |t: &Option<&str>| Tried {
            faults: t
                .filter(|w| *w != "down")
                .map(str::to_owned)
                .into_iter()
                .collect(),
            error: t.filter(|w| *w == "down").map(str::to_owned),
            cost_micros: Some(5),
            ..Tried::default()
        };
        CaseResult {
            case: case.to_owned(),
            hash: String::new(),
            trials: trials.iter().map(trial).collect(),
        }
    }

    #[test]
    fn most_answers_of_a_case_decide_and_no_answer_is_no_verdict() {
        let good = result("good", &[None]);
        let judged = judge(std::slice::from_ref(&good));
        assert_eq!(judged.state, CanaryState::Passed);
        assert_eq!(judged.cost_micros, Some(5));
        let unlucky = result("unlucky", &[Some("grade"), None, None]);
        assert_eq!(judge(&[good.clone(), unlucky]).state, CanaryState::Passed);
        let turned = result("turned", &[Some("grade"), Some("grade"), None]);
        let silent = result("silent", &[Some("down")]);
        let judged = judge(&[good.clone(), silent.clone(), turned]);
        assert_eq!(judged.state, CanaryState::Failed);
        let names: Vec<_> = judged.misses.iter().map(|m| m.case.as_str()).collect();
        assert_eq!(names, ["turned", "silent"]);
        let judged = judge(&[good, silent]);
        assert_eq!(judged.state, CanaryState::Unanswered);
        assert_eq!(judge(&[result("none", &[])]).state, CanaryState::Unanswered);
    }

    #[test]
    fn a_canary_names_cases_of_the_pack_once() {
        let spec = CanarySpec {
            every: "10s".parse().unwrap_or(Span(std::time::Duration::ZERO)),
            cases: vec!["a".into(), "a".into()],
        };
        let faults = spec.faults(&[]);
        let fields: Vec<_> = faults.iter().map(|f| f.0).collect();
        assert_eq!(fields, ["every", "cases", "cases", "cases"]);
    }
}
