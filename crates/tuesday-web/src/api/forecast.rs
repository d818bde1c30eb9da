//! What the same days would cost at another volume, and how often the machine was wrong about going alone.

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use tuesday_domain::ledger::exposure::factor;
use tuesday_domain::problem::Problem;
use utoipa::IntoParams;

use super::costs::value;
use crate::auth::ApiReader;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// Days unless said otherwise.
const USUAL: i64 = 28;

/// A span of days, and a volume.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct VolumeQuery {
    /// How many times the volume, such as `10x`, which it is unless given.
    volume: Option<String>,
    /// First day, `YYYY-MM-DD`; 28 days back unless given.
    from: Option<String>,
    /// Last day, included.
    to: Option<String>,
}

/// The same days at another volume, by the prices in force now.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/costs/forecast", tag = "money", params(("workflow" = String, Path), VolumeQuery),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
    Query(q): Query<VolumeQuery>,
) -> Result<Json<serde_json::Value>, ApiError> {
    reader.sees(&name)?;
    let bad = |why| Problem::new("bad_request", why).field("volume");
    let times = factor(q.volume.as_deref().unwrap_or("10x")).map_err(bad)?;
    let (from, to) = (q.from.as_deref(), q.to.as_deref());
    let days = app.engine.asked_days(Some(&name), from, to, USUAL).await?;
    value(&app.engine.cost_forecast(&name, days, times, None).await?)
}

/// A span of days.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct JudgedQuery {
    /// First day, `YYYY-MM-DD`; 28 days back unless given.
    from: Option<String>,
    /// Last day, included.
    to: Option<String>,
}

/// False positives and false negatives in production: by release, with interval and sample.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/misjudged", tag = "money", params(("workflow" = String, Path), JudgedQuery),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn misjudged(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
    Query(q): Query<JudgedQuery>,
) -> Result<Json<serde_json::Value>, ApiError> {
    reader.sees(&name)?;
    let (from, to) = (q.from.as_deref(), q.to.as_deref());
    let days = app.engine.asked_days(Some(&name), from, to, USUAL).await?;
    value(&app.engine.judged_report(&name, days).await?)
}
