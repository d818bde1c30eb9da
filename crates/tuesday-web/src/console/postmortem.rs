//! The postmortem of a workflow: seven questions with what records say, one root, what follows.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use tuesday_domain::access::Act;
use tuesday_domain::postmortem::follow_up::{FollowUpEvent, FollowUpState};
use tuesday_domain::postmortem::{PostmortemState, RootCause, RuledOut, Wall};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::FollowUp;
use tuesday_domain::time::{Timestamp, Zone};
use tuesday_engine::ops::{ClosedWith, FollowUpOf, NewFollowUp, PostmortemAnswer, PostmortemView};

use super::html;
use super::incidents::yes_no;
use super::shell::Shell;
use super::visit::Visit;
use super::words::{code, local};
use crate::auth::PostForm;
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

#[derive(Template)]
#[template(path = "postmortem.html")]
struct PostmortemPage {
    shell: Shell,
    problem: Option<Problem>,
    name: String,
    title: String,
    may: bool,
    /// Nothing is open and nothing ever was.
    card: Option<Card>,
    /// Another one may be asked for.
    may_ask: bool,
    follow: Follow,
    earlier: Vec<Earlier>,
    people: Vec<(String, String)>,
    roots: Vec<Word>,
    walls: Vec<Word>,
    typed: Typed,
}

/// A choice with its word.
struct Word {
    value: &'static str,
    words: String,
    on: bool,
}

/// What was typed when the page is shown again.
#[derive(Default)]
struct Typed {
    lessons: String,
    root: String,
    wall: String,
    inputs: String,
    rules: String,
    governance: String,
}

struct Card {
    number: u32,
    open: bool,
    stopped: String,
    reason: String,
    owner: String,
    opened: String,
    verdict: String,
    irrelevant: bool,
    answers: Vec<AnswerRow>,
    offered: Vec<(String, String)>,
    root: String,
    wall: String,
    lessons: String,
    closed: String,
}

struct AnswerRow {
    question: &'static str,
    asks: &'static str,
    tone: &'static str,
    word: &'static str,
    value: &'static str,
    evidence: String,
    path: String,
    by: String,
}

/// The table of follow-ups, with what may be done about them.
pub(super) struct Follow {
    pub(super) rows: Vec<FollowRow>,
    /// Follow-ups may be ended.
    pub(super) may: bool,
    /// Others may be added.
    pub(super) adds: bool,
    /// Where its forms go.
    pub(super) base: String,
    /// The postmortem, where it is one's.
    pub(super) number: u32,
}

/// A follow-up in a table.
pub(super) struct FollowRow {
    pub(super) id: String,
    pub(super) words: String,
    pub(super) owner: String,
    pub(super) due: String,
    pub(super) tone: &'static str,
    pub(super) state: &'static str,
    pub(super) open: bool,
    pub(super) note: String,
}

struct Earlier {
    number: u32,
    words: String,
}

/// Which one; the newest unless said.
#[derive(Deserialize)]
pub(crate) struct Which {
    pub(super) number: Option<u32>,
}

pub(super) fn follow_row(f: &FollowUp, zone: Option<&Zone>, now: Timestamp) -> FollowRow {
    let open = f.state == FollowUpState::Open;
    FollowRow {
        id: f.id.to_string(),
        words: f.words.clone(),
        owner: f.owner.clone(),
        due: local(f.due_at, zone),
        tone: match f.state {
            FollowUpState::Open if f.due_at < now => "bad",
            FollowUpState::Open => "warn",
            FollowUpState::Done => "ok",
            FollowUpState::Dropped => "plain",
        },
        state: f.state.word(),
        open,
        note: f.note.clone().unwrap_or_default(),
    }
}

