//! Graders that ask a model: what is read, how agreement is counted, and that nothing counts unproven.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::definition::Package;
use crate::eval::{
    Agreement, Case, Comparison, Evidence, GateReason, GraderTerms, Mode, ModelGrader, Opinion,
    Outcome, Pack, PackReader, Summary, Wanted, gate, grade, grade_fixed, holds_cases,
};

const TONE: &str = r#"
version = 3
rubric = "Friendly?"
pass = ["fine"]
fail = ["poor"]
fields = ["text"]
agreement = 0.7
min_labels = 10
[model]
kind = "http"
pin = "judge-1"
url = "${at}/judge"
"#;

fn vars() -> BTreeMap<String, String> {
    BTreeMap::from([("at".to_owned(), "http://127.0.0.1:1".to_owned())])
}

fn labels(n: usize) -> String {
    let one = |i: usize| {
        let said = if i.is_multiple_of(2) { "pass" } else { "fail" };
        json!({"output": {"text": format!("t{i}")}, "said": said, "by": "pia"}).to_string()
    };
    (0..n).map(one).collect::<Vec<_>>().join("\n")
}

fn tone(labels: &str) -> Result<ModelGrader, String> {
    ModelGrader::parse("tone", TONE, labels, &vars())
}

fn said(passed: bool) -> Result<Opinion, String> {
    Ok(Opinion {
        passed,
        answer: "x".to_owned(),
        why: String::new(),
    })
}

/// What a grader comes to that answers `both pass, let through, held back, both fail` labels so.
fn measured(counts: [usize; 4]) -> (Agreement, GraderTerms) {
    let grader = tone(&labels(2)).unwrap();
    let mut found = Agreement::new(&grader);
    let (pass, fail) = (&grader.labels[0], &grader.labels[1]);
    for (label, passed, n) in [
        (pass, true, counts[0]),
        (fail, true, counts[1]),
        (pass, false, counts[2]),
        (fail, false, counts[3]),
    ] {
        for _ in 0..n {
            found.add(label, &said(passed));
        }
    }
    (found, grader.terms)
}

#[test]
fn agreement_is_counted_as_published() {
    // The textbook table 20, 5, 10, 15: observed 0.7, by chance 0.5, kappa 0.4.
    let (found, _) = measured([20, 5, 10, 15]);
    assert_eq!((found.labels, found.agreed), (50, 35));
    assert!((found.kappa.unwrap() - 0.4).abs() < 1e-12);
    assert!(
        (found.low - 0.5625).abs() < 1e-3 && (found.high - 0.8090).abs() < 1e-3,
        "{found:?}"
    );
}

#[test]
fn a_grader_counts_only_where_all_that_it_declares_is_reached() {
    let why = |counts| {
        let (found, terms) = measured(counts);
        found.short_of(&terms).unwrap_or_default()
    };
    assert_eq!(why([20, 0, 0, 20]), "");
    // All right on nine labels is too few; right on most but never against anybody is no agreement.
    assert!(
        why([5, 0, 0, 4]).contains("9 labels, at least 10"),
        "{}",
        why([5, 0, 0, 4])
    );
    let always = why([95, 5, 0, 0]);
    assert!(
        always.contains("kappa is 0.00") && !always.contains("agrees"),
        "{always}"
    );
    assert!(why([14, 4, 4, 14]).contains("agrees with people on 28 of 36"));
    // All of one kind: nothing is known beyond chance.
    assert!(why([40, 0, 0, 0]).contains("kappa is unknown"));
    // Measured as another grader, or on other labels.
    let (mut found, terms) = measured([20, 0, 0, 20]);
    found.labels_hash = "0".repeat(64);
    assert!(found.short_of(&terms).unwrap().contains("other labels"));
    // No answer is a disagreement, and figures that were changed do not help.
    let (mut found, terms) = measured([20, 0, 0, 20]);
    let grader = tone(&labels(2)).unwrap();
    for _ in 0..20 {
        found.add(&grader.labels[0], &Err("timeout".to_owned()));
    }
    (found.low, found.kappa, found.agreed) = (1.0, Some(1.0), 60);
    let why = found.short_of(&terms).unwrap();
    assert!(why.contains("40 of 60") && why.contains("timeout"), "{why}");
}

