//! Workflows-to-be over the API: the ranking, one with its questions, answering, dropping, carrying into a charter.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{AnswerWish, Reader};
use utoipa::ToSchema;

use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// What is said about a candidate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CandidateBody {
    /// The version that was read; 0 for a new one.
    version: u32,
    /// As people read it; absent leaves it as it is.
    title: Option<String>,
    /// Question to answer; a blank one takes the answer back, what is not named stays.
    #[serde(default)]
    answers: BTreeMap<String, String>,
}

/// Which version is meant.
#[derive(Deserialize)]
pub(crate) struct Version {
    /// The version that was read.
    version: u32,
}

fn value(of: &impl Serialize) -> Result<Json<Value>, ApiError> {
    let value = serde_json::to_value(of).map_err(|e| Problem::new("internal", e.to_string()))?;
    Ok(Json(value))
}

/// The candidates that the reader may read, the best first, each with what is in its way.
#[utoipa::path(get, path = "/api/v1/candidates", tag = "workflows",
    responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
) -> Result<Json<Value>, ApiError> {
    let who = reader.actor();
    let seen = Reader {
        who: &who,
        rights: reader.rights(),
    };
    value(&Box::pin(app.engine.ranking(&seen)).await?)
}

/// A candidate with every question, its answer, who gave it, and what the workflow of its name says.
#[utoipa::path(get, path = "/api/v1/candidates/{name}", tag = "workflows", params(("name" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let who = reader.actor();
    let seen = Reader {
        who: &who,
        rights: reader.rights(),
    };
    value(&Box::pin(app.engine.candidate(&name, &seen)).await?)
}

/// Answers questions about a candidate, and puts it forward where there is none of that name.
#[utoipa::path(put, path = "/api/v1/candidates/{name}", tag = "workflows", params(("name" = String, Path)), request_body = CandidateBody,
    responses((status = 200, body = serde_json::Value), (status = 400, body = ProblemBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn answer(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    let body: CandidateBody = query::body(&bytes)?;
    let who = by.actor();
    let seen = Reader {
        who: &who,
        rights: by.rights(),
    };
    let wish = AnswerWish {
        seen: Some(body.version),
        title: body.title,
        answers: body.answers.into_iter().collect(),
    };
    Box::pin(app.engine.answer_candidate(&name, wish, &seen)).await?;
    value(&Box::pin(app.engine.candidate(&name, &seen)).await?)
}

/// Drops a candidate; its answers go, the log keeps what was said.
#[utoipa::path(delete, path = "/api/v1/candidates/{name}", tag = "workflows",
    params(("name" = String, Path), ("version" = u32, Query)),
    responses((status = 204), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn drop_one(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    Query(v): Query<Version>,
) -> Result<StatusCode, ApiError> {
    let who = by.actor();
    let seen = Reader {
        who: &who,
        rights: by.rights(),
    };
    app.engine
        .drop_candidate(&name, Some(v.version), &seen)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds the answers to the charter of the workflow of that name, where the charter says nothing; answers what was
/// added and what was there.
#[utoipa::path(post, path = "/api/v1/candidates/{name}/carrying", tag = "workflows", params(("name" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn carry(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let who = by.actor();
    let seen = Reader {
        who: &who,
        rights: by.rights(),
    };
    value(&Box::pin(app.engine.carry_candidate(&name, &seen)).await?)
}
