//! The four questions of compliance, from live settings.

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tuesday_engine::ops::{EgressDays, SecurityReport};
use utoipa::IntoParams;

use crate::auth::ApiReader;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// One workflow or all.
#[derive(Deserialize, IntoParams)]
pub(crate) struct ReportQuery {
    /// Workflow name; every workflow when absent.
    workflow: Option<String>,
}

/// Where secrets are, who can call which tool, where the audit trail is; findings where an answer is
/// not as it should be.
#[utoipa::path(get, path = "/api/v1/security/report", tag = "security", params(ReportQuery),
    responses((status = 200, body = Object), (status = 404, body = ProblemBody)))]
pub(crate) async fn report(
    State(app): State<App>,
    by: ApiReader,
    Query(q): Query<ReportQuery>,
) -> Result<Json<SecurityReport>, ApiError> {
    let workflow = by.only(q.workflow)?;
    let report = app.engine.security_report(workflow.as_deref()).await?;
    Ok(Json(report))
}

/// Which days.
#[derive(Deserialize, IntoParams)]
pub(crate) struct EgressQuery {
    /// Workflow name; every workflow when absent.
    workflow: Option<String>,
    /// First day (`YYYY-MM-DD`), or how long ago (`7d`).
    from: Option<String>,
    /// Last day.
    to: Option<String>,
}

/// What data left: which fields, to whom, how often, under which release.
#[utoipa::path(get, path = "/api/v1/security/egress", tag = "security", params(EgressQuery),
    responses((status = 200, body = Object), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn egress(
    State(app): State<App>,
    by: ApiReader,
    Query(q): Query<EgressQuery>,
) -> Result<Json<Value>, ApiError> {
    let workflow = by.only(q.workflow)?;
    let days = EgressDays {
        from: q.from,
        to: q.to,
    };
    let items = app.engine.egress(workflow.as_deref(), &days).await?;
    Ok(Json(json!({ "items": items })))
}
