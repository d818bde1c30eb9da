//! Polled triggers: what is dropped is found once it is complete, and leaves when it is taken.

use std::path::Path;

use serde_json::{Value, json};
use tuesday_connectors::feeds::Feeds;
use tuesday_domain::definition::TriggerSpec;
use tuesday_domain::port::{Feed as _, FeedItem};

use crate::vault;

fn trigger(more: Value) -> TriggerSpec {
    let mut spec = json!({ "name": "drop" });
    spec.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    serde_json::from_value(spec).unwrap()
}

fn feeds(base: &Path) -> Feeds {
    Feeds::new(vault(&[]), base)
}

async fn poll(f: &Feeds, spec: &TriggerSpec) -> Vec<FeedItem> {
    f.poll("w", spec, 100).await.unwrap()
}

#[tokio::test]
async fn a_dropped_file_becomes_events_and_moves_when_all_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let spec =
        trigger(json!({ "kind": "file", "folder": ".", "pattern": "*.jsonl", "settle": "0s" }));
    std::fs::write(dir.path().join("a.jsonl"), "{\"n\":1}\n{oops\n{\"n\":3}\n").unwrap();
    let f = feeds(dir.path());
    let items = poll(&f, &spec).await;
    assert_eq!(
        items.iter().map(|i| i.fault.is_some()).collect::<Vec<_>>(),
        [false, true, false]
    );
    assert_eq!(items[2].body, b"{\"n\":3}");
    f.taken(&spec, &items[0], "run_1").await.unwrap();
    f.taken(&spec, &items[0], "run_1").await.unwrap();
    assert_eq!(poll(&f, &spec).await.len(), 2);

    // After a restart everything is found again under the same ids.
    let fresh = feeds(dir.path());
    let again = poll(&fresh, &spec).await;
    assert_eq!(again, items);
    for item in &again {
        fresh
            .taken(
                &spec,
                item,
                if item.fault.is_some() {
                    "refused: bad"
                } else {
                    "run_1"
                },
            )
            .await
            .unwrap();
    }
    assert!(dir.path().join("taken/a.jsonl").is_file());
    assert!(poll(&fresh, &spec).await.is_empty());
    fresh.taken(&spec, &again[2], "run_1").await.unwrap();

    // The same content under another name is the same event; the file is moved beside the first.
    std::fs::copy(dir.path().join("taken/a.jsonl"), dir.path().join("a.jsonl")).unwrap();
    let copy = poll(&fresh, &spec).await;
    assert_eq!(copy[0].event_id, items[0].event_id);
    for item in &copy {
        fresh.taken(&spec, item, "run_1").await.unwrap();
    }
    assert!(dir.path().join("taken/a.jsonl.2").is_file());
}

#[tokio::test]
async fn half_written_empty_and_tricky_files() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &[u8]| std::fs::write(dir.path().join(name), text).unwrap();
    let spec = trigger(json!({ "kind": "file", "folder": ".", "settle": "0s" }));
    for name in [".hidden.json", "a.json.part", "b.tmp", "c.json~"] {
        put(name, b"{}");
    }
    let f = feeds(dir.path());
    assert!(poll(&f, &spec).await.is_empty());
    put("empty.json", b"");
    put("image.png", b"\x89PNG");
    put("bad.json", b"{\"a\":");
    put("line\nbreak.json", b"{}");
    std::os::unix::fs::symlink("/etc/hostname", dir.path().join("link.json")).unwrap();
    put("fine.json", b"{\"a\":1}");
    let items = poll(&f, &spec).await;
    assert_eq!(items.len(), 6);
    assert_eq!(items.iter().filter(|i| i.fault.is_none()).count(), 1);
    let ids: std::collections::HashSet<_> = items.iter().map(|i| &i.event_id).collect();
    assert_eq!(ids.len(), 6);
    for item in &items {
        f.taken(
            &spec,
            item,
            if item.fault.is_some() {
                "refused: bad"
            } else {
                "run_1"
            },
        )
        .await
        .unwrap();
    }
    assert!(dir.path().join("refused/empty.json").is_file());
    assert!(dir.path().join("taken/fine.json").is_file());
    assert!(poll(&f, &spec).await.is_empty());

    // Growing files wait: each change starts the settle time anew.
    let slow = trigger(json!({ "kind": "file", "folder": ".", "settle": "1h" }));
    put("growing.json", b"{\"a\":1}");
    assert!(poll(&f, &slow).await.is_empty());
    let bad = FeedItem {
        handle: "../x#0/1".into(),
        event_id: String::new(),
        body: Vec::new(),
        fault: None,
    };
    assert!(f.taken(&spec, &bad, "run_1").await.is_err());
}

const QUEUE: &str = "CREATE TABLE queue (id INTEGER PRIMARY KEY, event TEXT, taken TEXT);
     INSERT INTO queue (id, event) VALUES (10, '{\"n\":10}'), (9, '{\"n\":9}'), (11, '{oops'), (12, NULL);";

async fn queue(f: &Feeds, database: &str) {
    let spec = trigger(json!({
        "kind": "sql", "database": database, "table": "queue", "key": "id", "column": "event", "taken": "taken"
    }));
    let items = poll(f, &spec).await;
    assert_eq!(
        items
            .iter()
            .map(|i| i.event_id.as_str())
            .collect::<Vec<_>>(),
        ["9", "10", "11", "12"]
    );
    assert_eq!(items.iter().filter(|i| i.fault.is_some()).count(), 2);
    f.taken(&spec, &items[0], "run_1").await.unwrap();
    f.taken(&spec, &items[0], "run_2").await.unwrap();
    f.taken(&spec, &items[2], "refused: not JSON")
        .await
        .unwrap();
    assert_eq!(poll(f, &spec).await.len(), 2);
}

#[tokio::test]
async fn a_queue_row_is_marked_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("q.db");
    let c = rusqlite::Connection::open(&file).unwrap();
    c.execute_batch(QUEUE).unwrap();
    queue(&feeds(dir.path()), "sqlite:q.db").await;
    let first: String = c
        .query_row("SELECT taken FROM queue WHERE id = 9", [], |r| r.get(0))
        .unwrap();
    assert_eq!(first, "run_1", "the first outcome stays");

    let url = crate::sql::fresh_postgres("tuesday_adapters_queue").await;
    crate::sql::execute(&url, QUEUE).await;
    queue(&Feeds::new(vault(&[("env:Q", &url)]), dir.path()), "env:Q").await;
}
