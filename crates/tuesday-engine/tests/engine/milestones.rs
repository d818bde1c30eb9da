//! Day thirty and the day of the ninety-day metric come by themselves: what they came to is put before a
//! named person, once, also when there is nothing to show.

use serde_json::json;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::record::{Duty, DutyKind, DutyState};
use tuesday_engine::ops::{Answered, Approval, Refusal};
use tuesday_engine::{Engine, Worker};
use tuesday_store::DutyFilter;
use tuesday_testkit::fakes::Said;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;
use crate::trouble::later;

pub(crate) const SPONSOR: (&str, &str) = (
    "[[trigger]]",
    "sponsor = { handle = \"sven\", name = \"Sven Holm\", email = \"sven.holm@example.com\" }\n[[trigger]]",
);

async fn of_kind(e: &Engine, kind: DutyKind) -> Option<Duty> {
    let all = e
        .reader()
        .duties(&DutyFilter::default(), None, 99)
        .await
        .unwrap();
    let mut found = all.into_iter().filter(|d| d.kind == kind);
    let one = found.next();
    assert!(found.next().is_none(), "{kind} came twice");
    one
}

/// The day so many days from now, there.
fn day(e: &Engine, days: i64) -> String {
    let zone = tuesday_domain::time::Zone::named("Europe/Berlin").unwrap();
    Day::parse(&zone.day(e.now()))
        .unwrap()
        .plus(days)
        .to_string()
}

async fn told(e: &Engine, person: &str) -> Vec<String> {
    let all = e.reader().notices_of(person, 99).await.unwrap();
    let of = |kind: &str| ["milestone", "duty_owed"].contains(&kind);
    all.into_iter()
        .filter(|n| of(&n.kind))
        .map(|n| n.title)
        .collect()
}

/// The run of the first day stands in the figures.
async fn counted(e: &Engine) {
    let today = Day::parse(&day(e, 0)).unwrap();
    let days = Days {
        from: today.plus(-1),
        to: today,
    };
    until("the run is counted as resolved", || async {
        let card = Box::pin(e.scorecard("small", days)).await.unwrap();
        let runs = card.figures.iter().find(|f| f.key == "resolved");
        (runs.and_then(|f| f.value) == Some(1)).then_some(())
    })
    .await;
}

