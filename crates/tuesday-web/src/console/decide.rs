//! The acts on a task: each form ends with the next case, or with a panel that says who was faster.

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts as _, Path, Query, Request};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use serde_json::Value;
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Review;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{Approval, Case, Refusal};

use super::case::name;
use super::case_parts::seed_words;
use super::forms::{mark, read, refill};
use super::queue::{QueueQuery, order};
use super::release_read;
use super::review::{following, input_schema, prepare};
use super::views::{Changed, Panel, Unread};
use super::visit::Visit;
use super::words::{code, span};
use crate::auth::{PostForm, User};
use crate::refusal::{PageError, status};
use crate::state::App;
use crate::verbs::{self, Done, Verb};

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

/// A form about one task, and from which list it was sent.
pub(crate) struct Desk {
    app: App,
    pub(super) form: PostForm,
    asked: Asked,
}

impl FromRequest<App> for Desk {
    type Rejection = PageError;
    async fn from_request(request: Request, app: &App) -> Result<Self, PageError> {
        let bad = |e: String| Problem::new("bad_request", e);
        let (mut parts, body) = request.into_parts();
        let Path(id) = Path::<String>::from_request_parts(&mut parts, app)
            .await
            .map_err(|e| bad(e.to_string()))?;
        let Query(q) = Query::<QueueQuery>::from_request_parts(&mut parts, app)
            .await
            .map_err(|e| bad(e.to_string()))?;
        let headers = parts.headers.clone();
        let form = PostForm::from_request(Request::from_parts(parts, body), app).await?;
        let asked = asked(app, &form.user, &id, q, headers).await?;
        let app = App::clone(app);
        Ok(Self { app, form, asked })
    }
}

impl Desk {
    /// Does it, and goes on to where that leads.
    pub(super) async fn act(self, verb: Verb) -> Result<Response, PageError> {
        let Self { app, form, asked } = self;
        let (user, next) = onward(&app, form.user, &asked).await?;
        let act = verbs::act(&app.engine, asked.id, &user.session.person, &verb);
        let done = Box::pin(act).await;
        let next = match (&verb, &done) {
            (Verb::Recall, Ok(done)) => asked.address_of(done.review().id),
            _ if verb.stays() => asked.address_of(asked.id),
            _ => next,
        };
        let done = done.map(|done| Happened::of(&verb, done));
        finish(&app, user, asked, next, done, form.fields).await
    }
}

/// What an act led to: words for the next page, the task, and until when it can be taken back.
pub(crate) struct Happened {
    pub(crate) words: String,
    pub(crate) review: Review,
    pub(crate) until: Option<Timestamp>,
}

impl Happened {
    /// What the next page says about an act.
    pub(crate) fn of(verb: &Verb, done: Done) -> Self {
        let until = done.until();
        let left = match &done {
            Done::Decided(d) => d.approvals_left,
            Done::Task(_) => 0,
        };
        let seed = match &done {
            Done::Decided(d) => d.seed.as_ref().map(seed_words),
            Done::Task(_) => None,
        };
        let review = done.into_review();
        let about = &review.subject;
        let words = match verb {
            Verb::Approve(_) if left > 0 => {
                format!("Your approval counts; one more person is needed: {about}")
            }
            Verb::Approve(_) | Verb::Reject(_) => format!("{}: {about}", code(review.state.word())),
            Verb::Escalate { .. } => format!("Passed on: {about}"),
            Verb::Reassign { .. } => format!("Given to {}: {about}", review.owner),
            Verb::Claim => "Yours now".to_owned(),
            Verb::Release => "Free again".to_owned(),
            Verb::Recall => format!("Taken back: {about}"),
            Verb::Settle { .. } | Verb::Verdict(_) => format!("Recorded: {about}"),
        };
        Self {
            words: seed.unwrap_or(words),
            review,
            until,
        }
    }
}

/// Reads the id and makes sure that this person reaches the task.
pub(crate) async fn asked(
    app: &App,
    user: &User,
    id: &str,
    q: QueueQuery,
    headers: HeaderMap,
) -> Result<Asked, PageError> {
    let id = verbs::reached(&app.engine, id, |w| user.sees(w)).await?.id;
    Ok(Asked { id, q, headers })
}

