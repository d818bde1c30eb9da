//! Compares what was confirmed with its destination, as often as the package says: a record that is gone
//! opens an incident. Only destinations that can be asked are asked; nothing is written.

use std::time::Duration;

use tuesday_domain::action::ActionState;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::RunId;
use tuesday_domain::port::Look;
use tuesday_domain::record::Workflow;
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::{Category, Trouble};

use crate::engine::Engine;
use crate::steps::stored_intent;

const PAGE: usize = 100;
/// Name of the cursor that says until when was looked.
const CURSOR: &str = "watch.reconcile";

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    for workflow in engine.0.catalog.workflows() {
        let found = engine
            .0
            .catalog
            .release(&engine.0.reader, workflow.live_release)
            .await;
        let Ok(release) = found else { continue };
        let Some(every) = release.ready.def.watch.reconcile else {
            continue;
        };
        let cursor = engine.0.reader.cursor(&workflow.name, CURSOR).await;
        let since = cursor
            .map_err(|e| e.to_string())?
            .and_then(|c| c.value.parse().ok())
            .map_or(workflow.installed_at, Timestamp::from_micros);
        let now = engine.now();
        if now.since(since) >= every.0 {
            look_at(&engine, &workflow, (since, now)).await?;
            let to = now.micros().to_string();
            engine.put_cursor(&workflow.name, CURSOR, &to).await?;
        }
    }
    Ok(())
}

/// Everything that was confirmed since the last look.
async fn look_at(
    engine: &Engine,
    workflow: &Workflow,
    window: (Timestamp, Timestamp),
) -> Result<(), String> {
    let mut after: Option<RunId> = None;
    loop {
        let page = engine
            .0
            .reader
            .confirmed_actions(&workflow.name, window, after, PAGE)
            .await
            .map_err(|e| e.to_string())?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(*last);
        for run in page {
            Box::pin(one(engine, workflow, run)).await?;
        }
    }
}

async fn one(engine: &Engine, workflow: &Workflow, id: RunId) -> Result<(), String> {
    let reader = &engine.0.reader;
    let Some(found) = reader.work(id).await.map_err(|e| e.to_string())? else {
        return Ok(());
    };
    let release = engine.0.catalog.release(reader, found.run.release).await;
    let Ok(release) = release else { return Ok(()) };
    for action in &found.actions {
        if action.state != ActionState::Confirmed {
            continue;
        }
        let request = found
            .payload(action.request_ref)
            .and_then(|p| serde_json::from_slice(&p.bytes).ok())
            .unwrap_or_default();
        let Ok(intent) = stored_intent(&release.ready, action, &request) else {
            continue;
        };
        if !intent.spec.ability.can_look() {
            continue;
        }
        let longest = Duration::from_millis(intent.timeout_ms);
        let look = tokio::time::timeout(longest, engine.0.ports.destination.look(&intent)).await;
        // Nobody knows is no gap: the outage of a destination is another watcher's matter.
        if matches!(look, Ok(Look::Absent)) {
            let words = format!(
                "{} to {} was confirmed at {} and is not there",
                action.name, action.target, action.updated_at
            );
            let subject = format!("{} {}", workflow.name, action.name);
            let trouble = Trouble::new(
                Category::RecordMissing,
                subject,
                Some(&workflow.name),
                words,
            );
            engine
                .raise(trouble.of_run(id), Actor::System("reconcile"))
                .await
                .map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}
