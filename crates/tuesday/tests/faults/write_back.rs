//! Story 9: workers die in the middle of writing back. A thousand actions to six kinds of destinations,
//! lost answers, nodes killed at random; judged by what each destination holds in the end.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tuesday_domain::action::ActionState;
use tuesday_domain::record::Action;
use tuesday_domain::review::ReviewKind;
use tuesday_domain::run::{Outcome, Reason, Status};
use tuesday_domain::trouble::Category;
use tuesday_store::IncidentFilter;
use tuesday_stub::{Cut, Script};
use tuesday_testkit::check::{read_all, settled};
use tuesday_testkit::{Database, Effect, Found, Node, Random, until};

use crate::bed::{Bed, Case, each};
use crate::stopped::nodes;

const RUNS: usize = 220;
const KILLS: usize = 30;
/// One lost answer in so many, at the desk.
const LOST: usize = 20;
/// Mails whose answer is lost after the server took them.
const MAILS_LOST: u64 = 4;

/// A queue row and a line of a file besides: a conditional update and an append.
const MORE: &str = r#"[[action]]
name = "row"
class = "write"
kind = "sql"
system = "Queue"
ability = "A"
target = "input.id"
database = "sqlite:queue.db"
table = "queue"
key_column = "id"
write = "update"
version_column = "version"

[action.fields]
grade = "output.grade"

[[action]]
name = "line"
class = "write"
kind = "file"
system = "Feed"
ability = "E"
target = "input.id"
path = "feed.jsonl"

[action.fields]
case = "input.id"
grade = "output.grade"

[watch]
reconcile = "1h"

[manual]"#;

/// A node that is killed while it writes counts as a try, and what is looked for is not patience.
const CHANGES: [(&str, &str); 2] = [
    ("max_attempts = 4", "max_attempts = 400"),
    ("[manual]", MORE),
];

fn cases() -> Vec<Case> {
    let lane = |i| match i % 5 {
        0 => "mail",
        1 => "search",
        2 => "version",
        _ => "auto",
    };
    (0..RUNS)
        .map(|i| Case::new(format!("w{i:03}"), lane(i)))
        .collect()
}

/// The table with a row for each case; a trigger keeps each update that takes place.
fn queue(bed: &Bed, cases: &[Case]) -> rusqlite::Connection {
    let db = rusqlite::Connection::open(bed.home.dir.join("queue.db")).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
    db.execute_batch(
        "CREATE TABLE queue (id TEXT PRIMARY KEY, grade TEXT, version INTEGER NOT NULL DEFAULT 1);
         CREATE TABLE updates (id TEXT NOT NULL);
         CREATE TRIGGER kept AFTER UPDATE OF grade ON queue BEGIN INSERT INTO updates VALUES (new.id); END;",
    )
    .unwrap();
    for case in cases {
        db.execute("INSERT INTO queue (id) VALUES (?1)", [&case.id])
            .unwrap();
    }
    db
}

fn disturb(bed: &Bed, cases: &[Case]) {
    for case in cases.iter().step_by(LOST) {
        for part in ["notes-", "tickets/"] {
            let lost = Script {
                path_prefix: Some(format!("/desk/{part}{}", case.id)),
                drop: Some(Cut::AfterApply),
                ..Script::default()
            };
            bed.world.script(lost).unwrap();
        }
    }
    let mail = Script {
        system: Some("mail".into()),
        method: Some("DATA".into()),
        drop: Some(Cut::AfterApply),
        times: MAILS_LOST,
        ..Script::default()
    };
    bed.world.script(mail).unwrap();
}

