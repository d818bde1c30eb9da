//! Takes due jobs that nobody holds: after a restart, a retry wait, a lost node, a full house.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tuesday_domain::record::Job;
use tuesday_store::ClaimRequest;

use super::{Held, drive};
use crate::engine::Engine;

/// Most jobs one claim takes.
const BATCH: usize = 64;
/// Longest sleep between two looks: polling is the truth, hints only shorten it.
const LONGEST: Duration = Duration::from_millis(1000);

pub(super) async fn run(engine: Engine, stop: CancellationToken) {
    let mut hint = engine.0.store.watch();
    loop {
        let taken = match claim(&engine).await {
            Ok(n) => n,
            Err(e) => {
                tracing::warn!(error = %e, "jobs could not be claimed");
                0
            }
        };
        if taken > 0 {
            continue;
        }
        let pause = pause(&engine).await;
        tokio::select! {
            () = stop.cancelled() => return,
            () = engine.0.slots.wake.notified() => {}
            _ = hint.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Until the next job is due, at most [`LONGEST`].
async fn pause(engine: &Engine) -> Duration {
    match engine.0.reader.next_due().await {
        Ok(Some(at)) => at
            .since(engine.now())
            .clamp(Duration::from_millis(5), LONGEST),
        _ => LONGEST,
    }
}

async fn claim(engine: &Engine) -> Result<usize, tuesday_store::ApplyError> {
    let (mut free, mut places, mut full) = (Vec::new(), 0, false);
    for w in engine.0.catalog.workflows() {
        let cap = engine.workflow_cap(&w).await;
        let n = engine.0.slots.free(&w.name, cap);
        full |= n == 0;
        if n > 0 {
            places += n as usize;
            free.push((w.name.clone(), n));
        }
    }
    // Whoever gives a place back wakes this loop only while jobs may wait for one.
    engine.0.slots.set_backlog(full);
    if free.is_empty() {
        return Ok(0);
    }
    // One class after the other: a lower one gets what the higher ones leave of the batch.
    free.sort_by_key(|(name, _)| engine.0.catalog.priority(name));
    let mut taken = 0;
    for class in
        free.chunk_by(|a, b| engine.0.catalog.priority(&a.0) == engine.0.catalog.priority(&b.0))
    {
        taken += claim_class(engine, class, BATCH - taken).await?;
        if taken >= BATCH {
            break;
        }
    }
    engine
        .0
        .slots
        .set_backlog(full || taken >= places.min(BATCH));
    Ok(taken)
}

async fn claim_class(
    engine: &Engine,
    free: &[(String, u32)],
    limit: usize,
) -> Result<usize, tuesday_store::ApplyError> {
    let request = ClaimRequest {
        node: &engine.0.config.node,
        now: engine.0.clock.for_leases(),
        lease: engine.0.config.lease,
        limit,
        per_workflow: free,
    };
    let jobs = engine.0.store.claim(request).await?;
    let n = jobs.len();
    for job in jobs {
        start(engine, job).await;
    }
    Ok(n)
}

async fn start(engine: &Engine, job: Job) {
    let cap = match engine.0.catalog.cached_workflow(&job.workflow) {
        Some(w) => engine.workflow_cap(&w).await,
        None => 1,
    };
    // The claim counted the free places; another hand-over may have taken one since. The lease
    // then simply runs on until a place is free.
    let held = loop {
        if let Some(held) = engine.0.slots.take(&job.workflow, cap) {
            break held;
        }
        if engine.0.stopping.load(std::sync::atomic::Ordering::SeqCst) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    spawn(engine, held, job);
}

fn spawn(engine: &Engine, mut held: Held, job: Job) {
    held.begin(job.run, job.fence);
    let (run, slots) = (job.run, engine.0.slots.clone());
    let engine = engine.clone();
    let task = tokio::spawn(async move {
        let _held = held;
        Box::pin(drive::resume(engine, job.run, job.fence)).await;
    });
    Held::task(&slots, run, task.abort_handle());
}
