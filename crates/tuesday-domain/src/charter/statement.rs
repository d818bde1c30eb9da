//! What people may state about a workflow, each with the one form it has.
//!
//! Everything else of the charter is an object of the package and cannot be written here: a text
//! beside the live object would be a second truth.

use std::time::Duration;

use super::blank::is_blank;
use super::pilot::PILOT_MOST;
use super::weekly::is_kept;
use crate::rules::Decimal;
use crate::time::{Timestamp, Zone, parse_day};
use crate::watch::Metric;
use crate::words::words;

/// The day of the test without the builder lies no further ahead.
const TURNOVER_MOST: Duration = Duration::from_secs(180 * 86_400);

words! {
    /// Something a person states, or the engine keeps for one.
    Statement {
        /// Hours a week that the problem costs today.
        FrictionHours = "friction_hours",
        /// The one metric: name, target, day.
        NinetyDayMetric = "ninety_day_metric",
        /// The day on which the workflow is run without its builder.
        TurnoverDate = "turnover_date",
        /// What keeping it alive may cost a month.
        MaintenanceBudget = "maintenance_budget",
        /// Steps before and after.
        BeforeAfterMap = "before_after_map",
        /// What the pilot is to answer.
        PilotQuestion = "pilot_question",
        /// By what the answer is judged.
        PilotCriteria = "pilot_criteria",
        /// The day on which it must be decided.
        PilotEnd = "pilot_end",
        /// The kind of signal that says that the old way was used.
        OldPathSignal = "old_path_signal",
        /// Why one person may own both operation and technology.
        OwnerException = "owner_exception",
        /// At least this percent of decided outputs stand as they were.
        GoalAcceptable = "goal_acceptable",
        /// At most this percent of open tasks are overdue.
        GoalReviewLoad = "goal_review_load",
        /// At least this percent of finished runs ended without a failure.
        GoalIntegration = "goal_integration",
        /// At least so many of the last four weeks are signed by who answers for it.
        GoalAccountable = "goal_accountable",
        /// At most so many known errors are not corrected.
        GoalErrors = "goal_errors",
        /// The metric of the week was looked at and signed.
        WeeklyReview = "weekly_review",
        /// A day without the builder, graded from the log.
        TurnoverTest = "turnover_test",
        /// A person finished the training of the tiers in force.
        Training = "training",
        /// A person's newest try at the practice of the tiers.
        Practice = "practice",
        /// Somebody who builds nothing told a run from its record in twenty minutes.
        FridayTest = "friday_test",
        /// How a person did alone on a fixed queue after the training.
        FirstShift = "first_shift",
        /// What somebody says about a part of the pilot's evidence.
        PilotClaim = "pilot_claim",
        /// A cost of the ledger that nobody had planned, and why it came up.
        HiddenCost = "hidden_cost",
        /// Why a step of the pilot was jumped over.
        StepException = "step_exception",
        /// What somebody answers to a question of going live that no record answers.
        GoLiveAnswer = "go_live_answer",
        /// What somebody answers about a sign that it is past the pilot, where records cannot tell.
        SignAnswer = "sign_answer",
        /// Work was given back to people by a declaration: from when, until when.
        FallbackUse = "fallback_use",
        /// Whether the last ten runs could be told from their record.
        LastTen = "last_ten",
    }
}

/// Why a statement is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong with it.
    pub words: String,
    /// A form that would be taken.
    pub way_out: &'static str,
}

pub(super) fn fault<T>(words: impl Into<String>, way_out: &'static str) -> Result<T, Fault> {
    Err(Fault {
        words: words.into(),
        way_out,
    })
}

impl Statement {
    /// Kept by the engine from what it saw; nobody can write it.
    #[must_use]
    pub const fn by_engine(self) -> bool {
        matches!(
            self,
            Self::WeeklyReview
                | Self::TurnoverTest
                | Self::Training
                | Self::Practice
                | Self::FridayTest
                | Self::FirstShift
                | Self::FallbackUse
                | Self::LastTen
        )
    }

    /// It is about a part, a step or a question, and is stated by a verb of its own.
    #[must_use]
    pub const fn of_the_pilot(self) -> bool {
        matches!(
            self,
            Self::PilotClaim
                | Self::HiddenCost
                | Self::StepException
                | Self::GoLiveAnswer
                | Self::SignAnswer
        )
    }

    /// Most characters: the charter is one page.
    #[must_use]
    pub const fn limit(self) -> usize {
        match self {
            Self::BeforeAfterMap | Self::PilotCriteria | Self::PilotClaim | Self::GoLiveAnswer => {
                400
            }
            Self::PilotQuestion
            | Self::OwnerException
            | Self::HiddenCost
            | Self::StepException
            | Self::SignAnswer => 200,
            Self::NinetyDayMetric => 100,
            _ => 40,
        }
    }

