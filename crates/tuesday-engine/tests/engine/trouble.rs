//! Trouble finds its owner: one cause is one incident, its alert walks until somebody answers, what
//! waited goes on, and a wrong answer is put right before it is closed.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::record::{Incident, ProblemKind, ProblemState, ReleaseState};
use tuesday_domain::run::{Outcome, Status};
use tuesday_domain::trouble::alert::AlertState;
use tuesday_domain::trouble::incident::{FixLayer, IncidentState};
use tuesday_domain::trouble::sort::{Facts, Reach, Reversibility};
use tuesday_domain::trouble::{Category, Severity};
use tuesday_engine::Worker;
use tuesday_engine::ops::{
    Behaviour, BlastQuery, Closed, Complaint, Looked, NewCorrection, PostedSignal, Settled,
};
use tuesday_store::IncidentFilter;
use tuesday_testkit::Database;
use tuesday_testkit::check::read_all;
use tuesday_testkit::fakes::Said;
use tuesday_testkit::until;

use crate::bench::Bench;
use crate::releases::{changed, create, pack};

const DEGRADED: (&str, &str) = (
    "[limits]",
    "[degraded]\nmodel = \"people\"\npeople_after = \"60m\"\n[limits]",
);

async fn of(bench: &Bench, category: Category) -> Vec<Incident> {
    let filter = IncidentFilter {
        category: Some(category),
        ..IncidentFilter::default()
    };
    bench
        .engine
        .reader()
        .incidents(&filter, None, 50)
        .await
        .unwrap()
}

/// The one incident of a category, once it is in this state.
async fn incident(bench: &Bench, category: Category, state: IncidentState) -> Incident {
    until(&format!("one {category} is {state}"), || async {
        let found = of(bench, category).await;
        assert!(found.len() < 2, "one cause is one incident: {found:#?}");
        found.into_iter().find(|i| i.state == state)
    })
    .await
}

pub(crate) async fn later(bench: &Bench, minutes: i64) {
    let before = bench.engine.now();
    let instance = bench.engine.reader().instance().await.unwrap().unwrap();
    bench
        .store
        .set_clock(instance.clock_offset + minutes * 60_000_000)
        .await
        .unwrap();
    // The node notices within half a second that its clock was moved.
    let then = before.plus(Duration::from_secs(minutes.unsigned_abs() * 60));
    until("the clock has moved", || async {
        (bench.engine.now() >= then).then_some(())
    })
    .await;
}

