//! Ownership survives people: backup, sponsor, and a pause when nobody is left. And what is decided rests on
//! something that can be opened.

use tuesday_domain::access::Role;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::{IncidentId, RunId};
use tuesday_domain::record::{Choice, Duty, DutyKind, DutyState, Grant, Person};
use tuesday_domain::trouble::Category;
use tuesday_domain::workflow::Switch;
use tuesday_engine::ops::{Answered, NewIncident, WorkflowDecision};
use tuesday_engine::{Engine, Worker};
use tuesday_store::DutyFilter;
use tuesday_testkit::fakes::Said;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

const SPONSOR: (&str, &str) = (
    "escalation = ",
    "sponsor = { handle = \"sam\", name = \"Sam Roe\", email = \"sam.roe@example.com\" }\nescalation = ",
);

fn admin() -> Actor {
    Actor::Person("ada".into())
}

async fn leaves(engine: &Engine, who: &str) {
    let off = engine.set_active(who, false, "left", &admin()).await;
    off.unwrap();
    engine.look_at_owners().await.unwrap();
}

async fn owed(engine: &Engine, kind: DutyKind) -> Vec<Duty> {
    let filter = DutyFilter {
        workflow: Some("small".into()),
        ..DutyFilter::default()
    };
    let all = engine.reader().duties(&filter, None, 100).await.unwrap();
    all.into_iter().filter(|d| d.kind == kind).collect()
}

async fn switch(engine: &Engine) -> Switch {
    let row = engine.reader().workflow("small").await.unwrap().unwrap();
    row.switch
}

/// The state and the words of an item of the checklist.
async fn item(engine: &Engine, name: &str) -> (&'static str, String) {
    let view = engine.charter("small").await.unwrap();
    let sheet = view.sheets.into_iter().find(|s| s.sheet == "checklist");
    let mut items = sheet.unwrap().items.into_iter();
    let one = items.find(|i| i.item == name).unwrap();
    (one.state, one.words)
}

/// An administrator who is no owner.
async fn administrator(engine: &Engine) {
    let person = Person {
        handle: "ada".into(),
        name: "Ada Lund".into(),
        email: "ada.lund@example.com".into(),
        active: true,
    };
    engine.invite(person, "runs it", &admin()).await.unwrap();
    let grant = Grant::new("ada", Role::Administrator, None);
    let by = Actor::System("setup");
    engine.grant(grant, "first", &by).await.unwrap();
}

async fn is_asked(bench: &Bench, incident: IncidentId, who: &str) {
    until(&format!("{who} is asked"), || async {
        let alert = bench.engine.reader().alert_of(incident).await.unwrap()?;
        (alert.person == who && !alert.state.wants_delivery()).then_some(())
    })
    .await;
}

async fn has_task(bench: &Bench, who: &str) {
    until(&format!("{who} has the task"), || async {
        (bench.task("open").await.owner == who).then_some(())
    })
    .await;
}

