//! Everything that is with one person, over the API.

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tuesday_domain::problem::Problem;
use utoipa::IntoParams;

use crate::auth::ApiReader;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// Whose list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandoffsQuery {
    /// Handle.
    person: String,
}

/// What is with a person, the oldest first: of somebody else what the reader may read.
#[utoipa::path(get, path = "/api/v1/handoffs", tag = "people", params(HandoffsQuery),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
    Query(q): Query<HandoffsQuery>,
) -> Result<Json<Value>, ApiError> {
    let mut list = Box::pin(app.engine.handoffs(&q.person)).await?;
    let reads = |w: &Option<String>| reader.reads(w.as_deref().unwrap_or_default());
    list.items.retain(|h| reads(&h.workflow));
    let items = serde_json::to_value(&list.items);
    let items = items.map_err(|e| Problem::new("internal", e.to_string()))?;
    let overdue = list.items.iter().filter(|h| h.overdue).count();
    Ok(Json(json!({
        "person": list.person, "overdue": overdue, "more": list.more, "items": items,
    })))
}
