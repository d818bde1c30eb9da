//! What waits for a dependency goes on when it is back, the longest waiting first; where the package
//! says so, people get it with its inputs once it has waited long enough. While the dependency is away,
//! one run now and then goes on to find out.

use tuesday_domain::actor::Actor;
use tuesday_domain::definition::DegradedPlan;
use tuesday_domain::record::{Change, Job, Run, Workflow};
use tuesday_domain::review::ReviewKind;
use tuesday_domain::run::{Reason, RunEvent, Status};
use tuesday_domain::time::Timestamp;

use crate::catalog::LiveRelease;
use crate::draft::Draft;
use crate::engine::Engine;
use crate::steps::degraded::{down, goes_on_as, plan};
use crate::steps::{Ask, open_review};

const BATCH: usize = 200;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    for workflow in engine.0.catalog.workflows() {
        if workflow.switch.acts(workflow.stage) {
            one(&engine, &workflow).await?;
        }
    }
    Ok(())
}

async fn one(engine: &Engine, workflow: &Workflow) -> Result<(), String> {
    let reader = &engine.0.reader;
    let held = reader
        .held_for(&workflow.name, Reason::DependencyDown.word(), BATCH)
        .await
        .map_err(|e| e.to_string())?;
    let now = engine.now();
    let mut moved = false;
    for run in held {
        let found = engine.0.catalog.release(reader, run.release).await;
        let Ok(release) = found else { continue };
        let def = &release.ready.def;
        let Some((outage, name)) = down(engine, def, goes_on_as(&run)) else {
            resume(engine, &run, &release, now).await;
            moved = true;
            continue;
        };
        let waited = now.since(run.updated_at);
        let to_people = plan(def, outage) == DegradedPlan::People
            && waited >= def.degraded.people_after()
            // What is authorised already is not done a second time by hand.
            && goes_on_as(&run) != Status::Dispatching;
        if to_people {
            hand_over(engine, &run, &release, &name, now).await;
        } else if engine.0.dependencies.probe_is_due(outage, &name, now) && !moved {
            resume(engine, &run, &release, now).await;
            moved = true;
        }
    }
    if moved {
        engine.0.slots.wake.notify_one();
    }
    Ok(())
}

async fn resume(engine: &Engine, run: &Run, release: &LiveRelease, now: Timestamp) {
    let class = release.ready.strictest();
    let mut draft = Draft::on(run, class, Actor::System("resume"), "run.resumed", now);
    if draft.event(RunEvent::Resumed).is_err() {
        return;
    }
    draft.run.owner = None;
    draft.change(Change::InsertJob(Job {
        run: run.id,
        workflow: run.workflow.clone(),
        due_at: now,
        fence: 0,
        lease: None,
    }));
    // Another node may have resumed it: then this decision is refused, and that is right.
    let _ = engine.apply(draft.finish().0).await;
}

async fn hand_over(engine: &Engine, run: &Run, release: &LiveRelease, name: &str, now: Timestamp) {
    let class = release.ready.strictest();
    let mut draft = Draft::on(run, class, Actor::System("degraded"), "run.handed_off", now);
    if draft.event(RunEvent::ManualFallback).is_err() {
        return;
    }
    let words = vec![format!(
        "{name} has been away for {}, so people do it with these inputs",
        tuesday_domain::time::Span(release.ready.def.degraded.people_after())
    )];
    let ask = Ask {
        kind: ReviewKind::Manual,
        ..Ask::output(Reason::Manual, words, RunEvent::ManualFallback)
    };
    let review = open_review(&release.ready.def, &draft.run, ask, now);
    draft.open_review(review);
    // The run is over; the task is what people have.
    draft.run.owner = None;
    let _ = engine.apply(draft.finish().0).await;
}
