//! Charter, checklist, the other lists and the label over the API: as the records say now.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tuesday_domain::access::Act;
use tuesday_domain::charter::{Sheet, Sign};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{CharterFact, LabelEvent};
use tuesday_engine::ops::{CharterView, LabelWish, QuarterWish};
use utoipa::ToSchema;

use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// Events of a label on one page.
const PAGE: usize = 50;

fn value(of: &impl Serialize) -> Result<Json<Value>, ApiError> {
    let value = serde_json::to_value(of).map_err(|e| Problem::new("internal", e.to_string()))?;
    Ok(Json(value))
}

async fn view(app: &App, reader: &ApiReader, name: &str) -> Result<CharterView, ApiError> {
    reader.sees(name)?;
    Ok(Box::pin(app.engine.charter(name)).await?)
}

fn with_label(view: &CharterView, sheet: Sheet) -> Result<Json<Value>, ApiError> {
    let mut body = json!({
        "workflow": view.workflow, "title": view.title, "label": view.label, "pilot": view.pilot,
        "sheet": view.sheet(sheet), "at": view.at,
    });
    if sheet == Sheet::Walls {
        body["walls"] = json!(view.walls);
        body["signs"] = json!(view.signs);
        body["past_the_pilot"] = json!(view.past_the_pilot);
    }
    Ok(Json(body))
}

/// The nine fields of the charter with the label and the pilot.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/charter", tag = "workflows", params(("workflow" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn charter(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    with_label(&view(&app, &reader, &name).await?, Sheet::Charter)
}

/// The ten items of the production checklist with their evidence.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/checklist", tag = "workflows", params(("workflow" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn checklist(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    with_label(&view(&app, &reader, &name).await?, Sheet::Checklist)
}

