//! A result that came after its lease was lost: never used, but kept on record with its cost.

use tuesday_domain::actor::{Actor, Class};
use tuesday_domain::id::RunId;
use tuesday_domain::record::{Attempt, AttemptResult, Change};

use super::generate::book;
use crate::draft::Draft;
use crate::engine::Engine;

/// How often the record is tried while the other claim moves the run on.
const TRIES: u32 = 5;

/// Records the attempt as late. Without fence on purpose: it changes nothing but cost and history.
pub(crate) async fn record(engine: &Engine, run: RunId, attempt: Attempt) {
    for _ in 0..TRIES {
        let Ok(Some(row)) = engine.0.reader.run(run).await else {
            return;
        };
        let mut draft = Draft::on(
            &row,
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
        draft.fact("attempt", late.number);
        draft.change(Change::InsertAttempt(Box::new(late)));
        if engine
            .apply_at("late.before_commit", "late.after_commit", draft.finish().0)
            .await
            .is_ok()
        {
            return;
        }
    }
    tracing::warn!(%run, "a late result could not be put on record");
}
