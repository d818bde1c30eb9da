//! Holds the text of every live release against its hash, also while nothing is loaded anew.

use crate::engine::Engine;

/// One pass.
pub(super) async fn run(engine: Engine) -> Result<(), String> {
    engine.watch_live_releases().await
}
