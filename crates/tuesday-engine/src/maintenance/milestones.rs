//! Day thirty and the day of the ninety-day metric come without anybody asking for them.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    engine.look_at_milestones().await.map_err(|e| e.to_string())
}
