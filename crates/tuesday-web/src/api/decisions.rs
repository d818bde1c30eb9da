//! What people do about a review task, over the API. Each decision is a resource of the task.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{Approval, Decided, Doing, Refusal, There, Together};
use utoipa::ToSchema;

use super::reviews::ReviewBody;
use super::seeds::SeedToldBody;
use crate::auth::ApiReviewer;
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;
use crate::verbs::{self, Done, Verb};

/// The task, after making sure that this token reaches it.
pub(crate) async fn reached(app: &App, by: &ApiReviewer, id: &str) -> Result<ReviewId, ApiError> {
    let task = verbs::reached(&app.engine, id, |w| by.sees(w)).await?;
    Ok(task.id)
}

/// Does it, and answers what it led to.
async fn act(app: &App, by: &ApiReviewer, id: &str, verb: Verb) -> Result<Json<Acted>, ApiError> {
    let id = reached(app, by, id).await?;
    let mut done = Box::pin(verbs::act(&app.engine, id, &by.person, &verb)).await?;
    // What it led to, as whoever did it may see it.
    match &mut done {
        Done::Task(task) => app.engine.veil_review(by.rights(), task).await,
        Done::Decided(decided) => app.engine.veil_decided(by.rights(), decided).await,
    }
    Ok(Json(done.into()))
}

/// The task, or the decision with its task.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Acted {
    Task(Box<ReviewBody>),
    Decided(Box<DecidedBody>),
}

impl From<Done> for Acted {
    fn from(done: Done) -> Self {
        match done {
            Done::Task(review) => Self::Task(Box::new((*review).into())),
            Done::Decided(decided) => Self::Decided(Box::new((*decided).into())),
        }
    }
}

/// The key that makes a repeated request the same request.
pub(crate) fn key(headers: &HeaderMap) -> Option<String> {
    let key = headers.get("idempotency-key")?.to_str().ok()?.trim();
    (!key.is_empty()).then(|| key.to_owned())
}

