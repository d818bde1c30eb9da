//! Hub, readiness, week, charter, ledger, value report, tests of people and postmortems as JSON and CSV: what
//! their pages show, for spreadsheets and scripts.

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use tuesday_domain::ledger::exposure::factor;
use tuesday_domain::problem::Problem;
use tuesday_domain::workflow::Label;
use tuesday_engine::ops::{CharterView, HubLine, Weekly};

use super::costs::{self, CostQuery};
use super::hub;
use super::postmortem::Which;
use super::readiness;
use super::value::{self, QuarterQuery};
use super::visit::Visit;
use super::weekly::{self, WeekQuery};
use crate::api::costs::CostBody;
use crate::api::{sheet, tables};
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

/// The figures of a quarter as the report claims them.
async fn quarter(
    app: &App,
    visit: &Visit,
    name: &str,
    q: QuarterQuery,
) -> Result<value::Quarter, PageError> {
    let mut found = value::quarter(app, visit, name, q).await?;
    let claims = found.card.label != Label::Research;
    found.card = tables::claimed(found.card, claims);
    Ok(found)
}

/// The value report as CSV.
pub(crate) async fn value_csv(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<QuarterQuery>,
) -> Result<Response, PageError> {
    let q = quarter(&app, &visit, &name, q).await?;
    Ok(csv(tables::value(&q.card, &q.idle, q.incidents)))
}

/// The value report as JSON.
pub(crate) async fn value_json(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<QuarterQuery>,
) -> Result<Response, PageError> {
    Ok(axum::Json(quarter(&app, &visit, &name, q).await?).into_response())
}

/// Turnover tests with their grades as CSV.
pub(crate) async fn turnover_csv(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let view = Box::pin(app.engine.turnover(&name)).await?;
    Ok(csv(tables::turnover(&view)))
}

/// Friday tests that ended, with their grades, as CSV.
pub(crate) async fn friday_csv(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let me = visit.user.session.person.clone();
    let view = Box::pin(app.engine.friday(&name, &me)).await?;
    Ok(csv(tables::friday(&view)))
}

/// The newest postmortem, or the one that is asked for, as CSV.
pub(crate) async fn postmortem_csv(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(which): Query<Which>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let view = app.engine.postmortem_of_workflow(&name, which.number);
    Ok(csv(tables::postmortem(&Box::pin(view).await?)))
}

/// What leaving each vendor takes as CSV.
pub(crate) async fn exit_csv(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let found = Box::pin(app.engine.exit_cost(&name)).await?;
    Ok(csv(tables::exit(&found)))
}

/// Which days, and how many times their volume.
#[derive(Deserialize)]
pub(crate) struct VolumeQuery {
    #[serde(default)]
    volume: String,
    from: Option<String>,
    to: Option<String>,
}

/// The same days at another volume as CSV.
pub(crate) async fn forecast_csv(
    State(app): State<App>,
    visit: Visit,
    Path(name): Path<String>,
    Query(q): Query<VolumeQuery>,
) -> Result<Response, PageError> {
    visit.user.sees(&name)?;
    let bad = |why| Problem::new("bad_request", why).field("volume");
    let volume = if q.volume.is_empty() {
        "10x"
    } else {
        &q.volume
    };
    let times = factor(volume).map_err(bad)?;
    let some = |t: &Option<String>| t.clone().filter(|t| !t.is_empty());
    let (from, to) = (some(&q.from), some(&q.to));
    let days = app
        .engine
        .asked_days(Some(&name), from.as_deref(), to.as_deref(), 28)
        .await?;
    let found = Box::pin(app.engine.cost_forecast(&name, days, times, None)).await?;
    Ok(csv(tables::forecast(&found)))
}
