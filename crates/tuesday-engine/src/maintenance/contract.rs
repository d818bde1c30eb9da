//! Reads systems without a run, as often as the package says, to see whether they still keep the contract
//! that it was written against: what is gone opens an incident for the technical owner before a run meets
//! it. Nothing is written.

use std::time::Duration;

use serde_json::Value;
use tuesday_domain::action::ActionState;
use tuesday_domain::actor::Actor;
use tuesday_domain::port::SourceFault;
use tuesday_domain::record::Workflow;
use tuesday_domain::run::Outcome;
use tuesday_domain::snapshot::{Snapshot, facts_of};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::contract::{source_broken, written_broken};
use tuesday_domain::trouble::{Category, Trouble};
use tuesday_store::{RunFilter, Work};

use crate::catalog::LiveRelease;
use crate::engine::Engine;
use crate::steps::stored_intent;

/// Name of the cursor that says when was looked.
const CURSOR: &str = "watch.contract";

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    for workflow in engine.0.catalog.workflows() {
        let reader = &engine.0.reader;
        let found = engine.0.catalog.release(reader, workflow.live_release);
        let Ok(release) = found.await else { continue };
        let Some(every) = release.ready.def.watch.contract else {
            continue;
        };
        let cursor = reader.cursor(&workflow.name, CURSOR).await;
        let since = cursor
            .map_err(|e| e.to_string())?
            .and_then(|c| c.value.parse().ok())
            .map_or(workflow.installed_at, Timestamp::from_micros);
        let now = engine.now();
        if now.since(since) >= every.0 {
            Box::pin(look_at(&engine, &workflow, &release)).await?;
            let to = now.micros().to_string();
            engine.put_cursor(&workflow.name, CURSOR, &to).await?;
        }
    }
    Ok(())
}

/// With what the newest written run was about; without one nothing is known to compare with.
async fn look_at(
    engine: &Engine,
    workflow: &Workflow,
    release: &LiveRelease,
) -> Result<(), String> {
    let reader = &engine.0.reader;
    let written = RunFilter {
        workflow: Some(workflow.name.clone()),
        outcome: Some(Outcome::WrittenBack),
        ..RunFilter::default()
    };
    let newest = reader.run_page(&written, None, 1).await;
    let Some(run) = newest.map_err(|e| e.to_string())?.pop() else {
        return Ok(());
    };
    let Some(work) = reader.work(run.id).await.map_err(|e| e.to_string())? else {
        return Ok(());
    };
    let mut broken = sources(engine, release, &work).await;
    broken.extend(Box::pin(destinations(engine, release, &work)).await);
    for (what, words) in broken {
        let subject = format!("{} {what}", workflow.name);
        let words = format!("contract check: {words}");
        let name = Some(workflow.name.as_str());
        let trouble = Trouble::new(Category::ConnectorFailing, subject, name, words);
        let raised = engine.raise_new(trouble, Actor::System("contract")).await;
        raised.map_err(|p| p.detail)?;
    }
    Ok(())
}

/// Name and fault of each source that no longer keeps its contract.
async fn sources(engine: &Engine, release: &LiveRelease, work: &Work) -> Vec<(String, String)> {
    let def = &release.ready.def;
    let bytes = |n| work.payload(n).map(|p| p.bytes.clone());
    let manifest = work.run.snapshot_ref.and_then(bytes);
    let manifest = manifest.and_then(|b| serde_json::from_slice::<Snapshot>(&b).ok());
    let Some(facts) = manifest.and_then(|m| facts_of(def, &m, bytes)) else {
        return Vec::new();
    };
    let (limit, mut out) = (def.limits.connector_timeout.0, Vec::new());
    for spec in &def.source {
        let then = facts.get(&spec.name).unwrap_or(&Value::Null);
        let read = engine.0.ports.source.read(spec, &facts, work.run.id, limit);
        let words = match tokio::time::timeout(limit, read).await {
            Ok(Ok(now)) => source_broken(spec, &now.record, then).join(", "),
            Ok(Err(SourceFault::Permanent { code, detail })) => format!("{code}: {detail}"),
            // Away, or the record was removed: another watcher's matter.
            _ => String::new(),
        };
        if !words.is_empty() {
            out.push((format!("source {}", spec.name), words));
        }
    }
    out
}

/// Name and fault of each destination whose record no longer has what was written.
async fn destinations(
    engine: &Engine,
    release: &LiveRelease,
    work: &Work,
) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let confirmed = work
        .actions
        .iter()
        .filter(|a| a.state == ActionState::Confirmed && a.undoes().is_none());
    for action in confirmed {
        let request = work
            .payload(action.request_ref)
            .and_then(|p| serde_json::from_slice::<Value>(&p.bytes).ok());
        let intent = stored_intent(&release.ready, action, &request.unwrap_or_default());
        let Ok(intent) = intent else { continue };
        let limit = Duration::from_millis(intent.timeout_ms);
        let target = engine.0.ports.destination.target(&intent);
        let Ok(Ok(now)) = tokio::time::timeout(limit, target).await else {
            continue;
        };
        // No way to read it, or it is gone: reconciling says so.
        let there = match (now.values, now.version) {
            (Some(Value::Object(there)), _) => there,
            (None, Some(_)) => serde_json::Map::new(),
            _ => continue,
        };
        let words = written_broken(&intent.fields, &there).join(", ");
        if !words.is_empty() {
            out.push((format!("action {}", action.name), words));
        }
    }
    out
}
