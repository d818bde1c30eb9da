//! Looks at the mix of every workflow, shift by shift.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    engine.watch_mixes().await.map_err(|p| p.detail)
}
