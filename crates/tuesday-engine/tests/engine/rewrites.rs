//! Three prompts against one kind of error, each followed by the error: the fourth is stopped until
//! somebody else says where the fix is, or waives.

use serde_json::Value;
use tuesday_domain::eval::GateReason;
use tuesday_domain::record::{Incident, Release, ReleaseState};
use tuesday_domain::trouble::Category;
use tuesday_domain::trouble::incident::FixLayer;
use tuesday_engine::Engine;
use tuesday_engine::ops::{Closed, Looked, NewIncident};
use tuesday_store::AuditFilter;
use tuesday_testkit::Database;

use crate::bench::Bench;
use crate::releases::{FACTS, approver, by, changed, code, evaluate, pack};

const CITED: Option<&str> = Some("wrong_answer");

/// A draft whose prompt has one more word, and whatever else is changed.
async fn draft(e: &Engine, word: &str, more: &[(&str, &str, &str)]) -> Release {
    let new = format!("Grade {word} case");
    let (_, live) = e.live("small").await.unwrap();
    let text = live.package.text("prompt.md").unwrap();
    let old = text.split(" case").next().unwrap().to_owned() + " case";
    let mut pairs = vec![("prompt.md", old.as_str(), new.as_str())];
    pairs.extend(more);
    let package = changed(e, &pack(0), &pairs).await;
    e.create_release(&package, &Default::default(), CITED, &by("tove"))
        .await
        .unwrap()
}

/// Through the gate, the second person and live.
async fn goes_live(e: &Engine, row: &Release) {
    let done = evaluate(e, row.id).await;
    assert_eq!(
        done.release.state,
        ReleaseState::Passed,
        "{:?}",
        done.record.verdict.reasons
    );
    e.approve_release(row.id, "boris", "reads better")
        .await
        .unwrap();
    e.promote_release(row.id, &by("tove")).await.unwrap();
}

async fn wrong_again(e: &Engine) -> Incident {
    let new = NewIncident {
        category: Category::WrongAnswer,
        severity: None,
        workflow: Some("small".into()),
        words: "graded low, was high".into(),
        runs: Vec::new(),
    };
    e.open_incident(new, "rhea").await.unwrap()
}

async fn entries(e: &Engine, kind: &str) -> Vec<Value> {
    let filter = AuditFilter {
        kind: Some(kind.to_owned()),
        ..AuditFilter::default()
    };
    e.seal().await.unwrap();
    let all = e.reader().audit_page(&filter, None, 20).await.unwrap();
    all.into_iter()
        .map(|r| serde_json::from_slice(&r.leaf).unwrap())
        .collect()
}

