//! Releases: what runs, what it was judged by, who agreed. They are moved by their own verbs on the
//! command line and in the console.

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tuesday_domain::definition::Package;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::record::{Release, ReleaseState};
use tuesday_domain::snapshot::sha256_hex;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::release::GateRecord;
use tuesday_store::ReleaseHead;
use utoipa::{IntoParams, ToSchema};

use crate::auth::ApiReader;
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// A release.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReleaseBody {
    id: String,
    workflow: String,
    number: u32,
    /// `draft`, `evaluating`, `blocked`, `passed`, `approved`, `live`, `superseded`, `rolled_back` or
    /// `withdrawn`.
    state: &'static str,
    hash: String,
    created_at: String,
    created_by: String,
}

impl From<ReleaseHead> for ReleaseBody {
    fn from(r: ReleaseHead) -> Self {
        Self {
            id: r.id.to_string(),
            workflow: r.workflow,
            number: r.number,
            state: r.state.word(),
            hash: hex::encode(r.hash),
            created_at: r.created_at.rfc3339(),
            created_by: r.created_by,
        }
    }
}

/// A page of releases.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReleaseList {
    items: Vec<ReleaseBody>,
    /// The next `after`; absent on the last page.
    next: Option<String>,
}

/// Which releases.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseQuery {
    workflow: Option<String>,
    state: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

/// Releases, newest first.
#[utoipa::path(get, path = "/api/v1/releases", tag = "releases", params(ReleaseQuery),
    responses((status = 200, body = ReleaseList), (status = 400, body = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
    Query(q): Query<ReleaseQuery>,
) -> Result<Json<ReleaseList>, ApiError> {
    let limit = query::limit(q.limit, 50);
    let (workflow, among) = (reader.only(q.workflow)?, reader.readable());
    let state = query::word::<ReleaseState>("state", q.state.as_deref())?;
    let after = q.after.as_deref().map(query::id).transpose()?;
    let store = app.engine.reader();
    let found = store
        .release_page(workflow.as_deref(), among.as_deref(), state, after, limit)
        .await?;
    let next = found.last().filter(|_| found.len() == limit);
    Ok(Json(ReleaseList {
        next: next.map(|r| r.id.to_string()),
        items: found.into_iter().map(Into::into).collect(),
    }))
}

/// A release with its parts and what it was judged by.
#[derive(Serialize, ToSchema)]
pub(crate) struct WholeRelease {
    #[serde(flatten)]
    release: ReleaseBody,
    /// It goes on for the live one while the provider of the live model is away.
    stands_by: bool,
    /// File to SHA-256.
    #[schema(value_type = Object)]
    parts: Value,
    /// Verdict, evidence, and who decided; `valid` is false with `why` when nothing counts.
    #[schema(value_type = Object)]
    gate: Value,
}

/// One release.
#[utoipa::path(get, path = "/api/v1/releases/{id}", tag = "releases", params(("id" = String, Path)),
    responses((status = 200, body = WholeRelease), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(id): Path<String>,
) -> Result<Json<WholeRelease>, ApiError> {
    let row = app.engine.release_row(query::id(&id)?).await?;
    reader.sees(&row.workflow)?;
    let (gate, workflow) = (
        gate(&app, row.id).await?,
        app.engine.reader().workflow(&row.workflow).await?,
    );
    Ok(Json(WholeRelease {
        stands_by: workflow.is_some_and(|w| w.rollout.alternative == Some(row.id)),
        parts: parts(&row),
        gate,
        release: ReleaseBody {
            id: row.id.to_string(),
            workflow: row.workflow,
            number: row.number,
            state: row.state.word(),
            hash: hex::encode(row.hash),
            created_at: row.created_at.rfc3339(),
            created_by: row.created_by,
        },
    }))
}

/// Each file of the bundle with its hash; a bundle that cannot be read has none.
fn parts(row: &Release) -> Value {
    let files = Package::from_bundle(&row.bundle).map(|(package, _)| package.files);
    let hashed =
        |(name, text): (String, String)| (name, Value::String(sha256_hex(text.as_bytes())));
    files.unwrap_or_default().into_iter().map(hashed).collect()
}

async fn gate(app: &App, id: ReleaseId) -> Result<Value, ApiError> {
    let row = app.engine.reader().gate(id).await?;
    let record = GateRecord::of(row.as_ref());
    let at = |t: Option<Timestamp>| t.map(Timestamp::rfc3339);
    Ok(json!({
        "valid": record.is_ok(), "why": record.as_ref().err(),
        "finished_at": at(row.as_ref().and_then(|g| g.finished_at)),
        "decided_at": at(row.as_ref().and_then(|g| g.decided_at)),
        "decided_by": row.as_ref().and_then(|g| g.decided_by.clone()),
        "cleared_by": row.as_ref().and_then(|g| g.cleared_by.clone()),
        "reason": row.as_ref().and_then(|g| g.reason.clone()),
        "live_at": at(row.as_ref().and_then(|g| g.live_at)),
        "judged_since": app.engine.judged_since(id).await?,
        "verdict": record.as_ref().ok().map(|r| &r.verdict),
        "evidence": record.as_ref().ok().map(|r| &r.evidence),
    }))
}
