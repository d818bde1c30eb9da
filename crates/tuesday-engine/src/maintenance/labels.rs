//! Keeps the labels of all workflows true.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let test = engine.test_instance().await.map_err(|e| e.to_string())?;
    for workflow in engine.0.catalog.workflows() {
        // One workflow that cannot be judged must not keep the others from being looked at.
        if let Err(e) = Box::pin(engine.keep_label(&workflow, test)).await {
            tracing::warn!(workflow = %workflow.name, error = %e, "the label could not be looked at");
        }
    }
    Ok(())
}
