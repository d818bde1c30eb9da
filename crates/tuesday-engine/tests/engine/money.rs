//! Money and time: prices, limits under many calls at once, figures that equal their records.

use std::time::Duration;

use serde_json::json;
use tuesday_domain::actor::Actor;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::entry::Typed;
use tuesday_domain::ledger::price::NewPrice;
use tuesday_domain::ledger::report::By;
use tuesday_domain::ledger::shown::Standing;
use tuesday_domain::record::{CostCategory, PriceKind, SpendAct, SpendHold, SpendPeriod, Usage};
use tuesday_domain::run::{Reason, Status};
use tuesday_domain::workflow::Switch;
use tuesday_engine::Worker;
use tuesday_engine::ops::{Approval, Doing, NewBaseline, NewLimit};
use tuesday_store::RunFilter;
use tuesday_testkit::fakes::Said;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

const USED: Usage = Usage {
    input_tokens: 1_000,
    output_tokens: 100,
};

fn tokens(input: &str, output: &str) -> NewPrice {
    let sum = |t: &str| Some(tuesday_domain::ledger::price::amount(t).unwrap());
    NewPrice {
        kind: PriceKind::Model,
        name: "fake-1".into(),
        currency: "EUR".into(),
        input_micros: sum(input),
        output_micros: sum(output),
        hour_micros: None,
        from: None,
    }
}

fn hour(name: &str, price: &str) -> NewPrice {
    NewPrice {
        kind: PriceKind::Hour,
        name: name.into(),
        currency: "EUR".into(),
        input_micros: None,
        output_micros: None,
        hour_micros: Some(tuesday_domain::ledger::price::amount(price).unwrap()),
        from: None,
    }
}

fn paid(n: usize) -> Said {
    Said::Paid(
        json!({"grade": if n.is_multiple_of(3) { "high" } else { "low" }}).to_string(),
        USED,
    )
}

/// Shares add up to the whole; the forecast goes by today's prices, or by a table that is tried.
async fn exposed(engine: &tuesday_engine::Engine, days: Days, seen: i64) {
    let report = engine
        .cost_report(Some("small"), None, days, By::Nothing)
        .await
        .unwrap();
    let ppm: i64 = report.vendors.iter().map(|v| v.share_ppm).sum();
    assert_eq!(ppm, 1_000_000);
    let found: Vec<_> = report.volume.iter().collect();
    assert_eq!(found.len(), 1);
    let of = (found[0].vendor.as_str(), found[0].calls, found[0].share_ppm);
    assert_eq!((of, found[0].unpriced), (("fake", 7, 1_000_000), 0));
    let ten = engine
        .cost_forecast("small", days, 10_000, None)
        .await
        .unwrap();
    // 7 calls of 1,000 and 100 tokens, ten times, at 4 and 20 a million; review ten times.
    assert_eq!(ten.models[0].micros, Some(70_000 * 4 + 7_000 * 20));
    assert_eq!(ten.models[0].price_version, Some(2));
    assert_eq!(ten.total["EUR"], 420_000 + seen * 100);
    let untimed = "1 decisions without a measured time of review".to_owned();
    assert_eq!(ten.lacks, std::slice::from_ref(&untimed));
    let cheap = [tokens("1", "1")];
    let cheap = engine
        .cost_forecast("small", days, 10_000, Some(&cheap))
        .await
        .unwrap();
    assert_eq!(cheap.models[0].micros, Some(77_000));
    assert_eq!(cheap.lacks.len(), 2, "the tried table has no hour too");
    assert!(cheap.lacks.contains(&untimed), "{:?}", cheap.lacks);
    let other = [NewPrice {
        name: "other-1".into(),
        ..tokens("1", "1")
    }];
    let other = engine
        .cost_forecast("small", days, 10_000, Some(&other))
        .await
        .unwrap();
    assert_eq!(other.models[0].micros, None);
    assert!(
        other
            .lacks
            .contains(&"7 calls of fake-1 have no price".to_owned()),
        "{:?}",
        other.lacks
    );
    let bad = engine.cost_forecast("small", days, 0, None).await;
    assert_eq!(bad.unwrap_err().code, "bad_request");
    // Two were held back and stood as they were; nobody looked again at the five that went alone.
    let judged = engine.judged_report("small", days).await.unwrap().all;
    let c = judged.counts;
    assert_eq!((c.alone, c.alone_known), (5, 0));
    assert_eq!((c.held, c.held_known, c.held_right), (2, 2, 2));
    assert_eq!(judged.held.standing, Standing::Missing, "too few to say");
}

