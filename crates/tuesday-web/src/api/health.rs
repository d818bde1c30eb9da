//! What load balancers and monitors ask.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tuesday_domain::problem::Problem;
use utoipa::ToSchema;

use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// How the node is.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthBody {
    status: &'static str,
}

/// The process lives and answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses((status = 200, body = HealthBody)))]
pub(crate) async fn live() -> Json<HealthBody> {
    Json(HealthBody { status: "live" })
}

/// The database answers, the worker runs, and the node takes work.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, body = HealthBody), (status = 503, body = ProblemBody)))]
pub(crate) async fn ready(State(app): State<App>) -> Result<Json<HealthBody>, ApiError> {
    let health = app.engine.health().await;
    if health.stopping {
        return Err(Problem::new("shutting_down", "this node takes no new work").into());
    }
    if !health.database {
        return Err(Problem::new("unavailable", "the database does not answer")
            .with("part", "database")
            .into());
    }
    if app.config.needs_worker && !health.worker {
        return Err(
            Problem::new("unavailable", "no worker is running on this node")
                .with("part", "worker")
                .into(),
        );
    }
    Ok(Json(HealthBody { status: "ready" }))
}

/// Measurements in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", security(()),
    responses((status = 200, body = String, content_type = "text/plain"), (status = 404, body = ProblemBody)))]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, ApiError> {
    let render = app
        .config
        .metrics
        .as_ref()
        .ok_or_else(|| Problem::new("not_found", "this node keeps no measurements"))?;
    Ok((
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        render(),
    )
        .into_response())
}
