//! A year in small, on either database: every number of the scorecard is what the exported log alone gives,
//! and a drift is found in time and not before. And it can fail: a figure that was changed behind the log is
//! named, and a bundle that was touched counts nothing.

use std::path::Path;

use serde_json::Value;
use tuesday_testkit::{Database, Home};

/// A fifth of a year is enough for every kind of day; the whole one is `tuesday bench --workload year`.
const YEAR: [&str; 9] = [
    "bench",
    "--workload",
    "year",
    "--runs",
    "3000",
    "--days",
    "28",
    "--json",
    "--store",
];

fn home(dir: &Path, database: Option<&Database>) -> Home {
    Home {
        program: env!("CARGO_BIN_EXE_tuesday").into(),
        dir: dir.to_owned(),
        database: database.map(Database::url),
        env: Vec::new(),
    }
}

async fn live(home: &Home, store: &str) -> Value {
    let (code, out, err) = home.run(&[&YEAR[..], &[store]].concat()).await;
    assert_eq!(code, 0, "{out}\n{err}");
    serde_json::from_str(out.trim()).unwrap()
}

fn holds(year: &Value) {
    assert_eq!(year["recount"]["differences"], serde_json::json!([]));
    assert!(
        year["recount"]["numbers"].as_u64().unwrap() > 1_000,
        "{year}"
    );
    assert!(year["decisions"].as_u64().unwrap() > 300, "{year}");
    let drift = &year["drift"];
    assert_eq!(
        (&drift["before"], &drift["afterwards"]),
        (&0.into(), &0.into())
    );
    let found = drift["found"].as_str().unwrap();
    assert!(found > drift["began"].as_str().unwrap(), "{drift}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_adds_up_to_what_its_log_says() {
    let dir = tempfile::tempdir().unwrap();
    let home = home(dir.path(), None);
    let year = live(&home, "sqlite").await;
    holds(&year);
    let span = [
        "--from",
        year["from"].as_str().unwrap(),
        "--to",
        year["to"].as_str().unwrap(),
    ];
    let again = [&["audit", "recount", "bench-year"], &span[..]].concat();
    let whole = home.json(&again).await;
    assert_eq!(
        (&whole["equal"], &whole["moving"]),
        (&true.into(), &false.into())
    );
    bundled(&home, &span, dir.path()).await;
    said_by_label(&home).await;
    // Somebody makes the time that people spent look shorter, where no log sees it.
    let db = rusqlite::Connection::open(dir.path().join("tuesday.db")).unwrap();
    let sql = "UPDATE review_reads SET visible_ms = visible_ms / 2 WHERE visible_ms > 10000";
    assert!(db.execute(sql, []).unwrap() > 100);
    drop(db);
    let (code, out, err) = home.run(&again).await;
    assert_eq!(code, 1, "{out}\n{err}");
    assert!(out.contains("saved.lines.review.ms"), "{out}");
    assert!(err.contains("does not follow from the log"), "{err}");
}

/// The value report says what the workflow is called, and claims no saving for research.
async fn said_by_label(home: &Home) {
    let report = ["report", "value", "--workflow", "bench-year"];
    let (_, out, _) = home.run(&report).await;
    assert!(
        out.contains("Label: production") && out.contains("Time saved, net"),
        "{out}"
    );
    let lowered = [
        "workflow",
        "label",
        "bench-year",
        "research",
        "--question",
        "go on?",
        "--evidence",
        "the year",
        "--reason",
        "it was an experiment",
        "--as",
        "olga",
    ];
    let (code, out, err) = home.run(&lowered).await;
    assert_eq!(code, 0, "{out}\n{err}");
    let (_, out, _) = home.run(&report).await;
    assert!(
        out.contains("no saving is claimed") && !out.contains("Time saved"),
        "{out}"
    );
    assert!(out.contains("Cost of a resolved task"), "{out}");
    assert_eq!(home.json(&report).await["savings_claimed"], false);
}

/// The same numbers from a file, with no database at hand; none from one that was touched.
async fn bundled(home: &Home, span: &[&str], dir: &Path) {
    let file = dir.join("log.bundle");
    let file = file.to_str().unwrap();
    home.json(&["audit", "export", "--no-payloads", "-o", file])
        .await;
    let ask = [&["audit", "recount", "bench-year", "--bundle", file], span].concat();
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = self::home(elsewhere.path(), None);
    let counted = stranger.json(&ask).await;
    assert_eq!(counted["numbers"]["figures.runs.value"], 3_000);
    assert_eq!(counted["key_was_trusted"], false);
    let part = dir.join("part.bundle");
    let part = part.to_str().unwrap();
    let some = [
        "audit",
        "export",
        "--workflow",
        "bench-year",
        "--no-payloads",
        "-o",
        part,
    ];
    home.json(&some).await;
    let of_part = [&["audit", "recount", "bench-year", "--bundle", part], span].concat();
    let (code, out, err) = stranger.run(&of_part).await;
    assert_ne!(code, 0, "{out}");
    assert!(err.contains("only a whole one can be counted"), "{err}");
    let text = std::fs::read_to_string(file).unwrap();
    // One character of one entry.
    let at = text.find("\"leaf\":\"").unwrap() + 40;
    let other = if text.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    let touched = format!("{}{other}{}", &text[..at], &text[at + 1..]);
    std::fs::write(file, touched).unwrap();
    let (code, out, err) = stranger.run(&ask).await;
    assert_ne!(code, 0, "{out}");
    assert!(err.contains("audit_broken"), "{err}");
    assert!(!out.contains("figures.runs"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_on_postgresql_adds_up_too() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::create().await;
    let year = live(&home(dir.path(), Some(&database)), "postgres").await;
    holds(&year);
    database.drop().await;
}
