//! The quiz on the command line: questions, answers, the ranking, and the way into the charter.

use crate::Desk;

#[test]
fn candidates_are_answered_ranked_carried_and_dropped() {
    let desk = Desk::installed();
    let none = desk.run(&["readiness", "rank"]).ok();
    assert!(
        none.out.contains("nobody has put a workflow forward"),
        "{}",
        none.out
    );
    let asked = desk.run(&["readiness", "quiz", "invoices"]).ok();
    assert!(asked.out.contains("not a candidate yet"), "{}", asked.out);
    assert!(asked.out.contains("friction_hours") && asked.out.contains("--answer"));
    let blank = desk
        .run(&["--json", "readiness", "quiz", "invoices"])
        .ok()
        .json();
    assert_eq!(blank["questions"].as_array().unwrap().len(), 15);

    let quiz = |name: &str, answers: &[&str]| {
        let mut args = vec!["readiness", "quiz", name, "--as", "ana"];
        answers.iter().for_each(|a| args.extend(["--answer", *a]));
        desk.run(&args)
    };
    let nobody = desk.run(&["readiness", "quiz", "invoices", "--answer", "cases=9"]);
    assert_eq!(nobody.code, 3, "{}", nobody.err);
    let bad = quiz("invoices", &["cases=many"]);
    assert_eq!(bad.code, 2);
    assert!(bad.err.contains("cases"), "{}", bad.err);
    assert_eq!(quiz("invoices", &["cases"]).code, 2);
    let kept = quiz(
        "invoices",
        &["friction_hours=12.5", "review_hours=3", "trigger=person"],
    )
    .ok();
    assert!(
        kept.out
            .contains("9.5 h (12.5 h today - 3 h review, as told, estimated)"),
        "{}",
        kept.out
    );
    assert!(
        kept.out.contains("somebody has to remember"),
        "{}",
        kept.out
    );
    quiz("contracts", &["friction_hours=40"]).ok();

    let ranked = desk.run(&["readiness", "rank"]).ok();
    let place = |name: &str| ranked.out.find(name).unwrap();
    assert!(
        place("invoices") < place("contracts"),
        "unknown hours last: {}",
        ranked.out
    );
    let told = desk.run(&["--json", "readiness", "rank"]).ok().json();
    assert_eq!(told["candidates"][1]["net"], serde_json::Value::Null);

    // The installed workflow is a candidate as well: only what its charter does not say is added.
    desk.run(&[
        "charter",
        "set",
        "own",
        "friction_hours",
        "5",
        "--as",
        "ana",
    ])
    .ok();
    quiz("own", &["friction_hours=9", "maintenance_budget=400 EUR"]).ok();
    let done = desk.run(&["readiness", "carry", "own", "--as", "ana"]).ok();
    assert!(
        done.out.contains("added  maintenance_budget: 400 EUR"),
        "{}",
        done.out
    );
    assert!(
        done.out.contains("stays  friction_hours: 5"),
        "{}",
        done.out
    );
    let history = desk.run(&["charter", "history", "own"]).ok();
    assert!(
        history.out.contains("maintenance_budget: 400 EUR (ana)"),
        "{}",
        history.out
    );
    assert_eq!(history.out.matches("friction_hours").count(), 1);

    desk.run(&["readiness", "drop", "contracts", "--as", "ana"])
        .ok();
    let left = desk.run(&["readiness", "rank"]).ok();
    assert!(!left.out.contains("contracts"), "{}", left.out);
    assert_ne!(
        desk.run(&["readiness", "checklist"]).code,
        0,
        "a list needs a workflow"
    );
}

/// A package that is installed under a candidate's name begins with what was said about it.
#[test]
fn a_candidate_that_is_installed_brings_its_answers() {
    let desk = Desk::installed();
    let budget = [
        "--answer",
        "friction_hours=9",
        "--answer",
        "maintenance_budget=400 EUR",
    ];
    desk.run(&[&["readiness", "quiz", "next", "--as", "ana"][..], &budget].concat())
        .ok();
    desk.run(&["init", "next"]).ok();
    desk.run(&["install", "next", "--test-instance"]).ok();
    let shown = desk.run(&["charter", "show", "next"]).ok();
    assert!(
        shown.out.contains("9 hours a week") && shown.out.contains("400 EUR"),
        "{}",
        shown.out
    );
    let quiz = desk
        .run(&["--json", "readiness", "quiz", "next"])
        .ok()
        .json();
    assert_eq!(quiz["line"]["installed"], true);
}
