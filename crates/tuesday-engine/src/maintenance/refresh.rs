//! Notices that a workflow's row moved: another release, another table version, another switch.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let moved = engine.0.catalog.refresh(&engine.0.reader).await.map_err(|e| e.to_string())?;
    if moved {
        engine.0.slots.wake.notify_one();
    }
    Ok(())
}