async fn story(database: Option<&str>) {
    let bench = Bench::on(&[SPONSOR], database).await;
    let e = &bench.engine;
    let worker = Worker::start(e);
    bench.receive("first").await;
    bench.rest("first").await;
    counted(e).await;
    let metric = format!("override_rate at most 10 by {}", day(e, 80));
    e.state_charter("small", "ninety_day_metric", &metric, "rhea")
        .await
        .unwrap();
    assert_eq!(of_kind(e, DutyKind::ThirtyDays).await, None);

    later(&bench, 30 * 24 * 60 + 60).await;
    let thirty = until("day thirty comes", || of_kind(e, DutyKind::ThirtyDays)).await;
    assert_eq!(
        (thirty.owner.as_str(), thirty.state),
        ("rhea", DutyState::Open)
    );
    assert!(
        thirty
            .reason
            .starts_with("Is it working? 1 of 1 runs were resolved. Time saved: not known"),
        "{}",
        thirty.reason
    );
    assert!(thirty.reason.contains("/workflows/small/scorecard?from="));
    assert!(
        told(e, "boris")
            .await
            .iter()
            .any(|t| t.contains("the figures are there"))
    );
    let no = e.answer_duty(thirty.id, Answered::Release(1), "it did", "rhea");
    assert_eq!(no.await.unwrap_err().code, "bad_request");
    e.answer_duty(thirty.id, Answered::Reason, "It works; we keep it.", "rhea")
        .await
        .unwrap();

    // Nobody decided anything in thirty days, so nobody can say: the sponsor hears exactly that.
    later(&bench, 50 * 24 * 60).await;
    let ninety = until("the metric has its verdict", || {
        of_kind(e, DutyKind::NinetyDays)
    })
    .await;
    assert_eq!(
        (ninety.owner.as_str(), ninety.item.as_str()),
        ("sven", metric.as_str())
    );
    assert!(
        ninety.reason.starts_with("Nobody can say: override_rate"),
        "{}",
        ninety.reason
    );
    assert!(
        told(e, "sven")
            .await
            .iter()
            .any(|t| t.contains("decide until"))
    );
    assert!(
        told(e, "rhea")
            .await
            .iter()
            .any(|t| t.contains("no data, nobody can say"))
    );
    let answered = of_kind(e, DutyKind::ThirtyDays).await.unwrap();
    assert_eq!(answered.state, DutyState::Done, "it did not come again");
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn day_thirty_and_the_ninety_day_metric_come_by_themselves() {
    Box::pin(story(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn day_thirty_and_the_ninety_day_metric_come_by_themselves_on_postgresql() {
    let database = Database::create().await;
    Box::pin(story(Some(&database.url()))).await;
    database.drop().await;
}

/// No node ran for a long time: both days are told, and how late.
async fn missed(database: Option<&str>) {
    let bench = Bench::on(&[SPONSOR], database).await;
    let e = &bench.engine;
    let metric = format!("override_rate at most 10 by {}", day(e, 80));
    e.state_charter("small", "ninety_day_metric", &metric, "rhea")
        .await
        .unwrap();
    // Nobody is there to see the clock move.
    let offset = 150 * 86_400_000_000;
    bench.store.set_clock(offset).await.unwrap();
    e.clock().set_offset(offset);
    let worker = Worker::start(e);
    for (kind, late, said) in [
        (DutyKind::ThirtyDays, 120, "No data: not one run"),
        (DutyKind::NinetyDays, 70, "Nobody can say: override_rate"),
    ] {
        let told = until("a missed day is told", || of_kind(e, kind)).await;
        let words = [late, late - 1].map(|n| format!("Told late, {n} days after its day"));
        assert!(
            words.iter().any(|w| told.reason.starts_with(w)) && told.reason.contains(said),
            "{}",
            told.reason
        );
    }
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_milestone_that_nobody_was_there_for_is_told_late() {
    Box::pin(missed(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_milestone_that_nobody_was_there_for_is_told_late_on_postgresql() {
    let database = Database::create().await;
    Box::pin(missed(Some(&database.url()))).await;
    database.drop().await;
}

/// On day ninety the metric has its verdict, with the figure behind it, before the sponsor.
async fn verdicts(database: Option<&str>, changed: bool) {
    let sources = ("error_after = \"30d\"", "error_after = \"365d\"");
    let bench = Bench::on(&[SPONSOR, sources], database).await;
    let e = &bench.engine;
    let worker = Worker::start(e);
    let metric = format!("override_rate at most 10 by {}", day(e, 90));
    e.state_charter("small", "ninety_day_metric", &metric, "rhea")
        .await
        .unwrap();
    later(&bench, 85 * 24 * 60).await;
    for n in 0..2 {
        let event = format!("c{n}");
        bench
            .fakes
            .then(Said::Text(json!({"grade": "high"}).to_string()));
        bench.receive(&event).await;
        let task = bench.task(&event).await;
        if changed && n == 0 {
            let refusal = Refusal {
                reason: "wrong".into(),
                ..Refusal::default()
            };
            e.reject(task.id, "rhea", refusal).await.unwrap();
        } else {
            e.approve(task.id, "rhea", Approval::default())
                .await
                .unwrap();
        }
        bench.rest(&event).await;
    }
    assert_eq!(of_kind(e, DutyKind::NinetyDays).await, None, "not yet");
    later(&bench, 5 * 24 * 60).await;
    let found = until("the metric has its verdict", || {
        of_kind(e, DutyKind::NinetyDays)
    })
    .await;
    assert_eq!((found.owner.as_str(), &found.item), ("sven", &metric));
    let (said, figure) = if changed {
        ("Not met: ", "override_rate 50 % (1 of 2)")
    } else {
        ("Met: ", "override_rate 0 % (0 of 2)")
    };
    assert!(found.reason.starts_with(said), "{}", found.reason);
    assert!(found.reason.contains(figure), "{}", found.reason);
    assert!(
        told(e, "sven")
            .await
            .iter()
            .any(|t| t.contains("decide until"))
    );
    let others = told(e, "rhea").await;
    let not = others.iter().any(|t| t.contains("not met"));
    assert_eq!(not, changed, "{others:?}");
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ninety_day_metric_is_met_or_not_with_its_figure() {
    Box::pin(verdicts(None, false)).await;
    Box::pin(verdicts(None, true)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ninety_day_metric_is_met_or_not_with_its_figure_on_postgresql() {
    for changed in [false, true] {
        let database = Database::create().await;
        Box::pin(verdicts(Some(&database.url()), changed)).await;
        database.drop().await;
    }
}

async fn silent(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let e = &bench.engine;
    let other = bench.another("second").await;
    let (worker, second) = (Worker::start(e), Worker::start(&other));
    other
        .clock()
        .set_offset(30 * 86_400_000_000 + 3_600_000_000);
    later(&bench, 30 * 24 * 60 + 60).await;
    let thirty = until("day thirty comes", || of_kind(e, DutyKind::ThirtyDays)).await;
    assert!(
        thirty.reason.starts_with("No data: not one run"),
        "{}",
        thirty.reason
    );
    for person in ["rhea", "boris", "tove"] {
        assert!(
            told(e, person)
                .await
                .iter()
                .any(|t| t.contains("no data, nobody can say")),
            "{person} is told"
        );
    }
    second.shut_down(std::time::Duration::from_secs(10)).await;
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn day_thirty_without_data_says_so_once_for_all_nodes() {
    Box::pin(silent(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn day_thirty_without_data_says_so_once_for_all_nodes_on_postgresql() {
    let database = Database::create().await;
    Box::pin(silent(Some(&database.url()))).await;
    database.drop().await;
}
