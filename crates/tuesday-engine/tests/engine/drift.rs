//! The mix against its baseline: a changed day is found once, on whichever node looks first, with what
//! changed around it; a pause rule can count it; a person says what it was.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::capacity::CapacitySpec;
use tuesday_domain::drift::Verdict;
use tuesday_domain::drift::calibration::{Band, BandCount, BandState};
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::figures::{DayFigures, Mix};
use tuesday_domain::ledger::report::By;
use tuesday_domain::record::{AuditEntry, Change, DayRow, Decision, DriftState, Subject};
use tuesday_domain::run::{Reason, Status};
use tuesday_domain::time::Zone;
use tuesday_domain::trouble::Category;
use tuesday_domain::workflow::Switch;
use tuesday_engine::Worker;
use tuesday_store::DayState;
use tuesday_testkit::fakes::Said;
use tuesday_testkit::{Database, until};

use crate::bench::{Bench, RULES};

const RULE: &str = "[[pause_rule]]\nname = \"drift\"\nmetric = \"signals\"\nsignal = \"drift\"\n\
    comparison = \"at_least\"\nnumber = 1\nover = \"24h\"\n[rollout]\n";

fn today(bench: &Bench) -> Day {
    let zone = Zone::named("Europe/Berlin").unwrap();
    Day::parse(&zone.day(bench.engine.now())).unwrap()
}

/// A day whose runs ended so, without any run behind it.
async fn day(bench: &Bench, back: i64, [approved, edited, rejected]: [u64; 3]) {
    let day = today(bench).plus(-back).to_string();
    let runs = approved + edited + rejected;
    let mix = Mix {
        runs,
        open: 0,
        outcomes: [
            ("approved", approved),
            ("edited", edited),
            ("rejected", rejected),
        ]
        .map(|(k, n)| (k.to_owned(), n))
        .into(),
        landings: [("row r2".to_owned(), runs)].into(),
        people: [("rhea".to_owned(), runs)].into(),
    };
    let figures = DayFigures {
        runs,
        mix: [("evening".to_owned(), mix)].into(),
        ..DayFigures::new()
    };
    let live = bench
        .engine
        .reader()
        .workflow("small")
        .await
        .unwrap()
        .unwrap();
    let state = DayState {
        workflow: "small".into(),
        rows: vec![DayRow {
            workflow: "small".into(),
            day: day.clone(),
            release: live.live_release,
            tier: "desk".into(),
            figures,
        }],
        open: 0,
        made_at: bench.engine.now(),
        day,
    };
    bench.store.put_day(&state).await.unwrap();
}

