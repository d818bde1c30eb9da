//! Known errors in the queue: they look like any other task, write nothing and count nowhere.

use serde_json::json;
use tuesday_domain::record::{Review, ReviewDecision, SeedResult};
use tuesday_domain::run::{Outcome, Status};
use tuesday_domain::time::Timestamp;
use tuesday_engine::Worker;
use tuesday_engine::ops::{Approval, Inputs, Refusal, Rerun, SeedPlaced, SeedWish, Settlement};
use tuesday_store::{AuditFilter, RunFilter};
use tuesday_testkit::fakes::Said;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

const FAULTS: (&str, &str) = (
    "[[review.tier]]",
    "[review.second_look]\nhuman_percent = 100.0\n\
     [review.seeds]\n[[review.seeds.fault]]\nname = \"too_low\"\nfield = \"grade\"\nset = \"low\"\n\
     [[review.seeds.fault]]\nname = \"other\"\nfield = \"grade\"\nswap = true\n[[review.tier]]",
);
const TWO: (&str, &str) = (
    "backup = \"boris\"\n[[action]]",
    "backup = \"boris\"\napprovals = 2\n[[action]]",
);

/// A case that `rhea` approved as `high`.
async fn approved(bench: &Bench, event: &str) -> Review {
    bench
        .fakes
        .then(Said::Text(json!({"grade": "high"}).to_string()));
    bench.receive(event).await;
    let task = bench.task(event).await;
    for by in ["rhea", "boris"] {
        let done = bench.engine.approve(task.id, by, Approval::default()).await;
        if done.unwrap().approvals_left == 0 {
            break;
        }
    }
    until("it is written", || async {
        let found = bench.rest(event).await;
        (found.run.state.outcome == Some(Outcome::WrittenBack)).then_some(())
    })
    .await;
    task
}

async fn seed(bench: &Bench) -> SeedPlaced {
    let wish = SeedWish {
        fault: Some("too_low".into()),
        run: None,
    };
    bench.engine.seed("small", &wish, "rhea").await.unwrap()
}

/// Counts that must not see a known error.
async fn counts(bench: &Bench) -> serde_json::Value {
    let (reader, engine) = (bench.engine.reader(), &bench.engine);
    let since = Timestamp::from_micros(0);
    let runs: u64 = reader
        .run_counts()
        .await
        .unwrap()
        .iter()
        .map(|c| c.runs)
        .sum();
    let listed = reader
        .run_page(&RunFilter::default(), None, 99)
        .await
        .unwrap();
    let day = listed[0].batch.clone();
    let batch = engine.batch("small", &day).await.unwrap();
    let overrides = engine.overrides(None, since).await.unwrap();
    let routed = reader.rule_hits("small", since).await.unwrap();
    json!({
        "runs": runs, "listed": listed.len(), "intake": batch.intake, "outcomes": batch.outcomes,
        "cost": batch.cost_micros, "overrides": overrides.len(),
        "routed": routed.iter().map(|h| h.runs).sum::<u64>(),
        "decided": routed.iter().filter(|h| h.decision.is_some()).map(|h| h.runs).sum::<u64>(),
    })
}

