//! Gives the open work of a workflow to people: of a killed or retired one everything, of one in manual
//! fallback what waits for the machine. What is being sent has its outcome first. And retires a
//! workflow that was told to drain, once nothing of it is open.

use tuesday_domain::action::ActionState;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::RunId;
use tuesday_domain::record::{Action, Run, Workflow};
use tuesday_domain::run::Status;

use crate::engine::Engine;

const BATCH: usize = 200;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    for workflow in engine.0.catalog.workflows() {
        if workflow.hands_over() || workflow.rollout.fallback {
            work_of(&engine, &workflow).await?;
        }
        if workflow.rollout.retiring {
            engine
                .retire_drained(&workflow)
                .await
                .map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}

async fn work_of(engine: &Engine, workflow: &Workflow) -> Result<(), String> {
    let mut after: Option<RunId> = None;
    loop {
        let page = engine.0.reader.open_runs(&workflow.name, after, BATCH);
        let page = page.await.map_err(|e| e.to_string())?;
        after = page.last().map(|r| r.id);
        for run in page.iter().filter(|r| goes(workflow, r)) {
            if let Err(e) = hand_off(engine, workflow, run.id).await {
                // As a rule another node was faster, or a worker has just moved it.
                tracing::debug!(run = %run.id, error = %e, "not handed to people yet");
            }
        }
        if page.len() < BATCH {
            return Ok(());
        }
    }
}

/// A model call under way comes back first; tasks of a workflow in fallback stay with their people.
fn goes(workflow: &Workflow, run: &Run) -> bool {
    match run.state.status {
        Status::Running => false,
        Status::InReview | Status::WaitingInput => workflow.hands_over(),
        _ => true,
    }
}

async fn hand_off(engine: &Engine, workflow: &Workflow, id: RunId) -> Result<(), String> {
    let reader = &engine.0.reader;
    let Some(found) = reader.work(id).await.map_err(|e| e.to_string())? else {
        return Ok(());
    };
    let under_way = |a: &Action| {
        use ActionState as A;
        matches!(a.state, A::Sending | A::Delivered | A::Uncertain)
    };
    if found.actions.iter().any(under_way) || !goes(workflow, &found.run) {
        return Ok(());
    }
    let words = words(workflow, &found.actions);
    let by = Actor::System("hand_off");
    let done = engine.hand_over_run(found, by, words).await;
    done.map_err(|e| e.to_string())
}

/// Why people have it, and what the machine had done of it and what not.
fn words(workflow: &Workflow, actions: &[Action]) -> Vec<String> {
    let what = if workflow.rollout.fallback {
        "people do the work of this workflow for now"
    } else if workflow.switch == tuesday_domain::workflow::Switch::Killed {
        "the workflow was killed"
    } else {
        "the workflow was retired"
    };
    let why = workflow.rollout.switch_reason.as_deref();
    let mut words = vec![why.map_or_else(|| what.to_owned(), |why| format!("{what}: {why}"))];
    let named = |done: bool| {
        let of = actions
            .iter()
            .filter(|a| done == (a.state == ActionState::Confirmed))
            .filter(|a| done || !a.state.is_settled());
        let list: Vec<_> = of.map(|a| format!("{} to {}", a.name, a.target)).collect();
        (!list.is_empty()).then(|| list.join(", "))
    };
    words.extend(named(true).map(|list| format!("already written, do not do it again: {list}")));
    words.extend(named(false).map(|list| format!("approved, not written: {list}")));
    words
}
