//! Rights that somebody granted for a time leave with an entry when it is over.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    engine.end_grants().await.map_err(|e| e.to_string())
}
