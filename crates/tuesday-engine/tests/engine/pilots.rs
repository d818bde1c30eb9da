//! A pilot's evidence comes from records, its steps have an order, and going live answers fifteen questions.

use tuesday_domain::charter::Statement;
use tuesday_domain::charter::pack::{Known, PilotPart};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Choice, CostCategory};
use tuesday_domain::workflow::Label;
use tuesday_engine::ops::{Approval, PilotPack, WorkflowDecision};
use tuesday_engine::{Engine, Worker};
use tuesday_testkit::Database;
use tuesday_testkit::fakes::Said;

use crate::bench::Bench;
use crate::charter::{ready, state, stated, wish};

async fn pack(engine: &Engine) -> PilotPack {
    Box::pin(engine.pilot_pack("small")).await.unwrap()
}

fn part(pack: &PilotPack, which: PilotPart) -> (Known, String) {
    let found = pack.parts.iter().find(|p| p.part == which).unwrap();
    let words: Vec<&str> = found.lines.iter().map(|l| l.words.as_str()).collect();
    (found.known, words.join("; "))
}

async fn say(engine: &Engine, what: Statement, about: &str, text: &str) -> Result<(), Problem> {
    let said = engine.say_of_pilot("small", (what, about), text, "rhea");
    Box::pin(said).await.map(drop)
}

async fn proceed(engine: &Engine) -> Result<(), Problem> {
    let decision = WorkflowDecision {
        choice: Choice::Proceed,
        question: "Is it worth it?".into(),
        evidence: "the pack".into(),
        links: vec!["/workflows/small/charter".into()],
        conditions: Vec::new(),
        supersedes: None,
        reason: "a test".into(),
    };
    let decided = engine.decide_workflow("small", decision, "rhea");
    Box::pin(decided).await.map(drop)
}

async fn path_done(engine: &Engine) -> bool {
    let steps = pack(engine).await.steps;
    steps.iter().any(|s| s.step.word() == "path" && s.done)
}

