//! A confirmed write is undone: the old value goes back once, with a key and a receipt of its own, and
//! only while the record is as our write left it. Judged by the ledger of the system.

use serde_json::{Value, json};
use tuesday_domain::action::ActionState;
use tuesday_domain::record::{Action, PayloadKind};
use tuesday_domain::review::ReviewKind;
use tuesday_domain::run::{Reason, Status};
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Answer, Database, Found, Node, until};

use crate::bed::{Bed, Case, each, now};
use crate::crash_again::{died, person};

/// The account as somebody else keeps it, at a version of its own.
pub(crate) fn account(bed: &Bed, case: &Case, grade: &str, version: &str) {
    let record = json!({"id": case.account(), "tier": "silver", "owner": "ann", "updated_at": "@-1h",
        "grade": grade, "version": version});
    bed.world
        .seed(&json!({"crm/accounts": [record]}), now())
        .unwrap();
}

pub(crate) fn grade(bed: &Bed, case: &Case) -> Value {
    bed.world
        .record("crm", "accounts", &case.account())
        .unwrap()["grade"]
        .clone()
}

/// Writes to the CRM that took place.
fn writes(bed: &Bed) -> usize {
    bed.world
        .entries("crm")
        .iter()
        .filter(|e| e.applied)
        .count()
}

pub(crate) async fn found(bed: &Bed, case: &Case) -> Found {
    read_all(&bed.reader()).await.remove(&case.id).unwrap()
}

pub(crate) fn flag(found: &Found) -> &Action {
    let is = |a: &&Action| a.name == "flag" && a.undoes().is_none();
    found.actions.iter().find(is).expect("the flag was written")
}

fn undoing(found: &Found) -> Vec<&Action> {
    found
        .actions
        .iter()
        .filter(|a| a.undoes().is_some())
        .collect()
}

pub(crate) async fn undo(bed: &Bed, node: &Node, found: &Found, reason: &str) -> Option<Answer> {
    let (run, action) = (found.run.id, flag(found).id);
    let address = format!(
        "{}/api/v1/runs/{run}/actions/{action}/compensation",
        node.url
    );
    person(bed, "rhea")
        .post(&address, &json!({"reason": reason}))
        .await
}

pub(crate) async fn delivered(bed: &Bed, node: &Node, ids: &[&str]) -> Vec<Case> {
    let cases: Vec<Case> = ids.iter().map(|id| Case::new(*id, "version")).collect();
    for case in &cases {
        account(bed, case, "unset", "1");
    }
    bed.finish(node, &cases).await;
    cases
}

async fn story(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let node = bed.home.ready(&[]).await;
    let cases = delivered(&bed, &node, &["back", "edited", "told"]).await;
    assert_eq!(writes(&bed), 3);
    put_back(&bed, &node, &cases[0]).await;
    Box::pin(stays_as_edited(&bed, &node, &cases[1])).await;
    Box::pin(from_an_incident(&bed, &node, &cases[2])).await;
    Box::pin(never_a_null(&bed, &node)).await;
    bed.settle(&node).await;
    assert!(node.stop().await.success());
    let ends = bed.check().await;
    assert!(
        ends.values()
            .all(|e| e.starts_with("completed written_back")),
        "{ends:?}"
    );
    bed.end().await;
}

