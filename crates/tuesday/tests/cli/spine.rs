//! An own package from nothing to a verified record.

use std::process::Command;

use serde_json::{Value, json};

use crate::{Desk, text};

#[test]
fn an_own_package_goes_from_nothing_to_a_verified_record() {
    let desk = Desk::new();
    desk.run(&["init", "own"]).ok();
    let check = desk.run(&["--json", "check", "own"]).ok().json();
    assert_eq!(check["errors"], 0, "{check}");
    desk.run(&["rules", "check", "own"]).ok();
    let installed = desk
        .run(&["--json", "install", "own", "--test-instance"])
        .ok()
        .json();
    assert_eq!(
        (text(&installed, "/label"), text(&installed, "/stage")),
        ("pilot".into(), "approval_first".into())
    );

    let event = std::fs::read_to_string(desk.path("own/records/sample.json")).unwrap();
    let run = desk.start("own", &event);
    assert_eq!(
        (text(&run, "/status"), text(&run, "/owner")),
        ("in_review".into(), "ana".into())
    );
    let id = text(&run, "/id");
    let again = desk.start("own", &event);
    assert_eq!(
        (text(&again, "/id"), &again["repeated"]),
        (id.clone(), &json!(true))
    );

    approved(&desk, &id);

    let story = desk.run(&["--json", "reconstruct", &id]).ok().json();
    let answers = story["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 8);
    assert!(
        answers.iter().all(|a| a["reached"] == json!(true)),
        "{story}"
    );
    assert!(
        desk.run(&["reconstruct", &id])
            .ok()
            .out
            .contains("Ana Example decided")
    );
    desk.run(&["run", "show", &id, "--inputs"]).ok();
    desk.run(&["audit", "verify"]).ok();
    exported(&desk, &id);
}

/// One task, one decision, one line in the file.
fn approved(desk: &Desk, id: &str) {
    let task = desk.task();
    assert!(
        !desk.path("tuesday-data/own.jsonl").exists(),
        "nothing is written before a person approved"
    );
    desk.run(&["review", "approve", &task]).with(3);
    desk.run(&["review", "approve", &task, "--as", "ana"])
        .with(2);
    let done = desk
        .run(&[
            "--json",
            "review",
            "approve",
            &task,
            "--as",
            "ana",
            "--all-checked",
            "--wait",
        ])
        .ok()
        .json();
    assert_eq!(text(&done, "/run/outcome"), "written_back");
    let late = desk
        .run(&[
            "--json",
            "review",
            "approve",
            &task,
            "--as",
            "ben",
            "--all-checked",
        ])
        .with(1)
        .json();
    assert_eq!(
        (text(&late, "/error/code"), text(&late, "/error/winner")),
        ("already_decided".into(), "ana".into())
    );
    let written = std::fs::read_to_string(desk.path("tuesday-data/own.jsonl")).unwrap();
    assert_eq!(written.lines().count(), 1, "{written}");
    let line: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(
        (text(&line, "/id"), text(&line, "/run")),
        ("R-1001".into(), id.to_owned())
    );
}

fn exported(desk: &Desk, run: &str) {
    let export = desk
        .run(&[
            "--json",
            "audit",
            "export",
            "--run",
            run,
            "-o",
            "run.bundle",
        ])
        .ok()
        .json();
    assert_eq!(export["sealed"], json!(true));
    assert!(export["payloads"].as_u64().unwrap() >= 4, "{export}");
    let vkey = text(&export, "/vkey");
    let report = desk
        .run(&[
            "--json",
            "audit",
            "verify-bundle",
            "run.bundle",
            "--vkey",
            &vkey,
        ])
        .ok()
        .json();
    assert_eq!(
        (&report["key_was_trusted"], &report["entries"]),
        (&json!(true), &export["entries"])
    );
    desk.run(&[
        "audit",
        "export",
        "--workflow",
        "own",
        "--no-payloads",
        "-o",
        "own.bundle",
    ])
    .ok();
    desk.run(&["audit", "export", "-o", "all.bundle"]).ok();
    for (file, expected) in [("run.bundle", 0), ("own.bundle", 0), ("all.bundle", 0)] {
        assert_eq!(stranger(desk, file, &vkey), expected, "{file}");
    }
    let damaged = std::fs::read_to_string(desk.path("run.bundle"))
        .unwrap()
        .replacen("\"index\":1", "\"index\":2", 1);
    std::fs::write(desk.path("bad.bundle"), damaged).unwrap();
    desk.run(&["audit", "verify-bundle", "bad.bundle"]).with(1);
    assert_eq!(stranger(desk, "bad.bundle", &vkey), 1);
}

/// The script of `docs/verify`, which knows nothing of this program.
fn stranger(desk: &Desk, file: &str, vkey: &str) -> i32 {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/verify/verify_bundle.py"
    );
    for (tool, arg) in [("python3", "--version"), ("openssl", "version")] {
        let there = Command::new(tool)
            .arg(arg)
            .output()
            .is_ok_and(|o| o.status.success());
        assert!(there, "this test needs {tool}: install it");
    }
    let done = Command::new("python3")
        .args([script, file, vkey])
        .current_dir(desk.dir.path())
        .output()
        .unwrap();
    done.status.code().unwrap()
}

