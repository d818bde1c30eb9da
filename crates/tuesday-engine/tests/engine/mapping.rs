//! What a source's words mean is redefined while runs go on, and an unknown one goes to people.

use std::time::Duration;

use tuesday_domain::rules::{CellEdit, Lane};
use tuesday_domain::run::{Reason, Status};
use tuesday_engine::Worker;
use tuesday_engine::ops::{BacktestWindow, RulesChange, RulesEdit};
use tuesday_testkit::Database;

use crate::bench::Bench;

const TABLE: &str = "row,amount:mapped to gold|silver,route,review_tier,reason,note\n\
    r1,silver,auto,,It is silver,\nr2,any,review,desk,Gold is seen by a person,\n\
    map,Platinum = gold,,,,\nmap,Basic = silver,,,,\n";

fn means(entry: &str) -> RulesEdit {
    RulesEdit::Cells(vec![CellEdit {
        row: "map".into(),
        column: "amount".into(),
        value: entry.into(),
    }])
}

async fn change(bench: &Bench, edit: RulesEdit) -> u64 {
    let change = RulesChange {
        base: None,
        edit,
        reason: "tiers of the new year".into(),
        starts_at: None,
        ends_at: None,
    };
    let done = bench.engine.change_rules("small", "rhea", change).await;
    done.unwrap().row.version
}

async fn story(database: Option<&str>) {
    let bench = Bench::amounts(TABLE, database).await;
    let worker = Worker::start(&bench.engine);
    let arrives = async |id: &str, word: &str| {
        bench.receive_amount(&bench.engine, id, Some(word)).await;
        bench.rest(id).await
    };
    let before = arrives("p1", "platinum").await;
    assert_eq!(before.run.state.status, Status::InReview);
    assert_eq!(before.reviews[0].reason, Reason::Rule);

    // A word that nobody has mapped: a person, the reason by name, and a word that waits.
    let unknown = arrives("t1", " Trial ").await;
    assert_eq!(unknown.reviews[0].reason, Reason::UnknownTier);
    assert!(unknown.reviews[0].reasons[0].contains("not in the mapping"));
    arrives("t2", "TRIAL").await;
    let waiting = bench.engine.waiting_words("small").await.unwrap();
    assert_eq!(waiting.len(), 1, "the same word waits once");
    let word = &waiting[0];
    assert_eq!(
        (word.met.word.as_str(), word.met.run),
        ("Trial", unknown.run.id)
    );
    assert_eq!((word.owner.as_str(), word.overdue), ("rhea", false));
    let told = bench.engine.reader().notices_of("rhea", 100).await.unwrap();
    let told: Vec<_> = told.iter().filter(|n| n.kind == "rules_unmapped").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].person == "rhea" && !told[0].title.contains("Trial"));

    // The back-test knows what the words of the past would mean now.
    let tried = bench
        .engine
        .backtest_rules(
            "small",
            "rhea",
            &means("Platinum = silver"),
            BacktestWindow::default(),
        )
        .await
        .unwrap();
    assert_eq!(tried.tally.moved[&(Lane::Review, Lane::Auto)].runs, 1);
    assert_eq!(tried.open_now_auto, 1);
    assert_eq!(tried.change.remapped, ["Platinum of amount"]);

    // Redefined: the next run uses it, with the same release and so the same prompt.
    assert_eq!(change(&bench, means("Platinum = silver")).await, 2);
    let after = arrives("p2", "platinum").await;
    assert_eq!(after.run.state.status, Status::Completed);
    assert_eq!(after.run.rules_version, Some(2));
    assert_eq!(after.run.release, before.run.release);
    let still = bench.rest("p1").await.run;
    assert_eq!(
        (still.state.status, still.rules_version),
        (Status::InReview, Some(1))
    );

    // Mapped: it waits no longer. The way back brings the old meaning, and the word waits again.
    assert_eq!(change(&bench, means("Trial = gold")).await, 3);
    assert!(
        bench
            .engine
            .waiting_words("small")
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(change(&bench, RulesEdit::Version(1)).await, 4);
    assert_eq!(bench.engine.waiting_words("small").await.unwrap().len(), 1);
    let back = arrives("p3", "Platinum").await;
    assert_eq!(back.run.state.status, Status::InReview);
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_are_redefined_on_sqlite() {
    Box::pin(story(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_are_redefined_on_postgres() {
    let database = Database::create().await;
    Box::pin(story(Some(&database.url()))).await;
}
