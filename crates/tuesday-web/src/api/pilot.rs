//! The evidence of a pilot over the API: the pack as JSON or CSV, and what people add to it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tuesday_domain::charter::Statement;
use tuesday_domain::problem::Problem;
use utoipa::{IntoParams, ToSchema};

use super::sheet;
use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// JSON or CSV.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PackQuery {
    /// `csv` for a table of every line instead of JSON.
    format: Option<String>,
}

/// What somebody says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SayingBody {
    /// `claim`, `hidden_cost`, `exception` or `answer`.
    kind: String,
    /// The part, the entry of the ledger, the step or the question.
    about: String,
    /// In a sentence; empty takes it back.
    #[serde(default)]
    text: String,
}

/// The evidence pack with its parts, questions, steps and the fifteen questions of going live.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/pilot", tag = "workflows", params(("workflow" = String, Path), PackQuery),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
    Query(q): Query<PackQuery>,
) -> Result<Response, ApiError> {
    reader.sees(&name)?;
    let pack = Box::pin(app.engine.pilot_pack(&name)).await?;
    match q.format.as_deref() {
        None | Some("json") => {
            let value =
                serde_json::to_value(pack).map_err(|e| Problem::new("internal", e.to_string()))?;
            Ok(Json(value).into_response())
        }
        Some("csv") => {
            let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
            Ok((kind, sheet::pilot(&pack)).into_response())
        }
        Some(_) => Err(Problem::new("bad_request", "json or csv")
            .field("format")
            .into()),
    }
}

/// What a word of a form or a body means.
pub(crate) fn saying(kind: &str) -> Result<Statement, Problem> {
    Ok(match kind {
        "claim" => Statement::PilotClaim,
        "hidden_cost" => Statement::HiddenCost,
        "exception" => Statement::StepException,
        "answer" => Statement::GoLiveAnswer,
        other => {
            return Err(Problem::new(
                "bad_request",
                format!("`{other}` is nothing that is said of a pilot"),
            )
            .field("kind")
            .way_out("claim, hidden_cost, exception or answer"));
        }
    })
}

/// Keeps a claim, a hidden cost, the reason for a step that is jumped over, or an answer, under one's name.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/pilot/statements", tag = "workflows", params(("workflow" = String, Path)), request_body = SayingBody,
    responses((status = 200, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn say(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    by.sees(&name)?;
    let body: SayingBody = query::body(&bytes)?;
    let what = (saying(&body.kind)?, body.about.as_str());
    let f = app
        .engine
        .say_of_pilot(&name, what, &body.text, &by.person)
        .await?;
    Ok(Json(json!({
        "workflow": f.workflow, "seq": f.seq, "kind": body.kind, "about": f.about, "text": f.value,
        "by": f.by, "at": f.at.rfc3339(),
    })))
}