async fn worked(bench: &Bench) {
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    for n in 0..11 {
        let event = format!("case-{n}");
        bench.fakes.then(Said::Text(r#"{"grade": "high"}"#.into()));
        bench.receive(&event).await;
        let task = bench.task(&event).await;
        engine
            .approve(task.id, "rhea", Approval::default())
            .await
            .unwrap();
        bench.rest(&event).await;
    }
    engine.make_figures().await.unwrap();
    worker.shut_down(std::time::Duration::from_secs(10)).await;
}

async fn yields(database: Option<&str>) {
    let bench = ready(database).await;
    let engine = &bench.engine;
    let empty = pack(engine).await;
    assert!(
        empty.parts.iter().all(|p| p.known == Known::NoEvidence),
        "{:?}",
        empty.parts
    );
    assert!(empty.questions.iter().all(|q| q.known == Known::NoEvidence));
    assert_eq!(
        (
            empty.parts.len(),
            empty.questions.len(),
            empty.go_live.len()
        ),
        (7, 5, 15)
    );
    assert_eq!(empty.current, Some("question"));
    for asked in [
        "one_team",
        "read_only",
        "hidden_costs",
        "continue",
        "time_saved",
    ] {
        assert!(empty.blank.contains(&asked), "{asked}: {:?}", empty.blank);
    }
    assert!(
        !empty.blank.contains(&"owner") && !empty.blank.contains(&"pause"),
        "{:?}",
        empty.blank
    );

    // A claim is a claim, whoever says it, and is gone when it is taken back.
    say(
        engine,
        Statement::PilotClaim,
        "value",
        "saves an hour a day",
    )
    .await
    .unwrap();
    let claimed = pack(engine).await;
    assert_eq!(part(&claimed, PilotPart::Value).0, Known::Claim);
    let line = claimed.parts[0].lines.last().unwrap();
    assert_eq!(
        (line.by.as_deref(), line.known),
        (Some("rhea"), Known::Claim)
    );
    say(engine, Statement::PilotClaim, "value", "TBD")
        .await
        .unwrap();
    assert_eq!(
        part(&pack(engine).await, PilotPart::Value).0,
        Known::NoEvidence
    );
    let code = async |what, about: &str| say(engine, what, about, "x").await.unwrap_err().code;
    assert_eq!(code(Statement::PilotClaim, "vision").await, "bad_request");
    assert_eq!(code(Statement::FridayTest, "value").await, "bad_request");
    assert_eq!(code(Statement::PilotQuestion, "value").await, "bad_request");
    assert_eq!(code(Statement::HiddenCost, "no-entry").await, "not_found");
    say(
        engine,
        Statement::GoLiveAnswer,
        "one_team",
        "no: one desk uses it",
    )
    .await
    .unwrap();

    stated(engine).await;
    assert_eq!(
        pack(engine).await.current,
        Some("criteria"),
        "nobody has decided the pilot"
    );
    proceed(engine).await.unwrap();
    engine
        .set_label("small", wish(Label::Pilot), "rhea")
        .await
        .unwrap();
    engine
        .record_training("small", "rhea", "boris")
        .await
        .unwrap();
    worked(&bench).await;
    let running = pack(engine).await;
    assert_eq!(
        running.current,
        Some("conditions"),
        "what a hand starts is no real condition"
    );
    let (known, words) = part(&running, PilotPart::UserBehaviour);
    assert_eq!(known, Known::Evidence);
    assert!(words.contains("used 11 as they stood"), "{words}");
    assert_eq!(part(&running, PilotPart::Risk).0, Known::Evidence);
    assert_eq!(
        part(&running, PilotPart::Value).0,
        Known::NoEvidence,
        "no time of people was measured"
    );
    let realistic = running
        .questions
        .iter()
        .find(|q| q.asks == "realistic")
        .unwrap();
    assert_eq!(realistic.known, Known::NoEvidence, "{}", realistic.words);

    // A decision to proceed closes nothing while a step before it is open; an exception has a reason and
    // stands under a name.
    engine.clock().set_offset(1_000_000);
    proceed(engine).await.unwrap();
    assert!(!path_done(engine).await, "two steps are jumped over");
    say(
        engine,
        Statement::StepException,
        "conditions",
        "the trigger comes next month",
    )
    .await
    .unwrap();
    assert!(!path_done(engine).await, "one step is jumped over");
    assert_eq!(pack(engine).await.current, Some("evidence"));
    say(
        engine,
        Statement::StepException,
        "evidence",
        "the baseline is being measured",
    )
    .await
    .unwrap();
    assert!(path_done(engine).await);
    let decided = pack(engine).await;
    assert_eq!(decided.current, Some("operate"));
    let step = decided
        .steps
        .iter()
        .find(|s| s.step.word() == "conditions")
        .unwrap();
    assert_eq!(
        step.excused.as_deref(),
        Some("the trigger comes next month (rhea)")
    );
    assert!(!decided.blank.contains(&"continue") && !decided.blank.contains(&"one_team"));

    hidden_cost(engine).await;
    state(
        engine,
        "pilot_criteria",
        "at most 30 % overrides over 200 cases",
    )
    .await;
    assert_eq!(
        pack(engine).await.pilot.changed_after_start,
        ["pilot_criteria"]
    );
}

/// A cost of the ledger that nobody had planned; taken back, it is somebody's word.
async fn hidden_cost(engine: &Engine) {
    let day = engine.now().rfc3339().chars().take(10).collect::<String>();
    let typed = tuesday_domain::ledger::entry::Typed {
        category: "infrastructure",
        workflow: "small",
        from: &day,
        to: &day,
        amount: "300",
        currency: "EUR",
        words: "nightly export",
        ..tuesday_domain::ledger::entry::Typed::default()
    };
    let entry = engine
        .enter_cost(typed.read().unwrap(), "rhea")
        .await
        .unwrap();
    assert_eq!(entry.category, CostCategory::Infrastructure);
    let id = entry.id.to_string();
    say(
        engine,
        Statement::HiddenCost,
        &id,
        "nobody had planned the export",
    )
    .await
    .unwrap();
    let shown = pack(engine).await;
    let (known, words) = part(&shown, PilotPart::Cost);
    assert_eq!(known, Known::Evidence);
    assert!(
        words.contains("Hidden cost of 300.00 EUR: nobody had planned the export"),
        "{words}"
    );
    assert!(!shown.blank.contains(&"hidden_costs"));
    engine
        .reverse_cost(entry.id, "entered twice", "rhea")
        .await
        .unwrap();
    let shown = pack(engine).await;
    let cost = shown
        .parts
        .iter()
        .find(|p| p.part == PilotPart::Cost)
        .unwrap();
    let line = cost
        .lines
        .iter()
        .find(|l| l.words.starts_with("Hidden cost"))
        .unwrap();
    assert_eq!(
        (line.known, line.by.as_deref()),
        (Known::Claim, Some("rhea"))
    );
}

fn mistakes(pack: &PilotPack) -> Vec<&'static str> {
    pack.mistakes.iter().map(|m| m.mistake).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn six_common_mistakes_are_found_and_the_third_undecided_pilot_is_told() {
    let bench = ready(None).await;
    let engine = &bench.engine;
    say(engine, Statement::PilotClaim, "value", "everybody loves it")
        .await
        .unwrap();
    let seeded = pack(engine).await;
    let wanted = [
        "excitement",
        "no_ownership",
        "easy_examples",
        "review_capacity",
        "too_quickly",
        "no_pause_rules",
    ];
    assert_eq!(mistakes(&seeded), wanted, "{:?}", seeded.mistakes);
    say(engine, Statement::PilotClaim, "value", "")
        .await
        .unwrap();
    assert_eq!(mistakes(&pack(engine).await), wanted[1..]);

    stated(engine).await;
    engine
        .set_label("small", wish(Label::Pilot), "rhea")
        .await
        .unwrap();
    let told = || async {
        let all = engine.reader().notices_of("sam", 50).await.unwrap();
        all.into_iter()
            .filter(|n| n.title.contains("without a decision"))
            .count()
    };
    for (n, wanted) in [(1, 0), (2, 1)] {
        engine.clock().set_offset(n * 1_000_000);
        let again = WorkflowDecision {
            choice: Choice::AnotherPilot,
            question: "Once more?".into(),
            evidence: "the pack".into(),
            links: vec!["/workflows/small/charter".into()],
            conditions: Vec::new(),
            supersedes: None,
            reason: "too few cases".into(),
        };
        engine
            .decide_workflow("small", again, "rhea")
            .await
            .unwrap();
        assert_eq!(told().await, wanted, "pilot {}", n + 1);
    }
    assert!(pack(engine).await.trap.unwrap().contains("pilot 3"));
    engine.clock().set_offset(3_000_000);
    let narrow = WorkflowDecision {
        choice: Choice::Narrow,
        question: "For whom?".into(),
        evidence: "the pack".into(),
        links: vec!["/workflows/small/charter".into()],
        conditions: Vec::new(),
        supersedes: None,
        reason: "one desk only".into(),
    };
    engine
        .decide_workflow("small", narrow, "rhea")
        .await
        .unwrap();
    assert_eq!(pack(engine).await.trap, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pilot_yields_its_evidence_and_keeps_its_order_on_sqlite() {
    Box::pin(yields(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pilot_yields_its_evidence_and_keeps_its_order_on_postgres() {
    let database = Database::create().await;
    Box::pin(yields(Some(&database.url()))).await;
    database.drop().await;
}
