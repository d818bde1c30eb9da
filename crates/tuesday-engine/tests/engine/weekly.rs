//! The week as people talk about it: feedback without an answer first, incidents, decisions and overrides, each
//! with its record; and who is told that an answer is overdue.

use std::time::Duration;

use serde_json::json;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::ProblemReportId;
use tuesday_domain::ledger::day::Day;
use tuesday_domain::record::{Choice, ProblemKind, ProblemState};

use tuesday_engine::Worker;
use tuesday_engine::ops::{Complaint, Doing, Refusal, WorkflowDecision};
use tuesday_testkit::fakes::Said;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

async fn later(bench: &Bench, minutes: i64) {
    let offset = minutes * 60_000_000;
    bench.store.set_clock(offset).await.unwrap();
    bench.engine.clock().set_offset(offset);
}

/// Somebody reports that an answer came slowly.
async fn slow(bench: &Bench, words: &str) -> ProblemReportId {
    let complaint = Complaint {
        kind: ProblemKind::Slow,
        words: words.into(),
        run: None,
        review: None,
        record: None,
        workflow: Some("small".into()),
        reported_by: "ann@example.com".into(),
    };
    let by = Actor::Trigger("mail".into());
    let made = bench.engine.report_problem(complaint, &by).await;
    made.unwrap().id
}

fn today(bench: &Bench) -> Day {
    let zone = tuesday_domain::time::Zone::named("Europe/Berlin").unwrap();
    Day::parse(&zone.day(bench.engine.now())).unwrap()
}

async fn told(bench: &Bench) -> Vec<String> {
    let all = bench.engine.reader().notices_of("rhea", 200).await.unwrap();
    let late = all.into_iter().filter(|n| n.kind == "problem_late");
    let mut paths: Vec<String> = late.map(|n| n.path).collect();
    paths.sort();
    paths
}

