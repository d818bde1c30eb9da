//! Keeps the labels of all workflows true.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    engine.keep_labels().await.map_err(|e| e.to_string())
}
