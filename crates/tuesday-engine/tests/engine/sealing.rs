//! Several processes seal one log; what is not as it was signed opens one incident, whoever looks: the
//! sealer, the scheduled check, a command, a reader of a run.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::record::Incident;
use tuesday_domain::trouble::incident::IncidentState;
use tuesday_domain::trouble::{Category, Severity};
use tuesday_engine::ops::PostedSignal;
use tuesday_engine::{Engine, Worker};
use tuesday_store::IncidentFilter;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;
use crate::trouble::later;

const FILE: &str = "checkpoints.txt";

async fn post(engine: &Engine, name: String) {
    let new = PostedSignal {
        event: Some(name),
        kind: "complaint".into(),
        run: None,
        record: None,
        wrong: true,
        count: 1,
        at: None,
    };
    let by = Actor::Token("tok".into());
    engine.post_signal("small", new, &by).await.unwrap();
}

/// As a command does beside a running node: acts, and seals what it did.
async fn acts(engine: &Engine, name: &str) {
    for n in 0..120 {
        post(engine, format!("{name}-{n}")).await;
        engine
            .seal()
            .await
            .unwrap_or_else(|p| panic!("{name} {n}: {p}"));
    }
}

async fn side_by_side(database: Option<&Database>) {
    let url = database.map(Database::url);
    let bench = Bench::on(&[], url.as_deref()).await;
    let (one, two) = (
        bench.publishing("a", FILE).await,
        bench.publishing("b", FILE).await,
    );
    let (a, b) = (one.clone(), two.clone());
    let a = tokio::spawn(async move { acts(&a, "a").await });
    let b = tokio::spawn(async move { acts(&b, "b").await });
    a.await.unwrap();
    b.await.unwrap();
    let done = one
        .verify_audit(bench.verifier(), &[], |_| {})
        .await
        .unwrap();
    assert_eq!(done.entries, done.sealed, "everything is sealed");
    assert!(done.entries > 240, "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_seal_side_by_side() {
    Box::pin(side_by_side(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_seal_side_by_side_on_postgres() {
    let database = Database::create().await;
    Box::pin(side_by_side(Some(&database))).await;
    database.drop().await;
}

/// The one incident about the record, once there is one.
async fn incident(bench: &Bench) -> Incident {
    until("the fault is an incident", || async {
        let filter = IncidentFilter {
            category: Some(Category::AuditBroken),
            ..IncidentFilter::default()
        };
        let found = bench
            .engine
            .reader()
            .incidents(&filter, None, 9)
            .await
            .unwrap();
        assert!(found.len() < 2, "one cause is one incident: {found:#?}");
        found.into_iter().next()
    })
    .await
}

fn named(found: &Incident) {
    assert_eq!(found.severity, Severity::Critical);
    assert_eq!(found.owner, "tove", "the technical owner answers for it");
    assert_eq!(found.category.runbook(), "audit-broken");
}

/// A head was published that the database does not have.
async fn went_back(database: Option<&Database>) {
    let url = database.map(Database::url);
    let bench = Bench::on(&[], url.as_deref()).await;
    let worker = Worker::start(&bench.engine);
    let node = bench.publishing("a", FILE).await;
    post(&node, "one".into()).await;
    node.seal().await.unwrap();
    // Of a size the log has had, with another root.
    bench.publish(FILE, 1, [7; 32]);
    for n in 0..3 {
        post(&node, format!("again-{n}")).await;
        let refused = node.seal().await.unwrap_err();
        assert_eq!(refused.code, "audit_unavailable");
    }
    let found = incident(&bench).await;
    named(&found);
    bench.publish(FILE, 9_999, [7; 32]);
    let refused = node.seal().await.unwrap_err();
    assert!(
        refused.detail.contains("9999 entries was published"),
        "{}",
        refused.detail
    );
    // What it says about it does not grow with every look.
    let looked = incident(&bench).await;
    assert_eq!(
        (looked.id, looked.state),
        (found.id, IncidentState::Triggered)
    );
    assert!(looked.count <= 3, "{}", looked.count);
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_does_not_fit_is_one_incident() {
    Box::pin(went_back(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_does_not_fit_is_one_incident_on_postgres() {
    let database = Database::create().await;
    Box::pin(went_back(Some(&database))).await;
    database.drop().await;
}

/// Nobody asks: the check that runs by itself finds an entry that was changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_entry_is_found_without_being_asked() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    for n in 0..5 {
        post(&bench.engine, format!("s{n}")).await;
    }
    bench.engine.seal().await.unwrap();
    for trigger in bench.triggers("audit") {
        bench.raw(&format!("DROP TRIGGER {trigger}"));
    }
    let changed = bench.raw("UPDATE audit SET leaf = CAST(replace(CAST(leaf AS TEXT), 'complaint', 'complainT') AS BLOB) WHERE idx = (SELECT max(idx) FROM audit)");
    assert_eq!(changed, 1);
    later(&bench, 11).await;
    let found = incident(&bench).await;
    named(&found);
    let told = bench
        .engine
        .verify_audit(bench.verifier(), &[], |_| {})
        .await;
    assert_eq!(told.unwrap_err().code, "audit_broken");
    assert_eq!(incident(&bench).await.id, found.id);
    worker.shut_down(Duration::from_secs(10)).await;
}

/// Somebody reads a run whose stored bytes were changed.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_bytes_are_an_incident_when_somebody_reads_them() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    bench.receive("c1").await;
    let run = bench.rest("c1").await.run.id;
    let whole = bench.engine.story(run).await.unwrap();
    assert!(whole.integrity.whole, "{:?}", whole.integrity);
    assert_eq!(
        bench.raw("UPDATE payloads SET bytes = CAST(bytes || ' ' AS BLOB) WHERE kind = 'output'"),
        1
    );
    for _ in 0..3 {
        let read = bench.engine.story(run).await.unwrap();
        assert_eq!(read.integrity.damaged.len(), 1, "{:?}", read.integrity);
    }
    let found = incident(&bench).await;
    named(&found);
    assert_eq!(found.workflow.as_deref(), Some("small"));
    let runs = bench
        .engine
        .reader()
        .incident_runs(found.id, None, 9)
        .await
        .unwrap();
    assert_eq!(runs, [run], "it says which run");
    worker.shut_down(Duration::from_secs(10)).await;
}
