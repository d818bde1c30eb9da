//! The turnover test of a workflow: whom it was run without, what those days showed, and on whom the
//! work hangs today.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use tuesday_domain::access::Act;
use tuesday_domain::charter::turnover::TurnoverState;
use tuesday_domain::problem::Problem;
use tuesday_domain::time::Zone;
use tuesday_engine::ops::{TurnoverCard, TurnoverView};

use super::html;
use super::incidents::name as name_of;
use super::shell::Shell;
use super::visit::Visit;
use super::words::{code, local, moment, plural};
use crate::auth::PostForm;
use crate::refusal::PageError;
use crate::state::App;

#[derive(Template)]
#[template(path = "turnover.html")]
struct TurnoverPage {
    shell: Shell,
    problem: Option<Problem>,
    name: String,
    title: String,
    /// On whom the work hangs; a sentence.
    hero: Option<String>,
    planned: Option<String>,
    shares: Vec<Share>,
    decisions: String,
    tests: Vec<Test>,
    /// A test is open: nothing can be started.
    open: bool,
    people: Vec<(String, String)>,
    may: bool,
}

struct Share {
    person: String,
    count: u64,
    percent: u64,
}

struct Test {
    open: bool,
    tone: &'static str,
    state: String,
    words: String,
    signed: String,
    grades: Vec<Grade>,
    people: Vec<(String, String)>,
    deeds: Vec<(String, String, String)>,
    more: u64,
}

struct Grade {
    name: String,
    words: String,
    met: bool,
}

fn test(t: TurnoverCard, zone: &Zone) -> Test {
    let open = !t.state.is_over();
    let end = t.ended_at.as_ref().unwrap_or(&t.until);
    let by = t.signed_by.unwrap_or_default();
    let signed = match (t.state, t.reason) {
        (TurnoverState::CalledOff, reason) => {
            format!("{by} called it off: {}", reason.unwrap_or_default())
        }
        (TurnoverState::Passed | TurnoverState::Failed, _) => format!("Signed by {by}."),
        _ => "As the log stands now; it counts once somebody else has signed it.".to_owned(),
    };
    let report = t.report.unwrap_or_default();
    let people = report.deeds.people.iter().map(|(person, kinds)| {
        let kinds = kinds
            .iter()
            .map(|(kind, n)| format!("{} {n}", code(&kind.replace('.', " ")).to_lowercase()));
        (person.clone(), kinds.collect::<Vec<_>>().join(", "))
    });
    let deeds = report.deeds.listed.iter().map(|d| {
        let what = code(&d.kind.replace('.', " "));
        (local(d.at, Some(zone)), d.person.clone(), what)
    });
    Test {
        tone: match t.state {
            TurnoverState::Running => "acc",
            TurnoverState::Ended => "warn",
            TurnoverState::Passed => "ok",
            TurnoverState::Failed => "bad",
            TurnoverState::CalledOff => "plain",
        },
        state: code(t.state.word()),
        words: format!(
            "Without {}, {} to {}",
            t.without,
            moment(&t.from, Some(zone)),
            moment(end, Some(zone))
        ),
        people: people.collect(),
        more: report
            .deeds
            .forbidden
            .saturating_sub(report.deeds.listed.len() as u64),
        deeds: deeds.collect(),
        grades: report
            .criteria
            .iter()
            .map(|c| Grade {
                name: code(&c.name),
                words: c.words.clone(),
                met: c.met,
            })
            .collect(),
        open,
        signed,
    }
}

/// The tests of a workflow.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    drawn(&app, visit, &name, None).await
}

async fn drawn(
    app: &App,
    visit: Visit,
    name: &str,
    problem: Option<Problem>,
) -> Result<Response, PageError> {
    visit.user.sees(name)?;
    let view = Box::pin(app.engine.turnover(name)).await?;
    let reader = app.engine.reader();
    let (_, ready) = app.workflow(name).await?;
    let holds: BTreeSet<String> = reader
        .grants_on(name)
        .await?
        .into_iter()
        .map(|g| g.person)
        .filter(|p| *p != visit.user.session.person)
        .collect();
    let mut people: Vec<(String, String)> = Vec::new();
    let everybody = reader.people().await?;
    for person in everybody.iter().cloned() {
        if holds.contains(&person.handle) {
            people.push((person.handle, person.name));
        }
    }
    let title = format!("{} turnover test", view.title);
    let shell = visit
        .shell(app, title, "workflow", Some(name.to_owned()))
        .await?;
    let may = visit.user.rights.may(Act::SetStage, name);
    let mut page = drawing(view, &ready.zone, (problem, shell, people, may));
    for share in &mut page.shares {
        share.person = name_of(&everybody, &share.person);
    }
    html(&page)
}

fn drawing(
    view: TurnoverView,
    zone: &Zone,
    (problem, shell, people, may): (Option<Problem>, Shell, Vec<(String, String)>, bool),
) -> TurnoverPage {
    let of: u64 = view.shares.iter().map(|(_, n)| n).sum();
    let shares = view.shares.into_iter().map(|(person, count)| Share {
        percent: (count * 100).checked_div(of).unwrap_or(0),
        person,
        count,
    });
    let hero = view.hero.map(|h| {
        format!(
            "The work hangs on {}: {} of {} decisions.",
            h.person, h.acts, h.of
        )
    });
    let tests: Vec<Test> = view.tests.into_iter().map(|t| test(t, zone)).collect();
    TurnoverPage {
        open: tests.iter().any(|t| t.open),
        shares: shares.collect(),
        decisions: plural(of, "decision"),
        planned: view.planned,
        name: view.workflow,
        title: view.title,
        hero,
        tests,
        problem,
        shell,
        people,
        may,
    }
}

/// What is done on the page; the address says which.
pub(crate) async fn act(
    State(app): State<App>,
    Path((name, verb)): Path<(String, String)>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let path = format!("/workflows/{name}/turnover");
    match Box::pin(done(&app, &name, &verb, &form)).await {
        Ok(words) => {
            app.sessions.tell(&form.user, words);
            Ok(Redirect::to(&path).into_response())
        }
        Err(problem) => {
            let visit = Visit::after(form.user, path, &headers);
            drawn(&app, visit, &name, Some(problem)).await
        }
    }
}

async fn done(app: &App, name: &str, verb: &str, form: &PostForm) -> Result<String, Problem> {
    let (engine, by) = (&app.engine, form.user.session.person.as_str());
    let text = |field: &str| form.text(field).unwrap_or_default();
    match verb {
        "start" => {
            let days = text("days").parse().map_err(|_| {
                Problem::new("bad_request", "the days are not a number").field("days")
            })?;
            let test = engine
                .start_turnover(name, &text("without"), days, by)
                .await?;
            Ok(format!("It runs without {} now.", test.without))
        }
        "sign" => {
            let (test, _) = Box::pin(engine.sign_turnover(name, by)).await?;
            Ok(format!("Signed: {}.", test.state))
        }
        "call-off" => {
            engine.call_off_turnover(name, &text("reason"), by).await?;
            Ok("Called off; it shows nothing.".to_owned())
        }
        other => Err(Problem::new(
            "not_found",
            format!("there is no act `{other}`"),
        )),
    }
}
