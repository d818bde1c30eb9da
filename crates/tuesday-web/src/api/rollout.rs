//! A workflow's standing over the API: pause, resume, kill, restrict, stage, retire, the decisions about
//! it, and what is said about its outputs.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Choice, Workflow};
use tuesday_domain::scope::Restriction;
use tuesday_domain::watch::Judged;
use tuesday_domain::workflow::{Stage, Switch};
use tuesday_engine::ops::release::Emergency;
use tuesday_engine::ops::{DecisionView, OpenWork, WorkflowDecision};
use utoipa::ToSchema;

use super::policies::DutyBody;
use crate::auth::{ApiAdmin, ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// How a workflow stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct StandingBody {
    name: String,
    /// What it may be called.
    label: &'static str,
    /// How much it may do by itself.
    stage: &'static str,
    /// The stage below what label and restriction allow.
    stage_in_force: &'static str,
    /// Whether it acts now.
    switch: &'static str,
    switch_reason: Option<String>,
    switched_by: Option<String>,
    switched_at: Option<String>,
    /// For whom and what it works, in words.
    scope: String,
    /// People do the work.
    manual_fallback: bool,
    /// Takes no new events, and retires when its work is done.
    retiring: bool,
    /// Pause rules with their present figures.
    pause_rules: Vec<ConditionBody>,
    /// The kill condition with its present figure.
    kill: Option<ConditionBody>,
    /// What the rollout plan leaves open: who changes what in which group, and which figure shows that it stuck.
    plan_blanks: Vec<String>,
    /// The next stage up, where the label allows one.
    next_stage: Option<NextStageBody>,
    /// A change is watched until then.
    settling_until: Option<String>,
    /// What would take it back, with the figures since it.
    settling_guards: Vec<ConditionBody>,
    /// Releases that go live after it.
    waiting: Vec<String>,
    /// Those of them that are tested against the release that is live now, as they were judged beside
    /// another one.
    waiting_tests: Vec<LineTestBody>,
}

/// The test of a release whose turn has come.
#[derive(Serialize, ToSchema)]
pub(crate) struct LineTestBody {
    release: String,
    /// Tests that were begun.
    tries: u32,
    /// Until when it may go on; with `why`, when the next one begins.
    until: String,
    /// Why the last one came to nothing.
    why: Option<String>,
}

fn tested(w: &tuesday_domain::settling::Waiting) -> Option<LineTestBody> {
    let test = w.test.as_ref()?;
    Some(LineTestBody {
        release: w.release.to_string(),
        tries: test.tries,
        until: test.until.rfc3339(),
        why: test.why.clone(),
    })
}

/// The next stage with what was written down for it beforehand.
#[derive(Serialize, ToSchema)]
pub(crate) struct NextStageBody {
    stage: &'static str,
    /// What must be true, counted since the present stage began: `met` is true.
    conditions: Vec<ConditionBody>,
    /// Nothing was written down, and this stage needs it.
    undeclared: bool,
    /// The conditions are others than when the present stage began.
    changed: bool,
}

/// A condition with its present figure.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConditionBody {
    name: String,
    /// `met`, `clear`, `counting` or `missing`.
    standing: &'static str,
    /// The figure and the limit in words.
    figure: String,
}

fn condition(name: String, judged: Judged) -> ConditionBody {
    ConditionBody {
        name,
        standing: judged.standing.word(),
        figure: judged.words,
    }
}

