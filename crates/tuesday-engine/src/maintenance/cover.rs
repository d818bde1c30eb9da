//! Tasks of persons who are not there go to whoever stands in; their claims return to the queue. A
//! person without whom a workflow is being tried is not there for it.

use crate::engine::Engine;

const BATCH: usize = 200;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    engine.end_turnovers().await.map_err(|e| e.to_string())?;
    engine.end_fridays().await.map_err(|e| e.to_string())?;
    let running = engine.0.reader.turnovers_running().await;
    for test in running.map_err(|e| e.to_string())? {
        pass_on(&engine, Some(&test.workflow)).await?;
    }
    pass_on(&engine, None).await
}

async fn pass_on(engine: &Engine, workflow: Option<&str>) -> Result<(), String> {
    let gone = engine.gone(workflow, engine.now()).await;
    let gone = gone.map_err(|e| e.to_string())?;
    let people = gone.people();
    let found = engine.0.reader.reviews_with(&people, workflow, BATCH).await;
    for review in found.map_err(|e| e.to_string())? {
        if let Err(e) = engine.cover(review.id, &gone).await {
            tracing::debug!(review = %review.id, error = %e, "not passed on");
        }
    }
    Ok(())
}
