//! Workflows-to-be: who may answer, two who save at once, the order, and what goes on into the charter.

use std::time::Duration;

use tuesday_domain::access::{Rights, Role};
use tuesday_domain::actor::Actor;
use tuesday_domain::charter::Statement;
use tuesday_domain::charter::quiz::Group;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Candidate, CharterFact, Grant, Person};
use tuesday_engine::ops::{AnswerWish, CandidateView, Carried, InstallOptions, Reader};
use tuesday_engine::{Engine, Worker};
use tuesday_store::AuditFilter;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

/// Answers with which nothing is in the way.
const GOOD: [(&str, &str); 15] = [
    ("friction_hours", "12.5"),
    ("cases", "60"),
    ("maintenance_budget", "400 EUR"),
    ("owner", "Rhea Lind"),
    ("technical", "Samir Haddad"),
    ("review_hours", "3"),
    ("trigger", "event"),
    ("destination", "writes: Desk"),
    ("when_wrong", "undo: an hour"),
    ("inputs", "fields: CRM"),
    ("old_cases", "300"),
    (
        "ninety_day_metric",
        "override_rate at most 10 by 2099-02-28",
    ),
    ("data", "without"),
    ("before_after_map", "before: 9 steps; after: 4 steps"),
    ("asked", "asked: the amount comes first"),
];

fn said(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |t: &str| t.to_owned();
    pairs.iter().map(|(q, a)| (own(q), own(a))).collect()
}

/// Who asks, with what they may do now.
struct Who(Actor, Rights);

impl Who {
    async fn is(engine: &Engine, person: &str) -> Self {
        Self(
            Actor::Person(person.into()),
            engine.rights(person).await.unwrap(),
        )
    }

    fn reads(&self) -> Reader<'_> {
        Reader {
            who: &self.0,
            rights: &self.1,
        }
    }
}

async fn answer(
    engine: &Engine,
    person: &str,
    name: &str,
    seen: Option<u32>,
    pairs: &[(&str, &str)],
) -> Result<Candidate, Problem> {
    let who = Who::is(engine, person).await;
    let wish = AnswerWish {
        seen,
        title: None,
        answers: said(pairs),
    };
    Box::pin(engine.answer_candidate(name, wish, &who.reads())).await
}

async fn view(engine: &Engine, person: &str, name: &str) -> Result<CandidateView, Problem> {
    let who = Who::is(engine, person).await;
    Box::pin(engine.candidate(name, &who.reads())).await
}

async fn order(engine: &Engine, person: &str) -> Vec<(usize, String, Group)> {
    let who = Who::is(engine, person).await;
    let ranking = Box::pin(engine.ranking(&who.reads())).await.unwrap();
    let each = ranking.candidates.into_iter();
    each.map(|c| (c.place, c.name, c.group)).collect()
}

async fn carry(engine: &Engine, person: &str, name: &str) -> Result<Carried, Problem> {
    let who = Who::is(engine, person).await;
    Box::pin(engine.carry_candidate(name, &who.reads())).await
}

async fn facts(engine: &Engine, name: &str) -> Vec<CharterFact> {
    engine.reader().charter_facts(name).await.unwrap()
}

/// Somebody who holds this role for the instance.
async fn held(engine: &Engine, handle: &str, role: Role) {
    let by = Actor::Person("ada".into());
    let person = Person {
        handle: handle.into(),
        name: handle.into(),
        email: format!("{handle}@example.com"),
        active: true,
    };
    engine.invite(person, "for the test", &by).await.unwrap();
    let grant = Grant::new(handle, role, None);
    engine.grant(grant, "for the test", &by).await.unwrap();
}