    /// How it is written.
    #[must_use]
    pub const fn form(self) -> &'static str {
        match self {
            Self::FrictionHours => "hours a week: 12.5",
            Self::NinetyDayMetric => {
                "name, comparison, number, day: override_rate at most 10 by 2027-02-28"
            }
            Self::TurnoverDate | Self::PilotEnd => "a day: 2027-02-28",
            Self::MaintenanceBudget => "an amount a month with its currency: 1200 EUR",
            Self::BeforeAfterMap => {
                "both ways, counted: before: 9 steps, 3 handoffs, 40 minutes …; after: 4 steps …"
            }
            Self::PilotQuestion => "one question, ending in a question mark",
            Self::PilotCriteria => "by what the answer is judged, in numbers",
            Self::OldPathSignal => "the kind of signal that the old way sends: old_path",
            Self::OwnerException => "why one person may hold both, and until when",
            Self::GoalAcceptable | Self::GoalReviewLoad | Self::GoalIntegration => {
                "percent, 0 to 100: 90"
            }
            Self::GoalErrors => "a count: 0",
            Self::GoalAccountable => "signed weeks of the last four, 1 to 4: 3",
            Self::PilotClaim => "what you can say of this part, in a sentence",
            Self::HiddenCost => "what nobody had planned, in a sentence",
            Self::StepException => "why this step is jumped over",
            Self::GoLiveAnswer => "the answer, in a sentence",
            Self::SignAnswer => {
                "`production` or `pilot`, and what shows it: production: owners fix it themselves"
            }
            Self::WeeklyReview
            | Self::TurnoverTest
            | Self::Training
            | Self::Practice
            | Self::FridayTest
            | Self::FirstShift
            | Self::FallbackUse
            | Self::LastTen => "kept by the engine",
        }
    }

    /// The text as it is kept; empty for a blank one, which takes the statement back.
    ///
    /// # Errors
    /// When it is too long, or not of its form.
    pub fn read(self, text: &str, now: Timestamp, zone: &Zone) -> Result<String, Fault> {
        let text = text.trim();
        if is_blank(text) {
            return Ok(String::new());
        }
        let (length, limit) = (text.chars().count(), self.limit());
        if length > limit {
            let words = format!("{length} characters where the page has room for {limit}");
            return fault(words, "say it shorter: the charter stays one page");
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return fault("it holds control characters", "write plain text");
        }
        match self {
            Self::FrictionHours => number(text, "hours", 1, 10_000),
            Self::GoalAcceptable | Self::GoalReviewLoad | Self::GoalIntegration => {
                number(text.trim_end_matches('%').trim_end(), "percent", 0, 100)
            }
            Self::GoalErrors => number(text, "a count", 0, 1_000_000),
            Self::GoalAccountable => weeks(text),
            Self::NinetyDayMetric => metric(text, now, zone),
            Self::TurnoverDate => turnover_date(text, now, zone),
            Self::PilotEnd => pilot_end(text, now, zone),
            Self::MaintenanceBudget => money(text),
            Self::OldPathSignal => signal(text),
            Self::PilotQuestion if !text.ends_with('?') => {
                fault("it asks nothing", "end it with a question mark")
            }
            Self::PilotCriteria if !text.chars().any(|c| c.is_ascii_digit()) => fault(
                "there is no number in it",
                "say from which figure on the answer is yes",
            ),
            Self::PilotQuestion
            | Self::PilotCriteria
            | Self::BeforeAfterMap
            | Self::OwnerException
            | Self::PilotClaim
            | Self::HiddenCost
            | Self::StepException
            | Self::GoLiveAnswer => Ok(text.to_owned()),
            Self::SignAnswer => like(text),
            Self::WeeklyReview
            | Self::TurnoverTest
            | Self::Training
            | Self::Practice
            | Self::FridayTest
            | Self::FirstShift
            | Self::FallbackUse
            | Self::LastTen => fault(
                "the engine keeps this from what it saw",
                "do the thing; nobody can state it",
            ),
        }
    }
}

/// `production: words` or `pilot: words`; words that say nothing answer nothing.
fn like(text: &str) -> Result<String, Fault> {
    let way_out = "write `production: …` or `pilot: …` and say what shows it";
    let Some((word, told)) = text.split_once(':') else {
        return fault("it does not say which of the two, or why", way_out);
    };
    let (word, told) = (word.trim().to_lowercase(), told.trim());
    if !matches!(word.as_str(), "production" | "pilot") {
        return fault(format!("`{word}` is neither production nor pilot"), way_out);
    }
    if is_blank(told) {
        return fault("it does not say what shows it", way_out);
    }
    Ok(format!("{word}: {told}"))
}

