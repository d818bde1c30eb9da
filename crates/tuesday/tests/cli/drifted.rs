//! What is live against what the repository holds, and what a policy asks of a package.

use crate::Desk;

#[test]
fn what_differs_is_named_and_ends_with_one() {
    let desk = Desk::installed();
    let same = desk.run(&["drift", "repo", "own"]).ok();
    assert!(
        same.out.contains("is what the repository holds"),
        "{}",
        same.out
    );
    let path = desk.path("own/workflow.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("due = \"2d\""));
    std::fs::write(&path, text.replacen("due = \"2d\"", "due = \"3d\"", 1)).unwrap();
    let said = desk.run(&["drift", "repo", "own"]);
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(
        said.out.contains("workflow.toml manual.due"),
        "{}",
        said.out
    );
    let said = desk.run(&["--json", "drift", "repo", "own"]);
    assert_eq!(said.code, 1);
    let told = said.json();
    assert_eq!(told["same"], false, "{told}");
    assert_eq!(told["differs"][0]["field"], "workflow.toml manual.due");
    assert_eq!(told["differs"][0]["repository"], "3d");
}

#[test]
fn a_policy_that_changed_is_answered_on_the_command_line() {
    let desk = Desk::new();
    desk.run(&["init", "own"]).ok();
    let path = desk.path("own/workflow.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let cites = text.replacen("policies = []", "policies = [\"return-policy-3\"]", 1);
    assert_ne!(text, cites);
    std::fs::write(&path, cites).unwrap();
    desk.run(&["install", "own", "--test-instance"]).ok();
    let kept = desk.run(&["--json", "policy", "list"]).ok().json();
    assert_eq!(
        (&kept["owner"], &kept["item"]),
        (&"ana".into(), &"prompt prompt.md".into())
    );
    let changed = ["policy", "changed", "return-policy-3", "--as", "ana"];
    assert_eq!(desk.run(&changed).code, 2, "a reason is needed");
    let why = ["--reason", "30 days", "--json"];
    let duty = desk.run(&[&changed[..], &why[..]].concat()).ok().json();
    let id = duty["id"].as_str().unwrap();
    assert!(
        desk.run(&["policy", "duties"])
            .ok()
            .out
            .contains("prompt.md")
    );
    let answer = ["policy", "answer", id, "--as", "ana"];
    assert_eq!(
        desk.run(&[&answer[..], &["--release", "1"]].concat()).code,
        2
    );
    let done = [&answer[..], &["--reason", "it says no number of days"]].concat();
    desk.run(&done).ok();
    assert!(
        desk.run(&["policy", "duties"])
            .ok()
            .out
            .contains("nothing is owed")
    );
    let gone = [
        "user",
        "deactivate",
        "ana",
        "--reason",
        "left",
        "--as",
        "ben",
    ];
    let left = desk.run(&gone);
    assert_eq!(left.code, 0, "{}", left.err);
    let kept = desk.run(&["policy", "list"]);
    assert_eq!(kept.code, 1, "{}", kept.out);
    assert!(kept.out.contains("deactivated"), "{}", kept.out);
}