fn told(bench: &Bench, name: &str, part: &str) -> usize {
    let all = bench.fakes.told();
    let is = |m: &&tuesday_domain::port::Message| m.name == name && m.title.contains(part);
    all.iter().filter(is).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_one_incident_and_nothing_is_lost() {
    Box::pin(outage(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_one_incident_and_nothing_is_lost_on_postgresql() {
    let database = Database::create().await;
    Box::pin(outage(Some(&database.url()))).await;
    database.drop().await;
}

/// What is said to happen to the work while the model is away.
async fn in_force(bench: &Bench) -> (Behaviour, String) {
    let open = bench.engine.reader().open_incidents().await.unwrap();
    let mut away = bench.engine.away(&open, None).await;
    away.retain(|a| a.category == Category::ProviderOutage);
    assert_eq!(away.len(), 1, "{away:?}");
    let one = away.remove(0).workflows.remove(0);
    assert_eq!(one.workflow, "small");
    (one.behaviour, one.words)
}

async fn outage(database: Option<&str>) {
    let patient = [
        ("first_delay = \"10ms\"", "first_delay = \"1s\""),
        ("max_delay = \"20ms\"", "max_delay = \"2s\""),
        ("max_attempts = 3", "max_attempts = 9"),
        DEGRADED,
    ];
    let bench = Bench::on(&patient, database).await;
    let worker = Worker::start(&bench.engine);
    bench.fakes.model_is_up(false);
    for i in 0..40 {
        bench.receive(&format!("e{i}")).await;
    }
    let found = incident(&bench, Category::ProviderOutage, IncidentState::Triggered).await;
    assert_eq!(
        (found.key.as_str(), found.owner.as_str()),
        ("provider_outage:fake", "rhea")
    );
    until("the owner is told", || async {
        (told(&bench, "Rhea Lind", "Model provider does not answer") == 1).then_some(())
    })
    .await;
    let message = bench.fakes.told().pop().unwrap();
    let facts = message.alert.unwrap();
    assert!(
        facts.runbook.ends_with("/runbooks/provider-outage"),
        "{}",
        facts.runbook
    );
    assert!(message.link.ends_with(&format!("/incidents/{}", found.id)));

    let (behaviour, words) = in_force(&bench).await;
    assert_eq!(behaviour, Behaviour::People);
    assert!(
        words.contains("manual work once it has waited 1h"),
        "{words}"
    );

    // New events are still accepted, and wait.
    bench.receive("late").await;
    until("what is left waits", || async {
        let all = read_all(bench.engine.reader()).await;
        let waits = |s: Status| matches!(s, Status::Held | Status::InReview | Status::RetryWait);
        all.values()
            .all(|f| waits(f.run.state.status))
            .then_some(())
    })
    .await;

    // Nobody answers: the next one is asked, and the same person is not asked twice.
    later(&bench, 16).await;
    until("the backup is told", || async {
        (told(&bench, "Boris Amari", "Model provider") == 1).then_some(())
    })
    .await;
    assert_eq!(told(&bench, "Rhea Lind", "Model provider"), 1);
    let on_it = bench
        .engine
        .acknowledge_incident(found.id, "boris")
        .await
        .unwrap();
    assert_eq!(
        (on_it.state, on_it.owner.as_str()),
        (IncidentState::Acknowledged, "boris")
    );
    let second = bench.engine.acknowledge_incident(found.id, "rhea").await;
    assert_eq!(second.unwrap_err().code, "already_decided");

    // After an hour people get what waits.
    later(&bench, 61).await;
    until("people have it", || async {
        let all = read_all(bench.engine.reader()).await;
        let held = all
            .values()
            .filter(|f| f.run.state.status == Status::Held)
            .count();
        (held <= 2).then_some(())
    })
    .await;

    // It is back: what came meanwhile goes on by itself.
    bench.receive("after").await;
    bench.fakes.model_is_up(true);
    later(&bench, 1).await;
    let over = incident(&bench, Category::ProviderOutage, IncidentState::Mitigated).await;
    assert!(over.count >= 3);
    until("the end is told", || async {
        (told(&bench, "Boris Amari", "Over: ") == 1).then_some(())
    })
    .await;
    // The run that came just before the end may first be held; nothing is left behind either way.
    let (ran, handed_off) = until("every event has one end", || async {
        let all = read_all(bench.engine.reader()).await;
        let by = |o: Outcome| {
            all.values()
                .filter(|f| f.run.state.outcome == Some(o))
                .count()
        };
        let people = all
            .values()
            .filter(|f| f.run.state.status == Status::InReview)
            .count();
        let (ran, handed_off) = (by(Outcome::WrittenBack), by(Outcome::HandedOff));
        (ran + handed_off + people == 42).then_some((ran, handed_off))
    })
    .await;
    let after = bench.rest("after").await.run.state.status;
    assert_eq!(after, Status::Completed);
    assert!(handed_off > 10);
    assert_eq!(bench.fakes.effects().len(), ran);
    bench.end(worker).await;
}

/// It may be that one run's own fault: it is a failing connector once its tries are spent, no outage.
#[tokio::test(flavor = "multi_thread")]
async fn several_tries_of_one_run_are_no_outage() {
    let bench = Bench::changed(&[("max_attempts = 3", "max_attempts = 6")]).await;
    let worker = Worker::start(&bench.engine);
    bench.fakes.model_is_up(false);
    bench.receive("alone").await;
    let found = incident(&bench, Category::ConnectorFailing, IncidentState::Triggered).await;
    assert_eq!(found.key, "connector_failing:model fake");
    assert_eq!(bench.fakes.calls(), 6, "all its tries were its own");
    assert!(of(&bench, Category::ProviderOutage).await.is_empty());
    bench.receive("another").await;
    incident(&bench, Category::ProviderOutage, IncidentState::Triggered).await;
    // Nothing is declared about it: it waits, and that is said.
    let (behaviour, words) = in_force(&bench).await;
    assert_eq!(behaviour, Behaviour::Undeclared, "{words}");
    assert!(
        words.contains("held until fake answers again, and goes on by itself"),
        "{words}"
    );
    let open = bench.engine.reader().open_incidents().await.unwrap();
    let others = ["elsewhere".to_owned()];
    let away = bench.engine.away(&open, Some(&others)).await;
    assert!(away.iter().all(|a| a.workflows.is_empty()), "{away:?}");
    bench
        .engine
        .pause("small", "rhea", "looks odd")
        .await
        .unwrap();
    until("it is said to be paused", || async {
        (in_force(&bench).await.0 == Behaviour::Paused).then_some(())
    })
    .await;
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_that_goes_quiet_is_none() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    bench.fakes.then(Said::Denied);
    bench.receive("denied").await;
    // Refused credentials are the technical owner's.
    let found = incident(
        &bench,
        Category::CredentialRefused,
        IncidentState::Triggered,
    )
    .await;
    assert_eq!(
        (found.owner.as_str(), found.key.as_str()),
        ("tove", "credential_refused:model fake")
    );
    let refused = bench.engine.acknowledge_incident(found.id, "nobody").await;
    assert_eq!(refused.unwrap_err().code, "not_allowed");
    bench
        .engine
        .acknowledge_incident(found.id, "tove")
        .await
        .unwrap();
    later(&bench, 100).await;
    bench
        .engine
        .note_incident(found.id, "tove", "the key is being replaced", None)
        .await
        .unwrap();
    later(&bench, 100).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let still = bench.engine.incident(found.id).await.unwrap();
    assert_eq!(
        still.state,
        IncidentState::Acknowledged,
        "a note is a sign of life"
    );
    later(&bench, 30).await;
    incident(
        &bench,
        Category::CredentialRefused,
        IncidentState::Triggered,
    )
    .await;
    // Another cause meanwhile is its own incident.
    assert!(of(&bench, Category::ProviderOutage).await.is_empty());
    // One success, and it has passed.
    bench.receive("works").await;
    incident(
        &bench,
        Category::CredentialRefused,
        IncidentState::Mitigated,
    )
    .await;
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_no_channel_takes_goes_on_and_says_so() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    bench.fakes.channels_are_up(false);
    bench.fakes.then(Said::Denied);
    bench.receive("denied").await;
    let found = incident(
        &bench,
        Category::CredentialRefused,
        IncidentState::Triggered,
    )
    .await;
    incident(&bench, Category::AlertUndelivered, IncidentState::Triggered).await;
    later(&bench, 2).await;
    let alert = until("the next person is asked", || async {
        let alert = bench.engine.reader().alert_of(found.id).await.unwrap()?;
        later(&bench, 1).await;
        (alert.level > 0).then_some(alert)
    })
    .await;
    assert_eq!(alert.state, AlertState::Escalated);
    let tries = bench.engine.reader().deliveries_of(alert.id).await.unwrap();
    assert!(tries.iter().all(|d| !d.ok && d.detail.is_some()));
    bench.fakes.channels_are_up(true);
    until("somebody is told", || async {
        bench
            .fakes
            .told()
            .iter()
            .any(|m| m.title.contains("Credentials"))
            .then_some(())
    })
    .await;
    let test = bench
        .engine
        .test_alerts("rhea", &Actor::Person("rhea".into()))
        .await
        .unwrap();
    assert!(test.ok);
    let view = bench.engine.alerts().await.unwrap();
    assert!(
        view.channels
            .iter()
            .any(|c| c.channel == "fake" && !c.stale)
    );
    assert_eq!(view.kinds.len(), Category::ALL.len());
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_hangs_is_stuck_and_a_person_who_takes_their_time_is_not() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    bench.fakes.then(Said::Text("{\"grade\": \"high\"}".into()));
    bench.receive("person").await;
    assert_eq!(
        bench.rest("person").await.run.state.status,
        Status::InReview
    );
    bench.fakes.close_gate();
    bench.receive("hangs").await;
    until("it runs", || async {
        (bench.fakes.calls() == 2).then_some(())
    })
    .await;
    // Its lease is renewed by a node that does nothing else any more.
    let far = bench
        .engine
        .now()
        .plus(Duration::from_secs(86_400))
        .micros();
    let frozen = format!("UPDATE jobs SET lease_node = 'frozen', lease_until = {far}");
    assert_eq!(bench.raw(&frozen), 1);
    later(&bench, 6).await;
    let found = incident(&bench, Category::StuckWork, IncidentState::Triggered).await;
    assert_eq!(found.key, "stuck_work:small running");
    let runs = bench
        .engine
        .reader()
        .incident_runs(found.id, None, 9)
        .await
        .unwrap();
    assert_eq!(runs.len(), 1);
    bench.fakes.open_gate(9);
    incident(&bench, Category::StuckWork, IncidentState::Mitigated).await;
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_trigger_and_a_gap_in_the_rotation_are_told() {
    let bench = Bench::changed(&[
        (
            "event_id = \"id\"",
            "event_id = \"id\"\nexpect = { events = 2, per = \"day\" }",
        ),
        (
            "[input]",
            "[on_call]\nshift = [{ person = \"edda\", days = \"mon-fri\" }]\n[input]",
        ),
    ])
    .await;
    let worker = Worker::start(&bench.engine);
    let gap = incident(&bench, Category::RotationGap, IncidentState::Triggered).await;
    let entries = bench
        .engine
        .reader()
        .incident_entries(gap.id)
        .await
        .unwrap();
    assert!(
        entries[0].words.contains("sat 00:00 to mon 00:00"),
        "{}",
        entries[0].words
    );
    assert!(
        of(&bench, Category::TriggerSilent).await.is_empty(),
        "the day is not over"
    );
    later(&bench, 49 * 60).await;
    let found = incident(&bench, Category::TriggerSilent, IncidentState::Triggered).await;
    assert_eq!(found.key, "trigger_silent:small hand");
    bench.receive("one").await;
    bench.receive("two").await;
    incident(&bench, Category::TriggerSilent, IncidentState::Mitigated).await;
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_answer_is_put_right_before_it_is_closed() {
    Box::pin(wrong_answer(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_answer_is_put_right_before_it_is_closed_on_postgresql() {
    let database = Database::create().await;
    Box::pin(wrong_answer(Some(&database.url()))).await;
    database.drop().await;
}

async fn wrong_answer(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let worker = Worker::start(&bench.engine);
    for i in 0..14 {
        bench.receive(&format!("e{i}")).await;
        assert_eq!(
            bench.rest(&format!("e{i}")).await.run.state.status,
            Status::Completed
        );
    }
    let engine = &bench.engine;
    let complaint = Complaint {
        kind: ProblemKind::Wrong,
        words: "the grade of e7 is wrong".into(),
        run: None,
        review: None,
        record: Some("e7".into()),
        workflow: None,
        reported_by: "customer@example.org".into(),
    };
    let report = engine
        .report_problem(complaint, &Actor::Trigger("mail".into()))
        .await
        .unwrap();
    let facts = Facts {
        reach: Reach::Customer,
        count: 14,
        reversibility: Reversibility::WithEffort,
    };
    let refused = engine
        .sort_report(report.id, facts, None, "customers saw it", "rhea")
        .await;
    assert_eq!(refused.unwrap_err().code, "incident_category_required");
    let sorted = engine
        .sort_report(
            report.id,
            facts,
            Some(Category::WrongAnswer),
            "customers saw it",
            "rhea",
        )
        .await
        .unwrap();
    assert_eq!(sorted.report.state, ProblemState::Incident);
    let found = sorted.incident.unwrap();
    assert_eq!(
        (found.category, found.severity),
        (Category::WrongAnswer, Severity::Critical)
    );

    let empty = engine
        .blast_radius(&BlastQuery::default())
        .await
        .unwrap_err();
    assert_eq!((empty.code, empty.exit()), ("blast_empty", 2));
    let query = BlastQuery {
        source: Some("crm".into()),
        workflow: Some("small".into()),
        ..BlastQuery::default()
    };
    let blast = engine.blast_radius(&query).await.unwrap();
    let keys: std::collections::BTreeSet<String> =
        bench.fakes.effects().into_iter().map(|e| e.key).collect();
    assert_eq!(
        (blast.runs, blast.delivered, keys.len()),
        (14, 14, 14),
        "as the ledger says"
    );
    let none = BlastQuery {
        model: Some("another-model".into()),
        ..BlastQuery::default()
    };
    assert_eq!(engine.blast_radius(&none).await.unwrap().runs, 0);

    let wanted: Vec<NewCorrection> = blast
        .rows
        .iter()
        .map(|r| NewCorrection {
            run: r.run,
            action: r.action,
            words: "write the right grade".into(),
        })
        .collect();
    let made = engine
        .correct(found.id, &wanted, Some("boris"), "rhea")
        .await
        .unwrap();
    assert_eq!(made.len(), 14);
    let again = engine
        .correct(found.id, &wanted, None, "rhea")
        .await
        .unwrap();
    assert!(again.is_empty(), "nothing is corrected twice");

    let closed = |case: Option<&str>| Closed {
        resolution: "the mapping reads the new format".into(),
        case: case.map(str::to_owned),
        waiver: None,
    };
    let open = engine
        .resolve_incident(found.id, closed(Some("x")), "rhea")
        .await
        .unwrap_err();
    assert_eq!(
        (open.code, open.more["open"].as_u64()),
        ("corrections_open", Some(14))
    );
    for c in &made {
        let how = Settled::Word("rewritten by hand, desk 204".into());
        engine.settle_correction(c.id, how, "boris").await.unwrap();
    }
    let twice = Settled::Dropped("no".into());
    let twice = engine.settle_correction(made[0].id, twice, "boris").await;
    assert_eq!(twice.unwrap_err().code, "illegal_state");
    let bare = engine
        .resolve_incident(found.id, closed(None), "rhea")
        .await;
    assert_eq!(bare.unwrap_err().code, "case_required");
    // A name that no pack has guards against nothing; one of a release on its way does.
    let made_up = Some("evals/golden.jsonl#grade");
    let refused = engine.resolve_incident(found.id, closed(made_up), "rhea");
    let refused = refused.await.unwrap_err();
    assert_eq!(
        (refused.code, refused.field.as_deref()),
        ("unknown_case", Some("case"))
    );
    let draft = create(engine, &changed(engine, &pack(0), &[]).await).await;
    assert_eq!(draft.state, ReleaseState::Draft);
    let case = Some("evals/golden.jsonl#came-back");
    let done = engine
        .resolve_incident(found.id, closed(case), "rhea")
        .await
        .unwrap();
    assert_eq!(done.state, IncidentState::Resolved);
    let looked = Looked {
        layer: FixLayer::Input,
        words: "a date format changed".into(),
        uncaught: "no check looks at the order of day and month".into(),
        without_code: Some(true),
    };
    engine
        .review_incident(found.id, looked, "rhea")
        .await
        .unwrap();
    let text = engine.postmortem(found.id).await.unwrap();
    for part in [
        "desk 204",
        "evals/golden.jsonl#came-back",
        "fixed in | input",
        "fix the next one? | yes",
        "customers saw it",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_from_outside_counts_once() {
    let bench = Bench::new().await;
    let worker = Worker::start(&bench.engine);
    let signal = |event: Option<&str>| PostedSignal {
        event: event.map(str::to_owned),
        kind: "compliance_flag".into(),
        run: None,
        record: None,
        wrong: true,
        count: 1,
        at: None,
    };
    let by = Actor::Token("tok".into());
    let post = |new| bench.engine.post_signal("small", new, &by);
    for event in ["a", "b", "b", "c"] {
        post(signal(Some(event))).await.unwrap();
    }
    let field = |e: tuesday_domain::problem::Problem| (e.code, e.field);
    for (event, count) in [(Some(""), 1), (None, 1), (Some("d"), 0)] {
        let bad = PostedSignal {
            count,
            ..signal(event)
        };
        let (code, at) = field(post(bad).await.unwrap_err());
        let named = if count == 0 { "count" } else { "event" };
        assert_eq!((code, at.as_deref()), ("bad_request", Some(named)));
    }
    let from = bench.engine.now().minus(Duration::from_secs(3_600));
    let reader = bench.engine.reader();
    let counted = reader.signals_since("small", "compliance_flag", from).await;
    assert_eq!(counted.unwrap(), 3);

    // Tied to the run that wrote the record, and once of a kind for it.
    bench.receive("one").await;
    let run = bench.rest("one").await;
    let record = run.actions[0].target.clone();
    let about = PostedSignal {
        record: Some(record),
        ..signal(None)
    };
    for _ in 0..2 {
        let kept = post(about.clone()).await.unwrap();
        assert_eq!(kept.run, Some(run.run.id));
    }
    let counted = reader.signals_since("small", "compliance_flag", from).await;
    assert_eq!(counted.unwrap(), 4);
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_vanished_from_its_destination_is_found() {
    let bench = Bench::changed(&[("[limits]", "[watch]\nreconcile = \"1d\"\n[limits]")]).await;
    let worker = Worker::start(&bench.engine);
    for id in ["stays", "goes"] {
        bench.receive(id).await;
        assert_eq!(bench.rest(id).await.run.state.status, Status::Completed);
    }
    let gone = bench.rest("goes").await;
    bench.fakes.forget_effect(&gone.actions[0].key);
    later(&bench, 25 * 60).await;
    let found = incident(&bench, Category::RecordMissing, IncidentState::Triggered).await;
    assert_eq!(
        (found.key.as_str(), found.count),
        ("record_missing:small note", 1)
    );
    let runs = bench
        .engine
        .reader()
        .incident_runs(found.id, None, 9)
        .await
        .unwrap();
    assert_eq!(runs, [gone.run.id]);
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_told_about_before_it_ends_and_when_it_has() {
    let now = tuesday_engine::Clock::System.now();
    let day = |days: u64| now.plus(Duration::from_secs(days * 86_400)).rfc3339()[..10].to_owned();
    let auth = |day: &str| {
        format!(
            "url = \"https://model.example.com\"\n\
             auth = {{ header = \"Authorization\", secret = \"env:NONE\", expires = \"{day}\" }}"
        )
    };
    let asked = "url = \"https://model.example.com\"";
    let bench = Bench::changed(&[(asked, &auth(&day(20)))]).await;
    let worker = Worker::start(&bench.engine);
    bench.receive("works").await;
    bench.rest("works").await;
    assert!(of(&bench, Category::CredentialExpiring).await.is_empty());
    later(&bench, 8 * 1_440).await;
    let soon = incident(
        &bench,
        Category::CredentialExpiring,
        IncidentState::Triggered,
    )
    .await;
    assert_eq!(
        (soon.key.as_str(), soon.owner.as_str()),
        ("credential_expiring:small model fake", "tove")
    );
    assert!(of(&bench, Category::CredentialExpired).await.is_empty());
    later(&bench, 13 * 1_440).await;
    let over = incident(
        &bench,
        Category::CredentialExpired,
        IncidentState::Triggered,
    )
    .await;
    assert_eq!(
        (over.owner.as_str(), over.severity),
        ("tove", Severity::High)
    );
    incident(
        &bench,
        Category::CredentialExpiring,
        IncidentState::Mitigated,
    )
    .await;
    bench.end(worker).await;
}
