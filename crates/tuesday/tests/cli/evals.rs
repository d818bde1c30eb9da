//! `tuesday eval` and `tuesday gate` on an example package: it passes, and no way around it does.

use std::fs;

use crate::{Desk, text};

/// The drafting example in the desk's own folder; its model is built in and needs no training.
fn drafted() -> Desk {
    let desk = Desk::new();
    desk.run(&["init", "sow", "--template", "document-draft"])
        .ok();
    let from = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/document-draft/evals"
    );
    let to = desk.path("sow/evals");
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    desk
}

fn edit(desk: &Desk, file: &str, change: impl FnOnce(String) -> String) {
    let path = desk.path(file);
    let old = fs::read_to_string(&path).unwrap();
    let new = change(old.clone());
    assert_ne!(old, new, "{file}");
    fs::write(path, new).unwrap();
}

fn reasons(desk: &Desk, args: &[&str]) -> Vec<String> {
    let said = desk
        .run(&[&["--json", "gate", "sow"], args].concat())
        .with(1);
    let all = said.json()["reasons"].as_array().unwrap().clone();
    all.iter().map(|r| text(r, "/reason")).collect()
}

#[test]
fn the_example_passes_and_says_so_everywhere() {
    let desk = drafted();
    let said = desk
        .run(&[
            "--json",
            "gate",
            "sow",
            "--junit",
            "gate.xml",
            "--html",
            "gate.html",
        ])
        .ok()
        .json();
    assert_eq!(text(&said, "/gate"), "passed");
    for part in ["check", "lint", "evals", "simulation"] {
        assert_eq!(text(&said, &format!("/parts/{part}")), "passed");
    }
    let cases = said["cases"].as_u64().unwrap();
    assert!(cases >= 200);
    let xml = fs::read_to_string(desk.path("gate.xml")).unwrap();
    assert_eq!(xml.matches("<testcase ").count() as u64, cases);
    assert!(xml.contains("failures=\"00000000\""));
    assert!(
        fs::read_to_string(desk.path("gate.html"))
            .unwrap()
            .contains("Passed")
    );
    let same = desk
        .run(&["--json", "eval", "sow", "--baseline", "sow"])
        .ok()
        .json();
    assert_eq!(text(&same, "/evidence/compared/standing"), "cannot_tell");
    // The hash is that of the package, wherever its cases are read from.
    let packed = desk
        .run(&["--json", "pack", "sow", "-o", "sow.json"])
        .ok()
        .json();
    assert_eq!(said["release_hash"], packed["release_hash"]);
    let file = desk.run(&["--json", "gate", "sow.json"]).ok().json();
    assert_eq!(file["pack_hash"], said["pack_hash"]);
}

#[test]
fn no_way_around_the_gate_passes() {
    let desk = drafted();
    let keep = |name: &str| fs::read_to_string(desk.path(name)).unwrap();
    let golden = keep("sow/evals/golden.jsonl");
    let regression = keep("sow/evals/regression.jsonl");
    let prompt = keep("sow/prompt.md");

    // A case that no longer tells the truth about the release.
    edit(&desk, "sow/evals/golden.jsonl", |t| {
        t.replacen(
            "\"output\": {\"amount\": \"2500.00\"",
            "\"output\": {\"amount\": \"2500.01\"",
            1,
        )
    });
    assert_eq!(reasons(&desk, &[]), ["always_fails"]);
    fs::write(desk.path("sow/evals/golden.jsonl"), &golden).unwrap();

    edit(&desk, "sow/evals/regression.jsonl", |_| String::new());
    assert_eq!(reasons(&desk, &[]), ["kind_missing"]);
    edit(&desk, "sow/evals/regression.jsonl", |_| {
        format!("{regression}{{\"name\":")
    });
    assert_eq!(reasons(&desk, &[]), ["pack_unreadable"]);
    fs::write(desk.path("sow/evals/regression.jsonl"), &regression).unwrap();

    edit(&desk, "sow/prompt.md", |t| {
        format!("{t}\nDrafts over $500 go to legal.\n")
    });
    assert_eq!(
        reasons(&desk, &[]),
        ["business_rule_in_prompt", "no_result"]
    );
    fs::write(desk.path("sow/prompt.md"), &prompt).unwrap();

    edit(&desk, "sow/rules.csv", |t| {
        t.replacen(
            "r6,",
            "r5b,lost,yes,any,any,any,manual,,Never reached,\nr6,",
            1,
        )
    });
    assert!(
        reasons(&desk, &[])
            .iter()
            .any(|r| r == "row_untested" || r == "package_faulty")
    );

    fs::remove_dir_all(desk.path("sow/evals")).unwrap();
    assert!(reasons(&desk, &[]).contains(&"pack_empty".to_owned()));
    desk.run(&["gate", "nowhere/else"]).with(2);
}

