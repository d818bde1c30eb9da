//! Review tasks, to read: the queue and one case.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Review;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::release::ToRead;
use tuesday_engine::ops::{Case, Reader};
use tuesday_store::{QueueCounts, QueueFilter, QueueRow};
use utoipa::{IntoParams, ToSchema};

use super::seeds::SeedToldBody;
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
    /// `output`, `input`, `action`, `manual` or `second_look`.
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
    /// Who wrote the text in force; in a tier of two this person's approval does not count.
    edited_by: Option<String>,
    /// `edit`, `reject`, `reroute` or `forced`, when a person overrode the machine.
    overridden: Option<&'static str>,
    /// The decided task that this one follows.
    follows: Option<String>,
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
            edited_by: r.edited_by,
            overridden: r.override_kind.map(|k| k.word()),
            follows: r.follows.map(|id| id.to_string()),
            revision: r.revision,
        }
    }
}

/// A task in the queue.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueueItem {
    #[serde(flatten)]
    review: ReviewBody,
    /// Priority class of its workflow: `urgent`, `high`, `normal` or `low`.
    priority: &'static str,
    /// `overdue`, `hour`, `today` or `later`.
    due: &'static str,
    /// How long it has been waiting.
    age_seconds: u64,
    /// Nobody is left above its owner; its operator owner is told every day.
    escalation_exhausted: bool,
}

impl From<QueueRow> for QueueItem {
    fn from(row: QueueRow) -> Self {
        Self {
            priority: row.class.word(),
            due: row.group.word(),
            age_seconds: row.age.as_secs(),
            escalation_exhausted: row.is_exhausted(),
            review: row.review.into(),
        }
    }
}

/// Exact counts: of the filter, and of what it would find with another value in one of its places.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueueCountsBody {
    total: u64,
    overdue: u64,
    hour: u64,
    today: u64,
    later: u64,
    all: u64,
    mine: u64,
    unclaimed: u64,
    workflows: BTreeMap<String, u64>,
    owners: BTreeMap<String, u64>,
    tiers: BTreeMap<String, u64>,
    #[schema(value_type = Object)]
    kinds: BTreeMap<&'static str, u64>,
    #[schema(value_type = Object)]
    reasons: BTreeMap<&'static str, u64>,
}

impl From<QueueCounts> for QueueCountsBody {
    fn from(c: QueueCounts) -> Self {
        let [overdue, hour, today, later] = c.groups;
        Self {
            total: c.total,
            overdue,
            hour,
            today,
            later,
            all: c.all,
            mine: c.mine,
            unclaimed: c.unclaimed,
            workflows: c.workflows,
            owners: c.owners,
            tiers: c.tiers,
            kinds: c.kinds,
            reasons: c.reasons,
        }
    }
}

/// A page of the queue.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReviewList {
    items: Vec<QueueItem>,
    counts: QueueCountsBody,
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
    /// `all`, `mine` (owned or claimed by the token's person) or `unclaimed`.
    who: Option<String>,
    tier: Option<String>,
    kind: Option<String>,
    reason: Option<String>,
    /// `overdue`, `hour`, `today` or `later`.
    due: Option<String>,
    /// Part of the subject, the beginning of a note, or the id of a run or task.
    q: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    limit: Option<usize>,
}

/// Review tasks: priority class first, then due time.
#[utoipa::path(get, path = "/api/v1/reviews", tag = "reviews", params(ReviewQuery),
    responses((status = 200, body = ReviewList), (status = 400, body = ProblemBody)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
    Query(q): Query<ReviewQuery>,
) -> Result<Json<ReviewList>, ApiError> {
    let limit = query::limit(q.limit, 50);
    let after = query::word("after", q.after.as_deref())?;
    let filter = q.filter(&reader)?;
    if filter.text.is_some() {
        let workflow = filter.workflow.as_deref();
        app.engine.may_search(reader.rights(), workflow).await?;
    }
    let times = app.engine.queue_times(filter.workflow.as_deref()).await;
    let mut page = app
        .engine
        .reader()
        .queue(&filter, times, after, limit)
        .await?;
    page.rows.retain(|r| reader.reads(&r.review.workflow));
    let rights = reader.rights();
    app.engine.veil_queue(rights, &mut page.rows).await;
    Ok(Json(ReviewList {
        items: page.rows.into_iter().map(QueueItem::from).collect(),
        counts: page.counts.into(),
        next: page.next.map(|place| place.to_string()),
    }))
}

