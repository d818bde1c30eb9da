//! Opens the last ten runs of every workflow that is called more than research.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    engine.look_at_last_ten().await.map_err(|e| e.to_string())
}
