//! The questions: what each asks, in which form it is answered, and which wall it is about.

use crate::charter::Statement;
use crate::charter::statement::{Fault, number};
use crate::charter::{is_blank, statement};
use crate::time::{Timestamp, Zone};
use crate::words::words;

/// It takes about five minutes; more questions would not be answered.
pub const MOST_QUESTIONS: usize = 15;

words! {
    /// Where something can be in the way: one of the six walls, or the people.
    Area {
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
        /// Nobody answers for it.
        Ownership = "ownership",
        /// Nobody has time to look.
        Review = "review",
    }
}

words! {
    /// A question about a workflow-to-be.
    Question {
        /// Hours a week that the work costs today.
        FrictionHours = "friction_hours",
        /// Cases a week.
        Cases = "cases",
        /// What keeping it alive may cost.
        MaintenanceBudget = "maintenance_budget",
        /// Who owns how it works.
        Owner = "owner",
        /// Who keeps it running.
        Technical = "technical",
        /// Hours a week that people can look.
        ReviewHours = "review_hours",
        /// What starts a case.
        Trigger = "trigger",
        /// Where the result lands.
        Destination = "destination",
        /// What a wrong result costs.
        WhenWrong = "when_wrong",
        /// Where inputs come from.
        Inputs = "inputs",
        /// Decided cases that are at hand.
        OldCases = "old_cases",
        /// The one metric.
        NinetyDayMetric = "ninety_day_metric",
        /// Personal or secret data.
        Data = "data",
        /// Steps before and after.
        BeforeAfterMap = "before_after_map",
        /// Whether those who do the work were asked.
        Asked = "asked",
    }
}

/// One of the answers that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// How it is written.
    pub word: &'static str,
    /// As people read it.
    pub title: &'static str,
    /// What has to be said beside it; nothing when the choice says all.
    pub says: Option<&'static str>,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A plain number.
    Number {
        /// Of what.
        unit: &'static str,
        /// The highest one.
        most: i64,
    },
    /// A text of so many characters at most.
    Text(usize),
    /// One of these, with words where it asks for them: `word` or `word: words`.
    Choice(&'static [Choice]),
    /// The form that the charter has for it.
    Stated(Statement),
}

/// Most characters beside a choice.
const BESIDE: usize = 120;

const fn choice(word: &'static str, title: &'static str, says: Option<&'static str>) -> Choice {
    Choice { word, title, says }
}

const TRIGGER: &[Choice] = &[
    choice(
        "event",
        "Another system says so, or a row appears in a table",
        None,
    ),
    choice("file", "A file arrives in a folder", None),
    choice("schedule", "A fixed time", None),
    choice("person", "Somebody has to remember to start it", None),
];
const INPUTS: &[Choice] = &[
    choice(
        "fields",
        "In fields of systems that a program may read",
        Some("which systems"),
    ),
    choice(
        "texts",
        "In mails or documents that a program may read",
        Some("where they are"),
    ),
    choice(
        "closed",
        "In a system that no program may read yet",
        Some("which system"),
    ),
    choice("heads", "On paper, or in people's heads", None),
];
const DESTINATION: &[Choice] = &[
    choice(
        "writes",
        "In a system where a program may write",
        Some("which system"),
    ),
    choice(
        "unasked",
        "In a system, and nobody has asked whether a program may write there",
        Some("which system"),
    ),
    choice(
        "hand",
        "In a system where only a person may enter it",
        Some("which system"),
    ),
    choice(
        "nowhere",
        "In a mail, a chat or a list of somebody's own",
        None,
    ),
];
const WHEN_WRONG: &[Choice] = &[
    choice(
        "undo",
        "It can be put right before anybody outside notices",
        Some("what it costs"),
    ),
    choice(
        "late",
        "It can be put right, but somebody outside notices",
        Some("what it costs"),
    ),
    choice("never", "It cannot be put right", Some("what it costs")),
];
const DATA: &[Choice] = &[
    choice("without", "No personal or secret data", None),
    choice(
        "allowed",
        "Yes, and it may go to the model",
        Some("who allowed it"),
    ),
    choice(
        "inside",
        "Yes, and it may only go to a model on our own machines",
        Some("who said so"),
    ),
    choice(
        "unsaid",
        "Yes, and nobody has said whether it may go to a model",
        None,
    ),
];
const ASKED: &[Choice] = &[
    choice("asked", "They were asked", Some("what they said")),
    choice("told", "They were told", None),
    choice("not", "Not yet", None),
];

