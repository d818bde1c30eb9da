//! Looks at whether the confidence of every workflow's model comes true.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    for workflow in engine.0.catalog.workflows() {
        // One workflow that cannot be judged must not keep the others from being watched.
        match Box::pin(engine.watch_calibration(&workflow)).await {
            Ok(()) => {}
            Err(e) if e.code == "revision_moved" => {}
            Err(e) => {
                tracing::warn!(workflow = %workflow.name, error = %e, "confidence could not be judged");
            }
        }
    }
    Ok(())
}
