//! The time in which no node was at work is stated once, by the first that comes back.

use std::time::Duration;

use serde_json::Value;
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::Category;
use tuesday_engine::{Engine, Worker};
use tuesday_store::{AuditFilter, IncidentFilter};
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

const LIMIT: Duration = Duration::from_secs(300);

async fn told(e: &Engine) -> Vec<Value> {
    let filter = AuditFilter {
        kind: Some("instance.returned".to_owned()),
        ..AuditFilter::default()
    };
    e.seal().await.unwrap();
    let all = e.reader().audit_page(&filter, None, 20).await.unwrap();
    let leaf = |r: tuesday_store::AuditRow| serde_json::from_slice(&r.leaf).unwrap();
    all.into_iter().map(leaf).collect()
}

fn ago(e: &Engine, seconds: u64) -> Timestamp {
    e.now().minus(Duration::from_secs(seconds))
}

async fn story(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    // The first start of an instance is no return.
    assert_eq!(engine.come_back(LIMIT).await.unwrap(), None);
    let seen = engine.reader().last_seen().await.unwrap().unwrap();
    assert!(!seen.stopped);

    // Another node lives: one that restarts, or ends, states nothing.
    let second = bench.another("two").await;
    engine.say_stopped().await.unwrap();
    second.say_alive().await.unwrap();
    let seen = engine.reader().last_seen().await.unwrap().unwrap();
    assert!(!seen.stopped, "the other one is there");
    assert_eq!(engine.come_back(LIMIT).await.unwrap(), None);
    assert!(told(engine).await.is_empty());

    // Stopped on purpose, and back within the limit: told, and no incident.
    bench.store.say_stopped(ago(engine, 120)).await.unwrap();
    let down = engine.come_back(LIMIT).await.unwrap().unwrap();
    assert!(
        down.stopped && (120..130).contains(&down.length().as_secs()),
        "{down:?}"
    );
    let first = told(engine).await.remove(0);
    assert_eq!(
        (&first["facts"]["ended"], &first["facts"]["cause"]),
        (&"stopped".into(), &Value::Null)
    );
    assert_eq!(first["facts"]["from"], down.from.rfc3339());
    assert_eq!(first["facts"]["until"], down.until.rfc3339());

    // Lost, and away for longer: the two that come back at once state it once, with an incident.
    let worker = Worker::start(engine);
    bench.store.say_alive(ago(engine, 3_700)).await.unwrap();
    let (one, two) = tokio::join!(engine.come_back(LIMIT), second.come_back(LIMIT));
    let stated: Vec<_> = [one.unwrap(), two.unwrap()].into_iter().flatten().collect();
    assert_eq!(stated.len(), 1, "{stated:?}");
    assert!(!stated[0].stopped);
    let incident = until("the incident", || async {
        let every = IncidentFilter::default();
        let open = engine.reader().incidents(&every, None, 9).await.unwrap();
        open.into_iter().find(|i| i.category == Category::NodeDown)
    })
    .await;
    assert_eq!((incident.owner.as_str(), incident.count), ("tove", 1));
    let lines = engine.reader().incident_entries(incident.id).await.unwrap();
    assert_eq!(lines[0].words, stated[0].words());
    assert!(lines[0].words.contains("for 1 h 1 min") && lines[0].words.contains("crashed"));
    let entries = told(engine).await;
    assert_eq!(entries.len(), 2);
    let lost = entries
        .iter()
        .find(|e| e["facts"]["ended"] == "lost")
        .unwrap();
    assert_eq!(lost["facts"]["cause"], "node_down:every node");
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_without_a_node_is_stated_on_return() {
    Box::pin(story(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_without_a_node_is_stated_on_return_on_postgresql() {
    let database = Database::create().await;
    Box::pin(story(Some(&database.url()))).await;
    database.drop().await;
}
