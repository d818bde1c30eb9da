//! What is wrong with a table, beside the rule it is about, while it is typed.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use tuesday_domain::rules::{Finding, FindingCode, Severity};
use tuesday_engine::ops::RulesEdit;

use super::html;
use super::rules::table;
use super::rules_parts::edits;
use crate::auth::PostForm;
use crate::refusal::PageError;
use crate::state::App;

/// One finding in the words of the page.
pub(super) struct Found {
    pub(super) row: String,
    pub(super) column: String,
    pub(super) tone: &'static str,
    pub(super) kind: &'static str,
    pub(super) words: String,
    pub(super) way_out: String,
}

#[derive(Template)]
#[template(path = "parts/judged.html")]
struct Judged {
    found: Vec<Found>,
    known: Vec<Found>,
    found_told: &'static str,
}

/// What kind of fault it is, in one word.
const fn kind(code: FindingCode) -> &'static str {
    use FindingCode as F;
    match code {
        F::FallsToLastRow | F::CatchAllMissing => "Gap",
        F::Overlap => "Overlap",
        F::UnreachableRow | F::CellNeverMatches => "Never reached",
        F::PastSoftBound | F::PastHardBound | F::AutoPastSoftBound | F::AutoPastHardBound => {
            "Bound"
        }
        F::AutoUnlimited | F::AutoWithoutCondition => "No limit",
        F::UnusedColumn => "Not compared",
        F::CheckIncomplete => "Not checked",
        _ => "Fault",
    }
}

/// A finding as the page shows it.
pub(super) fn found(f: &Finding) -> Found {
    Found {
        row: f.row.clone().unwrap_or_default(),
        column: f.column.clone().unwrap_or_default(),
        tone: match f.severity {
            Severity::Error => "bad",
            Severity::SecondPerson | Severity::Warning => "warn",
            Severity::Info => "plain",
        },
        kind: kind(f.code),
        words: sentence(&f.message),
        way_out: sentence(&f.way_out),
    }
}

/// A fragment as a sentence; the id of a rule keeps its small letter.
pub(super) fn sentence(words: &str) -> String {
    let words = words.trim().trim_end_matches('.').replace('_', " ");
    let first = words.split_whitespace().next().unwrap_or_default();
    if first.contains(|c: char| c.is_ascii_digit()) {
        return format!("{words}.");
    }
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), letters.as_str())
    })
}

/// All findings: those in the way, and those that are only worth knowing.
pub(super) fn sorted(mut all: Vec<Found>) -> (Vec<Found>, Vec<Found>) {
    all.sort_by_key(|f| match f.tone {
        "bad" => 0,
        "warn" => 1,
        _ => 2,
    });
    all.into_iter().partition(|f| f.tone != "plain")
}

/// The verdict over all of them.
pub(super) fn told(found: &[Found]) -> &'static str {
    if found.iter().any(|f| f.tone == "bad") {
        "It cannot be put in force like this."
    } else if found.iter().any(|f| f.tone == "warn") {
        "It can be put in force; look at this first."
    } else if found.is_empty() {
        "Nothing is wrong: no rules overlap, every rule can be reached, and every value is inside its bounds."
    } else {
        "Nothing is wrong: every rule can be reached, and every value is inside its bounds."
    }
}

/// Judges what is typed. Nothing is kept.
pub(crate) async fn judge(
    State(app): State<App>,
    Path(name): Path<String>,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let by = &form.user.session.person;
    let edit = match form.text("text") {
        Some(text) if form.text("act").as_deref() == Some("upload") => RulesEdit::Text(text),
        _ => {
            let active = app.engine.live_rules(&name).await?;
            RulesEdit::Cells(edits(&form.fields, &table(&active)?))
        }
    };
    let draft = app.engine.judge_rules(&name, by, &edit).await?;
    let mut all: Vec<Found> = draft.findings.iter().map(found).collect();
    if let Some(p) = draft
        .refused
        .filter(|_| all.iter().all(|f| f.tone != "bad"))
    {
        let place = p.field.unwrap_or_default();
        let (row, column) = place.split_once('.').unwrap_or((&place, ""));
        all.push(Found {
            row: row.to_owned(),
            column: column.to_owned(),
            tone: "bad",
            kind: "Fault",
            words: sentence(&p.detail),
            way_out: p.way_out.as_deref().map(sentence).unwrap_or_default(),
        });
    }
    let found_told = told(&all);
    let (found, known) = sorted(all);
    html(&Judged {
        found_told,
        found,
        known,
    })
}
