//! Events that did not become a run.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tuesday_domain::id::IntakeId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Intake;
use tuesday_engine::ops::Reader;
use tuesday_store::IntakeFilter;
use utoipa::{IntoParams, ToSchema};

use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// What was received and did not become a run.
#[derive(Serialize, ToSchema)]
pub(crate) struct IntakeBody {
    id: String,
    workflow: String,
    source: String,
    event_id: Option<String>,
    /// `refused`, `resubmitted` or `dismissed`.
    verdict: &'static str,
    code: String,
    detail: String,
    owner: String,
    received_at: String,
    /// Length of what was sent, in bytes.
    body_len: u64,
    run_id: Option<String>,
    /// The bytes as text; only on a single record.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

fn body_of(i: Intake, with_bytes: bool) -> IntakeBody {
    IntakeBody {
        id: i.id.to_string(),
        workflow: i.workflow,
        source: i.source,
        event_id: i.event_id,
        verdict: i.verdict.word(),
        code: i.code,
        detail: i.detail,
        owner: i.owner,
        received_at: i.received_at.rfc3339(),
        body_len: i.body_len,
        run_id: i.run.map(|r| r.to_string()),
        body: with_bytes.then(|| String::from_utf8_lossy(&i.body).into_owned()),
    }
}

/// A page of intake records.
#[derive(Serialize, ToSchema)]
pub(crate) struct IntakeList {
    items: Vec<IntakeBody>,
    next: Option<String>,
}

/// Which records.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntakeQuery {
    workflow: Option<String>,
    owner: Option<String>,
    verdict: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

/// Intake records, newest first.
#[utoipa::path(get, path = "/api/v1/intake", tag = "intake", params(IntakeQuery), responses((status = 200, body = IntakeList)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
    Query(q): Query<IntakeQuery>,
) -> Result<Json<IntakeList>, ApiError> {
    let limit = query::limit(q.limit, 50);
    let filter = IntakeFilter {
        workflow: reader.only(q.workflow)?,
        among: reader.readable(),
        owner: q.owner,
        verdict: query::word("verdict", q.verdict.as_deref())?,
    };
    let after = q.after.as_deref().map(query::id::<IntakeId>).transpose()?;
    let page = app
        .engine
        .reader()
        .intake_page(&filter, after, limit)
        .await?;
    let next = (page.len() == limit)
        .then(|| page.last().map(|i| i.id.to_string()))
        .flatten();
    Ok(Json(IntakeList {
        items: page.into_iter().map(|i| body_of(i, false)).collect(),
        next,
    }))
}

async fn found(app: &App, id: &str) -> Result<Intake, ApiError> {
    let id: IntakeId = query::id(id)?;
    let record = app.engine.reader().intake(id).await?;
    Ok(record
        .ok_or_else(|| Problem::new("not_found", format!("there is no intake record {id}")))?)
}

/// One record with its bytes.
#[utoipa::path(get, path = "/api/v1/intake/{id}", tag = "intake", params(("id" = String, Path)),
    responses((status = 200, body = IntakeBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(id): Path<String>,
) -> Result<Json<IntakeBody>, ApiError> {
    let mut record = found(&app, &id).await?;
    reader.sees(&record.workflow)?;
    let (who, rights) = (reader.actor(), reader.rights());
    let seen = Reader { who: &who, rights };
    app.engine.veil_intake(&seen, &mut record).await?;
    Ok(Json(body_of(record, true)))
}

/// The run it became.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResubmittedBody {
    run_id: String,
    status_url: String,
    repeated: bool,
}

/// Sends the record again: the request's body when there is one, else the stored bytes.
#[utoipa::path(post, path = "/api/v1/intake/{id}/resubmission", tag = "intake", params(("id" = String, Path)), request_body = Option<String>,
    responses((status = 202, body = ResubmittedBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn resubmit(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<ResubmittedBody>), ApiError> {
    let record = found(&app, &id).await?;
    by.sees(&record.workflow)?;
    let fixed = (!body.is_empty()).then(|| body.into());
    let accepted = app.engine.resubmit(record.id, fixed, &by.actor()).await?;
    let run_id = accepted.run.to_string();
    let status_url = format!("/api/v1/runs/{run_id}");
    Ok((
        StatusCode::ACCEPTED,
        Json(ResubmittedBody {
            run_id,
            status_url,
            repeated: accepted.repeated,
        }),
    ))
}