/// A number from `least` (in hundredths for hours: any above 0) to `most`.
pub(super) fn number(text: &str, unit: &str, least: i64, most: i64) -> Result<String, Fault> {
    let way_out = "write a plain number, such as 12 or 12.5";
    let text = text.replace(',', ".");
    let Ok(value) = Decimal::parse(&text) else {
        return fault(format!("`{text}` is not a number of {unit}"), way_out);
    };
    let above = if least > 0 {
        value > Decimal::from(0_i64)
    } else {
        value >= Decimal::from(0_i64)
    };
    if !above || value > Decimal::from(most) {
        return fault(
            format!("{value} is outside what {unit} can be: up to {most}"),
            way_out,
        );
    }
    Ok(value.to_string())
}

fn day(text: &str) -> Result<String, Fault> {
    parse_day(text).or_else(|_| fault(format!("`{text}` is not a day"), "write it as 2027-02-28"))
}

/// A day that is not over.
fn to_come(text: &str, now: Timestamp, zone: &Zone) -> Result<String, Fault> {
    let day = day(text)?;
    if day < zone.day(now) {
        return fault("that day is over", "choose a day that is still to come");
    }
    Ok(day)
}

/// A test that is put off for ever is none: its day comes within the time that one is good for.
fn turnover_date(text: &str, now: Timestamp, zone: &Zone) -> Result<String, Fault> {
    let day = to_come(text, now, zone)?;
    if day > zone.day(now.plus(TURNOVER_MOST)) {
        return fault(
            "the day of the test lies at most 180 days ahead",
            "choose an earlier day",
        );
    }
    Ok(day)
}

fn weeks(text: &str) -> Result<String, Fault> {
    match text.parse::<u8>() {
        Ok(n @ 1..=4) => Ok(n.to_string()),
        _ => fault(
            format!("`{text}` is not a number of weeks from 1 to 4"),
            "say how many of the last four weeks are signed: 3",
        ),
    }
}

fn pilot_end(text: &str, now: Timestamp, zone: &Zone) -> Result<String, Fault> {
    let day = day(text)?;
    if day <= zone.day(now) {
        return fault(
            "that day is over",
            "a pilot ends on a day that is still to come",
        );
    }
    if day > zone.day(now.plus(PILOT_MOST)) {
        return fault("a pilot lasts at most 90 days", "choose an earlier day");
    }
    Ok(day)
}

fn money(text: &str) -> Result<String, Fault> {
    let way_out = "write an amount and its currency: 1200 EUR";
    let mut parts = text.split_whitespace();
    let (Some(amount), Some(currency), None) = (parts.next(), parts.next(), parts.next()) else {
        return fault("it is not an amount with a currency", way_out);
    };
    let amount = number(amount, "money", 0, 1_000_000_000)?;
    if currency.len() != 3 || !currency.chars().all(|c| c.is_ascii_uppercase()) {
        return fault(format!("`{currency}` is no currency"), way_out);
    }
    Ok(format!("{amount} {currency}"))
}

fn signal(text: &str) -> Result<String, Fault> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    fault(
        "a kind of signal is small letters, digits and `_`",
        "write it as it is posted: old_path",
    )
}

/// `name at most 10 by 2027-02-28`: exactly one metric that records tell, with a target and a day to come.
fn metric(text: &str, now: Timestamp, zone: &Zone) -> Result<String, Fault> {
    let way_out = "write one metric: override_rate at most 10 by 2027-02-28";
    let words: Vec<&str> = text.split_whitespace().collect();
    let [name, at, comparison, target, .., by, date] = words.as_slice() else {
        return fault("name, comparison, number and day are needed", way_out);
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.chars().all(plain) {
        return fault(format!("`{name}` is not the name of one metric"), way_out);
    }
    if !name.parse::<Metric>().is_ok_and(is_kept) {
        return fault(
            format!(
                "{name} is not computed from records by the week, so nobody could say on its day"
            ),
            "one of error_rate, override_rate, refusal_rate, stale_rate, cost_per_day",
        );
    }
    if *at != "at" || !matches!(*comparison, "most" | "least") || *by != "by" {
        return fault(
            "it says neither `at most` nor `at least`, or no day after `by`",
            way_out,
        );
    }
    if Decimal::parse(target).is_err() {
        return fault(format!("`{target}` is not a number"), way_out);
    }
    let date = to_come(date, now, zone)?;
    let middle = words[3..words.len() - 2].join(" ");
    Ok(format!("{name} at {comparison} {middle} by {date}"))
}
