//! What a rolled-back release had begun: its queued runs are made by the live one, and what it let through
//! by itself is not sent. So is nothing sent by rule that a lower stage would have put before a person.

use tuesday_domain::run::{Reason, Status};
use tuesday_domain::scope::Restriction;
use tuesday_domain::workflow::{Stage, Switch};
use tuesday_engine::Worker;
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Database, Found, until};

use crate::bench::Bench;
use crate::releases::{by, changed};
use crate::trouble::later;

const RECALL: (&str, &str) = (
    "recall_seconds = 0\n",
    "recall_seconds = 0\nautomatic_recall_seconds = 600\n",
);

async fn waits(bench: &Bench, event: &str) -> Found {
    until(&format!("{event} waits to be sent"), || async {
        let found = read_all(bench.engine.reader()).await.remove(event)?;
        (found.run.state.status == Status::Dispatching).then_some(found)
    })
    .await
}

async fn story(database: Option<&str>) {
    let bench = Bench::on(&[RECALL], database).await;
    let e = &bench.engine;
    let first = e.live("small").await.unwrap().1.id;
    let words = [("prompt.md", "Grade case", "Grade with care case")];
    bench.put(&changed(e, "", &words).await).await;
    let second = e.live("small").await.unwrap().1.id;
    assert_ne!(first, second);

    let worker = Worker::start(e);
    bench.receive("through").await;
    bench.receive("lowered").await;
    for event in ["through", "lowered"] {
        assert_eq!(waits(&bench, event).await.run.release, second);
    }
    // One is at the model when the release goes; its answer is the withdrawn release's.
    bench.fakes.close_gate();
    bench.receive("asked").await;
    until("the model is asked", || async {
        (bench.fakes.calls() == 3).then_some(())
    })
    .await;
    let tove = by("tove");
    let back = e.roll_back_release("small", None, &tove, "worse").await;
    assert_eq!(back.unwrap().id, first);
    bench.fakes.open_gate(100);
    waits(&bench, "asked").await;
    later(&bench, 11).await;
    for event in ["through", "lowered", "asked"] {
        let found = bench.rest(event).await;
        assert_eq!(found.run.state.status, Status::InReview, "{event}");
        let why = found.reviews.last().unwrap();
        let said = why.reasons.join("; ");
        assert!(
            said.contains("release 2, which made this, was rolled back"),
            "{said}"
        );
    }
    assert!(bench.fakes.effects().is_empty(), "nothing was sent");
    bench.end(worker).await;
}

async fn queued(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let e = &bench.engine;
    let first = e.live("small").await.unwrap().1.id;
    let words = [("prompt.md", "Grade case", "Grade with care case")];
    bench.put(&changed(e, "", &words).await).await;
    let worker = Worker::start(e);
    let (rhea, tove) = (by("rhea"), by("tove"));
    e.set_switch("small", Switch::Paused, &rhea, "to look")
        .await
        .unwrap();
    bench.receive("waiting").await;
    e.roll_back_release("small", None, &tove, "worse")
        .await
        .unwrap();
    e.set_switch("small", Switch::Running, &rhea, "looked")
        .await
        .unwrap();
    until("it is over", || async {
        let found = read_all(e.reader()).await.remove("waiting")?;
        found.run.state.status.is_terminal().then_some(())
    })
    .await;
    let found = bench.rest("waiting").await;
    assert_eq!(found.run.state.status, Status::Completed);
    assert_eq!(found.run.release, first, "the release in service made it");
    bench.end(worker).await;
}

async fn lowered(database: Option<&str>) {
    let bench = Bench::on(&[RECALL], database).await;
    let e = &bench.engine;
    let worker = Worker::start(e);
    bench.receive("unsent").await;
    waits(&bench, "unsent").await;
    let to = Restriction {
        to_stage: Some(Stage::ApprovalFirst),
        ..Restriction::default()
    };
    e.restrict("small", to, true, &by("rhea"), "to look")
        .await
        .unwrap();
    later(&bench, 11).await;
    let found = bench.rest("unsent").await;
    assert_eq!(found.run.state.status, Status::InReview);
    assert_eq!(found.reviews.last().unwrap().reason, Reason::Stage);
    assert!(bench.fakes.effects().is_empty(), "nothing was sent");
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rolled_back_release_let_through_is_not_sent() {
    Box::pin(story(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rolled_back_release_let_through_is_not_sent_on_postgresql() {
    let database = Database::create().await;
    Box::pin(story(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_under_a_rolled_back_release_is_made_by_the_live_one() {
    Box::pin(queued(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_let_through_at_a_higher_stage_is_not_sent_at_a_lower_one() {
    Box::pin(lowered(None)).await;
}
