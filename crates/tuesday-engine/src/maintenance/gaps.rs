//! What the figures lack does not go unnoticed.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    engine.look_for_gaps().await.map_err(|e| e.to_string())
}
