//! What waits in the line was judged beside a release that is not live any more: it is tested beside what
//! is live when its turn comes. What is as good goes live by itself, what is worse goes back.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;
use tuesday_domain::eval::GateReason;
use tuesday_domain::record::{Release, ReleaseState, Workflow};
use tuesday_engine::ops::release::GateRecord;
use tuesday_engine::{Engine, Worker};
use tuesday_testkit::{Database, until};

use crate::bench::Bench;
use crate::releases::{FACTS, approver, by, changed, code, create, evaluate, pack};
use crate::trouble::later;

/// A window, and two tries of what waited.
const SETTLING: (&str, &str) = (
    "[limits]",
    "[settling]\nwindow = \"10m\"\ntries = 2\nagain_after = \"5m\"\n[limits]",
);
const SAMPLE: &str = "[sample.everyday]\nmin = 0.2\nabout = \"Ordinary cases\"\n";

/// Twenty cases judged as a share: ten of them need a person.
fn share() -> String {
    (0..20).fold(String::new(), |mut all, i| {
        let expect = if i < 10 {
            json!({"route": "review", "tier": "desk"})
        } else {
            json!({"route": "auto"})
        };
        let at =
            json!({"crm": {"id": "1", "tier": "gold", "updated_at": "@-1h"}, "contract": null});
        let case = json!({"name": format!("daily-{i}"), "kind": "edge", "sample": "everyday",
            "input": {"id": format!("m{i}")}, "sources": at, "expect": expect});
        let _ = writeln!(all, "{case}");
        all
    })
}

async fn agreed(e: &Engine, pairs: &[(&str, &str, &str)], more: &[(&str, &str)]) -> Release {
    let mut package = changed(e, &pack(0), pairs).await;
    let more = more.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned()));
    package.files.extend(more);
    let row = create(e, &package).await;
    let done = evaluate(e, row.id).await;
    let verdict = &done.record.verdict;
    assert_eq!(done.release.state, ReleaseState::Passed, "{verdict:?}");
    e.approve_release(row.id, "boris", "reads better")
        .await
        .unwrap()
}

/// Another prompt, which changes no answer of the model of the tests.
async fn worded(e: &Engine, words: &str, more: &[(&str, &str)]) -> Release {
    let prompt = format!("Grade case{words}");
    agreed(e, &[("prompt.md", "Grade case", &prompt)], more).await
}

async fn workflow(e: &Engine) -> Workflow {
    e.reader().workflow("small").await.unwrap().unwrap()
}

async fn state(e: &Engine, row: &Release) -> ReleaseState {
    e.reader().release(row.id).await.unwrap().unwrap().state
}

async fn becomes(e: &Engine, row: &Release, wanted: ReleaseState) {
    until(&format!("release {} is {wanted}", row.number), || async {
        (state(e, row).await == wanted).then_some(())
    })
    .await;
}

async fn returned(e: &Engine) -> Vec<String> {
    let told = e.reader().notices_of("tove", 99).await.unwrap();
    let told = told.into_iter().filter(|n| n.kind == "release_returned");
    told.map(|n| n.title).collect()
}

