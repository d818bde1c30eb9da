//! What keeps a label honest in daily work: training that is renewed, the old way that stays retired, the last ten
//! runs, signs that are answered, contracts that end.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::charter::{Sign, Statement};
use tuesday_domain::record::{Duty, DutyKind, DutyState, Incident};
use tuesday_domain::trouble::Category;
use tuesday_engine::ops::{Answered, PostedSignal, SignView};
use tuesday_engine::{Engine, Worker};
use tuesday_store::{DutyFilter, IncidentFilter};
use tuesday_testkit::{Database, until};

use crate::bench::Bench;
use crate::trouble::later;

const DAY_US: i64 = 86_400_000_000;

fn person(handle: &str) -> Actor {
    Actor::Person(handle.into())
}

async fn retraining(engine: &Engine) -> Vec<Duty> {
    let filter = DutyFilter {
        workflow: Some("small".into()),
        ..DutyFilter::default()
    };
    let all = engine.reader().duties(&filter, None, 100).await.unwrap();
    let own = all.into_iter();
    own.filter(|d| d.kind == DutyKind::Retraining).collect()
}

async fn state_of(engine: &Engine, who: &str) -> (&'static str, Option<String>) {
    let view = engine.training("small").await.unwrap();
    let found = view.people.into_iter().find(|p| p.person == who).unwrap();
    (found.state, found.renew_until)
}

async fn renewed(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    for who in ["boris", "edda"] {
        let said = engine.record_training("small", who, "rhea").await;
        said.unwrap();
    }
    engine.look_at_training().await.unwrap();
    assert!(retraining(engine).await.is_empty(), "nothing changed");
    let view = engine.training("small").await.unwrap();
    let boris = view.people.iter().find(|p| p.person == "boris").unwrap();
    assert_eq!((boris.state, boris.how), ("current", Some("word")));
    assert_eq!(boris.by.as_deref(), Some("rhea"));
    assert_eq!(boris.roles, ["operator_owner"]);
    assert_eq!(boris.tiers, ["desk"]);
    assert!(boris.at.is_some());
    assert_eq!(state_of(engine, "rhea").await.0, "none");
    assert!(
        view.people.iter().all(|p| p.person != "tove"),
        "decides nothing"
    );

    // A question more on the list: both practise again, and who never did is not asked to renew.
    bench.checklist(&["The tier is the customer's"]).await;
    engine.look_at_training().await.unwrap();
    let other = bench.another("two").await;
    other.look_at_training().await.unwrap();
    let owed = retraining(engine).await;
    let mut people: Vec<&str> = owed.iter().map(|d| d.owner.as_str()).collect();
    people.sort_unstable();
    assert_eq!(people, ["boris", "edda"], "each once: {owed:?}");
    assert!(
        owed[0].reason.contains("changed with release 2"),
        "{owed:?}"
    );
    let (state, until) = state_of(engine, "boris").await;
    assert_eq!(state, "renew");
    assert!(until.is_some());
    let word = engine.answer_duty(owed[0].id, Answered::Reason, "I know it", "boris");
    assert_eq!(word.await.unwrap_err().code, "illegal_state");

    engine
        .record_training("small", "boris", "rhea")
        .await
        .unwrap();
    let left = engine
        .set_active("edda", false, "left", &person("ada"))
        .await;
    left.unwrap();
    engine.look_at_training().await.unwrap();
    let done = retraining(engine).await;
    assert!(done.iter().all(|d| d.state == DutyState::Done), "{done:?}");
    assert_eq!(state_of(engine, "boris").await, ("current", None));

    // Another change asks again, also who came back.
    let back = engine
        .set_active("edda", true, "back", &person("ada"))
        .await;
    back.unwrap();
    bench
        .checklist(&["The tier is the customer's", "No refund is promised"])
        .await;
    engine.look_at_training().await.unwrap();
    let again = retraining(engine).await.into_iter();
    let mut open: Vec<_> = again
        .filter(|d| d.state == DutyState::Open)
        .map(|d| d.owner)
        .collect();
    open.sort();
    assert_eq!(open, ["boris", "edda"]);
}

#[tokio::test]
async fn a_change_of_what_is_asked_in_review_asks_for_training_again_on_sqlite() {
    Box::pin(renewed(None)).await;
}

#[tokio::test]
async fn a_change_of_what_is_asked_in_review_asks_for_training_again_on_postgres() {
    let database = Database::create().await;
    Box::pin(renewed(Some(&database.url()))).await;
    database.drop().await;
}

