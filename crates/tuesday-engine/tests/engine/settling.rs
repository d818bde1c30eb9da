//! A change is watched until it has settled: the next one waits its turn, a broken guard takes it back,
//! a freeze keeps it away. Stopping, going back and tightening never wait.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Release, ReleaseState, RuleSetRow, RuleSetState};
use tuesday_domain::rules::CellEdit;
use tuesday_domain::settling::Changed;
use tuesday_domain::trouble::Category;
use tuesday_domain::workflow::Switch;
use tuesday_engine::ops::{RulesChange, RulesEdit};
use tuesday_engine::{Engine, Worker};
use tuesday_store::IncidentFilter;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;
use crate::releases::{FACTS, approver, by, changed, code, create, evaluate, pack};
use crate::trouble::later;

const SETTLING: (&str, &str) = (
    "[limits]",
    "[settling]\nwindow = \"10m\"\n[[settling.guard]]\nname = \"flags\"\nmetric = \"signals\"\n\
     signal = \"compliance_flag\"\nover = \"1d\"\ncomparison = \"at_least\"\nnumber = 2\n[limits]",
);

/// A release whose prompt ends with these words, approved by another person.
async fn approved(e: &Engine, words: &str) -> Release {
    let prompt = format!("Grade case{words}");
    let package = changed(e, &pack(0), &[("prompt.md", "Grade case", &prompt)]).await;
    let row = create(e, &package).await;
    let done = evaluate(e, row.id).await;
    assert_eq!(
        done.release.state,
        ReleaseState::Passed,
        "{:?}",
        done.record.verdict
    );
    let row = e.approve_release(row.id, "boris", "reads better").await;
    row.unwrap()
}

async fn live(e: &Engine, what: &str, number: u32) {
    until(&format!("{what}: release {number} is live"), || async {
        let all = e.reader().releases("small").await.unwrap();
        let live = all.into_iter().find(|r| r.state == ReleaseState::Live);
        (live.unwrap().number == number).then_some(())
    })
    .await;
}

async fn flag(e: &Engine, name: &str) {
    let new = tuesday_engine::ops::PostedSignal {
        event: Some(name.to_owned()),
        kind: "compliance_flag".into(),
        run: None,
        record: None,
        wrong: true,
        count: 1,
        at: None,
    };
    let by = Actor::Token("tok".into());
    e.post_signal("small", new, &by).await.unwrap();
}

