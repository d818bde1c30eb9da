//! Whether people keep up: the figures, the declared hours, what would be if, easing off.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use tuesday_domain::capacity::{CapacitySpec, Step};
use tuesday_domain::problem::Problem;
use tuesday_domain::rules::CellEdit;
use tuesday_domain::scope::Axis;
use tuesday_engine::ops::{RulesEdit, WhatIfWish};
use utoipa::{IntoParams, ToSchema};

use super::costs::value;
use super::sheet;
use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// The form of the answer.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FormQuery {
    /// `csv` for a table of the days instead of JSON.
    format: Option<String>,
}

/// Load against hours, with everything it rests on.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/capacity", tag = "capacity", params(("workflow" = String, Path), FormQuery),
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
    Query(q): Query<FormQuery>,
) -> Result<Response, ApiError> {
    reader.sees(&name)?;
    let found = Box::pin(app.engine.capacity(&name)).await?;
    match q.format.as_deref() {
        None | Some("json") => Ok(value(&found)?.into_response()),
        Some("csv") => {
            let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
            Ok((kind, sheet::capacity(&found)).into_response())
        }
        Some(_) => Err(Problem::new("bad_request", "json or csv")
            .field("format")
            .into()),
    }
}

/// Hours to declare.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetBody {
    /// The keys of `[capacity]`.
    #[schema(value_type = serde_json::Value)]
    plan: CapacitySpec,
    #[serde(default)]
    reason: String,
}

/// Declares whose hours there are; holds at once.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/capacity", tag = "capacity", params(("workflow" = String, Path)), request_body = SetBody,
    responses((status = 201, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn set(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<serde_json::Value>), ApiError> {
    by.sees(&name)?;
    let b: SetBody = query::body(&body)?;
    let plan = app
        .engine
        .set_capacity(&name, &b.plan, &b.reason, &by.person)
        .await?;
    let answer = serde_json::json!({"workflow": plan.workflow, "version": plan.version,
        "set_by": plan.set_by, "set_at": plan.set_at.rfc3339()});
    Ok((StatusCode::CREATED, Json(answer)))
}

/// What is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EaseBody {
    /// `narrow`, `slow` or `pause`; all of them unless given.
    only: Option<String>,
    #[serde(default)]
    reason: String,
}

/// Takes back what the response to too much work did.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/capacity/ease", tag = "capacity", params(("workflow" = String, Path)), request_body = EaseBody,
    responses((status = 200, body = serde_json::Value), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn ease(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<serde_json::Value>, ApiError> {
    by.sees(&name)?;
    let b: EaseBody = query::body(&body)?;
    let only: Option<Step> = query::word("only", b.only.as_deref())?;
    let eased = app.engine.ease_load(&name, only, &b.reason, &by.person);
    let row = Box::pin(eased).await?;
    let answer = serde_json::json!({"workflow": row.name, "switch": row.switch.word(),
        "scope": row.rollout.scope.words(), "steps": row.rollout.load.steps});
    Ok(Json(answer))
}

/// What would be if. Exactly one question.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub(crate) struct WhatIfBody {
    /// `group`, `department`, `tier` or `type`, with `values`.
    axis: Option<String>,
    /// Served too.
    values: Vec<String>,
    /// Everything declared is served.
    all: bool,
    /// Amounts up to this go without a person.
    auto_max: Option<String>,
    /// Cells of the decision table, such as `r3.amount=> 750`.
    cells: Vec<String>,
    /// The whole table as CSV.
    table: Option<String>,
}

impl WhatIfBody {
    fn wish(self) -> Result<WhatIfWish, Problem> {
        let axis: Option<Axis> = query::word("axis", self.axis.as_deref())?;
        if let Some(axis) = axis {
            return Ok(WhatIfWish::Serve(axis, self.values));
        }
        if self.all {
            return Ok(WhatIfWish::ServeAll);
        }
        if let Some(to) = self.auto_max {
            return Ok(WhatIfWish::AutoMax(to));
        }
        if let Some(text) = self.table {
            return Ok(WhatIfWish::Rules(RulesEdit::Text(text)));
        }
        let cells: Option<Vec<CellEdit>> = self.cells.iter().map(|c| cell(c)).collect();
        match cells {
            Some(cells) if !cells.is_empty() => Ok(WhatIfWish::Rules(RulesEdit::Cells(cells))),
            _ => Err(Problem::new("bad_request", "nothing is asked")
                .field("cells")
                .way_out("name axis and values, all, auto_max, table, or cells such as `r3.amount=> 750`")),
        }
    }
}

fn cell(text: &str) -> Option<CellEdit> {
    let (place, value) = text.split_once('=')?;
    let (row, column) = place.split_once('.')?;
    Some(CellEdit {
        row: row.trim().to_owned(),
        column: column.trim().to_owned(),
        value: value.trim().to_owned(),
    })
}

/// Answers what would be; changes nothing.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/capacity/what-if", tag = "capacity", params(("workflow" = String, Path)), request_body = WhatIfBody,
    responses((status = 200, body = serde_json::Value), (status = 400, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn what_if(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<serde_json::Value>, ApiError> {
    by.sees(&name)?;
    let wish = query::body::<WhatIfBody>(&body)?.wish()?;
    let answer = app.engine.capacity_what_if(&name, wish, &by.person);
    value(&Box::pin(answer).await?)
}
