//! Policies: who keeps the templates and rules that embody them, that one changed, and what is owed since.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tuesday_domain::id::DutyId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Duty, DutyAnswer};
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{Answered, KeptRow};
use tuesday_store::DutyFilter;
use utoipa::{IntoParams, ToSchema};

use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// A template or a rule with who keeps it.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeptBody {
    workflow: String,
    /// Number of the live release.
    release: u32,
    /// `prompt prompt.md`, `text brand-voice`, `rule r3`.
    item: String,
    owner: Option<String>,
    policies: Vec<String>,
    /// Why somebody should look: nobody keeps it, or who did is deactivated.
    finding: Option<String>,
}

impl From<KeptRow> for KeptBody {
    fn from(k: KeptRow) -> Self {
        Self {
            workflow: k.workflow,
            release: k.release,
            item: k.item,
            owner: k.owner,
            policies: k.policies,
            finding: k.finding,
        }
    }
}

/// Templates and rules.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeptList {
    items: Vec<KeptBody>,
}

/// Every template of the live releases, and every rule that cites a policy.
#[utoipa::path(get, path = "/api/v1/policies", tag = "policies", responses((status = 200, body = KeptList)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
) -> Result<Json<KeptList>, ApiError> {
    let only = reader.only(None)?;
    let all = app.engine.upkeep(only.as_deref()).await?;
    let seen = all.into_iter().filter(|k| reader.reads(&k.workflow));
    Ok(Json(KeptList {
        items: seen.map(KeptBody::from).collect(),
    }))
}

/// Something that a person owes after a change.
#[derive(Serialize, ToSchema)]
pub(crate) struct DutyBody {
    id: String,
    /// `open` or `done`.
    state: &'static str,
    /// `policy_update`, `emergency_review`, `thirty_days`, `ninety_days`, `successor` or `retraining`.
    kind: &'static str,
    workflow: String,
    /// The policy, or what the emergency was.
    about: String,
    /// What has to be looked at.
    item: String,
    reason: String,
    owner: String,
    due_at: String,
    opened_by: String,
    opened_at: String,
    /// `release`, `rules` or `reason`.
    answer: Option<&'static str>,
    /// Number of the release, version of the rules.
    number: Option<u64>,
    words: Option<String>,
    done_by: Option<String>,
    done_at: Option<String>,
}

impl From<Duty> for DutyBody {
    fn from(d: Duty) -> Self {
        Self {
            id: d.id.to_string(),
            state: d.state.word(),
            kind: d.kind.word(),
            workflow: d.workflow,
            about: d.about,
            item: d.item,
            reason: d.reason,
            owner: d.owner,
            due_at: d.due_at.rfc3339(),
            opened_by: d.opened_by,
            opened_at: d.opened_at.rfc3339(),
            answer: d.answer.map(DutyAnswer::word),
            number: d.number,
            words: d.words,
            done_by: d.done_by,
            done_at: d.done_at.map(Timestamp::rfc3339),
        }
    }
}

/// Duties, the first due first.
#[derive(Serialize, ToSchema)]
pub(crate) struct DutyList {
    items: Vec<DutyBody>,
    /// The next `after`; absent on the last page.
    next: Option<String>,
}

/// How a policy changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyChange {
    /// What is different, and why.
    #[serde(default)]
    reason: String,
    /// Days until the updates are due; 7 unless given.
    days: Option<u16>,
}

/// Says that a policy changed: whoever keeps a template or rule that cites it owes a look.
#[utoipa::path(post, path = "/api/v1/policies/{policy}/change", tag = "policies", params(("policy" = String, Path)), request_body = PolicyChange,
    responses((status = 201, body = DutyList), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn changed(
    State(app): State<App>,
    by: ApiReviewer,
    Path(policy): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<DutyList>), ApiError> {
    let b: PolicyChange = query::body(&body)?;
    let due = b.days.map(|d| Duration::from_secs(u64::from(d) * 86_400));
    let engine = &app.engine;
    let done = Box::pin(engine.policy_changed(&policy, due, &b.reason, &by.actor())).await?;
    let items = done.into_iter().map(DutyBody::from).collect();
    Ok((StatusCode::CREATED, Json(DutyList { items, next: None })))
}

/// Which duties.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DutyQuery {
    workflow: Option<String>,
    /// `true`: only those that are owed.
    open: Option<bool>,
    /// Of this person.
    owner: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

/// What people owe after a change, the first due first.
#[utoipa::path(get, path = "/api/v1/duties", tag = "policies", params(DutyQuery),
    responses((status = 200, body = DutyList), (status = 400, body = ProblemBody)))]
pub(crate) async fn duties(
    State(app): State<App>,
    reader: ApiReader,
    Query(q): Query<DutyQuery>,
) -> Result<Json<DutyList>, ApiError> {
    let limit = query::limit(q.limit, 50);
    let filter = DutyFilter {
        workflow: reader.only(q.workflow)?,
        among: reader.readable(),
        open: q.open.unwrap_or(false),
        owner: q.owner,
    };
    let after = q.after.as_deref().map(place).transpose()?;
    let found = app.engine.reader().duties(&filter, after, limit).await?;
    let last = found.last().filter(|_| found.len() == limit);
    let next = last.map(|d| format!("{}-{}", d.due_at.micros(), d.id));
    Ok(Json(DutyList {
        items: found.into_iter().map(DutyBody::from).collect(),
        next,
    }))
}

/// Due time and id of the last one of a page.
pub(crate) fn place(text: &str) -> Result<(Timestamp, DutyId), Problem> {
    let bad = || Problem::new("bad_request", "`after` is not the `next` of a page").field("after");
    let (due, id) = text.split_once('-').ok_or_else(bad)?;
    let due = due.parse().map_err(|_| bad())?;
    Ok((Timestamp::from_micros(due), query::id(id)?))
}

/// What answered a duty: one of `release` and `rules`, or words alone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DutyAnswerBody {
    /// Number of a release that is live since.
    release: Option<u32>,
    /// Version of the rules that is in force since.
    rules: Option<u64>,
    /// What was done; without a release or rules, why nothing has to change.
    #[serde(default)]
    reason: String,
}

/// What answers it, from what was given.
pub(crate) fn answered(release: Option<u32>, rules: Option<u64>) -> Result<Answered, Problem> {
    match (release, rules) {
        (Some(n), None) => Ok(Answered::Release(n)),
        (None, Some(n)) => Ok(Answered::Rules(n)),
        (None, None) => Ok(Answered::Reason),
        (Some(_), Some(_)) => Err(Problem::new(
            "bad_request",
            "a release or a version of the rules answers it, not both",
        )
        .field("release")),
    }
}

/// Answers a duty.
#[utoipa::path(post, path = "/api/v1/duties/{id}/answer", tag = "policies", params(("id" = String, Path)), request_body = DutyAnswerBody,
    responses((status = 200, body = DutyBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn answer(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<DutyBody>, ApiError> {
    let id: DutyId = query::id(&id)?;
    let b: DutyAnswerBody = query::body(&body)?;
    by.sees(&app.engine.duty(id).await?.workflow)?;
    let with = answered(b.release, b.rules)?;
    let done = app
        .engine
        .answer_duty(id, with, &b.reason, &by.person)
        .await?;
    Ok(Json(done.into()))
}
