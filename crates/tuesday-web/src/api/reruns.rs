//! Repeating a run over the API: which inputs, which release, with or without effect.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{Inputs, Rerun, With};
use utoipa::ToSchema;

use super::runs::RunBody;
use crate::auth::ApiReviewer;
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// How a run is repeated.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RerunBody {
    /// `fresh` (the sources as they are now; the default) or `frozen` (what the old run had read).
    inputs: Option<String>,
    /// `live` (the default), `same` (the old run's own) or the id of a release.
    release: Option<String>,
    /// Ends with the route and writes nothing.
    #[serde(default)]
    without_effect: bool,
    /// Goes on where the run was stopped: its own release, with what it had frozen so far.
    #[serde(default)]
    resume: bool,
    /// Why.
    #[serde(default)]
    reason: String,
}

/// The way of repeating that these words mean.
pub(crate) fn way(
    inputs: Option<&str>,
    release: Option<&str>,
    without_effect: bool,
    reason: String,
) -> Result<Rerun, Problem> {
    let inputs = match inputs.unwrap_or("fresh") {
        "fresh" => Inputs::Fresh,
        "frozen" => Inputs::Frozen,
        other => {
            let said = format!("`{other}` is not one of fresh, frozen");
            return Err(Problem::new("bad_request", said).field("inputs"));
        }
    };
    let with = match release.unwrap_or("live") {
        "live" => With::Live,
        "same" => With::Same,
        named => With::Release(query::id(named)?),
    };
    Ok(Rerun {
        inputs,
        with,
        without_effect,
        reason,
    })
}

/// Repeats an ended run as a new one that names it. The old run stays as it is.
#[utoipa::path(post, path = "/api/v1/runs/{id}/rerun", tag = "runs", params(("id" = String, Path)), request_body = RerunBody,
    responses((status = 202, body = RunBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
pub(crate) async fn rerun(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<RunBody>), ApiError> {
    let id: RunId = query::id(&id)?;
    let run = app.engine.reader().run(id).await?;
    let run = run.ok_or_else(|| Problem::new("not_found", format!("there is no run {id}")))?;
    by.sees(&run.workflow)?;
    let b: RerunBody = query::body(&body)?;
    let how = if b.resume {
        Rerun::resumed(run.snapshot_ref.is_some(), b.reason)
    } else {
        let (inputs, release) = (b.inputs.as_deref(), b.release.as_deref());
        way(inputs, release, b.without_effect, b.reason)?
    };
    let mut new = app.engine.rerun(id, &how, &by.actor()).await?;
    let one = std::slice::from_mut(&mut new);
    app.engine.veil_runs(by.rights(), one).await;
    Ok((StatusCode::ACCEPTED, Json(new.into())))
}
