//! Workflows and their decision tables, to read.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Workflow;
use utoipa::ToSchema;

use crate::auth::ApiReader;
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
