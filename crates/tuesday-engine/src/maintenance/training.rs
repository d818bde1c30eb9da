//! Asks for training again where what is asked in review changed.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    engine.look_at_training().await.map_err(|e| e.to_string())
}