async fn body(app: &App, w: Workflow) -> Result<Json<StandingBody>, ApiError> {
    let watched = app.engine.watched(&w).await?;
    let next = app.engine.next_stage(&w).await?;
    let plan_blanks = app.engine.plan_left_open(&w).await?;
    let rules = watched.rules.into_iter();
    let guards = watched.guards.into_iter();
    let waiting = w.rollout.changes.waiting.iter();
    Ok(Json(StandingBody {
        label: w.label.word(),
        stage: w.stage.word(),
        stage_in_force: w.stage_in_force().word(),
        switch: w.switch.word(),
        switch_reason: w.rollout.switch_reason,
        switched_by: w.rollout.switched_by,
        switched_at: w.rollout.switched_at.map(|t| t.rfc3339()),
        scope: w.rollout.scope.words(),
        manual_fallback: w.rollout.fallback,
        retiring: w.rollout.retiring,
        pause_rules: rules.map(|(r, j)| condition(r.name, j)).collect(),
        kill: watched.kill.map(|(k, j)| condition(k.condition, j)),
        plan_blanks,
        next_stage: next.map(|n| NextStageBody {
            stage: n.stage.word(),
            undeclared: n.undeclared,
            changed: n.changed,
            conditions: n
                .conditions
                .into_iter()
                .map(|(c, j)| condition(c.metric.word().to_owned(), j))
                .collect(),
        }),
        settling_until: w.rollout.changes.settling.map(|s| s.until.rfc3339()),
        settling_guards: guards.map(|(r, j)| condition(r.name, j)).collect(),
        waiting_tests: waiting.clone().filter_map(tested).collect(),
        waiting: waiting.map(|w| w.release.to_string()).collect(),
        name: w.name,
    }))
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhyBody {
    reason: String,
}

/// The person may do this to this workflow; who may stands in the refusal.
async fn by(app: &App, who: &ApiReviewer, act: Act, name: &str) -> Result<Actor, ApiError> {
    who.sees(name)?;
    app.engine.allowed(act, name, &who.person).await?;
    Ok(who.actor())
}

/// As [`by`], for what ends automation: a person in front of a screen gives a fresh proof, a token is
/// one of scope `admin` and its use is an entry of its own.
async fn ended_by(app: &App, who: &ApiAdmin, name: &str) -> Result<Actor, ApiError> {
    who.sees(name)?;
    let act = Act::KillWorkflow;
    app.engine.allowed(act, name, who.person()).await?;
    Ok(who.actor())
}

async fn switch(
    app: App,
    by: Actor,
    name: String,
    bytes: Bytes,
    to: Switch,
) -> Result<Json<StandingBody>, ApiError> {
    let why: WhyBody = query::body(&bytes)?;
    let row = app.engine.set_switch(&name, to, &by, &why.reason).await?;
    body(&app, row).await
}

/// How it stands, with the figures of its pause rules and its kill condition.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/standing", tag = "workflows", params(("workflow" = String, Path)),
    responses((status = 200, body = StandingBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn standing(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
) -> Result<Json<StandingBody>, ApiError> {
    reader.sees(&name)?;
    let row = app.engine.reader().workflow(&name).await?;
    let unknown = || Problem::new("unknown_workflow", format!("there is no workflow `{name}`"));
    let row = row.ok_or_else(unknown)?;
    body(&app, row).await
}

/// Holds everything: nothing starts within a second, on any node.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/pause", tag = "workflows", params(("workflow" = String, Path)), request_body = WhyBody,
    responses((status = 200, body = StandingBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn pause(
    State(app): State<App>,
    who: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<StandingBody>, ApiError> {
    let by = by(&app, &who, Act::PauseWorkflow, &name).await?;
    switch(app, by, name, bytes, Switch::Paused).await
}

/// Lets it act again.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/resume", tag = "workflows", params(("workflow" = String, Path)), request_body = WhyBody,
    responses((status = 200, body = StandingBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn resume(
    State(app): State<App>,
    who: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<StandingBody>, ApiError> {
    let by = by(&app, &who, Act::ResumeWorkflow, &name).await?;
    switch(app, by, name, bytes, Switch::Running).await
}

/// Ends automation until a decision record says otherwise.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/kill", tag = "workflows", params(("workflow" = String, Path)), request_body = WhyBody,
    responses((status = 200, body = StandingBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn kill(
    State(app): State<App>,
    who: ApiAdmin,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<StandingBody>, ApiError> {
    let by = ended_by(&app, &who, &name).await?;
    switch(app, by, name, bytes, Switch::Killed).await
}

/// What it serves from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestrictBody {
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    departments: Vec<String>,
    #[serde(default)]
    tiers: Vec<String>,
    #[serde(default)]
    types: Vec<String>,
    /// Only this share of the events, 0 to 100.
    #[serde(default)]
    percent: Option<u8>,
    /// At most this stage.
    #[serde(default)]
    to_stage: Option<String>,
    /// Confirms a restriction that leaves nothing or everything.
    #[serde(default)]
    sure: bool,
    reason: String,
}

/// Narrows it, or lifts a restriction.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/restrict", tag = "workflows", params(("workflow" = String, Path)), request_body = RestrictBody,
    responses((status = 200, body = StandingBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn restrict(
    State(app): State<App>,
    who: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<StandingBody>, ApiError> {
    let by = by(&app, &who, Act::PauseWorkflow, &name).await?;
    let b: RestrictBody = query::body(&bytes)?;
    let scope = Restriction {
        groups: b.groups,
        departments: b.departments,
        tiers: b.tiers,
        types: b.types,
        percent: b.percent,
        to_stage: query::word("to_stage", b.to_stage.as_deref())?,
    };
    let row = app.engine.restrict(&name, scope, b.sure, &by, &b.reason);
    body(&app, row.await?).await
}

/// What is done in an emergency.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmergencyBody {
    /// Back to this release; without it and without a stage, to the newest that was live before.
    release: Option<String>,
    /// Down to this stage.
    stage: Option<String>,
    /// Handle of the person who looks back at it within a day.
    reviewer: String,
    reason: String,
}

/// At once and without a gate: back to a release that was live, or down to a stricter stage. Somebody else
/// owes a look back within a day; unanswered, the workflow pauses then.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/emergency", tag = "workflows", params(("workflow" = String, Path)), request_body = EmergencyBody,
    responses((status = 201, body = DutyBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn emergency(
    State(app): State<App>,
    who: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<DutyBody>), ApiError> {
    let Actor::Person(by) = by(&app, &who, Act::PauseWorkflow, &name).await? else {
        return Err(Problem::new("not_allowed", "only a person acts in an emergency").into());
    };
    let b: EmergencyBody = query::body(&bytes)?;
    let what = match query::word("stage", b.stage.as_deref())? {
        Some(stage) => Emergency::Stage(stage),
        None => Emergency::Release(b.release.as_deref().map(query::id).transpose()?),
    };
    let done = app
        .engine
        .emergency(&name, what, &b.reviewer, &by, &b.reason);
    Ok((StatusCode::CREATED, Json(Box::pin(done).await?.into())))
}

/// Another stage.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StageBody {
    stage: String,
    /// What its people are told; needed for going up.
    #[serde(default)]
    notice: Option<String>,
    reason: String,
}

/// One step up, or any step down.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/stage", tag = "workflows", params(("workflow" = String, Path)), request_body = StageBody,
    responses((status = 200, body = StandingBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn stage(
    State(app): State<App>,
    who: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<StandingBody>, ApiError> {
    let by = by(&app, &who, Act::SetStage, &name).await?;
    let b: StageBody = query::body(&bytes)?;
    let missing = || Problem::new("bad_request", "the stage is missing").field("stage");
    let to: Stage = query::word("stage", Some(&b.stage))?.ok_or_else(missing)?;
    let row = app
        .engine
        .set_stage(&name, to, b.notice.as_deref(), &by, &b.reason);
    body(&app, row.await?).await
}

/// The end of a workflow.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetireBody {
    /// `drain` finishes open work first, `hand_over` gives it to people; without it nothing may be open.
    #[serde(default)]
    open_work: Option<String>,
    reason: String,
}

/// Ends it for good.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/retire", tag = "workflows", params(("workflow" = String, Path)), request_body = RetireBody,
    responses((status = 200, body = StandingBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn retire(
    State(app): State<App>,
    who: ApiAdmin,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<StandingBody>, ApiError> {
    let by = ended_by(&app, &who, &name).await?;
    let b: RetireBody = query::body(&bytes)?;
    let open = open_work(b.open_work.as_deref())?;
    let row = app.engine.retire(&name, open, &by, &b.reason).await?;
    body(&app, row).await
}

/// What becomes of open work, from a form or a body.
pub(crate) fn open_work(word: Option<&str>) -> Result<OpenWork, Problem> {
    match word {
        None => Ok(OpenWork::None),
        Some("drain") => Ok(OpenWork::Drain),
        Some("hand_over") => Ok(OpenWork::HandOver),
        Some(other) => Err(
            Problem::new("bad_request", format!("`{other}` is not known"))
                .field("open_work")
                .way_out("one of: drain, hand_over"),
        ),
    }
}

/// What was decided.
#[derive(Serialize, ToSchema)]
pub(crate) struct DecisionBody {
    id: String,
    decision: &'static str,
    question: String,
    evidence: String,
    /// What can be opened to see it.
    links: Vec<String>,
    /// What must stay true for it to hold.
    conditions: Vec<String>,
    reason: String,
    /// The decision that it takes the place of.
    supersedes: Option<String>,
    /// The decision that took its place.
    superseded_by: Option<String>,
    decided_by: String,
    decided_at: String,
}

impl From<DecisionView> for DecisionBody {
    fn from(view: DecisionView) -> Self {
        let d = view.record;
        Self {
            id: d.id.to_string(),
            decision: d.choice.word(),
            question: d.question,
            evidence: d.evidence,
            links: d.links.all(),
            conditions: d.conditions.all(),
            reason: d.reason,
            supersedes: d.supersedes.map(|id| id.to_string()),
            superseded_by: view.superseded_by.map(|d| d.id.to_string()),
            decided_by: d.decided_by,
            decided_at: d.decided_at.rfc3339(),
        }
    }
}

/// The newest decisions about a workflow.
#[derive(Serialize, ToSchema)]
pub(crate) struct DecisionList {
    items: Vec<DecisionBody>,
}

/// What was decided, the newest first.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/decisions", tag = "workflows", params(("workflow" = String, Path)),
    responses((status = 200, body = DecisionList)))]
pub(crate) async fn decisions(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
) -> Result<Json<DecisionList>, ApiError> {
    reader.sees(&name)?;
    let all = app.engine.decisions_of(&name, 100).await?;
    let items = all.into_iter().map(DecisionBody::from).collect();
    Ok(Json(DecisionList { items }))
}

/// A decision about a workflow.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDecision {
    /// `stop`, `redesign`, `another_pilot`, `narrow` or `proceed`.
    decision: String,
    question: String,
    evidence: String,
    /// Ids of records, pages of this instance, `https://` addresses; at least one.
    #[serde(default)]
    links: Vec<String>,
    /// What must stay true for it to hold.
    #[serde(default)]
    conditions: Vec<String>,
    reason: String,
    /// The decision that it takes the place of.
    supersedes: Option<String>,
}

/// Keeps a decision under the name of the person.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/decisions", tag = "workflows", params(("workflow" = String, Path)), request_body = NewDecision,
    responses((status = 200, body = DecisionBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn decide(
    State(app): State<App>,
    who: ApiReviewer,
    Path(name): Path<String>,
    bytes: Bytes,
) -> Result<Json<DecisionBody>, ApiError> {
    by(&app, &who, Act::ResumeWorkflow, &name).await?;
    let b: NewDecision = query::body(&bytes)?;
    let missing = || Problem::new("bad_request", "the decision is missing").field("decision");
    let choice: Choice = query::word("decision", Some(&b.decision))?.ok_or_else(missing)?;
    let decision = WorkflowDecision {
        choice,
        question: b.question,
        evidence: b.evidence,
        links: b.links,
        conditions: b.conditions,
        reason: b.reason,
        supersedes: query::word("supersedes", b.supersedes.as_deref())?,
    };
    let kept = app.engine.decide_workflow(&name, decision, &who.person);
    let record = kept.await?;
    let view = DecisionView {
        record,
        superseded_by: None,
    };
    Ok(Json(view.into()))
}
