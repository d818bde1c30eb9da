//! Model calls of an evaluation are calls like any others: in the ledger by the table's price, told when they
//! have none, within the spend limit, and in the report of what left.

use std::time::Duration;

use serde_json::json;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::ledger::day::Days;
use tuesday_domain::ledger::price::{NewPrice, amount};
use tuesday_domain::ledger::report::By;
use tuesday_domain::outlet::OutletKind;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    CostCategory, PriceKind, RELEASE_MODEL, ReleaseState, SpendAct, SpendPeriod, Usage,
};
use tuesday_engine::ops::release::{Evaluated, Evaluation};
use tuesday_engine::ops::{EgressDays, NewLimit};
use tuesday_engine::{Engine, Worker};
use tuesday_testkit::fakes::Said;
use tuesday_testkit::{Database, until};

use crate::bench::{Bench, FREE};
use crate::releases::{FACTS, by, changed, create, pack};

fn price(input: &str, output: &str) -> NewPrice {
    NewPrice {
        kind: PriceKind::Model,
        name: "fake-1".into(),
        currency: "EUR".into(),
        input_micros: Some(amount(input).unwrap()),
        output_micros: Some(amount(output).unwrap()),
        hour_micros: None,
        from: None,
    }
}

fn limit(stop: &str) -> NewLimit {
    NewLimit {
        period: SpendPeriod::Month,
        warn_micros: None,
        stop_micros: amount(stop).unwrap(),
        currency: "EUR".into(),
        act: SpendAct::Hold,
    }
}

/// The model says `low` and reports what it read and wrote, so often.
fn answers(bench: &Bench, n: usize) {
    let usage = Usage {
        input_tokens: 1_000,
        output_tokens: 100,
    };
    for _ in 0..n {
        let text = json!({"grade": "low"}).to_string();
        bench.fakes.then(Said::Paid(text, usage));
    }
}

async fn evaluated(engine: &Engine, id: ReleaseId) -> Result<Evaluated, Problem> {
    let how = Evaluation {
        repeats: 1,
        at_once: 2,
        progress: &|_, _| {},
    };
    Box::pin(engine.evaluate_release(id, how, &by("tove"))).await
}

/// Around midnight these are two days.
async fn days(engine: &Engine) -> Days {
    let today = engine.asked_days(Some("small"), None, None, 2).await;
    let today = today.unwrap();
    Days {
        from: today.from,
        to: today.to.plus(1),
    }
}

