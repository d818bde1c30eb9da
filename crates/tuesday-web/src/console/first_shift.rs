//! The first shift on its page: one's own queue, decided in one go or case by case, and the results of
//! everybody. What is right is told only after the end, and only to who took it.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use tuesday_domain::access::Act;
use tuesday_domain::charter::first_shift::FirstShiftState;
use tuesday_domain::problem::Problem;
use tuesday_domain::time::Zone;
use tuesday_engine::ops::{FirstShiftCard, FirstShiftOpen, Graded};

use super::html;
use super::practice::{Shown, fields, shown};
use super::shell::Shell;
use super::visit::Visit;
use super::words::{code, moment};
use crate::auth::PostForm;
use crate::refusal::PageError;
use crate::state::App;

#[derive(Template)]
#[template(path = "first_shift.html")]
struct FirstShiftPage {
    shell: Shell,
    problem: Option<Problem>,
    name: String,
    title: String,
    /// The reader decides here, so may take one.
    decides: bool,
    /// Who else takes one now.
    running: String,
    own: Option<Own>,
    tests: Vec<Test>,
}

struct Own {
    since: String,
    decided: usize,
    of: usize,
    cases: Vec<Shown>,
    help: String,
}

struct Test {
    tone: &'static str,
    state: String,
    told: String,
    words: String,
    cases: Vec<Case>,
}

struct Case {
    number: u32,
    right: bool,
    proposed: String,
    said: &'static str,
    why: String,
}

/// What was typed and could not be kept.
#[derive(Default)]
struct Typed {
    answers: Vec<(u32, bool)>,
    help: String,
}

fn own(open: &FirstShiftOpen, typed: Typed, zone: &Zone) -> Own {
    let given = |number: u32| typed.answers.iter().find(|a| a.0 == number).map(|a| a.1);
    let cases = open.left.iter();
    Own {
        since: moment(&open.from, Some(zone)),
        decided: open.of - open.left.len(),
        of: open.of,
        cases: cases.map(|c| shown(c, given(c.number), false)).collect(),
        help: typed.help,
    }
}

fn case(g: &Graded) -> Case {
    let proposed = fields(&g.case.proposed).into_iter();
    let proposed: Vec<String> = proposed.map(|(name, v)| format!("{name}: {v}")).collect();
    Case {
        number: g.case.number,
        right: g.approved == g.approve,
        proposed: proposed.join(", "),
        said: if g.approved {
            "You approved it"
        } else {
            "You did not approve it"
        },
        why: g.why.clone(),
    }
}

fn test(t: &FirstShiftCard, zone: &Zone) -> Test {
    Test {
        tone: match t.state {
            FirstShiftState::Passed => "ok",
            FirstShiftState::Failed => "bad",
            FirstShiftState::Running | FirstShiftState::NotCounted => "plain",
        },
        state: code(t.state.word()),
        told: format!("{}, {}", t.person, moment(&t.from, Some(zone))),
        words: t.report.words(),
        cases: t.cases.iter().map(case).collect(),
    }
}

/// The reader's queue and the results of everybody.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    drawn(&app, visit, &name, None, Typed::default()).await
}

async fn drawn(
    app: &App,
    visit: Visit,
    name: &str,
    problem: Option<Problem>,
    typed: Typed,
) -> Result<Response, PageError> {
    visit.user.sees(name)?;
    let me = visit.user.session.person.clone();
    let view = Box::pin(app.engine.first_shift(name, &me)).await?;
    let may = app.engine.who_may(Act::DecideReview, name).await?;
    let (_, ready) = app.workflow(name).await?;
    let zone = &ready.zone;
    let shell = visit
        .shell(
            app,
            format!("{} first shift", view.title),
            "workflow",
            Some(name.to_owned()),
        )
        .await?;
    html(&FirstShiftPage {
        decides: may.iter().any(|(handle, _)| *handle == me),
        running: view.running.join(", "),
        own: view.open.map(|o| own(&o, typed, zone)),
        tests: view.tests.iter().map(|t| test(t, zone)).collect(),
        name: view.workflow,
        title: view.title,
        problem,
        shell,
    })
}

/// Starts a shift or takes decisions on its cases; the address says which.
pub(crate) async fn act(
    State(app): State<App>,
    Path((name, verb)): Path<(String, String)>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let path = format!("/workflows/{name}/first-shift");
    let help = match form.text("help").unwrap_or_default().as_str() {
        "somebody" => form.text("helper").unwrap_or_default(),
        other => other.to_owned(),
    };
    let said = |number: u32| {
        let said = form.text(&format!("case.{number}"))?;
        Some((number, said == "approve"))
    };
    let typed = Typed {
        answers: (1..=CASES).filter_map(said).collect(),
        help,
    };
    match Box::pin(done(&app, &name, &verb, &typed, &form)).await {
        Ok(words) => {
            app.sessions.tell(&form.user, words);
            Ok(Redirect::to(&path).into_response())
        }
        Err(problem) => {
            let visit = Visit::after(form.user, path, &headers);
            drawn(&app, visit, &name, Some(problem), typed).await
        }
    }
}

/// Numbers that a form may hold.
const CASES: u32 = 20;

async fn done(
    app: &App,
    name: &str,
    verb: &str,
    typed: &Typed,
    form: &PostForm,
) -> Result<String, Problem> {
    let (engine, by) = (&app.engine, form.user.session.person.as_str());
    match verb {
        "start" => {
            Box::pin(engine.start_first_shift(name, by)).await?;
            Ok("Your queue is fixed. Ask nobody.".to_owned())
        }
        "answers" => {
            let help = Some(typed.help.as_str());
            let done = engine.answer_first_shift(name, &typed.answers, help, by);
            let done = Box::pin(done).await?;
            Ok(match done.report {
                Some(report) => format!("{}: {}.", code(done.state.word()), report.words()),
                None => format!("Kept. {} left.", done.left),
            })
        }
        other => Err(Problem::new(
            "not_found",
            format!("there is no act `{other}`"),
        )),
    }
}
