//! What leaving each vendor of a workflow would take.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::costs::value;
use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// Vendor by vendor: what is bound, a tested alternative with its deltas, days.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/exit", tag = "money", params(("workflow" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
) -> Result<Json<serde_json::Value>, ApiError> {
    reader.sees(&name)?;
    let found = Box::pin(app.engine.exit_cost(&name)).await?;
    value(&found)
}

/// An estimate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EstimateBody {
    vendor: String,
    /// Days of work, such as `12.5`.
    days: String,
    #[serde(default)]
    reason: String,
}

/// Says how many days leaving a vendor would take.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/exit", tag = "money", params(("workflow" = String, Path)), request_body = EstimateBody,
    responses((status = 201, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn estimate(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<serde_json::Value>), ApiError> {
    by.sees(&name)?;
    let b: EstimateBody = query::body(&body)?;
    let done = app
        .engine
        .estimate_exit(&name, &b.vendor, &b.days, &b.reason, &by.person)
        .await?;
    let answer = serde_json::json!({"workflow": done.workflow, "vendor": done.vendor, "version": done.version,
        "days_tenths": done.days_tenths, "reason": done.reason, "by": done.by});
    Ok((StatusCode::CREATED, Json(answer)))
}
