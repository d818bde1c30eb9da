//! The Friday test: somebody who builds nothing is given a finished run and has twenty minutes to say
//! what happened, from what, by whose decision, where it went, who owns it, and what undoes it. Nobody
//! helps. Answers are graded against the record of that run; nothing is left to the grader's taste.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::words::words;

/// So long somebody has.
pub const LIMIT: Duration = Duration::from_secs(20 * 60);
/// What is said where nobody, nothing or nowhere is right.
pub const NONE: &str = "none";

words! {
    /// How a test stands.
    FridayState {
        /// The time runs.
        Running = "running",
        /// Everything was right, in time, and alone.
        Passed = "passed",
        /// Something was wrong, late, or an engineer helped.
        Failed = "failed",
        /// It shows nothing: an engineer took it, or somebody helped.
        NotCounted = "not_counted",
    }
}

words! {
    /// The fixed questions, in their order.
    FridayQuestion {
        /// What became of the case.
        Happened = "happened",
        /// Which inputs it was told from.
        Inputs = "inputs",
        /// Who or which rule decided.
        Decided = "decided",
        /// Which actions reached their destination.
        Written = "written",
        /// The record that was written.
        Record = "record",
        /// Who owns it.
        Owner = "owner",
        /// What undoes or contains it.
        Contain = "contain",
    }
}

impl FridayQuestion {
    /// As people read it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Happened => "What became of this case?",
            Self::Inputs => "Which inputs was it told from? Mark all of them, and no other.",
            Self::Decided => "Who or what decided?",
            Self::Written => "What was written, and where? Mark all of it.",
            Self::Record => "Which record was written? Copy its name; leave it empty if none was.",
            Self::Owner => "Who owns this workflow's results today?",
            Self::Contain => "The output is wrong: what do you do about what was written?",
        }
    }

    /// Several options may be right at once.
    #[must_use]
    pub const fn several(self) -> bool {
        matches!(self, Self::Inputs | Self::Written)
    }
}

/// What may be chosen: the word that is sent, and how people read it. Without any, words are typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FridayOption {
    /// What is sent.
    pub value: String,
    /// How it reads.
    pub words: String,
}

/// A question with what may be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AskedFriday {
    /// Which one.
    pub question: FridayQuestion,
    /// As people read it.
    pub text: &'static str,
    /// Several may be right.
    pub several: bool,
    /// What may be chosen; empty where words are typed.
    pub options: Vec<FridayOption>,
}

/// What the record of the run says is right. Several names under [`FridayQuestion::Record`] mean that
/// any one of them is; elsewhere the whole set is.
pub type FridayKey = BTreeMap<FridayQuestion, BTreeSet<String>>;
/// What was answered.
pub type FridayAnswers = BTreeMap<FridayQuestion, BTreeSet<String>>;

/// One graded answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FridayGrade {
    /// Which question.
    pub question: FridayQuestion,
    /// It is what the record says.
    pub right: bool,
    /// What was said.
    pub said: Vec<String>,
    /// What the record says.
    pub record: Vec<String>,
}

/// What else decides whether a test counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FridayFacts {
    /// Who took it builds the workflow.
    pub engineer: bool,
    /// Who helped, by their own account.
    pub helped_by: Option<String>,
    /// That person builds it.
    pub helper_builds: bool,
    /// Others who did something to the run meanwhile, as the log has it.
    pub others: Vec<String>,
    /// When it began.
    pub from: Option<Timestamp>,
    /// When the answers came; absent when none did.
    pub at: Option<Timestamp>,
}

/// The graded test: kept with it and never computed again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FridayReport {
    /// Each question.
    pub grades: Vec<FridayGrade>,
    /// How long it took.
    pub seconds: u64,
    /// Why it is not passed; empty when it is.
    pub reasons: Vec<String>,
}

impl FridayReport {
    /// Questions that were answered as the record says.
    #[must_use]
    pub fn right(&self) -> usize {
        self.grades.iter().filter(|g| g.right).count()
    }

    /// In one line.
    #[must_use]
    pub fn words(&self) -> String {
        let minutes = self.seconds.div_ceil(60);
        let told = format!(
            "{} of {} right in {minutes} min",
            self.right(),
            self.grades.len()
        );
        if self.reasons.is_empty() {
            return told;
        }
        format!("{told}; {}", self.reasons.join("; "))
    }
}

fn plain(text: &str) -> String {
    text.trim().to_lowercase()
}

fn right(question: FridayQuestion, said: &BTreeSet<String>, record: &BTreeSet<String>) -> bool {
    let said: BTreeSet<String> = said
        .iter()
        .map(|s| plain(s))
        .filter(|s| !s.is_empty())
        .collect();
    let record: BTreeSet<String> = record.iter().map(|s| plain(s)).collect();
    match question {
        FridayQuestion::Record if record.is_empty() => said.is_empty(),
        FridayQuestion::Record => said.len() == 1 && said.is_subset(&record),
        // A question without an answer is wrong, also where nothing is right: that has a word.
        _ => !said.is_empty() && said == record,
    }
}

