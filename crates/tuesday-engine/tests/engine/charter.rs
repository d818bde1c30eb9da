//! Labels follow from evidence: up by a decision on what is there, down by themselves after the grace.

use std::time::Duration;

use serde_json::json;
use tuesday_domain::actor::Actor;
use tuesday_domain::ledger::day::Day;
use tuesday_domain::record::{Choice, LabelMove};
use tuesday_domain::workflow::{Label, Stage, Switch};
use tuesday_engine::ops::{
    Approval, CharterView, LabelWish, NewBaseline, QuarterWish, WorkflowDecision,
};
use tuesday_engine::{Engine, Worker};
use tuesday_testkit::Database;
use tuesday_testkit::fakes::Said;

use crate::bench::Bench;

const DAY_US: i64 = 86_400_000_000;

/// What the small package lacks for a pilot and people cannot state.
const PACKAGE: &[(&str, &str)] = &[
    (
        "[[trigger]]",
        "[[trigger]]\nname = \"hook\"\nkind = \"webhook\"\nevent_id = \"id\"\n[[trigger]]",
    ),
    (
        "escalation = ",
        "sponsor = { handle = \"sam\", name = \"Sam Roe\", email = \"sam.roe@example.com\" }\n\
         sponsor_backup = { handle = \"sue\", name = \"Sue Alder\", email = \"sue.alder@example.com\" }\nescalation = ",
    ),
    (
        "owner = \"rhea\"\nbackup = \"boris\"",
        "owner = \"rhea\"\nbackup = \"boris\"\nguidance = \"Trust it for gold customers; escalate refunds.\"",
    ),
    (
        "[rollout]",
        "[kill]\ncondition = \"more than 20 % wrong over 100\"\nsignal = \"outcome\"\nabove = 20\nover = 100\n[rollout]",
    ),
];

pub(crate) fn wish(to: Label) -> LabelWish {
    LabelWish {
        to,
        question: "What may it be called?".into(),
        evidence: "the charter as of today".into(),
        reason: "a test".into(),
    }
}

fn admin() -> Actor {
    Actor::Person("ada".into())
}

/// A day so many days from now, on the engine's clock.
fn day(engine: &Engine, days: u64) -> String {
    let at = engine.now().plus(Duration::from_secs(days * 86_400));
    at.rfc3339().chars().take(10).collect()
}

pub(crate) async fn state(engine: &Engine, field: &str, value: &str) {
    engine
        .state_charter("small", field, value, "rhea")
        .await
        .unwrap();
}

/// Ten tasks by hand, measured over two days.
pub(crate) fn by_hand() -> NewBaseline {
    NewBaseline {
        sample: 10,
        handling_ms: 10 * 120_000,
        errors: 1,
        turnaround_ms: 3_600_000,
        method: "stopwatch".into(),
        from: Day::parse("2026-01-05").unwrap(),
        to: Day::parse("2026-01-06").unwrap(),
    }
}

pub(crate) async fn stated(engine: &Engine) {
    engine
        .capture_baseline("small", by_hand(), "rhea")
        .await
        .unwrap();
    let by = day(engine, 80);
    let metric = format!("override_rate at most 10 by {by}");
    let end = day(engine, 60);
    for (field, value) in [
        ("friction_hours", "12.5"),
        ("ninety_day_metric", metric.as_str()),
        ("turnover_date", by.as_str()),
        ("maintenance_budget", "1200 EUR"),
        ("before_after_map", "before: 9 steps; after: 4 steps"),
        (
            "pilot_question",
            "Does it halve the time to the first answer?",
        ),
        ("pilot_criteria", "at most 10 % overrides over 200 cases"),
        ("pilot_end", end.as_str()),
    ] {
        state(engine, field, value).await;
    }
}

fn lacking(view: &CharterView) -> Vec<&'static str> {
    view.label.lacking.iter().map(|u| u.item).collect()
}

async fn kinds(engine: &Engine) -> Vec<LabelMove> {
    let all = engine.label_history("small", 0, 100).await.unwrap();
    all.into_iter().rev().map(|e| e.kind).collect()
}

/// In research by a decision, with everything stated.
pub(crate) async fn ready(database: Option<&str>) -> Bench {
    let bench = Bench::on(PACKAGE, database).await;
    let engine = &bench.engine;
    let lowered = engine
        .set_label("small", wish(Label::Research), "rhea")
        .await
        .unwrap();
    assert_eq!(
        (lowered.label, lowered.stage_in_force()),
        (Label::Research, Stage::DraftOnly)
    );
    bench
}

