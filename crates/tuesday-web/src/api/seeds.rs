//! Known errors for the queue, over the API.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tuesday_domain::id::RunId;
use tuesday_domain::record::Seed;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::SeedWish;
use utoipa::ToSchema;

use crate::auth::ApiReviewer;
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// Which known error is wanted; any where nothing is said.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedBody {
    /// One of the package's faults.
    fault: Option<String>,
    /// The decided run it is made from.
    run_id: Option<String>,
}

/// A known error that stands in the queue.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlacedBody {
    review_id: String,
    run_id: String,
    fault: String,
    /// The field that is wrong.
    field: String,
    made_from: Option<String>,
}

/// What a decided task turned out to be: a known error.
#[derive(Serialize, ToSchema)]
pub(crate) struct SeedToldBody {
    /// `caught` or `missed`.
    result: Option<&'static str>,
    fault: String,
    /// The field that was wrong.
    field: String,
    decided_at: Option<String>,
}

impl From<Seed> for SeedToldBody {
    fn from(s: Seed) -> Self {
        Self {
            result: s.result.map(|r| r.word()),
            fault: s.fault,
            field: s.field,
            decided_at: s.decided_at.map(Timestamp::rfc3339),
        }
    }
}

/// Puts a known error into the queue; whoever decides it is told afterwards. It can write nothing.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/seeds", tag = "reviews", params(("workflow" = String, Path)), request_body = SeedBody,
    responses((status = 201, body = PlacedBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn place(
    State(app): State<App>,
    by: ApiReviewer,
    Path(workflow): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<PlacedBody>), ApiError> {
    by.sees(&workflow)?;
    let b: SeedBody = match body.is_empty() {
        true => SeedBody::default(),
        false => query::body(&body)?,
    };
    let run: Option<RunId> = b.run_id.as_deref().map(query::id).transpose()?;
    let wish = SeedWish {
        fault: b.fault,
        run,
    };
    let placed = Box::pin(app.engine.seed(&workflow, &wish, &by.person)).await?;
    let body = PlacedBody {
        review_id: placed.review.id.to_string(),
        run_id: placed.seed.run.to_string(),
        fault: placed.seed.fault,
        field: placed.seed.field,
        made_from: placed.seed.made_from.map(|r| r.to_string()),
    };
    Ok((StatusCode::CREATED, Json(body)))
}