impl Question {
    /// As it is asked.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::FrictionHours => {
                "How many hours a week does this work cost today, everybody together?"
            }
            Self::Cases => "How many cases come in a week?",
            Self::MaintenanceBudget => "What may keeping it alive cost a month?",
            Self::Owner => "Who owns how it works?",
            Self::Technical => "Who keeps it running technically?",
            Self::ReviewHours => "How many hours a week can people look at results?",
            Self::Trigger => "What starts a case?",
            Self::Destination => "Where does the result land, and may a program write there?",
            Self::WhenWrong => "What does a wrong result cost, and can it be put right?",
            Self::Inputs => "Where do the inputs come from, and are they in fields?",
            Self::OldCases => "How many decided old cases are at hand?",
            Self::NinetyDayMetric => "Which one number says after 90 days that it works?",
            Self::Data => "Is there personal or secret data in it, and may that go to a model?",
            Self::BeforeAfterMap => "What are the steps before and after?",
            Self::Asked => "Were those who do the work asked?",
        }
    }

    /// What to think of.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::FrictionHours => "Ask those who do it. A number such as 12 or 12.5.",
            Self::Cases => "What runs through in an ordinary week.",
            Self::MaintenanceBudget => "An amount with its currency: 1200 EUR.",
            Self::Owner => "One person by name, who decides what is right. No team, no list.",
            Self::Technical => {
                "One person by name, for connectors and releases; somebody else than the owner."
            }
            Self::ReviewHours => {
                "At first a person looks at every case. These hours are taken from what it saves."
            }
            Self::Trigger => "What nobody has to remember runs on the day its champion is away.",
            Self::Destination => "The system that others read it from, in their words.",
            Self::WhenWrong => "The worst ordinary mistake, in money, time or trust.",
            Self::Inputs => "The systems, in the words people use.",
            Self::OldCases => "With what people decided. They are what a release is tried on.",
            Self::NinetyDayMetric => {
                "name at most NUMBER by DAY: override_rate at most 10 by 2027-02-28. Names that are counted from records: \
                error_rate, override_rate, refusal_rate, stale_rate, cost_per_day."
            }
            Self::Data => "Names, health, pay, contracts, credentials.",
            Self::BeforeAfterMap => {
                "Both ways, counted: before: 9 steps, 3 handoffs, 40 minutes; after: 4 steps, 1 handoff, 6 minutes."
            }
            Self::Asked => "Those who do it today know what the map leaves out.",
        }
    }

    /// What it is about, in a few words.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::FrictionHours => "hours it costs today",
            Self::Cases => "cases a week",
            Self::MaintenanceBudget => "maintenance budget",
            Self::Owner => "who owns it",
            Self::Technical => "who keeps it running",
            Self::ReviewHours => "hours for review",
            Self::Trigger => "what starts a case",
            Self::Destination => "where the result lands",
            Self::WhenWrong => "what a wrong result costs",
            Self::Inputs => "where inputs come from",
            Self::OldCases => "decided old cases",
            Self::NinetyDayMetric => "the one metric",
            Self::Data => "personal or secret data",
            Self::BeforeAfterMap => "steps before and after",
            Self::Asked => "whether those who do the work were asked",
        }
    }

    /// The wall it is about.
    #[must_use]
    pub const fn area(self) -> Area {
        match self {
            Self::FrictionHours | Self::MaintenanceBudget => Area::Economics,
            Self::Owner | Self::Technical => Area::Ownership,
            Self::ReviewHours => Area::Review,
            Self::Trigger | Self::Destination | Self::WhenWrong => Area::Ops,
            Self::Inputs => Area::Data,
            Self::Cases | Self::OldCases | Self::NinetyDayMetric => Area::Eval,
            Self::Data => Area::Security,
            Self::BeforeAfterMap | Self::Asked => Area::Change,
        }
    }

    /// Where an answer comes from, while there is none.
    #[must_use]
    pub const fn whom_to_ask(self) -> &'static str {
        match self {
            Self::FrictionHours | Self::Cases | Self::BeforeAfterMap => {
                "ask those who do the work today"
            }
            Self::MaintenanceBudget => "ask who pays for it",
            Self::Owner | Self::Technical => {
                "ask a person whether they take it, and write their name"
            }
            Self::ReviewHours => "ask whoever plans the hours of those who would look",
            Self::Trigger | Self::Inputs | Self::Destination => {
                "ask whoever runs the systems in question"
            }
            Self::WhenWrong => "ask whoever hears the complaints",
            Self::OldCases => {
                "look for cases with what people decided: the records of the last months"
            }
            Self::NinetyDayMetric => "agree with who pays for it on one number and a day",
            Self::Data => "ask whoever answers for data protection",
            Self::Asked => "go and ask them",
        }
    }

    /// How it is answered.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::FrictionHours => Kind::Stated(Statement::FrictionHours),
            Self::MaintenanceBudget => Kind::Stated(Statement::MaintenanceBudget),
            Self::NinetyDayMetric => Kind::Stated(Statement::NinetyDayMetric),
            Self::BeforeAfterMap => Kind::Stated(Statement::BeforeAfterMap),
            Self::Cases => Kind::Number {
                unit: "cases a week",
                most: 1_000_000,
            },
            Self::OldCases => Kind::Number {
                unit: "cases",
                most: 10_000_000,
            },
            Self::ReviewHours => Kind::Number {
                unit: "hours a week",
                most: 10_000,
            },
            Self::Owner | Self::Technical => Kind::Text(80),
            Self::Trigger => Kind::Choice(TRIGGER),
            Self::Inputs => Kind::Choice(INPUTS),
            Self::Destination => Kind::Choice(DESTINATION),
            Self::WhenWrong => Kind::Choice(WHEN_WRONG),
            Self::Data => Kind::Choice(DATA),
            Self::Asked => Kind::Choice(ASKED),
        }
    }

    /// The field of the charter that the answer becomes.
    #[must_use]
    pub const fn carries(self) -> Option<Statement> {
        match self.kind() {
            Kind::Stated(statement) => Some(statement),
            Kind::Number { .. } | Kind::Text(_) | Kind::Choice(_) => None,
        }
    }

    /// The answer as it is kept; empty for a blank one, which answers nothing.
    ///
    /// # Errors
    /// When it is not of the question's form.
    pub fn read(self, text: &str) -> Result<String, Fault> {
        let text = text.trim();
        if is_blank(text) {
            return Ok(String::new());
        }
        match self.kind() {
            // None of the fields that the quiz carries asks what time it is.
            Kind::Stated(s) => s.read(text, Timestamp::default(), &Zone::utc()),
            Kind::Number { unit, most } => number(text, unit, 0, most),
            Kind::Text(limit) => plain(text, limit),
            Kind::Choice(all) => chosen(text, all),
        }
    }
}

