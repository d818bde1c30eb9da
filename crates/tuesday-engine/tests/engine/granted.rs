//! Who decides is what people hold now, not what a package once named.

use serde_json::json;
use tuesday_domain::access::Role;
use tuesday_domain::actor::Actor;
use tuesday_domain::record::{Grant, Person, Review};
use tuesday_domain::review::ReviewState;
use tuesday_engine::Worker;
use tuesday_engine::ops::{Approval, Refusal};
use tuesday_testkit::Database;
use tuesday_testkit::fakes::Said;

use crate::bench::Bench;

fn admin() -> Actor {
    Actor::Person("ada".into())
}

async fn joins(bench: &Bench, handle: &str) {
    let person = Person {
        handle: handle.into(),
        name: handle.into(),
        email: format!("{handle}@example.com"),
        active: true,
    };
    bench
        .engine
        .invite(person, "joins", &admin())
        .await
        .unwrap();
}

fn reviewer(handle: &str) -> Grant {
    Grant::new(handle, Role::Reviewer, Some("small".into()))
}

async fn asked(bench: &Bench, event: &str) -> Review {
    let high = json!({"grade": "high"}).to_string();
    bench.fakes.then(Said::Text(high));
    bench.receive(event).await;
    bench.task(event).await
}

async fn grants_decide(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    joins(&bench, "nils").await;
    let task = asked(&bench, "granted").await;
    let approve = |by: &'static str| engine.approve(task.id, by, Approval::default());
    let no_role = approve("nils").await.unwrap_err();
    assert_eq!(no_role.code, "not_allowed");
    assert!(!no_role.more["people"].to_string().contains("nils"));
    engine
        .grant(reviewer("nils"), "covers", &admin())
        .await
        .unwrap();
    let elsewhere = engine.case(task.id).await.unwrap();
    assert!(elsewhere.people.iter().any(|(h, _)| h == "nils"));
    engine.claim(task.id, "nils").await.unwrap();
    let done = approve("nils").await.unwrap();
    assert_eq!(done.review.state, ReviewState::Approved);

    // Withdrawn: the next request is refused, though nothing else about the task changed.
    let task = asked(&bench, "withdrawn").await;
    engine
        .revoke(&reviewer("nils"), "is back", &admin())
        .await
        .unwrap();
    let gone = engine.approve(task.id, "nils", Approval::default()).await;
    assert_eq!(gone.unwrap_err().code, "not_allowed");

    // Named by the package, and deactivated or without the role since.
    let owner = Grant::new("rhea", Role::OperatorOwner, Some("small".into()));
    let claimed = engine.claim(task.id, "rhea").await.unwrap();
    assert_eq!(claimed.owner, "rhea");
    engine.release(task.id, "rhea").await.unwrap();
    engine.revoke(&owner, "moved on", &admin()).await.unwrap();
    let refused = engine.approve(task.id, "rhea", Approval::default()).await;
    assert_eq!(refused.unwrap_err().code, "not_allowed");
    engine
        .set_active("boris", false, "left", &admin())
        .await
        .unwrap();
    let refusal = Refusal {
        reason: "wrong".into(),
        ..Refusal::default()
    };
    let refused = engine.reject(task.id, "boris", refusal.clone()).await;
    assert_eq!(refused.unwrap_err().code, "not_allowed");
    let done = engine.reject(task.id, "edda", refusal).await.unwrap();
    assert_eq!(done.review.decided_by.as_deref(), Some("edda"));
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_granted_person_decides_and_a_withdrawn_one_does_not() {
    Box::pin(grants_decide(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_granted_person_decides_and_a_withdrawn_one_does_not_on_postgresql() {
    let database = Database::create().await;
    Box::pin(grants_decide(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tier_that_lists_its_people_takes_a_specialist() {
    let bench = Bench::changed(&[(
        "backup = \"boris\"\n[[action]]",
        "backup = \"boris\"\npeople = [\"boris\"]\n[[action]]",
    )])
    .await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    joins(&bench, "nils").await;
    engine
        .grant(reviewer("nils"), "covers", &admin())
        .await
        .unwrap();
    let task = asked(&bench, "closed").await;
    let refused = engine.approve(task.id, "nils", Approval::default()).await;
    assert_eq!(
        refused.unwrap_err().code,
        "not_allowed",
        "of the workflow, not of the tier"
    );
    let special = Grant {
        tier: Some("desk".into()),
        ..Grant::new("nils", Role::SpecialistReviewer, Some("small".into()))
    };
    engine.grant(special, "knows it", &admin()).await.unwrap();
    engine
        .approve(task.id, "nils", Approval::default())
        .await
        .unwrap();
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_answers_its_own_request_and_no_other() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    let task = asked(&bench, "key").await;
    let key = || Some("k1".to_owned());
    let yes = Approval {
        key: key(),
        ..Approval::default()
    };
    let first = engine.approve(task.id, "rhea", yes.clone()).await.unwrap();
    let again = engine.approve(task.id, "rhea", yes.clone()).await.unwrap();
    assert_eq!(first.review, again.review);
    let refusal = Refusal {
        reason: "wrong".into(),
        key: key(),
        ..Refusal::default()
    };
    let other = engine.reject(task.id, "rhea", refusal.clone()).await;
    assert_eq!(
        other.unwrap_err().code,
        "key_reused",
        "no approval answers a rejection"
    );
    let edited = Approval {
        note: Some("looked twice".into()),
        ..yes
    };
    let other = engine.approve(task.id, "rhea", edited).await;
    assert_eq!(other.unwrap_err().code, "key_reused");
    let another = engine.reject(task.id, "boris", refusal).await;
    assert_eq!(
        another.unwrap_err().code,
        "already_decided",
        "a key belongs to its person"
    );
    bench.end(worker).await;
}
