//! The evidence of a pilot on a page that prints: seven parts, five questions, six steps, and the fifteen
//! questions of going live. A claim is called a claim, and a part without data says so.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use tuesday_domain::access::Act;
use tuesday_domain::charter::pack::Known;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{Mistake, PilotAnswer, PilotPack, PilotPartView};

use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::code;
use crate::api::pilot::saying;
use crate::api::sheet;
use crate::auth::PostForm;
use crate::refusal::PageError;
use crate::state::App;

#[derive(Template)]
#[template(path = "pilot.html")]
struct PilotPage {
    shell: Shell,
    problem: Option<Problem>,
    name: String,
    title: String,
    days: String,
    state: String,
    question: String,
    criteria: String,
    /// Fields that were changed after the start.
    changed: String,
    parts: Vec<PilotPartView>,
    questions: Vec<PilotAnswer>,
    steps: Vec<Step>,
    go_live: Vec<PilotAnswer>,
    blank: String,
    mistakes: Vec<Mistake>,
    trap: Option<String>,
    may: bool,
    at: String,
}

struct Step {
    word: &'static str,
    title: &'static str,
    tone: &'static str,
    state: &'static str,
    words: String,
    current: bool,
}

/// The colour of how something is known.
fn tone(known: &Known) -> &'static str {
    match known {
        Known::Evidence => "ok",
        Known::Claim => "warn",
        Known::NoEvidence => "plain",
    }
}

fn steps(pack: &PilotPack) -> Vec<Step> {
    let all = pack.steps.iter();
    all.map(|s| {
        let current = pack.current == Some(s.step.word());
        let (tone, state) = match (s.done, &s.excused) {
            (true, _) => ("ok", "Done"),
            (false, Some(_)) => ("warn", "Jumped over"),
            (false, None) if current => ("acc", "Next"),
            (false, None) => ("plain", "Open"),
        };
        Step {
            word: s.step.word(),
            title: s.title,
            words: match (&s.excused, s.done) {
                (Some(why), _) => why.clone(),
                (None, true) => String::new(),
                (None, false) => s.closes.replace("WORKFLOW", &pack.workflow),
            },
            tone,
            state,
            current,
        }
    })
    .collect()
}

/// The evidence of a workflow's pilot.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    drawn(&app, visit, &name, None).await
}

/// Every line as CSV.
pub(crate) async fn file(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let pack = Box::pin(app.engine.pilot_pack(&name)).await?;
    let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
    Ok((kind, sheet::pilot(&pack)).into_response())
}

async fn drawn(
    app: &App,
    visit: Visit,
    name: &str,
    problem: Option<Problem>,
) -> Result<Response, PageError> {
    visit.user.sees(name)?;
    let pack = Box::pin(app.engine.pilot_pack(name)).await?;
    let may = visit.user.rights.may(Act::SignCharter, name);
    let title = format!("{} pilot evidence", pack.title);
    let shell = visit
        .shell(app, title, "workflow", Some(name.to_owned()))
        .await?;
    let blank: Vec<String> = pack.blank.iter().map(|b| code(b).to_lowercase()).collect();
    let changed = pack.pilot.changed_after_start.iter();
    let changed: Vec<String> = changed.map(|w| code(w).to_lowercase()).collect();
    let said = |text: Option<String>| text.unwrap_or_else(|| "blank".to_owned());
    html(&PilotPage {
        steps: steps(&pack),
        days: format!("{} to {}", pack.days.from, pack.days.to),
        state: format!("{} · {}", code(pack.label), code(pack.pilot.state)),
        question: said(pack.pilot.question),
        criteria: said(pack.pilot.criteria),
        changed: changed.join(", "),
        name: pack.workflow,
        title: pack.title,
        parts: pack.parts,
        questions: pack.questions,
        go_live: pack.go_live,
        mistakes: pack.mistakes,
        trap: pack.trap,
        blank: blank.join(", "),
        at: pack.at.chars().take(10).collect(),
        problem,
        shell,
        may,
    })
}

/// Keeps what somebody says.
pub(crate) async fn say(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let path = format!("/workflows/{name}/pilot");
    let text = |field: &str| form.text(field).unwrap_or_default();
    let (kind, about, words) = (text("kind"), text("about"), text("text"));
    let done = match saying(&kind) {
        Ok(what) => {
            let by = form.user.session.person.as_str();
            app.engine
                .say_of_pilot(&name, (what, &about), &words, by)
                .await
        }
        Err(problem) => Err(problem),
    };
    match done {
        Ok(_) => {
            app.sessions
                .tell(&form.user, "Kept under your name.".to_owned());
            Ok(Redirect::to(&path).into_response())
        }
        Err(problem) => {
            let visit = Visit::after(form.user, path, &headers);
            drawn(&app, visit, &name, Some(problem)).await
        }
    }
}