/// The newest sealed entry of this kind, as it stands in the log.
async fn logged(engine: &Engine, kind: &str, holds: &str) -> serde_json::Value {
    until(&format!("{kind} is in the log"), || async {
        let filter = AuditFilter::default();
        let page = engine.reader().audit_page(&filter, None, 500);
        let page = page.await.unwrap();
        let mut own = page.iter().filter(|l| l.kind == kind);
        let found = own.find(|l| String::from_utf8_lossy(&l.leaf).contains(holds))?;
        serde_json::from_slice(&found.leaf).ok()
    })
    .await
}

async fn answered(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let e = &bench.engine;
    let _worker = Worker::start(e);
    held(e, "sponsor", Role::ExecutiveSponsor).await;
    held(e, "looker", Role::Reviewer).await;

    // The owner of one workflow puts another one forward; whoever only reads does not.
    let first = answer(
        e,
        "rhea",
        "invoices",
        Some(0),
        &[("friction_hours", "12,5")],
    )
    .await
    .unwrap();
    assert_eq!((first.version, first.title.as_str()), (1, "invoices"));
    let refused = answer(e, "looker", "contracts", Some(0), &[])
        .await
        .unwrap_err();
    assert_eq!(refused.code, "not_allowed");
    logged(e, "access.refused", "contracts").await;

    // Theirs, those with a role for the instance, and nobody else's.
    for (person, reads) in [
        ("rhea", true),
        ("sponsor", true),
        ("looker", true),
        ("tove", false),
    ] {
        assert_eq!(view(e, person, "invoices").await.is_ok(), reads, "{person}");
        assert_eq!(order(e, person).await.len(), usize::from(reads), "{person}");
    }
    let other = answer(e, "tove", "invoices", Some(1), &[("cases", "9")])
        .await
        .unwrap_err();
    assert_eq!(other.code, "not_allowed", "put forward by somebody else");

    // Two who read version 1 save at once: the second hears it, and loses nothing.
    answer(
        e,
        "sponsor",
        "invoices",
        Some(1),
        &[("maintenance_budget", "400 EUR")],
    )
    .await
    .unwrap();
    let late = answer(e, "rhea", "invoices", Some(1), &[("owner", "Dana")])
        .await
        .unwrap_err();
    assert_eq!(
        (late.code, late.more["version"].as_u64()),
        ("revision_moved", Some(2))
    );
    let both = answer(e, "rhea", "invoices", Some(2), &[("owner", "Dana")])
        .await
        .unwrap();
    assert_eq!(both.version, 3);
    let seen = view(e, "rhea", "invoices").await.unwrap();
    let by = |q: &str| {
        let found = seen.questions.iter().find(|x| x.question == q).unwrap();
        (found.value.clone().unwrap(), found.by.clone().unwrap())
    };
    let own = |v: &str, b: &str| (v.to_owned(), b.to_owned());
    assert_eq!(by("friction_hours"), own("12.5", "rhea"));
    assert_eq!(by("maintenance_budget"), own("400 EUR", "sponsor"));
    assert_eq!(by("owner"), own("Dana", "rhea"));
    let same = answer(e, "sponsor", "invoices", None, &[("owner", "Dana")])
        .await
        .unwrap();
    assert_eq!(same.version, 3, "the same again changes nothing");

    // A blank is a blocker, and is kept as nothing.
    answer(e, "rhea", "invoices", None, &[("owner", "TBD")])
        .await
        .unwrap();
    let seen = view(e, "rhea", "invoices").await.unwrap();
    let owner = seen
        .line
        .blockers
        .iter()
        .find(|b| b.question == "owner")
        .unwrap();
    assert!(
        owner.unsaid && owner.path == "/readiness/invoices#owner",
        "{owner:?}"
    );
    assert_eq!(
        (
            seen.line.net,
            seen.line.net_words.as_str(),
            seen.line.standing
        ),
        (None, "not known", "missing")
    );

    // Every fault is named; nothing of such a form is kept.
    let bad = [
        ("cases", "many"),
        ("owner", "Edda"),
        ("inputs", "fields"),
        ("color", "red"),
    ];
    let bad = answer(e, "rhea", "invoices", None, &bad).await.unwrap_err();
    let fields: Vec<&str> = bad.errors.iter().map(|f| f.field.as_str()).collect();
    assert_eq!(
        (bad.code, bad.field.as_deref()),
        ("bad_request", Some("cases"))
    );
    assert_eq!(fields, ["cases", "inputs", "color"]);
    let seen = view(e, "rhea", "invoices").await.unwrap();
    assert_eq!((seen.line.answered, seen.line.version), (2, 4));
    for name in ["Invoices", "", "a b"] {
        let refused = answer(e, "rhea", name, None, &[]).await.unwrap_err();
        assert_eq!(refused.field.as_deref(), Some("name"), "{name}");
    }
    let told = logged(e, "candidate.answered", "\"version\":4").await;
    assert_eq!(
        told["facts"]["answers"],
        serde_json::json!(["owner: blank"])
    );
    assert_eq!(told["actor"], "person:rhea");
}

