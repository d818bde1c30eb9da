//! Backups, schema, clock: what operators do.

use crate::{Desk, text};

#[test]
fn a_backup_verifies_in_another_folder() {
    let desk = Desk::installed();
    let id = text(
        &desk.start("own", r#"{"id":"R-1","text":"Please call"}"#),
        "/id",
    );
    desk.run(&["backup", "copy.db"]).ok();
    desk.run(&["backup", "copy.db"]).with(2);
    std::fs::create_dir(desk.path("other")).unwrap();
    std::fs::rename(desk.path("copy.db"), desk.path("other/tuesday.db")).unwrap();
    std::fs::rename(desk.path("copy.db.vkey"), desk.path("other/audit.vkey")).unwrap();
    desk.run(&["--dir", "other", "audit", "verify"]).ok();
    desk.run(&["--dir", "other", "reconstruct", &id]).ok();
}

#[test]
fn the_clock_of_a_test_instance_moves_and_a_task_becomes_late() {
    let desk = Desk::installed();
    desk.database()
        .execute("UPDATE instance SET kind = 'test'", [])
        .unwrap();
    desk.start("own", r#"{"id":"R-1","text":"Please call"}"#);
    let before = desk.run(&["--json", "clock", "show"]).ok().json();
    let after = desk.run(&["--json", "clock", "advance", "25h"]).ok().json();
    let ahead = after["ahead_ms"].as_i64().unwrap() - before["ahead_ms"].as_i64().unwrap();
    assert_eq!(ahead, 25 * 3_600_000);
    let list = desk.run(&["review", "list"]).ok();
    assert!(list.out.contains("late"), "{}", list.out);
    let set = desk
        .run(&["--json", "clock", "set", "2031-05-01T12:00:00Z"])
        .ok()
        .json();
    assert!(
        text(&set, "/now").starts_with("2031-05-01T12:00:0"),
        "{set}"
    );
}

#[test]
fn a_schema_that_is_current_needs_nothing_and_a_newer_one_is_refused() {
    let desk = Desk::installed();
    desk.run(&["migrate", "--status"]).ok();
    desk.run(&["migrate"]).ok();
    desk.database().execute("INSERT INTO schema_migrations (number, name, checksum, applied_at) VALUES (9999, 'later', x'00', 0)", []).unwrap();
    let said = desk.run(&["--json", "run", "list"]).with(5).json();
    assert_eq!(text(&said, "/error/code"), "schema_newer");
    desk.run(&["migrate"]).with(5);
    let doctor = desk.run(&["--json", "doctor"]).with(1).json();
    assert_eq!(doctor["problems"], 1, "{doctor}");
}

#[test]
fn a_map_names_owner_class_approval_and_failure_path_of_every_step() {
    let desk = Desk::installed();
    let map = desk.run(&["--json", "workflow", "map", "own"]).ok().json();
    let steps = map["steps"].as_array().unwrap();
    let order = [
        "trigger",
        "snapshot",
        "model",
        "validate",
        "route",
        "review",
        "write_back",
    ];
    let mut found: Vec<String> = steps.iter().map(|s| text(s, "/step")).collect();
    found.dedup();
    assert_eq!(found, order);
    for step in steps {
        for field in ["/owner", "/class", "/approval", "/on_failure"] {
            assert!(!text(step, field).is_empty(), "{step}");
        }
    }
}
