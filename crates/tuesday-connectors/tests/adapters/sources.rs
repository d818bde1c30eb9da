//! Systems of record: one record, none, several, or a fault that says whether to wait.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tuesday_connectors::sources::Sources;
use tuesday_domain::definition::SourceSpec;
use tuesday_domain::port::{Source as _, SourceFault, SourceRecord};

use crate::stub::{Reply, Stub, ok, status};
use crate::{CANARY, client, run, vault};

fn source(more: Value) -> SourceSpec {
    let mut spec = json!({
        "name": "crm", "system": "CRM", "rank": 1, "fields": ["tier"], "record_id": "id", "updated_at": "at",
        "warn_after": "1d", "error_after": "7d"
    });
    spec.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    serde_json::from_value(spec).unwrap()
}

async fn read(s: &Sources, spec: &SourceSpec, id: &str) -> Result<SourceRecord, SourceFault> {
    s.read(
        spec,
        &json!({"input": {"id": id}}),
        run(),
        Duration::from_secs(2),
    )
    .await
}

fn sources(base: &Path) -> Sources {
    Sources::new(client(), vault(&[]), base)
}

#[tokio::test]
async fn http() {
    let stub = Stub::start(|r| match r.path.as_str() {
        "/d/1" => ok(&json!({"id": "1"})),
        "/d/2" => ok(&json!([{"id": "2"}])),
        "/d/3" => ok(&json!([{"id": "3"}, {"id": "3"}])),
        "/d/4" => ok(&json!([])),
        "/d/5" => Reply::Answer(503, vec![("retry-after", "3".to_owned())], String::new()),
        "/d/6" => status(403, &r.headers["authorization"]),
        "/d/7" => ok(&json!("text")),
        "/d/8" => Reply::Drop,
        _ => status(404, ""),
    })
    .await;
    let auth = json!({ "header": "Authorization", "prefix": "Bearer ", "secret": "env:CANARY" });
    let spec = source(
        json!({ "kind": "http", "url": format!("{}/d/{{{{ input.id }}}}", stub.url), "auth": auth }),
    );
    let s = sources(Path::new("."));
    assert_eq!(read(&s, &spec, "1").await.unwrap().record["id"], "1");
    assert_eq!(read(&s, &spec, "2").await.unwrap().record["id"], "2");
    assert!(matches!(
        read(&s, &spec, "3").await,
        Err(SourceFault::Ambiguous { .. })
    ));
    assert!(matches!(
        read(&s, &spec, "4").await,
        Err(SourceFault::NotFound { .. })
    ));
    let wait = Some(Duration::from_secs(3));
    assert!(
        matches!(read(&s, &spec, "5").await, Err(SourceFault::Transient { retry_after, .. }) if retry_after == wait)
    );
    let fault = read(&s, &spec, "6").await.unwrap_err();
    assert!(matches!(
        fault,
        SourceFault::Permanent {
            code: "unauthorized",
            ..
        }
    ));
    assert!(!format!("{fault:?}").contains(CANARY), "{fault:?}");
    assert!(matches!(
        read(&s, &spec, "7").await,
        Err(SourceFault::Permanent { .. })
    ));
    assert!(matches!(
        read(&s, &spec, "8").await,
        Err(SourceFault::Transient { .. })
    ));
    assert!(matches!(
        read(&s, &spec, "1/../../x").await,
        Err(SourceFault::NotFound { .. })
    ));
    assert_eq!(
        stub.seen().last().unwrap().path,
        "/d/1%2F..%2F..%2Fx",
        "a value stays one segment"
    );
}