async fn ranked(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let e = &bench.engine;
    let _worker = Worker::start(e);
    for (name, changed) in [
        ("b-clear", None),
        ("a-clear", None),
        ("more-hours", Some(("friction_hours", "40"))),
        ("remembered", Some(("trigger", "person"))),
        ("unknown", Some(("review_hours", ""))),
    ] {
        let mut pairs = GOOD;
        if let Some((question, text)) = changed {
            pairs
                .iter_mut()
                .filter(|p| p.0 == question)
                .for_each(|p| p.1 = text);
        }
        answer(e, "rhea", name, Some(0), &pairs).await.unwrap();
    }
    answer(e, "rhea", "bare", Some(0), &[]).await.unwrap();
    let wanted = [
        (1, "more-hours", Group::Clear),
        (2, "a-clear", Group::Clear),
        (3, "b-clear", Group::Clear),
        (4, "remembered", Group::Few),
        (5, "unknown", Group::Few),
        (6, "bare", Group::NotYet),
    ];
    let wanted: Vec<_> = wanted
        .into_iter()
        .map(|(p, n, g)| (p, n.to_owned(), g))
        .collect();
    assert_eq!(order(e, "rhea").await, wanted);
    assert!(order(e, "tove").await.is_empty());

    // The metric's day passes: what was clear is in the way, on every candidate alike.
    answer(
        e,
        "rhea",
        "a-clear",
        None,
        &[(
            "ninety_day_metric",
            "override_rate at most 10 by 2099-01-01",
        )],
    )
    .await
    .unwrap();
    let years = i64::try_from(Duration::from_secs(74 * 366 * 86_400).as_micros()).unwrap();
    e.clock().set_offset(years);
    let late = view(e, "rhea", "a-clear").await.unwrap();
    let words: Vec<&str> = late
        .line
        .blockers
        .iter()
        .map(|b| b.words.as_str())
        .collect();
    assert_eq!(words, ["the metric's day is over: 2099-01-01"]);
    e.clock().set_offset(0);

    // Dropped: gone from the order with its answers; whoever still has it open cannot bring them back.
    let who = Who::is(e, "rhea").await;
    let stale = e
        .drop_candidate("bare", Some(9), &who.reads())
        .await
        .unwrap_err();
    assert_eq!(stale.code, "revision_moved");
    let other = Who::is(e, "tove").await;
    let refused = e
        .drop_candidate("bare", None, &other.reads())
        .await
        .unwrap_err();
    assert_eq!(refused.code, "not_found");
    e.drop_candidate("unknown", Some(1), &who.reads())
        .await
        .unwrap();
    assert_eq!(order(e, "rhea").await.len(), 5);
    assert_eq!(
        view(e, "rhea", "unknown").await.unwrap_err().code,
        "not_found"
    );
    let late = answer(e, "rhea", "unknown", Some(1), &[("cases", "4")])
        .await
        .unwrap_err();
    assert_eq!(late.code, "revision_moved");
    let again = answer(e, "rhea", "unknown", Some(0), &[("cases", "4")])
        .await
        .unwrap();
    assert_eq!(again.version, 3);
    assert_eq!(view(e, "rhea", "unknown").await.unwrap().line.answered, 1);
    logged(e, "candidate.dropped", "unknown").await;
}

