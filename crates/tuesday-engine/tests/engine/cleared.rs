//! What a reader is not cleared for is masked wherever it would be shown, and nobody approves it unseen.

use serde_json::json;
use tuesday_domain::access::{Rights, Role};
use tuesday_domain::actor::{Actor, Class};
use tuesday_domain::record::{Grant, ProblemKind, Review};
use tuesday_engine::Worker;
use tuesday_engine::ops::{
    Approval, Complaint, Incoming, IncomingAuth, Reader, Refusal, Settlement,
};
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

async fn leftovers(database: Option<&str>) {
    let bench = Bench::restricted(database).await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    let task = asked(&bench, "one").await;
    let rights = engine.rights("rhea").await.unwrap();
    let all = Rights::new(vec![Grant {
        clearance: Class::Restricted,
        ..Grant::new("rhea", Role::OperatorOwner, None)
    }]);
    let other = person("edda");
    let low = Reader {
        who: &other,
        rights: &rights,
    };
    let high = Reader {
        who: &other,
        rights: &all,
    };

    // What was refused at the door.
    let incoming = Incoming {
        event_id: None,
        body: json!({"id": "two", "iban": SECRET, "extra": 1})
            .to_string()
            .into_bytes(),
        auth: IncomingAuth::Person("rhea".into()),
        reference: None,
    };
    engine.receive("small", incoming).await.unwrap_err();
    let filter = tuesday_store::IntakeFilter::default();
    let records = engine.reader().intake_page(&filter, None, 9).await.unwrap();
    let mut record = records[0].clone();
    assert!(engine.veil_intake(&low, &mut record).await.unwrap());
    let seen = String::from_utf8(record.body).unwrap();
    assert!(!seen.contains(SECRET) && seen.contains("two"), "{seen}");
    let mut record = records[0].clone();
    assert!(!engine.veil_intake(&high, &mut record).await.unwrap());
    assert!(String::from_utf8(record.body).unwrap().contains(SECRET));
    let mut broken = records[0].clone();
    broken.body = format!("no JSON {SECRET}").into_bytes();
    assert!(engine.veil_intake(&low, &mut broken).await.unwrap());
    assert!(!String::from_utf8(broken.body).unwrap().contains(SECRET));

    // Words of reports: for whoever reported, whoever answers, and who is cleared.
    let complaint = Complaint {
        kind: ProblemKind::Wrong,
        words: format!("{SECRET} is wrong"),
        run: Some(task.run),
        review: None,
        record: None,
        workflow: None,
        reported_by: "boris".into(),
    };
    let report = engine
        .report_problem(complaint, &person("boris"))
        .await
        .unwrap();
    let words = |who: Actor, rights: Rights| {
        let mut one = [report.clone()];
        async move {
            let reader = Reader {
                who: &who,
                rights: &rights,
            };
            engine.veil_reports(&reader, &mut one).await;
            one[0].words.clone()
        }
    };
    assert!(!words(person("edda"), rights.clone()).await.contains(SECRET));
    assert!(words(person("edda"), all.clone()).await.contains(SECRET));
    assert!(
        words(person("boris"), rights.clone())
            .await
            .contains(SECRET)
    );
    assert!(
        words(person(&report.owner), rights.clone())
            .await
            .contains(SECRET)
    );
    let search = engine.may_search_words(&rights, Some("small")).await;
    assert_eq!(search.unwrap_err().code, "not_cleared");
    engine.may_search_words(&all, Some("small")).await.unwrap();
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_events_and_reports_are_masked_too() {
    Box::pin(leftovers(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_events_and_reports_are_masked_too_on_postgresql() {
    let database = Database::create().await;
    Box::pin(leftovers(Some(&database.url()))).await;
    database.drop().await;
}

/// The line that names a case is classified by the release that made the run, whatever is live now.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_masked_by_each_runs_own_release() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    bench
        .fakes
        .then(Said::Text(json!({"grade": "high"}).to_string()));
    bench.receive("old-case").await;
    let old = bench.task("old-case").await;
    let clerk = Rights::new(vec![Grant {
        clearance: Class::Internal,
        ..Grant::new("edda", Role::Reviewer, None)
    }]);
    bench.stricter().await;
    bench
        .fakes
        .then(Said::Text(json!({"grade": "high"}).to_string()));
    bench.receive("new-case").await;
    bench.task("new-case").await;
    let times = engine.queue_times(None).await;
    let open = tuesday_store::QueueFilter::default();
    let page = engine.reader().queue(&open, times, None, 9);
    let mut rows = page.await.unwrap().rows;
    engine.veil_queue(&clerk, &mut rows).await;
    let told: Vec<_> = rows.iter().map(|r| r.review.subject.as_str()).collect();
    assert!(
        told.contains(&"old-case"),
        "internal when it was made: {told:?}"
    );
    assert!(!told.contains(&"new-case"), "confidential now: {told:?}");
    let mut one = old.clone();
    engine.veil_review(&clerk, &mut one).await;
    assert_eq!(one.subject, "old-case");
    let filter = tuesday_store::RunFilter::default();
    let mut runs = engine.reader().run_page(&filter, None, 9).await.unwrap();
    engine.veil_runs(&clerk, &mut runs).await;
    let told: Vec<_> = runs.iter().map(|r| r.subject.as_str()).collect();
    assert!(
        told.contains(&"old-case") && !told.contains(&"new-case"),
        "{told:?}"
    );
    let mut batch = engine.batch("small", &runs[0].batch).await.unwrap();
    engine.veil_batch(&clerk, &mut batch).await;
    let told: Vec<_> = batch.open.iter().map(|o| o.subject.as_str()).collect();
    assert!(
        told.contains(&"old-case") && !told.contains(&"new-case"),
        "{told:?}"
    );
    bench.end(worker).await;
}
