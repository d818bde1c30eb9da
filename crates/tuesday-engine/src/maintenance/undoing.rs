//! Takes up what puts old values back where a kill or a lost answer left it, and closes corrections whose
//! wrong value is undone.

use std::time::Duration;

use tuesday_domain::record::Action;
use tuesday_domain::time::Timestamp;

use crate::engine::Engine;
use crate::steps::turn;
use crate::steps::undo::{Undo, take_up};

const BATCH: usize = 100;
/// A node that is still at it has answered by then, besides the longest call.
const MARGIN: Duration = Duration::from_secs(20);

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let open = engine.0.reader.undoing(BATCH).await;
    for action in open.map_err(|e| e.to_string())? {
        // One that cannot be taken up must not keep the others waiting.
        if let Err(why) = Box::pin(one(&engine, &action)).await {
            tracing::warn!(action = %action.id, %why, "what it undoes stays as it is for now");
        }
    }
    engine.close_corrections().await.map_err(|p| p.detail)
}

async fn one(engine: &Engine, seen: &Action) -> Result<(), String> {
    let now = engine.now();
    if seen.not_before.is_some_and(|at| at > now) {
        return Ok(());
    }
    let undo = Undo::load(engine, seen.run, seen.id);
    let undo = undo.await.map_err(|p| p.detail)?;
    let longest = Duration::from_millis(undo.intent.timeout_ms) * 2 + MARGIN;
    if seen.not_before.is_none() && !rested(seen, longest, now) {
        return Ok(());
    }
    let place = undo.intent.spec.place(&undo.intent.target);
    let _turn = turn::at(engine, place).await.map_err(|e| e.to_string())?;
    let undo = Undo::load(engine, seen.run, seen.id);
    let undo = undo.await.map_err(|p| p.detail)?;
    if undo.action.version == seen.version {
        let done = Box::pin(take_up(engine, undo)).await;
        done.map_err(|p| p.detail)?;
    }
    Ok(())
}

fn rested(action: &Action, longest: Duration, now: Timestamp) -> bool {
    now.since(action.updated_at) > longest
}