async fn carried(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let e = &bench.engine;
    let _worker = Worker::start(e);
    held(e, "sponsor", Role::ExecutiveSponsor).await;
    // Signs charters elsewhere alone, and put this one forward.
    answer(e, "boris", "second", Some(0), &GOOD).await.unwrap();
    let more = [
        ("friction_hours", "20"),
        ("before_after_map", "before: 3 steps; after: 5 steps"),
    ];
    answer(e, "sponsor", "second", None, &more).await.unwrap();
    held(e, "gone", Role::OperatorOwner).await;
    answer(
        e,
        "gone",
        "second",
        None,
        &[("maintenance_budget", "900 EUR")],
    )
    .await
    .unwrap();
    e.set_active("gone", false, "left", &Actor::Person("ada".into()))
        .await
        .unwrap();

    let before = e.reader().notices_of("rhea", 99).await.unwrap().len();
    let package = bench.named("second");
    let by = Actor::Person("rhea".into());
    e.install(&package, InstallOptions::default(), &by)
        .await
        .unwrap();
    let there = facts(e, "second").await;
    let told: Vec<_> = there
        .iter()
        .map(|f| (f.statement, f.value.as_str(), f.by.as_str()))
        .collect();
    // Boris may sign: the package names him as backup. Who left signs nothing.
    assert_eq!(
        told,
        [
            (Statement::FrictionHours, "20", "sponsor"),
            (
                Statement::NinetyDayMetric,
                "override_rate at most 10 by 2099-02-28",
                "boris"
            ),
            (
                Statement::BeforeAfterMap,
                "before: 3 steps; after: 5 steps",
                "sponsor"
            ),
        ]
    );
    let notices = e.reader().notices_of("rhea", 99).await.unwrap();
    assert!(notices.iter().any(|n| n.kind == "more_steps") && notices.len() > before);
    let entry = logged(e, "release.installed", "from_quiz").await;
    let list = entry["facts"]["from_quiz"].as_array().unwrap();
    assert!(list.contains(&"friction_hours=20".into()), "{entry}");
    // What was carried counts as what somebody says, through the same evidence as any statement.
    let charter = Box::pin(e.charter("second")).await.unwrap();
    let sheet = charter
        .sheets
        .iter()
        .find(|s| s.sheet == "charter")
        .unwrap();
    let hours = sheet
        .items
        .iter()
        .find(|i| i.field == Some("friction_hours"))
        .unwrap();
    assert_eq!(
        (hours.state, hours.words.as_str()),
        ("claimed", "20 hours a week")
    );

    // Beside the package and the charter.
    let seen = view(e, "sponsor", "second").await.unwrap();
    let stands = |q: &str| {
        let found = seen.questions.iter().find(|x| x.question == q).unwrap();
        found.beside.as_ref().map(|b| (b.place, b.stands))
    };
    assert_eq!(stands("owner"), Some(("package", "same")));
    assert_eq!(stands("technical"), Some(("package", "differs")));
    // A first name that is also a handle, with another family name, is somebody else.
    let other = [("owner", "Rhea Vogt")];
    answer(e, "sponsor", "second", None, &other).await.unwrap();
    let now = view(e, "sponsor", "second").await.unwrap();
    let owner = now
        .questions
        .iter()
        .find(|q| q.question == "owner")
        .unwrap();
    assert_eq!(owner.beside.as_ref().unwrap().stands, "differs");
    assert_eq!(stands("trigger"), Some(("package", "differs")));
    assert_eq!(stands("destination"), Some(("package", "same")));
    assert_eq!(stands("inputs"), Some(("package", "same")));
    assert_eq!(stands("friction_hours"), Some(("charter", "same")));
    assert_eq!(stands("maintenance_budget"), Some(("charter", "not_yet")));
    assert_eq!(stands("cases"), None);
    assert!(seen.may_carry && seen.line.installed);

    // Later: only what the charter does not have, and never over what it says.
    e.state_charter("second", "friction_hours", "7", "tove")
        .await
        .unwrap();
    answer(e, "sponsor", "second", None, &[("friction_hours", "33")])
        .await
        .unwrap();
    held(e, "looker", Role::Reviewer).await;
    assert_eq!(
        carry(e, "looker", "second").await.unwrap_err().code,
        "not_allowed"
    );
    let done = carry(e, "tove", "second").await.unwrap();
    assert_eq!(done.added, [("maintenance_budget", "900 EUR".to_owned())]);
    let had: Vec<_> = done.had.iter().map(|(f, v)| (*f, v.as_str())).collect();
    assert!(
        had.contains(&("friction_hours", "7")) && had.len() == 3,
        "{had:?}"
    );
    let there = facts(e, "second").await;
    let of = |s: Statement| there.iter().find(|f| f.statement == s).unwrap();
    assert_eq!(of(Statement::FrictionHours).value, "7");
    let budget = of(Statement::MaintenanceBudget);
    assert_eq!(
        (budget.value.as_str(), budget.by.as_str()),
        ("900 EUR", "tove")
    );
    let entry = logged(e, "charter.carried", "second").await;
    assert_eq!(entry["facts"]["answered_by"], serde_json::json!(["gone"]));
    let count = e
        .reader()
        .charter_history("second", 0, 50)
        .await
        .unwrap()
        .len();
    assert!(carry(e, "tove", "second").await.unwrap().added.is_empty());
    assert_eq!(
        e.reader()
            .charter_history("second", 0, 50)
            .await
            .unwrap()
            .len(),
        count
    );

    // A release after the first one carries nothing by itself; who has no part in the workflow carries nothing.
    answer(e, "rhea", "third", Some(0), &GOOD).await.unwrap();
    assert_eq!(
        carry(e, "rhea", "third").await.unwrap_err().code,
        "unknown_workflow"
    );
    let package = bench.named("third");
    let test = InstallOptions {
        test_instance: true,
        ..InstallOptions::default()
    };
    e.install(&package, test.clone(), &by).await.unwrap();
    assert_eq!(facts(e, "third").await.len(), 4);
    e.state_charter("third", "maintenance_budget", "TBD", "rhea")
        .await
        .unwrap();
    let mut next = bench.named("third");
    let prompt = (
        "prompt.md".to_owned(),
        "Grade the case {{ input.id }}.".to_owned(),
    );
    next.files.insert(prompt.0, prompt.1);
    e.install(&next, test, &by).await.unwrap();
    let there = facts(e, "third").await;
    let budget = there
        .iter()
        .find(|f| f.statement == Statement::MaintenanceBudget);
    assert_eq!(budget.unwrap().value, "", "taken back stays taken back");
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_are_answered_by_those_who_may_on_sqlite() {
    Box::pin(answered(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_are_answered_by_those_who_may_on_postgres() {
    let database = Database::create().await;
    Box::pin(answered(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_have_an_order_and_can_be_dropped_on_sqlite() {
    Box::pin(ranked(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_have_an_order_and_can_be_dropped_on_postgres() {
    let database = Database::create().await;
    Box::pin(ranked(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_carry_into_the_charter_and_never_over_it_on_sqlite() {
    Box::pin(carried(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_carry_into_the_charter_and_never_over_it_on_postgres() {
    let database = Database::create().await;
    Box::pin(carried(Some(&database.url()))).await;
    database.drop().await;
}
