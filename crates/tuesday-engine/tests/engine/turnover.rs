//! A workflow is run without its builder: no rights meanwhile, graded from the log, signed by others.

use std::time::Duration;

use tuesday_domain::access::Act;
use tuesday_domain::charter::turnover::{TurnoverReport, TurnoverState};
use tuesday_domain::record::Review;
use tuesday_engine::Worker;
use tuesday_engine::ops::{Approval, CharterView};
use tuesday_testkit::fakes::Said;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

const HOUR_US: i64 = 3_600_000_000;

fn item(view: &CharterView, topic: &str) -> (&'static str, String) {
    let sheet = view.sheets.iter().find(|s| s.sheet == "checklist").unwrap();
    let item = sheet.items.iter().find(|i| i.item == topic).unwrap();
    (item.state, item.words.clone())
}

/// A run that asks a person; answers its task.
async fn asked(bench: &Bench, event: &str) -> Review {
    bench.fakes.then(Said::Text(r#"{"grade": "high"}"#.into()));
    bench.receive(event).await;
    bench.task(event).await
}

/// Runs that each ask a person, and who approves them.
async fn day(bench: &Bench, name: &str, runs: usize, by: &str) {
    for n in 0..runs {
        let task = asked(bench, &format!("{name}{n}")).await;
        bench
            .engine
            .approve(task.id, by, Approval::default())
            .await
            .unwrap();
    }
}

fn unmet(report: &TurnoverReport) -> Vec<&str> {
    let all = report.criteria.iter().filter(|c| !c.met);
    all.map(|c| c.name.as_str()).collect()
}

/// So many hours later, for this node at once and for what it reads from the database.
async fn hours(bench: &Bench, n: i64) {
    bench.store.set_clock(n * HOUR_US).await.unwrap();
    bench.engine.clock().set_offset(n * HOUR_US);
}

async fn code<T: std::fmt::Debug>(
    said: impl Future<Output = Result<T, tuesday_domain::problem::Problem>>,
) -> &'static str {
    Box::pin(said).await.unwrap_err().code
}

async fn passes(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    day(&bench, "before", 24, "boris").await;
    let hero = engine.turnover("small").await.unwrap().hero.unwrap();
    assert_eq!((hero.person.as_str(), hero.acts), ("boris", 24));

    assert_eq!(
        code(engine.sign_turnover("small", "rhea")).await,
        "not_found"
    );
    let own = engine.start_turnover("small", "boris", 5, "boris");
    assert_eq!(code(own).await, "own_word");
    let nobody = engine.start_turnover("small", "sam", 5, "rhea");
    assert_eq!(code(nobody).await, "not_found");
    let long = engine.start_turnover("small", "boris", 31, "rhea");
    assert_eq!(code(long).await, "bad_request");
    let task = asked(&bench, "open").await;
    engine
        .reassign(task.id, "rhea", "boris", "yours", None)
        .await
        .unwrap();
    engine
        .start_turnover("small", "boris", 5, "rhea")
        .await
        .unwrap();
    let again = engine.start_turnover("small", "tove", 5, "rhea");
    assert_eq!(code(again).await, "illegal_state");

    // Suspended: on this workflow, for everything, at once. The task finds somebody else by itself.
    assert!(
        !engine
            .rights("boris")
            .await
            .unwrap()
            .may(Act::ReadWork, "small")
    );
    let pause = engine.pause("small", "boris", "let me");
    assert_eq!(code(pause).await, "not_allowed");
    let refused = engine.approve(task.id, "boris", Approval::default());
    assert_eq!(code(refused).await, "not_allowed");
    until("the task is with somebody who is there", || async {
        (bench.task("open").await.owner != "boris").then_some(())
    })
    .await;
    engine
        .approve(task.id, "rhea", Approval::default())
        .await
        .unwrap();

    // Signed too early nothing is proved, and the days are spent.
    let view = engine.turnover("small").await.unwrap();
    let open = view.tests.first().unwrap().report.as_ref().unwrap();
    assert_eq!(unmet(open), ["ordinary_day"]);
    day(&bench, "alone", 13, "rhea").await;
    hours(&bench, 9).await;
    let named = engine.sign_turnover("small", "boris");
    assert_eq!(code(named).await, "own_word");
    let builder = engine.sign_turnover("small", "tove");
    assert_eq!(code(builder).await, "not_allowed");
    let (test, report) = engine.sign_turnover("small", "rhea").await.unwrap();
    assert_eq!(test.state, TurnoverState::Passed, "{report:?}");
    assert_eq!((report.figures.accepted, report.figures.tasks), (13, 13));
    assert_eq!(report.deeds.of("review.approved"), 14);
    let view = engine.charter("small").await.unwrap();
    let (state, words) = item(&view, "turnover_test");
    assert_eq!(state, "verified", "{words}");
    assert!(words.contains("without boris"), "{words}");

    assert!(
        engine
            .rights("boris")
            .await
            .unwrap()
            .may(Act::DecideReview, "small")
    );
    let shown = engine.turnover("small").await.unwrap();
    assert_eq!(shown.hero, None, "what came before the test counts no more");
    assert_eq!(
        shown.tests.first().unwrap().signed_by.as_deref(),
        Some("rhea")
    );
    hours(&bench, 9 + 181 * 24).await;
    let view = engine.charter("small").await.unwrap();
    assert_eq!(
        item(&view, "turnover_test").0,
        "lapsed",
        "older than half a year"
    );
    hours(&bench, 9).await;
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_without_the_builder_is_graded_and_signed_on_sqlite() {
    Box::pin(passes(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_without_the_builder_is_graded_and_signed_on_postgres() {
    let database = Database::create().await;
    Box::pin(passes(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engineers_act_and_what_was_left_fail_the_test_and_are_listed() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    engine
        .start_turnover("small", "boris", 2, "rhea")
        .await
        .unwrap();
    day(&bench, "done", 12, "rhea").await;
    for n in 0..10 {
        asked(&bench, &format!("left{n}")).await;
    }
    let builder = engine.start_turnover("small", "rhea", 1, "tove");
    assert_eq!(
        code(builder).await,
        "not_allowed",
        "nobody sends their owner away"
    );
    engine
        .pause("small", "tove", "I know this one")
        .await
        .unwrap();
    // Without the role by now, and still an engineer of those days.
    let held = engine.reader().grants_of("tove").await.unwrap();
    let admin = tuesday_domain::actor::Actor::Person("ada".into());
    for grant in held {
        engine.revoke(&grant, "moved on", &admin).await.unwrap();
    }
    hours(&bench, 3).await;
    let view = engine.turnover("small").await.unwrap();
    let report = view.tests.first().unwrap().report.clone().unwrap();
    assert_eq!(
        unmet(&report),
        ["ordinary_day", "nothing_unfinished", "without_builders"]
    );
    assert_eq!(report.figures.unfinished, 10);
    let deed = report.deeds.listed.first().unwrap();
    assert_eq!(
        (deed.person.as_str(), deed.kind.as_str()),
        ("tove", "workflow.switch")
    );

    // The days pass; the rights come back by themselves, and what was signed stays what it was.
    hours(&bench, 49).await;
    until("the days are over", || async {
        let tests = engine.reader().turnovers("small", 1).await.unwrap();
        (tests.first()?.state == TurnoverState::Ended).then_some(())
    })
    .await;
    assert!(
        engine
            .rights("boris")
            .await
            .unwrap()
            .may(Act::DecideReview, "small")
    );
    let (test, report) = engine.sign_turnover("small", "rhea").await.unwrap();
    assert_eq!(test.state, TurnoverState::Failed);
    assert_eq!(
        test.ended_at,
        Some(test.until),
        "graded to the end of its days"
    );
    assert!(unmet(&report).contains(&"in_time"), "{report:?}");
    let view = engine.charter("small").await.unwrap();
    let (state, words) = item(&view, "turnover_test");
    assert_eq!(state, "missing");
    assert!(words.starts_with("failed: "), "{words}");
    assert_eq!(
        code(engine.sign_turnover("small", "rhea")).await,
        "not_found"
    );
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_is_called_off_shows_nothing() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let none = engine.call_off_turnover("small", "x", "rhea");
    assert_eq!(code(none).await, "not_found");
    engine
        .start_turnover("small", "boris", 5, "rhea")
        .await
        .unwrap();
    let own = engine.call_off_turnover("small", "let me in", "boris");
    assert_eq!(code(own).await, "own_word");
    let silent = engine.call_off_turnover("small", " ", "rhea");
    assert_eq!(code(silent).await, "reason_required");
    let test = engine
        .call_off_turnover("small", "an audit came", "rhea")
        .await
        .unwrap();
    assert_eq!(test.state, TurnoverState::CalledOff);
    assert!(
        engine
            .rights("boris")
            .await
            .unwrap()
            .may(Act::DecideReview, "small")
    );
    let view = engine.charter("small").await.unwrap();
    assert_eq!(item(&view, "turnover_test").0, "missing");
    let card = engine.turnover("small").await.unwrap();
    let card = card.tests.first().unwrap();
    assert_eq!(
        (card.reason.as_deref(), &card.report),
        (Some("an audit came"), &None)
    );
    engine
        .start_turnover("small", "boris", 5, "rhea")
        .await
        .unwrap();
}
