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
        let claims = engine.0.slots.claims();
        if claims.is_empty() {
            continue;
        }
        let held: Vec<_> = claims
            .iter()
            .map(|(run, fence, _)| (*run, *fence))
            .collect();
        let (node, now) = (&engine.0.config.node, engine.0.clock.for_leases());
        match engine
            .0
            .store
            .heartbeat(node, now, &held, engine.0.config.lease)
            .await
        {
            Ok(lost) => {
                // A claim that finished while this was under way is not lost, and its run may be in
                // hand again under another one: only the very claim that was asked about is ended.
                for (run, _, serial) in claims.iter().filter(|(run, _, _)| lost.contains(run)) {
                    if engine.0.slots.abort(*run, *serial) {
                        tracing::warn!(%run, "lease lost; its result will not be used");
                    }
                }
            }
            Err(e) => tracing::warn!(error = %e, "leases could not be renewed"),
        }
    }
}
