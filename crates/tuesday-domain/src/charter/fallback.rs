//! Declared use of the manual fallback: work was given back to people on purpose, from one moment to another. What the
//! old way is used for meanwhile says nothing about whether it is retired.

use super::prove::Facts;
use super::statement::Statement;
use crate::record::CharterFact;
use crate::time::Timestamp;

/// More of them than this are not looked at; the newest count.
const MOST: usize = 200;

/// One declared use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// When it was declared.
    pub from: Timestamp,
    /// When it ended; absent while it lasts.
    pub until: Option<Timestamp>,
}

impl Fallback {
    /// The statement that a use begins: about the moment, so that its end is stated about the same.
    #[must_use]
    pub fn begun(from: Timestamp) -> (String, String) {
        (from.rfc3339(), "begun".to_owned())
    }

    /// What is stated once it is over.
    #[must_use]
    pub fn ended(until: Timestamp) -> String {
        format!("until {}", until.rfc3339())
    }

    fn read(fact: &CharterFact) -> Option<Self> {
        let from = Timestamp::parse(&fact.about).ok()?;
        let until = match fact.value.strip_prefix("until ") {
            Some(text) => Some(Timestamp::parse(text).ok()?),
            None => None,
        };
        Some(Self { from, until })
    }
}

/// The declared uses, the newest first.
#[must_use]
pub fn declared(facts: &Facts) -> Vec<Fallback> {
    let mut all: Vec<Fallback> = facts
        .each(Statement::FallbackUse)
        .filter_map(Fallback::read)
        .collect();
    all.sort_by_key(|f| std::cmp::Reverse(f.from));
    all.truncate(MOST);
    all
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn fact(seq: u32, from: Timestamp, value: &str) -> CharterFact {
        CharterFact {
            workflow: "small".into(),
            seq,
            statement: Statement::FallbackUse,
            about: from.rfc3339(),
            value: value.to_owned(),
            by: "rhea".into(),
            at: from,
        }
    }

    #[test]
    fn a_use_begins_and_ends_under_one_name() {
        let (one, two) = (at("2026-11-01T08:00:00Z"), at("2026-11-20T08:00:00Z"));
        let end = at("2026-11-01T17:30:00Z");
        let facts = Facts::new(vec![
            fact(1, one, &Fallback::begun(one).1),
            fact(2, one, &Fallback::ended(end)),
            fact(3, two, &Fallback::begun(two).1),
            fact(4, at("2026-11-21T08:00:00Z"), "until nonsense"),
        ]);
        let wanted = [
            Fallback {
                from: two,
                until: None,
            },
            Fallback {
                from: one,
                until: Some(end),
            },
        ];
        assert_eq!(
            declared(&facts),
            wanted,
            "what cannot be read excuses nothing"
        );
        assert_eq!(Fallback::begun(one).0, one.rfc3339());
    }
}
