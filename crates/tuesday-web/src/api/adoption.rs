//! Whether people use what a workflow delivers, group by group.

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use tuesday_domain::problem::Problem;
use utoipa::IntoParams;

use super::costs::value;
use crate::auth::ApiReader;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// Days a report covers unless said otherwise.
const USUAL: i64 = 28;

/// Which days, in which form.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdoptionQuery {
    /// First day, `YYYY-MM-DD`; 28 days back unless given.
    from: Option<String>,
    /// Last day, included.
    to: Option<String>,
    /// `csv` for a table instead of JSON.
    format: Option<String>,
}

/// Delivered outputs used as they stood, edited, ignored, bypassed and unknown, by group; use of the old way;
/// the share that needed no visit to the console.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/adoption", tag = "workflows", params(("workflow" = String, Path), AdoptionQuery),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
    Query(q): Query<AdoptionQuery>,
) -> Result<Response, ApiError> {
    reader.sees(&name)?;
    let (from, to) = (q.from.as_deref(), q.to.as_deref());
    let days = app.engine.asked_days(Some(&name), from, to, USUAL).await?;
    let found = Box::pin(app.engine.adoption(&name, days)).await?;
    match q.format.as_deref() {
        None | Some("json") => Ok(value(&found)?.into_response()),
        Some("csv") => {
            let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
            Ok((kind, found.csv()).into_response())
        }
        Some(_) => Err(Problem::new("bad_request", "json or csv")
            .field("format")
            .into()),
    }
}
