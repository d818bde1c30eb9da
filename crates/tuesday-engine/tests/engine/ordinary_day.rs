//! The test of an average Tuesday: an ordinary day on the test clock without the person who does most of the work,
//! with a model that blinks and a source that is too old. Everything ends or lies with somebody who is there, nothing
//! is late, and people had the hours for it.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::record::Review;
use tuesday_domain::run::{Outcome, Reason};
use tuesday_domain::time::Zone;
use tuesday_engine::Worker;
use tuesday_engine::ops::{Approval, Settlement};
use tuesday_testkit::check::{read_all, settled};
use tuesday_testkit::fakes::Said;
use tuesday_testkit::{Database, until};

use crate::bench::{Bench, aged};
use crate::trouble::later;

const DAY: i64 = 1_440;
/// People who are there on the day, and what is patient enough for a blip.
const PACKAGE: &[(&str, &str)] = &[
    (
        "escalation = ",
        "reviewers = [{ handle = \"quin\", name = \"Quin Ode\", email = \"quin.ode@example.com\" }]\nescalation = ",
    ),
    ("first_delay = \"10ms\"", "first_delay = \"1s\""),
    ("max_delay = \"20ms\"", "max_delay = \"2s\""),
    ("max_attempts = 3", "max_attempts = 9"),
    ("[limits]", "[degraded]\nmodel = \"hold\"\n[limits]"),
    (
        "[rollout]",
        "[capacity]\nminutes_per_task = 3\n[[capacity.person]]\nperson = \"rhea\"\ndays = \"mon-fri\"\nhours = 2\n\
         [[capacity.person]]\nperson = \"quin\"\ndays = \"mon-fri\"\nhours = 2\n\
         [[capacity.person]]\nperson = \"boris\"\ndays = \"mon-fri\"\nhours = 4\n[rollout]",
    ),
];

