//! Starts scheduled runs: one event per occurrence, named by its time, so neither a restart nor a
//! second node nor a changed clock makes two of one.

use jiff::tz::TimeZone;
use tuesday_domain::definition::{CatchUp, TriggerKind, TriggerSpec};
use tuesday_domain::time::Timestamp;

use crate::engine::Engine;
use crate::ops::{Incoming, IncomingAuth};

/// Most missed occurrences that are caught up with `all`.
const MOST: usize = 1000;

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
        for trigger in release
            .ready
            .def
            .trigger
            .iter()
            .filter(|t| t.kind == TriggerKind::Schedule)
        {
            tick(
                &engine,
                &workflow.name,
                trigger,
                release.ready.zone.tz(),
                workflow.installed_at,
            )
            .await?;
        }
    }
    Ok(())
}

async fn tick(
    engine: &Engine,
    workflow: &str,
    trigger: &TriggerSpec,
    zone: &TimeZone,
    installed: Timestamp,
) -> Result<(), String> {
    let cursor = engine
        .0
        .reader
        .cursor(workflow, &trigger.name)
        .await
        .map_err(|e| e.to_string())?;
    let since = cursor
        .and_then(|c| c.value.parse().ok())
        .map_or(installed, Timestamp::from_micros);
    let now = engine.now();
    let missed = occurrences(
        trigger.cron.as_deref().unwrap_or_default(),
        zone,
        since,
        now,
    )?;
    let Some(&newest) = missed.last() else {
        return Ok(());
    };
    // An occurrence within the last minute is not missed but due.
    let due = match trigger.catch_up.unwrap_or(CatchUp::Last) {
        CatchUp::All => missed,
        CatchUp::Last => vec![newest],
        CatchUp::Skip if now.since(newest).as_secs() < 60 => vec![newest],
        CatchUp::Skip => Vec::new(),
    };
    for at in due {
        let incoming = Incoming {
            event_id: Some(at.rfc3339()),
            body: trigger
                .body
                .clone()
                .unwrap_or_else(|| "{}".to_owned())
                .into_bytes(),
            auth: IncomingAuth::Feed(format!("schedule:{}", trigger.name)),
            reference: None,
        };
        if let Err(p) = engine.receive(workflow, incoming).await
            && p.status() >= 500
        {
            return Err(p.to_string());
        }
    }
    engine
        .put_cursor(workflow, &trigger.name, &newest.micros().to_string())
        .await
}

/// Occurrences after `since` up to `now`, oldest first, the newest thousand.
///
/// # Errors
/// When the expression is not a five-field cron expression.
pub fn occurrences(
    cron: &str,
    zone: &TimeZone,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<Timestamp>, String> {
    let cron = tuesday_domain::schedule::Cron::parse(cron)?;
    let mut out = std::collections::VecDeque::new();
    let mut at = since;
    while let Some(next) = cron.next_after(at, zone) {
        if next > now {
            break;
        }
        at = next;
        out.push_back(next);
        if out.len() > MOST {
            out.pop_front();
        }
    }
    Ok(out.into())
}
