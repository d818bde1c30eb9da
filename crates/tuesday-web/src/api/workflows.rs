//! Workflows and their decision tables, to read.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{PriorityClass, Workflow, WorkflowPriority};
use utoipa::ToSchema;

use crate::auth::{ApiReader, ApiReviewer};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// A workflow.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowBody {
    name: String,
    title: String,
    owner: String,
    /// What it may be called.
    label: &'static str,
    /// How much it may do by itself.
    stage: &'static str,
    /// Whether it acts now.
    switch: &'static str,
    live_release: String,
    rules_version: u64,
    installed_at: String,
}

impl From<Workflow> for WorkflowBody {
    fn from(w: Workflow) -> Self {
        Self {
            name: w.name,
            title: w.title,
            owner: w.owner,
            label: w.label.word(),
            stage: w.stage.word(),
            switch: w.switch.word(),
            live_release: w.live_release.to_string(),
            rules_version: w.rules_version,
            installed_at: w.installed_at.rfc3339(),
        }
    }
}

/// All workflows.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowList {
    items: Vec<WorkflowBody>,
}

/// Workflows by name.
#[utoipa::path(get, path = "/api/v1/workflows", tag = "workflows", responses((status = 200, body = WorkflowList)))]
pub(crate) async fn list(
    State(app): State<App>,
    reader: ApiReader,
) -> Result<Json<WorkflowList>, ApiError> {
    let all = app.engine.reader().workflows().await?;
    let items = all
        .into_iter()
        .filter(|w| reader.sees(&w.name).is_ok())
        .map(WorkflowBody::from)
        .collect();
    Ok(Json(WorkflowList { items }))
}

async fn found(app: &App, reader: &ApiReader, name: &str) -> Result<Workflow, ApiError> {
    let unknown = || Problem::new("unknown_workflow", format!("there is no workflow `{name}`"));
    let workflow = app
        .engine
        .reader()
        .workflow(name)
        .await?
        .ok_or_else(unknown)?;
    reader.sees(&workflow.name)?;
    Ok(workflow)
}

/// One workflow.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}", tag = "workflows", params(("workflow" = String, Path)),
    responses((status = 200, body = WorkflowBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
) -> Result<Json<WorkflowBody>, ApiError> {
    Ok(Json(found(&app, &reader, &name).await?.into()))
}

/// A version of a decision table.
#[derive(Serialize, ToSchema)]
pub(crate) struct RulesBody {
    workflow: String,
    version: u64,
    state: &'static str,
    /// The table as ops see it.
    csv: String,
    /// SHA-256 of the canonical CSV, hex.
    hash: String,
    reason: String,
    created_at: String,
    created_by: String,
}

/// The decision table in force.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/rules", tag = "workflows", params(("workflow" = String, Path)),
    responses((status = 200, body = RulesBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn rules(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
) -> Result<Json<RulesBody>, ApiError> {
    let workflow = found(&app, &reader, &name).await?;
    let row = app
        .engine
        .reader()
        .ruleset(&name, workflow.rules_version)
        .await?;
    let r = row.ok_or_else(|| {
        Problem::new("record_damaged", "the decision table in force is not there")
    })?;
    Ok(Json(RulesBody {
        workflow: r.workflow,
        version: r.version,
        state: r.state.word(),
        csv: r.csv,
        hash: hex::encode(r.hash),
        reason: r.reason,
        created_at: r.created_at.rfc3339(),
        created_by: r.created_by,
    }))
}

/// Which work comes first.
#[derive(Serialize, ToSchema)]
pub(crate) struct PriorityBody {
    /// `urgent`, `high`, `normal` or `low`.
    class: &'static str,
    /// Absent while nobody has set it.
    set_by: Option<String>,
    reason: Option<String>,
    set_at: Option<String>,
}

impl From<WorkflowPriority> for PriorityBody {
    fn from(p: WorkflowPriority) -> Self {
        Self {
            class: p.class.word(),
            set_by: Some(p.set_by),
            reason: Some(p.reason),
            set_at: Some(p.set_at.rfc3339()),
        }
    }
}

/// The priority class of a workflow and who set it.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/priority", tag = "workflows", params(("workflow" = String, Path)),
    responses((status = 200, body = PriorityBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn priority(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
) -> Result<Json<PriorityBody>, ApiError> {
    found(&app, &reader, &name).await?;
    let all = app.engine.reader().priorities().await?;
    Ok(Json(all.into_iter().find(|p| p.workflow == name).map_or(
        PriorityBody {
            class: PriorityClass::Normal.word(),
            set_by: None,
            reason: None,
            set_at: None,
        },
        PriorityBody::from,
    )))
}

/// A new class.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPriority {
    class: String,
    #[serde(default)]
    reason: String,
}

/// The sponsor sets the class.
#[utoipa::path(post, path = "/api/v1/workflows/{workflow}/priority", tag = "workflows", params(("workflow" = String, Path)), request_body = NewPriority,
    responses((status = 200, body = PriorityBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn set_priority(
    State(app): State<App>,
    by: ApiReviewer,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<PriorityBody>, ApiError> {
    by.sees(&name)?;
    let b: NewPriority = query::body(&body)?;
    let class = query::word("class", Some(&b.class))?
        .ok_or_else(|| Problem::new("bad_request", "the class is missing").field("class"))?;
    let set = app
        .engine
        .set_priority(&name, class, &by.person, &b.reason)
        .await?;
    Ok(Json(set.into()))
}

/// One day of a workflow: totals that add up, open exceptions with their owners, versions, cost.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/batches/{day}", tag = "workflows", params(("workflow" = String, Path), ("day" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn batch(
    State(app): State<App>,
    reader: ApiReader,
    Path((name, day)): Path<(String, String)>,
) -> Result<Json<serde_json::Value>, ApiError> {
    found(&app, &reader, &name).await?;
    let mut batch = app.engine.batch(&name, &day).await?;
    app.engine.veil_batch(reader.rights(), &mut batch).await;
    let value =
        serde_json::to_value(&batch).map_err(|e| Problem::new("internal", e.to_string()))?;
    Ok(Json(value))
}
