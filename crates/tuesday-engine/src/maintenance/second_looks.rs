//! Approvals that were drawn become tasks once their run is over.

use crate::engine::Engine;

const BATCH: usize = 100;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let waiting = engine.0.reader.waiting_looks(BATCH).await;
    for look in waiting.map_err(|e| e.to_string())? {
        let run = look.run;
        match engine.open_second_look(look).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(%run, "nobody is free for a second look"),
            Err(e) => tracing::debug!(%run, error = %e, "no second look was opened"),
        }
    }
    Ok(())
}