#[test]
fn a_killed_evaluation_goes_on_and_foreign_results_do_not_count() {
    let desk = drafted();
    let whole = desk
        .run(&["--json", "eval", "sow", "--results", "r.jsonl"])
        .ok()
        .json();
    let text_of = fs::read_to_string(desk.path("r.jsonl")).unwrap();
    let lines: Vec<&str> = text_of.lines().collect();
    // What a kill leaves: a beginning, and a line that was cut.
    let cut = format!("{}\n{}", lines[..81].join("\n"), &lines[81][..40]);
    fs::write(desk.path("r.jsonl"), cut).unwrap();
    let args = ["--json", "eval", "sow", "--results", "r.jsonl", "--resume"];
    let again = desk.run(&args).ok().json();
    assert_eq!(again["reused"], 80);
    assert_eq!(
        again["evidence"]["summary"]["kinds"],
        whole["evidence"]["summary"]["kinds"]
    );
    assert_eq!(
        fs::read_to_string(desk.path("r.jsonl"))
            .unwrap()
            .lines()
            .count(),
        lines.len()
    );
    edit(&desk, "sow/prompt.md", |t| format!("{t}\nBe brief.\n"));
    let refused = desk.run(&args).with(1);
    assert_eq!(text(&refused.json(), "/error/code"), "foreign_results");
}

/// The section `[model]` of the desk's package, changed.
fn other_model(desk: &Desk, changes: &[(&str, &str)]) -> String {
    let whole = fs::read_to_string(desk.path("sow/workflow.toml")).unwrap();
    let from = whole.find("\n[model]").unwrap() + 1;
    let mut section = String::new();
    for (n, line) in whole[from..].lines().enumerate() {
        if n > 0 && line.starts_with('[') && !line.starts_with("[model") {
            break;
        }
        section.push_str(line);
        section.push('\n');
    }
    for (old, new) in changes {
        assert!(section.contains(old), "{old} in {section}");
        section = section.replacen(old, new, 1);
    }
    section
}

#[test]
fn another_provider_is_tried_beside_the_one_that_is_there() {
    let desk = drafted();
    let other = ("provider = \"built-in\"", "provider = \"other-lab\"");
    fs::write(desk.path("alt.toml"), other_model(&desk, &[other])).unwrap();
    let same = desk.run(&["--json", "eval", "sow", "--provider", "alt.toml"]);
    let same = same.ok().json();
    assert_eq!(text(&same, "/provider"), "other-lab");
    assert_eq!(same["quality_ppm"], 0);
    assert_eq!(same["passed"], same["passed_live"]);
    assert_eq!(text(&same, "/standing"), "cannot_tell");
    let said = desk.run(&["eval", "sow", "--provider", "alt.toml"]).ok();
    assert!(said.out.contains("other-lab with "), "{}", said.out);

    // Nothing but the model is swapped, and only what an instance runs is kept.
    let more = format!(
        "{}\n[limits]\nmax_attempts = 1\n",
        other_model(&desk, &[other])
    );
    fs::write(desk.path("more.toml"), more).unwrap();
    let refused = desk
        .run(&["eval", "sow", "--provider", "more.toml"])
        .with(2);
    assert!(
        refused.err.contains("something else than [model]"),
        "{}",
        refused.err
    );
    let kept = desk
        .run(&["eval", "sow", "--provider", "alt.toml", "--keep"])
        .with(2);
    assert!(kept.err.contains("installed workflow"), "{}", kept.err);
}
