//! Watches changes of every workflow until they have settled.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    for workflow in engine.0.catalog.workflows() {
        if !workflow.rollout.changes.busy() {
            continue;
        }
        // One change that cannot be judged must not keep the others from being watched.
        if let Err(e) = Box::pin(engine.settle_changes(&workflow)).await {
            tracing::warn!(workflow = %workflow.name, error = %e, "its change could not be watched");
        }
    }
    Ok(())
}