impl ReviewQuery {
    fn filter(self, reader: &ApiReader) -> Result<QueueFilter, Problem> {
        let me = reader.person().map(str::to_owned);
        let (mine, unclaimed) = match self.who.as_deref().unwrap_or("all") {
            "all" => (None, false),
            "unclaimed" => (None, true),
            "mine" if me.is_some() => (me.clone(), false),
            "mine" => {
                return Err(
                    Problem::new("bad_request", "the token is bound to no person").field("who"),
                );
            }
            other => {
                let said = format!("`{other}` is not one of all, mine, unclaimed");
                return Err(Problem::new("bad_request", said).field("who"));
            }
        };
        Ok(QueueFilter {
            workflow: reader.only(self.workflow)?,
            among: reader.readable(),
            states: query::word("state", self.state.as_deref())?
                .into_iter()
                .collect(),
            owner: self.owner,
            claimed_by: self.claimed_by,
            mine,
            me,
            unclaimed,
            tier: self.tier,
            kind: query::word("kind", self.kind.as_deref())?,
            reason: query::word("reason", self.reason.as_deref())?,
            due: query::word("due", self.due.as_deref())?,
            text: self.q.filter(|t| !t.trim().is_empty()),
        })
    }
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
    /// When to trust the draft and when to escalate.
    guidance: String,
    /// Questions to answer word for word in `checklist`.
    checklist: Vec<String>,
    /// Codes for rejecting and editing.
    reasons_list: Vec<String>,
    may_decide: Vec<String>,
    /// What an approval rests on and the reader is not cleared for; absent when nothing is.
    not_cleared: Option<String>,
    /// It was a known error; present only once it is decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<SeedToldBody>,
    /// The release that must be read before deciding, with what it changed, and who has read it; absent
    /// where none changed what people judge.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_release: Option<NewReleaseBody>,
}

/// A release that changed what people judge.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewReleaseBody {
    number: u32,
    /// The release before it.
    before: u32,
    /// What is different, in words.
    changed: String,
    /// Why it was agreed to.
    reason: String,
    /// Handles of those who may decide without reading it.
    readers: Vec<String>,
}

impl From<ToRead> for NewReleaseBody {
    fn from(t: ToRead) -> Self {
        Self {
            number: t.news.number,
            before: t.news.before,
            changed: t.news.words,
            reason: t.news.reason,
            readers: t.readers,
        }
    }
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
            guidance: c
                .tier
                .as_ref()
                .map(|t| t.guidance.clone())
                .unwrap_or_default(),
            checklist: c.tier.map(|t| t.checklist).unwrap_or_default(),
            reasons_list: c.reasons_list,
            may_decide: c.people.into_iter().map(|(handle, _)| handle).collect(),
            not_cleared: c.not_cleared.map(|(field, _)| field),
            seed: c.seed.map(SeedToldBody::from),
            new_release: c.to_read.map(NewReleaseBody::from),
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
    let id = query::id(&id)?;
    let task = app.engine.reader().review(id).await?;
    let task =
        task.ok_or_else(|| Problem::new("not_found", format!("there is no review task {id}")))?;
    reader.sees(&task.workflow)?;
    let by = (reader.actor(), reader.rights());
    let seen = Reader {
        who: &by.0,
        rights: by.1,
    };
    Ok(Json(app.engine.case_for(id, &seen).await?.into()))
}