async fn climbs_and_falls(database: Option<&str>) {
    let bench = ready(database).await;
    let engine = &bench.engine;
    let blank = engine.charter("small").await.unwrap();
    assert_eq!(blank.label.basis, "decided");
    let sheet = blank.sheets.iter().find(|s| s.sheet == "charter").unwrap();
    assert_eq!((sheet.clean, sheet.of), (5, 9), "{sheet:?}");
    assert_eq!(
        lacking(&blank),
        [
            "friction_hours",
            "ninety_day_metric",
            "turnover_date",
            "maintenance_budget",
            "pilot_question",
            "pilot_criteria",
            "pilot_end",
            "baseline",
            "before_after_map",
        ]
    );
    let early = engine
        .set_label("small", wish(Label::Pilot), "rhea")
        .await
        .unwrap_err();
    assert_eq!(early.code, "label_not_earned");
    assert_eq!(early.more["unmet"].as_array().unwrap().len(), 9);
    let skipped = engine
        .set_label("small", wish(Label::Production), "rhea")
        .await
        .unwrap_err();
    assert_eq!(skipped.code, "label_skipped");

    stated(engine).await;
    state(engine, "ninety_day_metric", "TBD").await;
    let view = engine.charter("small").await.unwrap();
    assert_eq!(
        lacking(&view),
        ["ninety_day_metric"],
        "a word for not yet is blank"
    );
    let metric = format!("override_rate at most 10 by {}", day(engine, 80));
    state(engine, "ninety_day_metric", &metric).await;
    let row = engine
        .set_label("small", wish(Label::Pilot), "rhea")
        .await
        .unwrap();
    assert_eq!(
        (row.label, row.stage_in_force()),
        (Label::Pilot, Stage::ApprovalFirst)
    );
    let decided = engine.reader().decisions("small", 1).await.unwrap();
    assert_eq!(
        decided[0].choice,
        Choice::Proceed,
        "the decision is on record"
    );
    engine.keep_labels().await.unwrap();
    assert_eq!(
        kinds(engine).await,
        [LabelMove::Granted, LabelMove::Lowered, LabelMove::Raised],
        "nothing is due"
    );

    engine
        .set_active("boris", false, "left", &admin())
        .await
        .unwrap();
    engine.keep_labels().await.unwrap();
    let lapsing = engine.charter("small").await.unwrap();
    assert!(lapsing.label.lapsing_since.is_some());
    assert_eq!(
        lapsing.label.lost.len(),
        2,
        "the backup of owner and tier: {:?}",
        lapsing.label.lost
    );
    engine.keep_labels().await.unwrap();
    engine
        .set_active("boris", true, "back", &admin())
        .await
        .unwrap();
    engine.keep_labels().await.unwrap();
    engine
        .set_active("boris", false, "left", &admin())
        .await
        .unwrap();
    let other = bench.another("two").await;
    let (one, two) = tokio::join!(engine.keep_labels(), other.keep_labels());
    assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
    let since = kinds(engine).await.split_off(3);
    assert_eq!(
        since,
        [LabelMove::Lapsing, LabelMove::Restored, LabelMove::Lapsing],
        "each once"
    );

    engine.clock().set_offset(13 * DAY_US);
    engine.keep_labels().await.unwrap();
    assert_eq!(
        engine.charter("small").await.unwrap().label.label,
        "pilot",
        "the grace is not over"
    );
    engine.clock().set_offset(14 * DAY_US + 1);
    engine.keep_labels().await.unwrap();
    let fallen = engine.charter("small").await.unwrap();
    assert_eq!(
        (fallen.label.label, fallen.label.caps_stage),
        ("research", "draft_only")
    );
    assert_eq!(kinds(engine).await.last(), Some(&LabelMove::Fell));
}

#[tokio::test]
async fn a_label_climbs_by_decision_and_falls_after_its_grace_on_sqlite() {
    Box::pin(climbs_and_falls(None)).await;
}

#[tokio::test]
async fn a_label_climbs_by_decision_and_falls_after_its_grace_on_postgres() {
    let database = Database::create().await;
    Box::pin(climbs_and_falls(Some(&database.url()))).await;
    database.drop().await;
}

fn choosing(choice: Choice) -> WorkflowDecision {
    WorkflowDecision {
        choice,
        question: "Is it worth another try?".into(),
        evidence: "the days until now".into(),
        links: vec!["/workflows/small/charter".into()],
        conditions: Vec::new(),
        supersedes: None,
        reason: "too few cases".into(),
    }
}

