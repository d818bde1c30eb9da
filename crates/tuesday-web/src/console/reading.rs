//! The open case tells that it is read and hears who else has it open; a person stops its workflow.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::Doing;

use super::decide::{Happened, asked, finish};
use super::queue::QueueQuery;
use crate::auth::PostForm;
use crate::query;
use crate::refusal::{ApiError, PageError};
use crate::state::App;
use crate::verbs;

/// Everybody else who has the case open.
#[derive(Serialize)]
pub(crate) struct Others {
    people: Vec<Other>,
}

/// One of them.
#[derive(Serialize)]
struct Other {
    name: String,
    /// `viewing`, `editing` or `idle`.
    doing: &'static str,
}

/// A sign of life: what the person does, which revision is shown, how long it was in view.
pub(crate) async fn sign(
    State(app): State<App>,
    Path(id): Path<String>,
    form: PostForm,
) -> Result<Json<Others>, ApiError> {
    let me = &form.user.session.person;
    let task = verbs::reached(&app.engine, &id, |w| form.user.sees(w)).await?;
    let doing = query::word::<Doing>("doing", form.text("doing").as_deref())?
        .ok_or_else(|| Problem::new("bad_request", "say what is done").field("doing"))?;
    let revision = form.revision()?.unwrap_or(task.revision);
    // Without a word nothing was in view; what is no time is dropped and counted.
    let visible = form.text("visible_ms").unwrap_or_else(|| "0".to_owned());
    let visible = visible.parse().ok().map(std::time::Duration::from_millis);
    let reading = app.engine.reading(task.id, me, doing, revision, visible);
    let mut there = Box::pin(reading).await?;
    there.retain(|t| t.person != *me);
    if there.is_empty() {
        return Ok(Json(Others { people: Vec::new() }));
    }
    let names = app.engine.reader().people().await?;
    let name = |handle: String| {
        let known = names.iter().find(|p| p.handle == handle);
        known.map_or(handle, |p| p.name.clone())
    };
    let people = there.into_iter().map(|t| Other {
        doing: t.doing.word(),
        name: name(t.person),
    });
    Ok(Json(Others {
        people: people.collect(),
    }))
}

/// Stops the workflow of the case from acting by itself; the case stays open.
pub(crate) async fn pause(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(q): Query<QueueQuery>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let asked = asked(&app, &form.user, &id, q, headers).await?;
    let here = asked.address_of(asked.id);
    let person = form.user.session.person.clone();
    let case = app.engine.case(asked.id).await?;
    let reason = form.text("note").unwrap_or_default();
    let paused = app.engine.pause(&case.review.workflow, &person, &reason);
    let done = paused.await.map(|_| Happened {
        words: format!("Paused: {}", case.workflow_title),
        review: case.review,
        until: None,
    });
    finish(&app, form.user, asked, here, done, form.fields).await
}
