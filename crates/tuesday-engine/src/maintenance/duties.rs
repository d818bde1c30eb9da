//! What people owe after a change does not get lost: it is told when it is late, and passed on when its owner
//! left.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    engine.look_after_duties().await.map_err(|e| e.to_string())
}
