//! Money and time: what is entered, what it came to, and who has looked at it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use tuesday_domain::id::CostEntryId;
use tuesday_domain::ledger::day::Day;
use tuesday_domain::ledger::entry::Typed;
use tuesday_domain::ledger::report::By;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::CostEntry;
use tuesday_store::EntryFilter;
use utoipa::{IntoParams, ToSchema};

use super::sheet;
use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// Days a report covers unless said otherwise.
const USUAL: i64 = 28;

/// A span of days, and a form.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpanQuery {
    workflow: Option<String>,
    /// First day, `YYYY-MM-DD`; 28 days back unless given.
    from: Option<String>,
    /// Last day, included.
    to: Option<String>,
    /// `nothing`, `workflow`, `release`, `tier`, `group`, `week`, `day` or `bucket`.
    by: Option<String>,
    /// `csv` for a table instead of JSON.
    format: Option<String>,
}

/// A report as JSON.
pub(crate) fn value<T: Serialize>(of: &T) -> Result<Json<serde_json::Value>, ApiError> {
    let value = serde_json::to_value(of);
    Ok(Json(
        value.map_err(|e| Problem::new("internal", e.to_string()))?,
    ))
}

fn as_csv(format: Option<&str>) -> Result<bool, Problem> {
    match format {
        None | Some("json") => Ok(false),
        Some("csv") => Ok(true),
        Some(_) => Err(Problem::new("bad_request", "json or csv").field("format")),
    }
}

fn csv(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response()
}

/// What it cost: by kind, divided, with who is paid and what is lacking.
#[utoipa::path(get, path = "/api/v1/costs/report", tag = "money", params(SpanQuery),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ProblemBody)))]
pub(crate) async fn report(
    State(app): State<App>,
    reader: ApiReader,
    Query(q): Query<SpanQuery>,
) -> Result<Response, ApiError> {
    let workflow = reader.only(q.workflow)?;
    let (place, among) = (workflow.as_deref(), reader.readable());
    let (from, to) = (q.from.as_deref(), q.to.as_deref());
    let days = app.engine.asked_days(place, from, to, USUAL).await?;
    let by = query::word("by", q.by.as_deref())?.unwrap_or(By::Nothing);
    let made = app
        .engine
        .cost_report(place, among.as_deref(), days, by)
        .await?;
    if as_csv(q.format.as_deref())? {
        return Ok(csv(made.csv()));
    }
    Ok(value(&made)?.into_response())
}

/// The scorecard of a workflow.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/scorecard", tag = "money", params(("workflow" = String, Path), SpanQuery),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn scorecard(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
    Query(q): Query<SpanQuery>,
) -> Result<Response, ApiError> {
    reader.sees(&name)?;
    let (from, to) = (q.from.as_deref(), q.to.as_deref());
    let days = app.engine.asked_days(Some(&name), from, to, USUAL).await?;
    let card = Box::pin(app.engine.scorecard(&name, days)).await?;
    if as_csv(q.format.as_deref())? {
        return Ok(csv(sheet::scorecard(&card)));
    }
    Ok(value(&card)?.into_response())
}

/// Which week.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WeekQuery {
    /// Any day of it; the last whole week unless given.
    week: Option<String>,
    /// `csv` for a table instead of JSON.
    format: Option<String>,
}

/// A day of a request.
pub(crate) fn day(field: &'static str, text: &str) -> Result<Day, Problem> {
    Day::parse(text).map_err(|e| Problem::new("bad_request", e.to_string()).field(field))
}

/// The week of a workflow: figures beside those of the week before, agenda, who has signed.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/weekly", tag = "money", params(("workflow" = String, Path), WeekQuery),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn weekly(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
    Query(q): Query<WeekQuery>,
) -> Result<Response, ApiError> {
    reader.sees(&name)?;
    let week = q.week.as_deref().map(|w| day("week", w)).transpose()?;
    let week = Box::pin(app.engine.weekly(&name, week)).await?;
    if as_csv(q.format.as_deref())? {
        return Ok(csv(sheet::weekly(&week)));
    }
    Ok(value(&week)?.into_response())
}

/// A signature under a week.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignBody {
    /// Any day of the week.
    week: String,
    /// What was seen and decided.
    #[serde(default)]
    note: String,
}