async fn story(database: Option<&Database>) {
    let url = database.map(Database::url);
    let bench = Bench::on(&[FACTS, SETTLING], url.as_deref()).await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;
    approver(&bench).await;
    let row = || async { e.reader().workflow("small").await.unwrap().unwrap() };

    // What was flagged before the change says nothing about it.
    flag(e, "old-1").await;
    flag(e, "old-2").await;
    later(&bench, 1).await;
    let r2 = approved(e, " well").await;
    let r3 = approved(e, " better").await;
    let done = e.promote_release(r2.id, &by("tove")).await.unwrap();
    assert_eq!((done.release.state, done.after), (ReleaseState::Live, None));
    let open = row().await.rollout.changes.settling.unwrap();
    let until_then = open.until;
    assert_eq!(until_then, open.began_at.plus(Duration::from_secs(600)));
    let Changed::Release { came, .. } = open.changed else {
        panic!("{open:?}")
    };
    assert_eq!(came, r2.id);

    // The next one waits, once, and follows by itself.
    for _ in 0..2 {
        let done = e.promote_release(r3.id, &by("tove")).await.unwrap();
        assert_eq!(done.release.state, ReleaseState::Approved);
        assert_eq!(done.after, Some(until_then));
    }
    let waiting = row().await.rollout.changes.waiting;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    later(&bench, 11).await;
    live(e, "its turn has come", 3).await;
    let changes = row().await.rollout.changes;
    assert!(changes.waiting.is_empty(), "{changes:?}");
    assert!(changes.settling.is_some(), "each has its own window");

    // A broken guard takes it back, and drops what waited for it.
    let r4 = approved(e, " best").await;
    e.promote_release(r4.id, &by("tove")).await.unwrap();
    flag(e, "new-1").await;
    flag(e, "new-2").await;
    live(e, "the guard broke", 2).await;
    let changes = row().await.rollout.changes;
    assert!(!changes.busy(), "{changes:?}");
    let told = e.reader().notices_of("tove", 99).await.unwrap();
    let dropped = told.iter().find(|n| n.kind == "release_dropped").unwrap();
    assert!(
        dropped.title.contains(&r4.id.to_string()),
        "{}",
        dropped.title
    );
    let filter = IncidentFilter {
        category: Some(Category::GuardBroken),
        ..IncidentFilter::default()
    };
    until("the incident is open", || async {
        let found = e.reader().incidents(&filter, None, 9).await.unwrap();
        (found.len() == 1 && found[0].key == "guard_broken:small settling flags").then_some(())
    })
    .await;
    let state = e.reader().release(r3.id).await.unwrap().unwrap().state;
    assert_eq!(state, ReleaseState::RolledBack);
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_settle_one_after_another() {
    Box::pin(story(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_settle_one_after_another_on_postgresql() {
    let database = Database::create().await;
    Box::pin(story(Some(&database))).await;
    database.drop().await;
}

fn route(row: &str, to: &str) -> RulesChange {
    let cell = |column: &str, value: &str| CellEdit {
        row: row.into(),
        column: column.into(),
        value: value.into(),
    };
    let tier = if to == "review" { "desk" } else { "" };
    RulesChange {
        base: None,
        edit: RulesEdit::Cells(vec![cell("route", to), cell("review_tier", tier)]),
        reason: "a test".into(),
        starts_at: None,
        ends_at: None,
    }
}

/// A change that eases a rule, agreed to by whoever must.
async fn eased(e: &Engine) -> Result<RuleSetRow, Problem> {
    let row = e
        .change_rules("small", "rhea", route("r1", "auto"))
        .await?
        .row;
    let Some(owner) = row.bound_owner.clone() else {
        return Ok(row);
    };
    e.approve_rules("small", row.version, &owner, "agreed")
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_settle_and_are_taken_back() {
    let bench = Bench::on(&[SETTLING], None).await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;
    let row = || async { e.reader().workflow("small").await.unwrap().unwrap() };
    let state = |version| async move {
        let row = e.reader().ruleset("small", version).await.unwrap();
        row.unwrap().state
    };

    // Tightening is in force at once, and watched.
    let done = e.change_rules("small", "rhea", route("r1", "review")).await;
    assert_eq!(done.unwrap().row.state, RuleSetState::Active);
    let open = row().await.rollout.changes.settling.unwrap();
    assert_eq!(open.changed, Changed::Rules { came: 2, back: 1 });

    // What eases something begins after it.
    let planned = eased(e).await.unwrap();
    assert_eq!(planned.state, RuleSetState::Scheduled);
    assert_eq!(planned.starts_at, Some(open.until));
    assert_eq!(row().await.rules_version, 2);
    later(&bench, 11).await;
    until("the planned change is in force", || async {
        (row().await.rules_version == planned.version).then_some(())
    })
    .await;
    let open = row().await.rollout.changes.settling.unwrap();
    let (came, back) = (planned.version, 2);
    assert_eq!(open.changed, Changed::Rules { came, back });

    // Its guard breaks: what was in force before is in force again.
    flag(e, "new-1").await;
    flag(e, "new-2").await;
    until("the change is taken back", || async {
        (row().await.rules_version == came + 1).then_some(())
    })
    .await;
    assert_eq!(state(came).await, RuleSetState::Superseded);
    let now = e
        .reader()
        .ruleset("small", came + 1)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((now.restores, now.state), (Some(2), RuleSetState::Active));
    assert!(
        now.reason.contains("settling guard flags"),
        "{}",
        now.reason
    );
    assert!(!row().await.rollout.changes.busy());
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_keeps_changes_away_and_stops_nothing_else() {
    let freeze = "[[freeze]]\nfrom = \"2000-01-01T00:00:00Z\"\nuntil = \"2999-01-01T00:00:00Z\"\n\
                  why = \"year end\"\n[limits]";
    let bench = Bench::on(&[FACTS, ("[limits]", freeze)], None).await;
    let e = &bench.engine;
    approver(&bench).await;
    let r2 = approved(e, " well").await;
    let waits = e.promote_release(r2.id, &by("tove")).await.unwrap();
    assert_eq!(waits.release.state, ReleaseState::Approved);
    assert_eq!(waits.after.unwrap().rfc3339(), "2999-01-01T00:00:00.000Z");
    let standing = e.reader().workflow("small").await.unwrap().unwrap();
    assert_eq!(standing.rollout.changes.waiting.len(), 1);
    let tighter = e.change_rules("small", "rhea", route("r1", "review")).await;
    assert_eq!(tighter.unwrap().row.state, RuleSetState::Active);
    assert_eq!(code(eased(e).await), "change_frozen");
    let back = RulesChange {
        edit: RulesEdit::Version(1),
        ..route("r1", "auto")
    };
    let back = e.change_rules("small", "rhea", back).await;
    assert_ne!(code(back), "change_frozen", "going back is never frozen");
    let rhea = by("rhea");
    let paused = e.set_switch("small", Switch::Paused, &rhea, "a test");
    assert_eq!(paused.await.unwrap().switch, Switch::Paused);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promoted_in_a_freeze_goes_live_after_it() {
    let day = |n: u64| {
        tuesday_engine::Clock::System
            .now()
            .plus(Duration::from_secs(n * 86_400))
    };
    let freeze = format!(
        "[[freeze]]\nfrom = \"2000-01-01T00:00:00Z\"\nuntil = \"{}\"\nwhy = \"year end\"\n[limits]",
        day(3).rfc3339()
    );
    let bench = Bench::on(&[FACTS, ("[limits]", &freeze)], None).await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;
    approver(&bench).await;
    let r2 = approved(e, " well").await;
    let waits = e.promote_release(r2.id, &by("tove")).await.unwrap();
    assert_eq!(waits.release.state, ReleaseState::Approved);
    later(&bench, 2 * 24 * 60).await;
    let still = e.reader().release(r2.id).await.unwrap().unwrap();
    assert_eq!(still.state, ReleaseState::Approved, "the freeze is on");
    later(&bench, 2 * 24 * 60).await;
    live(e, "the freeze is over", 2).await;
    bench.end(worker).await;
}
