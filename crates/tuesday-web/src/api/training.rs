//! Who has learnt to decide, over the API.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::Value;
use tuesday_domain::problem::Problem;

use crate::auth::ApiReader;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// What is taught by tier, and everybody who may decide: what they learnt, when, and what is owed.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/training", tag = "workflows", params(("workflow" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    reader.sees(&name)?;
    let view = Box::pin(app.engine.training(&name)).await?;
    let value = serde_json::to_value(view).map_err(|e| Problem::new("internal", e.to_string()))?;
    Ok(Json(value))
}
