//! Hub, readiness, week, charter and ledger as JSON and CSV: what their pages show, for spreadsheets and scripts.

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use tuesday_engine::ops::{CharterView, HubLine, Weekly};

use super::costs::{self, CostQuery};
use super::hub;
use super::readiness;
use super::visit::Visit;
use super::weekly::{self, WeekQuery};
use crate::api::costs::CostBody;
use crate::api::sheet;
use crate::refusal::PageError;
use crate::state::App;

/// A workflow of the hub.
#[derive(Serialize)]
struct HubEntry {
    line: HubLine,
    charter: CharterView,
}

fn csv(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response()
}

/// The hub as CSV: one row for each workflow.
pub(crate) async fn hub_csv(State(app): State<App>, visit: Visit) -> Result<Response, PageError> {
    Ok(csv(sheet::hub(&hub::all(&app, &visit).await?)))
}

/// The hub as JSON.
pub(crate) async fn hub_json(State(app): State<App>, visit: Visit) -> Result<Response, PageError> {
    let all = hub::all(&app, &visit).await?.into_iter();
    let all: Vec<HubEntry> = all
        .map(|(charter, line)| HubEntry { line, charter })
        .collect();
    Ok(axum::Json(all).into_response())
}

/// The ranking of candidates as CSV: one row for each.
pub(crate) async fn readiness_csv(
    State(app): State<App>,
    visit: Visit,
) -> Result<Response, PageError> {
    Ok(csv(sheet::readiness(
        &readiness::ranking(&app, &visit).await?,
    )))
}

/// The ranking of candidates as JSON.
pub(crate) async fn readiness_json(
    State(app): State<App>,
    visit: Visit,
) -> Result<Response, PageError> {
    Ok(axum::Json(readiness::ranking(&app, &visit).await?).into_response())
}

async fn week(app: &App, visit: &Visit, name: &str, q: WeekQuery) -> Result<Weekly, PageError> {
    visit.user.sees(name)?;
    let week = weekly::asked(q)?;
    Ok(Box::pin(app.engine.weekly(name, week)).await?)
}

/// The week as CSV: its figures beside those of the week before.
pub(crate) async fn week_csv(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<WeekQuery>,
) -> Result<Response, PageError> {
    Ok(csv(sheet::weekly(&week(&app, &visit, &name, q).await?)))
}

/// The week as JSON.
pub(crate) async fn week_json(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<WeekQuery>,
) -> Result<Response, PageError> {
    Ok(axum::Json(week(&app, &visit, &name, q).await?).into_response())
}

async fn charter(app: &App, visit: &Visit, name: &str) -> Result<CharterView, PageError> {
    visit.user.sees(name)?;
    Ok(Box::pin(app.engine.charter(name)).await?)
}

/// Every list of the charter as CSV: one row for each item.
pub(crate) async fn charter_csv(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    Ok(csv(sheet::charter(&charter(&app, &visit, &name).await?)))
}

/// Every list of the charter as JSON.
pub(crate) async fn charter_json(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    Ok(axum::Json(charter(&app, &visit, &name).await?).into_response())
}

/// The entries of the ledger as CSV, every one that the page would show leafing through it.
pub(crate) async fn costs_csv(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<CostQuery>,
) -> Result<Response, PageError> {
    Ok(csv(sheet::entries(
        &costs::all(&app, &visit, &name, &q).await?,
    )))
}

/// The entries of the ledger as JSON.
pub(crate) async fn costs_json(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<CostQuery>,
) -> Result<Response, PageError> {
    let all = costs::all(&app, &visit, &name, &q).await?;
    let all: Vec<_> = all.into_iter().map(CostBody::from).collect();
    Ok(axum::Json(all).into_response())
}
