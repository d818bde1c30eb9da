//! The turnover test over the API: start, look, sign, call off.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Turnover;
use utoipa::ToSchema;

use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// Whom to do without, and for how long.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartBody {
    /// Handle.
    without: String,
    /// Days at most: 1 to 30.
    days: u32,
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallOffBody {
    /// What made it end.
    #[serde(default)]
    reason: String,
}

fn told(t: &Turnover) -> Json<Value> {
    Json(json!({
        "workflow": t.workflow, "seq": t.seq, "state": t.state, "without": t.without,
        "from": t.from.rfc3339(), "until": t.until.rfc3339(), "started_by": t.started_by,
        "ended_at": t.ended_at.map(|at| at.rfc3339()), "signed_by": t.signed_by,
    }))
}

/// The tests with their grades, and who makes most of the decisions.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/turnover", tag = "workflows", params(("workflow" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    reader.sees(&name)?;
    let view = Box::pin(app.engine.turnover(&name)).await?;
    let value = serde_json::to_value(view).map_err(|e| Problem::new("internal", e.to_string()))?;
    Ok(Json(value))
}

/// Suspends somebody's rights on the workflow for some days.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/turnover", tag = "workflows", params(("workflow" = String, Path)), request_body = StartBody,
    responses((status = 200, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn start(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    by.sees(&name)?;
    let body: StartBody = query::body(&bytes)?;
    let test = app
        .engine
        .start_turnover(&name, &body.without, body.days, &by.person);
    Ok(told(&test.await?))
}

/// Grades the open test from the log and signs the grades.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/turnover/signature", tag = "workflows", params(("workflow" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn sign(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    by.sees(&name)?;
    let (test, report) = Box::pin(app.engine.sign_turnover(&name, &by.person)).await?;
    let Json(mut body) = told(&test);
    body["report"] = json!(report);
    Ok(Json(body))
}

/// Ends the open test without a result.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/turnover/call-off", tag = "workflows", params(("workflow" = String, Path)), request_body = CallOffBody,
    responses((status = 200, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn call_off(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    by.sees(&name)?;
    let body: CallOffBody = query::body(&bytes)?;
    let test = app
        .engine
        .call_off_turnover(&name, &body.reason, &by.person);
    Ok(told(&test.await?))
}