async fn rows(s: &Sources, database: &str, mark: &str) {
    let spec = source(json!({
        "kind": "sql", "database": database, "params": ["input.id"],
        "query": format!("SELECT id, tier, amount, n FROM deals WHERE id = {mark};")
    }));
    let record = read(s, &spec, "d1").await.unwrap();
    assert_eq!(
        Value::Object(record.record)["amount"],
        "12.5",
        "{:?}",
        record.bytes
    );
    assert!(matches!(
        read(s, &spec, "none' OR '1'='1").await,
        Err(SourceFault::NotFound { .. })
    ));
    assert!(matches!(
        read(s, &spec, "d2").await,
        Err(SourceFault::Ambiguous { .. })
    ));
    let mut writing = spec.clone();
    writing.query = Some("DELETE FROM deals RETURNING id".to_owned());
    writing.params = Vec::new();
    assert!(matches!(
        read(s, &writing, "d1").await,
        Err(SourceFault::Permanent { .. })
    ));
    read(s, &spec, "d1").await.unwrap();
}

#[tokio::test]
async fn sql() {
    let table = "CREATE TABLE deals (id TEXT, tier TEXT, amount NUMERIC, n INTEGER);
         INSERT INTO deals VALUES ('d1', 'gold', 12.5, 3), ('d2', 'a', 1, 1), ('d2', 'b', 1, 1);";
    let dir = tempfile::tempdir().unwrap();
    rusqlite::Connection::open(dir.path().join("crm.db"))
        .unwrap()
        .execute_batch(table)
        .unwrap();
    rows(&sources(dir.path()), "sqlite:crm.db", "?1").await;
    let url = crate::sql::fresh_postgres("tuesday_adapters_read").await;
    crate::sql::execute(&url, table).await;
    rows(
        &Sources::new(client(), vault(&[("env:DB", &url)]), dir.path()),
        "env:DB",
        "$1",
    )
    .await;
}

#[tokio::test]
async fn an_endless_query_is_cut_at_its_timeout() {
    let dir = tempfile::tempdir().unwrap();
    rusqlite::Connection::open(dir.path().join("crm.db"))
        .unwrap()
        .execute_batch("CREATE TABLE t (a)")
        .unwrap();
    let endless =
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
    let spec = source(json!({ "kind": "sql", "database": "sqlite:crm.db", "query": endless }));
    let facts = json!({"input": {}});
    let fault = sources(dir.path())
        .read(&spec, &facts, run(), Duration::from_millis(50))
        .await
        .unwrap_err();
    assert!(
        matches!(
            fault,
            SourceFault::Transient {
                code: "timeout",
                ..
            }
        ),
        "{fault:?}"
    );
}

#[tokio::test]
async fn file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deals.csv");
    let mut text = "id,tier\n".to_owned();
    for i in 0..20_000 {
        text.push_str(&format!("d{i},t{}\n", i % 7));
    }
    text.push_str("d5,t5\nd6,other\n");
    std::fs::write(&path, &text).unwrap();
    let spec =
        source(json!({ "kind": "file", "path": "deals.csv", "key": "id", "equals": "input.id" }));
    let s = sources(dir.path());
    let twice = read(&s, &spec, "d5").await.unwrap();
    assert_eq!(
        twice.location, "deals.csv:7,20002",
        "equal copies are one, with both places"
    );
    assert!(matches!(
        read(&s, &spec, "d6").await,
        Err(SourceFault::Ambiguous { .. })
    ));
    assert!(matches!(
        read(&s, &spec, "none").await,
        Err(SourceFault::NotFound { .. })
    ));
    assert!(matches!(
        read(&s, &spec, "").await,
        Err(SourceFault::NotFound { .. })
    ));
    let started = Instant::now();
    for i in 100..5_100 {
        read(&s, &spec, &format!("d{i}")).await.unwrap();
    }
    println!(
        "file source: 5,000 look-ups among 20,000 rows in {:?}",
        started.elapsed()
    );
    std::fs::write(&path, "id,tier\nd1,new\n").unwrap();
    assert_eq!(
        read(&s, &spec, "d1").await.unwrap().record["tier"],
        "new",
        "a new export is seen at once"
    );
}
