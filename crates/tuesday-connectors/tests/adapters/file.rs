//! Files that get one record per action, also when the writer is killed.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tuesday_domain::port::{Destination as _, Intent, Look, ReadBack, SendFault};

use crate::{destinations, intent};

const CHILD: &str = "TUESDAY_TEST_APPEND_TO";
const RECORDS: usize = 400;

fn line(path: &str, key: usize) -> Intent {
    let fields = json!({ "note": format!("line one\nline \"two\" of {key}"), "amount": "-12.50" });
    intent(
        &format!("tsd-{key:08}"),
        "t",
        fields,
        json!({ "kind": "file", "ability": "E", "path": path }),
    )
}

fn keys(path: &Path) -> HashMap<String, usize> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut found = HashMap::new();
    if path.extension().unwrap() == "csv" {
        for row in csv::Reader::from_reader(text.as_bytes()).records() {
            *found.entry(row.unwrap()[0].to_owned()).or_default() += 1;
        }
    } else {
        for line in text.lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            *found
                .entry(record["tuesday_key"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
    }
    found
}

#[tokio::test]
async fn a_record_is_there_once_however_often_it_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["out.csv", "out.jsonl"] {
        // Two adapters on one file stand for two processes: the lock is per open file.
        let (a, b) = (destinations(dir.path()), destinations(dir.path()));
        for key in 0..20 {
            let wish = line(name, key);
            assert_eq!(a.look(&wish).await, Look::Absent);
            let (one, two) = futures::future::join(a.send(&wish), b.send(&wish)).await;
            let (one, two) = (one.unwrap(), two.unwrap());
            assert!(one.repeated != two.repeated, "one writes, one finds it");
            assert!(matches!(b.look(&wish).await, Look::Found(_)));
            assert!(matches!(b.read_back(&wish, &one).await, ReadBack::Equal(_)));
        }
        assert!(keys(&dir.path().join(name)).values().all(|n| *n == 1));
        let mut other = line(name, 3);
        other.fields["note"] = json!("something else");
        assert!(matches!(
            a.send(&other).await,
            Err(SendFault::RefusedForGood {
                code: "key_reuse",
                ..
            })
        ));
        assert!(matches!(
            a.read_back(&other, &a.send(&line(name, 3)).await.unwrap())
                .await,
            ReadBack::Differs(_)
        ));
    }
    let mut wider = line("out.csv", 99);
    wider.fields.insert("surprise".to_owned(), json!(1));
    let d = destinations(dir.path());
    assert!(matches!(
        d.send(&wider).await,
        Err(SendFault::RefusedForGood {
            code: "new_column",
            ..
        })
    ));
    assert!(matches!(
        d.send(&line("none/out.csv", 1)).await,
        Err(SendFault::RefusedForGood {
            code: "no_folder",
            ..
        })
    ));
}

#[tokio::test]
async fn a_torn_record_of_ours_is_taken_off_and_a_foreign_one_is_left() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["out.csv", "out.jsonl"] {
        let path = dir.path().join(name);
        destinations(dir.path()).send(&line(name, 1)).await.unwrap();
        let whole = std::fs::read(&path).unwrap();
        let start = if name == "out.csv" {
            whole.iter().position(|&b| b == b'\n').unwrap() + 1
        } else {
            0
        };
        for cut in start..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let d = destinations(dir.path());
            assert_eq!(d.look(&line(name, 1)).await, Look::Absent, "cut at {cut}");
            assert!(!d.send(&line(name, 1)).await.unwrap().repeated);
            assert_eq!(std::fs::read(&path).unwrap(), whole, "cut at {cut}");
        }
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"by hand")
            .unwrap();
        let before = std::fs::read(&path).unwrap();
        let d = destinations(dir.path());
        assert!(matches!(
            d.send(&line(name, 2)).await,
            Err(SendFault::RefusedForGood {
                code: "torn_line",
                ..
            })
        ));
        assert!(matches!(d.look(&line(name, 2)).await, Look::Unknown(_)));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

/// Not a test of its own: the process that `killed_writers_leave_no_halves_and_no_doubles` kills.
#[tokio::test]
async fn child_that_appends() {
    let Ok(target) = std::env::var(CHILD) else {
        return;
    };
    let target = Path::new(&target);
    let d = destinations(target.parent().unwrap());
    for key in 0..RECORDS {
        d.send(&line(target.file_name().unwrap().to_str().unwrap(), key))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn killed_writers_leave_no_halves_and_no_doubles() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["out.csv", "out.jsonl"] {
        let path = dir.path().join(name);
        let mut kills = 0;
        for round in 1..=6_u64 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "file::child_that_appends"])
                .env(CHILD, &path)
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let size = || path.metadata().map_or(0, |m| m.len());
            while size() < round * 1_000 + round && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            kills += usize::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(kills > 0, "at least one writer was killed at work");
        let d = destinations(dir.path());
        for key in 0..RECORDS {
            d.send(&line(name, key)).await.unwrap();
        }
        let found = keys(&path);
        assert_eq!(found.len(), RECORDS);
        assert!(found.values().all(|n| *n == 1));
        println!("{name}: {kills} kills, {RECORDS} records, each once");
    }
}
