//! Dies while a person repeats a run, and while the first of two overwrites a changed target; the
//! matrix in `crash.rs` plays both.

use serde_json::json;
use tuesday_domain::record::{Review, Run};
use tuesday_domain::run::{Reason, Status};
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Client, Database, Node, until};

use crate::bed::{Bed, Case, now};

/// A rejected run is repeated with what it had frozen: one new run, which ends as any other.
pub(crate) async fn play_rerun(point: &str, database: Option<Database>) {
    let bed = Bed::new(database).await;
    let case = Case::new("anew", "review");
    bed.accounts(std::slice::from_ref(&case));
    let mut node = bed.home.serve(&["--crash-at", point]).await;
    until(&format!("the node dies at {point}"), || async {
        let _ = bed.send(&node.url, &case).await;
        bed.say(&node.url, "rejection", &json!({"reason": "wrong_grade"}))
            .await;
        repeat(&bed, &node).await;
        node.gone().then_some(())
    })
    .await;
    died(point, &mut node, &bed).await;
    let kept = repeats(&bed).await.len();
    assert_eq!(kept, usize::from(point.contains(".after_")), "{point}");
    let node = bed.home.ready(&[]).await;
    until("the run is repeated", || async {
        repeat(&bed, &node).await;
        (!repeats(&bed).await.is_empty()).then_some(())
    })
    .await;
    bed.settle(&node).await;
    // The event is written now: nobody repeats it with effect any more.
    repeat(&bed, &node).await;
    assert!(node.stop().await.success());
    let ends = bed.check().await;
    assert_eq!(ends.len(), 2, "one new run: {point}: {ends:?}");
    assert!(ends["anew"].starts_with("rejected"), "{point}: {ends:?}");
    let new = &repeats(&bed).await[0];
    assert!(
        ends[&new.event_id].starts_with("completed written_back"),
        "{point}: {ends:?}"
    );
    assert_eq!(bed.world.ledger_counts().total.duplicates, 0, "I2: {point}");
    bed.end().await;
}

/// Asks for the run of the case to be repeated; a refusal means that it is not over, or was repeated.
async fn repeat(bed: &Bed, node: &Node) {
    let all = read_all(&bed.reader()).await;
    let first = all.into_values().find(|f| f.run.rerun_of.is_none());
    let Some(first) = first.filter(|f| f.run.state.status == Status::Rejected) else {
        return;
    };
    let body = json!({"inputs": "frozen", "reason": "the grade was right after all"});
    let address = format!("{}/api/v1/runs/{}/rerun", node.url, first.run.id);
    let _ = person(bed, "rhea").post(&address, &body).await;
}

/// The runs that repeat another one.
async fn repeats(bed: &Bed) -> Vec<Run> {
    let all = read_all(&bed.reader()).await.into_values();
    all.map(|f| f.run)
        .filter(|r| r.rerun_of.is_some())
        .collect()
}

/// The rules let a waiting task through, somebody confirms the preview, and the node dies: the task
/// moves once, whole, and is written once.
pub(crate) async fn play_reroute(point: &str, database: Option<Database>) {
    let bed = Bed::new(database).await;
    let case = Case::new("moved", "review");
    bed.accounts(std::slice::from_ref(&case));
    // Rules are changed with a token of their owner that is not for deciding alone.
    let rhea = &Client::new(&bed.home.token("admin", Some("rhea")).await);
    let mut node = bed.home.serve(&["--crash-at", point]).await;
    until(&format!("the node dies at {point}"), || async {
        let _ = bed.send(&node.url, &case).await;
        move_it(&bed, &node, rhea).await;
        node.gone().then_some(())
    })
    .await;
    died(point, &mut node, &bed).await;
    let open = bed
        .tasks()
        .await
        .iter()
        .filter(|t| !t.state.is_decided())
        .count();
    assert_eq!(open, usize::from(point.contains(".before_")), "{point}");
    let node = bed.home.ready(&[]).await;
    until("the task has moved", || async {
        move_it(&bed, &node, rhea).await;
        let tasks = bed.tasks().await;
        tasks.iter().all(|t| t.state.is_decided()).then_some(())
    })
    .await;
    bed.settle(&node).await;
    assert!(node.stop().await.success());
    let ends = bed.check().await;
    assert!(
        ends["moved"].starts_with("completed written_back"),
        "{point}: {ends:?}"
    );
    assert_eq!(bed.world.ledger_counts().total.duplicates, 0, "I2: {point}");
    bed.end().await;
}

