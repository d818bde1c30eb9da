//! A secret's value is in no file, no output and no export; a token's text is shown once.

use crate::{Desk, files, text};

const CANARY: &str = "canary-7f3a9d0c51e84b62";

#[test]
fn a_secret_appears_nowhere() {
    let mut desk = Desk::new();
    // A program that fails and shouts its secret: the worst neighbour a log can have.
    let script = "import os,sys\nsys.stdin.read()\nsys.stderr.write('key ' + os.environ['API_KEY'])\nsys.exit(1)\n";
    std::fs::write(desk.path("loud.py"), script).unwrap();
    desk.run(&["init", "own", "--from-script", "loud.py"]).ok();
    let path = desk.path("own/workflow.toml");
    let toml = std::fs::read_to_string(&path)
        .unwrap()
        .replace(
            "[output]\n",
            "[model.auth]\nheader = \"API_KEY\"\nsecret = \"env:TUESDAY_TEST_KEY\"\n\n[output]\n",
        )
        .replace("max_attempts = 5", "max_attempts = 1")
        .replacen(
            "kind = \"webhook\"\n",
            "kind = \"webhook\"\nsecret = \"file:hook.key\"\n",
            1,
        );
    std::fs::write(&path, toml).unwrap();
    let missing = desk.run(&["secret", "check", "own"]).with(1);
    assert!(
        missing.out.contains("env:TUESDAY_TEST_KEY"),
        "{}",
        missing.out
    );

    desk.env.push(("TUESDAY_TEST_KEY", CANARY.to_owned()));
    let mut said = vec![desk.run(&["-vv", "install", "own", "--test-instance"]).ok()];
    desk.run(&["doctor"]).with(1);
    std::fs::write(desk.path("tuesday-data/hook.key"), "another-value\n").unwrap();
    said.push(desk.run(&["secret", "check"]).ok());
    said.push(desk.run(&["--json", "secret", "check", "own"]).ok());
    said.push(desk.run(&["doctor"]).ok());
    let start = [
        "-vv",
        "--json",
        "run",
        "start",
        "own",
        "--input",
        "own/records/sample.json",
        "--wait",
    ];
    said.push(desk.run(&start).ok());
    let run = said[said.len() - 1].json();
    assert_eq!(text(&run, "/reason"), "attempts_spent", "{run}");
    let id = text(&run, "/id");
    let show = desk.run(&["run", "show", &id, "--inputs"]).ok();
    assert!(
        show.out.contains("key "),
        "the program's complaint is kept without the secret: {}",
        show.out
    );
    said.push(show);
    said.push(desk.run(&["--json", "reconstruct", &id]).ok());
    said.push(
        desk.run(&["audit", "export", "--run", &id, "-o", "run.bundle"])
            .ok(),
    );
    said.push(desk.run(&["backup", "copy.db"]).ok());
    for s in &said {
        assert!(
            !s.out.contains(CANARY) && !s.err.contains(CANARY),
            "{}{}",
            s.out,
            s.err
        );
    }
    for file in files(desk.dir.path()) {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(CANARY.len()).any(|w| w == CANARY.as_bytes());
        assert!(!found, "{} holds the secret", file.display());
    }
}

#[test]
fn a_secret_in_clear_is_refused_and_not_repeated() {
    let desk = Desk::new();
    desk.run(&["init", "own"]).ok();
    let path = desk.path("own/workflow.toml");
    let toml = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        toml.replacen(
            "kind = \"webhook\"\n",
            &format!("kind = \"webhook\"\nsecret = \"{CANARY}\"\n"),
            1,
        ),
    )
    .unwrap();
    for args in [&["check", "own"][..], &["secret", "check", "own"]] {
        let said = desk.run(args).with(1);
        assert!(
            !said.out.contains(CANARY) && !said.err.contains(CANARY),
            "{}{}",
            said.out,
            said.err
        );
    }
    let said = desk.run(&["install", "own"]).with(2);
    assert!(!said.err.contains(CANARY), "{}", said.err);
}

#[test]
fn a_token_is_shown_once_and_only_its_hash_is_kept() {
    let desk = Desk::installed();
    let said = desk
        .run(&["token", "create", "--workflow", "own", "--scope", "trigger"])
        .ok();
    let token = said.out.trim();
    assert!(
        token.starts_with("tsd_trigger_") && said.out.lines().count() == 1,
        "{}",
        said.out
    );
    assert!(!said.err.contains(token));
    assert!(!desk.run(&["token", "list"]).ok().out.contains(token));
    for file in files(&desk.path("tuesday-data")) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(
            !bytes.windows(token.len()).any(|w| w == token.as_bytes()),
            "{}",
            file.display()
        );
    }
    desk.run(&[
        "token",
        "create",
        "--workflow",
        "nobody",
        "--scope",
        "trigger",
    ])
    .with(4);
    desk.run(&["token", "create", "--scope", "review"]).with(2);
    desk.run(&["token", "create", "--scope", "review", "--person", "nobody"])
        .with(4);
}
