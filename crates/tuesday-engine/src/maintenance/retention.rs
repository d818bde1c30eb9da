//! Erases what is past its time, and finishes erasures that a node began and did not end.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let done = Box::pin(engine.retain()).await;
    done.map(drop).map_err(|e| e.to_string())
}