async fn story(database: Option<&Database>) {
    let url = database.map(Database::url);
    let bench = Bench::on(&[FACTS], url.as_deref()).await;
    let e = &bench.engine;
    approver(&bench).await;

    // A category that no error here can have is refused with those that can.
    let package = changed(
        e,
        &pack(0),
        &[("prompt.md", "Grade case", "Grade the case")],
    )
    .await;
    let none = Default::default();
    let tove = by("tove");
    let refused = e
        .create_release(&package, &none, Some("wrong_tier"), &tove)
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code, refused.status()),
        ("unknown_category", 422),
        "{refused:?}"
    );

    // Three prompts, each followed by the error.
    let mut incidents = vec![wrong_again(e).await];
    for word in ["the", "this", "every"] {
        let row = draft(e, word, &[]).await;
        goes_live(e, &row).await;
        incidents.push(wrong_again(e).await);
    }

    // The fourth is stopped, and told which three.
    let fourth = draft(e, "each", &[]).await;
    let done = evaluate(e, fourth.id).await;
    let reasons = &done.record.verdict.reasons;
    assert_eq!(done.release.state, ReleaseState::Blocked);
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert_eq!(reasons[0].reason, GateReason::ThreeRewrites);
    for part in ["2 (live", "3 (live", "4 (live", "wrong_answer", "Look into"] {
        assert!(reasons[0].detail.contains(part), "{part}: {reasons:?}");
    }
    let refused = e.approve_release(fourth.id, "boris", "still").await;
    assert_eq!(code(refused), "gate_not_passed");

    // The same change with work in another layer passes.
    let facts = ("workflow.toml", "in ['h']", "in ['h', 'q']");
    let fifth = draft(e, "any", &[facts]).await;
    let passed = evaluate(e, fifth.id).await.release.state;
    assert_eq!(passed, ReleaseState::Passed);
    let (_, answers) = e.answers(&fifth).await.unwrap().unwrap();
    assert!(answers.layers.contains(&FixLayer::Rules), "{answers:?}");

    // Looking back on the incident, the prompt is no answer either.
    let closed = Closed {
        resolution: "put right".into(),
        case: Some("evals/golden.jsonl#came-back".into()),
        waiver: None,
    };
    let last = incidents.pop().unwrap().id;
    e.resolve_incident(last, closed, "rhea").await.unwrap();
    let looked = |layer| Looked {
        layer,
        words: "the contract was not read".into(),
        uncaught: "no case of the pack had two contracts".into(),
        without_code: Some(false),
    };
    let refused = e.review_incident(last, looked(FixLayer::Prompt), "rhea");
    let refused = refused.await.unwrap_err();
    assert_eq!(
        (refused.code, refused.status()),
        ("three_rewrites", 409),
        "{refused:?}"
    );
    e.review_incident(last, looked(FixLayer::Input), "rhea")
        .await
        .unwrap();

    // Nobody excuses their own, nobody without the right, nothing without a reason.
    for (who, layer, reason, answer) in [
        ("tove", None, "one word", "same_person_twice"),
        ("edda", None, "one word", "not_allowed"),
        ("boris", None, " ", "reason_required"),
        ("boris", Some(FixLayer::Prompt), "again", "bad_request"),
    ] {
        let refused = e.excuse_release(fourth.id, who, layer, reason).await;
        assert_eq!(code(refused), answer, "{who} {reason}");
    }
    let refused = e.excuse_release(fifth.id, "boris", None, "passed").await;
    assert_eq!(code(refused), "illegal_state");
    assert!(entries(e, "release.waived").await.is_empty());
    let again = e.excuse_release(fourth.id, "boris", None, "a typing mistake");
    assert_eq!(again.await.unwrap().state, ReleaseState::Draft);
    let told = entries(e, "release.waived").await;
    assert_eq!(told.len(), 1);
    let text = told[0].to_string();
    assert!(
        text.contains("a typing mistake") && text.contains("release 5 blocked draft"),
        "{text}"
    );
    let done = evaluate(e, fourth.id).await;
    assert_eq!(done.release.state, ReleaseState::Passed);
    let warned = done.record.verdict.warnings.join(" ");
    assert!(
        warned.contains("waived by boris: a typing mistake"),
        "{warned}"
    );

    // What else had stopped it is not excused.
    let breaks = ("workflow.toml", "title = \"Small\"", "title = \"Smaller\"");
    let mut seventh = changed(e, &pack(0), &[breaks]).await;
    let cases = seventh.files.get_mut("evals/golden.jsonl").unwrap();
    *cases = cases.replacen("\"route\":\"auto\"", "\"route\":\"manual\"", 1);
    let prompt = seventh.files.get_mut("prompt.md").unwrap();
    prompt.push_str("\nAnswer with one word.\n");
    let seventh = e.create_release(&seventh, &none, CITED, &tove).await;
    let seventh = seventh.unwrap();
    let blocked = evaluate(e, seventh.id).await.record.verdict.reasons;
    assert!(blocked.len() > 1, "{blocked:?}");
    let refused = e.excuse_release(seventh.id, "boris", None, "typing").await;
    assert_eq!(code(refused), "illegal_state");
    // Classing one before it is evaluated is enough.
    let eighth = draft(e, "one", &[]).await;
    let layer = Some(FixLayer::Input);
    let classed = e.excuse_release(eighth.id, "boris", layer, "the contract is read now");
    assert_eq!(classed.await.unwrap().state, ReleaseState::Draft);
    assert_eq!(entries(e, "release.classed").await.len(), 1);
    let passed = evaluate(e, eighth.id).await.release.state;
    assert_eq!(passed, ReleaseState::Passed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fourth_rewrite_of_a_prompt_is_stopped() {
    Box::pin(story(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fourth_rewrite_of_a_prompt_is_stopped_postgres() {
    let db = Database::create().await;
    Box::pin(story(Some(&db))).await;
    db.drop().await;
}
