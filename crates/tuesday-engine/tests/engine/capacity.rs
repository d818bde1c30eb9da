//! People's hours against the work: two nodes answer once, in order; what is not known is no room; second
//! looks follow within their bounds; net time below zero is told with its calculation.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::capacity::{CapacitySpec, Step};
use tuesday_domain::ledger::day::Day;
use tuesday_domain::ledger::figures::DayFigures;
use tuesday_domain::record::{
    AuditEntry, Change, Choice, DayRow, Decision, DeskChange, StampNotice, Subject, Workflow,
};
use tuesday_domain::scope::Restriction;
use tuesday_domain::time::Zone;
use tuesday_engine::Worker;
use tuesday_engine::ops::{NewBaseline, WorkflowDecision};
use tuesday_store::{AuditFilter, DayState};
use tuesday_testkit::{Database, until};

use crate::bench::Bench;
use crate::releases::{FACTS, approver, by, changed, create, evaluate, pack};

/// Two people of four hours on every day, twelve minutes a task.
const HOURS: &str = r#"minutes_per_task = 12
[[person]]
person = "rhea"
days = "mon-sun"
hours = 4
[[person]]
person = "boris"
days = "mon-sun"
hours = 4
[response]
groups = ["c1", "c2"]
step_after = "1s"
[sample]
floor_percent = 1
ceiling_percent = 20
"#;

fn package() -> String {
    let capacity = HOURS
        .replace("[[person]]", "[[capacity.person]]")
        .replace("[response]", "[capacity.response]")
        .replace("[sample]", "[capacity.sample]");
    format!("[capacity]\n{capacity}\n[rollout.scope]\ngroup = \"input.id\"\n[rollout]\n")
}

fn today(bench: &Bench) -> Day {
    let zone = Zone::named("Europe/Berlin").unwrap();
    Day::parse(&zone.day(bench.engine.now())).unwrap()
}

fn choosing(choice: Choice) -> WorkflowDecision {
    WorkflowDecision {
        choice,
        question: "May it do more?".into(),
        evidence: "the forecast".into(),
        links: vec!["/workflows/small/capacity".into()],
        conditions: Vec::new(),
        supersedes: None,
        reason: "a test".into(),
    }
}

async fn row(bench: &Bench) -> Workflow {
    let found = bench.engine.reader().workflow("small").await.unwrap();
    found.unwrap()
}

/// What a day came to, without any run behind it.
async fn day(bench: &Bench, back: i64, figures: DayFigures) {
    let day = today(bench).plus(-back).to_string();
    let state = DayState {
        workflow: "small".into(),
        rows: vec![DayRow {
            workflow: "small".into(),
            day: day.clone(),
            release: row(bench).await.live_release,
            tier: "desk".into(),
            figures,
        }],
        open: 0,
        made_at: bench.engine.now(),
        day,
    };
    bench.store.put_day(&state).await.unwrap();
}

fn asked(runs: u64) -> DayFigures {
    DayFigures {
        runs,
        resolved: runs,
        exceptions: [("rule".to_owned(), runs)].into(),
        ..DayFigures::new()
    }
}

async fn entries(bench: &Bench, kind: &str) -> usize {
    bench.engine.seal().await.unwrap();
    let filter = AuditFilter {
        kind: Some(kind.to_owned()),
        ..AuditFilter::default()
    };
    let page = bench.engine.reader().audit_page(&filter, None, 100).await;
    page.unwrap().len()
}

