//! Which workflow to build next: the candidates in their order, each with what is in its way.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use tuesday_domain::access::Act;
use tuesday_domain::charter::quiz::{Group, hours_words};
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{AnswerWish, BlockerView, CandidateLine, Ranking, Reader};

use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::code;
use crate::auth::PostForm;
use crate::refusal::PageError;
use crate::state::App;

#[derive(Template)]
#[template(path = "readiness.html")]
struct ReadinessPage {
    shell: Shell,
    problem: Option<Problem>,
    groups: Vec<Part>,
    /// The reader may put a workflow forward.
    may: bool,
    typed: Typed,
}

/// The candidates of a group.
struct Part {
    title: &'static str,
    tone: &'static str,
    rows: Vec<Row>,
}

struct Row {
    place: usize,
    name: String,
    title: String,
    /// What would be left, and how that was counted.
    net: String,
    counted: String,
    /// Of a bar of a hundred; nothing where there is nothing to draw.
    width: Option<i64>,
    answered: usize,
    of: usize,
    installed: bool,
    said: Vec<Way>,
    open: Vec<Way>,
}

/// Something in the way, as a link to where it is said.
pub(super) struct Way {
    pub(super) path: String,
    pub(super) area: String,
    pub(super) words: String,
    pub(super) next: &'static str,
}

/// What was typed and could not be kept.
#[derive(Default)]
struct Typed {
    name: String,
    title: String,
}

impl Typed {
    fn bad(&self, problem: Option<&Problem>, field: &str) -> bool {
        problem.is_some_and(|p| p.field.as_deref() == Some(field))
    }
}

impl ReadinessPage {
    fn bad(&self, field: &str) -> bool {
        self.typed.bad(self.problem.as_ref(), field)
    }
}

pub(super) fn way(b: &BlockerView) -> Way {
    Way {
        path: b.path.clone(),
        area: code(b.area),
        words: b.words.trim_start_matches("nobody has said: ").to_owned(),
        next: b.next,
    }
}

/// How what is left was counted, in words.
pub(super) fn counted(line: &CandidateLine) -> String {
    let told = |h: Option<i64>| h.map_or_else(|| "not known".to_owned(), hours_words);
    format!("{} today − {} review", told(line.today), told(line.review))
}

fn row(line: &CandidateLine, most: i64) -> Row {
    let ways = |unsaid: bool| {
        let each = line.blockers.iter().filter(move |b| b.unsaid == unsaid);
        each.map(way).collect()
    };
    Row {
        place: line.place,
        name: line.name.clone(),
        title: line.title.clone(),
        net: line.net_words.clone(),
        counted: counted(line),
        width: line
            .net
            .filter(|n| *n > 0 && most > 0)
            .map(|n| (n.saturating_mul(100) / most).clamp(1, 100)),
        answered: line.answered,
        of: line.of,
        installed: line.installed,
        said: ways(false),
        open: ways(true),
    }
}

fn groups(ranking: &Ranking) -> Vec<Part> {
    let all = &ranking.candidates;
    let most = all.iter().filter_map(|l| l.net).max().unwrap_or(0);
    let part = |group: &Group| Part {
        title: group.title(),
        tone: match group {
            Group::Clear => "ok",
            Group::Few => "warn",
            Group::NotYet => "esc",
        },
        rows: {
            let own = all.iter().filter(|l| l.group == *group);
            own.map(|l| row(l, most)).collect()
        },
    };
    let parts = Group::ALL.iter().map(part);
    parts.filter(|p| !p.rows.is_empty()).collect()
}

/// The ranking that this person may read.
pub(super) async fn ranking(app: &App, visit: &Visit) -> Result<Ranking, PageError> {
    let (who, rights) = visit.user.reading();
    let reader = Reader { who: &who, rights };
    Ok(Box::pin(app.engine.ranking(&reader)).await?)
}

/// The page.
pub(crate) async fn page(State(app): State<App>, visit: Visit) -> Result<Response, PageError> {
    drawn(&app, visit, None, Typed::default()).await
}

async fn drawn(
    app: &App,
    visit: Visit,
    problem: Option<Problem>,
    typed: Typed,
) -> Result<Response, PageError> {
    let ranking = ranking(app, &visit).await?;
    let shell = visit.shell(app, "Readiness", "hub", None).await?;
    html(&ReadinessPage {
        groups: groups(&ranking),
        may: visit.user.may(Act::SignCharter),
        problem,
        typed,
        shell,
    })
}

/// Puts a workflow forward and goes on to its questions.
pub(crate) async fn propose(
    State(app): State<App>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let text = |field: &str| form.text(field).unwrap_or_default();
    let typed = Typed {
        name: text("name"),
        title: text("title"),
    };
    let (who, rights) = form.user.reading();
    let reader = Reader { who: &who, rights };
    let wish = AnswerWish {
        seen: Some(0),
        title: Some(typed.title.clone()),
        answers: Vec::new(),
    };
    let done = Box::pin(app.engine.answer_candidate(&typed.name, wish, &reader)).await;
    match done {
        Ok(row) => Ok(Redirect::to(&format!("/readiness/{}", row.name)).into_response()),
        Err(problem) => {
            let visit = Visit::after(form.user, "/readiness".to_owned(), &headers);
            drawn(&app, visit, Some(problem), typed).await
        }
    }
}
