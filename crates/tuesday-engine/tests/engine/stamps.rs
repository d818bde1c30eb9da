//! Approvals that nobody can have read are told to the operator owner, with figures and once.

use serde_json::json;
use tuesday_domain::time::Timestamp;
use tuesday_engine::Worker;
use tuesday_engine::ops::{Approval, Doing};
use tuesday_testkit::Database;
use tuesday_testkit::fakes::Said;

use crate::bench::Bench;

const LIMITS: (&str, &str) = (
    "[[review.tier]]",
    "[review.oversight]\nat_least = 5\nunread_percent = 80.0\n[[review.tier]]",
);

async fn approved(bench: &Bench, event: &str, opened: bool) {
    let high = json!({"grade": "high"}).to_string();
    bench.fakes.then(Said::Text(high));
    bench.receive(event).await;
    let task = bench.task(event).await;
    if opened {
        let (engine, zero) = (&bench.engine, std::time::Duration::ZERO);
        let read = engine.reading(task.id, "rhea", Doing::Viewing, task.revision, zero);
        read.await.unwrap();
    }
    let yes = Approval::default();
    bench.engine.approve(task.id, "rhea", yes).await.unwrap();
}

async fn stamps(database: Option<&str>) {
    let bench = Bench::on(&[LIMITS], database).await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    for n in 0..3 {
        approved(&bench, &format!("hasty-{n}"), true).await;
    }
    approved(&bench, "blind-1", false).await;
    assert!(
        engine.look_for_stamps().await.unwrap().is_empty(),
        "too few"
    );
    approved(&bench, "blind-2", false).await;
    let other = bench.another("two").await;
    let (one, two) = tokio::join!(engine.look_for_stamps(), other.look_for_stamps());
    let told = [one.unwrap(), two.unwrap()].concat();
    assert_eq!(told.len(), 1, "once, whoever looks: {told:?}");
    assert_eq!(
        (
            told[0].person.as_str(),
            told[0].told.as_str(),
            told[0].words.as_str()
        ),
        (
            "rhea",
            "rhea",
            "5 of 5 approvals not read (2 never opened, 3 under 3 s)"
        )
    );
    assert!(
        engine.look_for_stamps().await.unwrap().is_empty(),
        "not again"
    );
    let waiting = engine.reader().notices_of("rhea", 99).await.unwrap();
    let notices: Vec<_> = waiting
        .iter()
        .filter(|n| n.kind == "rubber_stamp")
        .collect();
    assert_eq!(notices.len(), 1);
    assert!(notices[0].title.contains("5 of 5"), "{}", notices[0].title);
    let to = engine.now().plus(std::time::Duration::from_secs(9));
    let report = engine
        .oversight(Timestamp::from_micros(0), to)
        .await
        .unwrap();
    assert_eq!(report.rubber_stamps.len(), 1);
    assert!(report.rubber_stamps[0].figures.contains("2 never opened"));
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_nobody_read_are_told_to_the_operator_owner() {
    Box::pin(stamps(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_nobody_read_are_told_to_the_operator_owner_on_postgresql() {
    let database = Database::create().await;
    Box::pin(stamps(Some(&database.url()))).await;
    database.drop().await;
}
