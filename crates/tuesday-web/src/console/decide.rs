//! The decisions: each form ends with the next case, or with a panel that says who was faster.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Review;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{Approval, Case, Decided, Refusal};

use super::case::name;
use super::forms::{mark, read, refill};
use super::queue::{QueueQuery, order};
use super::review::{following, input_schema, prepare};
use super::views::{Changed, Panel, Unread};
use super::visit::Visit;
use super::words::{code, span};
use crate::api::decisions::settlement;
use crate::auth::{PostForm, User};
use crate::query;
use crate::refusal::{PageError, status};
use crate::state::App;

/// What was done, for the script that has moved on already.
#[derive(Serialize)]
pub(crate) struct Told {
    told: String,
    id: String,
    revision: u32,
    /// The case has left the person's hands.
    decided: bool,
    /// Where a page without script would go.
    next: String,
    /// Who has it now, in the words of the mark.
    claim: Option<String>,
    /// How the act can be taken back, and for how long.
    undo: Option<Undo>,
}

/// The form that takes an approval back while nothing was sent.
#[derive(Serialize)]
struct Undo {
    action: String,
    revision: u32,
    ms_left: u64,
}

/// What an act led to: words for the next page, the task, and until when it can be taken back.
pub(crate) struct Happened {
    words: String,
    review: Review,
    until: Option<Timestamp>,
}

impl From<(String, Review)> for Happened {
    fn from((words, review): (String, Review)) -> Self {
        Self {
            words,
            review,
            until: None,
        }
    }
}

impl From<Decided> for Happened {
    fn from(d: Decided) -> Self {
        Self {
            words: decided_words(&d.review, d.approvals_left),
            review: d.review,
            until: d.recall_until,
        }
    }
}

/// Whether the script sent this form: it wants to know what happened and draws the rest itself.
pub(crate) fn by_script(headers: &HeaderMap) -> bool {
    headers.contains_key("x-console")
}

/// What a decision form came with.
pub(crate) struct Asked {
    pub(crate) id: ReviewId,
    pub(crate) q: QueueQuery,
    headers: HeaderMap,
}

/// Reads the id and makes sure that this person reaches the task.
pub(crate) async fn asked(
    app: &App,
    user: &User,
    id: &str,
    q: QueueQuery,
    headers: HeaderMap,
) -> Result<Asked, PageError> {
    let id: ReviewId = query::id(id)?;
    let task = app.engine.reader().review(id).await?;
    let task: Review =
        task.ok_or_else(|| Problem::new("not_found", format!("there is no review task {id}")))?;
    user.sees(&task.workflow)?;
    Ok(Asked { id, q, headers })
}

/// The case after this one, which must be found before the decision takes it out of the queue.
pub(crate) async fn onward(
    app: &App,
    user: User,
    asked: &Asked,
) -> Result<(User, String), PageError> {
    let visit = Visit::after(user, String::new(), &asked.headers);
    let suffix = asked.q.address(&asked.q.after);
    if by_script(&asked.headers) {
        return Ok((visit.user, format!("/queue{suffix}")));
    }
    let tasks = order(app, &visit, &asked.q).await?;
    let address = following(&tasks, asked.id).map_or_else(
        || format!("/queue{suffix}"),
        |n| format!("/reviews/{}{suffix}", n.id),
    );
    Ok((visit.user, address))
}

/// Approves as it stands.
pub(crate) async fn approve(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(q): Query<QueueQuery>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let approval = Approval {
        revision: form.revision()?,
        edit: None,
        reason: form.text("reason"),
        note: form.text("note"),
        checklist: form.all("checklist"),
        accept_changed: form.text("accept_changed").is_some(),
        key: None,
    };
    let asked = asked(&app, &form.user, &id, q, headers).await?;
    let (user, next) = onward(&app, form.user, &asked).await?;
    let result = app
        .engine
        .approve(asked.id, &user.session.person, approval)
        .await;
    finish(&app, user, asked, next, result, form.fields).await
}

/// What the next page says about a decision.
pub(crate) fn decided_words(review: &Review, left: u32) -> String {
    match left {
        0 => format!("{}: {}", code(review.state.word()), review.subject),
        _ => format!(
            "Your approval counts; one more person is needed: {}",
            review.subject
        ),
    }
}

/// Rejects.
pub(crate) async fn reject(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(q): Query<QueueQuery>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let refusal = Refusal {
        revision: form.revision()?,
        reason: form.text("reason").unwrap_or_default(),
        note: form.text("note"),
        key: None,
    };
    let asked = asked(&app, &form.user, &id, q, headers).await?;
    let (user, next) = onward(&app, form.user, &asked).await?;
    let result = app
        .engine
        .reject(asked.id, &user.session.person, refusal)
        .await;
    finish(
        &app,
        user,
        asked,
        next,
        result.map(|d| (decided_words(&d.review, 0), d.review)),
        form.fields,
    )
    .await
}