/// Takes the approval back while nothing was sent; the answer is the task that follows.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/recall", tag = "reviews", params(("id" = String, Path)),
    responses((status = 200, body = DecidedBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn recall(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
) -> Result<Json<Acted>, ApiError> {
    act(&app, &by, &id, Verb::Recall).await
}

/// Takes the approval of a run back while nothing was sent; the answer is the task that follows.
#[utoipa::path(post, path = "/api/v1/runs/{id}/recall", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, body = DecidedBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn recall_run(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
) -> Result<Json<DecidedBody>, ApiError> {
    let run = super::runs::found(&app, &id).await?;
    by.sees(&run.workflow)?;
    let mut done = Box::pin(app.engine.recall_run(run.id, &by.person)).await?;
    app.engine.veil_decided(by.rights(), &mut done).await;
    Ok(Json(done.into()))
}

/// Takes the task.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/claim", tag = "reviews", params(("id" = String, Path)),
    responses((status = 200, body = ReviewBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn claim(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
) -> Result<Json<Acted>, ApiError> {
    act(&app, &by, &id, Verb::Claim).await
}

/// Gives the task back.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/release", tag = "reviews", params(("id" = String, Path)),
    responses((status = 200, body = ReviewBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn release(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
) -> Result<Json<Acted>, ApiError> {
    act(&app, &by, &id, Verb::Release).await
}

/// A decision that counted.
#[derive(Serialize, ToSchema)]
pub(crate) struct DecidedBody {
    review: ReviewBody,
    run: super::runs::RunBody,
    /// Distinct approvals still needed.
    approvals_left: u32,
    /// Until when the approval can be recalled; absent without a recall window.
    recall_until: Option<String>,
    /// Fields of watched sources that nobody watches and that changed since the snapshot.
    #[schema(value_type = Vec<Object>)]
    changes: Value,
    /// It was a known error; present only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<SeedToldBody>,
}

impl From<Decided> for DecidedBody {
    fn from(d: Decided) -> Self {
        Self {
            review: d.review.into(),
            run: d.run.into(),
            approvals_left: d.approvals_left,
            recall_until: d.recall_until.map(Timestamp::rfc3339),
            changes: serde_json::json!(d.changes),
            seed: d.seed.map(SeedToldBody::from),
        }
    }
}

/// Yes, as it stands.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalBody {
    revision: Option<u32>,
    /// One of the declared codes; needed with `accept_changed`.
    reason: Option<String>,
    note: Option<String>,
    #[serde(default)]
    checklist: Vec<String>,
    /// Go on although a watched field changed since the snapshot.
    #[serde(default)]
    accept_changed: bool,
}

/// Approves the output as it stands.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/approval", tag = "reviews",
    params(("id" = String, Path), ("idempotency-key" = Option<String>, Header)), request_body = ApprovalBody,
    responses((status = 200, body = DecidedBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn approve(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Acted>, ApiError> {
    let b: ApprovalBody = query::body(&body)?;
    let verb = Verb::Approve(Approval {
        revision: b.revision,
        edit: None,
        reason: b.reason,
        note: b.note,
        checklist: b.checklist,
        accept_changed: b.accept_changed,
        key: key(&headers),
    });
    act(&app, &by, &id, verb).await
}

/// Yes, after an edit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditBody {
    /// The full edited output.
    #[schema(value_type = Object)]
    output: Value,
    reason: Option<String>,
    revision: Option<u32>,
    note: Option<String>,
    #[serde(default)]
    checklist: Vec<String>,
    #[serde(default)]
    accept_changed: bool,
}

/// Approves the output after an edit.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/edit", tag = "reviews",
    params(("id" = String, Path), ("idempotency-key" = Option<String>, Header)), request_body = EditBody,
    responses((status = 200, body = DecidedBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn edit(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Acted>, ApiError> {
    let b: EditBody = query::body(&body)?;
    let verb = Verb::Approve(Approval {
        revision: b.revision,
        edit: Some(b.output),
        reason: b.reason,
        note: b.note,
        checklist: b.checklist,
        accept_changed: b.accept_changed,
        key: key(&headers),
    });
    act(&app, &by, &id, verb).await
}

/// No.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RejectionBody {
    /// One of the declared codes.
    #[serde(default)]
    reason: String,
    revision: Option<u32>,
    note: Option<String>,
}

/// Rejects the output.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/rejection", tag = "reviews",
    params(("id" = String, Path), ("idempotency-key" = Option<String>, Header)), request_body = RejectionBody,
    responses((status = 200, body = DecidedBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn reject(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Acted>, ApiError> {
    let b: RejectionBody = query::body(&body)?;
    let verb = Verb::Reject(Refusal {
        revision: b.revision,
        reason: b.reason,
        note: b.note,
        key: key(&headers),
    });
    act(&app, &by, &id, verb).await
}

/// Passed on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EscalationBody {
    revision: Option<u32>,
    note: Option<String>,
}

/// Passes the task to the next named person.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/escalation", tag = "reviews", params(("id" = String, Path)), request_body = EscalationBody,
    responses((status = 200, body = ReviewBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn escalate(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Acted>, ApiError> {
    let b: EscalationBody = query::body(&body)?;
    let (note, revision) = (b.note, b.revision);
    let verb = Verb::Escalate { note, revision };
    act(&app, &by, &id, verb).await
}

/// Given to somebody else.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReassignmentBody {
    /// Handle of the person who gets it.
    to: String,
    #[serde(default)]
    reason: String,
    revision: Option<u32>,
}

/// Gives the task to another named person; due time and age stay.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/reassignment", tag = "reviews", params(("id" = String, Path)), request_body = ReassignmentBody,
    responses((status = 200, body = ReviewBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn reassign(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Acted>, ApiError> {
    let b: ReassignmentBody = query::body(&body)?;
    let verb = Verb::Reassign {
        to: b.to,
        reason: b.reason,
        revision: b.revision,
    };
    act(&app, &by, &id, verb).await
}

/// Several alike tasks, decided in the same way.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManyBody {
    items: Vec<ManyItem>,
    /// `approve` or `reject`.
    decision: String,
    #[serde(default)]
    checklist: Vec<String>,
    /// One of the declared codes; needed to reject.
    #[serde(default)]
    reason: String,
    note: Option<String>,
}

/// One of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManyItem {
    id: String,
    /// The revision that was seen.
    revision: u32,
}

/// What became of each, in the order they were given.
#[derive(Serialize, ToSchema)]
pub(crate) struct ManyDone {
    items: Vec<OneDone>,
}

/// What became of one.
#[derive(Serialize, ToSchema)]
pub(crate) struct OneDone {
    id: String,
    decided: bool,
    state: Option<&'static str>,
    /// Code and words of the refusal.
    code: Option<&'static str>,
    detail: Option<String>,
}

/// Decides several alike tasks of a tier that allows it; each was opened before.
#[utoipa::path(post, path = "/api/v1/reviews/decisions", tag = "reviews", request_body = ManyBody,
    responses((status = 200, body = ManyDone), (status = 400, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn many(
    State(app): State<App>,
    by: ApiReviewer,
    body: Bytes,
) -> Result<Json<ManyDone>, ApiError> {
    let b: ManyBody = query::body(&body)?;
    let mut items = Vec::with_capacity(b.items.len().min(query::MAX_PAGE));
    for item in &b.items {
        items.push((reached(&app, &by, &item.id).await?, item.revision));
    }
    let what = match b.decision.as_str() {
        "approve" => Together::Approve {
            checklist: b.checklist,
        },
        "reject" => Together::Reject { reason: b.reason },
        other => {
            let words = format!("`{other}` is not one of approve, reject");
            return Err(Problem::new("bad_request", words).field("decision").into());
        }
    };
    let done = app
        .engine
        .decide_many(&by.person, &items, &what, b.note.as_deref())
        .await?;
    let one = |(id, done): (ReviewId, Result<Decided, Problem>)| {
        let refused = done.as_ref().err();
        OneDone {
            id: id.to_string(),
            decided: done.is_ok(),
            code: refused.map(|p| p.code),
            detail: refused.map(|p| p.detail.clone()),
            state: done.as_ref().ok().map(|d| d.review.state.word()),
        }
    };
    Ok(Json(ManyDone {
        items: done.into_iter().map(one).collect(),
    }))
}

/// A sign of life of somebody who has the task open.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadingBody {
    /// `viewing`, `editing` or `idle`.
    doing: String,
    /// The revision that is shown.
    revision: u32,
    /// How long it was in view since the last sign. A time below zero, or more than has passed, is dropped and
    /// counted.
    #[serde(default)]
    visible_ms: i64,
}

/// Who has the task open.
#[derive(Serialize, ToSchema)]
pub(crate) struct PresenceBody {
    people: Vec<PresentBody>,
}

/// One of them.
#[derive(Serialize, ToSchema)]
pub(crate) struct PresentBody {
    person: String,
    /// `viewing`, `editing` or `idle`.
    doing: &'static str,
    at: String,
}

impl From<Vec<There>> for PresenceBody {
    fn from(there: Vec<There>) -> Self {
        let people = there.into_iter().map(|t| PresentBody {
            person: t.person,
            doing: t.doing.word(),
            at: t.at.rfc3339(),
        });
        Self {
            people: people.collect(),
        }
    }
}

/// Says that the token's person has the task open, and answers who else has. A claim runs on.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/reading", tag = "reviews", params(("id" = String, Path)), request_body = ReadingBody,
    responses((status = 200, body = PresenceBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub(crate) async fn reading(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<PresenceBody>, ApiError> {
    let id = reached(&app, &by, &id).await?;
    let b: ReadingBody = query::body(&body)?;
    let doing: Doing = query::word("doing", Some(&b.doing))?
        .ok_or_else(|| Problem::new("bad_request", "say what is done").field("doing"))?;
    let visible = u64::try_from(b.visible_ms).ok();
    let visible = visible.map(std::time::Duration::from_millis);
    let there = app
        .engine
        .reading(id, &by.person, doing, b.revision, visible)
        .await?;
    Ok(Json(there.into()))
}

/// How a task that is not a plain yes or no is settled.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettlementBody {
    /// `supply`, `happened`, `did_not_happen`, `hand_over`, `close_failed` or `regenerate`.
    settle: String,
    /// Evidence, result or reason.
    text: Option<String>,
    /// For `supply`: the whole input.
    #[schema(value_type = Object)]
    input: Option<Value>,
    revision: Option<u32>,
}

/// Settles the task: supplies input, says what became of an action, hands over, closes.
#[utoipa::path(post, path = "/api/v1/reviews/{id}/settlement", tag = "reviews",
    params(("id" = String, Path), ("idempotency-key" = Option<String>, Header)), request_body = SettlementBody,
    responses((status = 200, body = DecidedBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn settle(
    State(app): State<App>,
    by: ApiReviewer,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Acted>, ApiError> {
    let b: SettlementBody = query::body(&body)?;
    let verb = Verb::Settle {
        settlement: verbs::settlement(&b.settle, b.text, b.input)?,
        revision: b.revision,
        key: key(&headers),
    };
    act(&app, &by, &id, verb).await
}
