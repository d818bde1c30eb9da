//! Measures what waits: jobs, tasks of people, entries without a seal, places in use.

use tuesday_store::QueueFilter;

use crate::engine::Engine;

#[expect(
    clippy::cast_precision_loss,
    reason = "gauges are approximate by nature"
)]
pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let reader = &engine.0.reader;
    let jobs = reader.job_count().await.map_err(|e| e.to_string())?;
    metrics::gauge!("tuesday_jobs_waiting").set(jobs as f64);
    let open = reader
        .review_counts(&QueueFilter::default())
        .await
        .map_err(|e| e.to_string())?;
    let mut by_workflow = std::collections::BTreeMap::<String, u64>::new();
    for c in open.iter().filter(|c| !c.state.is_decided()) {
        *by_workflow.entry(c.workflow.clone()).or_default() += c.tasks;
    }
    for (workflow, tasks) in by_workflow {
        metrics::gauge!("tuesday_reviews_open", "workflow" => workflow).set(tasks as f64);
    }
    let size = reader.audit_size().await.map_err(|e| e.to_string())?;
    let sealed = reader
        .latest_checkpoint()
        .await
        .map_err(|e| e.to_string())?
        .map_or(0, |c| c.size);
    metrics::gauge!("tuesday_audit_entries").set(size as f64);
    metrics::gauge!("tuesday_audit_unsealed").set(size.saturating_sub(sealed) as f64);
    metrics::gauge!("tuesday_runs_in_hand").set(engine.0.slots.claims().len() as f64);
    Ok(())
}
