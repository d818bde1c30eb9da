//! Several nodes and their leases: who lost one changes nothing, who stops gives everything back.

use std::time::Duration;

use serde_json::json;
use tuesday_domain::record::AttemptResult;
use tuesday_domain::run::Status;
use tuesday_engine::Worker;
use tuesday_testkit::fakes::Said;
use tuesday_testkit::until;

use crate::bench::Bench;

#[tokio::test(flavor = "multi_thread")]
async fn a_late_result_is_never_used() {
    let bench = Bench::new().await;
    let first = Worker::start(&bench.engine);
    bench.fakes.close_gate();
    bench.receive("late").await;
    until("the model is asked", || async {
        (bench.fakes.calls() == 1).then_some(())
    })
    .await;
    // The node hangs; its lease runs out and another node takes the run.
    bench.store.set_clock(60_000_000).await.unwrap();
    let other = bench.another("two").await;
    other.clock().set_offset(60_000_000);
    let second = Worker::start(&other);
    until("the model is asked again", || async {
        (bench.fakes.calls() == 2).then_some(())
    })
    .await;
    // Calls pass in the order they came: the one that is late answers first.
    bench
        .fakes
        .then(Said::Text(json!({"grade": "low"}).to_string()));
    bench
        .fakes
        .then(Said::Text(json!({"grade": "low"}).to_string()));
    bench.fakes.open_gate(2);
    let found = bench.rest("late").await;
    assert_eq!(
        found.run.state.status,
        Status::Completed,
        "{}",
        found.ending()
    );
    let late = until("the late result is on record", || async {
        let all = bench.engine.reader().attempts(found.run.id).await.ok()?;
        all.iter()
            .any(|a| a.result == AttemptResult::Late)
            .then_some(all)
    })
    .await;
    assert_eq!(
        late.iter()
            .filter(|a| a.result == AttemptResult::Done)
            .count(),
        1,
        "{late:?}"
    );
    assert_eq!(bench.fakes.effects().len(), 1);
    second.shut_down(Duration::from_secs(5)).await;
    bench.end(first).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_gives_its_runs_back() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    bench.fakes.close_gate();
    bench.receive("moved").await;
    until("the model is asked", || async {
        (bench.fakes.calls() == 1).then_some(())
    })
    .await;
    worker.shut_down(Duration::ZERO).await;
    let refused = bench.engine.receive(
        "small",
        tuesday_engine::ops::Incoming {
            event_id: None,
            body: br#"{"id":"next"}"#.to_vec(),
            auth: tuesday_engine::ops::IncomingAuth::Person("rhea".into()),
            reference: None,
        },
    );
    assert_eq!(refused.await.unwrap_err().code, "shutting_down");
    bench.fakes.open_gate(8);
    // No clock is moved: the lease was given back, so the other node starts at once.
    let other = bench.another("two").await;
    let second = Worker::start(&other);
    assert_eq!(
        bench.rest("moved").await.run.state.status,
        Status::Completed
    );
    assert_eq!(bench.fakes.effects().len(), 1);
    bench.end(second).await;
}
