//! Pulls events from file drops and queue tables. An item is marked as taken only after its run or
//! its intake record is durable, so a crash in between repeats the event id and nothing else.

use tuesday_domain::definition::{TriggerKind, TriggerSpec};
use tuesday_domain::port::FeedItem;

use crate::engine::Engine;
use crate::ops::{Incoming, IncomingAuth};

/// Items taken per trigger and pass.
const BATCH: usize = 200;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    for workflow in engine.0.catalog.workflows() {
        let Ok(release) = engine
            .0
            .catalog
            .release(&engine.0.reader, workflow.live_release)
            .await
        else {
            continue;
        };
        for trigger in &release.ready.def.trigger {
            if matches!(trigger.kind, TriggerKind::File | TriggerKind::Sql) {
                pull(&engine, &workflow.name, trigger).await?;
            }
        }
    }
    Ok(())
}

async fn pull(engine: &Engine, workflow: &str, trigger: &TriggerSpec) -> Result<(), String> {
    let feed = &engine.0.ports.feed;
    loop {
        let items = feed.poll(workflow, trigger, BATCH).await?;
        let n = items.len();
        for item in items {
            let outcome = one(engine, workflow, trigger, &item).await?;
            feed.taken(trigger, &item, &outcome).await?;
        }
        if n < BATCH {
            return Ok(());
        }
    }
}

async fn one(
    engine: &Engine,
    workflow: &str,
    trigger: &TriggerSpec,
    item: &FeedItem,
) -> Result<String, String> {
    let kind = if trigger.kind == TriggerKind::File {
        "file"
    } else {
        "sql"
    };
    // A record that names itself is the same event in whatever file it comes; without a name, or
    // where it cannot be read, the file and its place in it stand for it.
    let names_itself = kind == "file" && trigger.event_id.is_some() && item.fault.is_none();
    let incoming = Incoming {
        event_id: (!names_itself).then(|| item.event_id.clone()),
        body: item.body.clone(),
        auth: IncomingAuth::Feed(format!("{kind}:{}", trigger.name)),
        reference: item.fault.clone(),
    };
    match engine.receive(workflow, incoming).await {
        Ok(accepted) => Ok(accepted.run.to_string()),
        // Kept as an intake record, or known under this id: both are an end for the item.
        Err(p) if p.status() < 500 && p.code != "rate_limited" => {
            Ok(format!("refused: {}", p.code))
        }
        Err(p) => Err(p.to_string()),
    }
}
