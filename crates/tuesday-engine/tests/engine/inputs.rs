//! Inputs before the model, and whose hands the work hangs on: both beside each other on the drift page, from
//! the figures of days, each number with its records.

use serde_json::json;
use tuesday_engine::Worker;
use tuesday_engine::ops::Approval;
use tuesday_store::RunFilter;
use tuesday_testkit::Database;
use tuesday_testkit::fakes::Said;

use crate::bench::Bench;

/// A run that asks a person, answered by this one: as it stands, or changed.
async fn asked(bench: &Bench, event: &str, by: &str, change: bool) {
    let high = json!({"grade": "high"}).to_string();
    bench.fakes.then(Said::Text(high));
    bench.receive(event).await;
    bench.rest(event).await;
    let task = bench.task(event).await;
    let said = if change {
        Approval {
            edit: Some(json!({"grade": "low"})),
            reason: Some("wrong".into()),
            ..Approval::default()
        }
    } else {
        Approval::default()
    };
    bench.engine.approve(task.id, by, said).await.unwrap();
    bench.rest(event).await;
}

async fn seen(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let worker = Worker::start(&bench.engine);
    bench.fakes.deleted("contract");
    for n in 0..20 {
        asked(&bench, &format!("gap-{n}"), "rhea", true).await;
    }
    let now = bench.engine.now();
    let record = |days: u64| {
        let at = now.minus(std::time::Duration::from_secs(days * 86_400));
        json!({"id": "1", "tier": "gold", "updated_at": at.rfc3339()})
    };
    bench.fakes.record("contract", record(0));
    for n in 0..20 {
        let by = if n < 4 { "boris" } else { "rhea" };
        asked(&bench, &format!("whole-{n}"), by, false).await;
    }
    // Too old to use: a person looks before the model is asked.
    bench.fakes.record("crm", record(100));
    bench.receive("old").await;
    bench.rest("old").await;

    let e = &bench.engine;
    e.make_figures().await.unwrap();
    let drift = e.drift("small").await.unwrap();
    let contract = &drift.sources[0];
    assert_eq!(contract.source, "contract", "{:?}", drift.sources);
    assert!(contract.first, "put right first: {contract:?}");
    assert_eq!((contract.missing, contract.stale), (20, 0));
    assert_eq!(
        contract.share.value,
        Some(487_805),
        "{}",
        contract.share.means
    );
    assert_eq!(
        (contract.with.value, contract.without.value),
        (Some(1_000_000), Some(0))
    );
    let crm = drift.sources.iter().find(|s| s.source == "crm").unwrap();
    assert_eq!((crm.missing, crm.stale, crm.first), (0, 1, false));
    assert!(crm.with.value.is_none(), "{}", crm.with.means);
    let event = drift.sources.iter().find(|s| s.source == "input").unwrap();
    assert_eq!(
        event.share.value,
        Some(0),
        "nothing was wrong, and it says so"
    );
    for (source, runs) in [("contract", 20), ("crm", 1), ("input", 0)] {
        let filter = RunFilter {
            workflow: Some("small".into()),
            input: Some(source.into()),
            ..RunFilter::default()
        };
        let found = e.reader().run_page(&filter, None, 100).await.unwrap();
        assert_eq!(found.len(), runs, "{source}");
    }
    let hands = &drift.dependence;
    assert_eq!(hands.finding, Some("hero_dependence"));
    let hero = hands.hero.as_ref().unwrap();
    assert_eq!((hero.person.as_str(), hero.acts, hero.of), ("rhea", 36, 40));
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_with_gaps_stands_first_beside_its_overrides() {
    Box::pin(seen(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_with_gaps_stands_first_beside_its_overrides_on_postgresql() {
    let database = Database::create().await;
    Box::pin(seen(Some(&database.url()))).await;
    database.drop().await;
}