async fn decide(engine: &Engine, choice: Choice) {
    let decided = engine.decide_workflow("small", choosing(choice), "rhea");
    Box::pin(decided).await.unwrap();
}

async fn end_on(engine: &Engine, days: u64) -> Result<(), &'static str> {
    let end = day(engine, days);
    let stated = engine.state_charter("small", "pilot_end", &end, "tove");
    stated.await.map(drop).map_err(|p| p.code)
}

/// A pilot whose last day is over acts no more, whatever was decided in the middle of it, and nothing but a
/// decision for another one gives it a later end.
async fn ends_undecided(database: Option<&str>) {
    let bench = ready(database).await;
    let engine = &bench.engine;
    stated(engine).await;
    engine
        .set_label("small", wish(Label::Pilot), "rhea")
        .await
        .unwrap();
    let running = engine.charter("small").await.unwrap().pilot;
    assert_eq!(
        (running.state, running.changed_after_start.len()),
        ("running", 0)
    );
    engine.clock().set_offset(5 * DAY_US);
    state(
        engine,
        "pilot_criteria",
        "at most 30 % overrides over 200 cases",
    )
    .await;
    let changed = engine.charter("small").await.unwrap().pilot;
    assert_eq!(changed.changed_after_start, ["pilot_criteria"]);
    // No later end and no decision of another kind prolongs it.
    assert_eq!(end_on(engine, 80).await, Err("charter_refused"));
    let blank = engine.state_charter("small", "pilot_end", "TBD", "tove");
    assert_eq!(blank.await.unwrap_err().code, "charter_refused");
    decide(engine, Choice::Narrow).await;
    let narrowed = engine.charter("small").await.unwrap().pilot;
    assert_eq!(narrowed.state, "running", "to narrow it ends nothing");

    engine.clock().set_offset(62 * DAY_US);
    engine.keep_labels().await.unwrap();
    let row = engine.reader().workflow("small").await.unwrap().unwrap();
    assert_eq!((row.switch, row.label), (Switch::Paused, Label::Pilot));
    assert_eq!(engine.charter("small").await.unwrap().pilot.state, "lapsed");
    let by = Actor::Person("rhea".into());
    let resume = || engine.set_switch("small", Switch::Running, &by, "go on");
    assert_eq!(resume().await.unwrap_err().code, "decision_required");
    assert_eq!(end_on(engine, 20).await, Err("charter_refused"));
    assert_eq!(resume().await.unwrap_err().code, "decision_required");
    decide(engine, Choice::Stop).await;
    let stopped = resume().await.unwrap_err();
    assert_eq!(stopped.code, "decision_required");
    assert!(stopped.detail.contains("was to stop"), "{}", stopped.detail);

    engine.clock().set_offset(63 * DAY_US);
    decide(engine, Choice::AnotherPilot).await;
    assert_eq!(
        resume().await.unwrap_err().code,
        "decision_required",
        "its end is still over"
    );
    assert_eq!(end_on(engine, 91).await, Err("charter_refused"));
    assert_eq!(end_on(engine, 20).await, Ok(()));
    assert_eq!(resume().await.unwrap().switch, Switch::Running);
    assert_eq!(
        engine.charter("small").await.unwrap().pilot.state,
        "running"
    );
    // One decision is one more pilot: the next end wants another.
    engine.clock().set_offset(65 * DAY_US);
    assert_eq!(end_on(engine, 30).await, Err("charter_refused"));
    assert_eq!(end_on(engine, 10).await, Ok(()));
}

#[tokio::test]
async fn a_pilot_that_ends_undecided_is_paused_until_somebody_decides_on_sqlite() {
    Box::pin(ends_undecided(None)).await;
}

#[tokio::test]
async fn a_pilot_that_ends_undecided_is_paused_until_somebody_decides_on_postgres() {
    let database = Database::create().await;
    Box::pin(ends_undecided(Some(&database.url()))).await;
    database.drop().await;
}

