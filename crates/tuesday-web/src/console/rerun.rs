//! What is done to a run from its page: repeating it, with which inputs, which release, and why; taking
//! its approval back; undoing what it wrote.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use tuesday_domain::action::ActionState;
use tuesday_domain::id::{ActionId, RunId};
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{Compensation, Rerun};

use crate::api::reruns::way;
use crate::auth::PostForm;
use crate::query;
use crate::refusal::PageError;
use crate::state::App;

/// Starts the new run and leads to it.
pub(crate) async fn post(
    State(app): State<App>,
    Path(id): Path<String>,
    form: PostForm,
) -> Result<Response, PageError> {
    let id: RunId = query::id(&id)?;
    let run = app.engine.reader().run(id).await?;
    let run = run.ok_or_else(|| Problem::new("not_found", format!("there is no run {id}")))?;
    form.user.sees(&run.workflow)?;
    let reason = form.text("reason").unwrap_or_default();
    let how = match form.text("how").as_deref() {
        Some("resume") => Rerun::resumed(run.snapshot_ref.is_some(), reason),
        Some("replay") => way(Some("frozen"), Some("live"), true, reason)?,
        Some("frozen") => way(Some("frozen"), Some("live"), false, reason)?,
        Some("fresh") => way(Some("fresh"), Some("live"), false, reason)?,
        _ => {
            return Err(Problem::new("bad_request", "say how the run is repeated")
                .field("how")
                .into());
        }
    };
    let new = app.engine.rerun(id, &how, &form.user.actor()).await?;
    app.sessions
        .tell(&form.user, format!("Repeated as {}", new.id));
    Ok(Redirect::to(&format!("/runs/{}", new.id)).into_response())
}

/// Takes the approval of a run back and leads to the task that follows.
pub(crate) async fn recall(
    State(app): State<App>,
    Path(id): Path<String>,
    form: PostForm,
) -> Result<Response, PageError> {
    let id: RunId = query::id(&id)?;
    let run = app.engine.reader().run(id).await?;
    let run = run.ok_or_else(|| Problem::new("not_found", format!("there is no run {id}")))?;
    form.user.sees(&run.workflow)?;
    let by = &form.user.session.person;
    let done = Box::pin(app.engine.recall_run(id, by)).await?;
    let told = format!("Taken back: {}", done.review.subject);
    app.sessions.tell(&form.user, told);
    Ok(Redirect::to(&format!("/reviews/{}", done.review.id)).into_response())
}

/// Puts back what one action of the run had overwritten.
pub(crate) async fn compensate(
    State(app): State<App>,
    Path((id, action)): Path<(String, String)>,
    form: PostForm,
) -> Result<Response, PageError> {
    let (id, action): (RunId, ActionId) = (query::id(&id)?, query::id(&action)?);
    let run = app.engine.reader().run(id).await?;
    let run = run.ok_or_else(|| Problem::new("not_found", format!("there is no run {id}")))?;
    form.user.sees(&run.workflow)?;
    let (by, reason) = (
        &form.user.session.person,
        form.text("reason").unwrap_or_default(),
    );
    let done = Box::pin(app.engine.compensate(id, action, by, &reason)).await?;
    app.sessions.tell(&form.user, became(&done).to_owned());
    Ok(Redirect::to(&format!("/runs/{id}")).into_response())
}

/// What became of it, for the person who asked.
pub(super) fn became(done: &Compensation) -> &'static str {
    match (done.action.state, done.task) {
        (ActionState::Confirmed, _) => "The old value is back",
        (ActionState::Voided, Some(_)) => {
            "Nothing was overwritten: the record was edited since, and a task has both versions"
        }
        (_, Some(_)) => "It is not clear whether the old value is back: a task asks for it",
        (_, None) => "The old value is on its way back",
    }
}
