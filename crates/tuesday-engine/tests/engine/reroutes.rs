//! Open tasks are asked again under the rules in force, because somebody said so.

use tuesday_domain::reroute::Goes;
use tuesday_domain::rules::CellEdit;
use tuesday_domain::run::{Outcome, Status};
use tuesday_engine::Worker;
use tuesday_engine::ops::{RulesChange, RulesEdit};
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

const TABLE: &str = "row,amount:money[USD] soft 0..5000 hard 0..9000,route,review_tier,reason,note\n\
    r1,<= 500,auto,,It is small,\nr2,<= 4000,review,desk,The amount is over the limit,\n\
    r3,any,review,desk,It is large,\n";

fn set(row: &str, column: &str, value: &str) -> CellEdit {
    CellEdit {
        row: row.into(),
        column: column.into(),
        value: value.into(),
    }
}

async fn change(bench: &Bench, edit: RulesEdit) {
    let change = RulesChange {
        base: None,
        edit,
        reason: "quarter-end backlog".into(),
        starts_at: None,
        ends_at: None,
    };
    bench
        .engine
        .change_rules("small", "rhea", change)
        .await
        .unwrap();
}

async fn story(database: Option<&str>) {
    let bench = Bench::amounts(TABLE, database).await;
    let worker = Worker::start(&bench.engine);
    for (id, amount) in [
        ("small", "400"),
        ("auto", "700"),
        ("held", "720"),
        ("hand", "3000"),
        ("large", "8000"),
    ] {
        bench.receive_amount(&bench.engine, id, Some(amount)).await;
        bench.rest(id).await;
    }
    bench.receive_amount(&bench.engine, "blank", None).await;
    bench.rest("blank").await;
    let engine = &bench.engine;
    let held = bench.task("held").await;
    engine.claim(held.id, "rhea").await.unwrap();

    // Nothing differs yet: nothing moves, and nobody without the right may look.
    let same = engine.preview_reroute("small", "rhea").await.unwrap();
    assert_eq!((same.open, same.moves.len()), (5, 0));
    assert_eq!(
        same.stay.get("the rules leave it where it is"),
        Some(&4),
        "{:?}",
        same.stay
    );
    assert_eq!(
        engine
            .preview_reroute("small", "quin")
            .await
            .unwrap_err()
            .code,
        "not_allowed"
    );
    let nothing = engine.reroute("small", "rhea", Some(&same.code), "x").await;
    assert_eq!(nothing.unwrap_err().code, "illegal_state");

    let cells = vec![
        set("r1", "amount", "750"),
        set("r2", "route", "manual"),
        set("r2", "review_tier", ""),
    ];
    change(&bench, RulesEdit::Cells(cells)).await;
    // The change alone moved nothing.
    for id in ["auto", "held", "hand", "large", "blank"] {
        assert_eq!(
            bench.rest(id).await.run.state.status,
            Status::InReview,
            "{id}"
        );
    }
    let found = engine.preview_reroute("small", "rhea").await.unwrap();
    let way = |goes| found.counts.get(&("desk".to_owned(), goes)).copied();
    assert_eq!(
        (way(Goes::Auto), way(Goes::ByHand), found.moves.len()),
        (Some(1), Some(1), 2)
    );
    assert_eq!((found.stay["somebody is on it"], found.open), (1, 5));

    // Unconfirmed, mistaken or without a reason, nothing moves.
    let code = found.code.clone();
    for (confirm, reason, refusal) in [
        (None, "why", "preview_required"),
        (Some(""), "why", "preview_required"),
        (Some("0123456789abcdef"), "why", "revision_moved"),
        (Some(same.code.as_str()), "why", "revision_moved"),
        (Some(code.as_str()), " ", "reason_required"),
    ] {
        let refused = engine
            .reroute("small", "rhea", confirm, reason)
            .await
            .unwrap_err();
        assert_eq!(refused.code, refusal, "{confirm:?}");
    }
    let stranger = engine.reroute("small", "quin", Some(&code), "why").await;
    assert_eq!(stranger.unwrap_err().code, "not_allowed");
    assert_eq!(
        engine.preview_reroute("small", "rhea").await.unwrap().code,
        code
    );

    let finished = bench.rest("small").await.run;
    let done = engine
        .reroute("small", "rhea", Some(&code), "clear the backlog")
        .await
        .unwrap();
    assert_eq!(done.moved, found.counts);
    assert!(done.stayed.is_empty(), "{:?}", done.stayed);

    let sent = until("the task that is let through is sent", || async {
        let found = bench.rest("auto").await;
        (found.run.state.status == Status::Completed).then_some(found)
    })
    .await;
    assert_eq!(
        sent.run.rules_version,
        Some(2),
        "the new decision is stamped"
    );
    assert!(
        sent.reviews.iter().all(|r| r.decided_by.is_none()),
        "nobody decided it"
    );
    let by = sent.actions[0].authorised_by.as_deref();
    assert_eq!(by, Some("rule:r1@2"));
    let hand = bench.rest("hand").await;
    assert_eq!(hand.run.state.outcome, Some(Outcome::HandedOff));
    let task = bench.task("hand").await;
    assert_eq!((task.kind.word(), task.state.word()), ("manual", "open"));
    assert_eq!(
        bench.rest("small").await.run,
        finished,
        "what is finished stays"
    );
    let kept = bench.task("held").await;
    assert_eq!(
        (kept.id, kept.claimed_by.as_deref()),
        (held.id, Some("rhea"))
    );
    let again = engine.reroute("small", "rhea", Some(&code), "twice").await;
    assert_eq!(again.unwrap_err().code, "revision_moved");
    let told = engine.story(sent.run.id).await;
    assert!(told.is_ok(), "the run can be told: {told:?}");
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_tasks_move_as_the_preview_showed_on_sqlite() {
    Box::pin(story(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_tasks_move_as_the_preview_showed_on_postgres() {
    let database = Database::create().await;
    Box::pin(story(Some(&database.url()))).await;
}
