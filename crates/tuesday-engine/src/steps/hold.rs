//! A workflow that must not act: what has not gone out yet is held, with its owner's name on it.
//!
//! [`wanted`] looks before each step, by the picture that the node has. [`may_start`] is the exact
//! check, right before a model call or a write: it does not answer by a picture that is too old.

use std::time::Duration;

use tuesday_domain::action::{ActionEvent, ActionState};
use tuesday_domain::actor::Actor;
use tuesday_domain::record::Change;
use tuesday_domain::run::{RunEvent, Status};

use crate::draft::Draft;
use crate::engine::Engine;
use crate::worker::drive::{Next, StepFault, Work};

/// Between two tries to read the workflow's row while the database does not answer.
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// May a model call or a write of this workflow start now? Waits as long as the database cannot be
/// read: then nothing starts, until it answers or the lease is lost.
pub(crate) async fn may_start(engine: &Engine, workflow: &str) -> bool {
    loop {
        match engine.0.catalog.present(&engine.0.reader, workflow).await {
            Ok(w) => return w.is_some_and(|w| w.acts()),
            Err(e) => {
                tracing::warn!(workflow, error = %e, "nothing starts: the workflow's switch cannot be read");
                tokio::time::sleep(TRY_AGAIN).await;
            }
        }
    }
}

/// Must this run stop here? What is being sent has an outcome first.
pub(crate) fn wanted(engine: &Engine, work: &Work) -> bool {
    let seen = engine.0.catalog.cached_workflow(&work.run.workflow);
    seen.is_some_and(|w| !w.acts())
        && !work.actions.iter().any(|(a, _)| {
            matches!(
                a.state,
                ActionState::Sending | ActionState::Delivered | ActionState::Uncertain
            )
        })
}

/// Holds the run and gives its job up.
pub(crate) async fn run(engine: &Engine, work: &mut Work) -> Result<Next, StepFault> {
    hold(engine, work, None).await
}

/// As [`run`], when action `i` was about to be sent and not a byte of it has left.
pub(crate) async fn unsent(engine: &Engine, work: &mut Work, i: usize) -> Result<Next, StepFault> {
    hold(engine, work, Some(i)).await
}

async fn hold(engine: &Engine, work: &mut Work, unsent: Option<usize>) -> Result<Next, StepFault> {
    let class = work.release.ready.strictest();
    let mut draft = Draft::on(
        &work.run,
        class,
        Actor::System("worker"),
        "run.held",
        engine.now(),
    );
    if let Some(i) = unsent {
        let (action, _) = &mut work.actions[i];
        action.attempts = action.attempts.saturating_sub(1);
        if action.attempts == 0 {
            action.first_sent_at = None;
        }
        draft.action(action, &[ActionEvent::RefuseForNow], false)?;
        draft.fact("unsent", action.name.clone());
    }
    put_down(engine, work, draft).await
}

/// The run waits, with its owner's name on it, and its job is given up.
pub(super) async fn put_down(
    engine: &Engine,
    work: &mut Work,
    mut draft: Draft,
) -> Result<Next, StepFault> {
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
