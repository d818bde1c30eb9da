//! What a reader is not cleared for is masked wherever it would be shown, and nobody approves it unseen.

use serde_json::json;
use tuesday_domain::access::{Rights, Role};
use tuesday_domain::actor::{Actor, Class};
use tuesday_domain::record::{Grant, Review};
use tuesday_engine::Worker;
use tuesday_engine::ops::{Approval, Incoming, IncomingAuth, Reader, Refusal, Settlement};
use tuesday_testkit::Database;
use tuesday_testkit::fakes::Said;

use crate::bench::Bench;

const SECRET: &str = "DE00-RESTRICTED-77";

fn person(handle: &str) -> Actor {
    Actor::Person(handle.into())
}

async fn asked(bench: &Bench, event: &str) -> Review {
    let high = json!({"grade": "high"}).to_string();
    bench.fakes.then(Said::Text(high));
    let incoming = Incoming {
        event_id: None,
        body: json!({"id": event, "iban": SECRET})
            .to_string()
            .into_bytes(),
        auth: IncomingAuth::Person("rhea".into()),
        reference: None,
    };
    bench.engine.receive("small", incoming).await.unwrap();
    bench.task(event).await
}

async fn log(bench: &Bench, kind: &str) -> usize {
    bench.engine.seal().await.unwrap();
    let all = bench.engine.reader().leaves(0, 1_000).await.unwrap();
    let text: Vec<_> = all
        .iter()
        .map(|leaf| String::from_utf8_lossy(leaf).into_owned())
        .collect();
    text.iter().filter(|t| t.contains(kind)).count()
}

async fn masked(database: Option<&str>) {
    let bench = Bench::restricted(database).await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    let task = asked(&bench, "one").await;
    let (who, rights) = (person("rhea"), engine.rights("rhea").await.unwrap());
    let reader = Reader {
        who: &who,
        rights: &rights,
    };
    let case = engine.case_for(task.id, &reader).await.unwrap();
    let shown = format!("{case:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(shown.contains("masked") && shown.contains("one"), "{shown}");
    assert_eq!(
        case.not_cleared,
        Some(("input.iban".to_owned(), "restricted"))
    );
    let story = engine.story_for(task.run, &reader).await.unwrap();
    let story = serde_json::to_string(&story).unwrap();
    assert!(!story.contains(SECRET), "{story}");
    assert!(
        story.contains(r#""id":"one""#),
        "what is internal stays: {story}"
    );
    let open = engine.case(task.id).await.unwrap();
    assert!(
        format!("{open:?}").contains(SECRET),
        "it is there to be masked"
    );
    let run = engine.reader().run(task.run).await.unwrap().unwrap();
    let mut payloads = engine.reader().payloads(task.run).await.unwrap();
    engine.veil_payloads(&rights, &run, &mut payloads).await;
    let bytes: Vec<_> = payloads.into_iter().flat_map(|p| p.bytes).collect();
    assert!(!String::from_utf8_lossy(&bytes).contains(SECRET));
    assert_eq!(
        log(&bench, "access.masked").await,
        2,
        "the task and the run"
    );
    engine.case_for(task.id, &reader).await.unwrap();
    assert_eq!(log(&bench, "access.masked").await, 2, "once an hour each");

    let refused = engine.approve(task.id, "rhea", Approval::default()).await;
    let refused = refused.unwrap_err();
    assert_eq!(
        (refused.code, refused.field.as_deref()),
        ("not_cleared", Some("input.iban"))
    );
    let edit = Approval {
        edit: Some(json!({"grade": "low"})),
        reason: Some("wrong".into()),
        ..Approval::default()
    };
    let refused = engine.approve(task.id, "rhea", edit).await.unwrap_err();
    assert_eq!(refused.code, "not_cleared");
    let output = json!({"grade": "low"});
    let seen = engine.preview_edit(task.id, "rhea", &output).await;
    assert_eq!(seen.unwrap_err().code, "not_cleared");
    assert!(bench.fakes.effects().is_empty());

    // Cleared: shown, kept as an access, approved.
    let cleared = Grant {
        clearance: Class::Restricted,
        ..Grant::new("boris", Role::Reviewer, Some("small".into()))
    };
    engine
        .grant(cleared, "handles accounts", &person("ada"))
        .await
        .unwrap();
    let (who, rights) = (person("boris"), engine.rights("boris").await.unwrap());
    let reader = Reader {
        who: &who,
        rights: &rights,
    };
    let case = engine.case_for(task.id, &reader).await.unwrap();
    assert!(format!("{case:?}").contains(SECRET) && case.not_cleared.is_none());
    assert_eq!(log(&bench, "access.restricted_opened").await, 1);
    engine
        .approve(task.id, "boris", Approval::default())
        .await
        .unwrap();

    // Rejecting needs no look at what is masked; writing the whole input does.
    let task = asked(&bench, "two").await;
    let refusal = Refusal {
        reason: "wrong".into(),
        ..Refusal::default()
    };
    let supply = Settlement::Supply {
        input: json!({"id": "two"}),
    };
    let refused = engine.settle(task.id, "rhea", None, supply).await;
    assert_eq!(refused.unwrap_err().code, "not_cleared");
    engine.reject(task.id, "rhea", refusal).await.unwrap();
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_cleared_is_masked_and_not_approved() {
    Box::pin(masked(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_cleared_is_masked_and_not_approved_on_postgresql() {
    let database = Database::create().await;
    Box::pin(masked(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subjects_are_masked_in_lists_and_not_searched() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    bench
        .fakes
        .then(Said::Text(json!({"grade": "high"}).to_string()));
    bench.receive("findme").await;
    let task = bench.task("findme").await;
    let public = Rights::new(vec![Grant {
        clearance: Class::Public,
        ..Grant::new("ina", Role::Auditor, None)
    }]);
    let mut seen = task.clone();
    engine.veil_review(&public, &mut seen).await;
    assert!(!format!("{seen:?}").contains("findme"), "{seen:?}");
    assert_eq!(seen.subject, "(masked: internal)");
    let refused = engine.may_search(&public, Some("small")).await.unwrap_err();
    assert_eq!(refused.code, "not_cleared");
    let auditor = Rights::new(vec![Grant::new("ina", Role::Auditor, None)]);
    engine.may_search(&auditor, None).await.unwrap();
    let mut seen = task.clone();
    engine.veil_review(&auditor, &mut seen).await;
    assert_eq!(seen.subject, "findme");
    engine
        .approve(task.id, "rhea", Approval::default())
        .await
        .unwrap();
    bench.end(worker).await;
}
