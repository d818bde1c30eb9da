//! Why a workflow stopped: seven questions with the answers that records give, one root cause, one wall,
//! and what follows from it. The questions and the rule that most of them answered with no make the
//! quality of the model beside the point are the ledger's (PMT-01 to PMT-06).

mod answers;
pub mod follow_up;

pub use answers::{Asked, Known, offered, prefill};

use crate::charter::is_blank;
use crate::words::words;

words! {
    /// One of the seven questions.
    Question {
        /// Somebody answered for it from the first day.
        OwnerOnDayOne = "owner_on_day_one",
        /// Results went into the system that people use, not through somebody's clipboard.
        Integrated = "integrated",
        /// People had the hours for what was put before them.
        LoadFit = "load_fit",
        /// Somebody measured the time it saved.
        TimeSaved = "time_saved",
        /// What was wrong with the inputs was put right.
        InputsFixed = "inputs_fixed",
        /// Those who decided had learnt to.
        Trained = "trained",
        /// Somebody decided something by its output.
        OutputUsed = "output_used",
    }
}

impl Question {
    /// As people are asked.
    #[must_use]
    pub const fn asks(self) -> &'static str {
        match self {
            Self::OwnerOnDayOne => "Did it have an owner on day one?",
            Self::Integrated => {
                "Did results go into the system people use, instead of being copied?"
            }
            Self::LoadFit => "Did the review load fit the hours people had?",
            Self::TimeSaved => "Was the time it saved measured?",
            Self::InputsFixed => "Were its inputs put right?",
            Self::Trained => "Were average operators trained?",
            Self::OutputUsed => "Did leadership use its output in decisions?",
        }
    }
}

words! {
    /// What was at the root.
    RootCause {
        /// Nobody answered for it.
        Ownership = "ownership",
        /// It was beside the systems people use.
        Integration = "integration",
        /// People could not keep up, or did not really look.
        Review = "review",
        /// People were not brought along.
        ChangeManagement = "change_management",
        /// Nobody could say whether it was worth it.
        Metric = "metric",
        /// What it read was wrong, late or missing.
        Inputs = "inputs",
        /// It was changed without the right people knowing.
        Governance = "governance",
        /// Nobody had agreed how the work is done.
        ProcessClarity = "process_clarity",
        /// The model itself.
        Model = "model",
    }
}

words! {
    /// Which of the six walls it ran into.
    Wall {
        /// Data.
        Data = "data",
        /// Evaluation.
        Eval = "eval",
        /// Operations.
        Ops = "ops",
        /// Security.
        Security = "security",
        /// Change.
        Change = "change",
        /// Economics.
        Economics = "economics",
    }
}

words! {
    /// What a postmortem was opened for.
    Stopped {
        /// Killed by its condition or a person.
        Killed = "killed",
        /// Retired.
        Retired = "retired",
        /// Decided to stop.
        Decided = "decided",
        /// A person asked for one.
        Asked = "asked",
    }
}

words! {
    /// Where a postmortem stands.
    PostmortemState {
        /// People answer it.
        Open = "open",
        /// Answered for good.
        Closed = "closed",
    }
}

/// Something that cannot happen to a postmortem in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the postmortem is {0} already")]
pub struct ClosedAlready(pub PostmortemState);

impl PostmortemState {
    /// What closing leads to; nothing else moves it.
    ///
    /// # Errors
    /// A closed one stays as it is.
    pub const fn close(self) -> Result<Self, ClosedAlready> {
        match self {
            Self::Open => Ok(Self::Closed),
            Self::Closed => Err(ClosedAlready(self)),
        }
    }

    /// People may still answer.
    ///
    /// # Errors
    /// A closed one stays as it is.
    pub const fn answer(self) -> Result<(), ClosedAlready> {
        match self {
            Self::Open => Ok(()),
            Self::Closed => Err(ClosedAlready(self)),
        }
    }
}

/// Where records rule out everything that is not the model.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RuledOut {
    /// Why it was not the inputs.
    pub inputs: String,
    /// Why it was not the rules.
    pub rules: String,
    /// Why it was not an unnoticed change.
    pub governance: String,
}

/// An answer in force: what records say, or what a person said instead.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Answer {
    /// Which question.
    pub question: Question,
    /// Yes or no; absent while nobody can tell.
    pub yes: Option<bool>,
    /// What it rests on.
    pub evidence: String,
    /// Where that is shown, on this instance.
    pub path: String,
    /// Handle of the person who answered; absent for what records say.
    pub by: Option<String>,
}

/// What the answers come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Answered with yes.
    pub yes: usize,
    /// Answered with no.
    pub no: usize,
    /// Not answered.
    pub blank: usize,
}

/// So many answers of seven with no are most of them.
pub const MOST: usize = 4;

impl Verdict {
    /// Counts answers; a blank one is neither yes nor no.
    #[must_use]
    pub fn of(answers: &[Answer]) -> Self {
        let count = |yes| answers.iter().filter(|a| a.yes == yes).count();
        Self {
            yes: count(Some(true)),
            no: count(Some(false)),
            blank: count(None),
        }
    }

    /// Most answers are no: whatever the model did, it would not have held.
    #[must_use]
    pub const fn model_is_irrelevant(self) -> bool {
        self.no >= MOST
    }

