//! A release ships another decision table than the one before it: the table in force stays, the shipped
//! one is proposed to the bound owner, and everybody is told which one was asked.

use tuesday_domain::record::{ReleaseState, RuleSetRow, RuleSetState};
use tuesday_engine::Engine;
use tuesday_testkit::Database;

use crate::bench::Bench;
use crate::releases::{FACTS, approver, by, changed, create, evaluate, pack};

type Edit<'a> = (&'a str, &'a str, &'a str);

/// A release with these changes goes live.
async fn live(e: &Engine, pairs: &[Edit<'_>]) -> Vec<String> {
    let row = create(e, &changed(e, &pack(0), pairs).await).await;
    let done = evaluate(e, row.id).await;
    let verdict = &done.record.verdict;
    assert_eq!(done.release.state, ReleaseState::Passed, "{verdict:?}");
    let table = done.record.evidence.table.unwrap();
    assert!(table.ends_with("in force"), "{table}");
    e.approve_release(row.id, "boris", "reads better")
        .await
        .unwrap();
    e.promote_release(row.id, &by("tove")).await.unwrap();
    done.record.verdict.warnings
}

async fn versions(e: &Engine) -> Vec<RuleSetRow> {
    let mut all = e.reader().rulesets("small").await.unwrap();
    all.sort_by_key(|r| r.version);
    all
}

async fn in_force(e: &Engine) -> u64 {
    e.reader()
        .workflow("small")
        .await
        .unwrap()
        .unwrap()
        .rules_version
}

async fn story(database: Option<&Database>) {
    let url = database.map(Database::url);
    let bench = Bench::on(&[FACTS], url.as_deref()).await;
    let e = &bench.engine;
    approver(&bench).await;

    // The same table: nothing to say.
    let plain = ("prompt.md", "Grade case", "Grade the case");
    assert!(live(e, &[plain]).await.is_empty());
    assert_eq!(versions(e).await.len(), 1);

    // Another one: judged on the table in force, which stays; the shipped one waits for its owner.
    let words = ("rules.csv", "It matters little", "It hardly matters");
    let warned = live(e, &[words]).await;
    assert!(
        warned.len() == 1 && warned[0].contains("not the table in force (version 1)"),
        "{warned:?}"
    );
    let all = versions(e).await;
    let row = &all[1];
    assert_eq!((all.len(), in_force(e).await), (2, 1));
    assert_eq!((row.state, row.base), (RuleSetState::Proposed, Some(1)));
    assert_eq!(row.reason, "shipped with release 3");
    assert!(row.csv.contains("It hardly matters"), "{}", row.csv);
    assert_eq!(row.bound_owner.as_deref(), Some("edda"));
    let told = e.reader().notices_of("edda", 99).await.unwrap();
    let asked = told.iter().filter(|n| n.kind == "rules_proposed").count();
    assert_eq!(asked, 1);
    let heard = e.reader().notices_of("tove", 99).await.unwrap();
    let went = heard
        .iter()
        .find(|n| n.title.contains("release 3 is live"))
        .unwrap();
    assert!(
        went.title
            .contains("version 1 stays in force until edda agrees"),
        "{}",
        went.title
    );

    // A further release that ships the same table proposes nothing a second time.
    let better = ("prompt.md", "Grade the case", "Grade this case");
    live(e, &[better]).await;
    assert_eq!(versions(e).await.len(), 2);
    e.approve_rules("small", 2, "edda", "fine").await.unwrap();
    assert_eq!(in_force(e).await, 2);

    // A header comes with a package only, and only with the bound owner.
    let wider = ("rules.csv", "one of low|high", "one of low|high|huge");
    live(e, &[wider]).await;
    let all = versions(e).await;
    assert_eq!((all.len(), in_force(e).await), (3, 2));
    assert_eq!(all[2].state, RuleSetState::Proposed);
    e.approve_rules("small", 3, "edda", "fine").await.unwrap();
    assert_eq!(in_force(e).await, 3);
    let active = e.live_rules("small").await.unwrap();
    assert!(active.csv.contains("huge"), "{}", active.csv);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shipped_table_is_proposed_and_never_in_force_by_itself() {
    Box::pin(story(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shipped_table_is_proposed_and_never_in_force_by_itself_on_postgresql() {
    let database = Database::create().await;
    Box::pin(story(Some(&database))).await;
    database.drop().await;
}