impl Asked {
    /// The page of a task in the same list.
    pub(crate) fn address_of(&self, id: ReviewId) -> String {
        format!("/reviews/{id}{}", self.q.address(&self.q.after))
    }
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
pub(crate) async fn approve(desk: Desk) -> Result<Response, PageError> {
    let verb = Verb::Approve(approval(&desk.form, None)?);
    desk.act(verb).await
}

/// The approval a form asks for.
pub(crate) fn approval(form: &PostForm, edit: Option<Value>) -> Result<Approval, Problem> {
    Ok(Approval {
        revision: form.revision()?,
        edit,
        reason: form.text("reason"),
        note: form.text("note"),
        checklist: form.all("checklist"),
        accept_changed: form.text("accept_changed").is_some(),
        key: None,
    })
}

/// Rejects.
pub(crate) async fn reject(desk: Desk) -> Result<Response, PageError> {
    let verb = Verb::Reject(Refusal {
        revision: desk.form.revision()?,
        reason: desk.form.text("reason").unwrap_or_default(),
        note: desk.form.text("note"),
        key: None,
    });
    desk.act(verb).await
}

/// Passes on.
pub(crate) async fn escalate(desk: Desk) -> Result<Response, PageError> {
    let (note, revision) = (desk.form.text("note"), desk.form.revision()?);
    desk.act(Verb::Escalate { note, revision }).await
}

/// Gives the task to `to`, with a reason.
pub(crate) async fn reassign(desk: Desk) -> Result<Response, PageError> {
    let verb = Verb::Reassign {
        to: desk.form.text("to").unwrap_or_default(),
        reason: desk.form.text("note").unwrap_or_default(),
        revision: desk.form.revision()?,
    };
    desk.act(verb).await
}

/// Settles what is not a plain yes or no.
pub(crate) async fn settle(desk: Desk) -> Result<Response, PageError> {
    let form = &desk.form;
    let (revision, text) = (form.revision()?, form.text("text"));
    let how = form.text("settle").unwrap_or_default();
    let settlement = match supplied(&desk, &how).await {
        Ok(input) => verbs::settlement(&how, text, input),
        Err(problem) => Err(problem),
    };
    match settlement {
        Ok(settlement) => {
            let key = None;
            let verb = Verb::Settle {
                settlement,
                revision,
                key,
            };
            desk.act(verb).await
        }
        Err(problem) => {
            let Desk { app, form, asked } = desk;
            let none: Result<Happened, Problem> = Err(problem);
            finish(&app, form.user, asked, String::new(), none, form.fields).await
        }
    }
}

/// The input a form completes, where that is how the task is settled.
async fn supplied(desk: &Desk, how: &str) -> Result<Option<Value>, Problem> {
    if how != "supply" {
        return Ok(None);
    }
    let (schema, event) =
        input_schema(&Box::pin(desk.form.user.case(&desk.app, desk.asked.id)).await?);
    let read = read(&schema, &event, &desk.form.fields);
    read.map(Some).map_err(|errors| {
        let mut p = Problem::new("schema_violation", "a field cannot be read");
        p.errors = errors;
        p
    })
}

/// Takes an approval back; the case is before the person again, with every edit.
pub(crate) async fn recall(desk: Desk) -> Result<Response, PageError> {
    desk.act(Verb::Recall).await
}

/// Takes the task; the same case stays open.
pub(crate) async fn claim(desk: Desk) -> Result<Response, PageError> {
    desk.act(Verb::Claim).await
}

/// Gives the task back.
pub(crate) async fn release(desk: Desk) -> Result<Response, PageError> {
    desk.act(Verb::Release).await
}

/// Goes on to `next`, or shows the case as it is now with what went wrong and what was typed.
pub(crate) async fn finish(
    app: &App,
    user: User,
    asked: Asked,
    next: String,
    result: Result<Happened, Problem>,
    typed: Vec<(String, String)>,
) -> Result<Response, PageError> {
    let problem = match result {
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
        || problem.more.get("may_accept") == Some(&Value::Bool(true));
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
    let plain = |v: Option<&Value>| match v {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(Value::String(s)) => s.clone(),
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

/// The rules, or the release, that the person must have read first.
fn unread(problem: &Problem, workflow: &str) -> Option<Unread> {
    if problem.code != "acknowledge_first" {
        return None;
    }
    let number = |name: &str| problem.more.get(name).and_then(Value::as_u64);
    let words = problem.more.get("reason")?.as_str()?.to_owned();
    if let Some(release) = number("release") {
        return Some(release_read::unread(workflow, release, words));
    }
    Some(Unread {
        address: format!("/workflows/{workflow}/rules"),
        look: "Read the rules",
        name: "version",
        version: number("version")?,
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
