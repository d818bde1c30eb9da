//! What is in the way of a candidate, and what it would save a week. One question gives one blocker at most, and
//! a question that nobody answered gives one always.

use std::time::Duration;

use super::answers::Answers;
use super::question::{Area, Question};
use crate::charter::map::Map;
use crate::charter::pilot::PILOT_MOST;
use crate::charter::records::ENOUGH;
use crate::charter::weekly::is_kept;
use crate::rules::Decimal;
use crate::watch::Metric;

/// Decided outputs that a pilot needs, in the days that it may last: so many cases a week at least.
pub const LEAST_CASES: u64 = {
    let weeks = PILOT_MOST.as_secs() / Duration::from_secs(7 * 86_400).as_secs();
    ENOUGH.div_ceil(weeks)
};
/// Nobody looks at a case in less than so many minutes.
pub const LEAST_MINUTES: i64 = 1;
/// Fewer decided cases are too few to try a release on: the queue of a first shift has as many.
pub const OLD_CASES: i64 = crate::charter::first_shift::CASES as i64;

/// Something in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// The question it comes from.
    pub question: Question,
    /// The wall it is.
    pub area: Area,
    /// Nobody has answered.
    pub unsaid: bool,
    /// What is in the way.
    pub words: String,
    /// What to do next.
    pub next: &'static str,
}

/// How a candidate stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// What is in the way, in the order of the questions.
    pub blockers: Vec<Blocker>,
    /// Questions that are answered.
    pub answered: usize,
    /// Hundredths of an hour a week that it costs today, as told.
    pub today: Option<i64>,
    /// Hundredths of an hour a week that people would look, as told.
    pub review: Option<i64>,
    /// What would be left, below zero where looking takes longer; unknown while one of the two is.
    pub net: Option<i64>,
}

/// Judges the answers; `today` is the day, for days that are over.
#[must_use]
pub fn assess(answers: &Answers, today: &str) -> Assessment {
    let hours = |q: Question| hundredths(answers.value(q)?);
    let (cost, review) = (hours(Question::FrictionHours), hours(Question::ReviewHours));
    let each = Question::ALL.iter();
    Assessment {
        blockers: each.filter_map(|q| blocker(*q, answers, today)).collect(),
        answered: answers.count(),
        today: cost,
        review,
        net: cost.zip(review).map(|(cost, review)| cost - review),
    }
}

/// A number of at most a few millions in hundredths, cut.
fn hundredths(text: &str) -> Option<i64> {
    let value = Decimal::parse(text).ok()?;
    i64::try_from(value.micros() / 10_000).ok()
}

/// Hundredths of an hour as people read them: `12.5 h`.
#[must_use]
pub fn hours_words(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let (whole, part) = (
        hundredths.unsigned_abs() / 100,
        hundredths.unsigned_abs() % 100,
    );
    match part {
        0 => format!("{sign}{whole} h"),
        p if p % 10 == 0 => format!("{sign}{whole}.{} h", p / 10),
        p => format!("{sign}{whole}.{p:02} h"),
    }
}

fn blocker(question: Question, answers: &Answers, today: &str) -> Option<Blocker> {
    let Some(value) = answers.value(question) else {
        return Some(Blocker {
            question,
            area: question.area(),
            unsaid: true,
            words: format!("nobody has said: {}", question.short()),
            next: question.whom_to_ask(),
        });
    };
    let (area, words, next) = found(question, value, answers, today)?;
    Some(Blocker {
        question,
        area,
        unsaid: false,
        words,
        next,
    })
}

