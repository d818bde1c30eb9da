//! Postmortems of workflows over the API: list, look, open, answer, close.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tuesday_domain::postmortem::RuledOut;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Postmortem;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{ClosedWith, PostmortemAnswer, PostmortemView};
use utoipa::{IntoParams, ToSchema};

use super::follow_ups::follow_up;
use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

fn row(p: &Postmortem) -> Value {
    json!({
        "workflow": p.workflow, "number": p.seq, "state": p.state, "stopped": p.stopped,
        "reason": p.reason, "owner": p.owner, "opened_by": p.opened_by,
        "opened_at": p.opened_at.rfc3339(), "root": p.root, "wall": p.wall, "lessons": p.lessons,
        "closed_by": p.closed_by, "closed_at": p.closed_at.map(Timestamp::rfc3339),
    })
}

fn whole(view: &PostmortemView) -> Value {
    let mut out = row(&view.row);
    out["answers"] = view
        .answers
        .iter()
        .map(|a| {
            json!({"question": a.question, "asks": a.question.asks(), "yes": a.yes,
                "evidence": a.evidence, "path": a.path, "by": a.by})
        })
        .collect();
    let v = view.verdict;
    out["verdict"] = json!({"yes": v.yes, "no": v.no, "open": v.blank,
        "model_is_irrelevant": v.model_is_irrelevant(), "words": v.words()});
    let offered = view.offered.iter();
    out["offered"] = offered
        .map(|o| json!({"root": o.root, "because": o.because}))
        .collect();
    out["follow_ups"] = view.follow_ups.iter().map(follow_up).collect();
    if let Some(why) = &view.row.ruled_out {
        out["ruled_out"] = serde_json::from_str(why).unwrap_or_default();
    }
    out
}

/// The postmortems of a workflow, newest first.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/postmortems", tag = "workflows", params(("workflow" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    reader.sees(&name)?;
    let all = app.engine.postmortems(Some(&name)).await?;
    Ok(Json(
        json!({"items": all.iter().map(row).collect::<Vec<_>>()}),
    ))
}

/// One postmortem: what records say, what people said instead, where both point.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/postmortems/{number}", tag = "workflows", params(("workflow" = String, Path), ("number" = u32, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path((name, number)): Path<(String, u32)>,
) -> Result<Json<Value>, ApiError> {
    reader.sees(&name)?;
    let view = Box::pin(app.engine.postmortem_of_workflow(&name, Some(number))).await?;
    Ok(Json(whole(&view)))
}

/// Why a postmortem is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenBody {
    /// In words.
    #[serde(default)]
    reason: String,
}

/// Asks for a postmortem; one opens by itself when a workflow is killed, retired or decided to stop.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/postmortems", tag = "workflows", params(("workflow" = String, Path)), request_body = OpenBody,
    responses((status = 201, body = serde_json::Value), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn open(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    by.sees(&name)?;
    let body: OpenBody = query::body(&bytes)?;
    let new = app
        .engine
        .open_postmortem(&name, &body.reason, &by.person)
        .await?;
    Ok((StatusCode::CREATED, Json(row(&new))))
}

/// An answer to one of the seven questions.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerBody {
    /// `owner_on_day_one`, `integrated`, `load_fit`, `time_saved`, `inputs_fixed`, `trained` or `output_used`.
    question: String,
    /// Absent to take an answer back, so that records count again.
    yes: Option<bool>,
    /// What it rests on.
    #[serde(default)]
    evidence: String,
}

/// Answers a question in place of the records.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/postmortems/{number}/answers", tag = "workflows", params(("workflow" = String, Path), ("number" = u32, Path)), request_body = AnswerBody,
    responses((status = 200, body = serde_json::Value), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn answer(
    State(app): State<App>,
    by: ApiReviewer,
    Path((name, number)): Path<(String, u32)>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    by.sees(&name)?;
    let body: AnswerBody = query::body(&bytes)?;
    let question = query::word("question", Some(&body.question))?
        .ok_or_else(|| Problem::new("bad_request", "name the question").field("question"))?;
    let said = PostmortemAnswer {
        question,
        yes: body.yes,
        evidence: body.evidence,
    };
    let row = app
        .engine
        .answer_postmortem(&name, number, said, &by.person)
        .await?;
    let view = Box::pin(app.engine.postmortem_of_workflow(&name, Some(row.seq))).await?;
    Ok(Json(whole(&view)))
}

/// What closes a postmortem.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseBody {
    /// `ownership`, `integration`, `review`, `change_management`, `metric`, `inputs`, `governance`,
    /// `process_clarity` or `model`.
    root: Option<String>,
    /// `data`, `eval`, `ops`, `security`, `change` or `economics`.
    wall: Option<String>,
    /// What is learnt.
    #[serde(default)]
    lessons: String,
    /// For `model`: why it was not the inputs, the rules, an unnoticed change.
    ruled_out: Option<RuledOutBody>,
}

/// Why it was nothing but the model.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuledOutBody {
    #[serde(default)]
    inputs: String,
    #[serde(default)]
    rules: String,
    #[serde(default)]
    governance: String,
}

/// Closes it with the answers in force.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/postmortems/{number}/closing", tag = "workflows", params(("workflow" = String, Path), ("number" = u32, Path)), request_body = CloseBody,
    responses((status = 200, body = serde_json::Value), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn close(
    State(app): State<App>,
    by: ApiReviewer,
    Path((name, number)): Path<(String, u32)>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    by.sees(&name)?;
    let body: CloseBody = query::body(&bytes)?;
    let out = body.ruled_out;
    let with = ClosedWith {
        root: query::word("root", body.root.as_deref())?,
        wall: query::word("wall", body.wall.as_deref())?,
        lessons: body.lessons,
        ruled_out: out.map_or_else(RuledOut::default, |o| RuledOut {
            inputs: o.inputs,
            rules: o.rules,
            governance: o.governance,
        }),
    };
    let closing = app.engine.close_postmortem(&name, number, with, &by.person);
    let closed = Box::pin(closing).await?;
    let view = Box::pin(app.engine.postmortem_of_workflow(&name, Some(closed.seq))).await?;
    Ok(Json(whole(&view)))
}

/// Since when causes are counted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct CausesQuery {
    /// RFC 3339; from the first one unless given.
    since: Option<String>,
}

/// How often each root cause and wall was found by closed postmortems of all workflows.
#[utoipa::path(get, path = "/api/v1/postmortems/causes", tag = "workflows", params(CausesQuery),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ProblemBody)))]
pub(crate) async fn causes(
    State(app): State<App>,
    _reader: ApiReader,
    Query(q): Query<CausesQuery>,
) -> Result<Json<Value>, ApiError> {
    let since = q.since.as_deref().map(super::incidents::moment);
    let since = since.transpose()?.unwrap_or_default();
    let counts = app.engine.postmortem_causes(since).await?;
    let items: Vec<Value> = counts
        .iter()
        .map(|(root, wall, n)| json!({"root": root, "wall": wall, "count": n}))
        .collect();
    Ok(Json(json!({"items": items})))
}
