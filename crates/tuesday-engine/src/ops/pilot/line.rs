//! Lines of the evidence pack: what was seen, how it is known, and where its records are.

use serde::Serialize;
use tuesday_domain::charter::pack::{Known, PilotPart};
use tuesday_domain::ledger::shown::Shown;
use tuesday_domain::ledger::told;

/// One line of a part.
#[derive(Clone, Debug, Serialize)]
pub struct PilotLine {
    /// What is said.
    pub words: String,
    /// How it is known.
    pub known: Known,
    /// Handle of who claims it.
    pub by: Option<String>,
    /// The page with its records.
    pub records: Option<String>,
}

/// A part of the pack.
#[derive(Clone, Debug, Serialize)]
pub struct PilotPartView {
    /// Which one.
    pub part: PilotPart,
    /// As people read it.
    pub title: &'static str,
    /// Evidence when any line is; a claim alone is a claim.
    pub known: Known,
    /// What there is.
    pub lines: Vec<PilotLine>,
}

/// A question with its answer.
#[derive(Clone, Debug, Serialize)]
pub struct PilotAnswer {
    /// Stable word.
    pub asks: &'static str,
    /// The group of a list that has groups.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub group: &'static str,
    /// As people read it.
    pub title: &'static str,
    /// How the answer is known.
    pub known: Known,
    /// The answer, or what is lacking.
    pub words: String,
    /// Handle of who claims it.
    pub by: Option<String>,
    /// The page with its records.
    pub records: Option<String>,
}

/// Something that records show.
pub(super) fn seen(words: impl Into<String>, records: impl Into<String>) -> PilotLine {
    PilotLine {
        words: words.into(),
        known: Known::Evidence,
        by: None,
        records: Some(records.into()),
    }
}

/// A figure; one that is missing is no evidence and says what is lacking.
pub(super) fn figure(s: &Shown) -> PilotLine {
    let (known, words) = match s.value {
        None => (Known::NoEvidence, format!("{}: {}", s.title, s.means)),
        Some(n) => (
            Known::Evidence,
            format!("{}: {}; {}", s.title, amount(n, s), s.means),
        ),
    };
    PilotLine {
        words,
        known,
        by: None,
        records: s.records.clone(),
    }
}

/// A value in its unit, for a sentence.
pub(super) fn amount(n: i64, s: &Shown) -> String {
    told::text(n, s.unit, s.currency.as_deref())
}

impl PilotPartView {
    /// From its lines: one that is shown makes it evidence, else one that is claimed makes it a claim.
    pub(super) fn of(part: PilotPart, lines: Vec<PilotLine>) -> Self {
        let any = |known| lines.iter().any(|l| l.known == known);
        let known = if any(Known::Evidence) {
            Known::Evidence
        } else if any(Known::Claim) {
            Known::Claim
        } else {
            Known::NoEvidence
        };
        Self {
            part,
            title: part.title(),
            known,
            lines,
        }
    }
}