async fn talk(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    let workers = [
        Worker::start(engine),
        Worker::start(&bench.another("two").await),
    ];
    let mut overdue = Vec::new();
    for n in 0..4 {
        overdue.push(slow(&bench, &format!("SECRET {n}")).await);
    }
    let answered = slow(&bench, "SECRET answered").await;
    let grave = slow(&bench, "SECRET grave").await;
    engine
        .triage(
            answered,
            ProblemState::NotAnError,
            "rhea",
            "it is faster now",
        )
        .await
        .unwrap();
    engine
        .triage(grave, ProblemState::Incident, "rhea", "an hour late")
        .await
        .unwrap();
    // Three days are over; one more report is within its limit.
    later(&bench, 4 * 24 * 60).await;
    let fresh = slow(&bench, "SECRET fresh").await;
    bench
        .fakes
        .then(Said::Text(json!({"grade": "high"}).to_string()));
    bench.receive("c1").await;
    let task = bench.task("c1").await;
    let refusal = Refusal {
        reason: "wrong".into(),
        ..Refusal::default()
    };
    engine.reject(task.id, "rhea", refusal).await.unwrap();
    let decision = WorkflowDecision {
        choice: Choice::Proceed,
        question: "Go on?".into(),
        evidence: "the week".into(),
        links: vec![format!("/runs/{}", task.run)],
        conditions: vec![],
        reason: "it works".into(),
        supersedes: None,
    };
    let decided = engine
        .decide_workflow("small", decision, "rhea")
        .await
        .unwrap();

    let week = Box::pin(engine.weekly("small", Some(today(&bench))))
        .await
        .unwrap();
    let page = |id: &ProblemReportId| format!("/problem-reports/{id}");
    let named: Vec<String> = week.agenda.iter().map(|a| a.1.clone()).collect();
    assert!(
        week.agenda[0]
            .0
            .starts_with("Unanswered feedback, slow: its answer was due")
            && week.agenda[0].0.contains("rhea answers for it"),
        "{:?}",
        week.agenda
    );
    assert_eq!(named[0], page(&overdue[0]), "the longest due first");
    assert_eq!(
        week.agenda[3].0,
        "Unanswered feedback past its limit: 1 more."
    );
    assert!(
        week.agenda[4].0.ends_with("within the limit: 1."),
        "{:?}",
        week.agenda
    );
    let reports = &week.talk.reports;
    let states: Vec<&str> = reports.iter().take(5).map(|r| r.state.as_str()).collect();
    assert_eq!(states, ["overdue", "overdue", "overdue", "overdue", "new"]);
    assert_eq!(reports[4].path, page(&fresh));
    let incident = &week.talk.incidents[0];
    assert!(
        incident.open && incident.path.starts_with("/incidents/inc_"),
        "{incident:?}"
    );
    let made = &week.talk.decisions[0];
    assert_eq!(made.path, format!("/workflows/small#{}", decided.id));
    assert!(made.words.starts_with("Go on?"), "{made:?}");
    let over = &week.talk.overrides[0];
    assert_eq!(over.path, format!("/runs/{}", task.run));
    // What people wrote about a case is no matter of this page.
    let told_of = serde_json::to_string(&week).unwrap();
    assert!(!told_of.contains("SECRET"), "{told_of}");
    // The answered one is in the week it came in, with its state.
    let then = Box::pin(engine.weekly("small", Some(today(&bench).plus(-4))))
        .await
        .unwrap();
    let own = then
        .talk
        .reports
        .iter()
        .find(|r| r.path == page(&answered))
        .unwrap();
    assert_eq!((own.state.as_str(), own.open), ("not_an_error", false));
    assert!(then.talk.reports[0].overdue);

    // Each overdue one is told to its owner once, whichever node sees it first.
    let mut paths: Vec<String> = overdue.iter().map(page).collect();
    paths.sort();
    until("all four are told", || async {
        (told(&bench).await == paths).then_some(())
    })
    .await;
    later(&bench, 5 * 24 * 60).await;
    let again = slow(&bench, "SECRET again").await;
    later(&bench, 9 * 24 * 60).await;
    paths.extend([page(&fresh), page(&again)]);
    paths.sort();
    until("the later ones are told", || async {
        (told(&bench).await == paths).then_some(())
    })
    .await;
    let [one, two] = workers;
    two.shut_down(Duration::from_secs(10)).await;
    bench.end(one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_week_begins_with_feedback_that_nobody_answered() {
    Box::pin(talk(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_week_begins_with_feedback_that_nobody_answered_on_postgresql() {
    let database = Database::create().await;
    Box::pin(talk(Some(&database.url()))).await;
    database.drop().await;
}

/// A day says why people had its runs, who, and what left with them; time of reading that never passed is
/// counted.
async fn of_day(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    for event in ["d1", "d2"] {
        bench
            .fakes
            .then(Said::Text(json!({"grade": "high"}).to_string()));
        bench.receive(event).await;
        bench.task(event).await;
    }
    let task = bench.task("d1").await;
    for seen in [Some(Duration::ZERO), None, Some(Duration::from_secs(3_600))] {
        engine
            .reading(task.id, "rhea", Doing::Viewing, task.revision, seen)
            .await
            .unwrap();
    }
    let refusal = Refusal {
        reason: "wrong".into(),
        ..Refusal::default()
    };
    engine.reject(task.id, "rhea", refusal).await.unwrap();
    let run = bench.rest("d1").await.run;
    let batch = engine.batch("small", &run.batch).await.unwrap();
    let [line] = batch.reasons.as_slice() else {
        panic!("one reason and one owner: {:?}", batch.reasons);
    };
    assert_eq!(
        (line.runs, line.open),
        (2, 1),
        "decided ones count too: {line:?}"
    );
    assert!(!line.owner.is_empty());
    let model = batch
        .egress
        .iter()
        .find(|e| e.outlet.name == "model")
        .unwrap();
    assert_eq!(model.requests, Some(2), "{:?}", batch.egress);
    assert!(!model.outlet.fields.is_empty());
    assert!(
        batch.egress.iter().all(|e| e.requests != Some(0)),
        "what nothing took is left out"
    );
    let quiet = engine.batch("small", "2020-01-01").await.unwrap();
    assert!(quiet.egress.is_empty() && quiet.reasons.is_empty());
    let from = tuesday_domain::time::Timestamp::from_micros(0);
    let seen = engine
        .oversight(from, engine.now().plus(Duration::from_secs(60)))
        .await
        .unwrap();
    assert_eq!(seen.tiers[0].dropped, 2, "{:?}", seen.tiers);
    bench.end(worker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_says_why_people_had_its_runs_and_what_left() {
    Box::pin(of_day(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_says_why_people_had_its_runs_and_what_left_on_postgresql() {
    let database = Database::create().await;
    Box::pin(of_day(Some(&database.url()))).await;
    database.drop().await;
}
