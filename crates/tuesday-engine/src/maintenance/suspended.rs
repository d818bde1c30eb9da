//! Tasks of a paused workflow are put down where its package says so, and come back when it is not paused
//! any more. What people do by hand, and second looks, go on: nothing of the machine waits for them.

use tuesday_domain::actor::Actor;
use tuesday_domain::definition::OnPause;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Review, Workflow};
use tuesday_domain::review::{ReviewEvent, ReviewKind, ReviewState};
use tuesday_domain::workflow::Switch;
use tuesday_store::QueueFilter;

use crate::draft::Draft;
use crate::engine::Engine;

const BATCH: usize = 200;
const KINDS: [ReviewKind; 3] = [ReviewKind::Output, ReviewKind::Input, ReviewKind::Action];

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    for workflow in engine.0.catalog.workflows() {
        let (tasks, event) = if workflow.switch == Switch::Paused {
            (open(&engine, &workflow).await?, ReviewEvent::Suspend)
        } else {
            let put_down = engine.0.reader.suspended_reviews(&workflow.name, BATCH);
            let put_down = put_down.await.map_err(|e| e.to_string())?;
            (put_down, ReviewEvent::Resume)
        };
        for task in tasks {
            if let Err(e) = Box::pin(turn(&engine, &task, event)).await {
                // As a rule a person or another node was faster.
                tracing::debug!(review = %task.id, error = %e, "not moved with the pause");
            }
        }
    }
    Ok(())
}

/// What is to be put down; nothing where the package does not say so.
async fn open(engine: &Engine, workflow: &Workflow) -> Result<Vec<Review>, String> {
    let reader = &engine.0.reader;
    let live = engine.0.catalog.release(reader, workflow.live_release);
    let Ok(live) = live.await else {
        return Ok(Vec::new());
    };
    if live.ready.def.review.on_pause == OnPause::Keep {
        return Ok(Vec::new());
    }
    let mut out = Vec::new();
    for kind in KINDS {
        let filter = QueueFilter {
            workflow: Some(workflow.name.clone()),
            states: vec![ReviewState::Open, ReviewState::Claimed],
            kind: Some(kind),
            ..QueueFilter::default()
        };
        let page = reader.review_page(&filter, None, BATCH).await;
        out.extend(page.map_err(|e| e.to_string())?);
    }
    Ok(out)
}

async fn turn(engine: &Engine, found: &Review, event: ReviewEvent) -> Result<(), Problem> {
    let task = engine.task(found.id).await?;
    let (now, ready) = (engine.now(), &task.release.ready);
    let kind = if event == ReviewEvent::Suspend {
        "review.suspended"
    } else {
        "review.resumed"
    };
    let mut draft = Draft::on(
        &task.run,
        ready.strictest(),
        Actor::System("pause"),
        kind,
        now,
    );
    let mut review = task.review.clone();
    (review.claimed_by, review.claim_until) = (None, None);
    // Nobody could decide while it was put down: what became due meanwhile has its time again.
    if event == ReviewEvent::Resume && review.due_at <= now {
        review.due_at = now.plus(ready.def.review.due.0);
    }
    draft.review(&mut review, event)?;
    engine.commit_task(found.id, draft).await.map(drop)
}
