//! The recall window, repeated requests, and where a rejection goes.

use serde_json::json;
use tuesday_domain::action::ActionState;
use tuesday_domain::diff;
use tuesday_domain::record::Review;
use tuesday_domain::review::ReviewState;
use tuesday_domain::run::{Reason, Status};
use tuesday_engine::Worker;
use tuesday_engine::ops::{Approval, Refusal};
use tuesday_testkit::fakes::Said;

use crate::bench::Bench;

const MINUTE: (&str, &str) = ("recall_seconds = 0", "recall_seconds = 60");

async fn asked(bench: &Bench, event: &str) -> (Worker, Review) {
    let worker = Worker::start(&bench.engine);
    bench
        .fakes
        .then(Said::Text(json!({"grade": "high"}).to_string()));
    bench.receive(event).await;
    let task = bench.task(event).await;
    (worker, task)
}

fn low() -> Approval {
    Approval {
        edit: Some(json!({"grade": "low"})),
        reason: Some("wrong".into()),
        ..Approval::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recalled_approval_is_before_the_person_again_with_the_edit() {
    let bench = Bench::changed(&[MINUTE]).await;
    let (worker, task) = asked(&bench, "back").await;
    let done = bench.engine.approve(task.id, "rhea", low()).await.unwrap();
    let until = done.recall_until.unwrap();
    assert!(until > bench.engine.now());
    let case = bench.engine.case(task.id).await.unwrap();
    assert_eq!(case.recall_until, Some(until));
    let stranger = bench.engine.recall(task.id, "tove").await.unwrap_err();
    assert_eq!(stranger.code, "not_allowed");

    // Two clicks at once: one result.
    let (one, two) = tokio::join!(
        bench.engine.recall(task.id, "rhea"),
        bench.engine.recall(task.id, "boris")
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.review.id, two.review.id);
    assert_eq!(one.review.follows, Some(task.id));
    let found = bench.rest("back").await;
    assert_eq!(
        (found.run.state.status, found.run.reason),
        (Status::InReview, Some(Reason::Recalled))
    );
    assert!(found.actions.iter().all(|a| a.state == ActionState::Voided));
    assert_eq!(found.reviews.len(), 2);
    let old = found.reviews.iter().find(|r| r.id == task.id).unwrap();
    assert_eq!(old.state, ReviewState::ApprovedWithEdits, "as decided");
    let case = bench.engine.case(one.review.id).await.unwrap();
    assert_eq!(case.output, Some(json!({"grade": "low"})));
    let refusal = Refusal {
        reason: "wrong".into(),
        ..Refusal::default()
    };
    let last = bench
        .engine
        .reject(one.review.id, "boris", refusal)
        .await
        .unwrap();
    assert_eq!(last.run.state.status, Status::Rejected);
    assert!(bench.fakes.effects().is_empty());
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_cannot_be_recalled() {
    let bench = Bench::new().await;
    let (worker, task) = asked(&bench, "gone").await;
    let done = bench.engine.approve(task.id, "rhea", low()).await.unwrap();
    assert_eq!(done.recall_until, None, "no window is declared");
    bench.rest("gone").await;
    let late = bench.engine.recall(task.id, "rhea").await.unwrap_err();
    assert_eq!(late.code, "already_sent");
    assert_eq!(bench.fakes.effects().len(), 1);
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automatic_action_waits_in_its_window() {
    let window = (
        "recall_seconds = 0",
        "recall_seconds = 0\nautomatic_recall_seconds = 1",
    );
    let bench = Bench::changed(&[window]).await;
    let worker = Worker::start(&bench.engine);
    bench.receive("auto").await;
    let found = bench.rest("auto").await;
    assert_eq!(found.run.state.status, Status::Completed);
    let action = &found.actions[0];
    let (window, sent) = (action.not_before.unwrap(), action.first_sent_at.unwrap());
    assert!(sent >= window, "not sent before its window was over");
    assert_eq!(bench.fakes.effects().len(), 1);
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_has_one_effect_and_the_same_answer() {
    let bench = Bench::new().await;
    let (worker, task) = asked(&bench, "twice").await;
    let approval = Approval {
        key: Some("click-1".into()),
        ..Approval::default()
    };
    let first = bench
        .engine
        .approve(task.id, "rhea", approval.clone())
        .await;
    let first = first.unwrap();
    bench.rest("twice").await;
    let second = bench
        .engine
        .approve(task.id, "rhea", approval.clone())
        .await;
    let second = second.unwrap();
    assert_eq!(first.review, second.review);
    assert_eq!(second.approvals_left, 0);
    let other = bench.engine.approve(task.id, "boris", approval).await;
    assert_eq!(
        other.unwrap_err().code,
        "already_decided",
        "her key, not his"
    );
    assert_eq!(bench.fakes.effects().len(), 1);
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_goes_where_its_reason_says_and_an_override_keeps_its_difference() {
    let places = (
        "reasons = [\"wrong\"]",
        "reasons = [\"wrong\", \"by_hand\", \"anew\"]\nreject = [{ reason = \"by_hand\", then = \"hand_off\" }, { reason = \"anew\", then = \"regenerate\" }]",
    );
    let bench = Bench::changed(&[places]).await;
    let (worker, task) = asked(&bench, "places").await;
    bench
        .fakes
        .then(Said::Text(json!({"grade": "high"}).to_string()));
    let refusal = |reason: &str| Refusal {
        reason: reason.into(),
        ..Refusal::default()
    };
    let unknown = bench.engine.reject(task.id, "rhea", refusal("mood")).await;
    assert_eq!(unknown.unwrap_err().code, "unknown_reason");
    let empty = bench.engine.reject(task.id, "rhea", refusal("")).await;
    assert_eq!(empty.unwrap_err().code, "reason_required");
    let anew = bench.engine.reject(task.id, "rhea", refusal("anew")).await;
    assert_eq!(anew.unwrap().run.id, task.run);
    let second = bench.task("places").await;
    assert_ne!(second.id, task.id, "made anew in the same run");
    let by_hand = bench
        .engine
        .reject(second.id, "rhea", refusal("by_hand"))
        .await;
    assert_eq!(by_hand.unwrap().run.state.status, Status::HandedOff);

    bench
        .fakes
        .then(Said::Text(json!({"grade": "high"}).to_string()));
    bench.receive("edited").await;
    let task = bench.task("edited").await;
    let done = bench.engine.approve(task.id, "rhea", low()).await.unwrap();
    let kept = done.review.override_ref.unwrap();
    let run = done.run.id;
    let payload = bench.engine.reader().payload(run, kept).await.unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&payload.unwrap().bytes).unwrap();
    let steps: Vec<diff::Edit> = serde_json::from_value(kept["diff"].clone()).unwrap();
    let delivered = diff::apply(&json!({"grade": "high"}), &steps);
    assert_eq!(delivered, Some(json!({"grade": "low"})));
    assert_eq!(
        (&kept["reason"], &kept["by"]),
        (&json!("wrong"), &json!("rhea"))
    );
    drop(worker);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_never_moves_by_rule() {
    let pay = (
        "class = \"write\"",
        "class = \"pay\"\nwhen = \"output.grade == 'low'\"",
    );
    let bench = Bench::changed(&[pay]).await;
    let worker = Worker::start(&bench.engine);
    bench.receive("pay").await;
    let found = bench.rest("pay").await;
    assert_eq!(
        (found.run.state.status, found.run.reason),
        (Status::InReview, Some(Reason::Stage)),
        "stage auto, and an auto row"
    );
    assert!(bench.fakes.effects().is_empty());
    let task = bench.task("pay").await;
    bench
        .engine
        .approve(task.id, "rhea", Approval::default())
        .await
        .unwrap();
    assert_eq!(bench.rest("pay").await.run.state.status, Status::Completed);
    assert_eq!(bench.fakes.effects().len(), 1, "by a person it is sent");
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_finds_its_own_approval_to_take_back() {
    let bench = Bench::changed(&[MINUTE]).await;
    let (worker, task) = asked(&bench, "mine").await;
    let engine = &bench.engine;
    let early = engine.recall_run(task.run, "rhea").await.unwrap_err();
    assert_eq!(early.code, "illegal_state", "nobody approved it yet");
    let done = engine.approve(task.id, "rhea", low()).await.unwrap();
    let run = engine.reader().run(task.run).await.unwrap().unwrap();
    assert_eq!(
        engine.recallable_by(&run, "rhea").await.unwrap(),
        done.recall_until
    );
    assert_eq!(engine.recallable_by(&run, "tove").await.unwrap(), None);
    let stranger = engine.recall_run(task.run, "tove").await.unwrap_err();
    assert_eq!(stranger.code, "not_allowed");
    let back = engine.recall_run(task.run, "rhea").await.unwrap();
    assert_eq!(back.review.follows, Some(task.id));
    let again = engine.recall_run(task.run, "rhea").await.unwrap();
    assert_eq!(
        again.review.id, back.review.id,
        "repeated, it answers the same task"
    );
    let run = engine.reader().run(task.run).await.unwrap().unwrap();
    assert_eq!(engine.recallable_by(&run, "rhea").await.unwrap(), None);
    let no = Refusal {
        reason: "wrong".into(),
        ..Refusal::default()
    };
    engine.reject(back.review.id, "rhea", no).await.unwrap();
    assert!(bench.fakes.effects().is_empty());
    bench.end(worker).await;
}
