//! Exit codes and words for what cannot be done.

use crate::{Desk, text};

const RUN: &str = "run_00000000000000000000000000";
const REVIEW: &str = "rev_00000000000000000000000000";
const RELEASE: &str = "rel_00000000000000000000000000";
const INTAKE: &str = "int_00000000000000000000000000";

/// What cannot be read at all.
const MALFORMED: &[&[&str]] = &[
    &["run", "show", "run_x"],
    &["run", "cancel", "1", "--reason", "x"],
    &["run", "list", "--status", "sleeping"],
    &["run", "list", "--day", "2026-02-30"],
    &["reconstruct", REVIEW],
    &["batch", "show", "--workflow", "own", "--day", "tuesday"],
    &["review", "show", RUN],
    &["review", "approve", "x", "--as", "ana"],
    &["review", "settle", REVIEW, "--as", "ana"],
    &["release", "show", "1"],
    &["intake", "show", RUN],
    &["audit", "export", "--run", "x", "-o", "f"],
    &[
        "audit",
        "export",
        "--from",
        "2026-02-02",
        "--to",
        "2026-02-01",
        "-o",
        "f",
    ],
    &["clock", "set", "noon"],
    &["workflow", "stage", "own", "fast", "--reason", "x"],
    &["workflow", "pause", "own"],
    &["init", "Not A Name"],
    &["init", "own"],
];

/// What is well formed and not there.
const UNKNOWN: &[&[&str]] = &[
    &["run", "show", RUN],
    &["run", "retry", RUN],
    &[
        "run",
        "start",
        "nobody",
        "--input",
        "own/records/sample.json",
    ],
    &["run", "start", "own", "--input", "no-such-file"],
    &["run", "list", "--workflow", "nobody"],
    &["reconstruct", RUN],
    &[
        "batch",
        "show",
        "--workflow",
        "nobody",
        "--day",
        "2026-01-01",
    ],
    &["review", "show", REVIEW],
    &["review", "approve", REVIEW, "--as", "ana"],
    &["release", "show", RELEASE],
    &["release", "list", "nobody"],
    &["intake", "show", INTAKE],
    &["rules", "show", "nobody"],
    &["workflow", "map", "nobody"],
    &["audit", "export", "--run", RUN, "-o", "f"],
    &["--dir", "nowhere", "run", "list"],
    &["check", "nowhere"],
];

#[test]
fn malformed_is_2_and_unknown_is_4() {
    let desk = Desk::installed();
    for args in MALFORMED {
        desk.run(args).with(2);
    }
    for args in UNKNOWN {
        desk.run(args).with(4);
        let mut json = vec!["--json"];
        json.extend(*args);
        assert!(
            !text(&desk.run(&json).json(), "/error/code").is_empty(),
            "{args:?}"
        );
    }
    assert!(
        !desk.path("f").exists() && !desk.path("f.part").exists(),
        "a refused export leaves no file"
    );
    assert!(
        !desk.path("nowhere").exists(),
        "a command that reads makes no folder"
    );
}

