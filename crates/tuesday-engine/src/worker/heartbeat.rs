//! Renews the leases of everything in hand, in one statement; ends the tasks whose lease is lost.

use tokio_util::sync::CancellationToken;

use crate::engine::Engine;

pub(super) async fn run(engine: Engine, stop: CancellationToken) {
    let every = engine.0.config.lease / 3;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        let held = engine.0.slots.fences();
        if held.is_empty() {
            continue;
        }
        let (node, now) = (&engine.0.config.node, engine.0.clock.for_leases());
        match engine.0.store.heartbeat(node, now, &held, engine.0.config.lease).await {
            Ok(lost) => {
                for run in lost {
                    tracing::warn!(%run, "lease lost; its result will not be used");
                    engine.0.slots.abort(run);
                }
            }
            Err(e) => tracing::warn!(error = %e, "leases could not be renewed"),
        }
    }
}
