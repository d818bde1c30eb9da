//! What was approved is looked at again, runs are repeated, and the reports tell both.

use serde_json::{Value, json};

use crate::server::Served;
use crate::{Desk, text};

/// The blank package, with a second look at everything people approve.
fn watched() -> Desk {
    let desk = Desk::new();
    desk.run(&["init", "own"]).ok();
    let file = desk.path("own/workflow.toml");
    let package = std::fs::read_to_string(&file).unwrap();
    let drawn = "[review.second_look]\nhuman_percent = 100\n\n[[review.tier]]";
    let changed = package.replacen("[[review.tier]]", drawn, 1);
    assert_ne!(package, changed);
    std::fs::write(&file, changed).unwrap();
    desk.run(&["install", "own", "--test-instance"]).ok();
    desk
}

/// A started run and its task.
fn asked(desk: &Desk, event: &str) -> (String, String) {
    let event = json!({"id": event, "text": "Please call me"}).to_string();
    let run = desk.start("own", &event);
    (text(&run, "/id"), desk.task())
}

/// The task of a drawn approval; a running server opens it within a second or two.
fn opened(desk: &Desk) -> String {
    let _served = Served::on(desk);
    let opened = (0..200).any(|_| {
        let open = desk.run(&["--json", "review", "list"]).ok();
        !open.out.is_empty()
    });
    assert!(opened, "no second look was opened");
    let list = desk.run(&["--json", "review", "list"]).ok().json();
    assert_eq!(text(&list, "/kind"), "second_look");
    desk.task()
}