/// Sends everything, while nodes are killed at random moments of the ledgers.
async fn under_fire(bed: &Bed, cases: &[Case], nodes: &mut Vec<Node>) {
    let mut random = Random::seeded("TUESDAY_TEST_SEED");
    let urls = Mutex::new(nodes.iter().map(|n| n.url.clone()).collect::<Vec<_>>());
    let load = async {
        for (i, case) in cases.iter().enumerate() {
            until("the case is acknowledged", || async {
                let url = {
                    let urls = urls.lock().unwrap();
                    urls[i % urls.len()].clone()
                };
                (bed.send(&url, case).await == Some(202)).then_some(())
            })
            .await;
        }
    };
    let over = AtomicBool::new(false);
    let kills = async {
        let mut moments: Vec<u64> = (0..KILLS)
            .map(|_| 1 + random.below(RUNS as u64 * 2 - 40))
            .collect();
        moments.sort_unstable();
        for (k, moment) in moments.into_iter().enumerate() {
            bed.world.wait_applied(moment).await;
            let i = k % nodes.len();
            nodes.remove(i).kill().await;
            let fresh = bed.home.ready(&[]).await;
            urls.lock().unwrap()[i].clone_from(&fresh.url);
            nodes.insert(i, fresh);
        }
        over.store(true, Ordering::SeqCst);
    };
    tokio::join!(load, kills);
    assert!(over.load(Ordering::SeqCst), "every kill took place");
}

fn letter(found: &Found) -> Option<&Action> {
    found.actions.iter().find(|a| a.name == "letter")
}

/// Mails in the box, by the key they carry.
fn mails(bed: &Bed) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    for effect in bed.effects_of("mail").into_iter().filter(|e| e.applied) {
        *out.entry(effect.key).or_default() += 1;
    }
    out
}

/// Nobody can look at a mail again: the machine asks, and sends nothing a second time by itself.
async fn people_answer(bed: &Bed, url: &str) {
    until("no machine has anything left to do", || async {
        settled(&bed.reader()).await.then_some(())
    })
    .await;
    let all = read_all(&bed.reader()).await;
    let unclear: Vec<&Found> = all
        .values()
        .filter(|f| f.run.state.status == Status::InReview)
        .collect();
    assert!(
        unclear.len() as u64 >= MAILS_LOST,
        "the lost answers are asked about"
    );
    let sent = mails(bed);
    for found in &unclear {
        let action = letter(found).expect("only a mail can stay unclear");
        let task = found
            .reviews
            .iter()
            .find(|r| !r.state.is_decided())
            .expect("a task");
        assert_eq!(
            (task.kind, task.reason, action.state),
            (
                ReviewKind::Action,
                Reason::UncertainAction,
                ActionState::Uncertain
            )
        );
        let there = sent.get(&action.key).copied().unwrap_or(0);
        assert!(
            there < 2,
            "sent twice by the machine: {}",
            found.run.event_id
        );
        let answer = if there == 1 {
            "happened"
        } else {
            "did_not_happen"
        };
        let body = json!({"settle": answer, "text": "looked into the outbox"});
        let address = format!("{url}/api/v1/reviews/{}/settlement", task.id);
        let said = bed.reviewers[2].1.post(&address, &body).await.unwrap();
        assert_eq!(said.status, 200, "{said:?}");
    }
    until("what people answered is carried out", || async {
        let all = read_all(&bed.reader()).await;
        let done = |f: &Found| f.run.state.outcome == Some(Outcome::WrittenBack);
        all.values().all(done).then_some(())
    })
    .await;
}

/// What queue and feed themselves say: the key beside each row that was written, and in each line.
fn elsewhere(bed: &Bed, db: &rusqlite::Connection) -> Vec<Effect> {
    let mut kept = db.prepare("SELECT key FROM tuesday_receipts").unwrap();
    let rows = kept.query_map([], |r| r.get::<_, String>(0)).unwrap();
    let mut keys: Vec<String> = rows.map(Result::unwrap).collect();
    let text = std::fs::read_to_string(bed.home.dir.join("feed.jsonl")).unwrap();
    keys.extend(text.lines().map(|l| {
        let line: Value = serde_json::from_str(l).unwrap();
        line["tuesday_key"].as_str().unwrap().to_owned()
    }));
    let applied = true;
    keys.into_iter()
        .map(|key| Effect { key, applied })
        .collect()
}

