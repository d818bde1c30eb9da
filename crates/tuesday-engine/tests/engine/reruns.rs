//! A run is repeated as a new run: with other inputs or the same, with or without effect, never twice
//! written.

use serde_json::json;
use tuesday_domain::actor::Actor;
use tuesday_domain::record::Run;
use tuesday_domain::run::{Outcome, Status};
use tuesday_engine::Worker;
use tuesday_engine::ops::{Approval, Inputs, Refusal, Rerun, With};
use tuesday_testkit::fakes::Said;
use tuesday_testkit::{Database, until};

use crate::bench::{Bench, aged};

fn rhea() -> Actor {
    Actor::Person("rhea".into())
}

fn how(inputs: Inputs) -> Rerun {
    Rerun {
        inputs,
        reason: "the customer asked".into(),
        ..Rerun::default()
    }
}

/// A run that a person rejected: over, and nothing is written.
async fn rejected(bench: &Bench, event: &str) -> Run {
    let high = json!({"grade": "high"}).to_string();
    bench.fakes.then(Said::Text(high));
    bench.receive(event).await;
    let task = bench.task(event).await;
    let refusal = Refusal {
        reason: "wrong".into(),
        ..Refusal::default()
    };
    bench
        .engine
        .reject(task.id, "rhea", refusal)
        .await
        .unwrap()
        .run
}

async fn over(bench: &Bench, run: &Run) -> Run {
    until("the new run comes to rest", || async {
        let found = bench.engine.reader().run(run.id).await.unwrap()?;
        (!found.state.status.wants_job()).then_some(found)
    })
    .await
}

async fn read_tier(bench: &Bench, run: &Run) -> String {
    let story = bench.engine.story(run.id).await.unwrap();
    serde_json::to_string(&story.answers[1].facts).unwrap()
}

async fn repeats(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    let old = rejected(&bench, "again").await;
    let none = Rerun::default();
    let refused = engine.rerun(old.id, &none, &rhea()).await.unwrap_err();
    assert_eq!(refused.code, "reason_required");

    // Without effect, on what the old run had read, though the source has moved on.
    bench.fakes.record("crm", aged(0, "platinum"));
    bench.fakes.record("contract", aged(0, "platinum"));
    let dry = Rerun {
        without_effect: true,
        ..how(Inputs::Frozen)
    };
    let replay = engine.rerun(old.id, &dry, &rhea()).await.unwrap();
    let replay = over(&bench, &replay).await;
    assert_eq!(replay.state.outcome, Some(Outcome::ShadowOnly));
    assert_eq!(replay.rerun_of, Some(old.id));
    assert!(read_tier(&bench, &replay).await.contains("gold"), "frozen");
    assert!(bench.fakes.effects().is_empty());

    // The same inputs with effect: the answer is low now, so it goes out by rule.
    let same = engine
        .rerun(old.id, &how(Inputs::Frozen), &rhea())
        .await
        .unwrap();
    let same = over(&bench, &same).await;
    assert_eq!(same.state.outcome, Some(Outcome::WrittenBack));
    assert!(!read_tier(&bench, &same).await.contains("platinum"));
    assert_eq!(bench.fakes.effects().len(), 1);

    // Whichever run of the event is named: it is written, and not written again.
    for id in [old.id, replay.id, same.id] {
        let twice = engine.rerun(id, &how(Inputs::Fresh), &rhea()).await;
        assert_eq!(twice.unwrap_err().code, "illegal_state");
    }
    let dry = Rerun {
        without_effect: true,
        ..how(Inputs::Fresh)
    };
    let fresh = engine.rerun(same.id, &dry, &rhea()).await.unwrap();
    let fresh = over(&bench, &fresh).await;
    assert!(
        read_tier(&bench, &fresh).await.contains("platinum"),
        "fresh"
    );
    assert_eq!(bench.fakes.effects().len(), 1);
    let kept = engine.reader().run(old.id).await.unwrap().unwrap();
    assert_eq!(kept, old, "the old run stays as it is");
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_repeated_and_never_written_twice() {
    Box::pin(repeats(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_repeated_and_never_written_twice_on_postgresql() {
    let database = Database::create().await;
    Box::pin(repeats(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_run_goes_on_with_its_own_release_and_one_of_two_wins() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    let old = rejected(&bench, "stopped").await;
    let resumed = Rerun::resumed(true, "goes on".into());
    let (who, named) = (rhea(), With::Release(old.release));
    let by_name = Rerun {
        with: named,
        ..how(Inputs::Fresh)
    };
    let (one, two) = tokio::join!(
        engine.rerun(old.id, &resumed, &who),
        engine.rerun(old.id, &by_name, &who)
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let refused = one.as_ref().err().or(two.as_ref().err()).unwrap();
    assert_eq!(refused.code, "illegal_state");
    let new = over(&bench, &one.or(two).unwrap()).await;
    assert_eq!(
        (new.release, new.state.status),
        (old.release, Status::Completed)
    );
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_repeated_while_it_is_on_its_way() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    let high = json!({"grade": "high"}).to_string();
    bench.fakes.then(Said::Text(high));
    bench.receive("busy").await;
    let task = bench.task("busy").await;
    let open = engine.rerun(task.run, &how(Inputs::Fresh), &rhea()).await;
    assert_eq!(open.unwrap_err().code, "illegal_state", "a person has it");
    engine
        .approve(task.id, "rhea", Approval::default())
        .await
        .unwrap();
    bench.rest("busy").await;
    bench.raw("UPDATE actions SET state = 'sending'");
    let sending = engine.rerun(task.run, &how(Inputs::Fresh), &rhea()).await;
    assert_eq!(sending.unwrap_err().code, "sending");
    bench.raw("UPDATE actions SET state = 'confirmed'");
    bench.end(worker).await;
}