#[test]
fn a_script_becomes_the_model_step_unchanged() {
    let desk = Desk::new();
    let script = "import json,sys\nt=json.load(sys.stdin)\nprint(json.dumps({'summary': t['facts']['input']['text'][:10], 'kind': 'question'}))\n";
    std::fs::write(desk.path("pilot.py"), script).unwrap();
    desk.run(&["init", "wrapped", "--from-script", "pilot.py"])
        .ok();
    desk.run(&["check", "wrapped"]).ok();
    desk.run(&["install", "wrapped", "--test-instance"]).ok();
    let run = desk.start("wrapped", r#"{"id":"R-7","text":"0123456789abc"}"#);
    assert_eq!(text(&run, "/status"), "in_review", "{run}");
    let case = desk
        .run(&["--json", "review", "show", &desk.task()])
        .ok()
        .json();
    assert_eq!(text(&case, "/output/summary"), "0123456789");
    assert_eq!(text(&case, "/model"), "pilot-1");
}

#[test]
fn every_template_is_a_package_that_passes_its_check() {
    let desk = Desk::new();
    for template in [
        "support-triage",
        "document-draft",
        "deal-risk",
        "reconciliation",
        "blank",
    ] {
        let name = format!("my-{template}");
        desk.run(&["init", &name, "--template", template]).ok();
        desk.run(&["check", &name]).ok();
        desk.run(&["pack", &name, "-o", "packed.json"]).ok();
        desk.run(&["check", "packed.json"]).ok();
    }
}

#[test]
fn an_edit_is_checked_and_reaches_the_file() {
    let desk = Desk::installed();
    desk.start("own", r#"{"id":"R-1","text":"Please call me"}"#);
    let task = desk.task();
    let edit = ["review", "edit", &task, "--as", "ben", "--all-checked"];
    let with = |more: &[&str]| desk.run(&[&edit, more].concat());
    with(&["--set", "nope=1"]).with(2);
    with(&["--set", "kind=novel", "--reason", "wrong_kind"]).with(2);
    with(&["--set", "kind=question"]).with(2);
    with(&["--set", "kind=question", "--reason", "no_such_reason"]).with(2);
    with(&[
        "--set",
        "kind=question",
        "--set",
        "summary=Call back",
        "--reason",
        "wrong_kind",
        "--wait",
    ])
    .ok();
    let line: Value = serde_json::from_str(
        &std::fs::read_to_string(desk.path("tuesday-data/own.jsonl")).unwrap(),
    )
    .unwrap();
    assert_eq!(
        (text(&line, "/kind"), text(&line, "/summary")),
        ("question".into(), "Call back".into())
    );
}

#[test]
fn a_day_adds_up_and_names_who_has_what() {
    let desk = Desk::installed();
    for n in 0..3 {
        desk.start(
            "own",
            &format!(r#"{{"id":"R-{n}","text":"Please call me"}}"#),
        );
    }
    desk.start("own", r#"{"id":"R-9"}"#);
    desk.feed(&["run", "start", "own", "--input", "-"], "[]")
        .with(2);
    let first = text(&desk.run(&["--json", "run", "list"]).ok().json(), "/id");
    let day = text(
        &desk.run(&["--json", "run", "show", &first]).ok().json(),
        "/batch",
    );
    let batch = desk
        .run(&[
            "--json",
            "batch",
            "show",
            "--workflow",
            "own",
            "--day",
            &day,
        ])
        .ok()
        .json();
    let sum: u64 = batch["outcomes"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(
        (batch["intake"].as_u64(), sum, batch["refused"].as_u64()),
        (Some(4), 4, Some(1)),
        "{batch}"
    );
    let open = batch["open"].as_array().unwrap();
    assert!(
        open.len() == 4 && open.iter().all(|o| o["owner"] == json!("ana")),
        "{batch}"
    );
    let none = desk
        .run(&["batch", "show", "--workflow", "own", "--day", "2020-02-29"])
        .ok();
    assert!(none.out.contains("no runs"), "{}", none.out);
}
