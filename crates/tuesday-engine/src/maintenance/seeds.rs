//! Places known errors where a workflow declares a weekly share of them.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    for workflow in engine.0.catalog.workflows() {
        if workflow.switch != tuesday_domain::workflow::Switch::Running {
            continue;
        }
        match engine.place_seeds(&workflow.name).await {
            Ok(true) => tracing::info!(workflow = %workflow.name, "a known error was placed"),
            Ok(false) => {}
            Err(e) => {
                tracing::debug!(workflow = %workflow.name, error = %e, "no known error was placed")
            }
        }
    }
    Ok(())
}