#[test]
fn what_cannot_be_trusted_is_not_read() {
    let reads = |old: &str, new: &str| {
        assert!(TONE.contains(old), "{old}");
        ModelGrader::parse("tone", &TONE.replacen(old, new, 1), &labels(12), &vars()).err()
    };
    assert_eq!(reads("version", "version"), None);
    for (old, new) in [
        ("min_labels = 10", "min_labels = 9"),
        ("agreement = 0.7", "agreement = 0.4"),
        ("agreement = 0.7", "agreement = 1.0"),
        ("agreement = 0.7", "agreement = nan"),
        ("agreement = 0.7", "agreement = 0.7\nkappa = 0.1"),
        ("[\"poor\"]", "[]"),
        ("[\"poor\"]", "[\"fine\"]"),
        ("\"judge-1\"", "\"judge-latest\""),
        ("\"http\"", "\"template\""),
        ("${at}", "${elsewhere}"),
        ("version = 3", "version = 3\nhurry = true"),
        (
            "/judge\"",
            "/judge\"\nauth = { header = \"K\", secret = \"hunter2\" }",
        ),
    ] {
        assert!(reads(old, new).is_some(), "{new}");
    }
    let twice = format!("{}\n{}", labels(3), labels(1));
    assert!(tone(&twice).unwrap_err().contains("line 4"));
    for line in [
        r#"{"output": {"text": "a"}, "said": "pass", "by": " "}"#,
        r#"{"output": {"text": "a"}, "said": "maybe", "by": "pia"}"#,
        r#"{"output": {"other": "a"}, "said": "pass", "by": "pia"}"#,
    ] {
        assert!(tone(line).is_err(), "{line}");
    }
    let grader = tone("").unwrap();
    for (text, good) in [
        (r#"{"answer": "fine", "why": "so"}"#, Some(true)),
        (r#"{"answer": "poor"}"#, Some(false)),
        (r#"{"answer": "Fine"}"#, None),
        (r#"{"answer": "fine", "answer": "poor"}"#, None),
        ("fine", None),
        ("", None),
    ] {
        assert_eq!(grader.opinion(text).ok().map(|o| o.passed), good, "{text}");
    }
    // The hash is that of what is asked: another address is another grader, another label is not.
    let other = BTreeMap::from([("at".to_owned(), "http://127.0.0.1:2".to_owned())]);
    let moved = ModelGrader::parse("tone", TONE, "", &other).unwrap();
    assert_ne!(moved.terms.hash, grader.terms.hash);
    assert_eq!(tone(&labels(3)).unwrap().terms.hash, grader.terms.hash);
    assert_ne!(
        tone(&labels(3)).unwrap().terms.labels_hash,
        grader.terms.labels_hash
    );
    assert!(!holds_cases("evals/graders/tone.labels.jsonl") && holds_cases("evals/golden.jsonl"));
}

fn case(kind: &str, expect: &Value) -> Case {
    let text = json!({"name": kind, "kind": kind, "input": {}, "expect": expect}).to_string();
    Case::parse(&text).unwrap()
}

#[test]
fn a_case_passes_by_an_opinion_only_that_is_there_and_says_so() {
    let case = case(
        "happy",
        &json!({"grade": [{"by": "model", "grader": "tone"}]}),
    );
    let mut outcome = Outcome::default();
    assert_eq!(
        grade(&case, &outcome),
        ["there is no output for grader tone"]
    );
    outcome.output = Some(json!({"text": "a"}));
    assert_eq!(grade(&case, &outcome), ["grader tone was not asked"]);
    assert!(grade_fixed(&case, &outcome).is_empty());
    for passed in [false, true] {
        outcome
            .opinions
            .insert("tone".to_owned(), said(passed).unwrap());
        assert_eq!(grade(&case, &outcome).is_empty(), passed);
    }
}

fn pack(expects: &[(&str, Value)]) -> Pack {
    let package = Package::new([
        ("evals/graders/tone.toml".to_owned(), TONE.to_owned()),
        ("evals/graders/tone.labels.jsonl".to_owned(), labels(12)),
    ]);
    let mut reader = PackReader::of(&package, &vars());
    for (kind, expect) in expects {
        let line = json!({"name": kind, "kind": kind, "input": {}, "expect": expect}).to_string();
        reader.line("evals/golden.jsonl", 1, &line);
    }
    reader.finish()
}

fn reasons_of(pack: &Pack, reason: GateReason) -> Vec<String> {
    let own = pack.faults.iter().filter(|f| f.reason == reason);
    own.map(|f| f.message.clone()).collect()
}

#[test]
fn safety_never_rests_on_a_model_alone_and_every_grader_is_there() {
    let only = json!({"grade": [{"by": "model", "grader": "tone"}]});
    let both = json!({"route": "review", "grade": [{"by": "model", "grader": "tone"}]});
    for kind in ["adversarial", "refusal", "restricted"] {
        let alone = pack(&[(kind, only.clone())]);
        assert!(
            !reasons_of(&alone, GateReason::WeakAssertion).is_empty(),
            "{kind}"
        );
        let beside = pack(&[(kind, both.clone())]);
        assert_eq!(
            reasons_of(&beside, GateReason::WeakAssertion),
            [""; 0],
            "{kind}"
        );
    }
    let good = pack(&[("happy", only)]);
    assert_eq!(reasons_of(&good, GateReason::WeakAssertion), [""; 0]);
    assert_eq!(good.graders["tone"].used, 1);
    assert_eq!(good.graders_used(), ["tone"]);
    let unknown = pack(&[(
        "happy",
        json!({"grade": [{"by": "model", "grader": "style"}]}),
    )]);
    assert!(reasons_of(&unknown, GateReason::PackUnreadable)[0].contains("style"));
}

#[test]
fn the_gate_wants_the_agreement_of_this_very_evaluation() {
    let pack = pack(&[(
        "happy",
        json!({"grade": [{"by": "model", "grader": "tone"}]}),
    )]);
    let stopped = |graders: Vec<Agreement>| {
        let compared: Option<Comparison> = None;
        let evidence = Evidence {
            v: 1,
            release_hash: String::new(),
            pack_hash: pack.hash.clone(),
            rules_hash: String::new(),
            table: None,
            model: "m-1".to_owned(),
            mode: Mode::Live,
            cached: None,
            repeats: 1,
            started_at: String::new(),
            finished_at: Some(String::new()),
            summary: Summary::default(),
            compared,
            graders,
        };
        let verdict = gate(&Wanted::default(), &[], &pack, Some(&evidence), 0);
        let mut all = verdict.reasons.into_iter();
        all.find(|r| r.reason == GateReason::GraderUnproven)
            .map(|r| r.detail)
    };
    assert!(stopped(Vec::new()).unwrap().contains("was not measured"));
    let (mut found, _) = measured([20, 0, 0, 20]);
    assert!(
        stopped(vec![found.clone()])
            .unwrap()
            .contains("other labels")
    );
    found.labels_hash = pack.graders["tone"].labels_hash.clone();
    assert_eq!(stopped(vec![found]), None);
}

#[test]
fn a_release_that_eases_a_grader_says_so() {
    let toml = include_str!("../../../../../examples/document-draft/workflow.toml");
    let with = |tone: Option<&str>, labels: &str| {
        let mut package = Package::new([("workflow.toml".to_owned(), toml.to_owned())]);
        if let Some(tone) = tone {
            let tone = tone.replace("${at}", "http://127.0.0.1:1");
            let mut put = |name: &str, text: String| package.files.insert(name.to_owned(), text);
            put("evals/graders/tone.toml", tone);
            put("evals/graders/tone.labels.jsonl", labels.to_owned());
        }
        package
    };
    let given_up = |after: &Package, before: &Package| {
        let def = |p: &Package| p.definition(&BTreeMap::new()).unwrap();
        crate::release::guards::given_up((before, &def(before)), (after, &def(after)))
    };
    let (none, full) = (with(None, ""), with(Some(TONE), &labels(12)));
    assert_eq!(given_up(&full, &full), [""; 0]);
    assert_eq!(given_up(&with(Some(TONE), &labels(14)), &full), [""; 0]);
    let eased = TONE.replacen("agreement = 0.7", "agreement = 0.6", 1);
    for (after, before, words) in [
        (&none, &full, "the grader tone is gone, or cannot be read"),
        (
            &with(Some(TONE), &labels(11)),
            &full,
            "labels of the grader tone are gone or others",
        ),
        (
            &with(Some(&eased), &labels(12)),
            &full,
            "the grader tone must agree less with people",
        ),
        (
            &full,
            &none,
            "the grader tone asks http://127.0.0.1:1/judge",
        ),
    ] {
        assert_eq!(given_up(after, before), [words]);
    }
}
