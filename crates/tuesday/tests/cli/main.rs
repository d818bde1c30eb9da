//! The real binary in a folder of its own, as a new user meets it.

#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

mod bench;
mod codes;
mod connector;
mod copies;
mod drifted;
mod evals;
mod oversight;
mod readiness;
mod real_packs;
mod retention;
mod secrets;
mod server;
mod spine;
mod upgrade;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with nothing in it, and the program.
struct Desk {
    dir: TempDir,
    env: Vec<(&'static str, String)>,
}

/// What a command said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Desk {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            env: Vec::new(),
        }
    }

    /// A desk with the blank package installed under the name `own`.
    fn installed() -> Self {
        let desk = Self::new();
        desk.run(&["init", "own"]).ok();
        desk.run(&["install", "own", "--test-instance"]).ok();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tuesday"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env("NO_COLOR", "1");
        for name in [
            "TUESDAY_DIR",
            "TUESDAY_DATABASE",
            "TUESDAY_CONFIG",
            "TUESDAY_AS",
            "TUESDAY_LOG",
        ] {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(k, v)| (*k, v.as_str())));
        command
    }

    fn run(&self, args: &[&str]) -> Said {
        self.feed(args, "")
    }

    /// Runs with `input` on standard input.
    fn feed(&self, args: &[&str], input: &str) -> Said {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses its arguments never reads; that is not the test's failure.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let done = child.wait_with_output().unwrap();
        Said {
            code: done.status.code().unwrap_or(-1),
            out: String::from_utf8(done.stdout).unwrap(),
            err: String::from_utf8(done.stderr).unwrap(),
        }
    }

    /// Starts a run and waits until it is settled.
    fn start(&self, workflow: &str, event: &str) -> Value {
        self.feed(
            &["--json", "run", "start", workflow, "--input", "-", "--wait"],
            event,
        )
        .ok()
        .json()
    }

    /// The one open task.
    fn task(&self) -> String {
        let said = self.run(&["--json", "review", "list"]).ok();
        assert_eq!(said.out.lines().count(), 1, "{}", said.out);
        text(&said.json(), "/id")
    }

    fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("tuesday-data/tuesday.db")).unwrap()
    }
}

impl Said {
    /// Fails unless it went well.
    #[track_caller]
    fn ok(self) -> Self {
        self.with(0)
    }

    /// Fails unless it ended with `code`.
    #[track_caller]
    fn with(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout: {}\nstderr: {}",
            self.out, self.err
        );
        self
    }

    /// The first line of output as JSON.
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(self.out.lines().next().unwrap_or_default())
            .unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
}

#[track_caller]
fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{pointer} in {value}"))
        .to_owned()
}

/// Every file below a folder.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path))
        } else {
            found.push(path)
        }
    }
    found
}
