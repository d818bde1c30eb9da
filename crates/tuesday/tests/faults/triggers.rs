//! Every way an event comes in, on a node that really serves: a signed webhook, a dropped file, a
//! schedule, a row of somebody's queue table.

use std::path::Path;

use serde_json::Value;
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
body = '{"id":"nightly","lane":"auto","account":"AC-nightly"}'

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
    let taken: String = queue
        .query_row("SELECT taken FROM queue WHERE id = 'row'", [], |r| r.get(0))
        .unwrap();
    assert_eq!(taken, run_of("queue"), "the row says what it became");
    assert!(!folder.join("dropped.json").exists(), "the file was taken");
    let (_, _) = (run_of("drop"), run_of("nightly"));
    assert!(node.stop().await.success());
    bed.check().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trigger_fires_on_a_node_that_serves() {
    each("triggers", fire).await;
}

async fn paused(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let cases = [Case::new("waits", "auto")];
    bed.accounts(&cases);
    let node = bed.home.ready(&[]).await;
    let switch = |verb: &'static str| {
        let home = bed.home.clone();
        async move {
            home.json(&[
                "workflow", verb, "faults", "--as", "rhea", "--reason", "a test",
            ])
            .await
        }
    };
    switch("pause").await;
    // The node hears of it at its next look; until then a run may still start.
    until("the node holds new runs", || async {
        let probe = Case::new(format!("probe{}", now().as_nanosecond()), "auto");
        bed.accounts(std::slice::from_ref(&probe));
        let answer = bed
            .client
            .post(
                &format!("{}/api/v1/triggers/faults", node.url),
                &probe.event(),
            )
            .await?;
        (answer.body["held"] == true).then_some(())
    })
    .await;
    until("what had started is over", || async {
        let all = read_all(&bed.reader()).await;
        all.values()
            .all(|f| matches!(f.run.state.status, Status::Held | Status::Completed))
            .then_some(())
    })
    .await;
    let before = bed.world.entries("model").len();
    assert_eq!(bed.send(&node.url, &cases[0]).await, Some(202));
    // A whole pass of the service that looks after held runs: nothing moves while it is paused.
    let held = until("the run is held", || async {
        let all = read_all(&bed.reader()).await;
        (all.get("waits")?.run.state.status == Status::Held).then_some(all["waits"].run.id)
    })
    .await;
    assert!(bed.reader().job(held).await.unwrap().is_none(), "no job");
    assert_eq!(bed.world.entries("model").len(), before, "nothing starts");

    switch("resume").await;
    until("the held run goes on to its end", || async {
        let all = read_all(&bed.reader()).await;
        (all["waits"].run.state.status == Status::Completed).then_some(())
    })
    .await;
    bed.finish(&node, &cases).await;
    assert!(node.stop().await.success());
    bed.check().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_workflow_starts_nothing_and_a_resumed_one_goes_on() {
    each("pause and resume", paused).await;
}

async fn without_table(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let cases = [Case::new("tableless", "auto")];
    bed.accounts(&cases);
    let spoil = "UPDATE rulesets SET csv = 'no table at all' WHERE workflow = 'faults'";
    match &bed.database {
        None => crate::storage::sqlite(&bed, spoil),
        Some(db) => db.raw(spoil).await,
    }
    let node = bed.home.ready(&[]).await;
    assert_eq!(bed.send(&node.url, &cases[0]).await, Some(202));
    let found = until("a person has it", || async {
        let mut all = read_all(&bed.reader()).await;
        let found = all.remove("tableless")?;
        (found.run.state.status == Status::InReview).then_some(found)
    })
    .await;
    let task = found.reviews.first().expect("a task");
    assert!(!task.owner.is_empty(), "a named person");
    assert!(bed.effects().is_empty(), "nothing was written");
    assert!(node.stop().await.success());
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_cannot_be_loaded_goes_to_a_person() {
    each("a spoilt decision table", without_table).await;
}
