//! Tasks of persons who are not there go to whoever stands in; their claims return to the queue.

use crate::engine::Engine;

const BATCH: usize = 200;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let gone = engine.gone(engine.now()).await.map_err(|e| e.to_string())?;
    let people = gone.people();
    let found = engine.0.reader.reviews_with(&people, BATCH).await;
    for review in found.map_err(|e| e.to_string())? {
        if let Err(e) = engine.cover(review.id, &gone).await {
            tracing::debug!(review = %review.id, error = %e, "not passed on");
        }
    }
    Ok(())
}
