//! Everything that is with the person who looks, or with somebody whose work they may see.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use tuesday_domain::id::FollowUpId;
use tuesday_domain::postmortem::follow_up::FollowUpEvent;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::FollowUp;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{Handoff, Handoffs};
use tuesday_store::FollowUpFilter;

use super::html;
use super::shell::Shell;
use super::visit::Visit;
use super::words::{code, local, plural, span};
use crate::auth::PostForm;
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

#[derive(Template)]
#[template(path = "handoffs.html")]
struct HandoffsPage {
    shell: Shell,
    problem: Option<Problem>,
    /// Of somebody else.
    of: Option<String>,
    total: String,
    overdue: usize,
    more: bool,
    rows: Vec<Row>,
    /// Follow-ups that are this person's to end.
    own: Vec<Own>,
}

struct Row {
    kind: String,
    words: String,
    path: String,
    workflow: String,
    age: String,
    due: String,
    overdue: bool,
    next: &'static str,
}

struct Own {
    id: String,
    words: String,
    due: String,
    late: bool,
    place: String,
    href: String,
}

/// Whose list.
#[derive(Deserialize)]
pub(crate) struct Whose {
    #[serde(default)]
    person: String,
}

fn row(h: Handoff, now: Timestamp) -> Row {
    let when = |text: &str| Timestamp::parse(text).ok();
    Row {
        kind: code(h.kind),
        words: h.words,
        path: h.path,
        workflow: h.workflow.unwrap_or_default(),
        age: when(&h.since)
            .map(|at| span(now.since(at)))
            .unwrap_or_default(),
        due: h.due_at.as_deref().map(day).unwrap_or_default(),
        overdue: h.overdue,
        next: h.next,
    }
}

/// Day and minute of a moment; the list is of many zones.
fn day(text: &str) -> String {
    let at = Timestamp::parse(text).ok();
    at.map(|at| local(at, None)).unwrap_or_default()
}

fn own(f: FollowUp, now: Timestamp) -> Own {
    let (place, href) = match (&f.workflow, f.incident, f.postmortem) {
        (_, Some(id), _) => ("the incident".to_owned(), format!("/incidents/{id}")),
        (Some(name), None, Some(n)) => (
            format!("postmortem {n} of {name}"),
            format!("/workflows/{name}/postmortem?number={n}"),
        ),
        _ => (String::new(), String::new()),
    };
    Own {
        id: f.id.to_string(),
        words: f.words,
        late: f.due_at < now,
        due: day(&f.due_at.rfc3339()),
        place,
        href,
    }
}

/// The list.
pub(crate) async fn page(
    State(app): State<App>,
    visit: Visit,
    Query(whose): Query<Whose>,
) -> Result<Response, PageError> {
    let person = match whose.person.as_str() {
        "" => visit.user.session.person.clone(),
        other => other.to_owned(),
    };
    drawn(&app, visit, &person, None).await
}

async fn drawn(
    app: &App,
    visit: Visit,
    person: &str,
    problem: Option<Problem>,
) -> Result<Response, PageError> {
    let me = visit.user.session.person.clone();
    let now = app.engine.now();
    let mut list: Handoffs = Box::pin(app.engine.handoffs(person)).await?;
    if me != person {
        // Of somebody else only what this reader may read anyway.
        list.items
            .retain(|h| h.workflow.as_deref().is_some_and(|w| visit.user.reads(w)));
    }
    let filter = FollowUpFilter {
        open: true,
        owner: Some(person.to_owned()),
        ..FollowUpFilter::default()
    };
    let own_ones = match me == person {
        true => app.engine.follow_ups(&filter).await?,
        false => Vec::new(),
    };
    let shell = visit.shell(app, "Handoffs", "handoffs", None).await?;
    html(&HandoffsPage {
        shell,
        problem,
        of: (me != person).then(|| person.to_owned()),
        total: plural(list.items.len() as u64, "thing"),
        overdue: list.items.iter().filter(|i| i.overdue).count(),
        more: list.more,
        rows: list.items.into_iter().map(|h| row(h, now)).collect(),
        own: own_ones.into_iter().map(|f| own(f, now)).collect(),
    })
}

/// Ends a follow-up of the person.
pub(crate) async fn end(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let by = form.user.session.person.clone();
    let note = form.text("note").unwrap_or_default();
    let id: Result<FollowUpId, Problem> = query::id(&id);
    let ended = match id {
        Ok(id) => {
            let ending = app
                .engine
                .end_follow_up(id, FollowUpEvent::Finish, &note, &by);
            ending.await.map(drop)
        }
        Err(problem) => Err(problem),
    };
    match ended {
        Ok(()) => {
            app.sessions.tell(&form.user, "Done.".to_owned());
            Ok(Redirect::to("/handoffs").into_response())
        }
        Err(problem) => {
            let visit = Visit::after(form.user, "/handoffs".to_owned(), &headers);
            drawn(&app, visit, &by, Some(problem)).await
        }
    }
}
