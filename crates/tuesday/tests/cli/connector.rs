//! `connector test`: a destination that only the package knows is tried out before anything runs.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::{Desk, text};

const ACTION: &str = r#"[[action]]
name = "result"
class = "write"
kind = "http"
system = "Desk"
ability = "C"
target = "input.id"
method = "PUT"
url = "${desk}/desk/notes/{{ target }}"
read_url = "${desk}/desk/notes/{{ target }}"
external_id = "/id"
"#;
const CASE: &str = r#"{"input": {"id": "R-1", "text": "Please call"}, "output": {"summary": "call back", "kind": "request"}}"#;

/// The blank package with another destination, and the case to try it with.
fn package(desk: &Desk, change: impl Fn(String) -> String) {
    desk.run(&["init", "own"]).ok();
    let path = desk.path("own/workflow.toml");
    let toml = std::fs::read_to_string(&path).unwrap();
    let from = toml.find("[[action]]").unwrap();
    let to = toml.find("[action.fields]").unwrap();
    let toml = format!("{}{ACTION}\n{}", &toml[..from], &toml[to..]);
    let toml = toml.replace(
        "[owners]",
        "[vars]\ndesk = \"http://127.0.0.1:1\"\n\n[owners]",
    );
    std::fs::write(&path, change(toml)).unwrap();
    std::fs::write(desk.path("case.json"), CASE).unwrap();
}

#[test]
fn an_unknown_server_is_connected_by_configuration_alone() {
    let desk = Desk::new();
    package(&desk, |toml| toml);
    let mut stub = desk
        .command(&["stub", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(stub.stderr.take().unwrap());
    let url = said
        .lines()
        .map_while(Result::ok)
        .find_map(|l| {
            l.split_whitespace()
                .find(|w| w.starts_with("http://"))
                .map(str::to_owned)
        })
        .unwrap();
    let set = format!("desk={}", url.trim_end_matches(':'));
    let test = [
        "--json",
        "connector",
        "test",
        "own",
        "--case",
        "case.json",
        "--set",
        &set,
    ];
    let shown = desk.run(&test).ok().json();
    assert_eq!(shown["written"], false);
    assert_eq!(text(&shown, "/fields/summary"), "call back");

    let proven = desk.run(&[&test[..], &["--write"]].concat());
    let _ = stub.kill();
    let _ = stub.wait();
    let proven = proven.ok().json();
    assert_eq!(proven["holds"], true, "{proven}");
    let marks: Vec<&str> = proven["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["mark"] == "proven")
        .map(|c| c["check"].as_str().unwrap())
        .collect();
    assert!(
        marks.contains(&"write") && marks.contains(&"read_back") && marks.contains(&"repeat"),
        "{proven}"
    );

    let gone = desk.run(&[&test[..], &["--write"]].concat()).with(1).json();
    assert_eq!(gone["holds"], false, "nobody listens any more");
}

#[test]
fn a_case_or_a_package_that_cannot_be_used_is_refused_by_name() {
    let desk = Desk::new();
    package(&desk, |toml| toml);
    std::fs::write(desk.path("half.json"), r#"{"input": {"id": "R-1"}}"#).unwrap();
    let half = desk
        .run(&["connector", "test", "own", "--case", "half.json"])
        .with(2);
    assert!(half.err.contains("`output` is missing"), "{}", half.err);
    let other = desk
        .run(&[
            "connector",
            "test",
            "own",
            "--case",
            "case.json",
            "--action",
            "letter",
        ])
        .with(2);
    assert!(other.err.contains("no action `letter`"), "{}", other.err);

    let clear = Desk::new();
    package(&clear, |toml| {
        toml.replace(
            "external_id",
            "auth = { header = \"Authorization\", secret = \"hunter2\" }\nexternal_id",
        )
    });
    let refused = clear
        .run(&["connector", "test", "own", "--case", "case.json"])
        .with(2);
    assert!(refused.err.contains("written in clear"), "{}", refused.err);
    assert!(!refused.err.contains("hunter2") && !refused.out.contains("hunter2"));
}
