//! Looks at the load of every workflow and answers one that is too much, one step at a time.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    for workflow in engine.0.catalog.workflows() {
        // One workflow that cannot be judged must not keep the others from being watched; what another
        // node did first is refused here, and that is right.
        match Box::pin(engine.answer_load(&workflow)).await {
            Ok(()) => {}
            Err(e) if e.code == "revision_moved" => {}
            Err(e) => {
                tracing::warn!(workflow = %workflow.name, error = %e, "the load could not be judged");
            }
        }
    }
    Ok(())
}
