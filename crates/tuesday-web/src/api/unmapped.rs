//! Words of sources that the mapping in force does not know.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use crate::auth::ApiReader;
use crate::refusal::ApiError;
use crate::state::App;

/// The words that wait to be mapped, oldest first, with who is to say what they stand for and by when.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/rules/unmapped", tag = "rules",
    params(("workflow" = String, Path)), responses((status = 200, body = Object)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    reader.sees(&name)?;
    let words = app.engine.waiting_words(&name).await?;
    let items: Vec<Value> = words
        .iter()
        .map(|w| {
            json!({"column": w.met.field, "word": w.met.word, "run": w.met.run.to_string(), "owner": w.owner,
                "at": w.met.at.rfc3339(), "due_at": w.met.due_at.rfc3339(), "overdue": w.overdue})
        })
        .collect();
    Ok(Json(json!({"items": items})))
}
