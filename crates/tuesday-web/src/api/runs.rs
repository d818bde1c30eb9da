//! Runs: list, one, its story; starting an ended one again, taking one back.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Run;
use tuesday_engine::ops::Reader;
use tuesday_store::RunFilter;
use utoipa::{IntoParams, ToSchema};

use crate::auth::{ApiAdmin, ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// A run.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunBody {
    id: String,
    workflow: String,
    release: String,
    /// One line that names the case.
    subject: String,
    /// `received`, `waiting_input`, `queued`, `running`, `retry_wait`, `in_review`, `dispatching`,
    /// `held`, `completed`, `rejected`, `handed_off`, `cancelled` or `failed`.
    status: &'static str,
    step: &'static str,
    review: &'static str,
    outcome: Option<&'static str>,
    /// Why it is or was in front of a person.
    reason: Option<&'static str>,
    owner: Option<String>,
    event_source: String,
    event_id: String,
    requester: String,
    /// Day of receipt in the workflow's time zone.
    batch: String,
    stage: &'static str,
    /// The restriction in force when it was accepted, in words; absent for everything declared.
    scope: Option<String>,
    attempts: u32,
    rules_version: Option<u64>,
    rules_row: Option<String>,
    received_at: String,
    updated_at: String,
    deadline_at: String,
    finished_at: Option<String>,
    /// Millionths of the price's currency; absent when some cost is unknown.
    cost_micros: Option<i64>,
    version: u32,
    rerun_of: Option<String>,
    story_url: String,
}

impl From<Run> for RunBody {
    fn from(r: Run) -> Self {
        Self {
            story_url: format!("/api/v1/runs/{}/story", r.id),
            id: r.id.to_string(),
            workflow: r.workflow,
            release: r.release.to_string(),
            subject: r.subject,
            status: r.state.status.word(),
            step: r.state.step.word(),
            review: r.state.review.word(),
            outcome: r.state.outcome.map(|o| o.word()),
            reason: r.reason.map(|x| x.word()),
            owner: r.owner,
            event_source: r.event_source,
            event_id: r.event_id,
            requester: r.requester,
            batch: r.batch,
            stage: r.stage.word(),
            scope: r.scope,
            attempts: r.attempts,
            rules_version: r.rules_version,
            rules_row: r.rules_row,
            received_at: r.received_at.rfc3339(),
            updated_at: r.updated_at.rfc3339(),
            deadline_at: r.deadline_at.rfc3339(),
            finished_at: r.finished_at.map(|t| t.rfc3339()),
            cost_micros: (!r.cost_unknown).then_some(r.cost_micros),
            version: r.version,
            rerun_of: r.rerun_of.map(|id| id.to_string()),
        }
    }
}

/// A page of runs.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunList {
    items: Vec<RunBody>,
    /// The next `after`; absent on the last page.
    next: Option<String>,
}

/// Which runs.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunQuery {
    workflow: Option<String>,
    status: Option<String>,
    outcome: Option<String>,
    /// Day of receipt, `YYYY-MM-DD`.
    day: Option<String>,
    /// First day of receipt.
    from: Option<String>,
    /// Last day of receipt, included.
    to: Option<String>,
    /// The records behind a figure of the scorecard: `all`, `open`, `resolved`, `ended`, `exception`,
    /// `looked`, `wrong`, `untimed`, `unknown`, `decided`, `overridden`, `acted_wrongly`, `held_wrongly`, or of adoption: `used_as_is`,
    /// `used_edited`, `ignored`, `bypassed`, `use_unknown`, `no_visit` or `visited`.
    kind: Option<String>,
    /// Code of why a person got it, or several with commas; `unclassified` for those without one.
    reason: Option<String>,
    /// Id of the release.
    release: Option<String>,
    /// For this group, or department; `?` for runs without a known one.
    group: Option<String>,
    /// With something wrong with this source; the event is `input`.
    input: Option<String>,
    /// Whose output this tier was asked about first; `*` for any tier, `automatic` for none.
    tier: Option<String>,
    /// Part of the subject, or the whole event id.
    q: Option<String>,
    /// Id of the last run of the page before.
    after: Option<String>,
    limit: Option<usize>,
}