/// Grades the answers and says whether the test counts. What is missing is wrong.
#[must_use]
pub fn grade(
    key: &FridayKey,
    answers: &FridayAnswers,
    facts: &FridayFacts,
) -> (FridayState, FridayReport) {
    let empty = BTreeSet::new();
    let grades: Vec<FridayGrade> = FridayQuestion::ALL
        .iter()
        .map(|q| {
            let said = answers.get(q).unwrap_or(&empty);
            let record = key.get(q).unwrap_or(&empty);
            FridayGrade {
                question: *q,
                right: right(*q, said, record),
                said: said.iter().cloned().collect(),
                record: record.iter().cloned().collect(),
            }
        })
        .collect();
    let span = facts.from.zip(facts.at).map(|(from, at)| at.since(from));
    let (mut wrong, mut void) = (Vec::new(), Vec::new());
    match span {
        None => wrong.push("no answer in 20 minutes".to_owned()),
        Some(span) if span > LIMIT => wrong.push("later than 20 minutes".to_owned()),
        Some(_) => {}
    }
    let missed = grades
        .iter()
        .filter(|g| !g.right)
        .map(|g| g.question.word());
    let missed: Vec<&str> = missed.collect();
    if !missed.is_empty() && facts.at.is_some() {
        wrong.push(format!("not as the record says: {}", missed.join(", ")));
    }
    if facts.engineer {
        void.push("whoever builds the workflow took it".to_owned());
    }
    match &facts.helped_by {
        Some(who) if facts.helper_builds => wrong.push(format!("{who}, who builds it, helped")),
        Some(who) => void.push(format!("{who} helped")),
        None => {}
    }
    if !facts.others.is_empty() {
        void.push(format!(
            "meanwhile others acted on the run: {}",
            facts.others.join(", ")
        ));
    }
    let state = match (wrong.is_empty(), void.is_empty()) {
        (_, false) if facts.engineer || wrong.is_empty() => FridayState::NotCounted,
        (false, _) => FridayState::Failed,
        (true, _) => FridayState::Passed,
    };
    void.extend(wrong);
    let report = FridayReport {
        grades,
        seconds: span.unwrap_or(LIMIT).as_secs(),
        reasons: void,
    };
    (state, report)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|w| (*w).to_owned()).collect()
    }

    fn key() -> FridayKey {
        use FridayQuestion as Q;
        FridayKey::from([
            (Q::Happened, set(&["written_back"])),
            (Q::Inputs, set(&["input", "crm"])),
            (Q::Decided, set(&["person:lena"])),
            (Q::Written, set(&["note"])),
            (Q::Record, set(&["AC-7", "ext-1"])),
            (Q::Owner, set(&["rhea"])),
            (Q::Contain, set(&["undo"])),
        ])
    }

    fn good() -> FridayAnswers {
        let mut out = key();
        out.insert(FridayQuestion::Record, set(&[" ac-7 "]));
        out
    }

    fn facts(minutes: u64) -> FridayFacts {
        let from = Timestamp::from_micros(1_000_000);
        FridayFacts {
            from: Some(from),
            at: Some(from.plus(Duration::from_secs(minutes * 60))),
            ..FridayFacts::default()
        }
    }

    #[test]
    fn everything_right_in_time_and_alone_passes() {
        let (state, report) = grade(&key(), &good(), &facts(20));
        assert_eq!(state, FridayState::Passed, "{report:?}");
        assert_eq!(report.words(), "7 of 7 right in 20 min");
    }

    #[test]
    fn each_wrong_or_missing_answer_fails_alone() {
        for question in FridayQuestion::ALL {
            let mut wrong = good();
            wrong.insert(*question, set(&["something else"]));
            let (state, report) = grade(&key(), &wrong, &facts(5));
            assert_eq!(state, FridayState::Failed, "{question}");
            assert_eq!(report.right(), 6);
            assert!(
                report.words().contains(question.word()),
                "{}",
                report.words()
            );
            let mut none = good();
            none.remove(question);
            assert_eq!(
                grade(&key(), &none, &facts(5)).0,
                FridayState::Failed,
                "{question}"
            );
        }
        // All options marked is not the answer.
        let mut all = good();
        all.insert(FridayQuestion::Inputs, set(&["input", "crm", "stock"]));
        assert_eq!(grade(&key(), &all, &facts(5)).0, FridayState::Failed);
        let mut both = good();
        both.insert(FridayQuestion::Record, set(&["AC-7", "AC-8"]));
        assert_eq!(grade(&key(), &both, &facts(5)).0, FridayState::Failed);
    }

    #[test]
    fn late_helped_or_by_an_engineer_is_no_pass() {
        assert_eq!(grade(&key(), &good(), &facts(21)).0, FridayState::Failed);
        let none = FridayFacts {
            at: None,
            ..facts(0)
        };
        assert_eq!(
            grade(&key(), &FridayAnswers::new(), &none).0,
            FridayState::Failed
        );
        let engineer = FridayFacts {
            engineer: true,
            ..facts(5)
        };
        assert_eq!(grade(&key(), &good(), &engineer).0, FridayState::NotCounted);
        let late = FridayFacts {
            engineer: true,
            ..facts(21)
        };
        assert_eq!(grade(&key(), &good(), &late).0, FridayState::NotCounted);
        let helped = FridayFacts {
            helped_by: Some("ada".into()),
            ..facts(5)
        };
        assert_eq!(grade(&key(), &good(), &helped).0, FridayState::NotCounted);
        let builder = FridayFacts {
            helper_builds: true,
            ..helped
        };
        assert_eq!(grade(&key(), &good(), &builder).0, FridayState::Failed);
        let others = FridayFacts {
            others: vec!["ada".into()],
            ..facts(5)
        };
        let (state, report) = grade(&key(), &good(), &others);
        assert_eq!(state, FridayState::NotCounted);
        assert!(report.words().contains("ada"));
    }

    #[test]
    fn nothing_written_has_an_answer_too() {
        let mut key = key();
        key.insert(FridayQuestion::Written, set(&[NONE]));
        key.insert(FridayQuestion::Record, BTreeSet::new());
        let mut said = key.clone();
        assert_eq!(grade(&key, &said, &facts(5)).0, FridayState::Passed);
        said.insert(FridayQuestion::Record, set(&["AC-7"]));
        assert_eq!(grade(&key, &said, &facts(5)).0, FridayState::Failed);
    }
}