/// Exactly one effect of each action in each system; each confirmed one has its receipt.
async fn once_each(bed: &Bed, cases: &[Case], db: &rusqlite::Connection) {
    let all = read_all(&bed.reader()).await;
    let actions: Vec<&Action> = all.values().flat_map(|f| &f.actions).collect();
    assert!(actions.len() >= 1_000, "{} actions", actions.len());
    for a in &actions {
        assert!(
            a.state == ActionState::Confirmed && (a.receipt_ref.is_some() || a.name == "letter"),
            "{} of {} is {} without a receipt",
            a.name,
            a.target,
            a.state
        );
    }
    let mut applied: BTreeMap<String, usize> = BTreeMap::new();
    for effect in bed.effects().into_iter().filter(|e| e.applied) {
        *applied.entry(effect.key).or_default() += 1;
    }
    let over_http = |a: &&&Action| a.name != "row" && a.name != "line";
    for a in actions.iter().filter(over_http) {
        assert_eq!(
            applied.remove(&a.key),
            Some(1),
            "{} of {}",
            a.name,
            a.target
        );
    }
    assert!(applied.is_empty(), "effects of nobody: {applied:?}");
    let count = |sql: &str| db.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
    assert_eq!(
        count("SELECT count(*) FROM updates"),
        i64::try_from(RUNS).unwrap(),
        "one update each"
    );
    assert_eq!(
        count("SELECT count(DISTINCT id) FROM updates"),
        i64::try_from(RUNS).unwrap()
    );
    let text = std::fs::read_to_string(bed.home.dir.join("feed.jsonl")).unwrap();
    let mut lines: Vec<String> = text
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).expect("never half a line"))
        .map(|l| l["case"].as_str().unwrap().to_owned())
        .collect();
    lines.sort();
    let wanted: Vec<String> = cases.iter().map(|c| c.id.clone()).collect();
    assert_eq!(lines, wanted, "one line each");
}

/// Somebody removes a record of the stub world.
pub(crate) async fn removed(bed: &Bed, path: &str) {
    let address = bed.vars()[0].1.trim_start_matches("http://").to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let ask = format!("DELETE {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
}

/// The next look at what was confirmed reports what is gone.
async fn reconciled(bed: &Bed) {
    let gone = "w003";
    removed(bed, &format!("/desk/tickets/{gone}")).await;
    let offset = bed.reader().instance().await.unwrap().unwrap().clock_offset;
    bed.store.set_clock(offset + 61 * 60_000_000).await.unwrap();
    let run = read_all(&bed.reader()).await[gone].run.id;
    until("the gap is an incident", || async {
        let filter = IncidentFilter {
            category: Some(Category::RecordMissing),
            ..IncidentFilter::default()
        };
        let found = bed.reader().incidents(&filter, None, 9).await.unwrap();
        for incident in found {
            let runs = bed.reader().incident_runs(incident.id, None, 9).await;
            let runs = runs.unwrap();
            assert!(
                runs.iter().all(|r| *r == run),
                "{} is not gone: {runs:?}",
                incident.key
            );
            if runs == [run] {
                return Some(());
            }
        }
        None
    })
    .await;
}

async fn story(database: Option<Database>) {
    let bed = Bed::changed(database, &CHANGES).await;
    let cases = cases();
    bed.accounts(&cases);
    let db = queue(&bed, &cases);
    disturb(&bed, &cases);
    let mut nodes = nodes(&bed).await;
    Box::pin(under_fire(&bed, &cases, &mut nodes)).await;
    Box::pin(people_answer(&bed, &nodes[0].url)).await;
    Box::pin(once_each(&bed, &cases, &db)).await;
    Box::pin(reconciled(&bed)).await;
    for node in nodes {
        assert!(node.stop().await.success());
    }
    bed.check_with(elsewhere(&bed, &db)).await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_die_while_writing_write_everything_once() {
    each("story 9", |database| Box::pin(story(database))).await;
}
