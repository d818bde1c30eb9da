//! Watched sources are read again: when somebody approves, and before anything is sent.

use serde_json::{Value, json};
use tuesday_domain::problem::Problem;
use tuesday_domain::review::ReviewState;
use tuesday_domain::run::{Reason, Status};
use tuesday_domain::time::Timestamp;
use tuesday_engine::Worker;
use tuesday_engine::ops::{Approval, Decided, Refusal, Settlement};
use tuesday_testkit::fakes::Said;

use crate::bench::{Bench, aged};

const WATCH: (&str, &str) = (
    "critical = [\"tier\"]",
    "critical = [\"tier\"]\nwatch = [\"tier\"]\nupdated_by = \"by\"",
);
const MAY: (&str, &str) = (
    "backup = \"boris\"\n[[action]]",
    "backup = \"boris\"\nmay_accept_changed = true\n[[action]]",
);
const WINDOW: (&str, &str) = ("recall_seconds = 0", "recall_seconds = 1");

async fn asked(bench: &Bench, event: &str) -> Worker {
    let worker = Worker::start(&bench.engine);
    bench
        .fakes
        .then(Said::Text(json!({"grade": "high"}).to_string()));
    bench.receive(event).await;
    assert_eq!(bench.task(event).await.reason, Reason::Rule);
    worker
}

async fn approve(bench: &Bench, event: &str, a: Approval) -> Result<Decided, Problem> {
    let task = bench.task(event).await;
    bench.engine.approve(task.id, "rhea", a).await
}

fn anyway(reason: Option<&str>) -> Approval {
    Approval {
        accept_changed: true,
        reason: reason.map(str::to_owned),
        ..Approval::default()
    }
}

