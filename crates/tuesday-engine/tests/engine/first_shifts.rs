//! A fixed queue of twenty, decided alone after the training: who may take it, what passes, and what counts.

use std::collections::BTreeSet;

use serde_json::Value;
use tuesday_domain::charter::first_shift::{FirstShiftState, ShiftCase};
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{CharterView, ShiftProgress};
use tuesday_engine::{Engine, Worker};
use tuesday_store::AuditFilter;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

/// A pack of so many cases with an answer, and two that nobody should approve.
fn evals(known: u32) -> String {
    let golden = (0..known).map(|n| {
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

async fn code<T: std::fmt::Debug>(said: impl Future<Output = Result<T, Problem>>) -> &'static str {
    Box::pin(said).await.unwrap_err().code
}

/// The person passes the practice; answers the names of its cases.
async fn practised(engine: &Engine, person: &str) -> BTreeSet<String> {
    let practice = engine.practice("small", person).await.unwrap();
    let right: Vec<(u32, bool)> = practice
        .cases
        .iter()
        .map(|c| (c.number, c.approve))
        .collect();
    let done = engine.answer_practice("small", practice.attempt, &right, person);
    assert!(done.await.unwrap().passed);
    practice.cases.into_iter().map(|c| c.name).collect()
}

/// Starts a shift; answers its cases with what is right.
async fn begin(engine: &Engine, person: &str) -> Vec<ShiftCase> {
    let shift = Box::pin(engine.start_first_shift("small", person));
    serde_json::from_str(&shift.await.unwrap().cases).unwrap()
}

/// Decisions on the cases, of which the first `wrong` are wrong.
fn decisions(cases: &[ShiftCase], wrong: usize) -> Vec<(u32, bool)> {
    let all = cases.iter().enumerate();
    all.map(|(i, c)| (c.number, c.approve != (i < wrong)))
        .collect()
}

async fn decided(
    engine: &Engine,
    answers: &[(u32, bool)],
    help: Option<&str>,
    person: &str,
) -> ShiftProgress {
    let done = engine.answer_first_shift("small", answers, help, person);
    Box::pin(done).await.unwrap()
}

/// Starts a shift and decides all of it; answers how it ended and in what words.
async fn whole(
    engine: &Engine,
    person: &str,
    wrong: usize,
    help: &str,
) -> (FirstShiftState, String) {
    let cases = begin(engine, person).await;
    let done = decided(engine, &decisions(&cases, wrong), Some(help), person).await;
    (done.state, done.report.unwrap().words())
}

/// What the person who builds it does to it: states a field of its charter.
async fn act(engine: &Engine, value: &str) {
    let done = engine.state_charter("small", "friction_hours", value, "tove");
    Box::pin(done).await.unwrap();
}

/// How the training stands in the checklist, and what the training page says of the person's shift.
async fn told(engine: &Engine, person: &str) -> (&'static str, String, Option<String>) {
    let item = |v: &CharterView| {
        let sheet = v.sheets.iter().find(|s| s.sheet == "checklist").unwrap();
        let item = sheet.items.iter().find(|i| i.item == "training").unwrap();
        (item.state, item.words.clone())
    };
    let (state, words) = item(&engine.charter("small").await.unwrap());
    let view = engine.training("small").await.unwrap();
    let row = view.people.into_iter().find(|p| p.person == person);
    (state, words, row.unwrap().first_shift)
}

/// The newest sealed entry of this kind, as it stands in the log.
async fn logged(engine: &Engine, kind: &str) -> Value {
    until(&format!("{kind} is in the log"), || async {
        let filter = AuditFilter::default();
        let page = engine.reader().audit_page(&filter, None, 500);
        let page = page.await.unwrap();
        let found = page.iter().find(|l| l.kind == kind)?;
        serde_json::from_slice(&found.leaf).ok()
    })
    .await
}

async fn shifts(database: Option<&str>) {
    let bench = Bench::with_files(&[], &[("evals/golden.jsonl", &evals(40))], database).await;
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    // The order matters: who builds it is refused whatever else they may.
    assert_eq!(
        code(engine.start_first_shift("small", "tove")).await,
        "own_word"
    );
    assert_eq!(
        code(engine.start_first_shift("small", "nobody")).await,
        "not_allowed"
    );
    let early = Box::pin(engine.start_first_shift("small", "boris")).await;
    let early = early.unwrap_err();
    assert_eq!(early.code, "training_needed");
    assert_eq!(early.more["practice"], "/workflows/small/practice");
    let none = engine.answer_first_shift("small", &[(1, true)], None, "boris");
    assert_eq!(code(none).await, "not_found");
    let before = told(engine, "boris").await;
    assert!(!before.1.contains("first shift") && before.2.is_none());

    // An act before the beginning is no help.
    act(engine, "11").await;
    let seen = practised(engine, "boris").await;
    let trained = told(engine, "boris").await.0;
    let cases = begin(engine, "boris").await;
    assert_eq!(cases.len(), 20);
    let again: Vec<&ShiftCase> = cases.iter().filter(|c| seen.contains(&c.name)).collect();
    // Forty cases with an answer are enough for others than those of the practice.
    assert!(again.is_empty(), "{again:?}");
    assert_eq!(
        code(engine.start_first_shift("small", "boris")).await,
        "illegal_state"
    );
    let view = engine.first_shift("small", "boris").await.unwrap();
    let shown = serde_json::to_string(&view).unwrap();
    assert!(!shown.contains("approve\"") && !shown.contains("why"));
    let others = engine.first_shift("small", "rhea").await.unwrap();
    assert!(others.open.is_none() && others.running == ["boris"]);

    // Case by case; a decision stands, and the last one asks whether somebody helped.
    let all = decisions(&cases, 0);
    let (first, rest) = all.split_at(5);
    let done = decided(engine, first, None, "boris").await;
    assert_eq!((done.state, done.left), (FirstShiftState::Running, 15));
    assert!(done.report.is_none() && done.cases.is_empty());
    let turned = [(first[0].0, !first[0].1)];
    let turned = engine.answer_first_shift("small", &turned, None, "boris");
    assert_eq!(code(turned).await, "revision_moved");
    let none = engine.answer_first_shift("small", &[(21, true)], None, "boris");
    assert_eq!(code(none).await, "bad_request");
    let silent = engine.answer_first_shift("small", rest, None, "boris");
    assert_eq!(code(silent).await, "bad_request");
    let done = decided(engine, rest, Some("nobody"), "boris").await;
    assert_eq!(done.state, FirstShiftState::Passed, "{:?}", done.report);
    assert_eq!(done.cases.len(), 20);
    let (state, words, row) = told(engine, "boris").await;
    assert_eq!(state, trained, "it opens and closes nothing");
    assert!(
        words.contains("first shift: boris passed: 20 of 20 right"),
        "{words}"
    );
    assert!(row.unwrap().starts_with("passed: 20 of 20 right"));
    let entry = logged(engine, "first_shift.passed").await;
    let fact = |name: &str| entry["facts"][name].clone();
    assert_eq!(
        (fact("right"), fact("of"), fact("counted"), fact("why")),
        (20.into(), 20.into(), true.into(), "".into()),
        "{entry}"
    );
    let view = engine.first_shift("small", "rhea").await.unwrap();
    assert!(view.tests[0].cases.is_empty(), "only who took it is told");

    // Nineteen are enough, eighteen are not.
    assert_eq!(
        whole(engine, "boris", 1, "nobody").await.0,
        FirstShiftState::Passed
    );
    let (state, words) = whole(engine, "boris", 2, "nobody").await;
    assert_eq!(state, FirstShiftState::Failed);
    assert!(words.starts_with("18 of 20 right"), "{words}");
    helped(engine).await;
    bench.end(worker).await;
}

/// Help of any kind: by one's own word, and by what who builds it did meanwhile.
async fn helped(engine: &Engine) {
    let (state, words) = whole(engine, "boris", 0, "rhea").await;
    assert_eq!(state, FirstShiftState::NotCounted);
    assert!(words.contains("rhea helped"), "{words}");

    let cases = begin(engine, "boris").await;
    let all = decisions(&cases, 0);
    let (first, rest) = all.split_at(10);
    decided(engine, first, None, "boris").await;
    act(engine, "12").await;
    let done = decided(engine, rest, Some("nobody"), "boris").await;
    assert_eq!(done.state, FirstShiftState::NotCounted);
    let report = done.report.unwrap();
    assert_eq!((report.right, report.counted), (20, false));
    assert!(
        report.words().contains("tove: charter.stated"),
        "{}",
        report.words()
    );
    assert_eq!(report.words().matches("charter.stated").count(), 1);
    let row = told(engine, "boris").await.2.unwrap();
    assert!(row.starts_with("not counted: 20 of 20"), "{row}");
    let entry = logged(engine, "first_shift.not_counted").await;
    assert_eq!(entry["facts"]["counted"], false);

    // What others do, and what was done before the next one, is no help of the builder.
    let cases = begin(engine, "boris").await;
    practised(engine, "rhea").await;
    let done = decided(engine, &decisions(&cases, 0), Some("nobody"), "boris").await;
    assert_eq!(done.state, FirstShiftState::Passed, "{:?}", done.report);
}

async fn too_few(database: Option<&str>) {
    let bench = Bench::with_files(&[], &[("evals/golden.jsonl", &evals(17))], database).await;
    let engine = &bench.engine;
    practised(engine, "boris").await;
    let refused = Box::pin(engine.start_first_shift("small", "boris")).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code, "first_shift_unavailable");
    assert!(refused.way_out.is_some());
    let view = engine.first_shift("small", "boris").await.unwrap();
    assert!(view.open.is_none() && view.tests.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_shift_is_decided_alone_after_the_training_on_sqlite() {
    Box::pin(shifts(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_shift_is_decided_alone_after_the_training_on_postgres() {
    let database = Database::create().await;
    Box::pin(shifts(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_of_nineteen_cases_has_no_first_shift_on_sqlite() {
    Box::pin(too_few(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_of_nineteen_cases_has_no_first_shift_on_postgres() {
    let database = Database::create().await;
    Box::pin(too_few(Some(&database.url()))).await;
    database.drop().await;
}