fn card(view: PostmortemView, zone: &Zone) -> Card {
    let row = view.row;
    let answers = view.answers.into_iter().map(|a| AnswerRow {
        question: a.question.word(),
        asks: a.question.asks(),
        tone: match a.yes {
            Some(true) => "ok",
            Some(false) => "bad",
            None => "warn",
        },
        word: match a.yes {
            Some(true) => "Yes",
            Some(false) => "No",
            None => "Open",
        },
        value: match a.yes {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        },
        evidence: a.evidence,
        path: a.path,
        by: a.by.unwrap_or_default(),
    });
    let closed = row.closed_by.as_deref().zip(row.closed_at);
    Card {
        number: row.seq,
        open: row.state == PostmortemState::Open,
        stopped: code(row.stopped.word()),
        reason: row.reason,
        owner: row.owner,
        opened: local(row.opened_at, Some(zone)),
        verdict: view.verdict.words(),
        irrelevant: view.verdict.model_is_irrelevant(),
        answers: answers.collect(),
        offered: view
            .offered
            .into_iter()
            .map(|o| (code(o.root.word()), o.because))
            .collect(),
        root: row.root.map(|r| code(r.word())).unwrap_or_default(),
        wall: row.wall.map(|w| code(w.word())).unwrap_or_default(),
        lessons: row.lessons.unwrap_or_default(),
        closed: closed
            .map(|(by, at)| format!("Closed by {by}, {}.", local(at, Some(zone))))
            .unwrap_or_default(),
    }
}

/// The page of the newest postmortem, or of the one that is asked for.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(which): Query<Which>,
) -> Result<Response, PageError> {
    let typed = Typed::default();
    drawn(&app, visit, (&name, which.number), typed, None).await
}

async fn drawn(
    app: &App,
    visit: Visit,
    (name, number): (&str, Option<u32>),
    typed: Typed,
    problem: Option<Problem>,
) -> Result<Response, PageError> {
    visit.user.sees(name)?;
    let reader = app.engine.reader();
    let (row, ready) = app.workflow(name).await?;
    let all = app.engine.postmortems(Some(name)).await?;
    let view = match all.is_empty() {
        true => None,
        false => Some(Box::pin(app.engine.postmortem_of_workflow(name, number)).await?),
    };
    let shown = view.as_ref().map(|v| v.row.seq);
    let people = reader.people().await?.into_iter().filter(|p| p.active);
    let may = visit.user.rights.may(Act::HandleIncident, name)
        || view
            .as_ref()
            .is_some_and(|v| v.row.owner == visit.user.session.person);
    let now = app.engine.now();
    let follow = Follow {
        may,
        adds: may
            && view
                .as_ref()
                .is_some_and(|v| v.row.state == PostmortemState::Open),
        base: format!("/workflows/{name}/postmortem"),
        number: shown.unwrap_or(0),
        rows: view.as_ref().map_or_else(Vec::new, |v| {
            let rows = v.follow_ups.iter();
            rows.map(|f| follow_row(f, Some(&ready.zone), now))
                .collect()
        }),
    };
    let title = format!("{} postmortem", row.title);
    let shell = visit
        .shell(app, title, "workflow", Some(name.to_owned()))
        .await?;
    let word = |value: &'static str, typed: &str| Word {
        value,
        words: code(value),
        on: value == typed,
    };
    html(&PostmortemPage {
        shell,
        problem,
        name: name.to_owned(),
        title: row.title,
        may,
        may_ask: may && !follow.adds,
        follow,
        card: view.map(|v| card(v, &ready.zone)),
        earlier: all
            .iter()
            .filter(|p| Some(p.seq) != shown)
            .map(|p| Earlier {
                number: p.seq,
                words: format!(
                    "{} {}",
                    local(p.opened_at, Some(&ready.zone)),
                    code(p.stopped.word())
                ),
            })
            .collect(),
        people: people.map(|p| (p.handle, p.name)).collect(),
        roots: RootCause::ALL
            .iter()
            .map(|r| word(r.word(), &typed.root))
            .collect(),
        walls: Wall::ALL
            .iter()
            .map(|w| word(w.word(), &typed.wall))
            .collect(),
        typed,
    })
}

