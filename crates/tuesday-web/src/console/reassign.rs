//! Gives a task to another named person, and takes reports of outputs that somebody finds wrong.

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use tuesday_domain::record::ProblemKind;
use tuesday_engine::ops::Complaint;

use super::decide::{asked, finish, onward};
use super::queue::QueueQuery;
use crate::auth::PostForm;
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

/// Gives the task to `to`, with a reason.
pub(crate) async fn reassign(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(q): Query<QueueQuery>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let (revision, to, reason) = (
        form.revision()?,
        form.text("to").unwrap_or_default(),
        form.text("note").unwrap_or_default(),
    );
    let asked = asked(&app, &form.user, &id, q, headers).await?;
    let (user, next) = onward(&app, form.user, &asked).await?;
    let person = user.session.person.as_str();
    let result = app
        .engine
        .reassign(asked.id, person, &to, &reason, revision)
        .await;
    let result = result.map(|r| (format!("Given to {}: {}", r.owner, r.subject), r));
    finish(&app, user, asked, next, result, form.fields).await
}

/// Keeps a report about the task's output; the case stays as it is.
pub(crate) async fn report(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(q): Query<QueueQuery>,
    headers: HeaderMap,
    form: PostForm,
) -> Result<Response, PageError> {
    let kind = query::word::<ProblemKind>("kind", form.text("kind").as_deref())?;
    let asked = asked(&app, &form.user, &id, q, headers).await?;
    let complaint = Complaint {
        kind: kind.unwrap_or(ProblemKind::Other),
        words: form.text("note").unwrap_or_default(),
        run: None,
        review: Some(asked.id),
        record: None,
        workflow: None,
        reported_by: form.user.session.person.clone(),
    };
    let here = format!("/reviews/{}{}", asked.id, asked.q.address(&asked.q.after));
    let actor = form.user.actor();
    let result = match app.engine.report_problem(complaint, &actor).await {
        Ok(report) => app
            .engine
            .case(asked.id)
            .await
            .map(|c| (format!("Reported to {}", report.owner), c.review)),
        Err(problem) => Err(problem),
    };
    finish(&app, form.user, asked, here, result, form.fields).await
}
