//! The proof of a destination: holds for one that keeps its word, and names what one that does not
//! does instead.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use serde_json::{Value, json};
use tuesday_connectors::proof::{Mark, Proof, prove};
use tuesday_domain::port::Intent;

use crate::stub::{Reply, Seen, Stub, status};
use crate::{destinations, intent};

/// How a server lies.
#[derive(Clone, Copy, PartialEq)]
enum Lie {
    Nothing,
    /// Every request under one key makes a record.
    ForgetsKeys,
    /// Takes the write and keeps the old values.
    DropsFields,
    /// The entity tag never changes.
    SameVersion,
    /// No entity tag at all.
    NoVersion,
    /// The search finds nothing.
    Blind,
}

/// A small record system: keys, upserts, entity tags, search.
#[derive(Default)]
struct System {
    records: HashMap<String, (u32, Value)>,
    keys: HashMap<String, String>,
}

impl System {
    fn answer(&mut self, lie: Lie, request: &Seen) -> Reply {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        match request.method.as_str() {
            "GET" if !query.is_empty() => {
                let found = self.records.values().map(|(_, r)| r.clone());
                let found: Vec<Value> = found.filter(|_| lie != Lie::Blind).collect();
                Reply::Answer(200, Vec::new(), json!(found).to_string())
            }
            "GET" => self.show(lie, path),
            "POST" => self.create(lie, request),
            _ => self.put(lie, path, request),
        }
    }

    fn show(&self, lie: Lie, path: &str) -> Reply {
        let Some((version, record)) = self.records.get(path) else {
            return status(404, "{}");
        };
        let tag = match lie {
            Lie::NoVersion => Vec::new(),
            Lie::SameVersion => vec![("etag", "\"1\"".to_owned())],
            _ => vec![("etag", format!("\"{version}\""))],
        };
        Reply::Answer(200, tag, record.to_string())
    }

    fn create(&mut self, lie: Lie, request: &Seen) -> Reply {
        let key = request.headers["idempotency-key"].clone();
        let known = self.keys.get(&key).filter(|_| lie != Lie::ForgetsKeys);
        let id = known
            .cloned()
            .unwrap_or_else(|| format!("n{}", self.records.len()));
        self.keys.insert(key, id.clone());
        let mut record = request.body.clone();
        record["id"] = json!(id);
        self.records
            .insert(format!("/notes/{id}"), (1, record.clone()));
        Reply::Answer(201, Vec::new(), record.to_string())
    }

    fn put(&mut self, lie: Lie, path: &str, request: &Seen) -> Reply {
        let (version, record) = self
            .records
            .entry(path.to_owned())
            .or_insert((0, json!({"id": path})));
        if request
            .headers
            .get("if-match")
            .is_some_and(|tag| *tag != format!("\"{version}\""))
        {
            return status(412, "{}");
        }
        *version += u32::from(lie != Lie::SameVersion);
        if lie != Lie::DropsFields {
            for (name, value) in request.body.as_object().unwrap() {
                record[name] = value.clone();
            }
        }
        Reply::Answer(200, Vec::new(), record.to_string())
    }
}

/// The proof of a class on a server with one record, and the writes that arrived.
async fn tried(lie: Lie, settings: impl Fn(&str) -> Value) -> (Proof, usize) {
    let mut system = System::default();
    system.records.insert(
        "/notes/d7".to_owned(),
        (1, json!({"id": "d7", "text": "old", "ref": "-"})),
    );
    let system = Mutex::new(system);
    let stub = Stub::start(move |r| system.lock().unwrap().answer(lie, r)).await;
    let wish: Intent = intent("tsd-1", "d7", json!({"text": "hello"}), settings(&stub.url));
    let proof = prove(&destinations(Path::new(".")), wish).await;
    let writes = stub.seen().iter().filter(|s| s.method != "GET").count();
    (proof, writes)
}

fn keyed(url: &str) -> Value {
    json!({"kind": "http", "ability": "B", "method": "POST", "url": format!("{url}/notes"), "external_id": "/id"})
}

fn named(ability: &str) -> impl Fn(&str) -> Value {
    move |url| {
        let at = format!("{url}/notes/d7");
        json!({"kind": "http", "ability": ability, "method": "PUT", "url": at, "read_url": at})
    }
}

fn searched(url: &str) -> Value {
    json!({"kind": "http", "ability": "E", "method": "POST", "url": format!("{url}/notes"), "key_field": "ref",
        "lookup_url": format!("{url}/notes?ref=tsd-1"), "settle": "10ms"})
}

fn mark(proof: &Proof, check: &str) -> Mark {
    let line = proof.lines.iter().find(|l| l.check == check);
    line.unwrap_or_else(|| panic!("no {check} in {proof:?}"))
        .mark
}

#[tokio::test]
async fn a_server_that_keeps_its_word_is_proven_for_each_class() {
    type Settings = Box<dyn Fn(&str) -> Value>;
    let all: [(Settings, usize); 4] = [
        (Box::new(keyed), 2),
        (Box::new(named("C")), 2),
        (Box::new(named("D")), 1),
        (Box::new(searched), 1),
    ];
    for (settings, writes) in all {
        let (proof, seen) = tried(Lie::Nothing, &settings).await;
        assert!(proof.holds(), "{proof:?}");
        assert_eq!(seen, writes, "{proof:?}");
        assert_eq!(mark(&proof, "write"), Mark::Proven);
    }
}

#[tokio::test]
async fn each_lie_is_found_where_it_is_told() {
    let (forgets, _) = tried(Lie::ForgetsKeys, keyed).await;
    assert_eq!(mark(&forgets, "repeat"), Mark::Failed);
    assert!(forgets.lines.last().unwrap().words.contains("two effects"));
    let (drops, _) = tried(Lie::DropsFields, named("C")).await;
    assert_eq!(mark(&drops, "read_back"), Mark::Failed);
    let (still, _) = tried(Lie::SameVersion, named("D")).await;
    assert_eq!(mark(&still, "repeat"), Mark::Failed);
    let (blind, _) = tried(Lie::Blind, searched).await;
    assert_eq!(mark(&blind, "find"), Mark::Failed);
    let (bare, writes) = tried(Lie::NoVersion, named("D")).await;
    assert_eq!(
        (mark(&bare, "target"), writes),
        (Mark::Failed, 0),
        "nothing was written"
    );
    for proof in [forgets, drops, still, blind, bare] {
        assert!(!proof.holds(), "{proof:?}");
    }
}

#[tokio::test]
async fn files_and_tables_are_proven() {
    let dir = tempfile::tempdir().unwrap();
    let d = destinations(dir.path());
    let file = intent(
        "tsd-1",
        "t",
        json!({"note": "x"}),
        json!({"kind": "file", "ability": "E", "path": "out.jsonl"}),
    );
    let proof = prove(&d, file).await;
    assert!(
        proof.holds() && mark(&proof, "find") == Mark::Proven,
        "{proof:?}"
    );

    let path = dir.path().join("crm.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE deals (id TEXT PRIMARY KEY, tier TEXT); INSERT INTO deals VALUES ('d1', 'silver');")
        .unwrap();
    let settings = json!({"kind": "sql", "ability": "A", "database": format!("sqlite:{}", path.display()),
        "table": "deals", "key_column": "id", "write": "update"});
    let proof = prove(&d, intent("tsd-2", "d1", json!({"tier": "gold"}), settings)).await;
    assert!(
        proof.holds() && mark(&proof, "repeat") == Mark::Proven,
        "{proof:?}"
    );
}
