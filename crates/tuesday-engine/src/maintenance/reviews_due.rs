//! Time never decides: a due task goes to the next named person, an idle claim is given back, a run
//! past its deadline is put before its owner.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::record::Change;
use tuesday_domain::review::ReviewEvent;
use tuesday_domain::run::{Reason, RunEvent, Status};

use crate::draft::Draft;
use crate::engine::Engine;
use crate::steps::{Ask, open_review};

const BATCH: usize = 200;
/// A task with nobody left above is told about once a day.
const DAY: Duration = Duration::from_secs(86_400);

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let now = engine.now();
    let reader = &engine.0.reader;
    for review in reader
        .due_reviews(now, now.minus(DAY), BATCH)
        .await
        .map_err(|e| e.to_string())?
    {
        if let Err(e) = engine.escalate_due(review.id).await {
            tracing::debug!(review = %review.id, error = %e, "not escalated");
        }
    }
    for review in reader
        .expired_claims(now, BATCH)
        .await
        .map_err(|e| e.to_string())?
    {
        let Ok(task) = engine.task(review.id).await else {
            continue;
        };
        let mut review = task.review.clone();
        review.claimed_by = None;
        review.claim_until = None;
        let class = task.release.ready.strictest();
        let mut draft = Draft::on(
            &task.run,
            class,
            Actor::System("claims"),
            "review.claim_expired",
            now,
        );
        if draft.review(&mut review, ReviewEvent::Release).is_ok() {
            let _ = engine.commit_task(review.id, draft).await;
        }
    }
    for run in reader
        .overdue_runs(now, BATCH)
        .await
        .map_err(|e| e.to_string())?
    {
        if let Err(e) = overdue(&engine, run.id).await {
            tracing::warn!(run = %run.id, error = %e, "an overdue run could not be put before its owner");
        }
    }
    Ok(())
}

async fn overdue(engine: &Engine, id: tuesday_domain::id::RunId) -> Result<(), String> {
    let reader = &engine.0.reader;
    let Some(found) = reader.work(id).await.map_err(|e| e.to_string())? else {
        return Ok(());
    };
    let release = engine
        .0
        .catalog
        .release(reader, found.run.release)
        .await
        .map_err(|e| e.to_string())?;
    // What is being sent has an outcome first; the next pass looks again.
    if found
        .actions
        .iter()
        .any(|a| a.state == tuesday_domain::action::ActionState::Sending)
    {
        return Ok(());
    }
    let now = engine.now();
    let mut draft = Draft::on(
        &found.run,
        release.ready.strictest(),
        Actor::System("deadline"),
        "run.overdue",
        now,
    );
    let was = found.run.state.status;
    draft
        .event(RunEvent::DeadlinePassed)
        .map_err(|e| e.to_string())?;
    let words = vec![format!("the run was {was} when its deadline passed")];
    let ask = Ask::output(Reason::Overdue, words, RunEvent::DeadlinePassed);
    if was == Status::WaitingInput {
        for review in reader
            .reviews_of(id)
            .await
            .map_err(|e| e.to_string())?
            .iter()
            .filter(|r| !r.state.is_decided())
        {
            draft
                .review(&mut review.clone(), ReviewEvent::Supersede)
                .map_err(|e| e.to_string())?;
        }
    }
    let review = open_review(&release.ready.def, &draft.run, ask, now);
    draft.open_review(review);
    if was.wants_job() {
        draft.change(Change::DropJob { run: id });
    }
    engine
        .apply(draft.finish().0)
        .await
        .map(drop)
        .map_err(|e| e.to_string())
}