/// Once, however often it is said; the same person by command hears the same.
async fn put_back(bed: &Bed, node: &Node, case: &Case) {
    let before = found(bed, case).await;
    assert_eq!(grade(bed, case), "low");
    let silent = undo(bed, node, &before, " ").await.unwrap();
    assert_eq!(
        (silent.status, silent.text("code")),
        (422, "reason_required")
    );
    let stranger = bed
        .home
        .run(&[
            "writeback",
            "compensate",
            &flag(&before).id.to_string(),
            "--reason",
            "no",
            "--as",
            "nobody",
        ])
        .await;
    assert_eq!(stranger.0, 3, "{stranger:?}");
    assert_eq!(writes(bed), 3, "nothing was written for a refusal");
    let done = undo(bed, node, &before, "graded wrongly").await.unwrap();
    assert_eq!(
        (done.status, done.text("state")),
        (200, "confirmed"),
        "{done:?}"
    );
    assert_eq!(grade(bed, case), "unset");
    assert_eq!(writes(bed), 4);
    let again = undo(bed, node, &before, "graded wrongly").await.unwrap();
    assert_eq!(again.body["action_id"], done.body["action_id"]);
    let action = flag(&before).id.to_string();
    let said = bed
        .home
        .json(&[
            "writeback",
            "compensate",
            &action,
            "--reason",
            "again",
            "--as",
            "rhea",
        ])
        .await;
    assert_eq!(said["action_id"], done.body["action_id"]);
    assert_eq!(writes(bed), 4, "said again, nothing is written again");
    let after = found(bed, case).await;
    assert_eq!(flag(&after).state, ActionState::Compensated);
    let all = undoing(&after);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].state, ActionState::Confirmed);
    assert_ne!(all[0].key, flag(&after).key, "a key of its own");
    let n = all[0].receipt_ref.expect("a receipt of its own");
    let receipts = bed.reader().payloads(after.run.id).await.unwrap();
    assert!(
        receipts
            .iter()
            .any(|p| p.n == n && p.kind == PayloadKind::Receipt)
    );
    let by = all[0].authorised_by.as_deref();
    assert_eq!(by, Some("person:rhea"));
}

/// What the record did not show before our write has no old value: nothing is written in its place.
async fn never_a_null(bed: &Bed, node: &Node) {
    let case = Case::new("bare", "version");
    let record = json!({"id": case.account(), "tier": "silver", "owner": "ann", "updated_at": "@-1h",
        "version": "1"});
    bed.world
        .seed(&json!({"crm/accounts": [record]}), now())
        .unwrap();
    bed.finish(node, std::slice::from_ref(&case)).await;
    let (before, count) = (found(bed, &case).await, writes(bed));
    assert_eq!(grade(bed, &case), "low");
    let refused = undo(bed, node, &before, "graded wrongly").await.unwrap();
    assert_eq!(
        (refused.status, refused.text("code")),
        (409, "not_undoable"),
        "{refused:?}"
    );
    assert_eq!(refused.body["fields"], json!(["grade"]), "{refused:?}");
    assert_eq!(grade(bed, &case), "low");
    assert_eq!(writes(bed), count, "nothing was sent");
    assert!(undoing(&found(bed, &case).await).is_empty());
}

/// Somebody has edited the record: it stays, and a task has both versions.
async fn stays_as_edited(bed: &Bed, node: &Node, case: &Case) {
    account(bed, case, "by hand", "77");
    let before = found(bed, case).await;
    let done = undo(bed, node, &before, "graded wrongly").await.unwrap();
    assert_eq!(
        (done.status, done.text("state")),
        (200, "voided"),
        "{done:?}"
    );
    assert_eq!(grade(bed, case), "by hand", "nothing is overwritten");
    assert_eq!(writes(bed), 4);
    let after = found(bed, case).await;
    assert_eq!(after.run.state.status, Status::Completed);
    assert_eq!(flag(&after).state, ActionState::Confirmed);
    let task = after
        .reviews
        .iter()
        .find(|r| !r.state.is_decided())
        .expect("a task");
    assert_eq!(
        (task.kind, task.reason, task.owner.as_str()),
        (ReviewKind::Manual, Reason::TargetChanged, "rhea")
    );
    assert_eq!(done.text("task_id"), task.id.to_string());
    let payloads = bed.reader().payloads(after.run.id).await.unwrap();
    let kept = payloads
        .iter()
        .find(|p| Some(p.n) == task.recheck_ref)
        .unwrap();
    let both = String::from_utf8_lossy(&kept.bytes).into_owned();
    assert!(
        both.contains("by hand") && both.contains("unset") && both.contains("77"),
        "{both}"
    );
    // Asked again while somebody has the task, nothing new opens.
    let again = undo(bed, node, &before, "graded wrongly").await.unwrap();
    assert_eq!(again.body["task_id"], done.body["task_id"]);
    let address = format!("{}/api/v1/reviews/{}/settlement", node.url, task.id);
    let body = json!({"settle": "hand_over", "text": "left as it is"});
    let settled = person(bed, "rhea").post(&address, &body).await.unwrap();
    assert_eq!(settled.status, 200, "{settled:?}");
    assert_eq!(found(bed, case).await.run.state.status, Status::Completed);
}

