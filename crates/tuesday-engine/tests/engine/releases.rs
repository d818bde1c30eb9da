//! A prompt is edited without approval, and then on the proper path: draft, gate, second person, live,
//! and back. Judged by the calls that reached the model.

use std::time::Duration;

use serde_json::{Value, json};
use tuesday_domain::access::Role;
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::Package;
use tuesday_domain::eval::{GateReason, Standing};
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Grant, Release, ReleaseState};
use tuesday_domain::run::Status;
use tuesday_domain::trouble::Category;
use tuesday_engine::ops::release::{Evaluated, Evaluation};
use tuesday_engine::ops::{Incoming, IncomingAuth};
use tuesday_engine::{Engine, Worker};
use tuesday_store::IncidentFilter;
use tuesday_testkit::{Database, until};

use crate::bench::Bench;

/// High grades only for the cases named so: the fake model itself always says `low`.
pub(crate) const FACTS: (&str, &str) = (
    "grade = \"output.grade\"\n[review]",
    "grade = \"'high' if input.id in ['h'] else output.grade\"\n[review]",
);

fn case(name: &str, kind: &str, id: &str, sources: &Value, expect: &Value) -> String {
    json!({"name": name, "kind": kind, "input": {"id": id}, "sources": sources, "expect": expect})
        .to_string()
}

pub(crate) fn pack(more: usize) -> String {
    let rec = |age: &str, tier: &str| json!({"id": "1", "tier": tier, "updated_at": age});
    let good = json!({"crm": rec("@-1h", "gold"), "contract": null});
    let auto = json!({"route": "auto", "output": {"grade": "low"}});
    let person = json!({"route": "review", "tier": "desk", "row": "r2"});
    let mut lines = vec![
        case("plain", "happy", "1", &good, &auto),
        case("one-letter", "edge", "x", &good, &auto),
        case(
            "too-long",
            "adversarial",
            &"9".repeat(41),
            &good,
            &json!({"intake": "refused"}),
        ),
        case("came-back", "regression", "reg", &good, &auto),
        case("not-ours", "refusal", "h", &good, &person),
        case("important", "escalation", "h", &good, &person),
        case("unclear", "uncertainty", "h", &good, &person),
        case(
            "old",
            "stale",
            "1",
            &json!({"crm": rec("@-40d", "gold")}),
            &json!({"reason": "stale_source"}),
        ),
        case(
            "two-tiers",
            "conflicting",
            "1",
            &json!({"crm": rec("@-1h", "gold"), "contract": rec("@-1h", "silver")}),
            &json!({"reason": "conflicting_sources"}),
        ),
        case(
            "gone",
            "missing",
            "1",
            &json!({}),
            &json!({"status": "waiting_input"}),
        ),
        case(
            "hidden",
            "restricted",
            "1",
            &good,
            &json!({"route": "auto", "unseen": ["SECRET"]}),
        ),
    ];
    lines.extend(
        (0..more).map(|i| case(&format!("more-{i}"), "edge", &format!("m{i}"), &good, &auto)),
    );
    lines.join("\n")
}

/// The live release's package with a pack and with changes.
pub(crate) async fn changed(engine: &Engine, pack: &str, pairs: &[(&str, &str, &str)]) -> Package {
    let (_, live) = engine.live("small").await.unwrap();
    let mut package = live.package.clone();
    package
        .files
        .insert("evals/golden.jsonl".into(), pack.to_owned());
    for (file, old, new) in pairs {
        let text = package.files.get_mut(*file).unwrap();
        assert!(text.contains(old), "{old}");
        *text = text.replacen(old, new, 1);
    }
    package
}

pub(crate) fn by(handle: &str) -> Actor {
    Actor::Person(handle.to_owned())
}

/// Boris may approve releases.
pub(crate) async fn approver(bench: &Bench) {
    let grant = Grant::new("boris", Role::ReleaseApprover, Some("small".into()));
    bench
        .engine
        .grant(grant, "approves releases", &by("ada"))
        .await
        .unwrap();
}

pub(crate) async fn create(engine: &Engine, package: &Package) -> Release {
    engine
        .create_release(package, &Default::default(), None, &by("tove"))
        .await
        .unwrap()
}

pub(crate) async fn evaluate(engine: &Engine, id: ReleaseId) -> Evaluated {
    let how = Evaluation {
        repeats: 1,
        at_once: 4,
        progress: &|_, _| {},
    };
    engine.evaluate_release(id, how, &by("tove")).await.unwrap()
}

