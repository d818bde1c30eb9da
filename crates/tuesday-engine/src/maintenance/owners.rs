//! Sees that somebody answers for every workflow.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    engine.look_at_owners().await.map_err(|e| e.to_string())
}