/// One of the lists: charter, checklist, handoff, scope, operators, questions, budget, bet, institution,
/// goals, conditions.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/readiness/{sheet}", tag = "workflows",
    params(("workflow" = String, Path), ("sheet" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn readiness(
    State(app): State<App>,
    reader: ApiReader,
    Path((name, sheet)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let sheet: Option<Sheet> = query::word("sheet", Some(&sheet))?;
    let sheet =
        sheet.ok_or_else(|| Problem::new("bad_request", "a list is missing").field("sheet"))?;
    with_label(&view(&app, &reader, &name).await?, sheet)
}

/// Where a page of the history begins.
#[derive(Deserialize)]
pub(crate) struct Before {
    /// Number of the last event of the page before.
    #[serde(default)]
    before: u32,
}

fn event(e: LabelEvent) -> Value {
    json!({
        "seq": e.seq, "kind": e.kind.word(), "label": e.label.word(), "by": e.by, "at": e.at.rfc3339(),
        "reasons": e.reasons.lines().collect::<Vec<_>>(), "until": e.until.map(|t| t.rfc3339()),
        "decision": e.decision.map(|d| d.to_string()),
    })
}

/// The label, what it rests on, what the next one lacks, and its history, newest first.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/label", tag = "workflows",
    params(("workflow" = String, Path), ("before" = Option<u32>, Query)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn label(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
    Query(page): Query<Before>,
) -> Result<Json<Value>, ApiError> {
    let view = view(&app, &reader, &name).await?;
    let history = app.engine.label_history(&name, page.before, PAGE).await?;
    let next = (history.len() == PAGE)
        .then(|| history.last().map(|e| e.seq))
        .flatten();
    value(&json!({
        "workflow": view.workflow, "label": view.label, "pilot": view.pilot, "at": view.at,
        "history": history.into_iter().map(event).collect::<Vec<_>>(), "before": next,
    }))
}

/// A label with the decision it rests on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LabelBody {
    /// `research`, `pilot` or `production`.
    label: String,
    /// What was asked.
    #[serde(default)]
    question: String,
    /// What the answer rests on beside the computed criteria.
    #[serde(default)]
    evidence: String,
    /// Why.
    #[serde(default)]
    reason: String,
}

/// Gives a workflow another label: up one step when its criteria are met, down at any time.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/label", tag = "workflows", params(("workflow" = String, Path)), request_body = LabelBody,
    responses((status = 200, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn set_label(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    signer(&app, &by, &name).await?;
    let body: LabelBody = query::body(&bytes)?;
    let to = query::word("label", Some(&body.label))?;
    let to = to.ok_or_else(|| Problem::new("bad_request", "a label is missing").field("label"))?;
    let wish = LabelWish {
        to,
        question: body.question,
        evidence: body.evidence,
        reason: body.reason,
    };
    Box::pin(app.engine.set_label(&name, wish, &by.person)).await?;
    value(&Box::pin(app.engine.charter(&name)).await?.label)
}

/// The decision of a quarter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub(crate) struct QuarterBody {
    /// `expand`, `keep`, `narrow`, `pause` or `retire`.
    choice: String,
    /// What it rests on beside the figures of the quarter, which are kept with it.
    evidence: String,
    /// Why.
    reason: String,
}

/// The quarterly decision: should it continue at all?
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/label/review", tag = "workflows", params(("workflow" = String, Path)), request_body = QuarterBody,
    responses((status = 200, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn review_label(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    signer(&app, &by, &name).await?;
    let body: QuarterBody = query::body(&bytes)?;
    let wish = QuarterWish::read(&body.choice, &body.evidence, &body.reason)?;
    Box::pin(app.engine.review_label(&name, wish, &by.person)).await?;
    value(&Box::pin(app.engine.charter(&name)).await?.label)
}

/// The text of a field.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldBody {
    /// In the form of the field; blank takes the statement back.
    value: String,
}

fn fact(f: &CharterFact) -> Result<Json<Value>, ApiError> {
    value(&json!({
        "workflow": f.workflow, "seq": f.seq, "field": f.statement.word(), "about": f.about, "value": f.value,
        "by": f.by, "at": f.at.rfc3339(),
    }))
}

/// States a field that no live object says.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/charter/{field}", tag = "workflows",
    params(("workflow" = String, Path), ("field" = String, Path)), request_body = FieldBody,
    responses((status = 200, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn state(
    State(app): State<App>,
    by: ApiReviewer,
    Path((name, field)): Path<(String, String)>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    signer(&app, &by, &name).await?;
    let body: FieldBody = query::body(&bytes)?;
    let stated = app
        .engine
        .state_charter(&name, &field, &body.value, &by.person);
    fact(&stated.await?)
}

/// Answers a sign that it is past the pilot, where records cannot tell.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/signs/{sign}", tag = "workflows",
    params(("workflow" = String, Path), ("sign" = String, Path)), request_body = FieldBody,
    responses((status = 200, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn answer_sign(
    State(app): State<App>,
    by: ApiReviewer,
    Path((name, sign)): Path<(String, String)>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    signer(&app, &by, &name).await?;
    let sign: Option<Sign> = query::word("sign", Some(&sign))?;
    let sign =
        sign.ok_or_else(|| Problem::new("bad_request", "a sign is missing").field("sign"))?;
    let body: FieldBody = query::body(&bytes)?;
    let said = app.engine.answer_sign(&name, sign, &body.value, &by.person);
    fact(&said.await?)
}

/// Records that somebody finished the training of the tiers in force.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/training/{person}", tag = "workflows",
    params(("workflow" = String, Path), ("person" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn train(
    State(app): State<App>,
    by: ApiReviewer,
    Path((name, person)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    signer(&app, &by, &name).await?;
    fact(&Box::pin(app.engine.record_training(&name, &person, &by.person)).await?)
}

async fn signer(app: &App, by: &ApiReviewer, name: &str) -> Result<(), ApiError> {
    by.sees(name)?;
    Ok(app
        .engine
        .allowed(Act::SignCharter, name, &by.person)
        .await?)
}