async fn answered(database: Option<&str>) {
    let bench = Bench::on(&[("[rollout]\n", &package())], database).await;
    for back in 1..=28 {
        day(&bench, back, asked(35)).await;
    }
    day(&bench, 0, asked(70)).await;
    let before = row(&bench).await;
    let other = bench.another("two").await;
    let workers = [Worker::start(&bench.engine), Worker::start(&other)];

    let slowed = until("it was narrowed and slowed", || async {
        let row = row(&bench).await;
        row.rollout.load.took(Step::Slow).then_some(row)
    })
    .await;
    let steps: Vec<Step> = slowed.rollout.load.steps.iter().map(|t| t.step).collect();
    assert_eq!(steps, [Step::Narrow, Step::Slow]);
    assert_eq!(slowed.rollout.scope.words(), "groups c1, c2");
    assert_eq!(slowed.rollout.load.slow, Some(40));
    assert_eq!(slowed.rules_version, before.rules_version);
    // Second looks fall to their floor; somebody's hasty approvals lift them to the ceiling.
    let sampled = |ppm: u32| {
        let bench = &bench;
        until("the sample follows", move || async move {
            let load = row(bench).await.rollout.load;
            (load.sampled.and_then(|s| s.human_ppm) == Some(ppm)).then_some(())
        })
    };
    sampled(10_000).await;
    let told = bench.engine.reader().notices_of("rhea", 100).await.unwrap();
    let told = told.iter().filter(|n| n.kind == "capacity_sample");
    let titles: Vec<&str> = told.map(|n| n.title.as_str()).collect();
    assert!(
        titles.len() == 1 && titles[0].contains("1.0 % of people's approvals"),
        "to the floor, not below, and said: {titles:?}"
    );
    let now = bench.engine.now();
    let stamp = StampNotice {
        workflow: "small".into(),
        person: "boris".into(),
        day: now.rfc3339().chars().take(10).collect(),
        at: now,
        told: "rhea".into(),
        words: "40 of 40 approvals not read".into(),
    };
    let subject = Subject::Workflow("small".into());
    let decision = Decision {
        changes: vec![Change::Desk(Box::new(DeskChange::InsertStampNotice(stamp)))],
        entry: AuditEntry::new(
            now,
            Actor::System("oversight"),
            "oversight.rubber_stamp",
            subject,
        ),
    };
    bench.store.apply(decision).await.unwrap();
    sampled(200_000).await;

    // Who is away has no hours, and lifting the restriction would be too much.
    let shown = bench.engine.capacity("small").await.unwrap();
    let forecast = shown.forecast.unwrap();
    assert_eq!(forecast.today.capacity_ms, 8 * 3_600_000);
    assert_eq!(
        forecast.today.utilisation_ppm.unwrap().point,
        Some(1_750_000)
    );
    let (rhea, away) = (
        Actor::Person("rhea".into()),
        now.plus(Duration::from_secs(5 * 86_400)),
    );
    bench
        .engine
        .set_away("boris", away, None, "x", &rhea)
        .await
        .unwrap();
    let shown = bench.engine.capacity("small").await.unwrap();
    assert_eq!(shown.forecast.unwrap().today.capacity_ms, 4 * 3_600_000);
    let lift = || {
        bench
            .engine
            .restrict("small", Restriction::default(), true, &rhea, "x")
    };
    let refused = lift().await.unwrap_err();
    assert_eq!(refused.code, "capacity_exceeded", "{refused:?}");
    assert!(
        refused.detail.contains("reviewer hours a week are lacking"),
        "{}",
        refused.detail
    );

    // With more hours a person lifts it through the usual door; the step is over then, for today.
    let mut more = CapacitySpec::parse(HOURS).unwrap();
    more.person.iter_mut().for_each(|p| p.hours = 24.0);
    let no_reason = bench.engine.set_capacity("small", &more, " ", "rhea").await;
    assert_eq!(no_reason.unwrap_err().code, "reason_required");
    let stranger = bench.engine.set_capacity("small", &more, "x", "tove").await;
    assert_eq!(stranger.unwrap_err().code, "not_allowed");
    let kept = bench
        .engine
        .set_capacity("small", &more, "help", "rhea")
        .await;
    assert_eq!(kept.unwrap().version, 1);
    // To serve more is a step of the rollout: on reviewed evidence, and by who may set the stage.
    let unseen = lift().await.unwrap_err();
    assert_eq!((unseen.code, unseen.exit()), ("review_required", 1));
    let stop = choosing(Choice::Stop);
    let stop = bench.engine.decide_workflow("small", stop, "rhea");
    Box::pin(stop).await.unwrap();
    let stopped = lift().await.unwrap_err();
    assert_eq!(stopped.code, "review_required");
    assert!(stopped.detail.contains("was to stop"), "{}", stopped.detail);
    let proceed = choosing(Choice::Proceed);
    let proceed = bench.engine.decide_workflow("small", proceed, "rhea");
    Box::pin(proceed).await.unwrap();
    let tove = Actor::Person("tove".into());
    let builder = bench
        .engine
        .restrict("small", Restriction::default(), true, &tove, "x");
    assert_eq!(builder.await.unwrap_err().code, "not_allowed");
    lift().await.unwrap();
    let undone = until("the step is over", || async {
        let row = row(&bench).await;
        (!row.rollout.load.took(Step::Narrow)).then_some(row)
    })
    .await;
    assert_eq!(undone.rollout.load.eased, Some(today(&bench)));
    // The two nodes look at the same row; who widens reads it again.
    let eased = until("it is eased off", || async {
        let eased = bench.engine.ease_load("small", None, "over", "rhea").await;
        match eased {
            Err(p) if p.code == "revision_moved" => None,
            done => Some(done.unwrap()),
        }
    })
    .await;
    assert_eq!(
        (eased.rollout.load.slow, eased.rollout.load.steps.len()),
        (None, 0)
    );
    let again = bench.engine.ease_load("small", None, "over", "rhea").await;
    assert_eq!(again.unwrap_err().code, "illegal_state");
    for (kind, count) in [
        ("workflow.restricted", 2),
        ("workflow.slowed", 1),
        ("capacity.alarm", 1),
    ] {
        assert_eq!(
            entries(&bench, kind).await,
            count,
            "{kind}: two nodes do it once"
        );
    }
    let [one, two] = workers;
    two.shut_down(Duration::from_secs(10)).await;
    bench.end(one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_answer_too_much_work_once_and_in_order() {
    Box::pin(answered(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_answer_too_much_work_once_and_in_order_on_postgresql() {
    let database = Database::create().await;
    Box::pin(answered(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn net_time_below_zero_is_told_with_its_calculation() {
    let bench = Bench::on(&[("[rollout]\n", &package())], None).await;
    // Ten tasks of two minutes by hand, reviewed for thirty minutes.
    let figures = DayFigures {
        approved: 10,
        timed: 10,
        review_ms: 30 * 60_000,
        ..asked(10)
    };
    day(&bench, 1, figures).await;
    let baseline = NewBaseline {
        sample: 10,
        handling_ms: 10 * 120_000,
        errors: 0,
        turnaround_ms: 1,
        method: "stopwatch".into(),
        from: Day::parse("2026-01-05").unwrap(),
        to: Day::parse("2026-01-06").unwrap(),
    };
    bench
        .engine
        .capture_baseline("small", baseline, "rhea")
        .await
        .unwrap();
    let worker = Worker::start(&bench.engine);
    let told = until("the owner is told", || async {
        let all = bench.engine.reader().notices_of("rhea", 50).await.unwrap();
        all.into_iter().find(|n| n.kind == "net_time")
    })
    .await;
    assert!(
        told.title.contains("net -10 min (by hand it would have taken 20 min, review of what was approved as it stood -30 min)"),
        "{}",
        told.title
    );
    bench.end(worker).await;
}

/// Hours that nobody declared are no reason to say nothing about what review costs.
#[tokio::test(flavor = "multi_thread")]
async fn net_time_is_judged_without_declared_hours() {
    let bench = Bench::on(&[], None).await;
    let worker = Worker::start(&bench.engine);
    bench.receive("c1").await;
    bench.rest("c1").await;
    let own = row(&bench).await;
    let eight_days = 8 * 24 * 3_600_000_000;
    bench.store.set_clock(eight_days).await.unwrap();
    bench.engine.clock().set_offset(eight_days);
    let first = until("the owner is told", || async {
        let all = bench.engine.reader().notices_of("rhea", 50).await.unwrap();
        all.into_iter().rfind(|n| n.kind == "net_time")
    })
    .await;
    assert!(
        first.title.contains("net time cannot be computed"),
        "{first:?}"
    );
    let week = own.installed_at.plus(Duration::from_secs(7 * 86_400));
    assert!(first.created_at >= week, "not within its first week");
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slowed_intake_keeps_every_event_and_lets_the_oldest_go_on() {
    let bench = Bench::on(&[("[rollout]\n", &package())], None).await;
    let worker = Worker::start(&bench.engine);
    let said = serde_json::json!({"grade": "high"}).to_string();
    for _ in 0..3 {
        bench
            .fakes
            .then(tuesday_testkit::fakes::Said::Text(said.clone()));
    }
    // As the response would have left it: one run open at a time.
    bench.raw("UPDATE workflows SET load = '{\"v\":1,\"slow\":1}', version = version + 1");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    for id in ["c1", "c2", "c3"] {
        bench.receive(id).await;
    }
    let first = until("the oldest is with a person", || async {
        let found = bench.rest("c1").await;
        found.reviews.last().cloned()
    })
    .await;
    let held =
        |found: tuesday_testkit::Found| found.run.state.status == tuesday_domain::run::Status::Held;
    assert!(
        held(bench.rest("c2").await) && held(bench.rest("c3").await),
        "there is no room"
    );
    bench
        .engine
        .approve(first.id, "rhea", tuesday_engine::ops::Approval::default())
        .await
        .unwrap();
    until("the next one has its turn", || async {
        let found = bench.rest("c2").await;
        (!found.reviews.is_empty()).then_some(())
    })
    .await;
    assert!(held(bench.rest("c3").await));
    bench.raw("UPDATE workflows SET load = '{\"v\":1}', version = version + 1");
    until("everything goes on", || async {
        (!bench.rest("c3").await.reviews.is_empty()).then_some(())
    })
    .await;
    worker.shut_down(Duration::from_secs(10)).await;
}

/// Before a release has brought runs of its own, people plan with what its evaluation said.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_release_is_planned_with_its_eval() {
    let bench = Bench::on(&[FACTS, ("[rollout]\n", &package())], None).await;
    let e = &bench.engine;
    for back in 1..=28 {
        day(&bench, back, asked(35)).await;
    }
    let from = |c: &tuesday_engine::ops::Capacity| c.forecast.clone().unwrap();
    let before = from(&e.capacity("small").await.unwrap());
    assert!(
        before.share_from.starts_with("measured"),
        "{}",
        before.share_from
    );
    assert_eq!(before.share_ppm.point, Some(1_000_000));

    approver(&bench).await;
    let prompt = ("prompt.md", "Grade case", "Grade the case");
    let row = create(e, &changed(e, &pack(0), &[prompt]).await).await;
    let record = evaluate(e, row.id).await.record;
    e.approve_release(row.id, "boris", "reads better")
        .await
        .unwrap();
    e.promote_release(row.id, &by("tove")).await.unwrap();
    // Eleven cases: five go by themselves, one is refused at the door, five need a person.
    let s = &record.evidence.summary;
    assert_eq!((s.to_person, s.trials), (6, 11), "{s:?}");
    let planned = from(&e.capacity("small").await.unwrap());
    let words = "from the eval of release 2: 6 of 11 tries would need a person; its 0 runs so far";
    assert!(
        planned.share_from.starts_with(words),
        "{}",
        planned.share_from
    );
    assert_eq!(planned.share_ppm.point, Some(545_455));
    let all = e.capacity_what_if("small", tuesday_engine::ops::WhatIfWish::ServeAll, "rhea");
    let notes = all.await.unwrap().notes;
    assert!(
        notes
            .iter()
            .any(|n| n.contains("from the eval of release 2")),
        "{notes:?}"
    );

    // Thirty runs of its own, and it is measured.
    day(&bench, 0, asked(30)).await;
    let measured = from(&e.capacity("small").await.unwrap());
    assert!(
        measured.share_from.starts_with("measured"),
        "{}",
        measured.share_from
    );
}

/// Without a baseline by hand nobody can say what is saved: that is told, and again a week later.
#[tokio::test(flavor = "multi_thread")]
async fn net_time_that_cannot_be_computed_is_told_every_week() {
    let bench = Bench::on(&[("[rollout]\n", &package())], None).await;
    let worker = Worker::start(&bench.engine);
    bench.receive("c1").await;
    bench.rest("c1").await;
    let told = |count: usize| {
        let bench = &bench;
        until("the owner is told", move || async move {
            let all = bench.engine.reader().notices_of("rhea", 50).await.unwrap();
            let own: Vec<String> = all
                .into_iter()
                .filter(|n| n.kind == "net_time")
                .map(|n| n.title)
                .collect();
            (own.len() == count).then_some(own)
        })
    };
    let first = told(1).await;
    assert!(
        first[0].contains("net time cannot be computed"),
        "{first:?}"
    );
    let week = 7 * 24 * 3_600_000_000;
    bench.store.set_clock(week).await.unwrap();
    bench.engine.clock().set_offset(week);
    told(2).await;
    bench.end(worker).await;
}
