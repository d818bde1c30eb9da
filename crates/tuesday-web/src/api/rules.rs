//! Changing the decision table and asking what past runs say about it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{ReviewDecision, RuleSetRow, RuleSetState};
use tuesday_domain::rules::{CellEdit, Moved};
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{Backtest, BacktestWindow, RulesChange, RulesEdit};
use utoipa::{IntoParams, ToSchema};

use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// Confidence of the intervals in a back-test.
pub(crate) const SURE: f64 = 0.95;

/// One cell and its new text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CellBody {
    row: String,
    column: String,
    value: String,
}

/// What becomes of the table: exactly one of `cells`, `csv` and `to`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeBody {
    /// The version that was read; refused with 409 when another one is in force.
    base: Option<u64>,
    /// Single cells.
    #[serde(default)]
    cells: Vec<CellBody>,
    /// The whole table.
    csv: Option<String>,
    /// An earlier version, whose rows come back.
    to: Option<u64>,
    /// Why.
    #[serde(default)]
    reason: String,
    /// In force from then (RFC 3339).
    at: Option<String>,
    /// In force until then (RFC 3339).
    until: Option<String>,
    /// Back-test only: the newest so many runs.
    last: Option<u64>,
    /// Back-test only: the runs of so many days.
    days: Option<u32>,
}

impl ChangeBody {
    fn edit(&mut self) -> Result<RulesEdit, Problem> {
        let cells = std::mem::take(&mut self.cells);
        match (cells.is_empty(), self.csv.take(), self.to) {
            (false, None, None) => Ok(RulesEdit::Cells(
                cells
                    .into_iter()
                    .map(|c| CellEdit {
                        row: c.row,
                        column: c.column,
                        value: c.value,
                    })
                    .collect(),
            )),
            (true, Some(text), None) => Ok(RulesEdit::Text(text)),
            (true, None, Some(version)) => Ok(RulesEdit::Version(version)),
            _ => Err(Problem::new(
                "bad_request",
                "give exactly one of cells, csv and to",
            )),
        }
    }
}

fn moment(text: Option<&String>, field: &str) -> Result<Option<Timestamp>, Problem> {
    text.map(|t| {
        Timestamp::parse(t).map_err(|e| Problem::new("bad_request", e.to_string()).field(field))
    })
    .transpose()
}

/// A version of a decision table with its life.
#[derive(Serialize, ToSchema)]
pub(crate) struct VersionBody {
    version: u64,
    state: &'static str,
    reason: String,
    created_at: String,
    created_by: String,
    base: Option<u64>,
    restores: Option<u64>,
    bound_owner: Option<String>,
    decided_at: Option<String>,
    decided_by: Option<String>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    hash: String,
}

impl From<RuleSetRow> for VersionBody {
    fn from(r: RuleSetRow) -> Self {
        Self {
            version: r.version,
            state: r.state.word(),
            reason: r.reason,
            created_at: r.created_at.rfc3339(),
            created_by: r.created_by,
            base: r.base,
            restores: r.restores,
            bound_owner: r.bound_owner,
            decided_at: r.decided_at.map(Timestamp::rfc3339),
            decided_by: r.decided_by,
            starts_at: r.starts_at.map(Timestamp::rfc3339),
            ends_at: r.ends_at.map(Timestamp::rfc3339),
            hash: hex::encode(r.hash),
        }
    }
}

/// Changes the rules: 200 when in force, 202 when it waits for a second person or for its time.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/rules", tag = "rules", params(("workflow" = String, Path)),
    request_body = ChangeBody, responses((status = 200, body = VersionBody), (status = 202, body = VersionBody),
    (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn change(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    by.sees(&name)?;
    let mut b: ChangeBody = query::body(&body)?;
    let change = RulesChange {
        base: b.base,
        edit: b.edit()?,
        starts_at: moment(b.at.as_ref(), "at")?,
        ends_at: moment(b.until.as_ref(), "until")?,
        reason: b.reason,
    };
    let done = app.engine.change_rules(&name, &by.person, change).await?;
    let status = if done.row.state == RuleSetState::Active {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok((status, Json(VersionBody::from(done.row))).into_response())
}

/// What a change would have done to past runs. Changes nothing.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/rules/backtest", tag = "rules", params(("workflow" = String, Path)),
    request_body = ChangeBody, responses((status = 200, body = Object), (status = 422, body = ProblemBody)))]
pub(crate) async fn backtest(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    by.sees(&name)?;
    let mut b: ChangeBody = query::body(&body)?;
    let window = BacktestWindow {
        last: b.last,
        days: b.days,
    };
    let edit = b.edit()?;
    let done = app
        .engine
        .backtest_rules(&name, &by.person, &edit, window)
        .await?;
    Ok(Json(backtest_body(&done)))
}

fn moved(m: &Moved) -> Value {
    json!({"runs": m.runs, "approved": m.approved, "edited": m.edited, "rejected": m.rejected, "by_hand": m.by_hand,
        "undecided": m.undecided})
}

fn backtest_body(done: &Backtest) -> Value {
    let t = &done.tally;
    let auto = t.newly_auto();
    let (low, high) = auto.error_interval(SURE);
    let moves: Vec<Value> = t
        .moved
        .iter()
        .map(|((from, to), m)| {
            let mut body = moved(m);
            body["from"] = json!(from);
            body["to"] = json!(to);
            body
        })
        .collect();
    let items: Vec<Value> = t
        .items
        .iter()
        .map(|i| {
            json!({"run": i.run.to_string(), "from": i.from, "to": i.to,
                "decision": i.decision.map(ReviewDecision::word)})
        })
        .collect();
    let hits: Vec<Value> = done
        .rows
        .iter()
        .zip(&t.hits)
        .map(|(row, hits)| json!({"row": row, "hits": hits}))
        .collect();
    json!({"base": done.base.version, "runs": t.runs, "left_out": t.left_out, "before": t.before, "after": t.after,
        "moved": moves, "newly_auto": {"runs": auto.runs, "decided": auto.decided(), "errors": auto.errors(),
            "interval": [low, high], "confidence": SURE}, "reviews_per_day": t.reviews_per_day(),
        "open_now_auto": done.open_now_auto, "hits": hits, "items": items, "findings": done.findings,
        "second_person": done.second_person, "took_us": done.took_us})
}

/// All versions.
#[derive(Serialize, ToSchema)]
pub(crate) struct History {
    items: Vec<VersionBody>,
}

/// Every version of the decision table, newest first.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/rules/history", tag = "rules", params(("workflow" = String, Path)),
    responses((status = 200, body = History), (status = 404, body = ProblemBody)))]