/// State and words of the item about the old way.
async fn old_way(engine: &Engine) -> (&'static str, String) {
    let view = engine.charter("small").await.unwrap();
    let sheet = view.sheets.into_iter().find(|s| s.sheet == "checklist");
    let mut items = sheet.unwrap().items.into_iter();
    let one = items.find(|i| i.item == "manual_path_retired").unwrap();
    (one.state, one.words)
}

async fn by_hand(engine: &Engine, event: &str) {
    let new = PostedSignal {
        event: Some(event.to_owned()),
        kind: "old_path".into(),
        run: None,
        record: None,
        wrong: true,
        count: 1,
        at: None,
    };
    engine
        .post_signal("small", new, &person("rhea"))
        .await
        .unwrap();
}

async fn fallback(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    let day = |n: i64| engine.clock().set_offset(n * DAY_US);
    let (state, words) = old_way(engine).await;
    assert_eq!(state, "missing", "nothing could be seen: {words}");
    engine
        .state_charter("small", "old_path_signal", "old_path", "rhea")
        .await
        .unwrap();
    assert_eq!(old_way(engine).await.0, "claimed");
    day(15);
    assert_eq!(old_way(engine).await.0, "verified");

    let declare = async |on: bool| {
        let by = person("rhea");
        let set = engine.manual_fallback("small", on, &by, "a drill");
        set.await.unwrap();
    };
    declare(true).await;
    // Saying it twice begins no second use.
    declare(true).await;
    day(16);
    by_hand(engine, "in the drill").await;
    let (state, words) = old_way(engine).await;
    assert_eq!(state, "verified", "while it lasts: {words}");
    day(17);
    declare(false).await;
    day(18);
    let (state, words) = old_way(engine).await;
    assert_eq!(state, "verified", "{words}");
    assert_eq!(words, "no `old_path` for 14 days outside declared fallback");
    let kept = engine.reader().charter_facts("small").await.unwrap();
    let uses = kept
        .iter()
        .filter(|f| f.statement == Statement::FallbackUse);
    assert_eq!(uses.count(), 1, "one use, with its end");

    by_hand(engine, "after it").await;
    day(19);
    let (state, words) = old_way(engine).await;
    assert_eq!(state, "lapsed", "{words}");
    assert!(words.contains("outside declared fallback"), "{words}");
    // What was used before the declaration is not excused by it.
    declare(true).await;
    assert_eq!(old_way(engine).await.0, "lapsed");
}

#[tokio::test]
async fn declared_fallback_is_no_use_of_the_old_way_on_sqlite() {
    Box::pin(fallback(None)).await;
}

#[tokio::test]
async fn declared_fallback_is_no_use_of_the_old_way_on_postgres() {
    let database = Database::create().await;
    Box::pin(fallback(Some(&database.url()))).await;
    database.drop().await;
}

async fn sign(engine: &Engine, word: &str) -> SignView {
    let view = engine.charter("small").await.unwrap();
    view.signs.into_iter().find(|s| s.sign == word).unwrap()
}

async fn asked(database: Option<&str>) {
    let bench = Bench::on(&[], database).await;
    let engine = &bench.engine;
    let open = sign(engine, "error_handling").await;
    assert_eq!((open.source, open.production), ("open", false));
    let vague = engine.answer_sign("small", Sign::ErrorHandling, "production", "rhea");
    assert_eq!(vague.await.unwrap_err().code, "charter_refused");
    let text = "production: the desk gets each of them";
    engine
        .answer_sign("small", Sign::ErrorHandling, text, "rhea")
        .await
        .unwrap();
    let said = sign(engine, "error_handling").await;
    assert_eq!((said.source, said.production), ("answered", true));
    let answer = said.answer.unwrap();
    assert_eq!(
        (answer.like, answer.words.as_str(), answer.by.as_str()),
        ("production", "the desk gets each of them", "rhea")
    );
    assert!(!answer.at.is_empty() && !said.contradicted);

    // The rules are as they came: that is on record, whatever anybody says.
    let text = "production: their owners change them";
    engine
        .answer_sign("small", Sign::RuleChanges, text, "rhea")
        .await
        .unwrap();
    let rules = sign(engine, "rule_changes").await;
    assert!(rules.contradicted, "{rules:?}");
    assert_eq!((rules.source, rules.production), ("seen", false));
}

#[tokio::test]
async fn answers_are_kept_and_contradicted_by_live_settings_on_sqlite() {
    Box::pin(asked(None)).await;
}