async fn figures(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    let refused = engine.set_prices(&[tokens("2", "10")], "x", "quin").await;
    assert_eq!(refused.unwrap_err().code, "not_allowed");
    let prices = [tokens("2", "10"), hour("review", "36")];
    let first = engine.set_prices(&prices, "list price", "tove").await;
    assert_eq!(first.unwrap(), 1);
    for n in 0..6 {
        bench.fakes.then(paid(n));
        bench.receive(&format!("c{n}")).await;
        bench.rest(&format!("c{n}")).await;
    }
    // The price changes; what was booked stays booked.
    let second = engine
        .set_prices(&[tokens("4", "20")], "dearer", "tove")
        .await;
    assert_eq!(second.unwrap(), 2);
    bench.fakes.then(paid(1));
    bench.receive("c6").await;
    let run = bench.rest("c6").await.run;
    assert_eq!(run.cost_micros, 4 * 1_000 + 20 * 100);
    let tried = engine.reader().attempts(run.id).await.unwrap();
    let call = tried.iter().find(|a| a.model.is_some()).unwrap();
    assert_eq!(
        (call.currency.as_deref(), call.price_version),
        (Some("EUR"), Some(2))
    );
    // One task is read for ten seconds of the clock, then approved; the other without a look.
    let read = bench.task("c0").await;
    let look = |secs| {
        engine.reading(
            read.id,
            "rhea",
            Doing::Viewing,
            read.revision,
            Duration::from_secs(secs),
        )
    };
    look(0).await.unwrap();
    bench.store.set_clock(10_000_000).await.unwrap();
    engine.clock().set_offset(10_000_000);
    look(60).await.unwrap();
    for event in ["c0", "c3"] {
        let task = bench.task(event).await;
        engine
            .approve(task.id, "rhea", Approval::default())
            .await
            .unwrap();
        bench.rest(event).await;
    }
    until("everything ended", || async {
        let open = RunFilter {
            kind: Some(tuesday_store::RunKind::Open),
            ..RunFilter::default()
        };
        engine
            .reader()
            .run_page(&open, None, 9)
            .await
            .unwrap()
            .is_empty()
            .then_some(())
    })
    .await;
    engine.make_figures().await.unwrap();
    // Around midnight these are two days.
    let (from, to) = (bench.rest("c0").await.run.batch, run.batch.clone());
    let kept = engine
        .reader()
        .day_figures(Some("small"), None, (&from, &to))
        .await
        .unwrap();
    assert!(!kept.is_empty());
    for day in &kept {
        let again = engine.figures_of("small", &day.day).await.unwrap();
        assert_eq!(day.rows, again.rows, "what is kept is what the records say");
    }
    let days = engine
        .asked_days(Some("small"), Some(&from), Some(&to), 1)
        .await
        .unwrap();
    let seen = engine.reader().review_reads(read.id, "rhea").await.unwrap();
    let seen = i64::try_from(seen[0].visible_ms).unwrap();
    assert!(seen >= 10_000, "{seen}");
    let report = engine
        .cost_report(Some("small"), None, days, By::Tier)
        .await
        .unwrap();
    // Six calls of 3,000 and one of 6,000; the time in view of an hour at 36.
    let spent = &report.total.by_category;
    assert_eq!(spent[&CostCategory::Tokens]["EUR"], 6 * 3_000 + 6_000);
    assert_eq!(spent[&CostCategory::Review]["EUR"], seen * 10);
    assert_eq!((report.total.runs, report.total.resolved), (7, 7));
    let each = report.total.per_task.as_ref().unwrap()["EUR"];
    assert!((each * 7 - (24_000 + seen * 10)).abs() <= 3, "{each}");
    let parts: i64 = report.groups.iter().map(|g| g.costs.total["EUR"]).sum();
    assert_eq!(parts, report.total.total["EUR"]);
    exposed(engine, days, seen).await;
    // One decision was made without a look: what review cost is the least it can have been.
    let review = report
        .categories
        .iter()
        .find(|l| l.category == CostCategory::Review);
    let review = review.unwrap();
    let told = (review.standing, review.words.as_str());
    assert_eq!(
        told,
        (Standing::Estimated, "some decisions have no measured time")
    );
    let card = engine.scorecard("small", days).await.unwrap();
    let task = card
        .figures
        .iter()
        .find(|f| f.key == "cost_per_task")
        .unwrap();
    assert_eq!((task.standing, task.low), (Standing::Estimated, task.value));
    assert!(
        task.means.starts_with("at least; 1 decisions"),
        "{}",
        task.means
    );
    // The baseline makes a saving of it; the decision without a look widens it.
    let card = engine.scorecard("small", days).await.unwrap();
    assert_eq!(card.saved.net.standing, Standing::Missing);
    let baseline = NewBaseline {
        sample: 10,
        handling_ms: 10 * 600_000,
        errors: 1,
        turnaround_ms: 3_600_000,
        method: "stopwatch".into(),
        from: Day::parse("2026-01-05").unwrap(),
        to: Day::parse("2026-01-06").unwrap(),
    };
    let kept = engine
        .capture_baseline("small", baseline, "rhea")
        .await
        .unwrap();
    assert!(kept.after_launch, "it says that runs had ended before");
    let card = engine.scorecard("small", days).await.unwrap();
    let net = &card.saved.net;
    assert_eq!(net.standing, Standing::Estimated);
    assert_eq!(net.value, Some(7 * 600_000 - seen));
    assert_eq!(net.high.unwrap() - net.low.unwrap(), 600_000);
    // Every count opens its records.
    for (kind, count) in [
        ("resolved", 7),
        ("exception", 2),
        ("untimed", 1),
        ("wrong", 0),
        ("unknown", 0),
        ("acted_wrongly", 0),
        ("held_wrongly", 2),
    ] {
        let filter = RunFilter {
            workflow: Some("small".into()),
            days: Some((from.clone(), to.clone())),
            kind: Some(kind.parse().unwrap()),
            ..RunFilter::default()
        };
        assert_eq!(
            engine
                .reader()
                .run_page(&filter, None, 99)
                .await
                .unwrap()
                .len(),
            count,
            "{kind}"
        );
    }
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_equal_their_records_and_prices_keep_their_time() {
    Box::pin(figures(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_equal_their_records_and_prices_keep_their_time_on_postgresql() {
    let database = Database::create().await;
    Box::pin(figures(Some(&database.url()))).await;
    database.drop().await;
}

fn limit(stop: &str, act: SpendAct) -> NewLimit {
    NewLimit {
        period: SpendPeriod::Day,
        warn_micros: None,
        stop_micros: tuesday_domain::ledger::price::amount(stop).unwrap(),
        currency: "EUR".into(),
        act,
    }
}

async fn limited(database: Option<&str>) {
    let bench = Bench::on(
        &[
            ("pin = \"fake-1\"", "pin = \"fake-1\"\nmax_tokens = 100"),
            (crate::bench::FREE, ""),
        ],
        database,
    )
    .await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    // Without a price nothing could be counted against a limit.
    let none = engine
        .set_spend_limit("small", limit("1", SpendAct::Hold), "x", "rhea")
        .await;
    assert_eq!(none.unwrap_err().code, "cost_invalid");
    // 1 EUR a token in: a call of 1,000 in and 100 out is 1,000 EUR, and may be at most some 3,000.
    engine
        .set_prices(&[tokens("1000000", "0")], "x", "rhea")
        .await
        .unwrap();
    engine
        .set_spend_limit("small", limit("10000", SpendAct::Hold), "pilot", "rhea")
        .await
        .unwrap();
    for n in 0..20 {
        bench
            .fakes
            .then(Said::Paid(json!({"grade": "low"}).to_string(), USED));
        bench.receive(&format!("c{n}")).await;
    }
    let held = until("what does not fit waits", || async {
        let filter = RunFilter {
            workflow: Some("small".into()),
            ..RunFilter::default()
        };
        let all = engine.reader().run_page(&filter, None, 99).await.unwrap();
        let rest = |r: &&tuesday_domain::record::Run| {
            r.state.status.is_terminal() || r.state.status == Status::Held
        };
        (all.len() == 20 && all.iter().filter(rest).count() == 20).then_some(all)
    })
    .await;
    let state = engine.spend_state("small").await.unwrap().unwrap();
    let spent: i64 = held.iter().map(|r| r.cost_micros).sum();
    assert_eq!(
        state.spent_micros, spent,
        "what is counted is what the runs cost"
    );
    assert!(spent <= 10_000_000_000, "the limit holds: {spent}");
    assert!(spent >= 6_000_000_000, "and is used: {spent}");
    assert_eq!(
        (state.reserved_micros, state.assumed_micros, state.stopped),
        (0, 0, true)
    );
    let waits = held.iter().filter(|r| r.state.status == Status::Held);
    assert!(
        waits.clone().count() > 0 && waits.clone().all(|r| r.reason == Some(Reason::SpendLimit))
    );
    let told = engine
        .reader()
        .waiting_notices(engine.now().plus(Duration::from_secs(86_400)), 99)
        .await
        .unwrap();
    assert!(
        told.iter().filter(|n| n.kind == "spend_limit").count() <= 1,
        "told once"
    );
    // A higher limit lets them go on.
    engine
        .set_spend_limit("small", limit("100000", SpendAct::Hold), "more", "rhea")
        .await
        .unwrap();
    for n in 0..20 {
        bench.rest(&format!("c{n}")).await;
    }
    until("every run ends", || async {
        let filter = RunFilter {
            kind: Some(tuesday_store::RunKind::Open),
            ..RunFilter::default()
        };
        engine
            .reader()
            .run_page(&filter, None, 9)
            .await
            .unwrap()
            .is_empty()
            .then_some(())
    })
    .await;
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_calls_at_once_do_not_pass_the_limit() {
    Box::pin(limited(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_calls_at_once_do_not_pass_the_limit_on_postgresql() {
    let database = Database::create().await;
    Box::pin(limited(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_end_nobody_saw_counts_in_full() {
    let bench = Bench::on(
        &[("pin = \"fake-1\"", "pin = \"fake-1\"\nmax_tokens = 100")],
        None,
    )
    .await;
    let engine = &bench.engine;
    engine
        .set_prices(&[tokens("1", "1")], "x", "rhea")
        .await
        .unwrap();
    engine
        .set_spend_limit("small", limit("10", SpendAct::Pause), "pilot", "rhea")
        .await
        .unwrap();
    // Nothing starts before the rows are there.
    let by = Actor::Person("rhea".into());
    engine
        .set_switch("small", Switch::Paused, &by, "a test")
        .await
        .unwrap();
    bench.receive("c1").await;
    let filter = RunFilter {
        workflow: Some("small".into()),
        ..RunFilter::default()
    };
    let run = engine
        .reader()
        .run_page(&filter, None, 1)
        .await
        .unwrap()
        .remove(0);
    // As a node leaves it that dies between taking its part and recording the call.
    let period = engine.spend_state("small").await.unwrap().unwrap().now;
    let hold = SpendHold {
        run: run.id,
        workflow: "small".into(),
        period: period.clone(),
        micros: 7_000,
    };
    let id = run.id.uuid().simple().to_string();
    bench.raw(&format!(
        "INSERT INTO spends VALUES ('small', '{period}', 0, 7800, 0, NULL, NULL)"
    ));
    // Of evaluations: one was killed long ago, one is under way.
    for (id, micros) in [("01900000", 500), ("ffffffff", 300)] {
        bench.raw(&format!(
            "INSERT INTO spend_holds VALUES (x'{id}00007000800000000000abcd', 'small', '{period}', {micros})"
        ));
    }
    bench.raw(&format!(
        "INSERT INTO spend_holds VALUES (x'{id}', 'small', '{period}', 7000)"
    ));
    assert_eq!(
        engine.reader().spend_hold(run.id).await.unwrap(),
        Some(hold)
    );
    bench
        .fakes
        .then(Said::Paid(json!({"grade": "low"}).to_string(), USED));
    let worker = Worker::start(engine);
    engine
        .set_switch("small", Switch::Running, &by, "a test")
        .await
        .unwrap();
    until("the call ends", || async {
        let s = engine.spend_state("small").await.unwrap().unwrap();
        (s.assumed_micros == 7_500 && s.spent_micros == 1_100 && s.reserved_micros == 300)
            .then_some(())
    })
    .await;
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_are_entered_taken_back_and_signed_over() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    bench.receive("c1").await;
    let batch = bench.rest("c1").await.run.batch;
    let typed = |minutes: &'static str, words: &'static str| Typed {
        category: "maintenance",
        workflow: "small",
        from: "2026-01-05",
        minutes,
        person: "tove",
        words,
        reference: "sheet-1",
        ..Typed::default()
    };
    let absurd = engine
        .enter_cost(typed("1441", "prompt").read().unwrap(), "tove")
        .await;
    assert_eq!(absurd.unwrap_err().code, "cost_invalid");
    let made = engine
        .enter_cost(typed("90", "prompt").read().unwrap(), "tove")
        .await
        .unwrap();
    let twice = engine
        .enter_cost(typed("90", "prompt").read().unwrap(), "tove")
        .await;
    assert_eq!(twice.unwrap_err().field.as_deref(), Some("reference"));
    engine
        .set_prices(&[hour("maintenance", "60")], "x", "tove")
        .await
        .unwrap();
    let day = Day::parse("2026-01-05").unwrap();
    let days = Days { from: day, to: day };
    let total = |of: tuesday_engine::ops::CostReport| of.total.total.get("EUR").copied();
    let report = engine
        .cost_report(Some("small"), None, days, By::Nothing)
        .await
        .unwrap();
    assert_eq!(
        report.lacks,
        ["90 min of maintenance have no price of an hour"],
        "not yet on that day"
    );
    engine
        .set_prices(
            &[NewPrice {
                from: Some(tuesday_domain::time::Timestamp::from_micros(0)),
                ..hour("maintenance", "60")
            }],
            "x",
            "tove",
        )
        .await
        .unwrap();
    let report = engine
        .cost_report(Some("small"), None, days, By::Nothing)
        .await
        .unwrap();
    assert_eq!(total(report), Some(90_000_000));
    engine
        .reverse_cost(made.id, "typed twice", "tove")
        .await
        .unwrap();
    let again = engine.reverse_cost(made.id, "again", "tove").await;
    assert_eq!(again.unwrap_err().code, "illegal_state");
    let report = engine
        .cost_report(Some("small"), None, days, By::Nothing)
        .await
        .unwrap();
    assert_eq!(total(report), Some(0));

    // A week without a run has nothing to sign; one with runs is signed once, with its figures.
    let empty = engine.sign_week("small", day, "all well", "rhea").await;
    assert_eq!(empty.unwrap_err().code, "nothing_to_sign");
    engine.make_figures().await.unwrap();
    let week = Day::parse(&batch).unwrap();
    // Without a stated metric there is no value that could be looked at.
    let none = engine.sign_week("small", week, "all well", "rhea").await;
    let none = none.unwrap_err();
    assert_eq!((none.code, none.status()), ("nothing_to_sign", 422));
    assert!(none.detail.contains("no metric"), "{none:?}");
    for unkept in [
        "happiness at least 5 by 2099-01-01",
        "signals at most 5 by 2099-01-01",
    ] {
        let refused = engine.state_charter("small", "ninety_day_metric", unkept, "rhea");
        assert_eq!(refused.await.unwrap_err().code, "charter_refused");
    }
    let metric = "error_rate at most 10 by 2099-01-01";
    engine
        .state_charter("small", "ninety_day_metric", metric, "rhea")
        .await
        .unwrap();
    let signed = engine
        .sign_week("small", week, "all well", "rhea")
        .await
        .unwrap();
    assert_eq!(signed.week, week.monday().to_string());
    let twice = engine.sign_week("small", week, "again", "rhea").await;
    assert_eq!(twice.unwrap_err().code, "illegal_state");
    let page = engine.weekly("small", Some(week)).await.unwrap();
    assert_eq!(page.signed.unwrap().signed_by, "rhea");
    bench.end(worker).await;
}

/// All six kinds are in a report, and each budget pays its own.
#[tokio::test(flavor = "multi_thread")]
async fn no_kind_of_cost_is_silently_absent_and_buckets_are_told_apart() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    engine
        .set_prices(&[tokens("2", "10")], "x", "tove")
        .await
        .unwrap();
    bench.fakes.then(paid(1));
    bench.receive("c1").await;
    let today = bench.rest("c1").await.run.batch;
    engine.make_figures().await.unwrap();
    let typed = Typed {
        category: "infrastructure",
        workflow: "small",
        from: &today,
        amount: "12",
        currency: "EUR",
        vendor: "Rack House",
        bucket: "second_use_case",
        words: "a trial",
        ..Typed::default()
    };
    engine
        .enter_cost(typed.read().unwrap(), "tove")
        .await
        .unwrap();
    let day = Day::parse(&today).unwrap();
    let days = Days { from: day, to: day };
    let report = engine
        .cost_report(Some("small"), None, days, By::Bucket)
        .await
        .unwrap();
    let found: Vec<_> = report
        .groups
        .iter()
        .map(|g| (g.key.as_str(), g.costs.total["EUR"]))
        .collect();
    assert_eq!(
        found,
        [("first_workflow", 3_000), ("second_use_case", 12_000_000)]
    );
    assert_eq!(report.flags, Vec::<String>::new(), "the first one ships");
    let kinds: Vec<_> = report
        .categories
        .iter()
        .map(|l| (l.category, l.standing))
        .collect();
    assert_eq!(
        kinds,
        [
            (CostCategory::Tokens, Standing::Measured),
            (CostCategory::Infrastructure, Standing::Measured),
            (CostCategory::Review, Standing::Missing),
            (CostCategory::Maintenance, Standing::Missing),
            (CostCategory::Support, Standing::Missing),
            (CostCategory::Exit, Standing::Estimated),
        ]
    );
    let exit = report.categories.last().unwrap();
    assert!(exit.days.unwrap().high_tenths > 0, "{}", exit.words);
    // Called a pilot only, the first workflow has not shipped.
    let wish = crate::charter::wish(tuesday_domain::workflow::Label::Research);
    engine.set_label("small", wish, "rhea").await.unwrap();
    let report = engine
        .cost_report(None, None, days, By::Bucket)
        .await
        .unwrap();
    assert_eq!(report.flags.len(), 1, "{:?}", report.flags);
    let csv = report.csv();
    let mut lines = csv.lines();
    let head = "group,name,category,currency,micros,resolved,runs,standing,lacks";
    assert_eq!(lines.next(), Some(head));
    let first = "first_workflow,first_workflow,tokens,EUR,3000,1,1,measured,";
    assert_eq!(lines.next(), Some(first));
    bench.end(worker).await;
}

/// A run that was put before a person and says no reason is counted, and told to the owners.
async fn nameless(server: Option<&Database>) {
    let url = server.map(Database::url);
    let bench = Bench::on(&[], url.as_deref()).await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    bench.fakes.then(paid(0));
    bench.receive("c0").await;
    let task = bench.task("c0").await;
    engine
        .approve(task.id, "rhea", Approval::default())
        .await
        .unwrap();
    let run = bench.rest("c0").await.run;
    let none = engine.reader().notices_of("rhea", 99).await.unwrap();
    assert!(none.iter().all(|n| n.kind != "figures_lack"));
    // No step leaves one without a reason: an older program might have.
    let sql = "UPDATE runs SET reason = NULL WHERE subject = 'c0'";
    match server {
        Some(database) => database.raw(sql).await,
        None => assert_eq!(bench.raw(sql), 1),
    }
    for person in ["rhea", "tove"] {
        let told = until("the exception without a reason is told", || async {
            let all = engine.reader().notices_of(person, 99).await.unwrap();
            all.into_iter().find(|n| n.kind == "figures_lack")
        })
        .await;
        assert!(
            told.title.ends_with("for a reason that nobody has named"),
            "{}",
            told.title
        );
        assert!(told.path.ends_with("kind=exception&reason=unclassified"));
    }
    let day = Day::parse(&run.batch).unwrap();
    let days = Days { from: day, to: day };
    let card = Box::pin(engine.scorecard("small", days)).await.unwrap();
    assert_eq!(card.reasons["unclassified"], 1);
    let filter = RunFilter {
        kind: Some(tuesday_store::RunKind::Exception),
        reason: Some("unclassified".into()),
        ..RunFilter::default()
    };
    let found = engine.reader().run_page(&filter, None, 9).await.unwrap();
    assert_eq!(found.len(), 1, "the notice opens exactly this run");
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_without_a_reason_is_an_alarm() {
    Box::pin(nameless(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_without_a_reason_is_an_alarm_on_postgresql() {
    let database = Database::create().await;
    Box::pin(nameless(Some(&database))).await;
    database.drop().await;
}

/// Hours of upkeep against the budget of the charter: over it, the sponsor hears once.
async fn upheld(database: Option<&str>) {
    let bench = Bench::on(&[crate::milestones::SPONSOR], database).await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    engine
        .state_charter("small", "maintenance_budget", "100 EUR", "rhea")
        .await
        .unwrap();
    engine
        .state_charter("small", "friction_hours", "12.5", "rhea")
        .await
        .unwrap();
    let price = NewPrice {
        from: Some(tuesday_domain::time::Timestamp::from_micros(0)),
        ..hour("maintenance", "60")
    };
    engine.set_prices(&[price], "x", "tove").await.unwrap();
    bench.receive("c1").await;
    let today = bench.rest("c1").await.run.batch;
    let logged = |minutes: i64, person: &str| tuesday_domain::ledger::entry::NewCost {
        category: CostCategory::Maintenance,
        workflow: Some("small".into()),
        from: Day::parse(&today).unwrap(),
        to: Day::parse(&today).unwrap(),
        amount_micros: None,
        currency: None,
        minutes: Some(minutes),
        person: Some(person.into()),
        vendor: None,
        bucket: None,
        words: "prompt".into(),
        reference: None,
    };
    for (minutes, field) in [(-5, "minutes"), (0, "minutes"), (1_441, "minutes")] {
        let refused = engine.enter_cost(logged(minutes, "tove"), "tove").await;
        let refused = refused.unwrap_err();
        assert_eq!(
            (refused.code, refused.field.as_deref()),
            ("cost_invalid", Some(field))
        );
        assert_eq!(refused.status(), 422);
    }
    let day = Day::parse(&today).unwrap();
    let days = Days { from: day, to: day };
    let figure = |key: &'static str| async move {
        let card = Box::pin(engine.scorecard("small", days)).await.unwrap();
        let found = card.figures.into_iter().find(|f| f.key == key).unwrap();
        assert_eq!(found.value.is_none(), found.standing == Standing::Missing);
        (found.value, found.means)
    };
    // Nobody entered anything, and what was taken back is as never entered: no hours are not zero hours.
    let wrong = engine.enter_cost(logged(15, "tove"), "tove").await.unwrap();
    assert_eq!(figure("maintenance_time").await.0, Some(15 * 60_000));
    engine
        .reverse_cost(wrong.id, "another workflow", "tove")
        .await
        .unwrap();
    for key in ["maintenance_time", "maintenance_cost"] {
        let (value, means) = figure(key).await;
        assert_eq!(value, None, "{key}");
        assert!(means.contains("entered"), "{means}");
    }
    engine.enter_cost(logged(90, "tove"), "tove").await.unwrap();
    let absurd = engine.enter_cost(logged(1_380, "tove"), "tove").await;
    let absurd = absurd.unwrap_err();
    assert!(absurd.detail.contains("1470 min"), "{}", absurd.detail);
    assert_eq!(figure("maintenance_time").await.0, Some(90 * 60_000));
    let (spent, means) = figure("maintenance_cost").await;
    assert_eq!(spent, Some(90_000_000));
    assert!(means.starts_with("of 100.00 EUR a month") && !means.contains("over"));
    let (none, means) = figure("friction_measured").await;
    assert_eq!(none, None, "nobody has measured how long it takes by hand");
    assert!(means.contains("claims 12.5 h a week"), "{means}");
    let told = || async {
        let all = engine.reader().notices_of("sven", 99).await.unwrap();
        let over = all.into_iter().filter(|n| n.kind == "maintenance_over");
        over.map(|n| n.title).collect::<Vec<_>>()
    };
    assert_eq!(told().await, Vec::<String>::new());
    engine.enter_cost(logged(60, "quin"), "tove").await.unwrap();
    let title = until("the sponsor hears", || async { told().await.pop() }).await;
    assert!(title.contains("over its budget of 100.00 EUR"), "{title}");
    assert!(figure("maintenance_cost").await.1.ends_with("over budget"));
    assert_eq!(told().await.len(), 1, "once for the month");
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn upkeep_over_its_budget_is_told_to_the_sponsor() {
    Box::pin(upheld(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn upkeep_over_its_budget_is_told_to_the_sponsor_on_postgresql() {
    let database = Database::create().await;
    Box::pin(upheld(Some(&database.url()))).await;
    database.drop().await;
}

/// Volume of a vendor that reports no usage and has no price is an alarm too, and named in the report.
async fn unseen(database: Option<&str>) {
    let bench = Bench::on(&[(crate::bench::FREE, "")], database).await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    bench.receive("c1").await;
    let run = bench.rest("c1").await.run;
    let told = until("the gap is told", || async {
        let all = engine.reader().notices_of("rhea", 99).await.unwrap();
        all.into_iter().find(|n| n.kind == "figures_lack")
    })
    .await;
    assert!(
        told.title.contains("calls of fake-1 have no price"),
        "{}",
        told.title
    );
    let day = Day::parse(&run.batch).unwrap();
    let days = Days { from: day, to: day };
    let report = engine
        .cost_report(Some("small"), None, days, By::Nothing)
        .await
        .unwrap();
    assert_eq!(report.volume[0].calls, 1);
    assert_eq!(report.volume[0].unpriced, 1, "volume but no price");
    let forecast = engine
        .cost_forecast("small", days, 10_000, None)
        .await
        .unwrap();
    assert!(forecast.total.is_empty());
    assert!(
        forecast
            .lacks
            .contains(&"1 calls of fake-1 have no price".to_owned()),
        "{:?}",
        forecast.lacks
    );
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_with_volume_and_no_price_is_an_alarm() {
    Box::pin(unseen(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_with_volume_and_no_price_is_an_alarm_on_postgresql() {
    let database = Database::create().await;
    Box::pin(unseen(Some(&database.url()))).await;
    database.drop().await;
}

/// Calls of a model without a price are told once for the day, and are in no cost.
async fn lacking(database: Option<&str>) {
    let price = "[model.price]\ncurrency = \"EUR\"\ninput_per_million = \"0\"\noutput_per_million = \"0\"\n";
    let bench = Bench::on(&[(price, "")], database).await;
    let worker = Worker::start(&bench.engine);
    let reader = bench.engine.reader();
    for n in 0..2 {
        bench.fakes.then(paid(n));
        bench.receive(&format!("c{n}")).await;
        bench.rest(&format!("c{n}")).await;
    }
    for person in ["rhea", "tove"] {
        let told = until("the gap is told", || async {
            let all = reader.notices_of(person, 99).await.unwrap();
            let mut lack = all.into_iter().filter(|n| n.kind == "figures_lack");
            let first = lack.next()?;
            assert!(lack.next().is_none(), "{person} is told twice");
            Some(first)
        })
        .await;
        assert!(
            told.title.contains("calls of fake-1 have no price"),
            "{}",
            told.title
        );
        let known = reader.notice(told.id).await.unwrap();
        assert_eq!(known.map(|n| n.person).as_deref(), Some(person));
    }
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_without_a_price_is_an_alarm() {
    Box::pin(lacking(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_without_a_price_is_an_alarm_on_postgresql() {
    let database = Database::create().await;
    Box::pin(lacking(Some(&database.url()))).await;
    database.drop().await;
}

/// Who is paid for what, what for, and what is said of it.
async fn unproven(bench: &Bench, until: Day) -> Vec<(String, i64, String, String)> {
    bench.engine.make_figures().await.unwrap();
    let found = bench.engine.idle_vendors("small", until).await.unwrap();
    let told = found.into_iter().map(|i| {
        let sum = i.paid["EUR"];
        (i.vendor, sum, i.delivers.to_string(), i.words)
    });
    told.collect()
}

/// What a vendor is paid for is named, delivers only through that, and cannot be told where nothing names it.
async fn idle(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    let days = engine.asked_days(Some("small"), None, None, 1).await;
    let today = days.unwrap().to;
    let from = today.to_string();
    let enter_for = async |workflow: &str, vendor: &str, words: &str| {
        let typed = Typed {
            category: "infrastructure",
            workflow,
            from: &from,
            amount: "12",
            currency: "EUR",
            vendor,
            words,
            ..Typed::default()
        };
        let entered = engine.enter_cost(typed.read().unwrap(), "tove").await;
        entered.unwrap()
    };
    let enter = async |vendor: &str, words: &str| enter_for("small", vendor, words).await;
    let one = |vendor: &str, delivers: &str, words: &str| {
        (
            vendor.to_owned(),
            12_000_000,
            delivers.to_owned(),
            words.to_owned(),
        )
    };
    let house = enter("Rack House", "a subscription").await;
    let nothing = "no result of the workflow was confirmed";
    assert_eq!(
        unproven(&bench, today).await,
        [one("Rack House", "nothing", nothing)]
    );
    assert_eq!(
        unproven(&bench, today.plus(29)).await,
        [one("Rack House", "nothing", nothing)]
    );
    assert_eq!(
        unproven(&bench, today.plus(30)).await,
        [],
        "nothing was paid since"
    );
    bench.fakes.deleted("contract");
    bench.receive("c1").await;
    bench.rest("c1").await;
    // The workflow delivers; whether this vendor has a part in it nobody has said.
    let why = "nothing says what it is for: name it in the words of the cost, such as source:NAME, destination:NAME \
               or model:NAME";
    assert_eq!(
        unproven(&bench, today).await,
        [one("Rack House", "cannot_be_told", why)]
    );
    engine
        .reverse_cost(house.id, "named below", "tove")
        .await
        .unwrap();
    assert_eq!(unproven(&bench, today).await, [], "taken back");
    // The source of contracts knew no record in any run, the other one did; the note was written, under its name
    // and its system's; the model answered.
    for (vendor, words) in [
        ("Rack House", "yearly licence (source:crm)"),
        ("desk", "seats"),
        ("Note Works", "destination:note"),
        ("FAKE", "flat rate"),
        ("Paper Ltd", "source:contract"),
        ("Lost & Sons", "destination:letters"),
        ("Old Model Inc", "model:fake-0"),
    ] {
        enter(vendor, words).await;
    }
    let told = unproven(&bench, today).await;
    assert_eq!(
        told,
        [
            one(
                "Lost & Sons",
                "cannot_be_told",
                "it is for destination:letters, which no release has"
            ),
            one(
                "Old Model Inc",
                "cannot_be_told",
                "it is for model:fake-0, which no release has"
            ),
            one(
                "Paper Ltd",
                "nothing",
                "no confirmed result through source contract"
            ),
        ]
    );
    // Paid for all workflows together: held against each, and listed with each.
    enter_for("", "Seats for all", "destination:note").await;
    enter_for("", "Idle Letters", "destination:letters").await;
    enter_for("", "Paper for all", "source:contract").await;
    let shared = &unproven(&bench, today).await[told.len()..];
    let not_there = "shared by all workflows; it is for destination:letters, which no release has";
    let nothing = "shared by all workflows, and no confirmed result in any through source contract";
    assert_eq!(
        shared,
        [
            one("Idle Letters", "cannot_be_told", not_there),
            one("Paper for all", "nothing", nothing)
        ]
    );
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_paid_and_delivers_nothing_is_named() {
    Box::pin(idle(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_paid_and_delivers_nothing_is_named_on_postgresql() {
    let database = Database::create().await;
    Box::pin(idle(Some(&database.url()))).await;
    database.drop().await;
}

/// A week that is not whole says so, whether it is not over or the span ends within it.
#[tokio::test(flavor = "multi_thread")]
async fn a_week_that_is_not_whole_says_so() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let days = engine.asked_days(Some("small"), None, None, 1).await;
    let today = days.unwrap().to;
    let (monday, sunday) = (today.monday(), today.monday().plus(6));
    let last = async |to: Day| {
        let days = Days {
            from: to.plus(-27),
            to,
        };
        let card = Box::pin(engine.scorecard("small", days)).await.unwrap();
        let (last, whole) = card.weeks.split_last().unwrap();
        assert!(whole.iter().all(|w| !w.so_far), "{to}");
        let json = serde_json::to_value(&card).unwrap();
        assert_eq!(json["weeks"][11]["so_far"], last.so_far);
        last.so_far
    };
    assert!(last(today).await, "today is not over");
    assert!(last(sunday).await, "nor is the week");
    assert!(!last(monday.plus(-1)).await);
    assert!(last(monday.plus(-3)).await, "the span ends on a Friday");
    engine.clock().set_offset(8 * 86_400_000_000);
    assert!(!last(sunday).await, "it is over now");
}

/// A first workflow that was given up before it was ever called production has not shipped.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_workflow_that_was_retired_as_research_never_shipped() {
    let was = "label = \"production\"\nstage = \"auto\"";
    for (label, stage, flags) in [("research", "shadow", 1), ("production", "auto", 0)] {
        let now = format!("label = \"{label}\"\nstage = \"{stage}\"");
        let bench = Bench::on(&[(was, now.as_str())], None).await;
        let engine = &bench.engine;
        let days = engine
            .asked_days(Some("small"), None, None, 1)
            .await
            .unwrap();
        let day = days.to.to_string();
        let typed = Typed {
            category: "infrastructure",
            from: &day,
            amount: "12",
            currency: "EUR",
            vendor: "Rack House",
            bucket: "second_use_case",
            words: "a trial",
            ..Typed::default()
        };
        engine
            .enter_cost(typed.read().unwrap(), "tove")
            .await
            .unwrap();
        let by = Actor::Person("rhea".into());
        engine
            .retire(
                "small",
                tuesday_engine::ops::OpenWork::None,
                &by,
                "given up",
            )
            .await
            .unwrap();
        let report = engine.cost_report(None, None, days, By::Bucket).await;
        assert_eq!(report.unwrap().flags.len(), flags, "{label}");
    }
}

/// A run that was held for days and called its model only now is told by the day that it belongs to.
async fn late(database: Option<&str>) {
    let long = (
        "first_delay = \"10ms\"",
        "deadline = \"20d\"\nfirst_delay = \"10ms\"",
    );
    let bench = Bench::on(&[(crate::bench::FREE, ""), long], database).await;
    let engine = &bench.engine;
    let by = Actor::Person("rhea".into());
    let stop = engine.set_switch("small", Switch::Paused, &by, "a test");
    stop.await.unwrap();
    bench.receive("c1").await;
    let worker = Worker::start(engine);
    let filter = RunFilter {
        workflow: Some("small".into()),
        ..RunFilter::default()
    };
    let run = engine
        .reader()
        .run_page(&filter, None, 1)
        .await
        .unwrap()
        .remove(0);
    let offset = 4 * 86_400 * 1_000_000;
    bench.store.set_clock(offset).await.unwrap();
    engine.clock().set_offset(offset);
    bench.fakes.then(paid(1));
    let go = engine.set_switch("small", Switch::Running, &by, "a test");
    go.await.unwrap();
    let told = until("the gap of four days ago is told", || async {
        let all = engine.reader().notices_of("tove", 99).await.unwrap();
        all.into_iter().find(|n| n.kind == "figures_lack")
    })
    .await;
    let words = format!("small, {}: calls of fake-1 have no price", run.batch);
    assert!(told.title.starts_with(&words), "{}", told.title);
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_a_run_that_was_held_for_days_is_an_alarm_too() {
    Box::pin(late(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_a_run_that_was_held_for_days_is_an_alarm_too_on_postgresql() {
    let database = Database::create().await;
    Box::pin(late(Some(&database.url()))).await;
    database.drop().await;
}

/// The one metric stands on the scorecard, and before whoever decides; incidents are those of the span.
async fn told(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let worker = Worker::start(&bench.engine);
    let engine = &bench.engine;
    bench.fakes.then(paid(0));
    bench.receive("c0").await;
    let task = bench.task("c0").await;
    let done = engine.approve(task.id, "rhea", Approval::default());
    done.await.unwrap();
    let batch = bench.rest("c0").await.run.batch;
    engine.make_figures().await.unwrap();
    let day = Day::parse(&batch).unwrap();
    let days = Days {
        from: day,
        to: day.plus(1),
    };
    let card = || async { Box::pin(engine.scorecard("small", days)).await.unwrap() };
    assert!(card().await.metric.is_none());
    assert!(engine.success_metric("small").await.unwrap().is_none());
    let stated = "override_rate at most 10 by 2027-02-28";
    let state = engine.state_charter("small", "ninety_day_metric", stated, "rhea");
    state.await.unwrap();
    for metric in [
        card().await.metric,
        engine.success_metric("small").await.unwrap(),
    ] {
        let metric = metric.unwrap();
        assert_eq!((metric.stated.as_str(), metric.kept), (stated, Some(true)));
        let now = metric.now.unwrap();
        assert_eq!((now.value, now.standing), (Some(0), Standing::Measured));
    }

    let opened = async || {
        let new = tuesday_engine::ops::NewIncident {
            category: tuesday_domain::trouble::Category::DeliveryLate,
            severity: None,
            workflow: Some("small".into()),
            words: "it came late".into(),
            runs: Vec::new(),
        };
        engine.open_incident(new, "rhea").await.unwrap().id
    };
    let first = opened().await;
    let count = async |days| {
        let found = engine.span_incidents("small", days).await.unwrap();
        (found.opened, found.open)
    };
    let around = Days {
        from: day.plus(-1),
        to: day.plus(1),
    };
    assert_eq!(count(around).await, (1, 1));
    let earlier = Days {
        from: day.plus(-92),
        to: day.plus(-2),
    };
    assert_eq!(
        count(earlier).await,
        (0, 0),
        "what is open now is not of that quarter"
    );
    let closed = tuesday_engine::ops::Closed {
        resolution: "sent".into(),
        ..Default::default()
    };
    engine
        .resolve_incident(first, closed, "rhea")
        .await
        .unwrap();
    assert_eq!(count(around).await, (1, 0));
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metric_and_the_incidents_of_a_span_are_told() {
    Box::pin(told(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metric_and_the_incidents_of_a_span_are_told_on_postgresql() {
    let database = Database::create().await;
    Box::pin(told(Some(&database.url()))).await;
    database.drop().await;
}
