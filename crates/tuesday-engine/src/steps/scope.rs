//! What is outside the rollout goes to people, before the model is asked.

use tuesday_domain::review::ReviewKind;
use tuesday_domain::run::{Reason, RunEvent};
use tuesday_domain::scope::outside;

use super::dispatch::draft;
use super::person::{Ask, to_person};
use crate::engine::Engine;
use crate::worker::drive::{Next, StepFault, Work};

/// Why this run is not the workflow's to do; absent when it is.
pub(crate) fn why_not(engine: &Engine, work: &Work) -> Option<String> {
    let run = &work.run;
    let row = engine.0.catalog.cached_workflow(&run.workflow)?;
    let ready = &work.release.ready;
    let declared = &ready.def.rollout.scope;
    let limit = &row.rollout.scope;
    if limit.is_empty() && ready.scope.is_empty() {
        return None;
    }
    let facts = work.facts.as_ref()?;
    let event = format!("{}\0{}\0{}", run.workflow, run.event_source, run.event_id);
    outside(declared, limit, &ready.item(facts), &event)
}

/// Hands the run to people, with its inputs.
pub(crate) async fn to_people(
    engine: &Engine,
    work: &mut Work,
    why: String,
) -> Result<Next, StepFault> {
    let draft = draft(work, "run.out_of_rollout", engine.now());
    let ask = Ask {
        kind: ReviewKind::Manual,
        ..Ask::output(Reason::OutOfRollout, vec![why], RunEvent::RoutedManual)
    };
    to_person(engine, work, draft, ask).await
}