#[test]
fn what_policy_refuses_is_3() {
    let desk = Desk::installed();
    desk.run(&[
        "workflow",
        "stage",
        "own",
        "auto",
        "--reason",
        "tired of clicking",
    ])
    .with(3);
    // Only an instance for tests has a clock that can be moved.
    let real = Desk::new();
    real.run(&["init", "own"]).ok();
    real.run(&["install", "own"]).ok();
    real.run(&["clock", "advance", "1h"]).with(3);
    // A second workflow before the first ships is said and recorded, and not refused.
    real.run(&["init", "other"]).ok();
    let installed = real.run(&["--json", "install", "other"]).ok().json();
    let warned = serde_json::to_string(&installed["warnings"]).unwrap();
    assert!(warned.contains("own is research"), "{warned}");
    let shown = real.run(&["--json", "workflow", "decisions", "other"]).ok();
    assert!(
        shown.out.contains("Another workflow before"),
        "{}",
        shown.out
    );
    desk.start("own", r#"{"id":"R-1","text":"Please call"}"#);
    let task = desk.task();
    let said = desk
        .run(&["review", "approve", &task, "--as", "tess", "--all-checked"])
        .with(3);
    assert!(
        said.err.contains("tess may not decide this task"),
        "{}",
        said.err
    );
    desk.run(&["workflow", "kill", "own", "--reason", "over"])
        .ok();
    desk.feed(
        &["run", "start", "own", "--input", "-"],
        r#"{"id":"R-2","text":"x"}"#,
    )
    .with(3);
    desk.run(&["workflow", "resume", "own", "--reason", "sorry"])
        .with(3);
}

#[test]
fn a_refused_event_is_kept_and_can_be_sent_again() {
    let desk = Desk::installed();
    let said = desk
        .feed(
            &["--json", "run", "start", "own", "--input", "-"],
            r#"{"id":"R-1","txt":"x"}"#,
        )
        .with(2)
        .json();
    assert_eq!(text(&said, "/error/code"), "schema_violation");
    let record = text(&desk.run(&["--json", "intake", "list"]).ok().json(), "/id");
    assert_eq!(
        text(
            &desk.run(&["--json", "intake", "show", &record]).ok().json(),
            "/body"
        ),
        r#"{"id":"R-1","txt":"x"}"#
    );
    desk.run(&["intake", "resubmit", &record]).with(2);
    let args = [
        "--json", "intake", "resubmit", &record, "--file", "-", "--wait",
    ];
    let run = desk.feed(&args, r#"{"id":"R-1","text":"x"}"#).ok().json();
    assert_eq!(text(&run, "/status"), "in_review");
    let record = desk.run(&["--json", "intake", "show", &record]).ok().json();
    assert_eq!(
        (text(&record, "/verdict"), text(&record, "/run")),
        ("resubmitted".into(), text(&run, "/id"))
    );
}

#[test]
fn a_table_with_something_to_do_is_1() {
    let desk = Desk::new();
    desk.run(&["init", "own"]).ok();
    let table = std::fs::read_to_string(desk.path("own/rules.csv")).unwrap();
    let hidden = table.replace("r2,no,request,any,", "r2,yes,request,any,");
    std::fs::write(desk.path("rules.csv"), hidden).unwrap();
    let said = desk.run(&["rules", "check", "rules.csv"]).with(1);
    assert!(said.out.contains("row r2"), "{}", said.out);
    std::fs::write(desk.path("own/rules.csv"), "row,a\n").unwrap();
    desk.run(&["rules", "check", "own"]).with(1);
    desk.run(&["check", "own"]).with(1);
    desk.run(&["pack", "own"]).with(1);
    desk.run(&["install", "own"]).with(1);
}

#[test]
fn a_record_that_was_changed_is_called_damaged() {
    let desk = Desk::installed();
    let id = text(
        &desk.start("own", r#"{"id":"R-1","text":"Please call"}"#),
        "/id",
    );
    desk.run(&["reconstruct", &id]).ok();
    desk.database().execute("UPDATE payloads SET bytes = CAST('{\"kind\":\"question\",\"summary\":\"forged words\"}' AS BLOB) WHERE kind = 'output'", []).unwrap();
    let said = desk.run(&["reconstruct", &id]).with(1);
    assert!(said.err.contains("damaged: output/"), "{}", said.err);
    assert!(
        !said.out.contains("forged words"),
        "damaged bytes are never shown as good: {}",
        said.out
    );
    desk.run(&["audit", "verify"]).ok();
    desk.run(&["audit", "export", "--run", &id, "-o", "f"])
        .with(1);
    // Whoever owns the file can drop the trigger that keeps entries as they are; the tree still tells.
    let database = desk.database();
    let name = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'";
    let mut triggers = database.prepare(name).unwrap();
    let names: Vec<String> = triggers
        .query_map([], |r| r.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(!names.is_empty(), "nothing keeps entries as they are");
    for name in names {
        database
            .execute_batch(&format!("DROP TRIGGER {name}"))
            .unwrap();
    }
    let forge = "UPDATE audit SET leaf = CAST(replace(CAST(leaf AS TEXT), 'run.accepted', 'run.acceptes') AS BLOB) WHERE kind = 'run.accepted'";
    assert_eq!(database.execute(forge, []).unwrap(), 1);
    desk.run(&["audit", "verify"]).with(1);
}

#[test]
fn a_mistyped_command_line_is_a_problem_like_any_other() {
    let desk = Desk::new();
    for args in [
        &["--json", "run", "dance"][..],
        &["--json", "serve", "--role", "king"],
        &["--json", "install"],
        &["--json", "token", "create", "--scope"],
    ] {
        let said = desk.run(args).with(2);
        let problem = said.json();
        assert_eq!(text(&problem, "/error/code"), "bad_request", "{args:?}");
        assert!(!text(&problem, "/error/detail").is_empty());
        assert_eq!(said.out.lines().count(), 1, "{}", said.out);
    }
    let role = desk.run(&["--json", "serve", "--role", "king"]).json();
    assert!(text(&role, "/error/field").contains("--role"), "{role}");
    // For people it stays what they know, on standard error.
    let plain = desk.run(&["run", "dance"]).with(2);
    assert!(
        plain.out.is_empty() && plain.err.contains("Usage"),
        "{}",
        plain.err
    );
    assert!(desk.run(&["--json", "--help"]).ok().out.contains("Usage"));
}

#[test]
fn what_a_package_is_packed_with_holds_where_it_is_installed() {
    let desk = Desk::new();
    desk.run(&["init", "own", "--template", "support-triage"])
        .ok();
    let shown = |set: &[&str]| {
        let args = [&["--json", "pack", "own", "-o", "own.tuesday.json"], set].concat();
        text(&desk.run(&args).ok().json(), "/release_hash")
    };
    let plain = shown(&[]);
    let toml = std::fs::read_to_string(desk.path("own/workflow.toml")).unwrap();
    let vars = toml.split("[vars]").nth(1).unwrap();
    let name = vars.trim().split([' ', '=']).next().unwrap();
    let set = format!("{name}=https://else.example.com");
    let packed = shown(&["--set", &set]);
    assert_ne!(plain, packed);
    let faults = desk
        .run(&["--json", "check", "own.tuesday.json"])
        .ok()
        .json();
    assert_eq!(faults["errors"], 0, "{faults}");
    assert!(
        std::fs::read_to_string(desk.path("own.tuesday.json"))
            .unwrap()
            .contains("https://else.example.com")
    );
    desk.run(&["pack", "own", "--set", "no-pair"]).with(2);
    // A file that was changed on the way is not what was packed.
    let file = std::fs::read_to_string(desk.path("own.tuesday.json")).unwrap();
    let changed = file.replacen("https://else.example.com", "https://evil.example.com", 1);
    std::fs::write(desk.path("own.tuesday.json"), changed).unwrap();
    let refused = desk.run(&["check", "own.tuesday.json"]);
    assert!(refused.with(2).err.contains("changed after it was packed"));
}