fn lines(said: &str) -> Vec<Value> {
    said.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

#[test]
fn a_second_look_is_answered_by_somebody_else_and_the_report_counts_it() {
    let desk = watched();
    let empty = desk.run(&["report", "oversight"]).ok();
    assert!(empty.out.contains("Nothing was decided"), "{}", empty.out);
    let (run, task) = asked(&desk, "R-1");
    let yes = ["--as", "ana", "--all-checked", "--wait"];
    desk.run(&[&["review", "approve", &task][..], &yes].concat())
        .ok();

    let look = opened(&desk);
    let shown = desk.run(&["review", "show", &look]).ok();
    assert!(shown.err.contains("review verdict"), "{}", shown.err);
    assert!(!shown.out.contains("ana (Ana Example)"), "{}", shown.out);
    let give = ["--to", "ana", "--as", "ben", "--reason", "ill"];
    desk.run(&[&["review", "reassign", &look][..], &give].concat())
        .with(2);
    let said = |more: &[&str]| desk.run(&[&["review", "verdict", &look], more].concat());
    assert!(said(&["--as", "ben"]).with(2).err.contains("--incorrect"));
    said(&["--as", "ben", "--correct", "--incorrect", "no"]).with(2);
    let own = said(&["--as", "ana", "--correct"]).with(1);
    assert!(own.err.contains("same_person_twice"), "{}", own.err);
    let wrong = said(&["--as", "ben", "--incorrect", "no number to call"]).ok();
    assert_eq!(wrong.out.trim(), format!("{look}: incorrect"));
    let report = desk.run(&["--json", "problem", "list"]).ok().json();
    assert_eq!(
        (text(&report, "/words"), text(&report, "/run_id")),
        ("no number to call".into(), run)
    );

    let figures = desk.run(&["--json", "report", "oversight"]).ok().json();
    let tier = &figures["tiers"][0];
    assert_eq!(
        (
            &tier["decided"],
            &tier["approved"],
            &tier["unopened"]["hits"]
        ),
        (&json!(1), &json!(1), &json!(1)),
        "{figures}"
    );
    let looks = &figures["second_looks"][0];
    assert_eq!(
        (&looks["basis"], &looks["drawn"], &looks["wrong"]["hits"]),
        (&json!("human"), &json!(1), &json!(1)),
        "{figures}"
    );
    let words = desk.run(&["report", "oversight"]).ok().out;
    let share = "found wrong      1 of 1 (100.0 %, 2.5 to 100.0 %)";
    assert!(words.contains(share), "{words}");
    let before = ["--from", "2020-01-01", "--to", "2020-01-31"];
    let before = desk
        .run(&[&["report", "oversight"][..], &before].concat())
        .ok();
    assert!(before.out.contains("Nothing was decided"), "{}", before.out);
    let turned = [
        "report",
        "oversight",
        "--from",
        "2020-02-01",
        "--to",
        "2020-01-31",
    ];
    desk.run(&turned).with(2);
}

#[test]
fn overrides_are_counted_by_kind_and_reason() {
    let desk = Desk::installed();
    let none = desk.run(&["report", "overrides"]).ok();
    assert!(none.out.contains("Nobody overrode"), "{}", none.out);
    let (_, edited) = asked(&desk, "R-1");
    let edit = ["--as", "ben", "--all-checked", "--set", "kind=question"];
    let why = ["--reason", "wrong_kind"];
    desk.run(&[&["review", "edit", &edited][..], &edit, &why].concat())
        .ok();
    for event in ["R-2", "R-3"] {
        let (_, task) = asked(&desk, event);
        let no = ["review", "reject", &task, "--as", "ana"];
        desk.run(&[&no[..], &why].concat()).ok();
    }
    let told = desk.run(&["--json", "report", "overrides"]).ok();
    let told: Vec<_> = lines(&told.out)
        .iter()
        .map(|o| (text(o, "/kind"), text(o, "/reason"), o["decisions"].clone()))
        .collect();
    let row = |kind: &str, n: u64| (kind.to_owned(), "wrong_kind".to_owned(), json!(n));
    assert_eq!(told, [row("edit", 1), row("reject", 2)]);
    let other = ["report", "overrides", "--workflow", "another"];
    let other = desk.run(&other).ok();
    assert!(other.out.contains("Nobody overrode"), "{}", other.out);
}

#[test]
fn a_run_is_repeated_until_it_has_written() {
    let desk = Desk::installed();
    let (run, task) = asked(&desk, "R-1");
    let again = |id: &str, more: &[&str]| {
        desk.run(&[&["--json", "rerun", id, "--reason", "asked again"], more].concat())
    };
    desk.run(&["rerun", &run]).with(2);
    let early = again(&run, &[]).with(1).json();
    assert_eq!(text(&early, "/error/code"), "illegal_state");
    let no = ["review", "reject", &task, "--as", "ana"];
    desk.run(&[&no[..], &["--reason", "wrong_kind"]].concat())
        .ok();

    let new = again(&run, &["--inputs", "frozen", "--wait"]).ok().json();
    assert_eq!(
        (text(&new, "/rerun_of"), text(&new, "/status")),
        (run.clone(), "in_review".into())
    );
    let story = desk.run(&["reconstruct", &text(&new, "/id")]).ok().out;
    assert!(story.contains(&format!("it repeats {run}")), "{story}");
    let yes = ["--as", "ana", "--all-checked", "--wait"];
    desk.run(&[&["review", "approve", &desk.task()][..], &yes].concat())
        .ok();
    let twice = again(&run, &[]).with(1).json();
    assert!(text(&twice, "/error/detail").contains("write twice"));
    let dry = again(&run, &["--without-effect", "--wait"]).ok().json();
    assert_eq!(text(&dry, "/outcome"), "shadow_only");
    let written = std::fs::read_to_string(desk.path("tuesday-data/own.jsonl")).unwrap();
    assert_eq!(written.lines().count(), 1, "{written}");
    again(&run, &["--resume", "--without-effect"]).with(2);
}

#[test]
fn changes_tell_who_changed_what_and_not_what_was_decided() {
    let desk = Desk::installed();
    let pause = ["workflow", "pause", "own", "--as", "ana"];
    desk.run(&[&pause[..], &["--reason", "stock-taking"]].concat())
        .ok();
    let all = desk.run(&["--json", "changes"]).ok();
    let kinds: Vec<_> = lines(&all.out).iter().map(|c| text(c, "/kind")).collect();
    assert_eq!(kinds.first().map(String::as_str), Some("workflow.switch"));
    assert!(kinds.iter().any(|k| k == "release.installed"), "{kinds:?}");
    let first = all.json();
    assert_eq!(
        (text(&first, "/actor"), text(&first, "/reason")),
        ("person:ana".into(), "stock-taking".into())
    );
    let one = desk.run(&["changes", "--limit", "1"]).ok().out;
    assert!(one.contains("stock-taking") && !one.contains("release.installed"));
    let past = desk.run(&["changes", "--until", "2020-01-31", "--since", "2020-01-01"]);
    assert!(past.ok().out.contains("Nothing was changed"));
}
