//! The audit log, to read: signed heads and entries.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Checkpoint;
use tuesday_domain::time::Timestamp;
use tuesday_store::AuditFilter;
use utoipa::{IntoParams, ToSchema};

use crate::auth::ApiReader;
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// The newest signed head as its signed note (C2SP), byte for byte.
#[utoipa::path(get, path = "/api/v1/audit/checkpoint", tag = "audit",
    responses((status = 200, body = String, content_type = "text/plain"), (status = 404, body = ProblemBody)))]
pub(crate) async fn checkpoint(
    State(app): State<App>,
    _reader: ApiReader,
) -> Result<Response, ApiError> {
    let newest = app.engine.reader().latest_checkpoint().await?;
    let newest = newest.ok_or_else(|| Problem::new("not_found", "no checkpoint was signed yet"))?;
    Ok((
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        newest.note,
    )
        .into_response())
}

/// A signed head.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckpointBody {
    /// Entries it covers.
    size: u64,
    /// Root of the tree, hex.
    root: String,
    at: String,
    /// The whole signed note.
    note: String,
}

impl From<Checkpoint> for CheckpointBody {
    fn from(c: Checkpoint) -> Self {
        Self {
            size: c.size,
            root: hex::encode(c.root),
            at: c.at.rfc3339(),
            note: c.note,
        }
    }
}

/// Signed heads.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckpointList {
    items: Vec<CheckpointBody>,
    /// Size of the last one; ask again with it as `after`.
    next: Option<u64>,
}

/// Which heads.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckpointQuery {
    /// Only heads that cover more entries.
    after: Option<u64>,
    limit: Option<usize>,
}

/// Signed heads, oldest first.
#[utoipa::path(get, path = "/api/v1/audit/checkpoints", tag = "audit", params(CheckpointQuery), responses((status = 200, body = CheckpointList)))]
pub(crate) async fn checkpoints(
    State(app): State<App>,
    _reader: ApiReader,
    Query(q): Query<CheckpointQuery>,
) -> Result<Json<CheckpointList>, ApiError> {
    let limit = query::limit(q.limit, 50);
    let all = app.engine.reader().checkpoints().await?;
    let items: Vec<_> = all
        .into_iter()
        .filter(|c| q.after.is_none_or(|n| c.size > n))
        .take(limit)
        .map(CheckpointBody::from)
        .collect();
    let next = (items.len() == limit)
        .then(|| items.last().map(|c| c.size))
        .flatten();
    Ok(Json(CheckpointList { items, next }))
}

/// An entry.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryBody {
    /// Place in the tree.
    index: Option<u64>,
    at: String,
    kind: String,
    run_id: Option<String>,
    workflow: Option<String>,
    /// The leaf as JSON.
    #[schema(value_type = Object)]
    leaf: Value,
}

/// A page of entries.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryList {
    items: Vec<EntryBody>,
    /// The next `after`; absent on the last page.
    next: Option<u64>,
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntryQuery {
    workflow: Option<String>,
    /// RFC 3339 or a day.
    from: Option<String>,
    to: Option<String>,
    kind: Option<String>,
    /// Index of the last entry of the page before.
    after: Option<u64>,
    limit: Option<usize>,
}

fn time(field: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    text.map(|t| {
        Timestamp::parse(t).map_err(|e| Problem::new("bad_request", e.to_string()).field(field))
    })
    .transpose()
}

/// Audit entries, newest first.
#[utoipa::path(get, path = "/api/v1/audit/entries", tag = "audit", params(EntryQuery),
    responses((status = 200, body = EntryList), (status = 400, body = ProblemBody)))]
pub(crate) async fn entries(
    State(app): State<App>,
    reader: ApiReader,
    Query(q): Query<EntryQuery>,
) -> Result<Json<EntryList>, ApiError> {
    let limit = query::limit(q.limit, 50);
    let filter = AuditFilter {
        workflow: reader.only(q.workflow)?,
        from: time("from", q.from.as_deref())?,
        to: time("to", q.to.as_deref())?,
        kind: q.kind,
        ..AuditFilter::default()
    };
    let rows = app
        .engine
        .reader()
        .audit_page(&filter, q.after, limit)
        .await?;
    let next = (rows.len() == limit)
        .then(|| rows.last().and_then(|r| r.index))
        .flatten();
    let body = |r: tuesday_store::AuditRow| EntryBody {
        index: r.index,
        at: r.at.rfc3339(),
        kind: r.kind,
        run_id: r.run.map(|id| id.to_string()),
        workflow: r.workflow,
        leaf: serde_json::from_slice(&r.leaf).unwrap_or(Value::Null),
    };
    Ok(Json(EntryList {
        items: rows.into_iter().map(body).collect(),
        next,
    }))
}

/// The proof that one entry is in the signed log.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProofBody {
    /// Place of the entry in the log, from 0.
    index: u64,
    /// The leaf, base64: its hash is what the path begins with.
    leaf: String,
    /// SHA-256 of a zero byte and the leaf, hex.
    leaf_hash: String,
    /// Entries under the checkpoint.
    size: u64,
    /// The root that the checkpoint signs, hex.
    root: String,
    /// Sibling hashes from the leaf upwards, hex.
    path: Vec<String>,
    /// The signed checkpoint.
    checkpoint: String,
    /// Path and checkpoint as one C2SP `tlog-proof`.
    proof: String,
    /// The key to check it with; compare it with one you kept. Absent on a node that knows none.
    vkey: Option<String>,
    /// How to check it without this software.
    verify: &'static str,
}

/// How a proof is checked by hand.
pub(crate) const VERIFY: &str = "hash the leaf with a zero byte before it, join it with each hash of the path as RFC 6962 section 2.1.1 says, \
    compare the result with the root in the checkpoint, and the checkpoint's signature with the key you kept";

/// The way from one entry up to the newest signed head.
#[utoipa::path(get, path = "/api/v1/audit/entries/{seq}/proof", tag = "audit", params(("seq" = u64, Path)),
    responses((status = 200, body = ProofBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn proof(
    State(app): State<App>,
    reader: ApiReader,
    Path(index): Path<String>,
) -> Result<Json<ProofBody>, ApiError> {
    let index: u64 = index
        .parse()
        .map_err(|_| Problem::new("malformed_id", format!("`{index}` is no place in the log")))?;
    let none = || {
        Problem::new(
            "not_found",
            format!("no checkpoint covers an entry {index}"),
        )
        .way_out("a new entry is covered within seconds, where a node signs")
    };
    let before = AuditFilter::default();
    let row = app
        .engine
        .reader()
        .audit_page(&before, Some(index.saturating_add(1)), 1);
    let row = row
        .await?
        .pop()
        .filter(|r| r.index == Some(index))
        .ok_or_else(none)?;
    match &row.workflow {
        Some(workflow) => reader.sees(workflow)?,
        None => reader.whole()?,
    }
    let found = app.engine.inclusions(&[index]).await?;
    let found = found.into_iter().next().ok_or_else(none)?;
    Ok(Json(ProofBody {
        index,
        leaf: STANDARD.encode(&row.leaf),
        leaf_hash: hex::encode(found.leaf_hash),
        size: found.size,
        root: hex::encode(found.root),
        path: found.proof.hashes.iter().map(hex::encode).collect(),
        checkpoint: found.proof.checkpoint.clone(),
        proof: found.proof.to_string(),
        vkey: app.engine.log_key().map(|k| k.to_string()),
        verify: VERIFY,
    }))
}
