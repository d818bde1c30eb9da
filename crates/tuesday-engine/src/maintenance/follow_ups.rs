//! Sees to it that a follow-up whose day is over is heard of.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    engine.tell_late_follow_ups().await.map_err(|p| p.detail)
}