async fn booked(database: Option<&str>) {
    let bench = Bench::on(&[FACTS], database).await;
    let engine = &bench.engine;
    // The package says that a call costs nothing; the table knows better.
    let prices = [price("2", "10")];
    engine.set_prices(&prices, "list", "tove").await.unwrap();
    let next = changed(
        engine,
        &pack(0),
        &[("workflow.toml", "in ['h']", "in ['h', 'i']")],
    )
    .await;
    let next = create(engine, &next).await;
    answers(&bench, 60);
    let before = bench.fakes.calls();
    let done = evaluated(engine, next.id).await.unwrap();
    let calls = i64::from(bench.fakes.calls() - before);
    assert!(calls >= 10, "both releases were asked: {calls}");

    let days = days(engine).await;
    let report = engine
        .cost_report(Some("small"), None, days, By::Release)
        .await;
    let report = report.unwrap();
    let tokens = &report.total.by_category[&CostCategory::Tokens];
    assert_eq!(tokens["EUR"], calls * 3_000);
    assert_eq!(report.groups.len(), 2, "each release pays its own calls");
    assert_eq!(
        report.total.by_category.len(),
        1,
        "and nothing is infrastructure"
    );
    assert_eq!(report.lacks, Vec::<String>::new());
    let volume: u64 = report.volume.iter().map(|v| v.calls).sum();
    assert_eq!(i64::try_from(volume).unwrap(), calls);
    let said = done.record.evidence.summary.cost_micros;
    assert!(
        said > 0 && said < calls * 3_000,
        "the verdict tells the table's price: {said}"
    );

    let span = (days.from.to_string(), days.to.to_string());
    let span = (span.0.as_str(), span.1.as_str());
    let rows = engine
        .reader()
        .graded_calls(Some("small"), None, span)
        .await;
    assert!(
        rows.unwrap()
            .iter()
            .all(|g| g.grader == RELEASE_MODEL && g.about == "gate")
    );
    let left = engine.egress(Some("small"), &EgressDays::default()).await;
    let model = left.unwrap().into_iter();
    let model = model.filter(|e| e.outlet.kind == OutletKind::Model);
    let requests: u64 = model.filter_map(|e| e.requests).sum();
    assert_eq!(
        i64::try_from(requests).unwrap(),
        calls,
        "what left counts them too"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_a_gate_are_booked_by_the_table_and_left_the_tenant() {
    Box::pin(booked(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_a_gate_are_booked_by_the_table_and_left_the_tenant_on_postgresql() {
    let database = Database::create().await;
    Box::pin(booked(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_a_gate_without_a_price_are_an_alarm_and_not_free() {
    let bench = Bench::on(&[FACTS, (FREE, "")], None).await;
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    let next = create(engine, &changed(engine, &pack(0), &[]).await).await;
    answers(&bench, 60);
    let before = bench.fakes.calls();
    evaluated(engine, next.id).await.unwrap();
    let calls = bench.fakes.calls() - before;
    let report = engine.cost_report(Some("small"), None, days(engine).await, By::Nothing);
    let report = report.await.unwrap();
    let lacks = format!("{calls} calls of fake-1 have no price");
    assert!(report.lacks.contains(&lacks), "{:?}", report.lacks);
    assert!(report.total.total.is_empty());
    for person in ["rhea", "tove"] {
        until("the gap is told", || async {
            let all = engine.reader().notices_of(person, 99).await.unwrap();
            let mut lack = all.into_iter().filter(|n| n.kind == "figures_lack");
            lack.any(|n| n.title.contains("calls of fake-1 have no price"))
                .then_some(())
        })
        .await;
    }
    worker.shut_down(Duration::from_secs(10)).await;
}

async fn stopped(database: Option<&str>) {
    let few = ("pin = \"fake-1\"", "pin = \"fake-1\"\nmax_tokens = 100");
    let bench = Bench::on(&[FACTS, few], database).await;
    let engine = &bench.engine;
    // 1 EUR a token in: a call of 1,000 in and 100 out is 1,000 EUR, and may be at most some 3,000.
    let prices = [price("1000000", "0")];
    engine.set_prices(&prices, "x", "rhea").await.unwrap();
    let stop = limit("6000");
    engine
        .set_spend_limit("small", stop, "pilot", "rhea")
        .await
        .unwrap();
    let next = create(engine, &changed(engine, &pack(0), &[]).await).await;
    answers(&bench, 99);
    let refused = evaluated(engine, next.id).await.unwrap_err();
    assert_eq!(
        (refused.code, refused.status()),
        ("spend_limit_reached", 409)
    );
    assert!(
        refused.detail.contains("the limit of 6000.00 EUR"),
        "{}",
        refused.detail
    );
    let calls = i64::from(bench.fakes.calls());
    assert!((1..=6).contains(&calls), "some fitted: {calls}");
    let spent = engine.spend_state("small").await.unwrap().unwrap();
    let of = (
        spent.spent_micros,
        spent.reserved_micros,
        spent.assumed_micros,
    );
    assert_eq!(of, (calls * 1_000_000_000, 0, 0));
    // What was asked is in the ledger all the same, and the release has not passed.
    let report = engine.cost_report(Some("small"), None, days(engine).await, By::Nothing);
    assert_eq!(
        report.await.unwrap().total.total["EUR"],
        calls * 1_000_000_000
    );
    let row = engine.reader().release(next.id).await.unwrap().unwrap();
    assert_eq!(row.state, ReleaseState::Evaluating);
    // With more room it goes on.
    let more = limit("900000");
    engine
        .set_spend_limit("small", more, "more cases", "rhea")
        .await
        .unwrap();
    let done = evaluated(engine, next.id).await.unwrap();
    assert_ne!(done.release.state, ReleaseState::Evaluating);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_stops_at_the_spend_limit_and_passes_nothing() {
    Box::pin(stopped(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_stops_at_the_spend_limit_and_passes_nothing_on_postgresql() {
    let database = Database::create().await;
    Box::pin(stopped(Some(&database.url()))).await;
    database.drop().await;
}
