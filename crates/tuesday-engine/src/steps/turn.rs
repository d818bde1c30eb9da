//! Runs that write to the same record take turns, on this node and among all nodes.
//!
//! A turn begins before the precondition is read and ends when the run leaves its worker: written,
//! waiting, or before a person. What was read under it is therefore still so when it is written, and
//! the writes of one run to a record stay together.

use std::collections::BTreeSet;

use tuesday_store::ApplyError;

use crate::draft::is_unfinished;
use crate::engine::Engine;
use crate::worker::drive::{StepFault, Work};

/// A record nobody else writes to. The fields end in this order: other nodes first, then this one.
pub(crate) struct Turn {
    _among_nodes: tuesday_store::Turn,
    _on_this_node: tokio::sync::OwnedMutexGuard<()>,
}

/// Waits for the turn at every record that is still to be written. The order is that of the names,
/// so that two runs with the same two records never wait for each other.
pub(crate) async fn take(engine: &Engine, work: &mut Work) -> Result<(), StepFault> {
    if work.turns.is_some() {
        return Ok(());
    }
    let mut turns = Vec::new();
    for place in places(work) {
        turns.push(at(engine, place).await?);
    }
    work.turns = Some(turns);
    Ok(())
}

/// Waits for the turn at one record.
pub(crate) async fn at(engine: &Engine, place: String) -> Result<Turn, ApplyError> {
    Ok(Turn {
        _on_this_node: engine.0.limiters.target(place.clone()).await,
        _among_nodes: engine.0.store.turn(&place).await?,
    })
}

fn places(work: &Work) -> BTreeSet<String> {
    let specs = &work.release.ready.def.action;
    let unfinished = work.actions.iter().filter(|(a, _)| is_unfinished(a.state));
    unfinished
        .filter_map(|(action, _)| {
            let spec = specs.iter().find(|s| s.name == action.name)?;
            let place = || spec.place(&action.target);
            spec.writes_to_a_record().then(place)
        })
        .collect()
}
