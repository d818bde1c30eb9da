//! Follow-ups of incidents and postmortems over the API: list, add, end.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tuesday_domain::id::FollowUpId;
use tuesday_domain::postmortem::follow_up::FollowUpEvent;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::FollowUp;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{FollowUpOf, NewFollowUp};
use tuesday_store::FollowUpFilter;
use utoipa::{IntoParams, ToSchema};

use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// A follow-up as it is told.
pub(super) fn follow_up(f: &FollowUp) -> Value {
    json!({
        "id": f.id, "state": f.state, "owner": f.owner, "words": f.words,
        "due_at": f.due_at.rfc3339(), "incident": f.incident, "postmortem": f.postmortem,
        "workflow": f.workflow, "created_by": f.created_by, "created_at": f.created_at.rfc3339(),
        "note": f.note, "ended_by": f.ended_by, "ended_at": f.ended_at.map(Timestamp::rfc3339),
    })
}

/// Which follow-ups.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Of one person.
    owner: Option<String>,
    /// Of one workflow.
    workflow: Option<String>,
    /// Of one incident.
    incident: Option<String>,
    /// `all`; only open ones otherwise.
    state: Option<String>,
}

/// The follow-ups, what is due first on top.
#[utoipa::path(get, path = "/api/v1/follow-ups", tag = "incidents", params(ListQuery),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
    Query(q): Query<ListQuery>,
) -> Result<Json<Value>, ApiError> {
    let filter = FollowUpFilter {
        open: q.state.as_deref() != Some("all"),
        incident: q.incident.as_deref().map(query::id).transpose()?,
        postmortem: None,
        workflow: q.workflow,
        owner: q.owner,
    };
    let all = app.engine.follow_ups(&filter).await?;
    let seen = all
        .iter()
        .filter(|f| reader.reads(f.workflow.as_deref().unwrap_or_default()));
    Ok(Json(
        json!({"items": seen.map(follow_up).collect::<Vec<_>>()}),
    ))
}

/// What somebody has to do.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddBody {
    /// What is to be done.
    #[serde(default)]
    words: String,
    /// Handle of the person who does it.
    owner: String,
    /// RFC 3339.
    due_at: String,
    /// The incident it follows from; or workflow and postmortem.
    incident: Option<String>,
    /// Workflow name.
    workflow: Option<String>,
    /// Number of the postmortem.
    postmortem: Option<u32>,
}

/// Gives somebody something to do after an incident or a stop.
#[utoipa::path(post, path = "/api/v1/follow-ups", tag = "incidents", request_body = AddBody,
    responses((status = 201, body = serde_json::Value), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn add(
    State(app): State<App>,
    by: ApiReviewer,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let body: AddBody = query::body(&bytes)?;
    let of = match (&body.incident, body.workflow, body.postmortem) {
        (Some(id), None, None) => FollowUpOf::Incident(query::id(id)?),
        (None, Some(workflow), Some(seq)) => FollowUpOf::Postmortem { workflow, seq },
        _ => {
            let words = "a follow-up names an incident, or a workflow and its postmortem";
            return Err(Problem::new("bad_request", words).field("incident").into());
        }
    };
    let place = match &of {
        FollowUpOf::Incident(id) => app.engine.incident(*id).await?.workflow,
        FollowUpOf::Postmortem { workflow, .. } => Some(workflow.clone()),
    };
    by.sees(place.as_deref().unwrap_or_default())?;
    let new = NewFollowUp {
        of,
        words: body.words,
        owner: body.owner,
        due_at: super::incidents::moment(&body.due_at)?,
    };
    let made = app.engine.add_follow_up(new, &by.person).await?;
    Ok((StatusCode::CREATED, Json(follow_up(&made))))
}

/// How a follow-up ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndBody {
    /// `finish` or `drop`.
    how: String,
    /// What shows it, or why it is dropped.
    #[serde(default)]
    note: String,
}

/// Ends a follow-up: done, or dropped with the reason.
#[utoipa::path(post, path = "/api/v1/follow-ups/{id}/end", tag = "incidents", params(("id" = String, Path)), request_body = EndBody,
    responses((status = 200, body = serde_json::Value), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn end(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<Json<Value>, ApiError> {
    let id: FollowUpId = query::id(&id)?;
    let body: EndBody = query::body(&bytes)?;
    let how: Option<FollowUpEvent> = query::word("how", Some(&body.how))?;
    let how = how.ok_or_else(|| Problem::new("bad_request", "say finish or drop").field("how"))?;
    let found = app.engine.follow_up(id).await?;
    by.sees(found.workflow.as_deref().unwrap_or_default())?;
    let ended = app
        .engine
        .end_follow_up(id, how, &body.note, &by.person)
        .await?;
    Ok(Json(follow_up(&ended)))
}