async fn seeds(database: Option<&str>) {
    let bench = Bench::on(&[FAULTS], database).await;
    let worker = Worker::start(&bench.engine);
    let (engine, reader) = (&bench.engine, bench.engine.reader());
    let none = engine.seed("small", &SeedWish::default(), "rhea").await;
    assert_eq!(
        none.unwrap_err().code,
        "nothing_to_seed",
        "never from nothing"
    );
    let mut cases = Vec::new();
    for event in ["A", "B", "C", "D", "E"] {
        cases.push(approved(&bench, event).await);
    }
    let (before, written) = (counts(&bench).await, bench.fakes.effects().len());
    assert_eq!(before["runs"], json!(5));

    // Who may, and from what.
    let stranger = engine.seed("small", &SeedWish::default(), "tove").await;
    assert_eq!(stranger.unwrap_err().code, "not_allowed");
    let unknown = SeedWish {
        fault: Some("else".into()),
        run: None,
    };
    let unknown = engine.seed("small", &unknown, "rhea").await.unwrap_err();
    assert_eq!(unknown.code, "nothing_to_seed");

    // It looks like the case it was made from, with one wrong field.
    let placed = seed(&bench).await;
    let case = engine.case(placed.review.id).await.unwrap();
    let from = cases
        .iter()
        .find(|c| Some(c.run) == placed.seed.made_from)
        .unwrap();
    let old = engine.case(from.id).await.unwrap();
    assert_eq!(
        (&case.seed, &case.output),
        (&None, &Some(json!({"grade": "low"})))
    );
    assert_eq!(case.review.subject, old.review.subject);
    assert_eq!(
        (&case.reasons, case.review.reason),
        (&old.reasons, old.review.reason)
    );
    assert_eq!(
        (case.items.len(), &case.compared),
        (old.items.len(), &old.compared)
    );
    assert_eq!(
        (case.writes.len(), &case.writes[0].target),
        (1, &old.writes[0].target)
    );
    assert_eq!(
        (&case.made.model, case.made.attempts),
        (&old.made.model, old.made.attempts)
    );
    let story = engine.story(placed.seed.run).await.unwrap();
    let told = serde_json::to_string(&story).unwrap();
    assert!(
        !told.contains("seed") && !told.contains("too_low"),
        "{told}"
    );
    assert_eq!(counts(&bench).await, before, "it counts nowhere");

    // Approved as it stood: missed, told, nothing written, nothing to take back or run again.
    let done = engine
        .approve(placed.review.id, "rhea", Approval::default())
        .await
        .unwrap();
    let told = done.seed.clone().unwrap();
    assert_eq!(told.result, Some(SeedResult::Missed));
    assert_eq!(
        (told.field.as_str(), told.decided_by.as_deref()),
        ("grade", Some("rhea"))
    );
    assert_eq!(done.run.state.status, Status::Cancelled);
    assert_eq!(done.review.decision, Some(ReviewDecision::Approve));
    assert_eq!(
        engine.case(placed.review.id).await.unwrap().seed,
        Some(told)
    );
    assert_eq!(
        engine
            .recall(placed.review.id, "rhea")
            .await
            .unwrap_err()
            .code,
        "illegal_state"
    );
    let again = Rerun {
        inputs: Inputs::Frozen,
        reason: "again".into(),
        ..Rerun::default()
    };
    let by = tuesday_domain::actor::Actor::Person("rhea".into());
    let again = engine.rerun(placed.seed.run, &again, &by).await;
    assert_eq!(again.unwrap_err().code, "illegal_state");

    // Each other way catches it, but an edit must touch the field.
    let no = Refusal {
        reason: "wrong".into(),
        ..Refusal::default()
    };
    let rejected = seed(&bench).await;
    assert_ne!(
        rejected.seed.made_from, placed.seed.made_from,
        "a case is used once"
    );
    let done = engine.reject(rejected.review.id, "rhea", no).await.unwrap();
    assert_eq!(done.seed.unwrap().result, Some(SeedResult::Caught));
    let edited = seed(&bench).await;
    let edit = Approval {
        edit: Some(json!({"grade": "high"})),
        reason: Some("wrong".into()),
        ..Approval::default()
    };
    let done = engine
        .approve(edited.review.id, "rhea", edit)
        .await
        .unwrap();
    assert_eq!(done.seed.unwrap().result, Some(SeedResult::Caught));
    assert_eq!(done.review.decision, Some(ReviewDecision::ApproveWithEdits));
    let settled = seed(&bench).await;
    let how = Settlement::Regenerate { reason: None };
    let done = engine
        .settle(settled.review.id, "rhea", None, how)
        .await
        .unwrap();
    assert_eq!(done.seed.unwrap().result, Some(SeedResult::Caught));
    assert_eq!(
        done.run.state.status,
        Status::Cancelled,
        "no new output is made"
    );

    assert_eq!(counts(&bench).await, before, "it counts nowhere");
    assert_eq!(bench.fakes.effects().len(), written, "nothing was written");
    let tally = engine.seed_tally("small").await.unwrap();
    assert_eq!((tally.placed, tally.caught, tally.missed), (4, 3, 1));
    let report = engine
        .oversight(
            Timestamp::from_micros(0),
            engine.now().plus(std::time::Duration::from_secs(9)),
        )
        .await;
    let caught = report.unwrap().tiers[0].caught.unwrap();
    assert_eq!((caught.hits, caught.of), (3, 4));
    engine.seal().await.unwrap();
    let filter = AuditFilter {
        kind: Some("seed.placed".into()),
        ..AuditFilter::default()
    };
    assert_eq!(reader.audit_page(&filter, None, 9).await.unwrap().len(), 4);
    for look in reader.waiting_looks(99).await.unwrap() {
        assert!(
            reader.seed(look.run).await.unwrap().is_none(),
            "no second look"
        );
    }
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_error_writes_nothing_and_counts_nowhere() {
    Box::pin(seeds(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_error_writes_nothing_and_counts_nowhere_on_postgresql() {
    let database = Database::create().await;
    Box::pin(seeds(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_persons_let_a_known_error_through_together() {
    let bench = Bench::changed(&[FAULTS, TWO]).await;
    let worker = Worker::start(&bench.engine);
    approved(&bench, "A").await;
    let placed = seed(&bench).await;
    let first = bench
        .engine
        .approve(placed.review.id, "rhea", Approval::default())
        .await
        .unwrap();
    assert_eq!(
        (first.approvals_left, first.seed),
        (1, None),
        "nothing is told yet"
    );
    let last = bench
        .engine
        .approve(placed.review.id, "boris", Approval::default())
        .await
        .unwrap();
    let told = last.seed.unwrap();
    assert_eq!(told.result, Some(SeedResult::Missed));
    assert_eq!(told.decided_by.as_deref(), Some("boris, rhea"));
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_an_action_of_a_known_error() {
    let bench = Bench::changed(&[FAULTS]).await;
    let worker = Worker::start(&bench.engine);
    let real = approved(&bench, "A").await;
    let placed = seed(&bench).await;
    let hex = |id: uuid::Uuid| format!("x'{}'", id.simple());
    let copy = |from: uuid::Uuid, to: uuid::Uuid, key: &str| {
        format!(
            "INSERT INTO actions SELECT {}, {}, 'proposed', request_ref, NULL, 0, NULL, NULL, NULL, NULL, updated_at, 1, ordinal, \
             revision, name, class, ability, target, '{key}', not_before FROM actions WHERE run_id = {}",
            hex(to),
            hex(uuid::Uuid::from_u128(7)),
            hex(from)
        )
    };
    let refused = bench.try_raw(&copy(real.run.uuid(), placed.seed.run.uuid(), "k1"));
    assert!(refused.unwrap_err().contains("never acts"));
    bench
        .engine
        .approve(placed.review.id, "rhea", Approval::default())
        .await
        .unwrap();
    let after = bench.try_raw(&copy(real.run.uuid(), placed.seed.run.uuid(), "k2"));
    assert!(
        after.unwrap_err().contains("never acts"),
        "and not later either"
    );
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_share_of_the_week_comes_by_itself_and_two_nodes_place_it_once() {
    let share = (
        "[[review.tier]]",
        "[review.seeds]\nweekly_percent = 10.0\n[[review.seeds.fault]]\nname = \"too_low\"\nfield = \"grade\"\nset = \"low\"\n[[review.tier]]",
    );
    let bench = Bench::changed(&[share]).await;
    let worker = Worker::start(&bench.engine);
    for n in 0..9 {
        approved(&bench, &format!("E{n}")).await;
    }
    assert!(
        !bench.engine.place_seeds("small").await.unwrap(),
        "nine are too few for one"
    );
    approved(&bench, "E9").await;
    let other = bench.another("two").await;
    let (one, two) = tokio::join!(
        bench.engine.place_seeds("small"),
        other.place_seeds("small")
    );
    let placed = [one, two]
        .into_iter()
        .filter(|r| matches!(r, Ok(true)))
        .count();
    assert!(placed >= 1);
    let open = bench
        .engine
        .reader()
        .review_counts(&tuesday_store::QueueFilter::default())
        .await
        .unwrap();
    assert_eq!(open.iter().map(|c| c.tasks).sum::<u64>(), 1);
    assert_eq!(bench.engine.seed_tally("small").await.unwrap().placed, 1);
    assert!(
        !bench.engine.place_seeds("small").await.unwrap(),
        "the share is used up"
    );
    bench.end(worker).await;
}