/// What is done on the page; the address says which.
pub(crate) async fn act(
    State(app): State<App>,
    Path((name, verb)): Path<(String, String)>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    form.user.sees(&name)?;
    let path = format!("/workflows/{name}/postmortem");
    let number = form.text("number").and_then(|n| n.parse().ok());
    match Box::pin(done(&app, &name, &verb, &form)).await {
        Ok(words) => {
            app.sessions.tell(&form.user, words.to_owned());
            Ok(Redirect::to(&path).into_response())
        }
        Err(problem) => {
            let text = |field: &str| form.text(field).unwrap_or_default();
            let typed = Typed {
                lessons: text("lessons"),
                root: text("root"),
                wall: text("wall"),
                inputs: text("inputs"),
                rules: text("rules"),
                governance: text("governance"),
            };
            let visit = Visit::after(form.user, path, &headers);
            drawn(&app, visit, (&name, number), typed, Some(problem)).await
        }
    }
}

async fn done(app: &App, name: &str, verb: &str, form: &PostForm) -> Result<&'static str, Problem> {
    let (engine, by) = (&app.engine, form.user.session.person.as_str());
    let text = |field: &str| form.text(field).unwrap_or_default();
    let some = |field: &str| form.text(field).filter(|t| !t.is_empty());
    let number = text("number").parse().unwrap_or(0);
    match verb {
        "open" => engine
            .open_postmortem(name, &text("reason"), by)
            .await
            .map(|_| "Open."),
        "answer" => {
            let question =
                query::word("question", some("question").as_deref())?.ok_or_else(|| {
                    Problem::new("bad_request", "name the question").field("question")
                })?;
            let said = PostmortemAnswer {
                question,
                yes: yes_no(&text("yes"), "yes")?,
                evidence: text("evidence"),
            };
            let answering = engine.answer_postmortem(name, number, said, by);
            answering.await.map(|_| "Answered.")
        }
        "close" => {
            let with = ClosedWith {
                root: query::word("root", some("root").as_deref())?,
                wall: query::word("wall", some("wall").as_deref())?,
                lessons: text("lessons"),
                ruled_out: RuledOut {
                    inputs: text("inputs"),
                    rules: text("rules"),
                    governance: text("governance"),
                },
            };
            let closing = engine.close_postmortem(name, number, with, by);
            Box::pin(closing).await.map(|_| "Closed.")
        }
        "follow-up" => {
            let of = FollowUpOf::Postmortem {
                workflow: name.to_owned(),
                seq: number,
            };
            add(app, of, form).await.map(|()| "Given.")
        }
        "follow-up-end" => end(app, form).await.map(|()| "Ended."),
        other => Err(Problem::new(
            "not_found",
            format!("there is no act `{other}`"),
        )),
    }
}

/// Gives somebody something to do, from a form with words, owner and a day.
pub(super) async fn add(app: &App, of: FollowUpOf, form: &PostForm) -> Result<(), Problem> {
    let text = |field: &str| form.text(field).unwrap_or_default();
    let day = text("due");
    // The whole of the day that is named.
    let due_at = Timestamp::parse(&format!("{day}T23:59:59Z"))
        .map_err(|_| Problem::new("bad_request", "name a day").field("due"))?;
    let new = NewFollowUp {
        of,
        words: text("todo"),
        owner: text("owner"),
        due_at,
    };
    let by = form.user.session.person.as_str();
    app.engine.add_follow_up(new, by).await.map(drop)
}

/// Ends a follow-up, from a form with its id, how and a note.
pub(super) async fn end(app: &App, form: &PostForm) -> Result<(), Problem> {
    let text = |field: &str| form.text(field).unwrap_or_default();
    let how: Option<FollowUpEvent> = query::word("how", Some(&text("how")))?;
    let how = how.ok_or_else(|| Problem::new("bad_request", "say finish or drop").field("how"))?;
    let (id, note) = (query::id(&text("follow_up"))?, text("note"));
    let by = form.user.session.person.as_str();
    app.engine.end_follow_up(id, how, &note, by).await.map(drop)
}