/// Passes on.
pub(crate) async fn escalate(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(q): Query<QueueQuery>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let (revision, note) = (form.revision()?, form.text("note"));
    let asked = asked(&app, &form.user, &id, q, headers).await?;
    let (user, next) = onward(&app, form.user, &asked).await?;
    let result = app
        .engine
        .escalate(asked.id, &user.session.person, note, revision)
        .await;
    finish(
        &app,
        user,
        asked,
        next,
        result.map(|r| (format!("Passed on: {}", r.subject), r)),
        form.fields,
    )
    .await
}

/// Settles what is not a plain yes or no.
pub(crate) async fn settle(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(q): Query<QueueQuery>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let (revision, how, text) = (
        form.revision()?,
        form.text("settle").unwrap_or_default(),
        form.text("text"),
    );
    let asked = asked(&app, &form.user, &id, q, headers).await?;
    let supplied = if how == "supply" {
        let (schema, event) = input_schema(&Box::pin(form.user.case(&app, asked.id)).await?);
        Some(read(&schema, &event, &form.fields).map_err(|errors| {
            let mut p = Problem::new("schema_violation", "a field cannot be read");
            p.errors = errors;
            p
        }))
    } else {
        None
    };
    let (user, next) = onward(&app, form.user, &asked).await?;
    let result = match supplied
        .transpose()
        .and_then(|input| settlement(&how, text, input))
    {
        Ok(settlement) => {
            app.engine
                .settle(asked.id, &user.session.person, revision, settlement)
                .await
        }
        Err(problem) => Err(problem),
    };
    finish(
        &app,
        user,
        asked,
        next,
        result.map(|d| (format!("Recorded: {}", d.review.subject), d.review)),
        form.fields,
    )
    .await
}

/// Takes an approval back; the case is before the person again, with every edit.
pub(crate) async fn recall(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(q): Query<QueueQuery>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let asked = asked(&app, &form.user, &id, q, headers).await?;
    let result = app
        .engine
        .recall(asked.id, &form.user.session.person)
        .await
        .map(|d| (format!("Taken back: {}", d.review.subject), d.review));
    let next = match &result {
        Ok((_, back)) => format!("/reviews/{}{}", back.id, asked.q.address(&asked.q.after)),
        Err(_) => String::new(),
    };
    finish(&app, form.user, asked, next, result, form.fields).await
}

/// Takes the task; the same case stays open.
pub(crate) async fn claim(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(q): Query<QueueQuery>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let asked = asked(&app, &form.user, &id, q, headers).await?;
    let (user, _) = onward(&app, form.user, &asked).await?;
    let result = app.engine.claim(asked.id, &user.session.person).await;
    let here = format!("/reviews/{}{}", asked.id, asked.q.address(&asked.q.after));
    finish(
        &app,
        user,
        asked,
        here,
        result.map(|r| ("Yours now".to_owned(), r)),
        form.fields,
    )
    .await
}

/// Gives the task back.
pub(crate) async fn release(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(q): Query<QueueQuery>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let asked = asked(&app, &form.user, &id, q, headers).await?;
    let (user, _) = onward(&app, form.user, &asked).await?;
    let result = app.engine.release(asked.id, &user.session.person).await;
    let here = format!("/reviews/{}{}", asked.id, asked.q.address(&asked.q.after));
    finish(
        &app,
        user,
        asked,
        here,
        result.map(|r| ("Free again".to_owned(), r)),
        form.fields,
    )
    .await
}

/// Goes on to `next`, or shows the case as it is now with what went wrong and what was typed.
pub(crate) async fn finish(
    app: &App,
    user: User,
    asked: Asked,
    next: String,
    result: Result<impl Into<Happened>, Problem>,
    typed: Vec<(String, String)>,
) -> Result<Response, PageError> {
    let problem = match result.map(Into::into) {
        Ok(done) if by_script(&asked.headers) => {
            let now = app.engine.now();
            return Ok(Json(told(done, next, &user, now)).into_response());
        }
        Ok(done) => {
            app.sessions.tell(&user, done.words);
            return Ok(Redirect::to(&next).into_response());
        }
        Err(problem) => problem,
    };
    let id = asked.id.to_string();
    let visit = Visit::after(user, format!("/reviews/{id}"), &asked.headers);
    let (case, mut page) = Box::pin(prepare(app, &visit, &id, &asked.q)).await?;
    refill(&mut page.fields, &typed);
    let rest = mark(&mut page.fields, &problem.errors);
    page.changed = problem.code == "target_changed"
        || problem.more.get("may_accept") == Some(&serde_json::Value::Bool(true));
    let mut panel = panel(
        &named(&problem, &case, app.engine.now()),
        &id,
        kept(&typed),
        page.next.as_ref().map(|n| n.id.clone()),
    );
    panel.lines.extend(rest);
    panel.diff = diff(&problem);
    panel.unread = unread(&problem, &case.review.workflow);
    panel.run = Some(page.case.run.clone());
    page.panel = Some(panel);
    let mut answer = page.answer()?;
    *answer.status_mut() = status(&problem);
    Ok(answer)
}