/// A case that asks a person.
async fn asks(bench: &Bench, event: &str) -> Review {
    bench.fakes.then(Said::Text(r#"{"grade": "high"}"#.into()));
    bench.receive(event).await;
    waits(bench, event).await
}

/// The open task of a case, also when the case was held for a moment.
async fn waits(bench: &Bench, event: &str) -> Review {
    until(&format!("{event} asks a person"), || async {
        let found = read_all(bench.engine.reader()).await.remove(event)?;
        found.reviews.into_iter().find(|r| !r.state.is_decided())
    })
    .await
}

async fn decides(bench: &Bench, task: &Review, by: &str) {
    let done = bench.engine.approve(task.id, by, Approval::default()).await;
    done.unwrap();
}

/// How a case ended, once it has.
async fn outcome(bench: &Bench, event: &str) -> Outcome {
    until(&format!("{event} ends"), || async {
        let found = read_all(bench.engine.reader()).await.remove(event)?;
        found.run.state.outcome
    })
    .await
}

/// Minutes until Tuesday, nine in the morning.
fn until_tuesday(bench: &Bench) -> i64 {
    let zone = Zone::named("Europe/Berlin").unwrap();
    let now = i64::from(zone.week_minute(bench.engine.now()));
    (DAY + 9 * 60 - now).rem_euclid(7 * DAY)
}

async fn fresh(bench: &Bench) {
    let now = bench.engine.now().rfc3339();
    for source in ["crm", "contract"] {
        let record = serde_json::json!({"id": "1", "tier": "gold", "updated_at": now});
        bench.fakes.record(source, record);
    }
}

/// One hour: what comes by itself, and two cases for the people who are there.
async fn hour(bench: &Bench, n: usize) {
    for i in 0..6 {
        bench.receive(&format!("auto-{n}-{i}")).await;
    }
    for i in 0..6 {
        outcome(bench, &format!("auto-{n}-{i}")).await;
    }
    for (i, by) in ["rhea", "quin"].into_iter().enumerate() {
        let task = asks(bench, &format!("asked-{n}-{i}")).await;
        assert_ne!(task.owner, "boris", "nothing waits for who is not there");
        decides(bench, &task, by).await;
    }
    later(bench, 60).await;
}

/// The model does not answer for a while; what came meanwhile goes on by itself.
async fn blip(bench: &Bench) {
    bench.fakes.model_is_up(false);
    for i in 0..4 {
        bench.receive(&format!("blip-{i}")).await;
    }
    later(bench, 5).await;
    bench.fakes.model_is_up(true);
    later(bench, 5).await;
    for i in 0..4 {
        let event = format!("blip-{i}");
        assert_eq!(
            outcome(bench, &event).await,
            Outcome::WrittenBack,
            "{event}"
        );
    }
}

/// A source that is too old: a person has it brought up to date and lets the case go on.
async fn stale(bench: &Bench) {
    bench.fakes.record("crm", aged(40, "gold"));
    bench.receive("old").await;
    let task = waits(bench, "old").await;
    assert_eq!(task.reason, Reason::StaleSource);
    assert_ne!(task.owner, "boris");
    fresh(bench).await;
    let again = Settlement::Regenerate {
        reason: Some("the record is up to date".into()),
    };
    let done = bench.engine.settle(task.id, "rhea", None, again).await;
    done.unwrap();
    outcome(bench, "old").await;
}

async fn tuesday(database: Option<&str>) {
    let bench = Bench::on(PACKAGE, database).await;
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    // The days before: one person does most of it.
    for n in 0..24 {
        let task = asks(&bench, &format!("before-{n}")).await;
        decides(&bench, &task, "boris").await;
    }
    let hero = engine.turnover("small").await.unwrap().hero.unwrap();
    assert_eq!(hero.person, "boris", "the top person");

    later(&bench, until_tuesday(&bench)).await;
    fresh(&bench).await;
    let back = engine.now().plus(Duration::from_secs(2 * 86_400));
    let by = Actor::Person("rhea".into());
    engine
        .set_away("boris", back, None, "on holiday", &by)
        .await
        .unwrap();
    for n in 0..8 {
        hour(&bench, n).await;
        match n {
            2 => blip(&bench).await,
            4 => stale(&bench).await,
            _ => {}
        }
    }

    until("the machine has nothing left", || async {
        settled(engine.reader()).await.then_some(())
    })
    .await;
    // The evening: everything that came on this day has ended, or lies with somebody who is there, in time.
    let now = engine.now();
    let people = engine.reader().people().await.unwrap();
    let here = |h: &str| h != "boris" && people.iter().any(|p| p.active && p.handle == h);
    let (mut ended, mut decided) = (0, 0);
    for (event, found) in read_all(engine.reader()).await {
        if event.starts_with("before-") {
            continue;
        }
        for review in found.reviews.iter().filter(|r| r.state.is_decided()) {
            assert!(review.decided_by.as_deref().is_none_or(here), "{review:?}");
            decided += 1;
        }
        if found.run.state.outcome.is_some() {
            ended += 1;
            continue;
        }
        let open = found.reviews.iter().find(|r| !r.state.is_decided());
        let open = open.unwrap_or_else(|| panic!("{event} lies with nobody: {:?}", found.run));
        assert!(here(&open.owner), "{event} waits for {}", open.owner);
        assert!(open.due_at > now, "{event} is late");
    }
    assert_eq!(
        ended,
        8 * 8 + 4 + 1,
        "48 by themselves, 16 decided, the blip, the old one"
    );
    assert_eq!(decided, 17, "tasks that people decided");

    // Load within capacity, by the hours of those who were there.
    let picture = Box::pin(engine.capacity("small")).await.unwrap();
    assert_eq!(picture.over, None, "{:?}", picture.over);
    let today = picture.forecast.unwrap().today;
    let there: i64 = picture
        .people
        .iter()
        .filter(|p| p.person != "boris")
        .map(|p| p.week_ms[1])
        .sum();
    assert_eq!(there, 4 * 3_600_000, "two people of two hours on a Tuesday");
    let took = decided * 3 * 60_000;
    assert!(took <= there, "{took} of {there}");
    assert!(
        today.capacity_ms <= there,
        "who is away gives no hours: {today:?}"
    );
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_average_tuesday_without_the_top_person_passes_on_sqlite() {
    Box::pin(tuesday(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_average_tuesday_without_the_top_person_passes_on_postgres() {
    let database = Database::create().await;
    Box::pin(tuesday(Some(&database.url()))).await;
    database.drop().await;
}
