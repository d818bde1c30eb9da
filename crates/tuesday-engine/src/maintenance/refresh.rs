//! Notices that a workflow's row moved (another release, another table version, another switch) and
//! that somebody moved the test clock.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let moved = engine
        .0
        .catalog
        .refresh(&engine.0.reader)
        .await
        .map_err(|e| e.to_string())?;
    if matches!(engine.clock(), crate::clock::Clock::Test(_))
        && let Ok(Some(instance)) = engine.0.reader.instance().await
    {
        engine.clock().set_offset(instance.clock_offset);
    }
    if moved {
        engine.0.slots.wake.notify_one();
    }
    Ok(())
}