#[tokio::test]
async fn answers_are_kept_and_contradicted_by_live_settings_on_postgres() {
    let database = Database::create().await;
    Box::pin(asked(Some(&database.url()))).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_be_told_puts_the_label_at_risk() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let worker = Worker::start(engine);
    for n in 0..10 {
        bench.receive(&format!("r{n}")).await;
    }
    for n in 0..10 {
        bench.rest(&format!("r{n}")).await;
    }
    let risk = async || {
        let row = engine.reader().workflow("small").await.unwrap().unwrap();
        let own = engine.label_at_risk(&row).await.unwrap();
        let view = engine.charter("small").await.unwrap().label.at_risk;
        assert_eq!(own.is_some(), view.is_some());
        own.map(|r| r.words)
    };
    engine.look_at_last_ten().await.unwrap();
    assert_eq!(risk().await, None);
    let spoilt = bench.rest("r4").await.run;
    let sql = format!(
        "UPDATE payloads SET bytes = x'' WHERE n = 1 AND hex(run_id) = '{}'",
        spoilt.id.uuid().simple().to_string().to_uppercase()
    );
    assert_eq!(bench.raw(&sql), 1);
    engine.look_at_last_ten().await.unwrap();
    engine.look_at_last_ten().await.unwrap();
    let words = risk().await.unwrap();
    assert!(words.starts_with("still pilot: 1 of 10"), "{words}");
    assert!(words.contains(&spoilt.id.to_string()), "{words}");
    let kept = engine
        .reader()
        .charter_history("small", 0, 50)
        .await
        .unwrap();
    let found = kept.iter().filter(|f| f.statement == Statement::LastTen);
    assert_eq!(found.count(), 2, "each finding once");
    until("the owner hears of it", || async {
        let told = bench.fakes.told();
        let is = |m: &tuesday_domain::port::Message| {
            m.name == "Rhea Lind" && m.title.contains("label production at risk")
        };
        told.iter().any(is).then_some(())
    })
    .await;
    // Ten others that can be told, and it is not any more.
    for n in 10..20 {
        bench.receive(&format!("r{n}")).await;
    }
    for n in 10..20 {
        bench.rest(&format!("r{n}")).await;
    }
    engine.look_at_last_ten().await.unwrap();
    assert_eq!(risk().await, None);
    worker.shut_down(Duration::from_secs(10)).await;
}

async fn contracts(bench: &Bench) -> Vec<Incident> {
    let filter = IncidentFilter {
        category: Some(Category::ContractEnding),
        ..IncidentFilter::default()
    };
    let all = bench.engine.reader().incidents(&filter, None, 9).await;
    all.unwrap()
}

fn vendor(day: &str) -> String {
    format!(
        "[[vendor]]\nname = \"Acme\"\nprovides = \"the model\"\ncontract_ends = \"{day}\"\nowner = \"tove\"\n[[trigger]]"
    )
}

async fn ending(database: Option<&str>) {
    let now = tuesday_engine::Clock::System.now();
    let day = |days: u64| now.plus(Duration::from_secs(days * 86_400)).rfc3339()[..10].to_owned();
    let bench = Bench::on(&[("[[trigger]]", &vendor(&day(65)))], database).await;
    let worker = Worker::start(&bench.engine);
    bench.receive("works").await;
    bench.rest("works").await;
    assert!(contracts(&bench).await.is_empty(), "there is time");
    later(&bench, 7 * 1_440).await;
    let found = until("the end of the contract is told", || async {
        contracts(&bench).await.into_iter().next()
    })
    .await;
    assert_eq!(found.key, "contract_ending:small Acme");
    let lines = bench
        .engine
        .reader()
        .incident_entries(found.id)
        .await
        .unwrap();
    let words = lines
        .iter()
        .map(|l| l.words.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    for part in ["Acme", &day(65), "the model", "tove"] {
        assert!(words.contains(part), "{part} in {words}");
    }
    until("somebody is told", || async {
        let told = bench.fakes.told();
        let is = |m: &tuesday_domain::port::Message| m.title.contains("A vendor's contract ends");
        told.iter().any(is).then_some(())
    })
    .await;
    assert_eq!(contracts(&bench).await.len(), 1, "once");
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_contract_is_told_sixty_days_before_on_sqlite() {
    Box::pin(ending(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_contract_is_told_sixty_days_before_on_postgres() {
    let database = Database::create().await;
    Box::pin(ending(Some(&database.url()))).await;
    database.drop().await;
}