pub(crate) async fn history(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
) -> Result<Json<History>, ApiError> {
    reader.sees(&name)?;
    app.engine.live(&name).await?;
    let rows = app.engine.reader().rulesets(&name).await?;
    let items = rows.into_iter().map(VersionBody::from).collect();
    Ok(Json(History { items }))
}

/// What the second person says.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgreementBody {
    /// A remark; the reason of a refusal.
    #[serde(default)]
    reason: String,
}

fn agreement(body: &Bytes) -> Result<AgreementBody, Problem> {
    if body.is_empty() {
        return Ok(AgreementBody::default());
    }
    query::body(body)
}

/// The bound owner agrees to a proposal.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/rules/proposals/{version}/approval", tag = "rules",
    params(("workflow" = String, Path), ("version" = u64, Path)), request_body = AgreementBody,
    responses((status = 200, body = VersionBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn approve(
    State(app): State<App>,
    by: ApiReviewer,
    Path((name, version)): Path<(String, u64)>,
    body: Bytes,
) -> Result<Json<VersionBody>, ApiError> {
    by.sees(&name)?;
    let note = agreement(&body)?.reason;
    let row = app
        .engine
        .approve_rules(&name, version, &by.person, &note)
        .await?;
    Ok(Json(row.into()))
}

/// The bound owner refuses a proposal, or its author withdraws it.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/rules/proposals/{version}/refusal", tag = "rules",
    params(("workflow" = String, Path), ("version" = u64, Path)), request_body = AgreementBody,
    responses((status = 200, body = VersionBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn refuse(
    State(app): State<App>,
    by: ApiReviewer,
    Path((name, version)): Path<(String, u64)>,
    body: Bytes,
) -> Result<Json<VersionBody>, ApiError> {
    by.sees(&name)?;
    let reason = agreement(&body)?.reason;
    let row = app
        .engine
        .refuse_rules(&name, version, &by.person, &reason)
        .await?;
    Ok(Json(row.into()))
}

/// What was read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadBody {
    /// The version in force.
    version: u64,
}

/// The person has read the version in force and may decide again.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/rules/acknowledgement", tag = "rules",
    params(("workflow" = String, Path)), request_body = ReadBody,
    responses((status = 200, body = Object), (status = 409, body = ProblemBody)))]
pub(crate) async fn acknowledge(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    by.sees(&name)?;
    let b: ReadBody = query::body(&body)?;
    let ack = app
        .engine
        .acknowledge_rules(&name, &by.person, b.version)
        .await?;
    Ok(Json(
        json!({"workflow": ack.workflow, "person": ack.person, "version": ack.version, "at": ack.at.rfc3339()}),
    ))
}

/// How far back a report looks.
#[derive(Deserialize, IntoParams)]
pub(crate) struct ReportQuery {
    /// Days; 30 when absent.
    days: Option<u32>,
}

/// Which row decides how often, and what people then said.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/rules/report", tag = "rules",
    params(("workflow" = String, Path), ReportQuery), responses((status = 200, body = Object)))]
pub(crate) async fn report(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
    Query(q): Query<ReportQuery>,
) -> Result<Json<Value>, ApiError> {
    reader.sees(&name)?;
    let rows = app.engine.rules_report(&name, q.days.unwrap_or(30)).await?;
    let items: Vec<Value> = rows
        .iter()
        .map(|r| {
            json!({"row": r.row, "route": r.route, "hits": r.hits, "approved": r.approved, "edited": r.edited,
                "rejected": r.rejected, "by_hand": r.by_hand, "in_force": r.in_force})
        })
        .collect();
    Ok(Json(json!({"items": items})))
}

/// What advice is asked for.
#[derive(Deserialize, IntoParams)]
pub(crate) struct AdviceQuery {
    /// A column of numbers.
    column: String,
    /// The tolerable share of errors; 0.02 when absent.
    budget: Option<f64>,
    /// How sure one wants to be; 0.95 when absent.
    confidence: Option<f64>,
}

/// The loosest cutoff that past reviews support. Never applied by itself.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/rules/advice", tag = "rules",
    params(("workflow" = String, Path), AdviceQuery), responses((status = 200, body = Object), (status = 400, body = ProblemBody)))]
pub(crate) async fn advice(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
    Query(q): Query<AdviceQuery>,
) -> Result<Json<Value>, ApiError> {
    reader.sees(&name)?;
    let (budget, sure) = (q.budget.unwrap_or(0.02), q.confidence.unwrap_or(SURE));
    let a = app
        .engine
        .advise_cutoff(&name, &q.column, budget, sure)
        .await?;
    Ok(Json(
        json!({"column": a.column, "side": a.side, "budget": a.budget, "confidence": a.confidence, "words": a.words,
        "cutoff": a.advice.cutoff, "cases": a.advice.cases, "needed": a.advice.needed, "steps": a.advice.steps}),
    ))
}
