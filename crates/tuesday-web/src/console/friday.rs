//! The Friday test of a workflow, for people who build nothing: a run at random, twenty minutes, seven
//! questions, graded against the record. Nothing on the page says what is right before it is over.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use tuesday_domain::charter::friday::{FridayAnswers, FridayQuestion, FridayState};
use tuesday_domain::problem::Problem;
use tuesday_domain::time::Zone;
use tuesday_engine::ops::{FridayCard, FridayOpen, FridayView};

use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::{code, moment, plural};
use crate::api::friday::helper;
use crate::auth::PostForm;
use crate::refusal::PageError;
use crate::state::App;

#[derive(Template)]
#[template(path = "friday.html")]
struct FridayPage {
    shell: Shell,
    problem: Option<Problem>,
    name: String,
    title: String,
    /// Somebody takes it now.
    busy: Option<String>,
    /// The reader takes it.
    own: Option<Own>,
    tests: Vec<Test>,
}

struct Own {
    run: String,
    until: String,
    left: String,
    late: bool,
    not_counted: Option<String>,
    questions: Vec<Asked>,
    help: String,
}

struct Asked {
    word: &'static str,
    text: &'static str,
    several: bool,
    typed: String,
    options: Vec<Choice>,
}

struct Choice {
    value: String,
    words: String,
    chosen: bool,
}

struct Test {
    tone: &'static str,
    state: String,
    told: String,
    words: String,
    run: String,
    grades: Vec<Grade>,
}

struct Grade {
    text: &'static str,
    right: bool,
    said: String,
    record: String,
}

fn own(open: FridayOpen, typed: &FridayAnswers, help: String, zone: &Zone) -> Own {
    let said = |q: FridayQuestion, value: &str| typed.get(&q).is_some_and(|s| s.contains(value));
    let questions = open.questions.into_iter().map(|q| Asked {
        word: q.question.word(),
        text: q.text,
        several: q.several,
        typed: typed
            .get(&q.question)
            .and_then(|s| s.first().cloned())
            .unwrap_or_default(),
        options: q
            .options
            .into_iter()
            .map(|o| Choice {
                chosen: said(q.question, &o.value),
                value: o.value,
                words: o.words,
            })
            .collect(),
    });
    Own {
        until: moment(&open.until, Some(zone)),
        left: plural(open.seconds_left.div_ceil(60), "minute"),
        late: open.seconds_left == 0,
        not_counted: open.not_counted,
        questions: questions.collect(),
        run: open.run.unwrap_or_default(),
        help,
    }
}

fn listed(all: &[String]) -> String {
    if all.is_empty() {
        return "nothing".to_owned();
    }
    all.iter().map(|w| code(w)).collect::<Vec<_>>().join(", ")
}

fn test(t: FridayCard, zone: &Zone) -> Test {
    let grades = t.report.grades.iter().map(|g| Grade {
        text: g.question.text(),
        right: g.right,
        said: listed(&g.said),
        record: listed(&g.record),
    });
    Test {
        tone: match t.state {
            FridayState::Passed => "ok",
            FridayState::Failed => "bad",
            FridayState::Running | FridayState::NotCounted => "plain",
        },
        state: code(t.state.word()),
        told: format!("{}, {}", t.person, moment(&t.from, Some(zone))),
        words: t.report.words(),
        grades: grades.collect(),
        run: t.run,
    }
}

/// The tests of a workflow, and the one that the reader takes.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    drawn(
        &app,
        visit,
        &name,
        (None, FridayAnswers::new(), String::new()),
    )
    .await
}

async fn drawn(
    app: &App,
    visit: Visit,
    name: &str,
    (problem, typed, help): (Option<Problem>, FridayAnswers, String),
) -> Result<Response, PageError> {
    visit.user.sees(name)?;
    let me = visit.user.session.person.clone();
    let view: FridayView = Box::pin(app.engine.friday(name, &me)).await?;
    let (_, ready) = app.workflow(name).await?;
    let zone = &ready.zone;
    let shell = visit
        .shell(
            app,
            format!("{} Friday test", view.title),
            "workflow",
            Some(name.to_owned()),
        )
        .await?;
    let (mut busy, mut mine) = (None, None);
    match view.open {
        Some(open) if open.person == me => mine = Some(own(open, &typed, help, zone)),
        Some(open) => {
            busy = Some(format!(
                "{} takes a test until {}.",
                open.person,
                moment(&open.until, Some(zone))
            ));
        }
        None => {}
    }
    html(&FridayPage {
        tests: view.tests.into_iter().map(|t| test(t, zone)).collect(),
        name: view.workflow,
        title: view.title,
        own: mine,
        busy,
        problem,
        shell,
    })
}

/// Starts a test or answers it; the address says which.
pub(crate) async fn act(
    State(app): State<App>,
    Path((name, verb)): Path<(String, String)>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let path = format!("/workflows/{name}/friday");
    let typed = answers(&form);
    let help = match form.text("help").unwrap_or_default().as_str() {
        "somebody" => form.text("helper").unwrap_or_default(),
        other => other.to_owned(),
    };
    match Box::pin(done(&app, &name, &verb, (&typed, &help), &form)).await {
        Ok(words) => {
            app.sessions.tell(&form.user, words);
            Ok(Redirect::to(&path).into_response())
        }
        Err(problem) => {
            let visit = Visit::after(form.user, path, &headers);
            drawn(&app, visit, &name, (Some(problem), typed, help)).await
        }
    }
}

fn answers(form: &PostForm) -> FridayAnswers {
    let said = |q: &FridayQuestion| {
        let said: BTreeSet<String> = form.all(q.word()).into_iter().collect();
        (*q, said)
    };
    FridayQuestion::ALL.iter().map(said).collect()
}

async fn done(
    app: &App,
    name: &str,
    verb: &str,
    (answers, help): (&FridayAnswers, &str),
    form: &PostForm,
) -> Result<String, Problem> {
    let (engine, by) = (&app.engine, form.user.session.person.as_str());
    match verb {
        "start" => {
            Box::pin(engine.start_friday(name, by)).await?;
            Ok("The twenty minutes run.".to_owned())
        }
        "answers" => {
            let helped = helper(help)?;
            let done = engine.answer_friday(name, answers.clone(), helped, by);
            let (test, report) = Box::pin(done).await?;
            Ok(format!("{}: {}.", code(test.state.word()), report.words()))
        }
        other => Err(Problem::new(
            "not_found",
            format!("there is no act `{other}`"),
        )),
    }
}