pub(crate) fn code<T>(result: Result<T, Problem>) -> &'static str {
    result.map_or_else(|p| p.code, |_| "accepted")
}

/// Replaces a text in stored bytes behind the product's back, in each dialect.
fn edited(database: bool, table: &str, column: &str, old: &str, new: &str) -> String {
    let value = if database {
        format!("convert_to(replace(convert_from({column}, 'UTF8'), '{old}', '{new}'), 'UTF8')")
    } else {
        format!("CAST(replace(CAST({column} AS TEXT), '{old}', '{new}') AS BLOB)")
    };
    format!("UPDATE {table} SET {column} = {value} WHERE {column} IS NOT NULL")
}

async fn raw(bench: &Bench, database: Option<&Database>, sql: &str) {
    match database {
        Some(db) => db.raw(sql).await,
        None => {
            bench.raw(sql);
        }
    }
}

async fn story(database: Option<&Database>) {
    let url = database.map(Database::url);
    let bench = Bench::on(&[FACTS], url.as_deref()).await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;
    approver(&bench).await;

    // A release that breaks a regression case: nothing lets it through.
    let breaks = changed(
        e,
        &pack(0),
        &[("workflow.toml", "in ['h']", "in ['h', 'reg']")],
    )
    .await;
    let r2 = create(e, &breaks).await;
    assert_eq!((r2.number, r2.state), (2, ReleaseState::Draft));
    assert_eq!(
        code(e.approve_release(r2.id, "boris", "looks fine").await),
        "gate_not_passed"
    );
    let done = evaluate(e, r2.id).await;
    assert_eq!(done.release.state, ReleaseState::Blocked);
    let reasons: Vec<_> = done
        .record
        .verdict
        .reasons
        .iter()
        .map(|r| r.reason)
        .collect();
    assert!(
        reasons.contains(&GateReason::RegressionBroken),
        "{reasons:?}"
    );
    let compared = done.record.evidence.compared.unwrap();
    assert_eq!((compared.paired.broken, compared.paired.fixed), (1, 0));
    assert_eq!(compared.standing, Standing::CannotTell);
    assert_eq!(
        code(e.approve_release(r2.id, "boris", "please").await),
        "gate_not_passed"
    );
    assert_eq!(
        code(e.promote_release(r2.id, &by("tove")).await),
        "gate_not_passed"
    );

    // The proper path.
    let prompt = ("prompt.md", "Grade case", "Grade the case");
    let r3 = create(e, &changed(e, &pack(0), &[prompt]).await).await;
    let done = evaluate(e, r3.id).await;
    assert_eq!(
        done.release.state,
        ReleaseState::Passed,
        "{:?}",
        done.record.verdict
    );
    assert_eq!(
        code(e.promote_release(r3.id, &by("tove")).await),
        "gate_not_passed"
    );
    assert_eq!(
        code(e.approve_release(r3.id, "tove", "mine").await),
        "same_person_twice"
    );
    assert_eq!(
        code(e.approve_release(r3.id, "edda", "no role").await),
        "not_allowed"
    );
    assert_eq!(
        code(e.approve_release(r3.id, "boris", " ").await),
        "reason_required"
    );
    // Evidence that was changed counts for nothing.
    for (old, new, answer) in [
        ("\"passed\":true", "\"passed\": true", "gate_not_passed"),
        ("\"passed\": true", "\"passed\":true", "accepted"),
    ] {
        let sql = edited(database.is_some(), "release_gates", "judged", old, new);
        raw(&bench, database, &sql).await;
        if answer == "gate_not_passed" {
            assert_eq!(
                code(e.approve_release(r3.id, "boris", "reads better").await),
                answer
            );
            let faults = e.verify_releases(None).await.unwrap();
            assert_eq!((faults.len(), faults[0].code), (1, "evidence_changed"));
        }
    }
    let approved = e
        .approve_release(r3.id, "boris", "reads better")
        .await
        .unwrap();
    assert_eq!(approved.state, ReleaseState::Approved);
    let live = e.promote_release(r3.id, &by("tove")).await.unwrap();
    assert_eq!(live.release.state, ReleaseState::Live);
    assert_eq!(
        code(e.promote_release(r3.id, &by("tove")).await),
        "gate_not_passed"
    );
    bench.receive("a").await;
    let run = bench.rest("a").await.run;
    assert_eq!((run.release, run.state.status), (r3.id, Status::Completed));
    let told = e.reader().notices_of("boris", 50).await.unwrap();
    assert!(told.iter().any(|n| n.kind == "release_live"), "{told:?}");

    // The row is changed in the database: no model call is made with it.
    assert!(e.verify_releases(None).await.unwrap().is_empty());
    let sql = edited(
        database.is_some(),
        "releases",
        "bundle",
        "Grade the case",
        "Always say low",
    );
    raw(&bench, database, &sql).await;
    let faults = e.verify_releases(Some("small")).await.unwrap();
    assert_eq!((faults.len(), faults[0].code), (1, "release_hash_mismatch"));
    until("the node forgets the changed text", || async {
        e.loaded(r3.id).await.is_err().then_some(())
    })
    .await;
    let calls = bench.fakes.calls();
    let incoming = Incoming {
        event_id: None,
        body: json!({"id": "b"}).to_string().into_bytes(),
        auth: IncomingAuth::Person("rhea".into()),
        reference: None,
    };
    let refused = e.receive("small", incoming).await.unwrap_err();
    assert!(
        refused.detail.contains("does not match its hash"),
        "{refused:?}"
    );
    assert_eq!(bench.fakes.calls(), calls);

    let found = until("an incident names it", || async {
        let filter = IncidentFilter {
            category: Some(Category::ReleaseFault),
            ..IncidentFilter::default()
        };
        let all = e.reader().incidents(&filter, None, 5).await.unwrap();
        all.into_iter().next()
    })
    .await;
    assert!(
        found.workflow.as_deref() == Some("small") && !found.owner.is_empty(),
        "{found:?}"
    );

    // Back in one act.
    let back = e
        .roll_back_release("small", None, &by("tove"), "the text was changed")
        .await
        .unwrap();
    assert_eq!((back.number, back.state), (1, ReleaseState::Live));
    bench.receive("c").await;
    let run = bench.rest("c").await.run;
    assert_eq!(
        (run.release, run.state.status),
        (back.id, Status::Completed)
    );
    assert_eq!(
        code(e.promote_release(r3.id, &by("tove")).await),
        "gate_not_passed"
    );
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_edited_without_approval() {
    Box::pin(story(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_edited_without_approval_postgres() {
    let db = Database::create().await;
    Box::pin(story(Some(&db))).await;
    db.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_evaluation_never_passes_and_goes_on() {
    let bench = Bench::on(&[FACTS], None).await;
    let e = bench.engine.clone();
    let r2 = create(&e, &changed(&e, &pack(150), &[]).await).await;
    bench.fakes.close_gate();
    let (engine, id) = (e.clone(), r2.id);
    let runner = tokio::spawn(async move { evaluate(&engine, id).await.reused });
    bench.fakes.open_gate(260);
    until("a part of the results is stored", || async {
        e.reader().eval_part(id, 0).await.unwrap().map(drop)
    })
    .await;
    runner.abort();
    let _ = runner.await;
    assert_eq!(
        e.release_row(id).await.unwrap().state,
        ReleaseState::Evaluating
    );
    approver(&bench).await;
    assert_eq!(
        code(e.approve_release(id, "boris", "x").await),
        "gate_not_passed"
    );
    bench.fakes.open_gate(10_000);
    let done = evaluate(&e, id).await;
    assert!(done.reused >= 100, "{}", done.reused);
    assert_eq!(
        done.release.state,
        ReleaseState::Passed,
        "{:?}",
        done.record.verdict
    );
    assert_eq!(done.record.evidence.summary.cases.of, 161);
}

/// A release that sends one field more than the live one waits for somebody who answers for that.
#[tokio::test(flavor = "multi_thread")]
async fn what_reaches_further_is_cleared_before_it_is_approved() {
    let bench = Bench::on(&[FACTS], None).await;
    let engine = &bench.engine;
    approver(&bench).await;
    let more = [
        (
            "workflow.toml",
            "grade = \"output.grade\"\n[manual]",
            "grade = \"output.grade\"\ntier = \"crm.tier\"\n[manual]",
        ),
        (
            "workflow.toml",
            "https://desk.example.com/notes",
            "https://other.example.com/notes",
        ),
    ];
    let wider = create(engine, &changed(engine, &pack(0), &more).await).await;
    assert!(evaluate(engine, wider.id).await.record.verdict.passed);
    assert_eq!(
        engine.widens(&wider).await.unwrap(),
        [
            "destination note is at other.example.com now",
            "destination note is sent crm.tier"
        ]
    );
    let approve = || engine.approve_release(wider.id, "boris", "looks right");
    let refused = approve().await.unwrap_err();
    assert_eq!((refused.code, refused.status()), ("clearance_needed", 409));
    assert_eq!(
        refused.more["widens"][1],
        "destination note is sent crm.tier"
    );

    let clear =
        |person: &'static str| engine.clear_release(wider.id, person, "agreed with privacy");
    assert_eq!(code(clear("tove").await), "same_person_twice");
    assert_eq!(code(clear("boris").await), "not_allowed");
    let grant = Grant::new("edda", Role::SecurityApprover, Some("small".into()));
    engine
        .grant(grant, "answers for data", &by("ada"))
        .await
        .unwrap();
    clear("edda").await.unwrap();
    assert_eq!(approve().await.unwrap().state, ReleaseState::Approved);

    // A class that is lowered lets more people see a field, wherever it already goes.
    let lower = [(
        "workflow.toml",
        "class = \"internal\"",
        "class = \"public\"",
    )];
    let lower = create(engine, &changed(engine, &pack(0), &lower).await).await;
    assert_eq!(
        engine.widens(&lower).await.unwrap(),
        ["source crm was internal and is public"]
    );

    // A text alone reaches no further.
    let text = [("prompt.md", "", "Be brief. ")];
    let same = create(engine, &changed(engine, &pack(0), &text).await).await;
    assert_eq!(engine.widens(&same).await.unwrap(), [""; 0]);

    // What guarded the live one is not given up by its author alone.
    engine.promote_release(wider.id, &by("tove")).await.unwrap();
    let all = pack(0);
    let fewer: Vec<&str> = all.lines().filter(|l| !l.contains("came-back")).collect();
    let fewer = create(engine, &changed(engine, &fewer.join("\n"), &[]).await).await;
    assert_eq!(
        engine.widens(&fewer).await.unwrap(),
        ["the regression case came-back is gone"]
    );
}

/// What a model was trained to is part of the release: changed behind the product's back it is found.
async fn trained(database: Option<&Database>) {
    let url = database.map(Database::url);
    let bench = Bench::on(&[FACTS], url.as_deref()).await;
    let worker = Worker::start(&bench.engine);
    let e = &bench.engine;
    approver(&bench).await;
    let pairs = [(
        "workflow.toml",
        "pin = \"fake-1\"",
        "pin = \"fake-1\"\nexamples = \"examples.jsonl\"",
    )];
    let mut package = changed(e, &pack(0), &pairs).await;
    package.files.insert(
        "examples.jsonl".into(),
        "{\"id\":\"1\",\"label\":\"low\"}\n".into(),
    );
    let row = create(e, &package).await;
    let texts = package.release_hash(&Default::default());
    assert_ne!(row.hash, texts, "the trained model counts");
    assert_eq!(
        create(e, &package).await.id,
        row.id,
        "the same content again"
    );
    let done = evaluate(e, row.id).await;
    assert_eq!(
        done.release.state,
        ReleaseState::Passed,
        "{:?}",
        done.record.verdict
    );
    e.approve_release(row.id, "boris", "learns").await.unwrap();
    e.promote_release(row.id, &by("tove")).await.unwrap();
    assert_eq!(create(e, &package).await.id, row.id, "it is live");
    assert!(e.verify_releases(None).await.unwrap().is_empty());

    let sql = edited(database.is_some(), "releases", "artifact", "low", "top");
    raw(&bench, database, &sql).await;
    let faults = e.verify_releases(Some("small")).await.unwrap();
    assert_eq!((faults.len(), faults[0].code), (1, "release_hash_mismatch"));
    assert!(faults[0].detail.contains("trained model"), "{faults:?}");
    until("the node forgets the changed model", || async {
        e.loaded(row.id).await.is_err().then_some(())
    })
    .await;
    until("an incident names it", || async {
        let filter = IncidentFilter {
            category: Some(Category::ReleaseFault),
            ..IncidentFilter::default()
        };
        let all = e.reader().incidents(&filter, None, 5).await.unwrap();
        (!all.is_empty()).then_some(())
    })
    .await;
    worker.shut_down(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_model_is_another_release() {
    Box::pin(trained(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_model_is_another_release_on_postgresql() {
    let database = Database::create().await;
    Box::pin(trained(Some(&database))).await;
    database.drop().await;
}
