//! The first shift over the API: start one's own, read what is left of its queue, decide.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::Value;
use tuesday_domain::problem::Problem;
use utoipa::ToSchema;

use crate::auth::ApiReviewer;
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// Decisions on some cases or on all.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShiftBody {
    /// Number of each case: whether it should be approved.
    answers: BTreeMap<u32, bool>,
    /// Handle of who helped, or `nobody`; needed with the last case.
    help: Option<String>,
}

fn value(of: &impl serde::Serialize) -> Result<Json<Value>, ApiError> {
    let value = serde_json::to_value(of).map_err(|e| Problem::new("internal", e.to_string()))?;
    Ok(Json(value))
}

/// The first shifts of a workflow with their results; one's own queue while it runs.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/first-shift", tag = "workflows", params(("workflow" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    by.sees(&name)?;
    value(&Box::pin(app.engine.first_shift(&name, &by.person)).await?)
}

/// Fixes twenty cases of the live release's pack and starts one's first shift.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/first-shift", tag = "workflows", params(("workflow" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn start(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    by.sees(&name)?;
    Box::pin(app.engine.start_first_shift(&name, &by.person)).await?;
    value(&Box::pin(app.engine.first_shift(&name, &by.person)).await?)
}

/// Keeps decisions on cases; with the last one the shift is graded against the pack.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/first-shift/answers", tag = "workflows", params(("workflow" = String, Path)), request_body = ShiftBody,
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn answer(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    by.sees(&name)?;
    let body: ShiftBody = query::body(&bytes)?;
    let answers: Vec<(u32, bool)> = body.answers.into_iter().collect();
    let help = body.help.as_deref();
    let done = app
        .engine
        .answer_first_shift(&name, &answers, help, &by.person);
    value(&Box::pin(done).await?)
}