fn plain(text: &str, limit: usize) -> Result<String, Fault> {
    let length = text.chars().count();
    if length > limit {
        let words = format!("{length} characters where there is room for {limit}");
        return statement::fault(words, "say it shorter");
    }
    if text.chars().any(char::is_control) {
        return statement::fault(
            "it holds control characters",
            "write plain text on one line",
        );
    }
    Ok(text.to_owned())
}

/// `word`, or `word: words`, in the one form; what a choice asks for has to be said.
fn chosen(text: &str, all: &'static [Choice]) -> Result<String, Fault> {
    let (word, told) = text.split_once(':').unwrap_or((text, ""));
    let (word, told) = (word.trim().to_lowercase(), told.trim());
    let Some(found) = all.iter().find(|c| c.word == word) else {
        let known: Vec<&str> = all.iter().map(|c| c.word).collect();
        let words = format!("`{word}` is none of {}", known.join(", "));
        return statement::fault(
            words,
            "write one of the words, with `: …` where more is asked for",
        );
    };
    let told = plain(told, BESIDE)?;
    match found.says {
        Some(says) if is_blank(&told) => statement::fault(
            format!("it does not say {says}"),
            "write it behind the word: `word: words`",
        ),
        _ if is_blank(&told) => Ok(word),
        _ => Ok(format!("{word}: {told}")),
    }
}
