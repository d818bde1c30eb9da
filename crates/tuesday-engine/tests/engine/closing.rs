//! What is asked when an error is closed, what it adds up to, and what answering took.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::ledger::shown::Standing;
use tuesday_domain::record::{CostCategory, ProblemKind, ProblemReport, ProblemState};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::Category;
use tuesday_domain::trouble::incident::FixLayer;
use tuesday_engine::Engine;
use tuesday_engine::ops::{Answer, Closed, Complaint, FixTally, Looked, NewIncident};
use tuesday_store::EntryFilter;
use tuesday_testkit::Database;

use crate::bench::Bench;

async fn reported(engine: &Engine, words: &str) -> ProblemReport {
    let complaint = Complaint {
        kind: ProblemKind::Wrong,
        words: words.into(),
        run: None,
        review: None,
        record: None,
        workflow: Some("small".into()),
        reported_by: "ann@example.com".into(),
    };
    let by = Actor::Trigger("mail".into());
    engine.report_problem(complaint, &by).await.unwrap()
}

fn answer(layer: Option<FixLayer>, without_code: Option<bool>, minutes: Option<u32>) -> Answer {
    Answer {
        words: "put right".into(),
        layer,
        without_code,
        minutes,
    }
}

async fn looked_back(engine: &Engine, layer: FixLayer, without_code: bool) {
    let new = NewIncident {
        category: Category::DeliveryLate,
        severity: None,
        workflow: Some("small".into()),
        words: "it came late".into(),
        runs: Vec::new(),
    };
    let id = engine.open_incident(new, "rhea").await.unwrap().id;
    let closed = Closed {
        resolution: "sent".into(),
        ..Closed::default()
    };
    engine.resolve_incident(id, closed, "rhea").await.unwrap();
    let mut looked = Looked {
        layer,
        words: "the queue was paused".into(),
        without_code: None,
        uncaught: "no check looked at it".into(),
    };
    let refused = engine.review_incident(id, looked.clone(), "rhea").await;
    assert_eq!(refused.unwrap_err().code, "fix_not_said");
    looked.without_code = Some(without_code);
    let done = engine.review_incident(id, looked, "rhea").await.unwrap();
    assert_eq!(done.without_code, Some(without_code));
    let kept = engine.incident(id).await.unwrap();
    assert_eq!(
        (kept.fix_layer, kept.without_code),
        (Some(layer), Some(without_code))
    );
}

async fn story(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    looked_back(engine, FixLayer::Rules, true).await;
    looked_back(engine, FixLayer::Platform, false).await;

    let wrong = reported(engine, "the grade is wrong").await;
    let by_rules = answer(Some(FixLayer::Rules), Some(false), Some(25));
    let to = ProblemState::QualityIssue;
    let done = engine
        .triage(wrong.id, to, "rhea", by_rules.clone())
        .await
        .unwrap();
    let kept = engine
        .reader()
        .problem_report(wrong.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept, done);
    assert_eq!(
        (kept.fix_layer, kept.minutes),
        (Some(FixLayer::Rules), Some(25))
    );
    let twice = engine.triage(wrong.id, to, "rhea", by_rules).await;
    assert_eq!(twice.unwrap_err().code, "illegal_state");

    // What was right has no fix; its minutes count all the same.
    let right = reported(engine, "is it right").await;
    let early = engine
        .triage(
            right.id,
            ProblemState::Triaged,
            "rhea",
            answer(None, None, Some(3)),
        )
        .await;
    assert_eq!(early.unwrap_err().field.as_deref(), Some("minutes"));
    for (minutes, code) in [(0, "cost_invalid"), (1_441, "cost_invalid")] {
        let to = ProblemState::NotAnError;
        let refused = engine.triage(right.id, to, "rhea", answer(None, None, Some(minutes)));
        assert_eq!(refused.await.unwrap_err().code, code, "{minutes}");
    }
    let right = engine
        .triage(
            right.id,
            ProblemState::NotAnError,
            "rhea",
            answer(None, None, Some(5)),
        )
        .await
        .unwrap();
    assert_eq!(right.fix_layer, None);
    // An incident is asked later; one more has no minutes.
    let harm = reported(engine, "it did harm").await;
    let to = ProblemState::Incident;
    engine
        .triage(harm.id, to, "rhea", "customers saw it")
        .await
        .unwrap();

    let entries = engine.all_costs(&EntryFilter::default()).await.unwrap();
    let mut booked: Vec<_> = entries
        .iter()
        .map(|e| {
            (
                e.category,
                e.workflow.as_deref(),
                e.minutes,
                e.reference.clone(),
            )
        })
        .collect();
    booked.sort_by_key(|b| b.2);
    let small = Some("small");
    let support = CostCategory::Support;
    assert_eq!(
        booked,
        [
            (support, small, Some(5), Some(right.id.to_string())),
            (support, small, Some(25), Some(wrong.id.to_string())),
        ]
    );
    assert!(entries.iter().all(|e| e.person.as_deref() == Some("rhea")));
    fixes(engine).await;
    Box::pin(requests(engine)).await;
    Box::pin(hours(engine)).await;
}

