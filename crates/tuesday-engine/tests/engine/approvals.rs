//! What an approval is bound to, and what makes it void.

use serde_json::{Value, json};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::PayloadKind;
use tuesday_domain::run::{Reason, Status};
use tuesday_engine::Worker;
use tuesday_engine::ops::{Approval, Decided};
use tuesday_testkit::fakes::Said;

use crate::bench::Bench;

const TWO: (&str, &str) = (
    "backup = \"boris\"\n[[action]]",
    "backup = \"boris\"\napprovals = 2\n[[action]]",
);

async fn approve(
    bench: &Bench,
    event: &str,
    by: &str,
    approval: Approval,
) -> Result<Decided, Problem> {
    let task = bench.task(event).await;
    bench.engine.approve(task.id, by, approval).await
}

fn says(bench: &Bench, output: &Value) {
    bench.fakes.then(Said::Text(output.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_the_model_was_not_sure_of_is_bound_like_any_other() {
    let unsure = (
        "schema = \"output.schema.json\"",
        "schema = \"output.schema.json\"\nuncertain = { field = \"grade\", values = [\"high\"] }",
    );
    let bench = Bench::changed(&[unsure]).await;
    let worker = Worker::start(&bench.engine);
    says(&bench, &json!({"grade": "high"}));
    bench.receive("unsure").await;
    let task = bench.task("unsure").await;
    assert_eq!(task.reason, Reason::UncertainOutput);
    assert!(!task.bound_to.is_empty(), "bound when it was opened");

    // The bytes and their commitment change together: only the binding can tell.
    let salt = [1_u8; 16];
    let bytes = json!({"grade": "low"}).to_string().into_bytes();
    let commitment = tuesday_domain::audit::Commitment::new(&salt, &bytes);
    let (salt, bytes) = (hex(&salt), hex(&bytes));
    let changed = bench.raw(&format!(
        "UPDATE payloads SET bytes = x'{bytes}', salt = x'{salt}', commitment = x'{}' WHERE kind = 'output'",
        hex(&commitment.0)
    ));
    assert_eq!(changed, 1);
    let refused = approve(&bench, "unsure", "rhea", Approval::default()).await;
    assert_eq!(refused.unwrap_err().code, "revision_moved");
    let edit = Approval {
        edit: Some(json!({"grade": "high"})),
        reason: Some("wrong".into()),
        ..Approval::default()
    };
    let refused = approve(&bench, "unsure", "rhea", edit).await;
    assert_eq!(refused.unwrap_err().code, "revision_moved");
    assert!(bench.fakes.effects().is_empty());
    drop(worker);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_bound_to_nothing_cannot_be_approved() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    says(&bench, &json!({"grade": "high"}));
    bench.receive("loose").await;
    bench.task("loose").await;
    assert_eq!(bench.raw("UPDATE reviews SET bound_to = ''"), 1);
    let refused = approve(&bench, "loose", "rhea", Approval::default()).await;
    assert_eq!(refused.unwrap_err().code, "revision_moved");
    assert!(bench.fakes.effects().is_empty());
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_person_approves_the_edited_text_and_no_other() {
    let bench = Bench::changed(&[TWO]).await;
    let worker = Worker::start(&bench.engine);
    says(&bench, &json!({"grade": "high"}));
    bench.receive("two").await;
    let first = bench.task("two").await;
    let edit = Approval {
        edit: Some(json!({"grade": "low"})),
        reason: Some("wrong".into()),
        revision: Some(first.revision),
        ..Approval::default()
    };
    let half = approve(&bench, "two", "rhea", edit).await.unwrap();
    assert_ne!(half.review.bound_to, first.bound_to, "bound anew");

    let blind = approve(&bench, "two", "boris", Approval::default()).await;
    let blind = blind.unwrap_err();
    assert_eq!(blind.code, "revision_moved", "which text was read?");
    assert_eq!(blind.more["revision"], half.review.revision);

    let seen = Approval {
        revision: Some(half.review.revision),
        ..Approval::default()
    };
    let kept = bench.raw("UPDATE reviews SET bound_to = 'sha256:other'");
    assert_eq!(kept, 1);
    let refused = approve(&bench, "two", "boris", seen.clone()).await;
    assert_eq!(refused.unwrap_err().code, "revision_moved");
    bench.raw(&format!(
        "UPDATE reviews SET bound_to = '{}'",
        half.review.bound_to
    ));
    let own = approve(&bench, "two", "rhea", seen.clone()).await;
    assert_eq!(own.unwrap_err().code, "same_person_twice", "she wrote it");
    let half = approve(&bench, "two", "boris", seen).await.unwrap();
    assert_eq!(half.approvals_left, 1, "the editor does not count");
    let last = Approval {
        revision: Some(half.review.revision),
        ..Approval::default()
    };
    approve(&bench, "two", "edda", last).await.unwrap();
    let found = bench.rest("two").await;
    assert_eq!(found.run.state.status, Status::Completed);
    assert_eq!(bench.fakes.effects().len(), 1);
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_bytes_are_neither_approved_nor_sent() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    says(&bench, &json!({"grade": "high"}));
    bench.receive("damaged").await;
    bench.task("damaged").await;
    let changed = bench.raw("UPDATE payloads SET bytes = CAST(bytes || ' ' AS BLOB) WHERE kind = 'source' AND n = (SELECT min(n) FROM payloads WHERE kind = 'source')");
    assert_eq!(changed, 1, "white space only, still the same JSON");
    let refused = approve(&bench, "damaged", "rhea", Approval::default()).await;
    assert_eq!(refused.unwrap_err().code, "record_damaged");
    assert!(bench.fakes.effects().is_empty());
    drop(worker);
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_damaged_after_the_approval_is_not_sent() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    says(&bench, &json!({"grade": "high"}));
    bench.receive("later").await;
    let task = bench.task("later").await;
    // The approved action waits for another node, as after a crash.
    worker.shut_down(std::time::Duration::from_secs(5)).await;
    let decided = bench
        .engine
        .approve(task.id, "rhea", Approval::default())
        .await
        .unwrap();
    assert_eq!(decided.run.state.status, Status::Dispatching);
    let changed = bench.raw(&format!(
        "UPDATE payloads SET bytes = CAST(replace(CAST(bytes AS TEXT), 'high', 'low') AS BLOB) WHERE kind = '{}'",
        PayloadKind::Request
    ));
    assert_eq!(changed, 1);
    let other = bench.another("two").await;
    let worker = Worker::start(&other);
    let found = bench.rest("later").await;
    assert_eq!(
        (found.run.state.status, found.run.reason),
        (Status::InReview, Some(Reason::RecordDamaged)),
        "{}",
        found.ending()
    );
    assert!(bench.fakes.effects().is_empty(), "nothing was sent");
    drop(worker);
}