async fn story(database: Option<&Database>) {
    let url = database.map(Database::url);
    let bench = Bench::on(&[FACTS, SETTLING], url.as_deref()).await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;
    approver(&bench).await;
    let ten: Vec<String> = (0..10).map(|i| format!("'m{i}'")).collect();
    let better = format!("in ['h', {}]", ten.join(", "));
    let first = agreed(e, &[("workflow.toml", "in ['h']", &better)], &[]).await;
    // As good as the release that is live now; ten cases worse than the one that will be.
    let share = share();
    let pack = [
        ("evals/daily.jsonl", share.as_str()),
        ("evals/gate.toml", SAMPLE),
    ];
    let worse = worded(e, " well", &pack).await;
    let good = worded(e, " best", &[]).await;
    for row in [&first, &worse, &good] {
        e.promote_release(row.id, &by("tove")).await.unwrap();
    }
    assert_eq!(workflow(e).await.rollout.changes.waiting.len(), 2);
    later(&bench, 11).await;

    // The one that is worse goes back with the reason, the next one goes live by itself.
    becomes(e, &good, ReleaseState::Live).await;
    assert_eq!(state(e, &worse).await, ReleaseState::Blocked);
    let told = returned(e).await;
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [
        "release 3 does not go live",
        "worse_than_live",
        "10 cases broken",
    ] {
        assert!(told[0].contains(part), "{part}: {told:?}");
    }
    let gate = |row: &Release| {
        let id = row.id;
        async move { e.reader().gate(id).await.unwrap().unwrap() }
    };
    let stopped = gate(&worse).await;
    assert_eq!(stopped.decided_by, None, "its approval is over");
    let record = GateRecord::of(Some(&stopped)).unwrap();
    let reasons: Vec<_> = record.verdict.reasons.iter().map(|r| r.reason).collect();
    assert_eq!(reasons, [GateReason::WorseThanLive]);
    let went = gate(&good).await;
    let record = GateRecord::of(Some(&went)).unwrap();
    assert_eq!(record.evidence.compared.unwrap().baseline, "release 2");
    assert_eq!(
        went.decided_by.as_deref(),
        Some("boris"),
        "the approval stands"
    );
    assert_eq!(went.started_by, "system:line");
    assert!(workflow(e).await.rollout.changes.waiting.is_empty());
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_is_tested_beside_what_is_live_then() {
    Box::pin(story(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_is_tested_beside_what_is_live_then_on_postgresql() {
    let database = Database::create().await;
    Box::pin(story(Some(&database))).await;
    database.drop().await;
}

async fn waits(e: &Engine, tries: u32) {
    until(&format!("test {tries} came to nothing"), || async {
        let waiting = workflow(e).await.rollout.changes.waiting;
        let test = waiting.first()?.test.clone()?;
        (test.tries == tries && test.why?.contains("did not answer")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_away_is_asked_again_and_not_for_ever() {
    let bench = Bench::on(&[FACTS, SETTLING], None).await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;
    approver(&bench).await;
    let (two, three) = (worded(e, " well", &[]).await, worded(e, " best", &[]).await);
    let four = worded(e, " again", &[]).await;
    for row in [&two, &three] {
        e.promote_release(row.id, &by("tove")).await.unwrap();
    }
    bench.fakes.model_is_up(false);
    later(&bench, 11).await;
    waits(e, 1).await;
    assert_eq!(state(e, &three).await, ReleaseState::Evaluating);
    let words = workflow(e).await.rollout.changes.waiting[0]
        .words()
        .unwrap();
    assert!(words.contains("the next one begins at"), "{words}");
    bench.fakes.model_is_up(true);
    later(&bench, 6).await;
    becomes(e, &three, ReleaseState::Live).await;
    assert!(returned(e).await.is_empty());

    // The declared number of tries, and it goes back: what cannot be tested does not go live.
    let done = e.promote_release(four.id, &by("tove")).await.unwrap();
    assert!(done.after.is_some());
    bench.fakes.model_is_up(false);
    later(&bench, 11).await;
    waits(e, 1).await;
    later(&bench, 6).await;
    becomes(e, &four, ReleaseState::Blocked).await;
    let told = returned(e).await;
    assert!(
        told.len() == 1 && told[0].contains("case_error"),
        "{told:?}"
    );
    assert_eq!(state(e, &three).await, ReleaseState::Live);
    assert!(workflow(e).await.rollout.changes.waiting.is_empty());
    worker.shut_down(Duration::from_secs(10)).await;
}

/// It is as good as what is live now, and gives up a case that what is live now has: nobody agreed to that.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_does_not_stand_for_what_nobody_saw() {
    let bench = Bench::on(&[FACTS, SETTLING], None).await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;
    approver(&bench).await;
    let guard = json!({"name": "never-again", "kind": "regression", "input": {"id": "2"},
        "sources": {"crm": {"id": "1", "tier": "gold", "updated_at": "@-1h"}, "contract": null},
        "expect": {"route": "auto"}})
    .to_string();
    let first = worded(e, " well", &[("evals/more.jsonl", &guard)]).await;
    let without = worded(e, " best", &[]).await;
    for row in [&first, &without] {
        e.promote_release(row.id, &by("tove")).await.unwrap();
    }
    later(&bench, 11).await;
    becomes(e, &without, ReleaseState::Passed).await;
    let told = returned(e).await;
    let words = "which nobody approved";
    assert!(told.len() == 1 && told[0].contains(words), "{told:?}");
    assert!(told[0].contains("never-again"), "{told:?}");
    assert!(workflow(e).await.rollout.changes.waiting.is_empty());
    let cleared = e.approve_release(without.id, "boris", "still").await;
    assert_eq!(code(cleared), "clearance_needed");
    worker.shut_down(Duration::from_secs(10)).await;
}

/// Without a line nothing tests it by itself: it says what it was compared with, and how to go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_release_compared_with_another_one_is_not_promoted() {
    let bench = Bench::on(&[FACTS], None).await;
    let e = &bench.engine;
    approver(&bench).await;
    let (two, three) = (worded(e, " well", &[]).await, worded(e, " best", &[]).await);
    e.promote_release(two.id, &by("tove")).await.unwrap();
    let refused = e.promote_release(three.id, &by("tove")).await.unwrap_err();
    assert_eq!(refused.code, "gate_not_passed");
    let words = "it was compared with release 1, and release 2 is live now";
    assert!(refused.detail.contains(words), "{refused:?}");
    assert_eq!(
        refused.way_out,
        Some(format!("tuesday release eval {}", three.id))
    );
    evaluate(e, three.id).await;
    let unapproved = e.promote_release(three.id, &by("tove")).await;
    assert_eq!(
        code(unapproved),
        "gate_not_passed",
        "a person looks at the new figures"
    );
    e.approve_release(three.id, "boris", "still").await.unwrap();
    let done = e.promote_release(three.id, &by("tove")).await.unwrap();
    assert_eq!(done.release.state, ReleaseState::Live);
}
