//! Undoing a confirmed write over the API: the old values go back, or somebody gets a task.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use tuesday_domain::id::{ActionId, RunId};
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::Compensation;
use utoipa::ToSchema;

use crate::auth::ApiReviewer;
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// Why a write is undone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompensateBody {
    /// In words.
    #[serde(default)]
    reason: String,
}

/// What became of undoing a write.
#[derive(Serialize, ToSchema)]
pub(crate) struct CompensationBody {
    /// The action that undoes.
    action_id: String,
    /// The action that is undone.
    undoes: String,
    /// `confirmed`: the old values are there. `voided`: the record was edited since, or the write was
    /// refused, and `task_id` names who decides. Anything else: it is still under way.
    state: &'static str,
    /// The key of the action that undoes.
    key: String,
    target: String,
    /// The task that a person has now.
    task_id: Option<String>,
    /// Why it is not confirmed.
    detail: Option<String>,
}

impl From<Compensation> for CompensationBody {
    fn from(c: Compensation) -> Self {
        Self {
            action_id: c.action.id.to_string(),
            undoes: c.original.id.to_string(),
            state: c.action.state.word(),
            key: c.action.key,
            target: c.action.target,
            task_id: c.task.map(|t| t.to_string()),
            detail: c.action.detail,
        }
    }
}

/// Puts back what an action had overwritten, while the record is as the action left it. Said again, it
/// answers what became of it.
#[utoipa::path(post, path = "/api/v1/runs/{id}/actions/{action}/compensation", tag = "runs",
    params(("id" = String, Path), ("action" = String, Path)), request_body = CompensateBody,
    responses((status = 200, body = CompensationBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn compensate(
    State(app): State<App>,
    by: ApiReviewer,
    Path((id, action)): Path<(String, String)>,
    bytes: Bytes,
) -> Result<Json<CompensationBody>, ApiError> {
    let (id, action): (RunId, ActionId) = (query::id(&id)?, query::id(&action)?);
    let b: CompensateBody = query::body(&bytes)?;
    let run = app.engine.reader().run(id).await?;
    let run = run.ok_or_else(|| Problem::new("not_found", format!("there is no run {id}")))?;
    by.sees(&run.workflow)?;
    let done = Box::pin(app.engine.compensate(id, action, &by.person, &b.reason)).await?;
    Ok(Json(done.into()))
}