/// A correction of an incident is done when its value is back, with that as its receipt.
async fn from_an_incident(bed: &Bed, node: &Node, case: &Case) {
    let before = found(bed, case).await;
    let (run, action) = (before.run.id.to_string(), flag(&before).id.to_string());
    let rhea = person(bed, "rhea");
    let address = |path: &str| format!("{}/api/v1/{path}", node.url);
    let body =
        json!({"category": "wrong_answer", "workflow": "faults", "words": "seen at the desk"});
    let opened = rhea.post(&address("incidents"), &body).await.unwrap();
    assert_eq!(opened.status, 201, "{opened:?}");
    let id = opened.text("id").to_owned();
    let body = json!({"words": "the grade", "places": [{"run_id": run, "action_id": action}]});
    let made = rhea
        .post(&address(&format!("incidents/{id}/corrections")), &body)
        .await
        .unwrap();
    assert_eq!(made.status, 201, "{made:?}");
    let done = undo(bed, node, &before, "a correction").await.unwrap();
    assert_eq!(done.text("state"), "confirmed", "{done:?}");
    assert_eq!(grade(bed, case), "unset");
    let shown = rhea
        .get(&address(&format!("incidents/{id}")))
        .await
        .unwrap();
    let correction = &shown.body["corrections"][0];
    assert_eq!(correction["state"], "done", "{shown:?}");
    assert_eq!(correction["proof"], "action", "{shown:?}");
    let receipt = correction["receipt"].as_str().unwrap();
    assert!(receipt.contains(done.text("key")), "{receipt}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_undone_once_and_never_over_an_edit() {
    each("undoing", |database| Box::pin(story(database))).await;
}

/// Whatever dies while an old value goes back, it is back once in the end, and both actions say so.
pub(crate) async fn play_undo(point: &str, database: Option<Database>) {
    let bed = Bed::new(database).await;
    let node = bed.home.ready(&[]).await;
    let cases = delivered(&bed, &node, &["undone"]).await;
    assert!(node.stop().await.success());
    let before = found(&bed, &cases[0]).await;
    let mut node = bed.home.serve(&["--crash-at", point]).await;
    until(&format!("the node dies at {point}"), || async {
        let _ = undo(&bed, &node, &before, "a test").await;
        node.gone().then_some(())
    })
    .await;
    died(point, &mut node, &bed).await;
    let node = bed.home.ready(&[]).await;
    // A node that still sends would have answered by then.
    let offset = bed.reader().instance().await.unwrap().unwrap().clock_offset;
    bed.store.set_clock(offset + 120_000_000).await.unwrap();
    until("the old value is back", || async {
        let _ = undo(&bed, &node, &before, "a test").await;
        let now = found(&bed, &cases[0]).await;
        (flag(&now).state == ActionState::Compensated).then_some(())
    })
    .await;
    assert_eq!(grade(&bed, &cases[0]), "unset", "{point}");
    assert_eq!(writes(&bed), 2, "{point}: written once, put back once");
    let after = found(&bed, &cases[0]).await;
    assert_eq!(undoing(&after).len(), 1, "{point}");
    assert!(node.stop().await.success());
    bed.check().await;
    assert_eq!(bed.world.ledger_counts().total.duplicates, 0, "I2: {point}");
    bed.end().await;
}
