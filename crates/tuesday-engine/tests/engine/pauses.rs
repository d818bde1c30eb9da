//! What a pause does to open tasks: put down where the package says so, else they stay with their people.

use tuesday_domain::record::{Review, ReviewDecision};
use tuesday_domain::review::{ReviewKind, ReviewState};
use tuesday_domain::run::Status;
use tuesday_domain::workflow::Switch;
use tuesday_engine::Worker;
use tuesday_engine::ops::Approval;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;
use crate::releases::by;
use crate::trouble::later;

const SUSPEND: (&str, &str) = (
    "on_reject = \"close\"",
    "on_reject = \"close\"\non_pause = \"suspend\"",
);
/// Every case goes to a person.
const PERSON: (&str, &str) = (
    "grade = \"output.grade\"\n[review]",
    "grade = \"'high'\"\n[review]",
);

async fn switch(bench: &Bench, to: Switch) {
    let moved = bench
        .engine
        .set_switch("small", to, &by("rhea"), "a test")
        .await;
    moved.unwrap();
}

async fn stands(bench: &Bench, event: &str, state: ReviewState) -> Review {
    until(&format!("the task of {event} is {state}"), || async {
        let task = bench.task(event).await;
        (task.state == state).then_some(task)
    })
    .await
}

async fn put_down(database: Option<&str>) {
    let bench = Bench::on(&[SUSPEND, PERSON], database).await;
    let worker = Worker::start(&bench.engine);
    bench.receive("open").await;
    bench.receive("taken").await;
    let engine = &bench.engine;
    let taken = bench.task("taken").await;
    engine.claim(taken.id, "rhea").await.unwrap();
    let due = bench.task("open").await.due_at;

    switch(&bench, Switch::Paused).await;
    let open = stands(&bench, "open", ReviewState::Suspended).await;
    let taken = stands(&bench, "taken", ReviewState::Suspended).await;
    assert_eq!((taken.claimed_by, open.due_at), (None, due));
    let refused = engine.approve(open.id, "rhea", Approval::default()).await;
    assert_eq!(refused.unwrap_err().code, "illegal_state");
    let refused = engine.claim(open.id, "rhea").await;
    assert_eq!(refused.unwrap_err().code, "illegal_state");
    assert!(engine.case(open.id).await.is_ok(), "reading is allowed");
    // Nobody could have decided: it does not escalate, and it has its time again afterwards.
    later(&bench, 5 * 60).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    let still = bench.task("open").await;
    assert_eq!((still.state, still.level), (ReviewState::Suspended, 0));

    switch(&bench, Switch::Running).await;
    let back = stands(&bench, "open", ReviewState::Open).await;
    assert!(back.due_at > engine.now(), "{back:?}");
    let done = engine
        .approve(back.id, "rhea", Approval::default())
        .await
        .unwrap();
    assert_eq!(done.review.decision, Some(ReviewDecision::Approve));
    until("it is written", || async {
        let found = bench.rest("open").await;
        (found.run.state.status == Status::Completed).then_some(())
    })
    .await;
    // Killed while it is put down: people get it by hand, with nothing left that is suspended.
    switch(&bench, Switch::Paused).await;
    stands(&bench, "taken", ReviewState::Suspended).await;
    switch(&bench, Switch::Killed).await;
    until("people do it by hand", || async {
        let task = bench.task("taken").await;
        (task.kind == ReviewKind::Manual && task.state == ReviewState::Open).then_some(())
    })
    .await;
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_put_down_with_a_pause_and_come_back() {
    Box::pin(put_down(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_put_down_with_a_pause_and_come_back_on_postgresql() {
    let database = Database::create().await;
    Box::pin(put_down(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_said_people_go_on_deciding_and_what_they_approve_is_held() {
    let bench = Bench::changed(&[PERSON]).await;
    let worker = Worker::start(&bench.engine);
    bench.receive("kept").await;
    let task = bench.task("kept").await;
    switch(&bench, Switch::Paused).await;
    let engine = &bench.engine;
    engine
        .approve(task.id, "rhea", Approval::default())
        .await
        .unwrap();
    until("it is held", || async {
        let found = tuesday_testkit::check::read_all(engine.reader()).await;
        (found["kept"].run.state.status == Status::Held).then_some(())
    })
    .await;
    assert!(bench.fakes.effects().is_empty());
    bench.end(worker).await;
}
