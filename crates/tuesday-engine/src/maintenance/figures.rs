//! Makes the figures of the days whose records moved, so that pages read days and not runs.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    engine.make_figures().await.map(drop).map_err(|p| p.detail)
}
