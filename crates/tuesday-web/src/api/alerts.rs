//! Alerts: who was asked about an incident, who answered, and how each delivery went.

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use tuesday_domain::id::AlertId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Alert, AlertDelivery};
use tuesday_store::AlertFilter;
use utoipa::{IntoParams, ToSchema};

use crate::auth::ApiReader;
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// An alert.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertBody {
    id: String,
    incident_id: String,
    workflow: Option<String>,
    /// `firing`, `notified`, `escalated`, `acknowledged` or `cleared`.
    state: &'static str,
    /// Handle of the person it is with.
    person: String,
    /// Everybody it may walk to, in order.
    chain: Vec<String>,
    /// How often it has gone around.
    round: u32,
    fired_at: String,
    /// When something happens next: a try, the next person, a reminder.
    due_at: String,
    acknowledged_by: Option<String>,
}

fn body(a: &Alert) -> AlertBody {
    AlertBody {
        id: a.id.to_string(),
        incident_id: a.incident.to_string(),
        workflow: a.workflow.clone(),
        state: a.state.word(),
        person: a.person.clone(),
        chain: a.people().into_iter().map(str::to_owned).collect(),
        round: a.round,
        fired_at: a.fired_at.rfc3339(),
        due_at: a.due_at.rfc3339(),
        acknowledged_by: a.acknowledged_by.clone(),
    }
}

/// A page of alerts.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertList {
    items: Vec<AlertBody>,
    /// The next `after`; absent on the last page.
    next: Option<String>,
}

/// Which alerts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertQuery {
    workflow: Option<String>,
    state: Option<String>,
    person: Option<String>,
    /// `true`: only those that still want somebody.
    open: Option<bool>,
    after: Option<String>,
    limit: Option<usize>,
}

/// Alerts, newest first.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "incidents", params(AlertQuery),
    responses((status = 200, body = AlertList), (status = 400, body = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
    Query(q): Query<AlertQuery>,
) -> Result<Json<AlertList>, ApiError> {
    let limit = query::limit(q.limit, 50);
    let filter = AlertFilter {
        workflow: reader.only(q.workflow)?,
        among: reader.readable(),
        state: query::word("state", q.state.as_deref())?,
        person: q.person,
        open: q.open.unwrap_or(false),
    };
    let after = q.after.as_deref().map(query::id).transpose()?;
    let found = app
        .engine
        .reader()
        .alert_page(&filter, after, limit)
        .await?;
    let next = found.last().filter(|_| found.len() == limit);
    Ok(Json(AlertList {
        next: next.map(|a| a.id.to_string()),
        items: found.iter().map(body).collect(),
    }))
}

/// One try to reach a person.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryBody {
    n: u32,
    /// `alert`, `cleared` or `test`.
    kind: &'static str,
    person: String,
    /// A channel took it.
    ok: bool,
    channel: Option<String>,
    /// What the channels said that did not take it.
    detail: Option<String>,
    at: String,
}

fn delivery(d: AlertDelivery) -> DeliveryBody {
    DeliveryBody {
        n: d.n,
        kind: d.kind.word(),
        person: d.person,
        ok: d.ok,
        channel: d.channel,
        detail: d.detail,
        at: d.at.rfc3339(),
    }
}

/// An alert with its deliveries.
#[derive(Serialize, ToSchema)]
pub(crate) struct WholeAlert {
    #[serde(flatten)]
    alert: AlertBody,
    deliveries: Vec<DeliveryBody>,
}

/// One alert.
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "incidents", params(("id" = String, Path)),
    responses((status = 200, body = WholeAlert), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(id): Path<String>,
) -> Result<Json<WholeAlert>, ApiError> {
    let wanted: AlertId = query::id(&id)?;
    let store = app.engine.reader();
    let missing = || Problem::new("not_found", format!("there is no {id}"));
    let found = store.alert(wanted).await?.ok_or_else(missing)?;
    reader.sees(found.workflow.as_deref().unwrap_or_default())?;
    let deliveries = store.deliveries_of(wanted).await?;
    Ok(Json(WholeAlert {
        alert: body(&found),
        deliveries: deliveries.into_iter().map(delivery).collect(),
    }))
}