/// Signs a week.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/weekly", tag = "money", params(("workflow" = String, Path)), request_body = SignBody,
    responses((status = 201, body = serde_json::Value), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn sign(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<serde_json::Value>), ApiError> {
    by.sees(&name)?;
    let b: SignBody = query::body(&body)?;
    let week = day("week", &b.week)?;
    let signed = app
        .engine
        .sign_week(&name, week, &b.note, &by.person)
        .await?;
    Ok((StatusCode::CREATED, value(&signed)?))
}

/// An entered cost.
#[derive(Serialize, ToSchema)]
pub(crate) struct CostBody {
    id: String,
    /// `infrastructure`, `review`, `maintenance`, `support` or `exit`.
    category: &'static str,
    /// Absent for what several workflows share.
    workflow: Option<String>,
    from: String,
    to: String,
    /// Millionths of the currency; negative in a reversal.
    amount_micros: Option<i64>,
    currency: Option<String>,
    minutes: Option<i64>,
    person: Option<String>,
    vendor: Option<String>,
    bucket: Option<&'static str>,
    words: String,
    reference: Option<String>,
    reverses: Option<String>,
    entered_by: String,
    entered_at: String,
}

impl From<CostEntry> for CostBody {
    fn from(e: CostEntry) -> Self {
        Self {
            id: e.id.to_string(),
            category: e.category.word(),
            workflow: e.workflow,
            from: e.day_from,
            to: e.day_to,
            amount_micros: e.amount_micros,
            currency: e.currency,
            minutes: e.minutes,
            person: e.person,
            vendor: e.vendor,
            bucket: e.bucket.map(|b| b.word()),
            words: e.words,
            reference: e.reference,
            reverses: e.reverses.map(|id| id.to_string()),
            entered_by: e.entered_by,
            entered_at: e.entered_at.rfc3339(),
        }
    }
}

/// Entered costs.
#[derive(Serialize, ToSchema)]
pub(crate) struct CostList {
    items: Vec<CostBody>,
    /// The next `after`; absent on the last page.
    next: Option<String>,
}

/// Which entered costs.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct CostQuery {
    /// Of this workflow, and those that several share.
    workflow: Option<String>,
    category: Option<String>,
    from: Option<String>,
    to: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

/// Entered costs, the latest day first.
#[utoipa::path(get, path = "/api/v1/costs", tag = "money", params(CostQuery),
    responses((status = 200, body = CostList), (status = 400, body = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
    Query(q): Query<CostQuery>,
) -> Result<Json<CostList>, ApiError> {
    let text =
        |field, t: Option<String>| t.map(|t| day(field, &t).map(|d| d.to_string())).transpose();
    let filter = EntryFilter {
        workflow: reader.only(q.workflow)?,
        shared: true,
        among: reader.readable(),
        from: text("from", q.from)?,
        to: text("to", q.to)?,
        category: query::word("category", q.category.as_deref())?,
    };
    let limit = query::limit(q.limit, 50);
    let after = q
        .after
        .as_deref()
        .map(query::id::<CostEntryId>)
        .transpose()?;
    let found = app
        .engine
        .reader()
        .cost_entries(&filter, after, limit)
        .await?;
    let next = found.last().filter(|_| found.len() == limit);
    Ok(Json(CostList {
        next: next.map(|e| e.id.to_string()),
        items: found.into_iter().map(CostBody::from).collect(),
    }))
}

/// A cost to enter: an amount with its currency, or minutes of a person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub(crate) struct NewCostBody {
    /// `infrastructure`, `review`, `maintenance`, `support` or `exit`.
    category: String,
    /// Left out for what several workflows share.
    workflow: String,
    /// The day, or the first of several it is spread over.
    from: String,
    to: String,
    /// Decimal text, such as `120.50`.
    amount: String,
    currency: String,
    minutes: Option<i64>,
    person: String,
    vendor: String,
    /// `spine`, `first_workflow`, `human_loop` or `second_use_case`.
    bucket: String,
    words: String,
    /// Number of the invoice or time sheet; the same one counts once.
    reference: String,
}

/// Enters a cost.
#[utoipa::path(post, path = "/api/v1/costs", tag = "money", request_body = NewCostBody,
    responses((status = 201, body = CostBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn enter(
    State(app): State<App>,
    by: ApiReviewer,
    body: Bytes,
) -> Result<(StatusCode, Json<CostBody>), ApiError> {
    let b: NewCostBody = query::body(&body)?;
    let minutes = b.minutes.map(|n| n.to_string()).unwrap_or_default();
    let typed = Typed {
        category: &b.category,
        workflow: &b.workflow,
        from: &b.from,
        to: &b.to,
        amount: &b.amount,
        currency: &b.currency,
        minutes: &minutes,
        person: &b.person,
        vendor: &b.vendor,
        bucket: &b.bucket,
        words: &b.words,
        reference: &b.reference,
    };
    let invalid = |(field, why)| Problem::new("cost_invalid", why).field(field);
    let new = typed.read().map_err(invalid)?;
    by.sees(new.workflow.as_deref().unwrap_or_default())?;
    let made = app.engine.enter_cost(new, &by.person).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Why an entry is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReverseBody {
    #[serde(default)]
    reason: String,
}

/// Takes an entered cost back with another entry.
#[utoipa::path(post, path = "/api/v1/costs/{id}/reversal", tag = "money", params(("id" = String, Path)), request_body = ReverseBody,
    responses((status = 201, body = CostBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn reverse(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<CostBody>), ApiError> {
    let id: CostEntryId = query::id(&id)?;
    let b: ReverseBody = query::body(&body)?;
    let made = app.engine.reverse_cost(id, &b.reason, &by.person).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}
