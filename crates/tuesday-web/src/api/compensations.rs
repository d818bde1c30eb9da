//! One write over the API, and undoing it: the old values go back, or somebody gets a task.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use tuesday_domain::id::{ActionId, RunId};
use tuesday_domain::port::Delivery;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Gap;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{Compensation, Reader, Writeback};
use utoipa::ToSchema;

use super::incidents::{CorrectionBody, correction};
use crate::auth::{ApiReader, ApiReviewer};
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

/// What the destination answered.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReceiptBody {
    /// Status line or equivalent.
    status: String,
    answer: String,
    external_id: Option<String>,
    version_before: Option<String>,
    version_after: Option<String>,
    /// Values of the written fields before, as far as the record showed them.
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
    /// The destination had applied this key already.
    repeated: bool,
}

impl From<Delivery> for ReceiptBody {
    fn from(d: Delivery) -> Self {
        Self {
            status: d.status,
            answer: d.answer,
            external_id: d.external_id,
            version_before: d.version_before,
            version_after: d.version_after,
            before: d.before,
            after: d.after,
            repeated: d.repeated,
        }
    }
}

/// What a comparison with the destination found.
#[derive(Serialize, ToSchema)]
pub(crate) struct GapBody {
    /// `missing`, `changed`, or `mended` when it is as written again.
    state: &'static str,
    words: String,
    found_at: String,
}

impl From<Gap> for GapBody {
    fn from(g: Gap) -> Self {
        Self {
            state: g.state.word(),
            words: g.words,
            found_at: g.at.rfc3339(),
        }
    }
}

/// One write in full.
#[derive(Serialize, ToSchema)]
pub(crate) struct WritebackBody {
    action_id: String,
    run_id: String,
    workflow: String,
    name: String,
    system: Option<String>,
    target: String,
    class: &'static str,
    /// What the destination can do about repeats: `A` to `F`.
    ability: &'static str,
    state: &'static str,
    key: String,
    authorised_by: Option<String>,
    attempts: u32,
    first_sent_at: Option<String>,
    updated_at: String,
    detail: Option<String>,
    /// The fields that were to be written.
    intent: serde_json::Map<String, serde_json::Value>,
    /// The version that the record had to have.
    expected_version: Option<String>,
    receipt: Option<ReceiptBody>,
    /// The action that this one undoes.
    undoes: Option<String>,
    /// The action that undid this one, or tries to.
    undone_by: Option<String>,
    /// How it stands against its destination, where a comparison ever found a difference.
    gap: Option<GapBody>,
    corrections: Vec<CorrectionBody>,
}

impl From<Writeback> for WritebackBody {
    fn from(w: Writeback) -> Self {
        let a = w.action;
        Self {
            action_id: a.id.to_string(),
            run_id: a.run.to_string(),
            workflow: w.workflow,
            name: a.name,
            system: w.system,
            target: a.target,
            class: a.class.word(),
            ability: a.ability.word(),
            state: a.state.word(),
            key: a.key,
            authorised_by: a.authorised_by,
            attempts: a.attempts,
            first_sent_at: a.first_sent_at.map(Timestamp::rfc3339),
            updated_at: a.updated_at.rfc3339(),
            detail: a.detail,
            intent: w.intent,
            expected_version: w.expected_version,
            receipt: w.receipt.map(Into::into),
            undoes: w.undoes.map(|id| id.to_string()),
            undone_by: w.undone_by.map(|id| id.to_string()),
            gap: w.gap.map(Into::into),
            corrections: w.corrections.iter().map(correction).collect(),
        }
    }
}

/// One write: what was to be written, what the destination answered, and what became of it since.
#[utoipa::path(get, path = "/api/v1/runs/{id}/actions/{action}", tag = "runs",
    params(("id" = String, Path), ("action" = String, Path)),
    responses((status = 200, body = WritebackBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path((id, action)): Path<(String, String)>,
) -> Result<Json<WritebackBody>, ApiError> {
    let (id, action): (RunId, ActionId) = (query::id(&id)?, query::id(&action)?);
    let run = app.engine.reader().run(id).await?;
    let run = run.ok_or_else(|| Problem::new("not_found", format!("there is no run {id}")))?;
    reader.sees(&run.workflow)?;
    let (who, rights) = (reader.actor(), reader.rights());
    let seen = Reader { who: &who, rights };
    let found = app.engine.writeback(id, action, Some(&seen)).await?;
    Ok(Json(found.into()))
}
