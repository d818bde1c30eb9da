//! Four signs that a workflow is past the pilot, read off what it does and not off what it is called. What no
//! record can tell is asked; an answer that the records contradict is marked, and the records count.

use super::prove::Picture;
use super::statement::Statement;
use crate::ledger::told::counted;
use crate::time::Timestamp;
use crate::words::words;
use crate::workflow::{Label, Stage};

/// So many of the four say that it is past the pilot.
const ENOUGH: usize = 3;

words! {
    /// What is looked at.
    Sign {
        /// What it is called beside what it does.
        Naming = "naming",
        /// What happens when an output is wrong.
        WrongOutput = "wrong_output",
        /// What happens when a step fails.
        ErrorHandling = "error_handling",
        /// Who changes its rules, and how.
        RuleChanges = "rule_changes",
    }
}

impl Sign {
    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Naming => "Naming",
            Self::WrongOutput => "Wrong output",
            Self::ErrorHandling => "Error handling",
            Self::RuleChanges => "Rule changes",
        }
    }

    /// What is asked where records cannot tell.
    #[must_use]
    pub const fn question(self) -> &'static str {
        match self {
            Self::Naming => "Do people do their work with it, or try it out beside their work?",
            Self::WrongOutput => {
                "When an output is wrong: does its owner correct it, or does somebody ask again?"
            }
            Self::ErrorHandling => {
                "When a step fails: does a named person get the case, or does somebody start it again?"
            }
            Self::RuleChanges => {
                "When a rule must change: do its owners change it, or does its builder?"
            }
        }
    }
}

/// What somebody answered about a sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignAnswer {
    /// It behaves like production.
    pub production: bool,
    /// What shows it, in their words.
    pub words: String,
    /// Handle of the person.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// One sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PilotSign {
    /// What is looked at.
    pub sign: Sign,
    /// What the records say; nothing where they cannot tell.
    pub seen: Option<bool>,
    /// What was answered.
    pub answer: Option<SignAnswer>,
    /// It behaves like production: by the records, and by the answer where they cannot tell.
    pub production: bool,
    /// What was seen.
    pub words: String,
}

impl PilotSign {
    /// The records say otherwise than the person who answered.
    #[must_use]
    pub fn contradicted(&self) -> bool {
        let said = self.answer.as_ref().map(|a| a.production);
        said.is_some() && self.seen.is_some() && said != self.seen
    }

    /// Nothing shows it and nobody has answered.
    #[must_use]
    pub const fn open(&self) -> bool {
        self.seen.is_none() && self.answer.is_none()
    }
}

/// The four signs in order; `stage` is the one in force.
#[must_use]
pub fn signs(p: &Picture<'_>, stage: Stage) -> [PilotSign; 4] {
    let one = |sign: Sign, (seen, words): (Option<bool>, String)| {
        let answer = answer(p, sign);
        let said = answer.as_ref().is_some_and(|a| a.production);
        PilotSign {
            sign,
            seen,
            production: seen.unwrap_or(said),
            answer,
            words,
        }
    };
    [
        one(Sign::Naming, naming(p, stage)),
        one(Sign::WrongOutput, wrong_output(p)),
        one(Sign::ErrorHandling, error_handling(p)),
        one(Sign::RuleChanges, rule_changes(p)),
    ]
}

fn naming(p: &Picture<'_>, stage: Stage) -> (Option<bool>, String) {
    let acts = stage >= Stage::ApprovalFirst;
    if acts && p.figures.written_back_at.is_some() {
        let words = format!("it writes to systems that people use, at stage {stage}");
        return (Some(true), words);
    }
    let live = p
        .ready
        .def
        .action
        .iter()
        .any(|a| a.is_live(p.test_instance));
    if !acts || !live {
        let why = if acts {
            "no destination is live"
        } else {
            "its stage writes nothing"
        };
        return (
            Some(false),
            format!("nobody can rely on it: {why}, at stage {stage}"),
        );
    }
    (
        None,
        "nothing was written to a live system in 30 days".to_owned(),
    )
}

fn wrong_output(p: &Picture<'_>) -> (Option<bool>, String) {
    let n = &p.figures;
    let overridden = n.decided.saturating_sub(n.stood);
    let seen = (overridden > 0 || n.uncorrected > 0).then_some(true);
    let words = format!(
        "{}, {}",
        counted(
            overridden,
            "output was changed or rejected",
            "outputs were changed or rejected"
        ),
        counted(n.uncorrected, "correction is open", "corrections are open")
    );
    (seen, words)
}

fn error_handling(p: &Picture<'_>) -> (Option<bool>, String) {
    let n = &p.figures;
    let seen = (n.failed > 0 || n.open > 0).then_some(true);
    let words = format!(
        "{} and {}",
        counted(n.failed, "run failed", "runs failed"),
        counted(
            n.open,
            "task waits for a named person",
            "tasks wait for named people"
        )
    );
    (seen, words)
}

fn rule_changes(p: &Picture<'_>) -> (Option<bool>, String) {
    match p.rules_version {
        0 | 1 => (
            Some(false),
            "the rules are as they came with the package".to_owned(),
        ),
        v => (
            Some(true),
            format!("people changed the rules {} times", v - 1),
        ),
    }
}

/// The newest answer about a sign.
fn answer(p: &Picture<'_>, sign: Sign) -> Option<SignAnswer> {
    let fact = p.facts.about(Statement::SignAnswer, sign.word())?;
    let (like, words) = fact.value.split_once(": ")?;
    Some(SignAnswer {
        production: like == "production",
        words: words.to_owned(),
        by: fact.by.clone(),
        at: fact.at,
    })
}

/// It is past the pilot whether or not anyone has said so.
#[must_use]
pub fn past_the_pilot(signs: &[PilotSign; 4], label: Label) -> bool {
    let says = signs.iter().filter(|s| s.production).count();
    says >= ENOUGH && matches!(label, Label::Research | Label::Pilot)
}
