//! A result that came after its lease was lost: never used, but kept on record with its cost.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tuesday_domain::actor::{Actor, Class};
use tuesday_domain::id::RunId;
use tuesday_domain::record::{Attempt, AttemptResult, Change, MoneyChange, Run};

use super::generate::book;
use crate::draft::Draft;
use crate::engine::Engine;

/// First wait for the run to come to rest; doubles up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(10);

/// Records the attempt as late once the run is at rest, without keeping a worker's place.
pub(crate) fn record(engine: &Engine, run: RunId, attempt: Attempt) {
    let engine = engine.clone();
    tokio::spawn(async move {
        if !recorded(&engine, run, &attempt).await {
            tracing::warn!(%run, "a late result could not be put on record");
        }
    });
}

/// While another claim drives the run, a new version of its row would make that claim's result the
/// one that comes too late. Every run comes to rest by its deadline, so this ends too.
async fn recorded(engine: &Engine, run: RunId, attempt: &Attempt) -> bool {
    let mut pause = FIRST;
    while !engine.0.stopping.load(Ordering::SeqCst) {
        match engine.0.reader.run(run).await {
            Ok(None) => return false,
            Ok(Some(row)) if !row.state.status.wants_job() => {
                if write(engine, &row, attempt).await {
                    return true;
                }
            }
            Ok(Some(_)) | Err(_) => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
    false
}

/// Without fence on purpose: it changes nothing but cost and history.
async fn write(engine: &Engine, row: &Run, attempt: &Attempt) -> bool {
    let mut draft = Draft::on(
        row,
        Class::Restricted,
        Actor::System("worker"),
        "run.late_result",
        engine.now(),
    );
    let mut late = attempt.clone();
    late.seq = draft.run.version;
    late.result = AttemptResult::Late;
    late.answer_ref = None;
    late.retry_at = None;
    book(&mut draft, &late);
    draft.change(Change::InsertAttempt(Box::new(late)));
    // The run may be over, and its day counted.
    draft.change(Change::Money(Box::new(MoneyChange::StaleDay {
        workflow: row.workflow.clone(),
        day: row.batch.clone(),
        at: engine.now(),
    })));
    engine
        .apply_at("late.before_commit", "late.after_commit", draft.finish().0)
        .await
        .is_ok()
}
