//! What waits for a dependency goes on when it is back, the longest waiting first; where the package
//! says so, people get it with its inputs once it has waited long enough, or it goes on with the release
//! that was approved to stand by. While the dependency is away, one run now and then goes on to find out.

use std::sync::Arc;

use tuesday_domain::actor::Actor;
use tuesday_domain::definition::{Definition, DegradedPlan};
use tuesday_domain::id::RunId;
use tuesday_domain::record::{Action, Change, Job, Run, Workflow};
use tuesday_domain::review::ReviewKind;
use tuesday_domain::run::{Reason, RunEvent, Status};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::Category;

use crate::catalog::LiveRelease;
use crate::draft::{Draft, is_unfinished};
use crate::engine::Engine;
use crate::ops::release::may_stand_by;
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
    if held.is_empty() {
        return Ok(());
    }
    let sends: Vec<RunId> = held
        .iter()
        .filter(|r| goes_on_as(r) == Status::Dispatching)
        .map(|r| r.id)
        .collect();
    let actions = reader.actions_of_all(&sends).await;
    let actions = actions.map_err(|e| e.to_string())?;
    let (now, ways) = (engine.now(), Ways::of(engine, workflow).await);
    let mut moved = false;
    for run in held {
        let found = engine.0.catalog.release(reader, run.release).await;
        let Ok(release) = found else { continue };
        let def = &release.ready.def;
        let Some((outage, name)) = waits_for(engine, def, &run, &actions) else {
            resume(engine, &run, &release, now).await;
            moved = true;
            continue;
        };
        if let Some(other) = ways.around(engine, &run, outage) {
            go_on_with(engine, &run, (&release, other), &name, now).await;
            moved = true;
            continue;
        }
        let to_people = plan(def, outage) == DegradedPlan::People
            && now.since(run.updated_at) >= def.degraded.people_after()
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

/// What a held run waits for, if that is still away. What was authorised waits for the systems that it
/// writes to itself, not for all that its release can write to.
fn waits_for(
    engine: &Engine,
    def: &Definition,
    run: &Run,
    actions: &[Action],
) -> Option<(Category, String)> {
    if goes_on_as(run) != Status::Dispatching {
        return down(engine, def, goes_on_as(run));
    }
    let outage = Category::DestinationOutage;
    let left = actions
        .iter()
        .filter(|a| a.run == run.id && is_unfinished(a.state));
    left.filter_map(|a| def.action.iter().find(|d| d.name == a.name))
        .find(|d| engine.0.dependencies.is_down(outage, &d.system))
        .map(|d| (outage, d.system.clone()))
}

/// The releases that may do the work of a workflow while a model provider is away.
struct Ways {
    live: Option<Arc<LiveRelease>>,
    /// Approved to stand by, where the live release says that it may.
    alternative: Option<Arc<LiveRelease>>,
}

impl Ways {
    async fn of(engine: &Engine, workflow: &Workflow) -> Self {
        let reader = &engine.0.reader;
        let catalog = &engine.0.catalog;
        let live = catalog.release(reader, workflow.live_release).await.ok();
        let declared = live.as_ref().map(|l| l.ready.def.degraded.model);
        let mut alternative = None;
        if declared == Some(Some(DegradedPlan::Alternative))
            && let Some(id) = workflow.rollout.alternative
            && let Ok(Some(row)) = reader.release(id).await
            && may_stand_by(row.state)
        {
            alternative = catalog.release(reader, id).await.ok();
        }
        Self { live, alternative }
    }

    /// The release that this run goes on with; what went on with the other one comes back when that
    /// one's provider is away too.
    fn around(&self, engine: &Engine, run: &Run, outage: Category) -> Option<&Arc<LiveRelease>> {
        if outage != Category::ProviderOutage {
            return None;
        }
        let other = self.alternative.as_ref()?;
        let to = if run.release == other.id {
            self.live.as_ref()?
        } else {
            other
        };
        let away = down(engine, &to.ready.def, Status::Queued).is_some();
        (!away).then_some(to)
    }
}

fn job(run: &Run) -> Change {
    Change::InsertJob(Job {
        run: run.id,
        workflow: run.workflow.clone(),
        // Jobs are taken by the time they are due: whoever came first goes on first.
        due_at: run.received_at,
        fence: 0,
        lease: None,
    })
}

async fn resume(engine: &Engine, run: &Run, release: &LiveRelease, now: Timestamp) {
    let class = release.ready.strictest();
    let mut draft = Draft::on(run, class, Actor::System("resume"), "run.resumed", now);
    if draft.event(RunEvent::Resumed).is_err() {
        return;
    }
    (draft.run.owner, draft.run.reason) = (None, None);
    draft.change(job(run));
    // Another node may have resumed it: then this decision is refused, and that is right.
    let _ = engine.apply(draft.finish().0).await;
}

/// The run goes on with another release, from new inputs: its stamp says which one made the output.
async fn go_on_with(
    engine: &Engine,
    run: &Run,
    (own, other): (&LiveRelease, &LiveRelease),
    name: &str,
    now: Timestamp,
) {
    let class = own.ready.strictest().max(other.ready.strictest());
    let kind = "run.release_changed";
    let mut draft = Draft::on(run, class, Actor::System("degraded"), kind, now);
    if draft.event(RunEvent::Resumed).is_err() {
        return;
    }
    (draft.run.owner, draft.run.reason) = (None, None);
    draft.run.release = other.id;
    draft.fact("dependency", name);
    draft.fact("before", own.id.to_string());
    draft.fact("release", other.id.to_string());
    draft.fact("model", other.ready.model.pin.clone());
    draft.change(job(run));
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
