//! Rows out of a database and into another one: every table that may leave, the same rows, all or nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use tuesday_domain::record::*;
use tuesday_store::{ApplyError, Config, In, LEFT_OUT, Piece, Store};

use crate::bed::{Bed, each};
use crate::candidates::candidate;
use crate::rows::*;

type Tables = BTreeMap<String, (Vec<String>, Vec<Map<String, Value>>)>;

/// What leaves, by table.
async fn dumped(bed: &Bed, workflow: Option<&str>) -> Tables {
    let taken: Arc<Mutex<Vec<Piece>>> = Arc::default();
    let into = Arc::clone(&taken);
    let out = Box::new(move |piece| {
        into.lock().unwrap().push(piece);
        Ok(())
    });
    bed.read.dump(workflow, out).await.unwrap();
    let mut tables = Tables::new();
    let mut name = String::new();
    for piece in std::mem::take(&mut *taken.lock().unwrap()) {
        match piece {
            Piece::Table { name: of, columns } => {
                name.clone_from(&of);
                assert!(
                    tables.insert(of, (columns, Vec::new())).is_none(),
                    "{name} twice"
                );
            }
            Piece::Row(row) => tables.get_mut(&name).unwrap().1.push(row),
        }
    }
    tables
}

/// The pieces of these tables, those first that others refer to.
fn pieces(tables: &Tables) -> Vec<Piece> {
    let first = ["instance", "people", "workflows", "releases", "runs"];
    let mut names: Vec<&String> = tables.keys().collect();
    names.sort_by_key(|n| first.iter().position(|f| f == n).unwrap_or(first.len()));
    let of = |name: &String| {
        let (columns, rows) = &tables[name];
        let table = Piece::Table {
            name: name.clone(),
            columns: columns.clone(),
        };
        std::iter::once(table).chain(rows.iter().cloned().map(Piece::Row))
    };
    names.into_iter().flat_map(of).collect()
}

fn given(pieces: Vec<Piece>) -> In {
    let mut left = pieces.into_iter();
    Box::new(move || Ok(left.next()))
}

async fn filled(bed: &Bed) -> Run {
    bed.raw("INSERT INTO instance (one, id, origin, kind, created_at) VALUES (1, 'i', 'example.com/x', 'real', 5)")
        .await
        .unwrap();
    let first = run("support", "e1");
    bed.store
        .apply(accept(&first, leased(&first, "n1")))
        .await
        .unwrap();
    let other = run("deals", "e2");
    bed.store
        .apply(accept(&other, job(&other, at(0))))
        .await
        .unwrap();
    let changes = vec![
        Change::InsertReview(Box::new(review(&first, "olga", at(60)))),
        Change::InsertPayload(payload(&first, 11, PayloadKind::Snapshot, 30)),
        Change::InsertToken(Box::new(token(9))),
        Change::Candidate(Box::new(CandidateChange::Insert(candidate("invoices", 1)))),
    ];
    let opened = decide(Subject::Instance, "opened", changes);
    bed.store.apply(opened).await.unwrap();
    first
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_comes_in_as_the_same_rows() {
    each(|bed: Bed| async move {
        let run = filled(&bed).await;
        let tables = dumped(&bed, None).await;
        for (name, why) in LEFT_OUT {
            assert!(!tables.contains_key(name), "{name} left: {why}");
        }
        assert_eq!(tables["runs"].1.len(), 2);
        assert!(
            tables["jobs"].1.iter().all(|j| j["lease_node"].is_null()),
            "a lease is a node's"
        );
        // Into a database of the other kind, or of the same one.
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&Config::sqlite(dir.path().join("new.db")))
            .await
            .unwrap();
        let rows: usize = tables.values().map(|t| t.1.len()).sum();
        let loaded = store.load(given(pieces(&tables))).await.unwrap();
        assert_eq!(loaded, rows as u64);
        let read = store.reader();
        assert_eq!(
            read.candidates(5).await.unwrap(),
            [candidate("invoices", 1)]
        );
        assert_eq!(
            read.payloads(run.id).await.unwrap(),
            bed.read.payloads(run.id).await.unwrap()
        );
        assert_eq!(
            read.reviews_of(run.id).await.unwrap(),
            bed.read.reviews_of(run.id).await.unwrap()
        );
        assert!(
            read.tokens().await.unwrap().is_empty(),
            "tokens are secrets"
        );
        let there = store.load(given(pieces(&tables))).await.unwrap_err();
        assert!(matches!(there, ApplyError::Conflict { .. }), "{there:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_workflow_only_what_belongs_to_it_leaves() {
    each(|bed: Bed| async move {
        let run = filled(&bed).await;
        let tables = dumped(&bed, Some("support")).await;
        assert_eq!(tables["runs"].1.len(), 1);
        assert_eq!(
            tables["payloads"].1.iter().filter(|p| p["n"] == 11).count(),
            1
        );
        let id = json!({"hex": run.id.uuid().simple().to_string()});
        for name in ["payloads", "reviews", "jobs"] {
            assert!(tables[name].1.iter().all(|r| r["run_id"] == id), "{name}");
        }
        assert!(
            !tables.contains_key("people"),
            "people belong to no workflow"
        );
    })
    .await;
}

/// Whatever does not fit ends it, and nothing of it is there.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_leaves_nothing_behind() {
    each(|bed: Bed| async move {
        let (donor, _dir) = crate::bed::sqlite().await;
        filled(&donor).await;
        let whole = pieces(&dumped(&donor, None).await);
        let table = |name: &str| Piece::Table {
            name: name.into(),
            columns: vec!["one".into()],
        };
        let last = |piece: Piece| [whole.clone(), vec![piece]].concat();
        let mut bad = vec![
            ("a table that must not leave", last(table("tokens"))),
            (
                "a name that is no table",
                last(table("runs; DROP TABLE runs")),
            ),
            ("a table that is not there", last(table("nothing"))),
            ("other columns", last(table("holds"))),
            (
                "a row of something else",
                last(Piece::Row(Map::from_iter([("x".into(), json!(1))]))),
            ),
        ];
        bad.push(("a row before its table", vec![Piece::Row(Map::new())]));
        let mut broken = whole.clone();
        for piece in &mut broken {
            if let Piece::Row(row) = piece
                && row.contains_key("received_at")
            {
                row.insert("received_at".into(), json!(1.5));
            }
        }
        bad.push(("a fraction", broken));
        for (what, pieces) in bad {
            let refused = bed.store.load(given(pieces)).await;
            assert!(refused.is_err(), "{}: {what}", bed.name);
            for name in ["instance", "runs", "payloads", "audit"] {
                let left = bed.number(&format!("SELECT count(*) FROM {name}")).await;
                assert_eq!(left, 0, "{}: {what}: {name}", bed.name);
            }
        }
        // A giver that fails in the middle, too.
        let mut left = whole.clone().into_iter().take(9);
        let cut: In = Box::new(move || {
            left.next()
                .map(Some)
                .ok_or_else(|| "the file ends".to_owned())
        });
        assert!(bed.store.load(cut).await.is_err());
        assert_eq!(bed.number("SELECT count(*) FROM instance").await, 0);
        assert!(
            bed.store.load(given(whole)).await.is_ok(),
            "whole it comes in"
        );
        assert_eq!(bed.number("SELECT count(*) FROM runs").await, 2);
    })
    .await;
}
