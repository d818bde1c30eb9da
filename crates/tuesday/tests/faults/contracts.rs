//! A system changes its form without a word: the check that runs by itself tells the technical owner
//! before any run has met it. A past run is repeated without effect, and both are shown side by side.

use serde_json::json;
use tuesday_domain::record::Incident;
use tuesday_domain::run::Status;
use tuesday_domain::trouble::Category;
use tuesday_store::IncidentFilter;
use tuesday_stub::ModelRule;
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Database, until};

use crate::bed::{Bed, Case, each, now};

const EVERY: (&str, &str) = ("[limits]", "[watch]\ncontract = \"10m\"\n\n[limits]");

async fn found(bed: &Bed) -> Vec<Incident> {
    let filter = IncidentFilter {
        category: Some(Category::ConnectorFailing),
        ..IncidentFilter::default()
    };
    bed.reader().incidents(&filter, None, 9).await.unwrap()
}

/// Eleven minutes pass, and the systems are looked at.
async fn looked_at(bed: &Bed) {
    let cursor = || async {
        let cursor = bed.reader().cursor("faults", "watch.contract").await;
        cursor.unwrap().map(|c| c.value)
    };
    let before = cursor().await;
    let offset = bed.reader().instance().await.unwrap().unwrap().clock_offset;
    bed.store.set_clock(offset + 11 * 60_000_000).await.unwrap();
    until("the systems are looked at", || async {
        (cursor().await != before).then_some(())
    })
    .await;
}

async fn form_changes(database: Option<Database>) {
    let bed = Bed::changed(database, &[EVERY]).await;
    let node = bed.home.ready(&[]).await;
    let case = Case::new("kept", "auto");
    bed.accounts(std::slice::from_ref(&case));
    bed.finish(&node, std::slice::from_ref(&case)).await;
    looked_at(&bed).await;
    assert!(found(&bed).await.is_empty(), "nothing has changed");
    // The CRM calls it something else from now on; the desk keeps the grade as a number.
    let account =
        json!({"id": case.account(), "Tier": "silver", "owner": "ann", "updated_at": "@-1h"});
    let ticket =
        json!({"id": "kept", "grade": 3, "summary": "nothing that matters", "tier": "silver"});
    let world = json!({"crm/accounts": [account], "desk/tickets": [ticket]});
    bed.world.seed(&world, now()).unwrap();
    let writes = bed.effects().len();
    looked_at(&bed).await;
    let two = until("both are incidents", || async {
        let found = found(&bed).await;
        (found.len() == 2).then_some(found)
    })
    .await;
    let mut keys: Vec<&str> = two.iter().map(|i| i.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "connector_failing:faults action ticket",
            "connector_failing:faults source crm"
        ]
    );
    assert!(two.iter().all(|i| i.owner == "tove"), "the technical owner");
    let lines = bed.reader().incident_entries(two[0].id).await.unwrap();
    assert!(lines[0].words.contains("contract check"), "{lines:?}");
    let runs = read_all(&bed.reader()).await;
    assert!(
        runs.values()
            .all(|f| f.run.state.status == Status::Completed),
        "no run has met it"
    );
    assert_eq!(bed.effects().len(), writes, "looking writes nothing");
    // Seen again it is the same incident.
    looked_at(&bed).await;
    assert_eq!(found(&bed).await.len(), 2);
    assert!(node.stop().await.success());
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_form_is_told_before_a_run_meets_it() {
    each("contract check", |database| {
        Box::pin(form_changes(database))
    })
    .await;
}

/// What is written anywhere.
fn written(bed: &Bed) -> usize {
    bed.effects().iter().filter(|e| e.applied).count()
}

async fn replayed(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let node = bed.home.ready(&[]).await;
    let case = Case::new("past", "auto");
    bed.accounts(std::slice::from_ref(&case));
    bed.finish(&node, std::slice::from_ref(&case)).await;
    let run = read_all(&bed.reader()).await["past"].run.id.to_string();
    let before = written(&bed);
    let replay = |release: &'static str| {
        let (bed, run) = (&bed, run.clone());
        async move {
            let args = [
                "run",
                "replay",
                &run,
                "--release",
                release,
                "--reason",
                "compare",
                "--as",
                "rhea",
            ];
            bed.home.json(&args).await
        }
    };
    let same = replay("r1").await;
    assert_eq!(
        (&same["differs"], &same["wrote"]),
        (&json!(false), &json!(0)),
        "{same}"
    );
    bed.world
        .answer(ModelRule {
            answer: Some(json!({"grade": "high", "summary": "nothing that matters"})),
            model: Some("stub-1".into()),
            ..ModelRule::default()
        })
        .unwrap();
    let other = replay("same").await;
    assert_eq!(other["differs"], true, "{other}");
    let grade = other["output"]
        .as_array()
        .unwrap()
        .iter()
        .find(|l| l["field"] == "grade")
        .unwrap();
    assert_eq!(
        (&grade["then"], &grade["now"]),
        (&json!("low"), &json!("high"))
    );
    assert_eq!(written(&bed), before, "nothing is written");
    let (code, _, said) = bed
        .home
        .run(&[
            "run",
            "replay",
            &run,
            "--release",
            "r9",
            "--reason",
            "x",
            "--as",
            "rhea",
        ])
        .await;
    assert_eq!(code, 4, "{said}");
    bed.settle(&node).await;
    assert!(node.stop().await.success());
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_run_is_replayed_without_effect_and_compared() {
    each("replay", |database| Box::pin(replayed(database))).await;
}
