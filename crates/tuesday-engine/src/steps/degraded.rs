//! A dependency is down by an open incident: work that needs it waits, instead of spending its tries.

use tuesday_domain::action::ActionState;
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::{Definition, DegradedPlan};
use tuesday_domain::record::Run;
use tuesday_domain::run::{Reason, Status};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::Category;

use crate::draft::{Draft, is_unfinished};
use crate::engine::Engine;
use crate::worker::drive::{Next, StepFault, Work};

/// The systems that the plan of a release needs next, from where it stands or would go on.
pub(crate) fn needs(def: &Definition, status: Status) -> Vec<(Category, String)> {
    match status {
        Status::Received => def
            .source
            .iter()
            .map(|s| (Category::SourceOutage, s.system.clone()))
            .collect(),
        Status::Queued | Status::Running | Status::RetryWait => {
            vec![(Category::ProviderOutage, super::found::provider(&def.model))]
        }
        Status::Dispatching => def
            .action
            .iter()
            .map(|a| (Category::DestinationOutage, a.system.clone()))
            .collect(),
        Status::WaitingInput
        | Status::InReview
        | Status::Held
        | Status::Completed
        | Status::Rejected
        | Status::HandedOff
        | Status::Cancelled
        | Status::Failed => Vec::new(),
    }
}

/// What the package says about the absence of such a system.
pub(crate) fn plan(def: &Definition, outage: Category) -> DegradedPlan {
    let d = &def.degraded;
    let declared = match outage {
        Category::SourceOutage => d.source,
        Category::DestinationOutage => d.destination,
        _ => d.model,
    };
    declared.unwrap_or(DegradedPlan::Hold)
}

/// The first of the needed systems that is down.
pub(crate) fn down(
    engine: &Engine,
    def: &Definition,
    status: Status,
) -> Option<(Category, String)> {
    needs(def, status)
        .into_iter()
        .find(|(outage, name)| engine.0.dependencies.is_down(*outage, name))
}

/// As [`down`], for what this run itself still has to do: others may write to more.
fn next_down(engine: &Engine, work: &Work) -> Option<(Category, String)> {
    let def = &work.release.ready.def;
    if work.run.state.status != Status::Dispatching {
        return down(engine, def, work.run.state.status);
    }
    let left = work.actions.iter().filter(|(a, _)| is_unfinished(a.state));
    left.map(|(a, _)| super::settle_action::system(work, &a.name))
        .find(|name| {
            engine
                .0
                .dependencies
                .is_down(Category::DestinationOutage, name)
        })
        .map(|name| (Category::DestinationOutage, name))
}

/// Must this run wait? What is being sent has an outcome first, and one run now and then tries.
pub(crate) fn wanted(engine: &Engine, work: &Work, now: Timestamp) -> Option<(Category, String)> {
    let busy = work.actions.iter().any(|(a, _)| {
        matches!(
            a.state,
            ActionState::Sending | ActionState::Delivered | ActionState::Uncertain
        )
    });
    // A second try at an answer that could not be used belongs to the first: it is one look whether the
    // provider is back.
    if busy || work.repair.is_some() {
        return None;
    }
    let found = next_down(engine, work)?;
    (!engine.0.dependencies.take_probe(found.0, &found.1, now)).then_some(found)
}

/// Holds the run, with the name of what it waits for.
pub(crate) async fn hold(
    engine: &Engine,
    work: &mut Work,
    (outage, name): (Category, String),
) -> Result<Next, StepFault> {
    let class = work.release.ready.strictest();
    let now = engine.now();
    let mut draft = Draft::on(&work.run, class, Actor::System("worker"), "run.held", now);
    draft.run.reason = Some(Reason::DependencyDown);
    draft.fact("outage", outage.word());
    draft.fact("dependency", name);
    super::hold::put_down(engine, work, draft).await
}

/// Where a held run goes on.
pub(crate) fn goes_on_as(run: &Run) -> Status {
    run.state.held_from.unwrap_or(Status::Received)
}
