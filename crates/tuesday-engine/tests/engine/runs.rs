//! What becomes of a run when inputs, model and destination do not do their part.

use serde_json::json;
use tuesday_domain::record::AttemptResult;
use tuesday_domain::run::{Reason, Status};
use tuesday_engine::Worker;
use tuesday_testkit::fakes::Said;

use crate::bench::{Bench, aged};

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_disagree_go_to_a_person() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    bench.fakes.record("contract", aged(0, "silver"));
    bench.receive("quarrel").await;
    let found = bench.rest("quarrel").await;
    assert_eq!(
        found.run.reason,
        Some(Reason::ConflictingSources),
        "{}",
        found.ending()
    );
    assert_eq!(
        (bench.fakes.calls(), bench.fakes.effects().len()),
        (0, 0),
        "no model was asked, nothing was written"
    );
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_source_is_flagged_and_a_stale_one_refused() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    bench.fakes.record("crm", aged(3, "gold"));
    bench.receive("old").await;
    assert_eq!(bench.rest("old").await.run.state.status, Status::Completed);
    bench.fakes.record("crm", aged(40, "gold"));
    bench.receive("stale").await;
    assert_eq!(
        bench.rest("stale").await.run.reason,
        Some(Reason::StaleSource)
    );
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_end_and_a_person_gets_the_run() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    for _ in 0..3 {
        bench.fakes.then(Said::Busy);
    }
    bench.receive("busy").await;
    let found = bench.rest("busy").await;
    assert_eq!(
        (found.run.state.status, found.run.reason),
        (Status::InReview, Some(Reason::AttemptsSpent))
    );
    let attempts = bench.engine.reader().attempts(found.run.id).await.unwrap();
    assert_eq!(attempts.len(), 3);
    assert!(
        attempts
            .iter()
            .all(|a| a.result == AttemptResult::Transient && a.cost_micros.is_none()),
        "unknown cost is not zero"
    );

    bench.fakes.then(Said::Denied);
    bench.receive("denied").await;
    let found = bench.rest("denied").await;
    assert_eq!(
        (found.run.state.status, found.run.reason),
        (Status::InReview, Some(Reason::PermanentFailure))
    );

    bench.fakes.then(Said::Text(
        json!({"grade": "low", "also": "this"}).to_string(),
    ));
    bench.receive("extra").await;
    let found = bench.rest("extra").await;
    assert_eq!(
        (found.run.state.status, found.run.reason),
        (Status::InReview, Some(Reason::InvalidOutput))
    );
    assert!(bench.fakes.effects().is_empty());
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_looked_up_before_anything_is_sent() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    bench.fakes.lose_answers(1);
    bench.receive("lost").await;
    let found = bench.rest("lost").await;
    assert_eq!(
        found.run.state.status,
        Status::Completed,
        "{}",
        found.ending()
    );
    assert_eq!(
        bench.fakes.effects().len(),
        1,
        "found by looking, not sent again"
    );
    bench.end(worker).await;
}