type Found = (Area, String, &'static str);

fn found(question: Question, value: &str, answers: &Answers, today: &str) -> Option<Found> {
    let area = question.area();
    let (word, told) = value.split_once(": ").unwrap_or((value, ""));
    let said = |words: &str, next| Some((area, words.to_owned(), next));
    match (question, word) {
        (Question::FrictionHours | Question::Owner | Question::MaintenanceBudget, _) => None,
        (Question::Cases, _) => few_cases(hundredths(value)?),
        (Question::Technical, _) => one_person(value, answers),
        (Question::ReviewHours, _) => looking(hundredths(value)?, answers),
        (Question::OldCases, _) => few_old(hundredths(value)?),
        (Question::NinetyDayMetric, _) => metric(value, today),
        (Question::BeforeAfterMap, _) => map(value),
        (Question::Trigger, "person") => said(
            "nothing starts it: somebody has to remember",
            "find the event, the file or the time that starts it without anybody",
        ),
        (Question::Inputs, "closed") => Some((
            area,
            format!("no program may read the inputs yet: {told}"),
            "ask the owner of the system for an account that may read",
        )),
        (Question::Inputs, "heads") => said(
            "the inputs are on paper or in people's heads",
            "have them written where a program can read them, from today on",
        ),
        (Question::Destination, "unasked") => Some((
            Area::Security,
            format!("nobody has said whether a program may write there: {told}"),
            "ask the owner of the system for an account that may write this and nothing else",
        )),
        (Question::Destination, "hand") => Some((
            area,
            format!("only a person may enter the result: {told}"),
            "find out who could allow a program to; until then it places drafts for a person",
        )),
        (Question::Destination, "nowhere") => said(
            "the result lands in no system that others read",
            "name the system of record first, and write there by hand",
        ),
        (Question::WhenWrong, "never") => Some((
            area,
            format!("a wrong result cannot be put right: {told}"),
            "begin with a part of it that can be put right, or with drafts that a person sends",
        )),
        (Question::Data, "unsaid") => said(
            "nobody has said whether this data may go to a model",
            "ask whoever answers for data protection; a model on your own machines is a way out",
        ),
        (Question::Asked, "told") => said(
            "those who do the work were told, not asked",
            "ask them what the map leaves out, and write down what they say",
        ),
        (Question::Asked, "not") => said(
            "those who do the work were not asked",
            "ask them what the map leaves out, and write down what they say",
        ),
        (
            Question::Trigger
            | Question::Inputs
            | Question::Destination
            | Question::WhenWrong
            | Question::Data
            | Question::Asked,
            _,
        ) => None,
    }
}

fn few_cases(hundredths: i64) -> Option<Found> {
    let least = i64::try_from(LEAST_CASES)
        .unwrap_or(i64::MAX)
        .saturating_mul(100);
    (hundredths < least).then(|| {
        let days = PILOT_MOST.as_secs() / 86_400;
        let words = format!(
            "too few cases to judge it: a pilot of {days} days needs {ENOUGH} decided ones, so {LEAST_CASES} a week"
        );
        (Area::Eval, words, "take a kind of work that comes more often, or several of this kind together")
    })
}

fn few_old(hundredths: i64) -> Option<Found> {
    (hundredths < OLD_CASES * 100).then(|| {
        let words = format!("fewer than {OLD_CASES} decided cases to try it on");
        (
            Area::Eval,
            words,
            "keep what people decide from now on, or look in older records",
        )
    })
}

fn one_person(technical: &str, answers: &Answers) -> Option<Found> {
    let owner = answers.value(Question::Owner)?;
    let same = owner.trim().to_lowercase() == technical.trim().to_lowercase();
    same.then(|| {
        let words = format!("{technical} would own both how it works and what runs it");
        (Area::Ownership, words, "name somebody else for one of the two, or say in the charter why one person may hold both")
    })
}

/// Whether those who look have the time, and whether looking is worth it.
fn looking(review: i64, answers: &Answers) -> Option<Found> {
    if review == 0 {
        let words = "nobody has time to look at results".to_owned();
        return Some((
            Area::Review,
            words,
            "find the hours first: at first a person looks at every case",
        ));
    }
    let told = |q: Question| hundredths(answers.value(q)?);
    if told(Question::FrictionHours).is_some_and(|cost| review >= cost) {
        let words = "looking at results takes as long as the work does today".to_owned();
        return Some((
            Area::Economics,
            words,
            "take work that costs more, or a part of it that is quicker to look at",
        ));
    }
    let cases = told(Question::Cases)?;
    (review.saturating_mul(60) < cases.saturating_mul(LEAST_MINUTES)).then(|| {
        let words =
            format!("the hours for review are less than {LEAST_MINUTES} minute for each case");
        (
            Area::Review,
            words,
            "find more hours, or begin with fewer of the cases",
        )
    })
}

/// A metric that no record tells, or whose day is over, says nothing.
fn metric(value: &str, today: &str) -> Option<Found> {
    let name = value.split_whitespace().next().unwrap_or_default();
    if !name.parse::<Metric>().is_ok_and(is_kept) {
        let words = format!("{name} is not counted from records");
        return Some((
            Area::Eval,
            words,
            "choose a metric that is: the question names them",
        ));
    }
    let day = value.split_whitespace().next_back().unwrap_or_default();
    (day <= today).then(|| {
        let words = format!("the metric's day is over: {day}");
        (Area::Eval, words, "agree on a day that is still to come")
    })
}

fn map(value: &str) -> Option<Found> {
    let map = Map::read(value).filter(|m| m.has_more_steps())?;
    let words = format!("the new way has more steps ({})", map.words());
    Some((
        Area::Change,
        words,
        "leave steps out before anything is automated",
    ))
}
