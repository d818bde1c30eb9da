//! Story 2: the CRM tier changes between draft and approval. Over the HTTP API of the real program,
//! judged by the ledger of the desk it writes to.

use serde_json::{Value, json};
use tuesday_domain::record::Review;
use tuesday_stub::Script;
use tuesday_testkit::{Answer, Client, Database, Node, until};

use crate::bed::{Bed, Case, each};

const WATCH: (&str, &str) = (
    "critical = [\"tier\"]",
    "critical = [\"tier\"]\nwatch = [\"tier\"]",
);
const MAY: (&str, &str) = (
    "name = \"desk\"\nowner = \"pia\"",
    "name = \"desk\"\nmay_accept_changed = true\nowner = \"pia\"",
);
const WINDOW: (&str, &str) = ("recall_seconds = 0", "recall_seconds = 2");

async fn asked(bed: &Bed, node: &Node, case: &Case) -> Review {
    bed.accounts(std::slice::from_ref(case));
    assert_eq!(bed.send(&node.url, case).await, Some(202));
    open(bed, 1).await
}

/// The one open task, once the run has had so many.
async fn open(bed: &Bed, tasks: usize) -> Review {
    until("the task is open", || async {
        let mut all = bed.tasks().await;
        all.sort_by_key(|r| r.created_at);
        let last = all.last().filter(|r| !r.state.is_decided()).cloned();
        last.filter(|_| all.len() == tasks)
    })
    .await
}

async fn post(client: &Client, node: &Node, task: &Review, act: &str, body: Value) -> Answer {
    let address = format!("{}/api/v1/reviews/{}/{act}", node.url, task.id);
    client.post(&address, &body).await.expect("an answer")
}

/// What the desk holds of tickets: bodies of applied writes.
fn tickets(bed: &Bed) -> Vec<Value> {
    bed.world
        .entries("desk")
        .iter()
        .filter(|e| e.applied && e.method == "PUT")
        .map(|e| serde_json::from_slice(&e.body).unwrap())
        .collect()
}

async fn before_approval(database: Option<Database>) {
    let bed = Bed::changed(database, &[WATCH]).await;
    let (node, case) = (bed.home.ready(&[]).await, Case::new("sow", "review"));
    let task = asked(&bed, &node, &case).await;
    let pia = &bed.reviewers[0].1;
    let edda = Client::new(&bed.home.token("review", Some("edda")).await);
    let stranger = post(&edda, &node, &task, "approval", json!({})).await;
    assert_eq!((stranger.status, stranger.code()), (403, "not_allowed"));
    assert!(stranger.body["people"].to_string().contains("pia"));

    bed.tier(&case, "gold");
    let blocked = post(pia, &node, &task, "approval", json!({})).await;
    assert_eq!((blocked.status, blocked.code()), (409, "source_changed"));
    let change = &blocked.body["changes"][0];
    assert_eq!(
        (&change["field"], &change["old"], &change["new"]),
        (&json!("tier"), &json!("silver"), &json!("gold"))
    );
    assert_eq!(blocked.body["may_accept"], false);
    assert!(tickets(&bed).is_empty());

    let again = json!({"settle": "regenerate"});
    let anew = post(pia, &node, &task, "settlement", again).await;
    assert_eq!(anew.status, 200, "{:?}", anew.body);
    let second = open(&bed, 2).await;
    assert_eq!(second.run, task.run, "the same run");
    let click = json!({"revision": second.revision});
    let done = post(pia, &node, &second, "approval", click).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    bed.finish(&node, &[case]).await;
    let written = tickets(&bed);
    assert_eq!(written.len(), 1, "written once");
    assert_eq!(written[0]["tier"], "gold", "from the second snapshot");
    let story = bed
        .home
        .json(&["reconstruct", &task.run.to_string()])
        .await
        .to_string();
    assert!(story.contains("\"snapshot\":2") && story.contains("silver"));
    // A node that stops seals what it wrote; before, the newest entries may have no place yet.
    assert!(node.stop().await.success());
    bed.check().await;
    bed.end().await;
}

async fn bad_sides(database: Option<Database>) {
    let bed = Bed::changed(database, &[WATCH, MAY]).await;
    let (node, case) = (bed.home.ready(&[]).await, Case::new("bad", "review"));
    let task = asked(&bed, &node, &case).await;
    let pia = &bed.reviewers[0].1;
    let anyway = json!({"accept_changed": true, "reason": "wrong_grade"});
    for (status, code) in [(503, "freshness_unknown"), (404, "target_missing")] {
        bed.world
            .script(Script {
                system: Some("crm".into()),
                method: Some("GET".into()),
                status: Some(status),
                times: 1000,
                ..Script::default()
            })
            .unwrap();
        let held = post(pia, &node, &task, "approval", anyway.clone()).await;
        assert_eq!((held.status, held.code()), (409, code));
        bed.world.clear_scripts();
    }
    assert!(tickets(&bed).is_empty());
    // A field that nobody watches: no block, told.
    let record =
        json!({"id": case.account(), "tier": "silver", "owner": "bo", "updated_at": "@-1h"});
    bed.world
        .seed(&json!({"crm/accounts": [record]}), crate::bed::now())
        .unwrap();
    let done = post(pia, &node, &task, "approval", json!({})).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    assert_eq!(done.body["changes"][0]["field"], "owner");
    bed.finish(&node, &[case]).await;
    assert_eq!(tickets(&bed).len(), 1);
    // A node that stops seals what it wrote; before, the newest entries may have no place yet.
    assert!(node.stop().await.success());
    bed.check().await;
    bed.end().await;
}

async fn before_sending(database: Option<Database>) {
    let bed = Bed::changed(database, &[WATCH, MAY, WINDOW]).await;
    let (node, case) = (bed.home.ready(&[]).await, Case::new("late", "review"));
    let task = asked(&bed, &node, &case).await;
    let pia = &bed.reviewers[0].1;
    let done = post(pia, &node, &task, "approval", json!({})).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    assert!(done.body["recall_until"].is_string());
    bed.tier(&case, "gold");
    let back = open(&bed, 2).await;
    assert_eq!(back.reason.word(), "source_changed");
    assert_eq!(back.follows, Some(task.id));
    assert!(tickets(&bed).is_empty(), "nothing was sent");
    let anyway = json!({"accept_changed": true, "reason": "wrong_grade"});
    let forced = post(pia, &node, &back, "approval", anyway).await;
    assert_eq!(forced.status, 200, "{:?}", forced.body);
    bed.finish(&node, &[case]).await;
    assert_eq!(tickets(&bed).len(), 1);
    let late = post(pia, &node, &back, "recall", json!({})).await;
    assert_eq!((late.status, late.code()), (409, "already_sent"));
    // A node that stops seals what it wrote; before, the newest entries may have no place yet.
    assert!(node.stop().await.success());
    bed.check().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tier_that_changed_before_the_approval_is_not_waved_through() {
    each("story2a", before_approval).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_deleted_and_unwatched_are_told_apart() {
    each("story2b", bad_sides).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tier_that_changed_before_sending_sends_nothing() {
    each("story2c", before_sending).await;
}
