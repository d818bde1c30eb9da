//! PLT-07: an instance of an earlier version, with a hundred runs in every state, is opened by this
//! one. `upgrade/schema-5.db.gz` was made by that version's own program: the blank package, runs that
//! wait for input, for a person, for a claim holder and for a destination that failed, paused ones,
//! and ended ones of each kind.

use std::io::Read as _;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::{Desk, text};

const OLD: &[u8] = include_bytes!("upgrade/schema-5.db.gz");
const KEY: &str = include_str!("upgrade/schema-5.vkey");
const ENDED: [&str; 5] = ["completed", "rejected", "handed_off", "cancelled", "failed"];

fn rows(desk: &Desk, args: &[&str]) -> Vec<Value> {
    let said = desk.run(&[&["--json"], args].concat()).ok();
    said.out
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

fn runs(desk: &Desk) -> Vec<Value> {
    rows(desk, &["run", "list", "--limit", "200"])
}

/// A server, until nothing is left that a worker moves on.
fn work(desk: &Desk) {
    let mut server = desk
        .command(&["serve", "--listen", "127.0.0.1:0"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let busy = [
        "received",
        "queued",
        "running",
        "retry_wait",
        "dispatching",
        "held",
    ];
    for _ in 0..300 {
        std::thread::sleep(Duration::from_millis(100));
        if !runs(desk)
            .iter()
            .any(|r| busy.contains(&text(r, "/status").as_str()))
        {
            break;
        }
    }
    let _ = server.kill();
    let _ = server.wait();
}

#[test]
fn runs_of_an_earlier_version_are_explained_and_finished() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("tuesday-data")).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(OLD)
        .read_to_end(&mut bytes)
        .unwrap();
    std::fs::write(desk.path("tuesday-data/tuesday.db"), bytes).unwrap();
    std::fs::write(desk.path("tuesday-data/audit.vkey"), KEY).unwrap();
    desk.run(&["migrate", "--status"]).with(1);
    desk.run(&["migrate"]).ok();
    desk.run(&["audit", "verify"]).ok();

    let before = runs(&desk);
    assert!(before.len() > 100, "{}", before.len());
    for run in &before {
        let story = desk
            .run(&["--json", "reconstruct", &text(run, "/id")])
            .ok()
            .json();
        assert_eq!(story["answers"].as_array().unwrap().len(), 8);
        assert_eq!(story["status"], run["status"]);
    }

    let resume = [
        "workflow", "resume", "own", "--as", "ana", "--reason", "upgraded",
    ];
    desk.run(&resume).ok();
    for _ in 0..4 {
        for task in rows(&desk, &["review", "list", "--limit", "200"]) {
            let id = text(&task, "/id");
            let by = task["claimed_by"].as_str().unwrap_or("ana").to_owned();
            // A day after it was made its deadlines are over: what they put before a person has no output that
            // the task was opened for.
            let late = text(&task, "/reason") == "overdue";
            let act: &[&str] = match text(&task, "/kind").as_str() {
                "output" if !late => &["review", "approve", &id, "--all-checked"],
                _ => &[
                    "review",
                    "settle",
                    &id,
                    "--close-failed",
                    "the sender never answered",
                ],
            };
            desk.run(&[act, &["--as", &by]].concat()).ok();
        }
        work(&desk);
        let ended = |r: &Value| ENDED.contains(&text(r, "/status").as_str());
        if runs(&desk).iter().all(ended) {
            break;
        }
    }
    let after = runs(&desk);
    assert_eq!(after.len(), before.len());
    for run in &after {
        assert!(ENDED.contains(&text(run, "/status").as_str()), "{run}");
        let was = before.iter().find(|b| b["id"] == run["id"]).unwrap();
        if ENDED.contains(&text(was, "/status").as_str()) {
            assert_eq!(was["status"], run["status"], "history stays");
        }
        assert_eq!(
            was["release"], run["release"],
            "the pinned definition stays"
        );
    }
    desk.run(&["audit", "verify"]).ok();
}
