//! Saved views: filters of the queue that a person keeps under a name.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tuesday_domain::record::SavedView;
use utoipa::ToSchema;

use crate::auth::ApiReviewer;
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// A saved view.
#[derive(Serialize, ToSchema)]
pub(crate) struct ViewBody {
    name: String,
    /// Query string of `GET /reviews`, without `?`.
    query: String,
    created_at: String,
}

impl From<SavedView> for ViewBody {
    fn from(v: SavedView) -> Self {
        Self {
            name: v.name,
            query: v.query,
            created_at: v.created_at.rfc3339(),
        }
    }
}

/// All saved views of the token's person.
#[derive(Serialize, ToSchema)]
pub(crate) struct ViewList {
    items: Vec<ViewBody>,
}

/// The saved views of the token's person, by name.
#[utoipa::path(get, path = "/api/v1/saved-views", tag = "reviews", responses((status = 200, body = ViewList)))]
pub(crate) async fn list(
    State(app): State<App>,
    by: ApiReviewer,
) -> Result<Json<ViewList>, ApiError> {
    let kept = app.engine.reader().saved_views(&by.person).await?;
    let items = kept.into_iter().map(ViewBody::from).collect();
    Ok(Json(ViewList { items }))
}

/// The filter of a view.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewQuery {
    query: String,
}

/// Keeps a view under a name, new or not.
#[utoipa::path(put, path = "/api/v1/saved-views/{name}", tag = "reviews", params(("name" = String, Path)), request_body = ViewQuery,
    responses((status = 200, body = ViewBody), (status = 400, body = ProblemBody)))]
pub(crate) async fn save(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<ViewBody>, ApiError> {
    let b: ViewQuery = query::body(&body)?;
    Ok(Json(
        app.engine
            .save_view(&by.person, &name, &b.query)
            .await?
            .into(),
    ))
}

/// Drops a view.
#[utoipa::path(delete, path = "/api/v1/saved-views/{name}", tag = "reviews", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemBody)))]
pub(crate) async fn drop_one(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    app.engine.drop_view(&by.person, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
