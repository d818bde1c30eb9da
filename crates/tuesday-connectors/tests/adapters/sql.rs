//! Table destinations: the same behaviour on `SQLite` and on the `PostgreSQL` that
//! `TUESDAY_TEST_POSTGRES` names.

use std::path::Path;

use serde_json::{Value, json};
use tuesday_connectors::destinations::Destinations;
use tuesday_domain::port::{Destination as _, Intent, Look, ReadBack, SendFault};

use crate::{client, destinations, intent, vault};

const TABLE: &str = "CREATE TABLE deals (id TEXT PRIMARY KEY, tier TEXT, amount NUMERIC(10,2), version INTEGER NOT NULL DEFAULT 1);
     INSERT INTO deals (id, tier, amount) VALUES ('d1', 'silver', 5), ('d2', 'silver', 6);
     CREATE TABLE loose (deal TEXT, note TEXT);
     INSERT INTO loose VALUES ('d1', 'a'), ('d1', 'b');";

fn write(database: &str, key: &str, target: &str, verb: &str, fields: Value) -> Intent {
    let settings = json!({
        "kind": "sql", "ability": "A", "database": database, "table": "deals", "key_column": "id", "write": verb,
        "version_column": "version"
    });
    intent(key, target, fields, settings)
}

/// Everything a table destination promises.
async fn promises(d: &Destinations, database: &str) {
    let gold = |key: &str, target: &str, verb: &str| {
        write(
            database,
            key,
            target,
            verb,
            json!({"tier": "gold", "amount": "12.50"}),
        )
    };
    let wish = gold("k1", "d1", "update");
    assert_eq!(d.look(&wish).await, Look::Absent);
    let target = d.target(&wish).await.unwrap();
    assert_eq!(target.version.as_deref(), Some("1"));
    let delivery = d.send(&wish).await.unwrap();
    assert!(!delivery.repeated);
    assert_eq!(delivery.before.as_ref().unwrap()["tier"], "silver");
    assert_eq!(delivery.after.as_ref().unwrap()["tier"], "gold");
    assert!(matches!(
        d.read_back(&wish, &delivery).await,
        ReadBack::Equal(_)
    ));

    let again = d.send(&wish).await.unwrap();
    assert!(again.repeated, "the second send changes nothing");
    assert_eq!(
        (again.before, again.after),
        (delivery.before.clone(), delivery.after.clone())
    );
    assert!(matches!(d.look(&wish).await, Look::Found(found) if found.repeated));
    let other = write(database, "k1", "d1", "update", json!({"tier": "bronze"}));
    assert!(matches!(
        d.send(&other).await,
        Err(SendFault::RefusedForGood {
            code: "key_reuse",
            ..
        })
    ));

    assert!(matches!(
        d.send(&gold("k2", "nobody", "update")).await,
        Err(SendFault::NoUniqueTarget { .. })
    ));
    let mut twice = write(database, "k3", "d1", "update", json!({"note": "c"}));
    (
        twice.spec.table,
        twice.spec.key_column,
        twice.spec.version_column,
    ) = (Some("loose".into()), Some("deal".into()), None);
    assert!(matches!(
        d.send(&twice).await,
        Err(SendFault::NoUniqueTarget { .. })
    ));
    assert!(
        matches!(d.read_back(&twice, &delivery).await, ReadBack::Differs(_)),
        "neither row was touched"
    );
    assert_eq!(
        d.look(&twice).await,
        Look::Absent,
        "a refused write leaves no receipt"
    );

    let mut stale = gold("k4", "d2", "update");
    stale.expected_version = Some("0".to_owned());
    assert!(
        matches!(d.send(&stale).await, Err(SendFault::TargetChanged { detail }) if detail.contains('0') && detail.contains('1'))
    );

    d.send(&gold("k5", "d3", "upsert")).await.unwrap();
    let changed = d
        .send(&write(
            database,
            "k6",
            "d3",
            "upsert",
            json!({"tier": "iron"}),
        ))
        .await
        .unwrap();
    assert_eq!(changed.before.unwrap()["tier"], "gold");
    assert!(
        matches!(d.read_back(&gold("k5", "d3", "upsert"), &delivery).await, ReadBack::Differs(why) if why.contains("iron"))
    );
    let inserted = gold("k7", "d4", "insert");
    let delivery = d.send(&inserted).await.unwrap();
    assert!(matches!(
        d.read_back(&inserted, &delivery).await,
        ReadBack::Equal(_)
    ));
    assert!(matches!(
        d.send(&gold("k8", "d4", "insert")).await,
        Err(SendFault::RefusedForGood {
            code: "constraint",
            ..
        })
    ));

    for (column, table) in [
        ("tier = 'x'; --", "deals"),
        ("tier", "deals; DROP TABLE deals"),
    ] {
        let mut bad = write(database, "k9", "d1", "update", json!({ column: "x" }));
        bad.spec.table = Some(table.to_owned());
        assert!(matches!(
            d.send(&bad).await,
            Err(SendFault::RefusedForGood {
                code: "bad_config",
                ..
            })
        ));
    }
    let quoted = write(
        database,
        "k10",
        "d2",
        "update",
        json!({"tier": "'; DROP TABLE deals; --"}),
    );
    let delivery = d.send(&quoted).await.unwrap();
    assert!(matches!(
        d.read_back(&quoted, &delivery).await,
        ReadBack::Equal(_)
    ));
}

