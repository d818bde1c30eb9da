//! Tests releases in the line against what is live when their turn comes. Apart from [`super::settling`],
//! because a pack may take minutes and the guards of other workflows are watched meanwhile.

use futures::StreamExt as _;

use crate::engine::Engine;

/// Workflows whose releases are tested at once.
const AT_ONCE: usize = 4;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let waiting = engine.0.catalog.workflows().into_iter();
    let waiting = waiting.filter(|w| {
        let changes = &w.rollout.changes;
        changes.settling.is_none() && !changes.waiting.is_empty()
    });
    futures::stream::iter(waiting)
        .for_each_concurrent(AT_ONCE, |workflow| {
            let engine = engine.clone();
            async move {
                if let Err(e) = Box::pin(engine.test_next(&workflow)).await {
                    tracing::warn!(workflow = %workflow.name, error = %e, "its next release could not be tested");
                }
            }
        })
        .await;
    Ok(())
}
