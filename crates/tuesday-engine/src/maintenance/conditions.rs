//! Looks at the pause rules and the kill condition of every workflow, and stops what must stop.

use tuesday_domain::workflow::{Label, Switch};

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    for workflow in engine.0.catalog.workflows() {
        let over = workflow.switch == Switch::Killed || workflow.label == Label::Retired;
        if over {
            continue;
        }
        // One workflow that cannot be judged must not keep the others from being watched.
        if let Err(e) = engine.stop_by_rule(&workflow).await {
            tracing::warn!(workflow = %workflow.name, error = %e, "the conditions could not be judged");
        }
    }
    Ok(())
}