fn silver() -> Value {
    let mut record = aged(0, "silver");
    record["by"] = json!("rep 7");
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_change_blocks_until_it_is_accepted_with_a_reason() {
    let bench = Bench::changed(&[WATCH, MAY]).await;
    let worker = asked(&bench, "moved").await;
    bench.fakes.record("crm", silver());
    // Nobody accepts what was never shown.
    let unseen = approve(&bench, "moved", anyway(Some("wrong"))).await;
    let refused = unseen.unwrap_err();
    assert_eq!(refused.code, "source_changed");
    let change = &refused.more["changes"][0];
    assert_eq!(
        (&change["field"], &change["old"], &change["new"]),
        (&json!("tier"), &json!("gold"), &json!("silver"))
    );
    assert_eq!(change["changed_by"], "rep 7");
    assert_eq!(refused.more["may_accept"], true);
    let task = bench.task("moved").await;
    assert_eq!(task.state, ReviewState::Open, "not counted");
    assert_eq!(refused.more["revision"], task.revision);
    let case = bench.engine.case(task.id).await.unwrap();
    assert_eq!(case.recheck.unwrap().changes.len(), 1, "noted on the task");

    let plain = approve(&bench, "moved", Approval::default()).await;
    assert_eq!(plain.unwrap_err().code, "source_changed");
    let again = bench.task("moved").await;
    assert_eq!(again.revision, task.revision, "nothing new to note");
    let bare = approve(&bench, "moved", anyway(None)).await;
    assert_eq!(bare.unwrap_err().code, "reason_required");
    bench.fakes.record("crm", aged(0, "bronze"));
    let moved_on = approve(&bench, "moved", anyway(Some("wrong"))).await;
    assert_eq!(
        moved_on.unwrap_err().code,
        "source_changed",
        "another value"
    );
    assert!(bench.fakes.effects().is_empty());
    approve(&bench, "moved", anyway(Some("wrong")))
        .await
        .unwrap();
    assert_eq!(
        bench.rest("moved").await.run.state.status,
        Status::Completed
    );
    assert_eq!(bench.fakes.effects().len(), 1);
    let counts = bench
        .engine
        .overrides(None, Timestamp::from_micros(0))
        .await
        .unwrap();
    assert_eq!(counts.len(), 1);
    assert_eq!(
        (counts[0].kind.word(), counts[0].reason.as_str()),
        ("forced", "wrong")
    );
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_nobody_accepts_a_change_and_a_new_output_solves_it() {
    let bench = Bench::changed(&[WATCH]).await;
    let worker = asked(&bench, "anew").await;
    bench.fakes.record("crm", silver());
    bench.fakes.record("contract", aged(0, "silver"));
    let shown = approve(&bench, "anew", Approval::default()).await;
    assert_eq!(shown.unwrap_err().code, "source_changed");
    let refused = approve(&bench, "anew", anyway(Some("wrong"))).await;
    assert_eq!(refused.unwrap_err().code, "not_allowed");

    let first = bench.task("anew").await;
    bench
        .fakes
        .then(Said::Text(json!({"grade": "high"}).to_string()));
    let again = Settlement::Regenerate { reason: None };
    let done = bench
        .engine
        .settle(first.id, "rhea", None, again)
        .await
        .unwrap();
    assert_eq!(done.run.id, first.run, "the same run");
    assert_eq!(done.review.state, ReviewState::Superseded);
    let second = bench.task("anew").await;
    assert_ne!(second.id, first.id);
    assert_ne!(second.output_ref, first.output_ref);
    approve(&bench, "anew", Approval::default()).await.unwrap();
    let found = bench.rest("anew").await;
    assert_eq!(found.run.state.status, Status::Completed);
    assert_eq!(bench.fakes.effects().len(), 1, "written once");
    let story = bench.engine.story(found.run.id).await.unwrap();
    let text = serde_json::to_string(&story).unwrap();
    assert!(text.contains("silver") && text.contains("gold"), "both");
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_source_holds_and_a_deleted_record_is_named() {
    let bench = Bench::changed(&[WATCH, MAY]).await;
    let worker = asked(&bench, "silent").await;
    bench.fakes.reachable("crm", false);
    for approval in [Approval::default(), anyway(Some("wrong"))] {
        let held = approve(&bench, "silent", approval).await;
        assert_eq!(held.unwrap_err().code, "freshness_unknown");
    }
    bench.fakes.reachable("crm", true);
    bench.fakes.deleted("crm");
    let gone = approve(&bench, "silent", anyway(Some("wrong"))).await;
    assert_eq!(gone.unwrap_err().code, "target_missing");
    assert!(bench.fakes.effects().is_empty());
    bench.fakes.record("crm", aged(0, "gold"));
    approve(&bench, "silent", Approval::default())
        .await
        .unwrap();
    assert_eq!(
        bench.rest("silent").await.run.state.status,
        Status::Completed
    );
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_nobody_watches_is_told_and_blocks_nothing() {
    let more = ("fields = [\"tier\"]", "fields = [\"tier\", \"mood\"]");
    let bench = Bench::changed(&[more, WATCH]).await;
    let worker = asked(&bench, "mood").await;
    let mut record = aged(0, "gold");
    record["mood"] = json!("bad");
    bench.fakes.record("crm", record);
    let done = approve(&bench, "mood", Approval::default()).await.unwrap();
    assert_eq!(done.changes.len(), 1);
    assert!(!done.changes[0].watched);
    assert_eq!(bench.rest("mood").await.run.state.status, Status::Completed);
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_between_approval_and_sending_sends_nothing() {
    let bench = Bench::changed(&[WATCH, MAY, WINDOW]).await;
    let worker = asked(&bench, "window").await;
    let edit = Approval {
        edit: Some(json!({"grade": "low"})),
        reason: Some("wrong".into()),
        ..Approval::default()
    };
    let first = approve(&bench, "window", edit).await.unwrap();
    assert!(first.recall_until.is_some());
    bench.fakes.record("crm", silver());
    let found = bench.rest("window").await;
    assert_eq!(
        (found.run.state.status, found.run.reason),
        (Status::InReview, Some(Reason::SourceChanged)),
        "{}",
        found.ending()
    );
    assert!(bench.fakes.effects().is_empty(), "nothing was sent");
    let task = found.reviews.last().unwrap();
    assert_eq!(task.follows, Some(first.review.id));
    let case = bench.engine.case(task.id).await.unwrap();
    assert_eq!(case.output, Some(json!({"grade": "low"})), "with the edit");
    assert_eq!(case.recheck.unwrap().changes[0].new, "silver");
    // What is accepted now is accepted before sending too.
    approve(&bench, "window", anyway(Some("wrong")))
        .await
        .unwrap();
    assert_eq!(
        bench.rest("window").await.run.state.status,
        Status::Completed
    );
    assert_eq!(bench.fakes.effects().len(), 1);
    bench.end(worker).await;
}

const CONDITIONAL: (&str, &str) = (
    "ability = \"B\"\ntarget = \"input.id\"\nmethod = \"POST\"",
    "ability = \"D\"\ntarget = \"input.id\"\nread_url = \"https://desk.example.com/notes\"\nmethod = \"PUT\"",
);
const VERSION: (&str, &str) = (
    "system = \"CRM\"\nrank = 1",
    "system = \"Desk\"\nversion = \"version\"\nrank = 1",
);

fn versioned(version: &str) -> Value {
    let mut record = aged(0, "gold");
    record["version"] = json!(version);
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_target_is_overwritten_only_when_that_very_version_was_accepted() {
    let bench = Bench::changed(&[CONDITIONAL, VERSION, MAY]).await;
    bench.fakes.record("crm", versioned("7"));
    bench.fakes.target_version("7");
    let worker = asked(&bench, "etag").await;
    bench.fakes.target_version("8");
    approve(&bench, "etag", Approval::default()).await.unwrap();
    let found = bench.rest("etag").await;
    assert_eq!(
        found.run.reason,
        Some(Reason::TargetChanged),
        "{}",
        found.ending()
    );
    let task = found.reviews.last().unwrap().clone();
    let case = bench.engine.case(task.id).await.unwrap();
    let change = &case.recheck.unwrap().changes[0];
    assert_eq!((&change.old, &change.new), (&json!("7"), &json!("8")));
    assert!(bench.fakes.effects().is_empty());
    let refused = approve(&bench, "etag", Approval::default()).await;
    assert_eq!(refused.unwrap_err().code, "target_changed");
    // It moves on while the person decides: blocked again.
    bench.fakes.target_version("9");
    approve(&bench, "etag", anyway(Some("wrong")))
        .await
        .unwrap();
    let found = bench.rest("etag").await;
    assert_eq!(found.run.reason, Some(Reason::TargetChanged));
    assert!(bench.fakes.effects().is_empty(), "9 was never shown");
    approve(&bench, "etag", anyway(Some("wrong")))
        .await
        .unwrap();
    assert_eq!(bench.rest("etag").await.run.state.status, Status::Completed);
    assert_eq!(bench.fakes.effects().len(), 1);
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tier_of_two_overwrites_a_changed_target_with_two() {
    let two = (
        "backup = \"boris\"\n[[action]]",
        "backup = \"boris\"\nmay_accept_changed = true\napprovals = 2\n[[action]]",
    );
    let bench = Bench::changed(&[CONDITIONAL, VERSION, two]).await;
    bench.fakes.record("crm", versioned("7"));
    let worker = asked(&bench, "pair").await;
    bench.fakes.target_version("8");
    let as_is = Approval::default();
    let task = bench.task("pair").await;
    for person in ["rhea", "boris"] {
        let engine = &bench.engine;
        engine
            .approve(task.id, person, as_is.clone())
            .await
            .unwrap();
    }
    let found = bench.rest("pair").await;
    assert_eq!(found.run.reason, Some(Reason::TargetChanged));
    let task = found.reviews.last().unwrap().clone();
    let over = |by: &'static str| {
        let anyway = Approval {
            key: Some("one".into()),
            ..anyway(Some("wrong"))
        };
        bench.engine.approve(task.id, by, anyway)
    };
    let half = over("rhea").await.unwrap();
    assert_eq!(half.approvals_left, 1);
    assert_eq!(half.review.owner, "boris", "the other one is asked");
    assert_eq!(
        over("rhea").await.unwrap().review,
        half.review,
        "said again"
    );
    let alone = bench
        .engine
        .approve(task.id, "rhea", anyway(Some("wrong")))
        .await;
    assert_eq!(alone.unwrap_err().code, "same_person_twice");
    assert!(bench.fakes.effects().is_empty(), "one is not enough");
    assert_eq!(over("boris").await.unwrap().approvals_left, 0);
    assert_eq!(bench.rest("pair").await.run.state.status, Status::Completed);
    assert_eq!(bench.fakes.effects().len(), 1);
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_action_can_be_rejected_or_made_anew() {
    let bench = Bench::changed(&[CONDITIONAL, VERSION]).await;
    bench.fakes.record("crm", versioned("7"));
    bench.fakes.target_version("8");
    let worker = asked(&bench, "no").await;
    approve(&bench, "no", Approval::default()).await.unwrap();
    let task = bench.task("no").await;
    assert_eq!(task.reason, Reason::TargetChanged);
    let refusal = Refusal {
        reason: "wrong".into(),
        ..Refusal::default()
    };
    let done = bench.engine.reject(task.id, "rhea", refusal).await.unwrap();
    assert_eq!(done.run.state.status, Status::Rejected);
    assert!(bench.fakes.effects().is_empty());
    bench.end(worker).await;
}
