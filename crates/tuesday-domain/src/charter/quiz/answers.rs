//! The answers of a candidate: what was said to each question, by whom and when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::question::Question;
use crate::charter::Statement;
use crate::charter::is_blank;
use crate::time::Timestamp;

/// Version of the form in which answers are kept.
const VERSION: u32 = 1;

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The answer in its one form.
    pub value: String,
    /// Handle of the person.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// The answers there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<Question, Said>);

#[derive(Serialize, Deserialize)]
struct Kept {
    v: u32,
    answers: BTreeMap<Question, Said>,
}

impl Answers {
    /// As they are stored; nothing when they cannot be read.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let kept: Kept = serde_json::from_str(text).ok()?;
        (kept.v == VERSION).then_some(Self(kept.answers))
    }

    /// The form in which they are stored.
    #[must_use]
    pub fn text(&self) -> String {
        let kept = Kept {
            v: VERSION,
            answers: self.0.clone(),
        };
        serde_json::to_string(&kept).unwrap_or_default()
    }

    /// What was said to a question. What is blank, or not of the question's form any more, was not said.
    #[must_use]
    pub fn get(&self, question: Question) -> Option<&Said> {
        let said = self.0.get(&question)?;
        let fits = question.read(&said.value).is_ok_and(|v| !v.is_empty());
        (fits && !is_blank(&said.value)).then_some(said)
    }

    /// Its text.
    #[must_use]
    pub fn value(&self, question: Question) -> Option<&str> {
        self.get(question).map(|s| s.value.as_str())
    }

    /// How many questions are answered.
    #[must_use]
    pub fn count(&self) -> usize {
        let all = Question::ALL.iter();
        all.filter(|q| self.get(**q).is_some()).count()
    }

    /// Keeps an answer that was read; a blank one takes it back. The same answer again stays that of who gave it.
    /// Answers whether anything changed.
    pub fn put(&mut self, question: Question, value: String, by: &str, at: Timestamp) -> bool {
        if self.0.get(&question).map_or("", |s| s.value.as_str()) == value {
            return false;
        }
        if value.is_empty() {
            self.0.remove(&question);
        } else {
            let by = by.to_owned();
            self.0.insert(question, Said { value, by, at });
        }
        true
    }

    /// The answers that are fields of the charter.
    pub fn statements(&self) -> impl Iterator<Item = (Statement, &Said)> {
        let all = Question::ALL.iter();
        all.filter_map(|q| Some((q.carries()?, self.get(*q)?)))
    }
}

/// Whether a workflow may be called so: small letters, digits and hyphens, beginning with a letter.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.len() <= 60 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(fits)
}
