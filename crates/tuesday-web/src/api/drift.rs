//! The mix of outcomes: shifts against the baseline, findings, freezing and closing.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use tuesday_domain::drift::calibration::Band;
use tuesday_domain::ledger::day::Days;
use tuesday_domain::problem::Problem;
use utoipa::{IntoParams, ToSchema};

use super::costs::{day, value};
use super::sheet;
use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// The form of the answer.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct MixQuery {
    /// `csv` for a table of the shifts instead of JSON.
    format: Option<String>,
}

/// Shifts against the baseline, findings with what changed around them, agreement, inputs.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/drift", tag = "drift", params(("workflow" = String, Path), MixQuery),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
    Query(q): Query<MixQuery>,
) -> Result<Response, ApiError> {
    reader.sees(&name)?;
    let found = Box::pin(app.engine.drift(&name)).await?;
    match q.format.as_deref() {
        None | Some("json") => Ok(value(&found)?.into_response()),
        Some("csv") => {
            let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
            Ok((kind, sheet::drift(&found)).into_response())
        }
        Some(_) => Err(Problem::new("bad_request", "json or csv")
            .field("format")
            .into()),
    }
}

/// A band by its name.
pub(crate) fn band(text: &str) -> Result<Band, Problem> {
    text.parse()
        .map_err(|e: tuesday_domain::words::UnknownWord| {
            Problem::new("bad_request", e.to_string()).field("band")
        })
}

/// Stated confidence against what people said, band by band.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/drift/calibration", tag = "drift", params(("workflow" = String, Path), MixQuery),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn calibration(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
    Query(q): Query<MixQuery>,
) -> Result<Response, ApiError> {
    reader.sees(&name)?;
    let found = Box::pin(app.engine.calibration(&name)).await?;
    match q.format.as_deref() {
        None | Some("json") => Ok(value(&found)?.into_response()),
        Some("csv") => {
            let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
            Ok((kind, found.csv()).into_response())
        }
        Some(_) => Err(Problem::new("bad_request", "json or csv")
            .field("format")
            .into()),
    }
}

/// A band that is relied on although it is miscalibrated.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RelyBody {
    band: String,
    #[serde(default)]
    reason: String,
}

/// Relies on a miscalibrated band, for 30 days at most, until fresh outcomes are there.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/drift/calibration", tag = "drift", params(("workflow" = String, Path)), request_body = RelyBody,
    responses((status = 200, body = serde_json::Value), (status = 400, body = ProblemBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn rely(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<serde_json::Value>, ApiError> {
    by.sees(&name)?;
    let b: RelyBody = query::body(&body)?;
    let band = band(&b.band)?;
    let done = app
        .engine
        .rely_on(&name, band, &b.reason, &by.person)
        .await?;
    let answer = serde_json::json!({"workflow": name, "band": band, "by": done.by,
        "until": done.until.rfc3339(), "reason": done.reason});
    Ok(Json(answer))
}

/// Days to freeze.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FreezeBody {
    from: String,
    to: String,
    #[serde(default)]
    reason: String,
}

/// Freezes the mix of some whole days.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/drift/baseline", tag = "drift", params(("workflow" = String, Path)), request_body = FreezeBody,
    responses((status = 201, body = serde_json::Value), (status = 400, body = ProblemBody), (status = 403, body = ProblemBody)))]
pub(crate) async fn freeze(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<serde_json::Value>), ApiError> {
    by.sees(&name)?;
    let b: FreezeBody = query::body(&body)?;
    let days = Days {
        from: day("from", &b.from)?,
        to: day("to", &b.to)?,
    };
    let row = app
        .engine
        .freeze_mix(&name, days, &b.reason, &by.person)
        .await?;
    let answer = serde_json::json!({"workflow": row.workflow, "version": row.version,
        "from": row.day_from, "to": row.day_to});
    Ok((StatusCode::CREATED, Json(answer)))
}

/// What a finding was.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseBody {
    #[serde(default)]
    note: String,
}

/// Closes a finding.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/drift/findings/{number}/closing", tag = "drift",
    params(("workflow" = String, Path), ("number" = u32, Path)), request_body = CloseBody,
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn close(
    State(app): State<App>,
    by: ApiReviewer,
    Path((name, number)): Path<(String, u32)>,
    body: Bytes,
) -> Result<Json<serde_json::Value>, ApiError> {
    by.sees(&name)?;
    let b: CloseBody = query::body(&body)?;
    let done = app
        .engine
        .close_drift(&name, number, &b.note, &by.person)
        .await?;
    let answer = serde_json::json!({"workflow": done.workflow, "finding": done.seq,
        "state": done.state.word(), "note": done.note, "closed_by": done.closed_by});
    Ok(Json(answer))
}
