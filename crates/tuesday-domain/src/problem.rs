//! What is refused, and how it is said: code, words, field and way out.
//!
//! Problems travel as RFC 9457 documents on HTTP and as one line plus exit code on the command
//! line. Each code has a page under `docs/errors/`.

mod codes;

use serde::Serialize;

pub use codes::CODES;

/// A refusal, complete enough for a person to act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Stable code from [`CODES`].
    pub code: &'static str,
    /// What happened, naming the field.
    pub detail: String,
    /// The field, when one is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way_out: Option<String>,
    /// Every wrong field, for schema violations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<crate::schema::FieldError>,
    /// Further members: the winner of a conflict, the run's id.
    #[serde(flatten)]
    pub more: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    /// A problem of this code.
    #[must_use]
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        debug_assert!(
            CODES.iter().any(|c| c.0 == code),
            "{code} is not in the table"
        );
        Self {
            code,
            detail: detail.into(),
            field: None,
            way_out: None,
            errors: Vec::new(),
            more: serde_json::Map::new(),
        }
    }
    /// Names the field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
    /// Names the way out.
    #[must_use]
    pub fn way_out(mut self, way_out: impl Into<String>) -> Self {
        self.way_out = Some(way_out.into());
        self
    }
    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }
    fn row(&self) -> (&'static str, u16, u8, &'static str) {
        CODES.iter().copied().find(|c| c.0 == self.code).unwrap_or((
            "internal",
            500,
            5,
            "Something that should not happen happened",
        ))
    }
    /// HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.row().1
    }
    /// Exit code of the command line.
    #[must_use]
    pub fn exit(&self) -> u8 {
        self.row().2
    }
    /// The code's title.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.row().3
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)?;
        if let Some(way_out) = &self.way_out {
            write!(f, "; {way_out}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_statuses_are_errors() {
        for (i, a) in CODES.iter().enumerate() {
            assert!(a.1 >= 400 && a.2 > 0, "{}", a.0);
            assert!(
                CODES.iter().skip(i + 1).all(|b| b.0 != a.0),
                "{} twice",
                a.0
            );
        }
    }
}
