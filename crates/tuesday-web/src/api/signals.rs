//! Signals: what customers, compliance and other systems say about outputs afterwards.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use tuesday_domain::record::Signal;
use tuesday_engine::ops::PostedSignal;
use utoipa::{IntoParams, ToSchema};

use super::incidents::moment;
use crate::auth::ApiReader;
use crate::query;
use crate::refusal::{ApiError, ProblemBody, read_problem};
use crate::state::App;

/// What is said about an output.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSignalBody {
    /// The sender's name for it; the same one counts once. Without one, one of a kind for each run or record.
    event: Option<String>,
    /// `complaint`, `compliance_flag`, `return`, `outcome`, or a word of the package.
    kind: String,
    run_id: Option<String>,
    /// The record it is about; the run that wrote it is looked up.
    record: Option<String>,
    /// Says that the output was wrong; true when left out.
    #[serde(default = "yes")]
    wrong: bool,
    /// How many; 1 unless given.
    #[serde(default = "one")]
    count: u32,
    /// When it happened; now unless given.
    at: Option<String>,
}

const fn yes() -> bool {
    true
}
const fn one() -> u32 {
    1
}

/// A signal as kept.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignalBody {
    event: String,
    kind: String,
    run_id: Option<String>,
    record: Option<String>,
    wrong: bool,
    count: u32,
    at: String,
    posted_by: String,
    received_at: String,
}

impl From<Signal> for SignalBody {
    fn from(s: Signal) -> Self {
        Self {
            event: s.event,
            kind: s.kind,
            run_id: s.run.map(|r| r.to_string()),
            record: s.record,
            wrong: s.wrong,
            count: s.count,
            at: s.at.rfc3339(),
            posted_by: s.posted_by,
            received_at: s.received_at.rfc3339(),
        }
    }
}

/// Keeps a signal; the same event again changes nothing.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/signals", tag = "workflows", params(("workflow" = String, Path)), request_body = NewSignalBody,
    responses((status = 200, body = SignalBody), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn post(
    State(app): State<App>,
    sender: ApiReader,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<SignalBody>, ApiError> {
    sender.sees(&name)?;
    let b: NewSignalBody = query::body(&bytes)?;
    let new = PostedSignal {
        event: b.event,
        kind: b.kind,
        run: b.run_id.as_deref().map(query::id).transpose()?,
        record: b.record,
        wrong: b.wrong,
        count: b.count,
        at: b.at.as_deref().map(moment).transpose()?,
    };
    let kept = app.engine.post_signal(&name, new, &sender.actor()).await?;
    Ok(Json(kept.into()))
}

/// How many are read.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Many {
    /// 1 to 200; 50 unless given.
    limit: Option<u16>,
}

/// The signals of a workflow, the newest first.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/signals", tag = "workflows", params(("workflow" = String, Path), Many),
    responses((status = 200, body = [SignalBody]), (status = 404, body = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
    Query(many): Query<Many>,
) -> Result<Json<Vec<SignalBody>>, ApiError> {
    reader.sees(&name)?;
    let limit = many.limit.unwrap_or(50).clamp(1, 200);
    let all = app.engine.reader().signals(&name, limit.into()).await;
    let all = all.map_err(read_problem)?;
    Ok(Json(all.into_iter().map(Into::into).collect()))
}