/// Sets the rule that lets the lane through, reads the preview and confirms it. What is refused was
/// done before, or nothing waits.
async fn move_it(bed: &Bed, node: &Node, rhea: &Client) {
    if !bed.tasks().await.iter().any(|t| !t.state.is_decided()) {
        return;
    }
    let address = format!("{}/api/v1/workflows/faults/rules", node.url);
    let cells = json!([{"row": "r1", "column": "lane", "value": "mail"},
        {"row": "r3", "column": "lane", "value": "auto, review, version, search"}]);
    let body = json!({"cells": cells, "reason": "the lane is clear"});
    let _ = rhea.post(&address, &body).await;
    let preview = rhea.get(&format!("{address}/reroute")).await;
    let Some(preview) = preview else { return };
    let code = preview.body["confirm"].clone();
    let body = json!({"confirm": code, "reason": "the lane is clear"});
    let _ = rhea.post(&format!("{address}/reroute"), &body).await;
}

/// In a tier of two the target changes under an approval: both persons accept the new version, and it
/// is written once.
pub(crate) async fn play_overwrite(point: &str, database: Option<Database>) {
    let bed = Bed::changed(
        database,
        &[
            ("approvals = 2", "approvals = 2\nmay_accept_changed = true"),
            (
                "when = \"input.lane == 'version'\"",
                "when = \"input.lane == 'two'\"",
            ),
        ],
    )
    .await;
    let case = Case::new("over", "two");
    let record = |version: &str| json!({"crm/accounts": [{"id": "AC-over", "tier": "silver", "owner": "ann", "updated_at": "@-1h", "version": version}]});
    bed.world.seed(&record("1"), now()).unwrap();
    let mut node = bed.home.serve(&["--crash-at", point]).await;
    until("the target has changed", || async {
        let _ = bed.send(&node.url, &case).await;
        // A task that opens after this look is left for the next one: approved now, it would be
        // written before the target has changed.
        if bed.tasks().await.is_empty() {
            return None;
        }
        bed.world.seed(&record("9"), now()).unwrap();
        bed.approve_all(&node.url).await;
        blocked(&bed).await.map(|_| ())
    })
    .await;
    until(&format!("the node dies at {point}"), || async {
        overwrite(&bed, &node, "pia").await;
        node.gone().then_some(())
    })
    .await;
    died(point, &mut node, &bed).await;
    let half = blocked(&bed).await.expect("still open").approved_by;
    let said = usize::from(point.contains(".after_"));
    assert_eq!(half.len(), said, "{point}: {half:?}");
    let node = bed.home.ready(&[]).await;
    until("the first has said it", || async {
        overwrite(&bed, &node, "pia").await;
        let half = blocked(&bed).await?.approved_by;
        (half == ["pia"]).then_some(())
    })
    .await;
    let patched = || bed.world.entries("crm").iter().any(|e| e.applied);
    assert!(!patched(), "{point}: one person overwrote it");
    overwrite(&bed, &node, "quentin").await;
    bed.finish(&node, &[case]).await;
    assert!(patched(), "{point}");
    assert!(node.stop().await.success());
    let ends = bed.check().await;
    assert!(
        ends["over"].starts_with("completed written_back"),
        "{point}: {ends:?}"
    );
    assert_eq!(bed.world.ledger_counts().total.duplicates, 0, "I2: {point}");
    bed.end().await;
}

/// The open task about the changed target.
async fn blocked(bed: &Bed) -> Option<Review> {
    let open = bed.tasks().await.into_iter();
    open.filter(|t| !t.state.is_decided())
        .find(|t| t.reason == Reason::TargetChanged)
}

/// `by` accepts the version that is there now; a refusal means that they have done so.
async fn overwrite(bed: &Bed, node: &Node, by: &str) {
    if let Some(task) = blocked(bed).await {
        let body = json!({"accept_changed": true, "reason": "wrong_grade"});
        let address = format!("{}/api/v1/reviews/{}/approval", node.url, task.id);
        let _ = person(bed, by).post(&address, &body).await;
    }
}

pub(crate) fn person<'a>(bed: &'a Bed, name: &str) -> &'a Client {
    let found = bed.reviewers.iter().find(|(person, _)| *person == name);
    &found.expect("a reviewer of this bed").1
}

pub(crate) async fn died(point: &str, node: &mut Node, bed: &Bed) {
    let signal = node.signal().await;
    assert_eq!(signal, Some(6), "{point}: it did not abort\n{}", node.log());
    if bed.database.is_some() {
        bed.pass_leases().await;
    }
}
