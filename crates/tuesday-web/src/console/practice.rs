//! Practice of those who decide: ten cases of the pack in one form, then each with what is right.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Map, Value};
use tuesday_domain::charter::practice::Exercise;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{Practice, PracticeResult};

use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::code;
use crate::auth::PostForm;
use crate::refusal::PageError;
use crate::state::App;

#[derive(Template)]
#[template(path = "practice.html")]
struct PracticePage {
    shell: Shell,
    problem: Option<Problem>,
    name: String,
    title: String,
    attempt: u32,
    tone: &'static str,
    standing: String,
    last: Option<String>,
    guidance: Vec<(String, String)>,
    cases: Vec<Shown>,
    /// The answers are graded: nothing is asked.
    graded: bool,
    verdict: String,
}

/// A case as it is shown, with what was said about it.
pub(super) struct Shown {
    /// Name of its heading on the page.
    pub(super) id: String,
    pub(super) number: u32,
    pub(super) input: Vec<(String, String)>,
    pub(super) sources: Vec<(String, Vec<(String, String)>)>,
    pub(super) proposed: Vec<(String, String)>,
    /// What was answered before, kept when another answer was missing.
    pub(super) typed: Option<bool>,
    /// It has to be answered before the others are sent.
    pub(super) required: bool,
    /// Was it right, and what would have been.
    pub(super) right: Option<bool>,
    pub(super) why: String,
}

fn text(value: &Value) -> String {
    match value {
        // A moment of the pack, which counts from the time of its trial.
        Value::String(s) if s.starts_with("@-") => {
            format!("{} before", s.get(2..).unwrap_or_default())
        }
        Value::String(s) => s.clone(),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}

pub(super) fn fields(map: &Map<String, Value>) -> Vec<(String, String)> {
    map.iter().map(|(k, v)| (code(k), text(v))).collect()
}

pub(super) fn shown(case: &Exercise, typed: Option<bool>, required: bool) -> Shown {
    let input = match &case.input {
        Value::Object(map) => fields(map),
        other => vec![("Event".to_owned(), text(other))],
    };
    let sources = case.sources.iter().map(|(name, record)| {
        let rows = match record {
            Value::Object(map) => fields(map),
            other => vec![("Answer".to_owned(), text(other))],
        };
        (code(name), rows)
    });
    Shown {
        id: format!("case-{}", case.number),
        required,
        number: case.number,
        input,
        sources: sources.collect(),
        proposed: fields(&case.proposed),
        typed,
        right: None,
        why: String::new(),
    }
}

fn standing(p: &Practice) -> (&'static str, String) {
    match (p.current, p.old) {
        (true, _) => ("ok", "Passed for the tiers in force".to_owned()),
        (_, true) => (
            "warn",
            "Passed for tiers that have changed since".to_owned(),
        ),
        _ => ("plain", "Not passed yet".to_owned()),
    }
}

/// The cases of one's next try.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let practice = Box::pin(app.engine.practice(&name, &visit.user.session.person)).await?;
    drawn(&app, visit, practice, None, &[]).await
}

async fn drawn(
    app: &App,
    visit: Visit,
    p: Practice,
    problem: Option<Problem>,
    typed: &[(u32, bool)],
) -> Result<Response, PageError> {
    let (tone, standing) = standing(&p);
    let given = |number: u32| typed.iter().find(|(n, _)| *n == number).map(|(_, a)| *a);
    let shell = visit
        .shell(
            app,
            format!("{} practice", p.title),
            "workflow",
            Some(p.workflow.clone()),
        )
        .await?;
    html(&PracticePage {
        cases: p
            .cases
            .iter()
            .map(|c| shown(c, given(c.number), true))
            .collect(),
        attempt: p.attempt,
        guidance: p.guidance,
        last: p.last,
        name: p.workflow,
        title: p.title,
        graded: false,
        verdict: String::new(),
        problem,
        tone,
        standing,
        shell,
    })
}

/// Grades the answers; what is missing is asked for again with the others kept.
pub(crate) async fn answer(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let by = form.user.session.person.clone();
    let before = Box::pin(app.engine.practice(&name, &by)).await?;
    let attempt = form
        .text("attempt")
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    let answers: Vec<(u32, bool)> = before
        .cases
        .iter()
        .filter_map(|c| {
            let said = form.text(&format!("case.{}", c.number))?;
            Some((c.number, said == "approve"))
        })
        .collect();
    let path = format!("/workflows/{name}/practice");
    let visit = Visit::after(form.user, path, &headers);
    let done = Box::pin(app.engine.answer_practice(&name, attempt, &answers, &by)).await;
    match done {
        Ok(result) => told(&app, visit, before, result).await,
        Err(problem) => drawn(&app, visit, before, Some(problem), &answers).await,
    }
}

async fn told(
    app: &App,
    visit: Visit,
    before: Practice,
    result: PracticeResult,
) -> Result<Response, PageError> {
    let of = result.cases.len();
    let (tone, verdict) = if result.passed {
        ("ok", format!("{} of {of} right: passed.", result.right))
    } else {
        (
            "bad",
            format!("{} of {of} right; nine are needed.", result.right),
        )
    };
    let cases = result.cases.iter().map(|c| Shown {
        right: Some(c.approved == c.approve),
        why: c.why.clone(),
        ..shown(&c.case, Some(c.approved), true)
    });
    let shell = visit
        .shell(
            app,
            format!("{} practice", before.title),
            "workflow",
            Some(before.workflow.clone()),
        )
        .await?;
    html(&PracticePage {
        cases: cases.collect(),
        attempt: result.attempt,
        guidance: before.guidance,
        standing: verdict.clone(),
        last: None,
        name: before.workflow,
        title: before.title,
        graded: true,
        problem: None,
        verdict,
        tone,
        shell,
    })
}
