//! Lets held runs go on once their workflow acts again, the oldest first. What had frozen its inputs
//! freezes them again; what was about to be sent has its watched sources read again before.

use tuesday_domain::actor::{Actor, Class};
use tuesday_domain::record::{Change, Job};
use tuesday_domain::run::{Reason, RunEvent};

use crate::draft::Draft;
use crate::engine::Engine;

const BATCH: usize = 200;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let reader = &engine.0.reader;
    for workflow in engine.0.catalog.workflows() {
        if !workflow.acts() {
            continue;
        }
        let spent = match engine.0.catalog.limit(&workflow.name) {
            None => false,
            // Where nobody can tell, what waits for money waits.
            Some(_) => match engine.spend_state(&workflow.name).await {
                Ok(state) => state.is_some_and(|s| s.stopped),
                Err(_) => true,
            },
        };
        // What waits for a dependency goes on when that is back; what waits for money, in the next
        // period or with a higher limit.
        let held = reader.held_runs(&workflow.name, !spent, BATCH).await;
        let held = held.map_err(|e| e.to_string())?;
        if held.is_empty() {
            continue;
        }
        // Slowed intake: only as many as there is room for, the oldest first.
        let room = match workflow.rollout.load.slow {
            None => BATCH,
            Some(most) => {
                let open = reader.runs_under_way(&workflow.name).await;
                let open = open.map_err(|e| e.to_string())?;
                usize::try_from(u64::from(most).saturating_sub(open)).unwrap_or(BATCH)
            }
        };
        for run in held.into_iter().take(room) {
            let now = engine.now();
            let mut draft = Draft::on(
                &run,
                Class::Restricted,
                Actor::System("resume"),
                "run.resumed",
                now,
            );
            draft.event(RunEvent::Resumed).map_err(|e| e.to_string())?;
            draft.run.owner = None;
            if run.reason == Some(Reason::SpendLimit) {
                draft.run.reason = None;
            }
            let job = Job {
                run: run.id,
                workflow: run.workflow.clone(),
                // Jobs are taken by the time they are due: whoever came first goes on first.
                due_at: run.received_at,
                fence: 0,
                lease: None,
            };
            draft.change(Change::InsertJob(job));
            // Another node may have resumed it: then this decision is refused, and that is right.
            let _ = engine.apply(draft.finish().0).await;
        }
        engine.0.slots.wake.notify_one();
    }
    Ok(())
}
