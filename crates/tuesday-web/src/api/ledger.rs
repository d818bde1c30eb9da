//! What the ledger rests on: prices, the baseline by hand, the spend limit.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tuesday_domain::ledger::price::{NewPrice, amount, currency};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{BaselineRow, PriceKind, PriceRow};
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{NewBaseline, NewLimit};
use utoipa::ToSchema;

use super::costs::{day, value};
use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// A version of a price.
#[derive(Serialize, ToSchema)]
pub(crate) struct PriceBody {
    version: u32,
    /// `model` or `hour`.
    kind: &'static str,
    /// The model's pin, or `review`, `maintenance`, `support`.
    name: String,
    currency: String,
    /// Millionths of the currency.
    input_micros_per_million: Option<i64>,
    output_micros_per_million: Option<i64>,
    micros_per_hour: Option<i64>,
    from: String,
    reason: String,
    set_by: String,
}

impl From<&PriceRow> for PriceBody {
    fn from(p: &PriceRow) -> Self {
        Self {
            version: p.version,
            kind: p.kind.word(),
            name: p.name.clone(),
            currency: p.currency.clone(),
            input_micros_per_million: p.input_micros,
            output_micros_per_million: p.output_micros,
            micros_per_hour: p.hour_micros,
            from: p.starts_at.rfc3339(),
            reason: p.reason.clone(),
            set_by: p.set_by.clone(),
        }
    }
}

/// Every version of every price.
#[derive(Serialize, ToSchema)]
pub(crate) struct PriceList {
    items: Vec<PriceBody>,
}

/// The price table.
#[utoipa::path(get, path = "/api/v1/prices", tag = "money", responses((status = 200, body = PriceList)))]
pub(crate) async fn prices(
    State(app): State<App>,
    _reader: ApiReader,
) -> Result<Json<PriceList>, ApiError> {
    let table = app.engine.prices().await?;
    let items = table.rows().iter().map(PriceBody::from).collect();
    Ok(Json(PriceList { items }))
}

/// A price to set: two of tokens, or one of an hour, as decimal texts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnePrice {
    /// `model` or `hour`.
    kind: String,
    name: String,
    currency: String,
    input_per_million: Option<String>,
    output_per_million: Option<String>,
    per_hour: Option<String>,
    /// From when on; at once unless given.
    from: Option<String>,
}

/// Prices to set together.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPrices {
    prices: Vec<OnePrice>,
    #[serde(default)]
    reason: String,
}

/// The version that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct PricesSet {
    version: u32,
}

fn price(p: OnePrice) -> Result<NewPrice, Problem> {
    let bad =
        |field: &'static str| move |why: String| Problem::new("cost_invalid", why).field(field);
    let sum = |field: &'static str, text: Option<String>| {
        text.map(|t| amount(&t)).transpose().map_err(bad(field))
    };
    let kind: Option<PriceKind> = query::word("kind", Some(&p.kind))?;
    Ok(NewPrice {
        kind: kind.ok_or_else(|| bad("kind")("model or hour".to_owned()))?,
        name: p.name,
        currency: currency(&p.currency).map_err(bad("currency"))?,
        input_micros: sum("input_per_million", p.input_per_million)?,
        output_micros: sum("output_per_million", p.output_per_million)?,
        hour_micros: sum("per_hour", p.per_hour)?,
        from: p
            .from
            .map(|t| Timestamp::parse(&t))
            .transpose()
            .map_err(|e| bad("from")(e.to_string()))?,
    })
}

