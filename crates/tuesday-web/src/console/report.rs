//! Takes reports of outputs that somebody finds wrong, where they are read.

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use tuesday_domain::record::ProblemKind;
use tuesday_engine::ops::Complaint;

use super::decide::{Happened, asked, finish};
use super::queue::QueueQuery;
use crate::auth::PostForm;
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

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
    let here = asked.address_of(asked.id);
    let actor = form.user.actor();
    let result = match app.engine.report_problem(complaint, &actor).await {
        Ok(report) => app.engine.case(asked.id).await.map(|c| Happened {
            words: format!("Reported to {}", report.owner),
            review: c.review,
            until: None,
        }),
        Err(problem) => Err(problem),
    };
    finish(&app, form.user, asked, here, result, form.fields).await
}