async fn found(database: Option<&str>) {
    let bench = Bench::on(&[("[rollout]\n", RULE)], database).await;
    let engine = &bench.engine;
    for back in 1..=15 {
        day(&bench, back, [80, 15, 5]).await;
    }
    let other = bench.another("two").await;
    let workers = [Worker::start(engine), Worker::start(&other)];
    // The first whole days become the baseline by themselves.
    let frozen = until("the baseline is frozen", || async {
        engine.drift("small").await.unwrap().baseline
    })
    .await;
    assert_eq!((frozen.version, frozen.runs), (1, 1_400));
    // Few runs are neither an alarm nor an all-clear, a day like the others is quiet.
    day(&bench, 0, [2, 0, 20]).await;
    let verdict = || async {
        let d = engine.drift("small").await.unwrap();
        let outcome = &d.dimensions[0];
        assert_eq!(outcome.dimension, "outcome");
        outcome
            .judged
            .shifts
            .last()
            .map(|s| (s.verdict, s.distance_ppm))
    };
    assert_eq!(verdict().await.map(|v| v.0), Some(Verdict::NotEnough));
    day(&bench, 0, [79, 15, 6]).await;
    assert_eq!(verdict().await, Some((Verdict::Quiet, 10_000)));

    // Somebody changes something, and then the mix is another.
    let hours =
        "minutes_per_task = 1\n[[person]]\nperson = \"rhea\"\ndays = \"mon-sun\"\nhours = 8\n";
    let hours = CapacitySpec::parse(hours).unwrap();
    engine
        .set_capacity("small", &hours, "another desk", "rhea")
        .await
        .unwrap();
    engine.seal().await.unwrap();
    day(&bench, 0, [40, 15, 45]).await;
    let finding = until("it is found", || async {
        engine
            .drift("small")
            .await
            .unwrap()
            .findings
            .into_iter()
            .next()
    })
    .await;
    assert!(
        finding.words.starts_with("outcome mix: ")
            && finding.words.contains("in the evening shift of")
            && finding.words.contains("100 runs"),
        "{}",
        finding.words
    );
    assert_eq!((finding.owner.as_str(), finding.state), ("rhea", "open"));
    assert_eq!(finding.since, today(&bench).to_string());
    let first = &finding.changes[0];
    assert_eq!(first.what, "capacity", "{:?}", finding.changes);
    assert!(first.words.contains("another desk"), "{first:?}");
    until("the pause rule counts it", || async {
        let row = engine.reader().workflow("small").await.unwrap().unwrap();
        (row.switch == Switch::Paused).then_some(())
    })
    .await;
    until("it has its incident", || async {
        let told = engine.reader().notices_of("rhea", 50).await.unwrap();
        let found = told.iter().filter(|n| n.kind == "drift_found").count();
        assert_eq!(found, 1, "told once, not by each node");
        (!told.is_empty()).then_some(())
    })
    .await;

    // A person says what it was; the same day is not found again.
    let no_note = engine.close_drift("small", finding.seq, " ", "rhea").await;
    assert_eq!(no_note.unwrap_err().code, "reason_required");
    let closed = engine
        .close_drift("small", finding.seq, "a new desk learns", "rhea")
        .await
        .unwrap();
    assert_eq!(closed.state, DriftState::Closed);
    let again = engine.close_drift("small", finding.seq, "x", "rhea").await;
    assert_eq!(again.unwrap_err().code, "illegal_state");
    let after = engine.drift("small").await.unwrap();
    assert!(
        after.dimensions[0].judged.shifts.is_empty(),
        "what comes after is looked at anew"
    );
    // Days that are not over cannot be frozen; whole ones can, with a reason.
    let days = |from: i64, to: i64| Days {
        from: today(&bench).plus(-from),
        to: today(&bench).plus(-to),
    };
    let early = engine.freeze_mix("small", days(3, 0), "x", "rhea").await;
    assert_eq!(early.unwrap_err().field.as_deref(), Some("to"));
    let second = engine
        .freeze_mix("small", days(10, 1), "after the new desk", "rhea")
        .await
        .unwrap();
    assert_eq!(second.version, 2);
    assert_eq!(engine.drift("small").await.unwrap().findings.len(), 1);
    let [one, two] = workers;
    two.shut_down(Duration::from_secs(10)).await;
    bench.end(one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_mix_is_found_once_with_what_changed_around_it() {
    Box::pin(found(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_mix_is_found_once_with_what_changed_around_it_on_postgresql() {
    let database = Database::create().await;
    Box::pin(found(Some(&database.url()))).await;
    database.drop().await;
}

/// A part of a day, by outcome, received by this source.
type Part<'a> = (&'a str, [u64; 3], &'a str);

/// A day of several shifts.
async fn parts(bench: &Bench, back: i64, all: &[Part<'_>]) {
    let day = today(bench).plus(-back).to_string();
    let mut figures = DayFigures::new();
    for (shift, counts, source) in all {
        let runs: u64 = counts.iter().sum();
        let outcomes = ["approved", "edited", "rejected"].into_iter().zip(*counts);
        let mix = Mix {
            runs,
            open: 0,
            outcomes: outcomes.map(|(k, n)| (k.to_owned(), n)).collect(),
            landings: [("row r2".to_owned(), runs)].into(),
            people: [("rhea".to_owned(), runs)].into(),
        };
        figures.runs += runs;
        figures.mix.insert((*shift).to_owned(), mix);
        *figures.sources.entry((*source).to_owned()).or_default() += runs;
    }
    let live = bench.engine.reader().workflow("small").await.unwrap();
    let state = DayState {
        workflow: "small".into(),
        rows: vec![DayRow {
            workflow: "small".into(),
            day: day.clone(),
            release: live.unwrap().live_release,
            tier: "desk".into(),
            figures,
        }],
        open: 0,
        made_at: bench.engine.now(),
        day,
    };
    bench.store.put_day(&state).await.unwrap();
}

/// Each shift alone has too few runs; the day has enough. The nearest change before it stays in the list
/// however much was changed afterwards, and that other work came in is told.
async fn by_day(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    // What the installation changed lies behind.
    later(&bench, &[engine], 20 * 24 * 60).await;
    let calm = [16, 3, 1];
    let quiet = ["night", "day", "evening"].map(|s| (s, calm, "webhook"));
    for back in 1..=15 {
        parts(&bench, back, &quiet).await;
    }
    let worker = Worker::start(engine);
    until("the baseline is frozen", || async {
        engine.drift("small").await.unwrap().baseline
    })
    .await;
    let hours = |minutes: u32| {
        let text = format!(
            "minutes_per_task = {minutes}\n[[person]]\nperson = \"rhea\"\ndays = \"mon-sun\"\nhours = 8\n"
        );
        CapacitySpec::parse(&text).unwrap()
    };
    engine
        .set_capacity("small", &hours(100), "the cause", "rhea")
        .await
        .unwrap();
    later(&bench, &[engine], 21 * 24 * 60).await;
    for n in 1..=70 {
        let reason = format!("later {n}");
        engine
            .set_capacity("small", &hours(n), &reason, "rhea")
            .await
            .unwrap();
    }
    engine.seal().await.unwrap();
    // Yesterday, which is the day of the cause, and today.
    let moved = ["night", "day", "evening"].map(|s| (s, [9, 3, 8], "mail"));
    parts(&bench, 1, &moved).await;
    parts(&bench, 0, &moved).await;
    let finding = until("it is found", || async {
        let drift = engine.drift("small").await.unwrap();
        drift.findings.into_iter().next()
    })
    .await;
    assert!(finding.words.contains("as a whole"), "{}", finding.words);
    assert_eq!(finding.since, today(&bench).plus(-1).to_string());
    assert_eq!(finding.unreadable, None);
    let first = &finding.changes[0];
    assert!(first.words.contains("the cause"), "{:?}", finding.changes);
    let mix = finding
        .changes
        .iter()
        .find(|c| c.what == "input mix")
        .unwrap();
    assert!(
        mix.words
            .contains("event source mail 100.0 % instead of 0.0 %")
            && mix.words.contains(&format!("since {}", finding.since)),
        "{mix:?}"
    );
    // Of what came after it, the nearest stand there too.
    let after: Vec<&str> = finding.changes.iter().map(|c| c.words.as_str()).collect();
    assert!(after.iter().any(|w| w.ends_with("later 1")), "{after:?}");
    assert!(!after.iter().any(|w| w.ends_with("later 70")), "{after:?}");
    let drift = engine.drift("small").await.unwrap();
    assert!(
        drift.dimensions[0].days.shifts.is_empty(),
        "looked at anew from the next day on"
    );
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_judged_where_each_shift_is_too_small_and_the_cause_stays_in_the_list() {
    Box::pin(by_day(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_judged_where_each_shift_is_too_small_and_the_cause_stays_in_the_list_on_postgresql()
 {
    let database = Database::create().await;
    Box::pin(by_day(Some(&database.url()))).await;
    database.drop().await;
}

/// A mix that moved while nobody changed anything.
async fn unexplained(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    // What the installation changed lies behind.
    later(&bench, &[engine], 20 * 24 * 60).await;
    for back in 1..=15 {
        day(&bench, back, [80, 15, 5]).await;
    }
    let worker = Worker::start(engine);
    until("the baseline is frozen", || async {
        engine.drift("small").await.unwrap().baseline
    })
    .await;
    engine.seal().await.unwrap();
    day(&bench, 0, [40, 15, 45]).await;
    let finding = until("it is found", || async {
        let drift = engine.drift("small").await.unwrap();
        drift.findings.into_iter().next()
    })
    .await;
    assert!(finding.changes.is_empty(), "{:?}", finding.changes);
    until("the incident says that nothing is recorded", || async {
        let reader = engine.reader();
        let all = reader.incidents(&Default::default(), None, 9).await;
        let all = all.unwrap();
        let own = all.iter().find(|i| i.category == Category::DriftFound)?;
        let told = engine.reader().incident_entries(own.id).await.unwrap();
        let said = told.iter().any(|e| e.words.contains("no recorded change"));
        (said || own.title.contains("no recorded change")).then_some(())
    })
    .await;
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_that_moved_without_a_change_says_so() {
    Box::pin(unexplained(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_that_moved_without_a_change_says_so_on_postgresql() {
    let database = Database::create().await;
    Box::pin(unexplained(Some(&database.url()))).await;
    database.drop().await;
}

const CANARY: &str = "[canary]\nevery = \"1h\"\ncases = [\"fine\"]\n[rollout]\n";
const FINE: &str = r#"{"name":"fine","kind":"happy","input":{"id":"1"},"sources":{"crm":{"id":"1","tier":"gold","updated_at":"@-1h"}},
"expect":{"route":"review","row":"r2","output":{"grade":"low"}}}"#;

async fn later(bench: &Bench, nodes: &[&tuesday_engine::Engine], minutes: i64) {
    let offset = minutes * 60_000_000;
    bench.store.set_clock(offset).await.unwrap();
    for node in nodes {
        node.clock().set_offset(offset);
    }
}

/// The try of this number, once it has ended: its state and the cases that missed.
async fn tried(bench: &Bench, seq: u32) -> (&'static str, Vec<String>) {
    until(&format!("try {seq} has ended"), || async {
        let canary = bench.engine.drift("small").await.unwrap().canary.unwrap();
        let mut tries = canary.tries.into_iter();
        let one = tries.find(|t| t.seq == seq && t.ended_at.is_some())?;
        Some((one.state, one.misses.into_iter().map(|m| m.case).collect()))
    })
    .await
}

async fn turned(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    // Where the table sends a case is not the canary's: the route that the case expects is wrong.
    let pack = FINE.replace('\n', "");
    let pairs = [("workflow.toml", "[rollout]\n", CANARY)];
    bench
        .put(&crate::releases::changed(engine, &pack, &pairs).await)
        .await;
    let other = bench.another("two").await;
    let both = [engine, &other];
    let workers = [Worker::start(engine), Worker::start(&other)];
    assert_eq!(tried(&bench, 1).await, ("passed", vec![]));

    // One unlucky answer is none; the provider changes what is behind the name, and it is found.
    bench.fakes.then(Said::Text(r#"{"grade": "high"}"#.into()));
    later(&bench, &both, 61).await;
    assert_eq!(tried(&bench, 2).await, ("passed", vec![]));
    for _ in 0..6 {
        bench.fakes.then(Said::Text(r#"{"grade": "high"}"#.into()));
    }
    later(&bench, &both, 122).await;
    assert_eq!(tried(&bench, 3).await, ("failed", vec!["fine".to_owned()]));
    later(&bench, &both, 183).await;
    assert_eq!(tried(&bench, 4).await, ("failed", vec!["fine".to_owned()]));
    let open = || async {
        let found = engine
            .reader()
            .incidents(&Default::default(), None, 9)
            .await
            .unwrap();
        let mut own = found
            .into_iter()
            .filter(|i| i.category == Category::CanaryFailed);
        own.next().map(|i| (i.owner, i.workflow))
    };
    let incident = until("it has its incident", open).await;
    assert_eq!(incident, ("tove".to_owned(), Some("small".to_owned())));
    let told = engine.reader().notices_of("tove", 50).await.unwrap();
    let told = told.iter().filter(|n| n.kind == "canary_failed").count();
    assert_eq!(told, 1, "told once, while it goes on");

    // Nothing is asked while the workflow is stopped, and a node that stops answering is no verdict.
    let rhea = Actor::Person("rhea".into());
    engine
        .set_switch("small", Switch::Paused, &rhea, "to look")
        .await
        .unwrap();
    later(&bench, &both, 400).await;
    let calls = bench.fakes.calls();
    engine
        .set_switch("small", Switch::Running, &rhea, "looked")
        .await
        .unwrap();
    assert_eq!(tried(&bench, 5).await, ("passed", vec![]));
    assert_eq!(bench.fakes.calls(), calls + 1);
    for (seq, minutes) in [(6, 461), (7, 522), (8, 583)] {
        bench.fakes.then(Said::Denied);
        later(&bench, &both, minutes).await;
        assert_eq!(
            tried(&bench, seq).await,
            ("unanswered", vec!["fine".to_owned()])
        );
    }
    until("three without an answer are told", || async {
        let told = engine.reader().notices_of("tove", 50).await.unwrap();
        told.iter()
            .any(|n| n.title.contains("had no answer"))
            .then_some(())
    })
    .await;
    let [one, two] = workers;
    two.shut_down(Duration::from_secs(10)).await;
    bench.end(one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_answers_otherwise_is_found_by_the_canary() {
    Box::pin(turned(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_answers_otherwise_is_found_by_the_canary_on_postgresql() {
    let database = Database::create().await;
    Box::pin(turned(Some(&database.url()))).await;
    database.drop().await;
}

/// What the canary asks is booked under tokens and stops at the limit: then the model is not asked, which is no
/// fault of it.
async fn limited(database: Option<&str>) {
    use tuesday_domain::ledger::price::{NewPrice, amount};
    use tuesday_domain::record::{CostCategory, PriceKind, SpendAct, SpendPeriod, Usage};
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    let price = NewPrice {
        kind: PriceKind::Model,
        name: "fake-1".into(),
        currency: "EUR".into(),
        input_micros: Some(amount("2").unwrap()),
        output_micros: Some(amount("10").unwrap()),
        hour_micros: None,
        from: None,
    };
    engine.set_prices(&[price], "list", "tove").await.unwrap();
    let pairs = [("workflow.toml", "[rollout]\n", CANARY)];
    let usage = Usage {
        input_tokens: 1_000,
        output_tokens: 100,
    };
    let text = r#"{"grade": "low"}"#.to_owned();
    bench.fakes.then(Said::Paid(text, usage));
    bench
        .put(&crate::releases::changed(engine, &FINE.replace('\n', ""), &pairs).await)
        .await;
    let worker = Worker::start(engine);
    assert_eq!(tried(&bench, 1).await, ("passed", vec![]));
    let day = today(&bench);
    let days = Days {
        from: day.plus(-1),
        to: day.plus(2),
    };
    let costs = || async {
        let report = engine.cost_report(Some("small"), None, days, By::Nothing);
        report.await.unwrap().total
    };
    let spent = costs().await;
    assert_eq!(spent.by_category[&CostCategory::Tokens]["EUR"], 3_000);
    assert_eq!(
        spent.by_category.len(),
        1,
        "nothing of it is infrastructure"
    );

    let stop = tuesday_engine::ops::NewLimit {
        period: SpendPeriod::Month,
        warn_micros: None,
        stop_micros: 10,
        currency: "EUR".into(),
        act: SpendAct::Hold,
    };
    engine
        .set_spend_limit("small", stop, "a test", "rhea")
        .await
        .unwrap();
    let calls = bench.fakes.calls();
    for (seq, minutes) in [(2, 61), (3, 122), (4, 183)] {
        later(&bench, &[engine], minutes).await;
        assert_eq!(tried(&bench, seq).await.0, "unanswered");
    }
    assert_eq!(bench.fakes.calls(), calls, "nothing was asked");
    assert_eq!(costs().await.total["EUR"], 3_000);
    let canary = engine.drift("small").await.unwrap().canary.unwrap();
    let why = &canary.tries[0].misses[0].words;
    assert!(why.starts_with("not asked: the limit of"), "{why}");
    let told = engine.reader().notices_of("tove", 50).await.unwrap();
    let count = |kind: &str| told.iter().filter(|n| n.kind == kind).count();
    assert_eq!(count("canary_not_asked"), 1, "told once, while it goes on");
    assert_eq!(count("canary_failed"), 0);
    let incidents = engine
        .reader()
        .incidents(&Default::default(), None, 9)
        .await;
    let of = |i: &tuesday_domain::record::Incident| i.category == Category::CanaryFailed;
    assert!(!incidents.unwrap().iter().any(of), "the model has no fault");
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_is_booked_as_tokens_and_not_asked_beyond_the_limit() {
    Box::pin(limited(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_is_booked_as_tokens_and_not_asked_beyond_the_limit_on_postgresql() {
    let database = Database::create().await;
    Box::pin(limited(Some(&database.url()))).await;
    database.drop().await;
}

const SURE: [(&str, &str, &str); 4] = [
    (
        "workflow.toml",
        "[facts]\n",
        "[facts]\nsure = \"confidence\"\n",
    ),
    (
        "workflow.toml",
        "clearance = \"internal\"\n[model.price]",
        "clearance = \"internal\"\nconfidence = { source = \"field\", field = \"sure\" }\n[model.price]",
    ),
    (
        "output.schema.json",
        "\"properties\":{",
        "\"properties\":{\"sure\":{\"type\":\"number\",\"description\":\"How sure.\",\"x-class\":\"internal\"},",
    ),
    ("rules.csv", RULES, SURE_RULES),
];
const SURE_RULES: &str = "row,grade:one of low|high,sure:ratio,route,review_tier,reason,note\n\
    r1,low,>= 0.85,auto,,It matters little and is sure,\nr2,any,any,review,desk,It matters,\n";

/// A day on which a band's outcomes were so.
async fn outcomes(bench: &Bench, back: i64, (runs, right): (u64, u64)) {
    let day = today(bench).plus(-back).to_string();
    let count = BandCount {
        runs,
        right,
        said_ppm: runs * 930_000,
    };
    let figures = DayFigures {
        runs,
        sure: [(Band::From90, count)].into(),
        ..DayFigures::new()
    };
    let live = bench.engine.reader().workflow("small").await.unwrap();
    let state = DayState {
        workflow: "small".into(),
        rows: vec![DayRow {
            workflow: "small".into(),
            day: day.clone(),
            release: live.unwrap().live_release,
            tier: "desk".into(),
            figures,
        }],
        open: 0,
        made_at: bench.engine.now(),
        day,
    };
    bench.store.put_day(&state).await.unwrap();
}

async fn band(bench: &Bench) -> (BandState, bool) {
    let seen = bench.engine.calibration("small").await.unwrap();
    let own = seen.bands.last().unwrap();
    assert_eq!(own.band, Band::From90);
    (own.state, own.holds)
}

/// What becomes of a run that is sure: its status, and why a person has it.
async fn sent(bench: &Bench, case: &str) -> (Status, Option<Reason>, Vec<String>) {
    let text = r#"{"grade":"low","sure":0.93}"#;
    bench.fakes.then(Said::Text(text.into()));
    bench.receive(case).await;
    let run = bench.rest(case).await;
    let task = bench.engine.reader().reviews_of(run.run.id).await.unwrap();
    let words = task.last().map(|t| t.reasons.clone()).unwrap_or_default();
    (run.run.state.status, run.run.reason, words)
}

async fn relied(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    let pack = FINE.replace('\n', "");
    bench
        .put(&crate::releases::changed(engine, &pack, &SURE).await)
        .await;
    // As on an instance that is no test: nothing is granted.
    let mut row = engine.reader().workflow("small").await.unwrap().unwrap();
    std::sync::Arc::make_mut(&mut row.rollout.trust).granted = false;
    row.version += 1;
    let subject = Subject::Workflow("small".into());
    let entry = AuditEntry::new(engine.now(), Actor::System("test"), "test.real", subject);
    let changes = vec![Change::PutWorkflow(Box::new(row))];
    bench
        .store
        .apply(Decision { changes, entry })
        .await
        .unwrap();
    engine.load().await.unwrap();
    let other = bench.another("two").await;
    let workers = [Worker::start(engine), Worker::start(&other)];
    assert_eq!(band(&bench).await, (BandState::Few, false));
    let (status, reason, words) = sent(&bench, "a").await;
    assert_eq!(
        (status, reason),
        (Status::InReview, Some(Reason::Uncalibrated))
    );
    assert!(
        words[0].contains("0.90-1.00 has no current calibration"),
        "{words:?}"
    );

    let stands = |state: BandState| {
        let bench = &bench;
        until("the nodes act by it", move || async move {
            let row = bench
                .engine
                .reader()
                .workflow("small")
                .await
                .unwrap()
                .unwrap();
            let own = row.rollout.trust.band(Band::From90).map(|b| b.state);
            (own == Some(state)).then_some(())
        })
    };
    outcomes(&bench, 1, (210, 200)).await;
    stands(BandState::Current).await;
    engine.load().await.unwrap();
    other.load().await.unwrap();
    assert_eq!(sent(&bench, "b").await.0, Status::Completed);

    // Fewer than stated were right: told once, with an incident, and nothing goes through any more.
    outcomes(&bench, 2, (300, 100)).await;
    stands(BandState::Miscalibrated).await;
    engine.load().await.unwrap();
    other.load().await.unwrap();
    let (status, reason, words) = sent(&bench, "c").await;
    assert_eq!(
        (status, reason),
        (Status::InReview, Some(Reason::Uncalibrated))
    );
    assert!(
        words[0].contains("miscalibrated: stated 93.0 %, right 58.8 %"),
        "{words:?}"
    );
    until("it has its incident", || async {
        let found = engine
            .reader()
            .incidents(&Default::default(), None, 9)
            .await
            .unwrap();
        found
            .iter()
            .any(|i| i.category == Category::Miscalibrated)
            .then_some(())
    })
    .await;
    let told = engine.reader().notices_of("rhea", 50).await.unwrap();
    let told = told
        .iter()
        .filter(|n| n.kind == "calibration.judged")
        .count();
    assert_eq!(told, 1, "told once, not by each node");

    // Only a person with the right to change a cutoff takes it back before there are fresh outcomes.
    let rely = |by: &'static str, why: &'static str| engine.rely_on("small", Band::From90, why, by);
    assert_eq!(rely("tove", "x").await.unwrap_err().code, "not_allowed");
    assert_eq!(rely("rhea", " ").await.unwrap_err().code, "reason_required");
    rely("rhea", "a trainee read these").await.unwrap();
    other.load().await.unwrap();
    assert_eq!(
        rely("rhea", "again").await.unwrap_err().code,
        "illegal_state"
    );
    assert_eq!(band(&bench).await, (BandState::Relied, true));
    assert_eq!(sent(&bench, "d").await.0, Status::Completed);
    // Its days are over: off again, and fresh outcomes bring it back.
    later(&bench, &[engine, &other], 31 * 24 * 60).await;
    stands(BandState::Miscalibrated).await;
    outcomes(&bench, 0, (220, 205)).await;
    stands(BandState::Current).await;
    let [one, two] = workers;
    two.shut_down(Duration::from_secs(10)).await;
    bench.end(one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_rests_on_a_confidence_only_while_it_comes_true() {
    Box::pin(relied(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_rests_on_a_confidence_only_while_it_comes_true_on_postgresql() {
    let database = Database::create().await;
    Box::pin(relied(Some(&database.url()))).await;
    database.drop().await;
}