/// Sets prices: a new version of the table.
#[utoipa::path(post, path = "/api/v1/prices", tag = "money", request_body = NewPrices,
    responses((status = 201, body = PricesSet), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn set_prices(
    State(app): State<App>,
    by: ApiReviewer,
    body: Bytes,
) -> Result<(StatusCode, Json<PricesSet>), ApiError> {
    let b: NewPrices = query::body(&body)?;
    let prices = b.prices.into_iter().map(price);
    let prices = prices.collect::<Result<Vec<_>, _>>()?;
    let version = app
        .engine
        .set_prices(&prices, &b.reason, &by.person)
        .await?;
    Ok((StatusCode::CREATED, Json(PricesSet { version })))
}

/// How the work was by hand.
#[derive(Serialize, ToSchema)]
pub(crate) struct BaselineBody {
    version: u32,
    /// Tasks in the sample.
    sample: u64,
    /// Work in all of them together.
    handling_ms: u64,
    errors: u64,
    /// Median.
    turnaround_ms: u64,
    method: String,
    from: String,
    to: String,
    /// The first run had ended before it was captured.
    after_launch: bool,
    captured_by: String,
    captured_at: String,
}

impl From<BaselineRow> for BaselineBody {
    fn from(b: BaselineRow) -> Self {
        Self {
            version: b.version,
            sample: b.sample,
            handling_ms: b.handling_ms,
            errors: b.errors,
            turnaround_ms: b.turnaround_ms,
            method: b.method,
            from: b.sampled_from,
            to: b.sampled_to,
            after_launch: b.after_launch,
            captured_by: b.captured_by,
            captured_at: b.captured_at.rfc3339(),
        }
    }
}

/// The baseline that holds.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/baseline", tag = "money", params(("workflow" = String, Path)),
    responses((status = 200, body = BaselineBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn baseline(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
) -> Result<Json<BaselineBody>, ApiError> {
    reader.sees(&name)?;
    let kept = app.engine.baseline(&name).await?;
    let none = || Problem::new("not_found", format!("{name} has no baseline"));
    Ok(Json(kept.ok_or_else(none)?.into()))
}

/// A baseline to keep.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBaselineBody {
    /// Tasks in the sample.
    sample: u64,
    /// Work in all of them together.
    handling_ms: u64,
    errors: u64,
    /// Median.
    turnaround_ms: u64,
    method: String,
    /// First day of the sample.
    from: String,
    to: String,
}

/// Captures a baseline; the newest holds.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/baseline", tag = "money", params(("workflow" = String, Path)), request_body = NewBaselineBody,
    responses((status = 201, body = BaselineBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn capture(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<BaselineBody>), ApiError> {
    by.sees(&name)?;
    let b: NewBaselineBody = query::body(&body)?;
    let new = NewBaseline {
        sample: b.sample,
        handling_ms: b.handling_ms,
        errors: b.errors,
        turnaround_ms: b.turnaround_ms,
        method: b.method,
        from: day("from", &b.from)?,
        to: day("to", &b.to)?,
    };
    let kept = app.engine.capture_baseline(&name, new, &by.person).await?;
    Ok((StatusCode::CREATED, Json(kept.into())))
}

/// A limit of what a workflow may spend on its model.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitBody {
    /// `day` or `month`.
    period: String,
    /// Decimal text: no call starts that could pass this.
    stop: String,
    /// The owner is told from here on.
    warn: Option<String>,
    currency: String,
    /// `hold` or `pause`.
    act: String,
    #[serde(default)]
    reason: String,
}

/// The spend limit and where the workflow stands.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/spend-limit", tag = "money", params(("workflow" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn limit(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
) -> Result<Json<serde_json::Value>, ApiError> {
    reader.sees(&name)?;
    let state = app.engine.spend_state(&name).await?;
    let none = || Problem::new("not_found", format!("{name} has no spend limit"));
    value(&state.ok_or_else(none)?)
}

/// Sets the spend limit.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/spend-limit", tag = "money", params(("workflow" = String, Path)), request_body = LimitBody,
    responses((status = 200, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn set_limit(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<serde_json::Value>, ApiError> {
    by.sees(&name)?;
    let b: LimitBody = query::body(&body)?;
    let new = limit_of(&b.period, &b.stop, b.warn.as_deref(), &b.currency, &b.act)?;
    app.engine
        .set_spend_limit(&name, new, &b.reason, &by.person)
        .await?;
    value(&app.engine.spend_state(&name).await?)
}

/// A limit from what was typed, for pages and API.
pub(crate) fn limit_of(
    period: &str,
    stop: &str,
    warn: Option<&str>,
    money: &str,
    act: &str,
) -> Result<NewLimit, Problem> {
    let bad =
        |field: &'static str| move |why: String| Problem::new("cost_invalid", why).field(field);
    let missing = |field: &'static str| bad(field)(format!("`{field}` is missing"));
    Ok(NewLimit {
        period: query::word("period", Some(period))?.ok_or_else(|| missing("period"))?,
        stop_micros: amount(stop).map_err(bad("stop"))?,
        warn_micros: warn.map(amount).transpose().map_err(bad("warn"))?,
        currency: currency(money).map_err(bad("currency"))?,
        act: query::word("act", Some(act))?.ok_or_else(|| missing("act"))?,
    })
}