async fn one_after_the_other(database: Option<&str>) {
    let bench = Bench::on(&[SPONSOR], database).await;
    let engine = &bench.engine;
    administrator(engine).await;
    let worker = Worker::start(engine);
    bench.fakes.then(Said::Text(r#"{"grade": "high"}"#.into()));
    bench.receive("open").await;
    let task = bench.task("open").await;
    assert_eq!(task.owner, "rhea");
    let new = NewIncident {
        category: Category::WrongAnswer,
        severity: None,
        workflow: Some("small".into()),
        words: "the grade is wrong".into(),
        runs: Vec::new(),
    };
    let incident = engine.open_incident(new, "edda").await.unwrap();
    let asked = |who| is_asked(&bench, incident.id, who);
    let has = |who| has_task(&bench, who);
    asked("rhea").await;

    leaves(engine, "rhea").await;
    tokio::join!(has("boris"), asked("boris"));
    let (state, words) = item(engine, "operator_owner").await;
    assert_eq!(state, "lapsed", "{words}");
    let wanted = owed(engine, DutyKind::Successor).await;
    assert_eq!(wanted.len(), 1, "{wanted:?}");
    let (first, place) = (&wanted[0], wanted[0].item.as_str());
    assert_eq!(
        (first.owner.as_str(), place),
        ("sam", "operator owner: rhea")
    );
    let word = engine.answer_duty(first.id, Answered::Reason, "soon", "sam");
    assert_eq!(word.await.unwrap_err().code, "illegal_state");
    assert_eq!(switch(engine).await, Switch::Running, "the backup answers");

    leaves(engine, "boris").await;
    tokio::join!(has("sam"), asked("sam"));
    assert_eq!(switch(engine).await, Switch::Running, "the sponsor answers");
    let list = Box::pin(engine.handoffs("sam")).await.unwrap();
    let charter = list
        .items
        .iter()
        .any(|i| i.path == "/workflows/small/charter");
    assert!(
        charter,
        "what the charter lacks is the sponsor's now: {list:?}"
    );
    engine.look_at_owners().await.unwrap();
    let all = owed(engine, DutyKind::Successor).await;
    assert_eq!(all.len(), 2, "each place once: {all:?}");
    // Who has it without being able to decide it passes it on.
    let passed = engine
        .reassign(task.id, "sam", "edda", "I decide no cases", None)
        .await;
    assert_eq!(passed.unwrap().owner, "edda");

    leaves(engine, "sam").await;
    let row = engine.reader().workflow("small").await.unwrap().unwrap();
    assert_eq!(row.switch, Switch::Paused);
    let why = row.rollout.switch_reason.clone().unwrap();
    for part in [
        "nobody answers for it",
        "Rhea Lind",
        "Boris Amari",
        "Sam Roe",
    ] {
        assert!(why.contains(part), "{part} in {why}");
    }
    assert_eq!(row.rollout.switched_by.as_deref(), Some("system:owners"));
    until("the administrator is told", || async {
        let told = bench.fakes.told();
        let is = |m: &tuesday_domain::port::Message| {
            m.name == "Ada Lund" && m.title.contains("nobody answers for it")
        };
        told.iter().any(is).then_some(())
    })
    .await;
    let ada = owed(engine, DutyKind::Successor).await;
    assert!(
        ada.iter()
            .any(|d| d.owner == "ada" && d.item.starts_with("executive sponsor")),
        "{ada:?}"
    );

    // Nothing gives it back: not a person without an owner, and not the owner's return alone.
    let by = Actor::Person("tove".into());
    let resume = || engine.set_switch("small", Switch::Running, &by, "go on");
    assert_eq!(resume().await.unwrap_err().code, "nobody_answers");
    engine
        .set_active("rhea", true, "back", &admin())
        .await
        .unwrap();
    // Another service may be passing the duty on in the same moment: the next look answers it.
    let owner = until("the record answers the duty", || async {
        engine.look_at_owners().await.unwrap();
        let all = owed(engine, DutyKind::Successor).await.into_iter();
        let mut own = all.filter(|d| d.item == "operator owner: rhea");
        own.find(|d| d.state == DutyState::Done)
    })
    .await;
    let now = switch(engine).await;
    assert_eq!(now, Switch::Paused, "it waits for a person");
    assert_eq!(owner.words.as_deref(), Some("operator owner is Rhea Lind"));
    assert_eq!(resume().await.unwrap().switch, Switch::Running);
    // Left a second time, asked for a second time.
    leaves(engine, "rhea").await;
    assert_eq!(switch(engine).await, Switch::Paused);
    let again = owed(engine, DutyKind::Successor).await;
    let rhea = again.iter().filter(|d| d.item == "operator owner: rhea");
    assert_eq!(rhea.count(), 2);
    worker.shut_down(std::time::Duration::from_secs(10)).await;
    engine.seal().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_then_sponsor_then_a_pause_on_sqlite() {
    Box::pin(one_after_the_other(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_then_sponsor_then_a_pause_on_postgres() {
    let database = Database::create().await;
    Box::pin(one_after_the_other(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test]
async fn owner_and_backup_without_any_sponsor_pause_at_once_and_two_nodes_do_it_once() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let other = bench.another("two").await;
    for who in ["rhea", "boris"] {
        let off = engine.set_active(who, false, "left", &admin()).await;
        off.unwrap();
    }
    let (one, two) = tokio::join!(engine.look_at_owners(), other.look_at_owners());
    assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
    let row = engine.reader().workflow("small").await.unwrap().unwrap();
    assert_eq!(row.switch, Switch::Paused);
    let why = row.rollout.switch_reason.unwrap();
    assert!(why.contains("no sponsor is named"), "{why}");
    let all = owed(engine, DutyKind::Successor).await;
    assert_eq!(all.len(), 2, "each place once: {all:?}");
}

#[tokio::test]
async fn a_workflow_has_one_accountable_owner() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let owner = |until| Grant {
        until,
        ..Grant::new("edda", Role::OperatorOwner, Some("small".into()))
    };
    let second = engine.grant(owner(None), "helps", &admin()).await;
    let second = second.unwrap_err();
    assert_eq!((second.code, second.status()), ("second_owner", 422));
    // For a time somebody else may hold the role; the one who is named has it already.
    let day = engine.now().plus(std::time::Duration::from_secs(86_400));
    engine
        .grant(owner(Some(day)), "a holiday", &admin())
        .await
        .unwrap();
    let named = Grant::new("rhea", Role::OperatorOwner, Some("small".into()));
    engine.grant(named, "again", &admin()).await.unwrap();
    // A package with two of them is no package.
    let (_, live) = engine.live("small").await.unwrap();
    let mut two = live.package.clone();
    let text = two.files.get_mut("workflow.toml").unwrap();
    let one = text.lines().find(|l| l.starts_with("operator = ")).unwrap();
    let both =
        one.replacen("operator = ", "operator = [", 1) + ", " + &one["operator = ".len()..] + "]";
    *text = text.replacen(&one.to_owned(), &both, 1);
    let options = tuesday_engine::ops::InstallOptions {
        test_instance: true,
        ..tuesday_engine::ops::InstallOptions::default()
    };
    let refused = engine.install(&two, options, &admin()).await.unwrap_err();
    assert_eq!((refused.code, refused.status()), ("package_faulty", 422));
}

fn decision(links: &[&str]) -> WorkflowDecision {
    WorkflowDecision {
        choice: Choice::Narrow,
        question: "For whom does it go on?".into(),
        evidence: "what the case showed".into(),
        links: links.iter().map(|l| (*l).to_owned()).collect(),
        conditions: vec!["at most 50 a day".into(), " ".into()],
        reason: "refunds are too hard".into(),
        supersedes: None,
    }
}

async fn rests_on_evidence(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    bench.receive("seen").await;
    let run = bench.rest("seen").await.run.id.to_string();
    worker.shut_down(std::time::Duration::from_secs(10)).await;
    let none = RunId::new(uuid::Uuid::from_u128(1)).to_string();
    for links in [
        &[][..],
        &[" "],
        &["the figures of the week"],
        &[none.as_str()],
        &["/workflows/other/scorecard"],
        &["http://example.com/report"],
        &[run.as_str(), "javascript:alert(1)"],
    ] {
        let refused = engine
            .decide_workflow("small", decision(links), "rhea")
            .await
            .unwrap_err();
        assert_eq!(refused.code, "evidence_not_linked", "{links:?}");
        assert_eq!(refused.status(), 422);
    }
    assert!(engine.decisions_of("small", 9).await.unwrap().is_empty());

    let links = [
        run.as_str(),
        "/workflows/small/scorecard",
        "https://example.com/report/7",
    ];
    let first = engine
        .decide_workflow("small", decision(&links), "rhea")
        .await
        .unwrap();
    assert_eq!(first.links.all(), links);
    assert_eq!(first.conditions.all(), ["at most 50 a day"]);
    let instead = WorkflowDecision {
        choice: Choice::Stop,
        supersedes: Some(first.id),
        ..decision(&[&first.id.to_string()])
    };
    let second = engine
        .decide_workflow("small", instead.clone(), "rhea")
        .await
        .unwrap();
    let twice = engine.decide_workflow("small", instead, "rhea").await;
    assert_eq!(twice.unwrap_err().code, "already_decided");
    let old = engine.decision(first.id).await.unwrap();
    assert_eq!(old.record, first, "it stays as it was decided");
    assert_eq!(old.superseded_by.map(|d| d.id), Some(second.id));
    let all = engine.decisions_of("small", 9).await.unwrap();
    let shown: Vec<_> = all
        .iter()
        .map(|v| (v.record.id, v.superseded_by.as_ref().map(|d| d.id)))
        .collect();
    assert_eq!(shown, [(second.id, None), (first.id, Some(second.id))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_rests_on_what_can_be_opened_on_sqlite() {
    Box::pin(rests_on_evidence(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_rests_on_what_can_be_opened_on_postgres() {
    let database = Database::create().await;
    Box::pin(rests_on_evidence(Some(&database.url()))).await;
    database.drop().await;
}
