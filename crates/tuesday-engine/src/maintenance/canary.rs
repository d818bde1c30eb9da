//! Asks the canary of every workflow that declares one.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    for workflow in engine.0.catalog.workflows() {
        // One model that does not answer must not keep the others from being asked.
        if let Err(e) = Box::pin(engine.watch_canary(&workflow)).await {
            tracing::warn!(workflow = %workflow.name, error = %e, "the canary could not be asked");
        }
    }
    Ok(())
}
