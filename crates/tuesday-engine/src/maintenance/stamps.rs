//! Looks whether somebody approves without looking.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let told = engine.look_for_stamps().await.map_err(|e| e.to_string())?;
    for row in told {
        tracing::warn!(workflow = %row.workflow, person = %row.person, figures = %row.words, "approvals look unread");
    }
    Ok(())
}