    /// In a sentence.
    #[must_use]
    pub fn words(self) -> String {
        let counts = format!("{} yes, {} no, {} open", self.yes, self.no, self.blank);
        if self.model_is_irrelevant() {
            return format!("{counts}. Model quality is irrelevant: most answers are no");
        }
        counts
    }
}

/// What a person fills in to close a postmortem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closing {
    /// What was at the root.
    pub root: Option<RootCause>,
    /// The wall.
    pub wall: Option<Wall>,
    /// What is learnt.
    pub lessons: String,
    /// For the model as the root.
    pub ruled_out: RuledOut,
    /// Follow-ups that are neither done nor dropped.
    pub open_follow_ups: u64,
}

/// Why a postmortem cannot be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotClosable {
    /// A question has no answer.
    #[error("not answered: {}", .0.asks())]
    Blank(Question),
    /// Something else is not filled in.
    #[error("{field} is blank")]
    Missing {
        /// Its name.
        field: &'static str,
    },
    /// Somebody still has something to do.
    #[error("{0} follow-ups are still open")]
    FollowUps(u64),
}

/// Whether it can be closed as it is filled in.
///
/// # Errors
/// The first thing that stands in the way.
pub fn closable(answers: &[Answer], closing: &Closing) -> Result<(), NotClosable> {
    for question in Question::ALL {
        let answered = |a: &&Answer| a.question == *question && a.yes.is_some();
        if answers.iter().find(answered).is_none() {
            return Err(NotClosable::Blank(*question));
        }
    }
    let missing = |field| Err(NotClosable::Missing { field });
    let Some(root) = closing.root else {
        return missing("root");
    };
    if closing.wall.is_none() {
        return missing("wall");
    }
    if is_blank(&closing.lessons) {
        return missing("lessons");
    }
    if root == RootCause::Model {
        let out = &closing.ruled_out;
        let fields = [
            ("ruled_out.inputs", &out.inputs),
            ("ruled_out.rules", &out.rules),
            ("ruled_out.governance", &out.governance),
        ];
        // A word for "nothing" rules nothing out.
        if let Some((field, _)) = fields.into_iter().find(|(_, t)| is_blank(t)) {
            return missing(field);
        }
    }
    if closing.open_follow_ups > 0 {
        return Err(NotClosable::FollowUps(closing.open_follow_ups));
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn answers(yes: &[Option<bool>]) -> Vec<Answer> {
        let all = Question::ALL.iter().zip(yes);
        all.map(|(q, yes)| Answer {
            question: *q,
            yes: *yes,
            evidence: "shown".to_owned(),
            path: String::new(),
            by: None,
        })
        .collect()
    }

    const NO: Option<bool> = Some(false);
    const YES: Option<bool> = Some(true);

    fn filled() -> Closing {
        Closing {
            root: Some(RootCause::Ownership),
            wall: Some(Wall::Ops),
            lessons: "name an owner first".to_owned(),
            ..Closing::default()
        }
    }

    #[test]
    fn four_no_make_the_model_irrelevant_and_three_do_not() {
        let four = answers(&[NO, NO, NO, NO, YES, YES, YES]);
        assert!(Verdict::of(&four).model_is_irrelevant());
        let three = answers(&[NO, NO, NO, None, None, None, None]);
        let verdict = Verdict::of(&three);
        assert!(!verdict.model_is_irrelevant());
        assert_eq!((verdict.yes, verdict.no, verdict.blank), (0, 3, 4));
        assert!(!verdict.words().contains("irrelevant"));
    }

    #[test]
    fn a_blank_answer_keeps_it_open_and_is_named() {
        let all = answers(&[NO, YES, YES, YES, YES, None, YES]);
        assert_eq!(
            closable(&all, &filled()),
            Err(NotClosable::Blank(Question::Trained))
        );
        let short = &all[..2];
        assert_eq!(
            closable(short, &filled()),
            Err(NotClosable::Blank(Question::LoadFit))
        );
    }

    #[test]
    fn every_field_is_asked_for_and_follow_ups_come_last() {
        let all = answers(&[NO; 7]);
        let mut c = Closing {
            open_follow_ups: 2,
            ..Closing::default()
        };
        let field = |c: &Closing| match closable(&all, c) {
            Err(NotClosable::Missing { field }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(&c), "root");
        c.root = Some(RootCause::Model);
        assert_eq!(field(&c), "wall");
        c.wall = Some(Wall::Eval);
        assert_eq!(field(&c), "lessons");
        c.lessons = "try another model".to_owned();
        assert_eq!(field(&c), "ruled_out.inputs");
        c.ruled_out.inputs = "n/a".to_owned();
        assert_eq!(field(&c), "ruled_out.inputs", "that rules nothing out");
        c.ruled_out.inputs = "all 40 were fresh and complete".to_owned();
        assert_eq!(field(&c), "ruled_out.rules");
        c.ruled_out.rules = "unchanged since May".to_owned();
        assert_eq!(field(&c), "ruled_out.governance");
        c.ruled_out.governance = "one release, approved".to_owned();
        assert_eq!(closable(&all, &c), Err(NotClosable::FollowUps(2)));
        c.open_follow_ups = 0;
        assert_eq!(closable(&all, &c), Ok(()));
    }

    #[test]
    fn a_closed_one_stays_closed() {
        let closed = PostmortemState::Open.close().unwrap();
        assert_eq!(closed, PostmortemState::Closed);
        assert!(closed.close().is_err());
        assert!(closed.answer().is_err());
    }
}