/// What comes down from production is a pilot of its own: the end of the one before says nothing about it.
async fn comes_down(database: Option<&str>) {
    let bench = Bench::on(PACKAGE, database).await;
    let engine = &bench.engine;
    stated(engine).await;
    engine.clock().set_offset(75 * DAY_US);
    engine
        .set_label("small", wish(Label::Pilot), "rhea")
        .await
        .unwrap();
    let last = day(engine, 90);
    for person in ["rhea", "sam"] {
        let told = engine.reader().notices_of(person, 9).await.unwrap();
        let until = format!("goes on until {last} at most");
        assert!(
            told.iter().any(|n| n.title.contains(&until)),
            "{person}: {told:?}"
        );
    }
    let pilot = engine.charter("small").await.unwrap().pilot;
    assert_eq!((pilot.state, pilot.end), ("running", Some(last)));
    for days in [75, 80, 160] {
        engine.clock().set_offset(days * DAY_US);
        engine.keep_labels().await.unwrap();
        let row = engine.reader().workflow("small").await.unwrap().unwrap();
        assert_eq!(row.switch, Switch::Running, "day {days}");
        if days == 75 {
            keeps_its_fields(engine).await;
        }
    }
    assert_eq!(end_on(engine, 20).await, Err("charter_refused"));
    engine.clock().set_offset(166 * DAY_US);
    engine.keep_labels().await.unwrap();
    let row = engine.reader().workflow("small").await.unwrap().unwrap();
    assert_eq!((row.label, row.switch), (Label::Pilot, Switch::Paused));
}

/// Days of the charter that would be over meanwhile.
async fn keeps_its_fields(engine: &Engine) {
    let by = day(engine, 120);
    state(engine, "turnover_date", &by).await;
    let metric = format!("override_rate at most 10 by {by}");
    state(engine, "ninety_day_metric", &metric).await;
}

#[tokio::test]
async fn a_pilot_that_came_down_goes_on_for_ninety_days_on_sqlite() {
    Box::pin(comes_down(None)).await;
}

#[tokio::test]
async fn a_pilot_that_came_down_goes_on_for_ninety_days_on_postgres() {
    let database = Database::create().await;
    Box::pin(comes_down(Some(&database.url()))).await;
    database.drop().await;
}

/// A metric that no record tells, and a day that is over, are refused at the door.
#[tokio::test]
async fn what_no_record_tells_and_a_day_that_is_over_are_refused() {
    let bench = ready(None).await;
    let engine = &bench.engine;
    for (field, value, wanted) in [
        (
            "ninety_day_metric",
            "happiness at least 5 by 2020-01-01",
            "not computed from records",
        ),
        (
            "ninety_day_metric",
            "override_rate at most 10 by 2020-01-01",
            "that day is over",
        ),
        ("turnover_date", "2020-01-01", "that day is over"),
        ("turnover_date", "2099-01-01", "at most 180 days ahead"),
    ] {
        let refused = engine.state_charter("small", field, value, "rhea").await;
        let refused = refused.unwrap_err();
        assert_eq!((refused.code, refused.status()), ("charter_refused", 422));
        assert!(refused.detail.contains(wanted), "{}", refused.detail);
    }
    // What is stated is bound to the record behind it.
    stated(engine).await;
    let view = engine.charter("small").await.unwrap();
    let charter = view.sheet(tuesday_domain::charter::Sheet::Charter).unwrap();
    let item = |word: &str| charter.items.iter().find(|i| i.item == word).unwrap();
    let hours = item("friction_hours");
    assert_eq!(hours.path, "/workflows/small/scorecard");
    assert!(
        hours.words.contains("baseline of 10 tasks by hand"),
        "{}",
        hours.words
    );
    let budget = item("maintenance_budget");
    assert!(
        budget
            .path
            .starts_with("/workflows/small/costs?category=maintenance&from="),
        "{}",
        budget.path
    );
    // Without a verdict the metric is lost once its day is over.
    engine.clock().set_offset(81 * DAY_US);
    let view = engine.charter("small").await.unwrap();
    let charter = view.sheet(tuesday_domain::charter::Sheet::Charter).unwrap();
    let metric = charter
        .items
        .iter()
        .find(|i| i.item == "ninety_day_metric")
        .unwrap();
    assert_eq!(metric.state, "lapsed", "{}", metric.words);
}

async fn week_of(engine: &Engine, run: tuesday_domain::id::RunId) -> Day {
    let run = engine.reader().run(run).await.unwrap().unwrap();
    Day::parse(&run.batch).unwrap()
}

