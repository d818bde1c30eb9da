//! Review tasks, to read: the queue and one case.

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Review;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::Case;
use tuesday_store::QueueFilter;
use utoipa::{IntoParams, ToSchema};

use crate::auth::ApiReader;
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// A review task.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReviewBody {
    id: String,
    run_id: String,
    workflow: String,
    /// `output`, `input`, `action` or `manual`.
    kind: &'static str,
    state: &'static str,
    tier: String,
    subject: String,
    reason: &'static str,
    /// Why a person looks, one sentence each.
    reasons: Vec<String>,
    owner: String,
    claimed_by: Option<String>,
    claim_until: Option<String>,
    due_at: String,
    created_at: String,
    /// How often it escalated.
    level: u32,
    decision: Option<&'static str>,
    decision_reason: Option<String>,
    decided_by: Option<String>,
    decided_at: Option<String>,
    approved_by: Vec<String>,
    approvals_needed: u32,
    /// Send it back with a decision: a task that moved since is not decided.
    revision: u32,
}

impl From<Review> for ReviewBody {
    fn from(r: Review) -> Self {
        Self {
            id: r.id.to_string(),
            run_id: r.run.to_string(),
            workflow: r.workflow,
            kind: r.kind.word(),
            state: r.state.word(),
            tier: r.tier,
            subject: r.subject,
            reason: r.reason.word(),
            reasons: r.reasons,
            owner: r.owner,
            claimed_by: r.claimed_by,
            claim_until: r.claim_until.map(Timestamp::rfc3339),
            due_at: r.due_at.rfc3339(),
            created_at: r.created_at.rfc3339(),
            level: r.level,
            decision: r.decision.map(|d| d.word()),
            decision_reason: r.decision_reason,
            decided_by: r.decided_by,
            decided_at: r.decided_at.map(Timestamp::rfc3339),
            approved_by: r.approved_by,
            approvals_needed: r.approvals_needed,
            revision: r.revision,
        }
    }
}

/// A page of the queue.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReviewList {
    items: Vec<ReviewBody>,
    /// The next `after`; absent on the last page.
    next: Option<String>,
}

/// Which tasks.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviewQuery {
    workflow: Option<String>,
    /// One state; absent means the open ones.
    state: Option<String>,
    owner: Option<String>,
    claimed_by: Option<String>,
    tier: Option<String>,
    /// Part of the subject.
    q: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    limit: Option<usize>,
}

/// Review tasks, first due first.
#[utoipa::path(get, path = "/api/v1/reviews", tag = "reviews", params(ReviewQuery),
    responses((status = 200, body = ReviewList), (status = 400, body = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
    Query(q): Query<ReviewQuery>,
) -> Result<Json<ReviewList>, ApiError> {
    let limit = query::limit(q.limit, 50);
    let filter = QueueFilter {
        workflow: reader.only(q.workflow)?,
        states: query::word("state", q.state.as_deref())?
            .into_iter()
            .collect(),
        owner: q.owner,
        claimed_by: q.claimed_by,
        tier: q.tier,
        text: q.q,
    };
    let after = q.after.as_deref().map(cursor).transpose()?;
    let page = app
        .engine
        .reader()
        .review_page(&filter, after, limit)
        .await?;
    let next = (page.len() == limit)
        .then(|| page.last().map(after_of))
        .flatten();
    Ok(Json(ReviewList {
        items: page.into_iter().map(ReviewBody::from).collect(),
        next,
    }))
}

/// The place of a task in the queue, as text: due time and id.
pub(crate) fn after_of(r: &Review) -> String {
    format!("{}-{}", r.due_at.micros(), r.id)
}

/// Reads such a place.
pub(crate) fn cursor(text: &str) -> Result<(Timestamp, ReviewId), Problem> {
    let bad = || Problem::new("bad_request", "`after` is not the `next` of a page").field("after");
    let (due, id) = text.split_once('-').ok_or_else(bad)?;
    Ok((
        Timestamp::from_micros(due.parse().map_err(|_| bad())?),
        query::id(id)?,
    ))
}

/// A task with everything a person needs to decide it.
#[derive(Serialize, ToSchema)]
pub(crate) struct CaseBody {
    #[serde(flatten)]
    review: ReviewBody,
    time_zone: String,
    /// Comparisons of the decision table, in words.
    compared: Vec<String>,
    rules_row: Option<String>,
    rules_version: Option<u64>,
    sources: Vec<SourceBody>,
    /// Optional things that are not there.
    absent: Vec<String>,
    flags: Vec<String>,
    #[schema(value_type = Object)]
    output: Option<Value>,
    #[schema(value_type = Object)]
    output_schema: Value,
    /// What approving will write.
    writes: Vec<WriteBody>,
    release: String,
    model: String,
    confidence: Option<f64>,
    /// Questions to answer word for word in `checklist`.
    checklist: Vec<String>,
    /// Codes for rejecting and editing.
    reasons_list: Vec<String>,
    may_decide: Vec<String>,
}

/// One frozen input.
#[derive(Serialize, ToSchema)]
pub(crate) struct SourceBody {
    name: String,
    system: String,
    record: Option<String>,
    version: Option<String>,
    updated_at: Option<String>,
    freshness: &'static str,
    class: &'static str,
    #[schema(value_type = Object)]
    content: Value,
}

/// One effect that approving will have.
#[derive(Serialize, ToSchema)]
pub(crate) struct WriteBody {
    action: String,
    system: String,
    class: &'static str,
    ability: &'static str,
    target: String,
    #[schema(value_type = Object)]
    fields: serde_json::Map<String, Value>,
}

impl From<Case> for CaseBody {
    fn from(c: Case) -> Self {
        let source = |i: tuesday_engine::ops::CaseItem| SourceBody {
            name: i.name,
            system: i.system,
            record: i.record,
            version: i.version,
            updated_at: i.updated_at.map(Timestamp::rfc3339),
            freshness: i.freshness,
            class: i.class,
            content: i.content,
        };
        let write = |w: tuesday_engine::ops::CaseWrite| WriteBody {
            action: w.action,
            system: w.system,
            class: w.class,
            ability: w.ability,
            target: w.target,
            fields: w.fields.into_iter().collect(),
        };
        Self {
            time_zone: c.zone,
            compared: c.compared.into_iter().map(|x| x.words).collect(),
            rules_row: c.rules_row,
            rules_version: c.rules_version,
            sources: c.items.into_iter().map(source).collect(),
            absent: c.absent,
            flags: c.flags,
            output: c.output,
            output_schema: c.output_schema,
            writes: c.writes.into_iter().map(write).collect(),
            release: c.made.release,
            model: c.made.model,
            confidence: c.made.confidence,
            checklist: c.tier.map(|t| t.checklist).unwrap_or_default(),
            reasons_list: c.reasons_list,
            may_decide: c.people.into_iter().map(|(handle, _)| handle).collect(),
            review: c.review.into(),
        }
    }
}

/// One case.
#[utoipa::path(get, path = "/api/v1/reviews/{id}", tag = "reviews", params(("id" = String, Path)),
    responses((status = 200, body = CaseBody), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(id): Path<String>,
) -> Result<Json<CaseBody>, ApiError> {
    let case = app.engine.case(query::id(&id)?).await?;
    reader.sees(&case.review.workflow)?;
    Ok(Json(case.into()))
}