/// Runs, newest first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", params(RunQuery),
    responses((status = 200, body = RunList), (status = 400, body = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
    Query(q): Query<RunQuery>,
) -> Result<Json<RunList>, ApiError> {
    let limit = query::limit(q.limit, 50);
    let filter = RunFilter {
        workflow: reader.only(q.workflow)?,
        among: reader.readable(),
        status: query::word("status", q.status.as_deref())?,
        outcome: query::word("outcome", q.outcome.as_deref())?,
        day: q.day,
        text: q.q,
        days: (q.from.is_some() || q.to.is_some()).then(|| {
            let open = |day: Option<String>, end: &str| day.unwrap_or_else(|| end.to_owned());
            (open(q.from, "0001-01-01"), open(q.to, "9999-12-31"))
        }),
        kind: query::word("kind", q.kind.as_deref())?,
        reason: q.reason,
        release: q.release.as_deref().map(query::id).transpose()?,
        group: query::group(q.group.as_deref()),
        input: q.input.filter(|s| !s.is_empty()),
        tier: q.tier.filter(|s| !s.is_empty()),
    };
    let after = q.after.as_deref().map(query::id::<RunId>).transpose()?;
    if filter.text.is_some() {
        let workflow = filter.workflow.as_deref();
        app.engine.may_search(reader.rights(), workflow).await?;
    }
    let mut runs = app.engine.reader().run_page(&filter, after, limit).await?;
    app.engine.veil_runs(reader.rights(), &mut runs).await;
    let next = (runs.len() == limit)
        .then(|| runs.last().map(|r| r.id.to_string()))
        .flatten();
    Ok(Json(RunList {
        items: runs.into_iter().map(RunBody::from).collect(),
        next,
    }))
}

pub(crate) async fn found(app: &App, id: &str) -> Result<Run, ApiError> {
    let id: RunId = query::id(id)?;
    let run = app.engine.reader().run(id).await?;
    Ok(run.ok_or_else(|| Problem::new("not_found", format!("there is no run {id}")))?)
}

/// One run.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, body = RunBody), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(id): Path<String>,
) -> Result<Json<RunBody>, ApiError> {
    let mut run = found(&app, &id).await?;
    reader.sees(&run.workflow)?;
    let one = std::slice::from_mut(&mut run);
    app.engine.veil_runs(reader.rights(), one).await;
    Ok(Json(run.into()))
}

/// The whole story of one run: eight answers, every change, whether the record is whole.
#[utoipa::path(get, path = "/api/v1/runs/{id}/story", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn story(
    State(app): State<App>,
    reader: ApiReader,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, ApiError> {
    let run = found(&app, &id).await?;
    reader.sees(&run.workflow)?;
    let (who, rights) = (reader.actor(), reader.rights());
    let seen = Reader { who: &who, rights };
    let story = app.engine.story_for(run.id, &seen).await?;
    let value =
        serde_json::to_value(&story).map_err(|e| Problem::new("internal", e.to_string()))?;
    Ok(Json(value))
}

/// Starts a new run from the event of an ended one, with fresh inputs and the live release.
#[utoipa::path(post, path = "/api/v1/runs/{id}/retry", tag = "runs", params(("id" = String, Path)),
    responses((status = 202, body = RunBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn retry(
    State(app): State<App>,
    reviewer: ApiReviewer,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<RunBody>), ApiError> {
    let run = found(&app, &id).await?;
    reviewer.sees(&run.workflow)?;
    let fresh = app.engine.retry(run.id, &reviewer.actor()).await?;
    Ok((StatusCode::ACCEPTED, Json(fresh.into())))
}

/// Why a run is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelBody {
    reason: String,
}

/// Takes a run back.
#[utoipa::path(post, path = "/api/v1/runs/{id}/cancellation", tag = "runs", params(("id" = String, Path)), request_body = CancelBody,
    responses((status = 200, body = RunBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn cancel(
    State(app): State<App>,
    admin: ApiAdmin,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<RunBody>, ApiError> {
    let run = found(&app, &id).await?;
    admin.sees(&run.workflow)?;
    let body: CancelBody = query::body(&body)?;
    Ok(Json(
        app.engine
            .cancel(run.id, &admin.actor(), &body.reason)
            .await?
            .into(),
    ))
}
