//! Who did something: a person, a token of a machine, a rule, or the system itself.

use std::fmt;
use std::str::FromStr;

/// The author of a change, kept with every audit entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Actor {
    /// A named person, by handle. Only persons decide.
    Person(String),
    /// A scoped API token, by its id text. Proposes, never approves.
    Token(String),
    /// A trigger, by kind and name.
    Trigger(String),
    /// A row of the decision table: `r3@7`.
    Rule(String),
    /// A part of the system, such as `worker` or `review_alerts`.
    System(&'static str),
}

impl Actor {
    /// The person's handle, when it is a person.
    #[must_use]
    pub fn person(&self) -> Option<&str> {
        match self {
            Self::Person(handle) => Some(handle),
            _ => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(p) => write!(f, "person:{p}"),
            Self::Token(t) => write!(f, "token:{t}"),
            Self::Trigger(t) => write!(f, "trigger:{t}"),
            Self::Rule(r) => write!(f, "rule:{r}"),
            Self::System(s) => write!(f, "system:{s}"),
        }
    }
}

/// Sensitivity class of a field or a payload; ordered from harmless to strictest.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// May be published.
    Public,
    /// For people inside.
    Internal,
    /// For those who work on the case.
    Confidential,
    /// Named clearance only; also what an unclassified field counts as.
    Restricted,
}

impl Class {
    /// The word used in schemas, tables and pages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Confidential => "confidential",
            Self::Restricted => "restricted",
        }
    }
}

impl FromStr for Class {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [
            Self::Public,
            Self::Internal,
            Self::Confidential,
            Self::Restricted,
        ]
        .into_iter()
        .find(|c| c.word() == text)
        .ok_or_else(|| {
            format!(
                "`{text}` is not a sensitivity class: public, internal, confidential or restricted"
            )
        })
    }
}