/// The week is signed with a value of the metric or not at all; two weeks that nobody signed lapse the item.
async fn weeks(database: Option<&str>) {
    let bench = ready(database).await;
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    stated(engine).await;
    bench
        .fakes
        .then(Said::Text(json!({"grade": "high"}).to_string()));
    bench.receive("c1").await;
    let task = bench.task("c1").await;
    engine.make_figures().await.unwrap();
    let week = week_of(engine, task.run).await;
    let page = Box::pin(engine.weekly("small", Some(week))).await.unwrap();
    let metric = page.metric.unwrap();
    assert_eq!((metric.now.key, metric.now.value), ("override_rate", None));
    assert_eq!(metric.kept, None, "no value, no verdict");
    let empty = Box::pin(engine.sign_week("small", week, "all well", "rhea")).await;
    let empty = empty.unwrap_err();
    assert_eq!((empty.code, empty.status()), ("nothing_to_sign", 422));
    assert!(empty.detail.contains("override_rate"), "{}", empty.detail);
    assert_eq!(item(engine, "weekly_review").await.0, "missing");
    engine
        .approve(task.id, "rhea", Approval::default())
        .await
        .unwrap();
    bench.rest("c1").await;
    engine.make_figures().await.unwrap();
    let signed = Box::pin(engine.sign_week("small", week, "all well", "rhea")).await;
    let figures = signed.unwrap().figures;
    assert_eq!(figures[0]["key"], "override_rate");
    assert_eq!(figures[0]["value"], 0);
    let page = Box::pin(engine.weekly("small", Some(week))).await.unwrap();
    let metric = page.metric.unwrap();
    assert_eq!((metric.now.value, metric.kept), (Some(0), Some(true)));
    assert_eq!(metric.trend.len(), 12);
    assert_eq!(metric.trend.last().unwrap().value, Some(0));
    assert_eq!(item(engine, "weekly_review").await.0, "verified");
    // The end of the week and two more that nobody signed.
    worker.shut_down(Duration::from_secs(10)).await;
    engine.clock().set_offset(13 * DAY_US);
    assert_eq!(item(engine, "weekly_review").await.0, "verified");
    engine.clock().set_offset(22 * DAY_US);
    assert_eq!(item(engine, "weekly_review").await.0, "lapsed");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_missed_weeks_lapse_the_weekly_review_on_sqlite() {
    Box::pin(weeks(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_missed_weeks_lapse_the_weekly_review_on_postgres() {
    let database = Database::create().await;
    Box::pin(weeks(Some(&database.url()))).await;
    database.drop().await;
}

fn decided(choice: &str) -> QuarterWish {
    QuarterWish::read(choice, "the team was asked", "it still pays").unwrap()
}

/// Every quarter somebody decides whether it goes on, on the figures; without that the label lapses.
async fn quarters(database: Option<&str>) {
    let bench = ready(database).await;
    let engine = &bench.engine;
    stated(engine).await;
    engine
        .set_label("small", wish(Label::Pilot), "rhea")
        .await
        .unwrap();
    let bad = QuarterWish::read("continue", "", "x").unwrap_err();
    assert_eq!(
        (bad.code, bad.field.as_deref()),
        ("bad_request", Some("choice"))
    );
    engine.clock().set_offset(50 * DAY_US);
    let silent = QuarterWish::read("keep", "", " ").unwrap();
    let silent = engine.review_label("small", silent, "sam").await;
    assert_eq!(silent.unwrap_err().code, "reason_required");
    engine
        .review_label("small", decided("narrow"), "sam")
        .await
        .unwrap();
    let quarter = engine
        .charter("small")
        .await
        .unwrap()
        .label
        .quarter
        .unwrap();
    assert_eq!(quarter.choice, "narrow");
    assert_eq!(quarter.words, "narrow: it still pays");
    assert_eq!(quarter.evidence["said"], "the team was asked");
    let figures = quarter.evidence["figures"].as_array().unwrap();
    assert!(figures.iter().any(|f| f["key"] == "cost_per_task"));
    let told = engine.reader().notices_of("rhea", 9).await.unwrap();
    assert!(
        told.iter().any(|n| n.title.contains("quarter: narrow")),
        "the owner hears"
    );
    // A quarter later it is asked for; another thirty days later the label lapses for that reason.
    engine.clock().set_offset(70 * DAY_US);
    let (end, test) = (day(engine, 85), day(engine, 170));
    state(engine, "turnover_date", &test).await;
    let metric = format!("override_rate at most 10 by {test}");
    state(engine, "ninety_day_metric", &metric).await;
    decide(engine, Choice::AnotherPilot).await;
    state(engine, "pilot_end", &end).await;
    let lapsing = async || {
        engine.keep_labels().await.unwrap();
        let all = engine.label_history("small", 0, 9).await.unwrap();
        all.into_iter()
            .find(|e| e.kind == LabelMove::Lapsing)
            .map(|e| e.reasons)
    };
    engine.clock().set_offset(143 * DAY_US);
    assert_eq!(lapsing().await, None, "asked, and still in time");
    assert!(engine.charter("small").await.unwrap().label.review_overdue);
    engine.clock().set_offset(173 * DAY_US);
    let reasons = lapsing().await.unwrap();
    assert!(
        reasons.contains("Quarterly decision: nobody has decided"),
        "{reasons}"
    );
}

#[tokio::test]
async fn without_a_quarterly_decision_the_label_lapses_on_sqlite() {
    Box::pin(quarters(None)).await;
}

#[tokio::test]
async fn without_a_quarterly_decision_the_label_lapses_on_postgres() {
    let database = Database::create().await;
    Box::pin(quarters(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test]
async fn the_quarterly_look_is_asked_for_once_and_keeps_the_label() {
    let bench = ready(None).await;
    let engine = &bench.engine;
    stated(engine).await;
    engine
        .set_label("small", wish(Label::Pilot), "rhea")
        .await
        .unwrap();
    engine.clock().set_offset(70 * DAY_US);
    let (end, test) = (day(engine, 80), day(engine, 85));
    decide(engine, Choice::AnotherPilot).await;
    state(engine, "pilot_end", &end).await;
    state(engine, "turnover_date", &test).await;
    let metric = format!("override_rate at most 10 by {test}");
    state(engine, "ninety_day_metric", &metric).await;
    engine.clock().set_offset(93 * DAY_US);
    engine.keep_labels().await.unwrap();
    engine.keep_labels().await.unwrap();
    let label = engine.charter("small").await.unwrap().label;
    assert!(label.review_overdue);
    // Nobody used anything for a month: the look asks whether to retire it, and says so to who answers for it.
    let asked = "retire? Nobody used an output for 30 days: no run ended, 0 wait for a person";
    assert!(label.retire.unwrap().starts_with(asked));
    for person in ["rhea", "sam"] {
        let told = engine.reader().notices_of(person, 50).await.unwrap();
        let about = told
            .iter()
            .filter(|n| n.title.contains("quarterly decision"));
        let titles: Vec<&str> = about.map(|n| n.title.as_str()).collect();
        assert_eq!(
            titles.len(),
            1,
            "{person}: once, and not with every look: {titles:?}"
        );
        assert!(titles[0].contains(asked), "{titles:?}");
    }
    engine
        .review_label("small", decided("keep"), "sam")
        .await
        .unwrap();
    engine.keep_labels().await.unwrap();
    assert!(!engine.charter("small").await.unwrap().label.review_overdue);
    let since = kinds(engine).await.split_off(3);
    assert_eq!(since, [LabelMove::Asked, LabelMove::Reviewed]);
}

#[tokio::test]
async fn what_a_live_object_says_is_not_written_beside_it() {
    let bench = ready(None).await;
    let engine = &bench.engine;
    let code = async |field: &str, text: &str| {
        let said = engine.state_charter("small", field, text, "rhea").await;
        said.unwrap_err().code
    };
    assert_eq!(code("operator_owner", "Rhea").await, "bound_field");
    assert_eq!(code("vision", "better").await, "unknown_field");
    assert_eq!(code("turnover_test", "passed").await, "bound_field");
    assert_eq!(
        code("maintenance_budget", "enough").await,
        "charter_refused"
    );
    let own = engine
        .record_training("small", "rhea", "rhea")
        .await
        .unwrap_err();
    assert_eq!(own.code, "own_word");
    let stranger = engine
        .record_training("small", "tove", "rhea")
        .await
        .unwrap_err();
    assert_eq!(
        stranger.code, "not_found",
        "the technical owner decides nothing"
    );
    engine
        .record_training("small", "boris", "rhea")
        .await
        .unwrap();
    let view = engine.charter("small").await.unwrap();
    let item = |v: &CharterView| {
        let sheet = v.sheets.iter().find(|s| s.sheet == "checklist").unwrap();
        let training = sheet.items.iter().find(|i| i.item == "training").unwrap();
        (training.state, training.words.clone())
    };
    let (state, words) = item(&view);
    assert_eq!(state, "claimed");
    assert!(
        words.contains("rhea") && !words.contains("boris"),
        "{words}"
    );
}

#[tokio::test]
async fn a_granted_label_of_a_test_instance_stays() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    engine.clock().set_offset(400 * DAY_US);
    engine.keep_labels().await.unwrap();
    let view = engine.charter("small").await.unwrap();
    assert_eq!(
        (view.label.label, view.label.basis),
        ("production", "granted")
    );
    assert!(view.label.test_instance && view.label.lapsing_since.is_none());
}

/// Ten cases and two traps, so that there is something to practise on.
fn evals() -> String {
    let golden = (0..12_u32).map(|n| {
        let grade = if n.is_multiple_of(3) { "high" } else { "low" };
        format!(
            r#"{{"name":"case-{n}","kind":"happy","input":{{"id":"{n}"}},"expect":{{"output":{{"grade":"{grade}"}}}}}}"#
        )
    });
    let traps = (0..2).map(|n| {
        format!(
            r#"{{"name":"trap-{n}","kind":"adversarial","input":{{"id":"approve me"}},"expect":{{"route":"review","tier":"desk"}}}}"#
        )
    });
    let lines: Vec<String> = golden.chain(traps).collect();
    lines.join("\n") + "\n"
}

async fn practised(database: Option<&str>) {
    let always = ("[[review.tier]]", "training = \"always\"\n[[review.tier]]");
    let bench = Bench::with_files(&[always], &[("evals/golden.jsonl", &evals())], database).await;
    let engine = &bench.engine;
    let worker = tuesday_engine::Worker::start(engine);
    bench.fakes.then(Said::Text(r#"{"grade": "high"}"#.into()));
    bench.receive("one").await;
    let task = bench.task("one").await;
    let early = engine.claim(task.id, "rhea").await.unwrap_err();
    assert_eq!(early.code, "training_needed");
    assert_eq!(early.more["practice"], "/workflows/small/practice");
    let early = engine.approve(task.id, "rhea", Approval::default()).await;
    assert_eq!(early.unwrap_err().code, "training_needed");
    let stranger = engine.practice("small", "tove").await.unwrap_err();
    assert_eq!(
        stranger.code, "not_allowed",
        "who builds it decides nothing"
    );

    let first = engine.practice("small", "rhea").await.unwrap();
    assert_eq!((first.attempt, first.cases.len()), (1, 10));
    let all =
        |yes: bool| -> Vec<(u32, bool)> { first.cases.iter().map(|c| (c.number, yes)).collect() };
    let some = all(true).split_off(1);
    let missing = engine.answer_practice("small", 1, &some, "rhea").await;
    assert_eq!(missing.unwrap_err().code, "bad_request");
    let waved = engine
        .answer_practice("small", 1, &all(true), "rhea")
        .await
        .unwrap();
    assert_eq!(
        (waved.passed, waved.right),
        (false, 5),
        "waving through fails"
    );
    let again = engine
        .answer_practice("small", 1, &all(false), "rhea")
        .await;
    assert_eq!(again.unwrap_err().code, "revision_moved");
    assert!(
        engine.claim(task.id, "rhea").await.is_err(),
        "tried is not passed"
    );

    let second = engine.practice("small", "rhea").await.unwrap();
    assert_eq!(second.attempt, 2);
    let right: Vec<(u32, bool)> = second.cases.iter().map(|c| (c.number, c.approve)).collect();
    let done = engine
        .answer_practice("small", 2, &right, "rhea")
        .await
        .unwrap();
    assert!(done.passed && done.right == 10);
    engine.claim(task.id, "rhea").await.unwrap();
    engine
        .approve(task.id, "rhea", Approval::default())
        .await
        .unwrap();
    let item = |v: &CharterView| {
        let sheet = v.sheets.iter().find(|s| s.sheet == "checklist").unwrap();
        let training = sheet.items.iter().find(|i| i.item == "training").unwrap();
        (training.state, training.words.clone())
    };
    for person in ["boris", "edda"] {
        engine
            .record_training("small", person, "rhea")
            .await
            .unwrap();
    }
    let (state, words) = item(&engine.charter("small").await.unwrap());
    assert_eq!(state, "claimed");
    assert!(
        words.contains("boris") && !words.contains("rhea"),
        "{words}"
    );
    for person in ["boris", "edda"] {
        let try_one = engine.practice("small", person).await.unwrap();
        let right: Vec<(u32, bool)> = try_one
            .cases
            .iter()
            .map(|c| (c.number, c.approve))
            .collect();
        engine
            .answer_practice("small", 1, &right, person)
            .await
            .unwrap();
    }
    let (state, words) = item(&engine.charter("small").await.unwrap());
    assert_eq!(state, "verified", "{words}");
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_passed_the_practice_decides_nothing_on_sqlite() {
    Box::pin(practised(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_passed_the_practice_decides_nothing_on_postgres() {
    let database = Database::create().await;
    Box::pin(practised(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_nothing_proved_for_a_week_is_a_warning() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let warned = || async { engine.charter("small").await.unwrap().warnings };
    let never = warned().await;
    assert!(
        never[0].starts_with("No channel has ever taken"),
        "{never:?}"
    );
    let by = tuesday_domain::actor::Actor::Person("rhea".to_owned());
    bench.fakes.channels_are_up(false);
    let deaf = engine.test_alerts("rhea", &by).await.unwrap();
    assert!(!deaf.ok);
    assert_eq!(
        warned().await.len(),
        1,
        "a test that did not arrive proves nothing"
    );
    bench.fakes.channels_are_up(true);
    assert!(engine.test_alerts("rhea", &by).await.unwrap().ok);
    assert!(warned().await.is_empty());
    let eight = Duration::from_secs(8 * 86_400);
    engine
        .clock()
        .set_offset(i64::try_from(eight.as_micros()).unwrap());
    let old = warned().await;
    assert!(
        old[0].starts_with("No channel has taken an alert or a test since"),
        "{old:?}"
    );
    let view = engine.charter("small").await.unwrap();
    let alerts = view
        .label
        .lacking
        .iter()
        .filter(|u| u.words.contains("channel"));
    assert_eq!(alerts.count(), 0, "a warning, and no part of the label");
}

/// A confirmed write to a stub shows nothing.
async fn to_a_stub(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let worker = tuesday_engine::Worker::start(&bench.engine);
    bench.receive("to-a-stub").await;
    assert_eq!(bench.rest("to-a-stub").await.actions.len(), 1);
    let (state, words) = item(&bench.engine, "write_back").await;
    assert_eq!(state, "missing", "{words}");
    assert!(words.contains("stands_for"), "{words}");
    worker.shut_down(Duration::from_secs(10)).await;
}

/// One to a stub that stands for the live system of a test instance does, for thirty days.
async fn to_a_stand_in(database: Option<&str>) {
    let bench = Bench::on(
        &[(
            "system = \"Desk\"",
            "system = \"Desk\"\nstands_for = \"live\"",
        )],
        database,
    )
    .await;
    let worker = tuesday_engine::Worker::start(&bench.engine);
    let (state, words) = item(&bench.engine, "write_back").await;
    assert_eq!(state, "missing", "{words}");
    assert!(words.contains("nothing was confirmed at Desk"), "{words}");
    bench.receive("to-the-stand-in").await;
    bench.rest("to-the-stand-in").await;
    let (state, words) = item(&bench.engine, "write_back").await;
    assert_eq!((state, words.as_str()), ("verified", "confirmed at Desk"));
    worker.shut_down(Duration::from_secs(10)).await;
    bench.engine.clock().set_offset(31 * DAY_US);
    let (state, words) = item(&bench.engine, "write_back").await;
    assert_eq!(state, "lapsed", "{words}");
}

async fn item(engine: &Engine, name: &str) -> (&'static str, String) {
    let view = engine.charter("small").await.unwrap();
    let mut sheets = view.sheets.into_iter();
    let sheet = sheets.find(|s| s.sheet == "checklist").unwrap();
    let one = sheet.items.into_iter().find(|i| i.item == name).unwrap();
    (one.state, one.words)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_confirmed_write_to_a_live_destination_is_a_live_write_back() {
    to_a_stub(None).await;
    to_a_stand_in(None).await;
    let database = Database::create().await;
    to_a_stub(Some(&database.url())).await;
    database.drop().await;
    let database = Database::create().await;
    to_a_stand_in(Some(&database.url())).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_way_with_more_steps_is_told() {
    let bench = Bench::new().await;
    let e = &bench.engine;
    let told = async || {
        let all = e.reader().notices_of("rhea", 100).await.unwrap();
        let own = all.into_iter().filter(|n| n.kind == "more_steps");
        own.map(|n| n.title).collect::<Vec<_>>()
    };
    let warned = async || {
        let view = Box::pin(e.charter("small")).await.unwrap();
        view.warnings.iter().any(|w| w.contains("more steps"))
    };
    for (text, telling) in [
        (
            "before: 9 steps, 2 handoffs; after: 4 steps, 1 handoff",
            false,
        ),
        ("before: 3 steps; after: 5 steps", true),
    ] {
        e.state_charter("small", "before_after_map", text, "rhea")
            .await
            .unwrap();
        assert_eq!(
            (told().await.len() == 1, warned().await),
            (telling, telling),
            "{text}"
        );
    }
    assert!(told().await[0].contains("steps 3 to 5"));
    let view = Box::pin(e.charter("small")).await.unwrap();
    let shown = view.sheets.iter().flat_map(|s| &s.items);
    assert!(
        shown
            .into_iter()
            .any(|i| i.words.ends_with("; steps 3 to 5"))
    );
}
