//! Somebody who builds nothing tells a run from its record in twenty minutes, alone; graded, kept, ages.

use std::collections::BTreeSet;
use std::time::Duration;

use tuesday_domain::charter::friday::{FridayAnswers, FridayQuestion as Q, FridayState};
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{Approval, FridayOpen};
use tuesday_engine::{Engine, Worker};
use tuesday_testkit::fakes::Said;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

const MINUTE_US: i64 = 60_000_000;
const DAY_US: i64 = 24 * 60 * MINUTE_US;

async fn code<T: std::fmt::Debug>(said: impl Future<Output = Result<T, Problem>>) -> &'static str {
    Box::pin(said).await.unwrap_err().code
}

/// A run that a person approves; answers the record it was written to.
async fn decided(bench: &Bench, event: &str, by: &str) {
    bench.fakes.then(Said::Text(r#"{"grade": "high"}"#.into()));
    bench.receive(event).await;
    let task = bench.task(event).await;
    let done = bench.engine.approve(task.id, by, Approval::default());
    done.await.unwrap();
    until("it is written", || async {
        let found = bench.rest(event).await;
        found.run.state.outcome.map(drop)
    })
    .await;
}

async fn open(engine: &Engine, person: &str) -> FridayOpen {
    let view = Box::pin(engine.friday("small", person)).await.unwrap();
    view.open.unwrap()
}

async fn begin(engine: &Engine, person: &str) {
    Box::pin(engine.start_friday("small", person))
        .await
        .unwrap();
}

/// What is right about every run of these tests; the events are named as their records.
fn right(record: &str, decided: &str) -> FridayAnswers {
    let set = |words: &[&str]| {
        words
            .iter()
            .map(|w| (*w).to_owned())
            .collect::<BTreeSet<_>>()
    };
    FridayAnswers::from([
        (Q::Happened, set(&["written_back"])),
        (Q::Inputs, set(&["input", "crm", "contract"])),
        (Q::Decided, set(&[decided])),
        (Q::Written, set(&["note"])),
        (Q::Record, set(&[record])),
        (Q::Owner, set(&["rhea"])),
        (Q::Contain, set(&["by_hand"])),
    ])
}

async fn answered(
    engine: &Engine,
    answers: FridayAnswers,
    help: Option<&str>,
    by: &str,
) -> (FridayState, String) {
    let said = engine.answer_friday("small", answers, help.map(str::to_owned), by);
    let (test, report) = Box::pin(said).await.unwrap();
    (test.state, report.words())
}

/// How the evidence stands in the audit of the six walls.
async fn evidence(engine: &Engine) -> (&'static str, String) {
    let view = engine.charter("small").await.unwrap();
    let walls = view.sheets.iter().find(|s| s.sheet == "walls").unwrap();
    let item = walls
        .items
        .iter()
        .find(|i| i.item == "friday_test")
        .unwrap();
    (item.state, item.words.clone())
}

async fn later(bench: &Bench, us: i64) {
    bench.store.set_clock(us).await.unwrap();
    bench.engine.clock().set_offset(us);
}

async fn told(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    assert_eq!(
        code(engine.start_friday("small", "boris")).await,
        "not_found"
    );
    decided(&bench, "AC-1", "boris").await;
    let own = engine.start_friday("small", "boris");
    assert_eq!(
        code(own).await,
        "not_found",
        "nobody tells what they decided"
    );
    assert_eq!(evidence(engine).await.0, "missing");
    assert_eq!(
        code(engine.start_friday("small", "nobody")).await,
        "not_allowed"
    );

    begin(engine, "rhea").await;
    let asked = open(engine, "rhea").await;
    assert_eq!((asked.questions.len(), asked.not_counted), (7, None));
    let decided_by = asked
        .questions
        .iter()
        .find(|q| q.question == Q::Decided)
        .unwrap();
    assert!(decided_by.options.iter().any(|o| o.value == "rule:r1"));
    let hidden = open(engine, "boris").await;
    assert_eq!(
        (hidden.run, hidden.questions.len()),
        (None, 0),
        "nobody else is told"
    );
    assert_eq!(
        code(engine.start_friday("small", "boris")).await,
        "illegal_state"
    );
    let not_own = engine.answer_friday("small", FridayAnswers::new(), None, "boris");
    assert_eq!(code(not_own).await, "own_word");
    let all = right("AC-1", "person:boris");
    let (state, words) = answered(engine, all.clone(), None, "rhea").await;
    assert_eq!(state, FridayState::Passed, "{words}");
    let again = engine.answer_friday("small", all.clone(), None, "rhea");
    assert_eq!(code(again).await, "not_found");
    let (state, words) = evidence(engine).await;
    assert_eq!(state, "verified", "{words}");
    assert!(words.starts_with("passed: 7 of 7 right"), "{words}");

    // What does not count takes no evidence away: by the builder, or with somebody's help.
    begin(engine, "tove").await;
    assert!(open(engine, "tove").await.not_counted.is_some());
    let (state, words) = answered(engine, all.clone(), None, "tove").await;
    assert_eq!(state, FridayState::NotCounted, "{words}");
    begin(engine, "rhea").await;
    let (state, words) = answered(engine, all.clone(), Some("boris"), "rhea").await;
    assert_eq!(
        (state, words.contains("boris helped")),
        (FridayState::NotCounted, true),
        "{words}"
    );
    assert_eq!(evidence(engine).await.0, "verified");
    // An engineer's help is a failure, and so is a wrong answer; both are seen where the test is asked for.
    begin(engine, "rhea").await;
    let (state, _) = answered(engine, all.clone(), Some("tove"), "rhea").await;
    assert_eq!(state, FridayState::Failed);
    let mut wrong = all.clone();
    wrong.insert(Q::Decided, BTreeSet::from(["rule:r2".to_owned()]));
    begin(engine, "rhea").await;
    let (state, words) = answered(engine, wrong, None, "rhea").await;
    assert_eq!(state, FridayState::Failed);
    assert!(words.contains("decided"), "{words}");
    assert_eq!(evidence(engine).await.0, "missing");

    // Nobody answers: the time ends it, on whatever node, and the owner hears of it.
    begin(engine, "rhea").await;
    later(&bench, 21 * MINUTE_US).await;
    until("the time ends it", || async {
        let newest = engine.reader().fridays("small", 1).await.unwrap();
        (newest.first()?.state == FridayState::Failed).then_some(())
    })
    .await;
    let (_, words) = evidence(engine).await;
    assert!(words.contains("no answer in 20 minutes"), "{words}");
    begin(engine, "rhea").await;
    let (state, _) = answered(engine, all, None, "rhea").await;
    assert_eq!(state, FridayState::Passed);
    later(&bench, 93 * DAY_US).await;
    assert_eq!(evidence(engine).await.0, "lapsed");
    let kinds = [
        "friday.started",
        "friday.passed",
        "friday.failed",
        "friday.not_counted",
    ];
    until("everything is in the log", || async {
        let log = engine
            .reader()
            .audit_page(&tuesday_store::AuditFilter::default(), None, 500)
            .await
            .unwrap();
        kinds
            .iter()
            .all(|k| log.iter().any(|l| l.kind == *k))
            .then_some(())
    })
    .await;
    later(&bench, 21 * MINUTE_US).await;
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_told_on_a_friday_by_who_builds_nothing_on_sqlite() {
    Box::pin(told(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_told_on_a_friday_by_who_builds_nothing_on_postgres() {
    let database = Database::create().await;
    Box::pin(told(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_end_one_friday_test_once() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    decided(&bench, "AC-1", "boris").await;
    worker.shut_down(Duration::from_secs(10)).await;
    begin(engine, "rhea").await;
    let other = bench.another("two").await;
    for node in [engine, &other] {
        node.clock().set_offset(20 * MINUTE_US + 1);
    }
    let start = |e: Engine| async move { Box::pin(e.start_friday("small", "edda")).await };
    let (one, two) = tokio::join!(start(engine.clone()), start(other.clone()));
    // Whoever comes second finds it ended, or the next one running.
    assert!(one.is_ok() || two.is_ok(), "{one:?} {two:?}");
    let all = engine.reader().fridays("small", 9).await.unwrap();
    assert_eq!(
        all.iter()
            .filter(|t| t.state == FridayState::Failed)
            .count(),
        1
    );
    assert_eq!(
        all.iter()
            .filter(|t| t.state == FridayState::Running)
            .count(),
        1
    );
}
