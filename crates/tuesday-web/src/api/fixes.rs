//! What closed errors say about where to work: by fix layer, and whether the next one takes code.

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use tuesday_engine::ops::FixTally;
use utoipa::{IntoParams, ToSchema};

use super::incidents::moment;
use crate::auth::ApiReader;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// How far back it looks unless told.
const BACK: std::time::Duration = std::time::Duration::from_secs(30 * 86_400);

/// Which errors.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FixQuery {
    workflow: Option<String>,
    /// From this moment on; 30 days back unless given.
    from: Option<String>,
    /// Up to before this moment; now unless given.
    to: Option<String>,
}

/// Closed errors of one layer, or of all.
#[derive(Serialize, ToSchema)]
pub(crate) struct FixBody {
    /// The layer; absent for errors closed before it was asked, and for all of them.
    fixed_in: Option<&'static str>,
    /// Incidents that were looked back upon.
    incidents: u64,
    /// Problem reports whose output was wrong, without harm.
    reports: u64,
    /// Of both: someone who does not write code can fix the next one.
    without_code: u64,
    /// Of both: the next one takes code.
    with_code: u64,
    /// Of both: closed before it was asked.
    not_said: u64,
}

fn body(fixed_in: Option<&'static str>, t: FixTally) -> FixBody {
    FixBody {
        fixed_in,
        incidents: t.incidents,
        reports: t.reports,
        without_code: t.without_code,
        with_code: t.with_code,
        not_said: t.not_said,
    }
}

/// The report.
#[derive(Serialize, ToSchema)]
pub(crate) struct FixReport {
    from: String,
    to: String,
    /// Layers without an error are left out.
    layers: Vec<FixBody>,
    total: FixBody,
}

/// Errors that were closed in a span of time, by the layer they were fixed in.
#[utoipa::path(get, path = "/api/v1/fixes", tag = "incidents", params(FixQuery),
    responses((status = 200, body = FixReport), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn report(
    State(app): State<App>,
    reader: ApiReader,
    Query(q): Query<FixQuery>,
) -> Result<Json<FixReport>, ApiError> {
    let to = q.to.as_deref().map(moment).transpose()?;
    let to = to.unwrap_or_else(|| app.engine.now().plus(std::time::Duration::from_micros(1)));
    let from = q.from.as_deref().map(moment).transpose()?;
    let from = from.unwrap_or_else(|| to.minus(BACK));
    let workflow = reader.only(q.workflow)?;
    let among = reader.readable();
    let found = app
        .engine
        .fixes(workflow.as_deref(), among.as_deref(), (from, to))
        .await?;
    Ok(Json(FixReport {
        from: from.rfc3339(),
        to: to.rfc3339(),
        layers: found
            .layers
            .iter()
            .map(|l| body(l.fixed_in, l.tally))
            .collect(),
        total: body(None, found.total),
    }))
}
