//! Asking the rules in force again about open tasks, over the API: the preview, and the act itself.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tuesday_domain::reroute::Goes;
use utoipa::ToSchema;

use crate::auth::ApiReviewer;
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// A re-routing that somebody has seen the preview of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RerouteBody {
    /// The code of the preview.
    confirm: Option<String>,
    /// Why.
    #[serde(default)]
    reason: String,
}

fn goes(to: &Goes) -> Value {
    match to {
        Goes::Auto => json!("auto"),
        Goes::Tier(tier) => json!({"tier": tier}),
        Goes::ByHand => json!("manual"),
    }
}

fn counted(counts: &BTreeMap<(String, Goes), u64>) -> Vec<Value> {
    let one = |((from, to), tasks): (&(String, Goes), &u64)| json!({"from": from, "to": goes(to), "tasks": tasks});
    counts.iter().map(one).collect()
}

/// Which open tasks the rules in force would send elsewhere. Changes nothing.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/rules/reroute", tag = "rules",
    params(("workflow" = String, Path)), responses((status = 200, body = Object), (status = 403, body = ProblemBody)))]
pub(crate) async fn preview(
    State(app): State<App>,
    reviewer: ApiReviewer,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    reviewer.sees(&name)?;
    let found = app.engine.preview_reroute(&name, &reviewer.person).await?;
    let moves: Vec<Value> = found
        .moves
        .iter()
        .map(|m| json!({"run": m.run.to_string(), "review": m.review.to_string(), "from": m.from, "to": goes(&m.goes)}))
        .collect();
    Ok(Json(
        json!({"rules_version": found.version, "open": found.open, "counts": counted(&found.counts),
        "stay": found.stay, "more": found.more, "confirm": found.code, "items": moves}),
    ))
}

/// Moves the open tasks exactly as the preview with this code showed it.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/rules/reroute", tag = "rules",
    params(("workflow" = String, Path)), request_body = RerouteBody,
    responses((status = 200, body = Object), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn act(
    State(app): State<App>,
    reviewer: ApiReviewer,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    reviewer.sees(&name)?;
    let body: RerouteBody = query::body(&body)?;
    let by = &reviewer.person;
    let done = app
        .engine
        .reroute(&name, by, body.confirm.as_deref(), &body.reason)
        .await?;
    let stayed: Vec<Value> = done
        .stayed
        .iter()
        .map(|(run, why)| json!({"run": run.to_string(), "why": why}))
        .collect();
    Ok(Json(
        json!({"moved": counted(&done.moved), "stayed": stayed}),
    ))
}