fn told(done: Happened, next: String, user: &User, now: Timestamp) -> Told {
    let review = &done.review;
    let mine = review.claimed_by.as_deref() == Some(&user.session.person);
    let undo = done.until.filter(|until| *until > now).map(|until| Undo {
        action: format!("/reviews/{}/recall", review.id),
        revision: review.revision,
        ms_left: u64::try_from(until.since(now).as_millis()).unwrap_or(u64::MAX),
    });
    Told {
        id: review.id.to_string(),
        revision: review.revision,
        decided: !next.starts_with(&format!("/reviews/{}", review.id)),
        next,
        claim: mine.then(|| "Yours".to_owned()),
        undo,
        told: done.words,
    }
}

/// Watched fields that changed, as the refusal lists them.
fn diff(problem: &Problem) -> Vec<Changed> {
    let plain = |v: Option<&serde_json::Value>| match v {
        None | Some(serde_json::Value::Null) => "nothing".to_owned(),
        Some(serde_json::Value::String(s)) => s.clone(),
        Some(other) => other.to_string(),
    };
    let all = problem.more.get("changes").and_then(|v| v.as_array());
    all.into_iter()
        .flatten()
        .map(|c| Changed {
            name: format!(
                "{} {}",
                plain(c.get("system")),
                code(&plain(c.get("field"))).to_lowercase()
            ),
            was: plain(c.get("old")),
            now: plain(c.get("new")),
        })
        .collect()
}

/// The rules the person must have read first.
fn unread(problem: &Problem, workflow: &str) -> Option<Unread> {
    let version = problem.more.get("version")?.as_u64()?;
    let words = problem.more.get("reason")?.as_str()?.to_owned();
    (problem.code == "acknowledge_first").then(|| Unread {
        workflow: workflow.to_owned(),
        version,
        words,
    })
}

/// What the person had typed, so that nobody's words are lost.
pub(crate) fn kept(typed: &[(String, String)]) -> Option<String> {
    let words = typed.iter().filter(|(n, v)| {
        (n.starts_with("f.") || n == "note" || n == "text") && !v.trim().is_empty()
    });
    let lines: Vec<String> = words
        .map(|(n, v)| format!("{}: {v}", n.trim_start_matches("f.")))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The refusal with people called by their names, and how long ago it was.
fn named(problem: &Problem, case: &Case, now: Timestamp) -> Problem {
    let mut out = problem.clone();
    let Some(winner) = problem.more.get("winner").and_then(|v| v.as_str()) else {
        return out;
    };
    let name = name(case, winner);
    out.detail = out.detail.replacen(winner, &name, 1);
    let decided = problem.more.get("decided_at").and_then(|v| v.as_str());
    if let Some(at) = decided.and_then(|t| Timestamp::parse(t).ok()) {
        out.detail = format!("{}, {} ago.", out.detail, span(now.since(at)));
    }
    out.with("name", name)
}

/// A refusal in the words of the page.
pub(crate) fn panel(p: &Problem, id: &str, kept: Option<String>, next: Option<String>) -> Panel {
    let member = |name: &str| {
        p.more
            .get(name)
            .and_then(|v| v.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let (tone, title) = match p.code {
        "already_decided" if member("name").is_empty() => {
            ("bad", "Somebody has decided this already".to_owned())
        }
        "already_decided" => ("bad", format!("{} was faster", member("name"))),
        "revision_moved" => ("warn", "The case changed while you were reading".to_owned()),
        "claimed_by_other" if !member("name").is_empty() => {
            ("warn", format!("{} is on it", member("name")))
        }
        "claimed_by_other" => ("warn", "Somebody else is on it".to_owned()),
        _ => ("warn", p.title().to_owned()),
    };
    let mut lines: Vec<String> = p.way_out.iter().cloned().collect();
    if p.code == "already_decided" {
        lines.insert(
            0,
            "Your decision was not used. Nothing is written twice.".to_owned(),
        );
    }
    Panel {
        winner: member("winner"),
        tone,
        title,
        words: p.detail.clone(),
        lines,
        diff: Vec::new(),
        unread: None,
        kept,
        run: None,
        next,
        here: format!("/reviews/{id}"),
    }
}