/// Minutes of an answer are hours of a person like any others: a day has 24, whatever was entered where.
async fn hours(engine: &Engine) {
    let today = engine.asked_days(Some("small"), None, None, 1).await;
    let today = today.unwrap().to;
    let upkeep = tuesday_domain::ledger::entry::NewCost {
        category: CostCategory::Maintenance,
        workflow: Some("small".into()),
        from: today,
        to: today.plus(1),
        amount_micros: None,
        currency: None,
        // With the thirty of today a whole day of it.
        minutes: Some(2 * 1_410),
        person: Some("rhea".into()),
        vendor: None,
        bucket: None,
        words: "rules".into(),
        reference: None,
    };
    engine.enter_cost(upkeep, "tove").await.unwrap();
    let one = reported(engine, "one more question").await;
    let asked = |minutes| {
        let said = answer(None, None, Some(minutes));
        engine.triage(one.id, ProblemState::NotAnError, "rhea", said)
    };
    let refused = asked(31).await.unwrap_err();
    assert_eq!((refused.code, refused.status()), ("cost_invalid", 422));
    assert_eq!(refused.field.as_deref(), Some("minutes"));
    let kept = engine.reader().problem_report(one.id).await.unwrap();
    assert_eq!(
        kept.unwrap().state,
        ProblemState::New,
        "nothing was answered"
    );
}

/// The report by layer.
async fn fixes(engine: &Engine) {
    let now = engine.now();
    let span = (
        now.minus(Duration::from_secs(3_600)),
        now.plus(Duration::from_secs(1)),
    );
    let found = engine.fixes(Some("small"), None, span).await.unwrap();
    let lines: Vec<_> = found.layers.iter().map(|l| (l.fixed_in, l.tally)).collect();
    let tally = |incidents, reports, without_code, with_code| FixTally {
        incidents,
        reports,
        without_code,
        with_code,
        not_said: 0,
    };
    assert_eq!(
        lines,
        [
            (Some("rules"), tally(1, 1, 1, 1)),
            (Some("platform"), tally(1, 0, 0, 1)),
        ]
    );
    assert_eq!(found.total, tally(2, 1, 1, 2));
    let other = ["other".to_owned()];
    let hidden = engine.fixes(None, Some(&other), span).await.unwrap();
    assert!(
        hidden.layers.is_empty(),
        "not among what the reader may see"
    );
    let earlier = (Timestamp::from_micros(0), span.0);
    let none = engine.fixes(None, None, earlier).await.unwrap();
    assert_eq!(none.total, FixTally::default());
    let unknown = engine.fixes(Some("no-such"), None, span).await;
    assert_eq!(unknown.unwrap_err().code, "unknown_workflow");
}

/// The figures of the scorecard. The days around today are asked for, whatever the time zone says today is.
async fn requests(engine: &Engine) {
    let today = engine
        .asked_days(Some("small"), None, None, 2)
        .await
        .unwrap();
    let days = tuesday_domain::ledger::day::Days {
        from: today.from,
        to: today.to.plus(1),
    };
    let card = engine.scorecard("small", days).await.unwrap();
    let shown = |key: &str| card.figures.iter().find(|s| s.key == key).unwrap();
    assert_eq!(shown("support_requests").value, Some(3));
    let time = shown("support_time");
    assert_eq!(
        (time.value, time.standing),
        (Some(30 * 60_000), Standing::Estimated)
    );
    assert_eq!((time.low, time.high), (Some(30 * 60_000), None));
    assert_eq!(
        time.means,
        "at least: 2 of 3 answered with the minutes it took"
    );
    let page = time.records.as_deref().unwrap();
    assert!(
        page.ends_with(&format!("&from={}&to={}", days.from, days.to)),
        "{page}"
    );
    let before = engine.scorecard("small", days.before()).await.unwrap();
    let shown = |key: &str| before.figures.iter().find(|s| s.key == key).unwrap().value;
    assert_eq!(
        (shown("support_requests"), shown("support_time")),
        (Some(0), Some(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_an_error_says_where_the_next_one_is_fixed() {
    Box::pin(story(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_an_error_says_where_the_next_one_is_fixed_on_postgresql() {
    let database = Database::create().await;
    Box::pin(story(Some(&database.url()))).await;
    database.drop().await;
}
