//! A release is rolled back while outputs of it wait for people: each task says so, and the person chooses.

use tuesday_domain::review::ReviewState;
use tuesday_domain::run::Status;
use tuesday_engine::Worker;
use tuesday_engine::ops::{Approval, Settlement};
use tuesday_testkit::{Database, until};

use crate::bench::Bench;
use crate::releases::{FACTS, approver, by, changed, create, evaluate, pack};

/// Everything goes to a person; the second release says so in other words.
const PERSON: (&str, &str) = ("stage = \"auto\"", "stage = \"approval_first\"");

fn says_so(flags: &[String]) -> bool {
    flags.iter().any(|f| f.contains("rolled back"))
}

async fn chosen(database: Option<&str>) {
    let bench = Bench::on(&[PERSON, FACTS], database).await;
    approver(&bench).await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    let (_, first) = engine.live("small").await.unwrap();
    let nothing = engine
        .roll_back_release("small", None, &by("tove"), "a test")
        .await;
    assert_eq!(
        nothing.unwrap_err().code,
        "illegal_state",
        "nothing to go back to"
    );
    let edit = [("workflow.toml", "Grades a case", "Grades each case")];
    let row = create(engine, &changed(engine, &pack(0), &edit).await).await;
    let judged = evaluate(engine, row.id).await;
    assert!(
        judged.record.verdict.passed,
        "{:?}",
        judged.record.verdict.reasons
    );
    engine
        .approve_release(row.id, "boris", "a test")
        .await
        .unwrap();
    engine.promote_release(row.id, &by("tove")).await.unwrap();
    for event in ["kept", "again"] {
        bench.receive(event).await;
        let found = bench.rest(event).await;
        assert_eq!(
            (found.run.state.status, found.run.release),
            (Status::InReview, row.id)
        );
        let case = engine.case(found.reviews[0].id).await.unwrap();
        assert!(!says_so(&case.flags), "{:?}", case.flags);
    }
    let asked = bench.fakes.calls();
    engine
        .roll_back_release("small", None, &by("tove"), "a test")
        .await
        .unwrap();

    let kept = bench.task("kept").await;
    let case = engine.case(kept.id).await.unwrap();
    assert_eq!(
        case.flags[0],
        "release 2, which made this, was rolled back: make it again with release 1, or approve it to keep it"
    );
    engine
        .approve(kept.id, "rhea", Approval::default())
        .await
        .unwrap();
    until("what was kept is written", || async {
        (bench.rest("kept").await.run.state.status == Status::Completed).then_some(())
    })
    .await;
    let entries = bench.rest("kept").await.entries;
    let approved = entries
        .iter()
        .find(|e| e["kind"] == "review.approved")
        .unwrap();
    assert_eq!(
        approved["facts"]["kept_of_rolled_back_release"], 2,
        "{approved}"
    );

    let again = bench.task("again").await;
    let how = Settlement::Regenerate { reason: None };
    engine.settle(again.id, "rhea", None, how).await.unwrap();
    let found = until("it is made again", || async {
        let found = bench.rest("again").await;
        (found.run.release == first.id && found.run.state.status == Status::InReview)
            .then_some(found)
    })
    .await;
    assert_eq!(bench.fakes.calls(), asked + 1, "with one more call");
    assert_eq!(found.reviews[0].state, ReviewState::Superseded);
    let case = engine.case(bench.task("again").await.id).await.unwrap();
    assert!(
        !says_so(&case.flags),
        "the live release made this one: {:?}",
        case.flags
    );
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_of_a_rolled_back_release_asks_to_make_it_again_or_to_keep_it() {
    Box::pin(chosen(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_of_a_rolled_back_release_asks_to_make_it_again_or_to_keep_it_on_postgresql() {
    let database = Database::create().await;
    Box::pin(chosen(Some(&database.url()))).await;
    database.drop().await;
}