/// Many senders, each key sent twice at once: one effect for each key.
async fn crowd(base: &Path, database: &str, secrets: &[(&str, &str)], n: usize) {
    let d = std::sync::Arc::new(Destinations::new(client(), vault(secrets), base));
    let started = std::time::Instant::now();
    let sends = (0..n * 2).map(|i| {
        let (d, database) = (std::sync::Arc::clone(&d), database.to_owned());
        tokio::spawn(async move {
            let key = format!("c{}", i / 2);
            let mut wish = write(&database, &key, &key, "insert", json!({"tier": "t"}));
            wish.timeout_ms = 60_000;
            d.send(&wish).await.unwrap().repeated
        })
    });
    let repeated = futures::future::join_all(sends.collect::<Vec<_>>())
        .await
        .into_iter()
        .filter(|r| *r.as_ref().unwrap())
        .count();
    assert_eq!(
        repeated, n,
        "of each pair one writes and one finds the receipt"
    );
    let shown = if database.starts_with("sqlite") {
        "sqlite"
    } else {
        "postgres"
    };
    println!(
        "{shown}: {n} effects, {n} repeats in {:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("crm.db");
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute_batch(TABLE)
        .unwrap();
    promises(&destinations(dir.path()), "sqlite:crm.db").await;
    crowd(dir.path(), "sqlite:crm.db", &[], 1_000).await;
    let c = rusqlite::Connection::open(&file).unwrap();
    let both: (i64, i64) = c
        .query_row("SELECT (SELECT count(*) FROM deals WHERE id LIKE 'c%'), (SELECT count(*) FROM tuesday_receipts WHERE key LIKE 'c%')", [], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
        .unwrap();
    assert_eq!(both, (1_000, 1_000));
    // Effect and receipt stand or fall together, also when the receipt is what fails.
    c.execute_batch("CREATE TRIGGER torn BEFORE INSERT ON tuesday_receipts WHEN NEW.key = 'torn' BEGIN SELECT RAISE(ABORT, 'no'); END")
        .unwrap();
    let torn = write(
        "sqlite:crm.db",
        "torn",
        "torn",
        "insert",
        json!({"tier": "x"}),
    );
    let d = destinations(dir.path());
    assert!(matches!(
        d.send(&torn).await,
        Err(SendFault::RefusedForGood { .. })
    ));
    let left: i64 = c
        .query_row("SELECT count(*) FROM deals WHERE id = 'torn'", [], |r| {
            r.get(0)
        })
        .unwrap();
    assert_eq!(left, 0);

    let gone = write("sqlite:none.db", "k", "d1", "update", json!({"tier": "x"}));
    assert!(matches!(
        d.send(&gone).await,
        Err(SendFault::RefusedForGood {
            code: "no_database",
            ..
        })
    ));
    assert!(!dir.path().join("none.db").exists());
}

/// A database of its own on the server, so that nothing is left in anybody's.
pub(crate) async fn fresh_postgres(name: &str) -> String {
    let server = std::env::var("TUESDAY_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!(
            "missing: PostgreSQL. TUESDAY_TEST_POSTGRES is not set, so this test cannot run; \
             cargo xtask postgres cargo nextest run -p tuesday-connectors starts one"
        )
    });
    let (admin, connection) = tokio_postgres::connect(&server, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    admin
        .batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        .await
        .unwrap();
    admin
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    let (start, _) = server.rsplit_once('/').unwrap();
    format!("{start}/{name}")
}

pub(crate) async fn execute(url: &str, sql: &str) {
    let (c, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    c.batch_execute(sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    let url = fresh_postgres("tuesday_adapters_write").await;
    execute(&url, TABLE).await;
    let base = Path::new(".");
    promises(
        &Destinations::new(client(), vault(&[("env:CRM", &url)]), base),
        "env:CRM",
    )
    .await;
    crowd(base, "env:CRM", &[("env:CRM", &url)], 200).await;
    let fault = destinations(base)
        .send(&write(
            "env:CANARY",
            "k",
            "d1",
            "update",
            json!({"tier": "x"}),
        ))
        .await
        .unwrap_err();
    assert!(
        matches!(
            fault,
            SendFault::RefusedForNow {
                code: "connect",
                ..
            }
        ),
        "{fault:?}"
    );
    assert!(!format!("{fault:?}").contains(crate::CANARY));
}
