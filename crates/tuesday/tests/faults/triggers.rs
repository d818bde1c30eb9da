//! Every way an event comes in, on a node that really serves: a signed webhook, a dropped file, a
//! schedule, a row of somebody's queue table.

use std::path::Path;

use serde_json::{Value, json};
use tuesday_domain::run::Status;
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Client, Database, until};

use crate::bed::{Bed, Case, WEBHOOK_SECRET, each, now};

/// The other triggers, beside the webhook that the package has.
const MORE: &str = r#"
[[trigger]]
name = "drop"
kind = "file"
folder = "drop"
pattern = "*.json"
settle = "50ms"
event_id = "id"

[[trigger]]
name = "nightly"
kind = "schedule"
cron = "0 3 * * *"
body = '{"id":"nightly","lane":"auto","account":"AC-nightly","text":"the nightly case"}'

[[trigger]]
name = "queue"
kind = "sql"
database = "sqlite:queue.db"
table = "queue"
key = "id"
column = "event"
taken = "taken"

[input]
"#;

fn event(id: &str) -> Value {
    Case::new(id, "auto").event()
}

/// The package of this folder as `fed`, with every kind of trigger.
fn package(bed: &Bed) -> std::path::PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/package");
    let to = bed.home.dir.join("fed");
    std::fs::create_dir(&to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        let text = text
            .replace("name = \"faults\"", "name = \"fed\"")
            .replace("\n[input]\n", MORE);
        std::fs::write(to.join(file.file_name()), text).unwrap();
    }
    to
}

async fn signed(url: &str, id: &str) -> (u16, Value) {
    let body = event(id).to_string();
    let at = now().as_second();
    let signature =
        tuesday_domain::signature::sign(WEBHOOK_SECRET.as_bytes(), id, at, body.as_bytes())
            .unwrap();
    let at = at.to_string();
    let headers = [
        ("webhook-id", id),
        ("webhook-timestamp", at.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    let answer = Client::new("")
        .post_bare(&format!("{url}/api/v1/triggers/fed"), &headers, &body)
        .await
        .expect("an answer");
    (answer.status, answer.body)
}

async fn fire(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let ids = ["signed", "dropped", "nightly", "row"];
    bed.accounts(&ids.map(|id| Case::new(id, "auto")));
    let queue = rusqlite::Connection::open(bed.home.dir.join("queue.db")).unwrap();
    queue
        .execute_batch("CREATE TABLE queue (id TEXT PRIMARY KEY, event TEXT NOT NULL, taken TEXT)")
        .unwrap();
    let folder = bed.home.dir.join("drop");
    std::fs::create_dir(&folder).unwrap();
    let vars = bed.vars();
    bed.home.install(&package(&bed), &vars).await;
    let node = bed.home.ready(&[]).await;

    let (status, first) = signed(&node.url, "signed").await;
    assert_eq!(status, 202, "{first}");
    let (status, again) = signed(&node.url, "signed").await;
    assert_eq!((status, &again["run_id"]), (202, &first["run_id"]));

    until("the first run has ended", || async {
        let all = read_all(&bed.reader()).await;
        (all.get("signed")?.run.state.status == Status::Completed).then_some(())
    })
    .await;
    // The next three in the morning; what is dropped after it has its whole deadline before it.
    bed.home.json(&["clock", "advance", "25h"]).await;
    std::fs::write(bed.home.dir.join("half"), event("dropped").to_string()).unwrap();
    std::fs::rename(bed.home.dir.join("half"), folder.join("dropped.json")).unwrap();
    queue
        .execute(
            "INSERT INTO queue VALUES ('row', ?1, NULL)",
            [event("row").to_string()],
        )
        .unwrap();

    let ended = until("every trigger has started its run", || async {
        let all = read_all(&bed.reader()).await;
        let runs: Vec<_> = all
            .values()
            .filter(|f| f.run.workflow == "fed" && f.run.state.status == Status::Completed)
            .map(|f| (f.run.event_source.clone(), f.run.id.to_string()))
            .collect();
        (runs.len() >= ids.len()).then_some(runs)
    })
    .await;
    assert_eq!(ended.len(), ids.len(), "one run for each event: {ended:?}");
    let run_of = |source: &str| {
        let found = ended.iter().find(|(s, _)| s == source);
        found
            .unwrap_or_else(|| panic!("{source}: {ended:?}"))
            .1
            .clone()
    };
    assert_eq!(run_of("webhook"), first["run_id"].as_str().unwrap());
    let by_name = read_all(&bed.reader()).await;
    assert!(
        by_name.contains_key("dropped"),
        "the record's own id names the event"
    );
    let taken: String = queue
        .query_row("SELECT taken FROM queue WHERE id = 'row'", [], |r| r.get(0))
        .unwrap();
    assert_eq!(taken, run_of("sql:queue"), "the row says what it became");
    assert!(!folder.join("dropped.json").exists(), "the file was taken");
    let (_, _) = (run_of("file:drop"), run_of("schedule:nightly"));
    missed(&bed).await;
    until("what was missed has its runs", || async {
        let all = read_all(&bed.reader()).await;
        let mut fed = all.values().filter(|f| f.run.workflow == "fed");
        fed.all(|f| f.run.state.status.is_terminal()).then_some(())
    })
    .await;
    assert!(node.stop().await.success());
    bed.check().await;
    bed.end().await;
}

/// Five nights before the workflow was installed, and the one that ran by itself.
async fn missed(bed: &Bed) {
    let hours = |h: i64| (now() + jiff::SignedDuration::from_hours(h)).to_string();
    let (from, to) = (hours(25 - 6 * 24), hours(25));
    let fill = ["trigger", "backfill", "fed", "--from", &from, "--to", &to];
    let first = bed.home.json(&fill).await;
    assert_eq!(
        (&first["known"], &first["refused"]),
        (&json!(1), &json!(0)),
        "{first}"
    );
    let started = first["started"].as_u64().unwrap();
    // Six days have six nights, or five when the night just falls on an edge; one ran already.
    assert!((4..=6).contains(&started), "{first}");
    let again = bed.home.json(&fill).await;
    assert_eq!(again["started"], 0, "{again}");
    assert_eq!(again["known"], started + 1, "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trigger_fires_on_a_node_that_serves() {
    each("triggers", fire).await;
}
