//! Practice over the API: the cases of one's next try, and its answers.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use tuesday_domain::problem::Problem;
use utoipa::ToSchema;

use crate::auth::ApiReviewer;
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// The answers of one try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswersBody {
    /// Number of the try that was shown.
    attempt: u32,
    /// Number of each case: whether it should be approved.
    answers: BTreeMap<u32, bool>,
}

fn value(of: &impl serde::Serialize) -> Result<Json<Value>, ApiError> {
    let value = serde_json::to_value(of).map_err(|e| Problem::new("internal", e.to_string()))?;
    Ok(Json(value))
}

/// The ten cases of one's next try.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/practice", tag = "workflows", params(("workflow" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    by.sees(&name)?;
    value(&Box::pin(app.engine.practice(&name, &by.person)).await?)
}

/// Grades the answers of a try; who passes may decide tasks.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/practice", tag = "workflows", params(("workflow" = String, Path)), request_body = AnswersBody,
    responses((status = 200, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn answer(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    by.sees(&name)?;
    let body: AnswersBody = query::body(&bytes)?;
    let answers: Vec<(u32, bool)> = body.answers.into_iter().collect();
    let done = app
        .engine
        .answer_practice(&name, body.attempt, &answers, &by.person);
    value(&Box::pin(done).await?)
}
