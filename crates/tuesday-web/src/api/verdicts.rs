//! What a second look says, over the API.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::SecondVerdict;
use utoipa::ToSchema;

use super::decisions::{key, reached};
use super::reviews::ReviewBody;
use crate::auth::ApiReviewer;
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// Whether an approved output was right.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerdictBody {
    /// `correct` or `incorrect`.
    verdict: String,
    /// Why; needed for an incorrect one.
    #[serde(default)]
    reason: String,
    revision: Option<u32>,
}

/// Whether the word means that it was right.
pub(crate) fn correct(word: &str) -> Result<bool, Problem> {
    match word {
        "correct" => Ok(true),
        "incorrect" => Ok(false),
        other => {
            let said = format!("`{other}` is not one of correct, incorrect");
            Err(Problem::new("bad_request", said).field("verdict"))
        }
    }
}

/// Answers a second look; an incorrect output opens a problem report.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/verdict", tag = "reviews",
    params(("id" = String, Path), ("idempotency-key" = Option<String>, Header)), request_body = VerdictBody,
    responses((status = 200, body = ReviewBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn verdict(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<ReviewBody>, ApiError> {
    let id = reached(&app, &by, &id).await?;
    let b: VerdictBody = query::body(&body)?;
    let verdict = SecondVerdict {
        correct: correct(&b.verdict)?,
        reason: b.reason,
        revision: b.revision,
        key: key(&headers),
    };
    let mut done = app.engine.second_verdict(id, &by.person, verdict).await?;
    app.engine.veil_review(by.rights(), &mut done).await;
    Ok(Json(done.into()))
}
