//! The form of a second look: the output was right, or wrong and why.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::SecondVerdict;

use crate::api::verdicts::correct;
use crate::auth::PostForm;
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

/// Keeps the verdict and leads back to the queue.
pub(crate) async fn post(
    State(app): State<App>,
    Path(id): Path<String>,
    form: PostForm,
) -> Result<Response, PageError> {
    let id: ReviewId = query::id(&id)?;
    let task = app.engine.reader().review(id).await?;
    let task =
        task.ok_or_else(|| Problem::new("not_found", format!("there is no review task {id}")))?;
    form.user.sees(&task.workflow)?;
    let verdict = SecondVerdict {
        correct: correct(&form.text("verdict").unwrap_or_default())?,
        reason: form.text("reason").unwrap_or_default(),
        revision: form.revision()?,
        key: None,
    };
    let person = form.user.session.person.clone();
    app.engine.second_verdict(id, &person, verdict).await?;
    app.sessions
        .tell(&form.user, "The second look is kept".to_owned());
    Ok(Redirect::to("/queue").into_response())
}
