//! Sees to it that a follow-up whose day is over is heard of, and a report that nobody has answered in time.

use crate::engine::Engine;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    let follow_ups = engine.tell_late_follow_ups().await;
    let reports = engine.tell_late_reports().await;
    follow_ups.and(reports).map_err(|p| p.detail)
}
