//! Looks at the mix of every workflow, shift by shift.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    for workflow in engine.0.catalog.workflows() {
        // One workflow that cannot be judged must not keep the others from being watched.
        match Box::pin(engine.watch_drift(&workflow)).await {
            Ok(()) => {}
            Err(e) if e.code == "revision_moved" => {}
            Err(e) => {
                tracing::warn!(workflow = %workflow.name, error = %e, "the mix could not be judged");
            }
        }
    }
    Ok(())
}
