//! A paused or killed workflow: what has not gone out yet is held, with its owner's name on it.

use tuesday_domain::action::ActionState;
use tuesday_domain::actor::Actor;
use tuesday_domain::record::Change;
use tuesday_domain::run::{RunEvent, Status};
use tuesday_domain::workflow::Switch;

use crate::draft::Draft;
use crate::engine::Engine;
use crate::worker::drive::{Next, StepFault, Work};

/// Must this run stop here? What is being sent has an outcome first.
pub(crate) fn wanted(engine: &Engine, work: &Work) -> bool {
    let switch = engine
        .0
        .catalog
        .cached_workflow(&work.run.workflow)
        .map(|w| w.switch);
    matches!(switch, Some(Switch::Paused | Switch::Killed))
        && !work.actions.iter().any(|(a, _)| {
            matches!(
                a.state,
                ActionState::Sending | ActionState::Delivered | ActionState::Uncertain
            )
        })
}

/// Holds the run and gives its job up.
pub(crate) async fn run(engine: &Engine, work: &mut Work) -> Result<Next, StepFault> {
    let class = work.release.ready.strictest();
    let mut draft = Draft::on(
        &work.run,
        class,
        Actor::System("worker"),
        "run.held",
        engine.now(),
    );
    if work.run.state.status == Status::Running {
        draft.event(RunEvent::LeaseLost)?;
    }
    draft.event(RunEvent::Paused)?;
    draft.run.owner = Some(work.release.ready.def.owners.operator.handle.clone());
    draft.change(Change::FinishJob {
        run: work.run.id,
        fence: work.fence,
    });
    let (decision, run) = draft.finish();
    engine
        .apply_at("hold.before_commit", "hold.after_commit", decision)
        .await?;
    work.run = run;
    Ok(Next::Stop)
}
