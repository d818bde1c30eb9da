//! The steps themselves, in the order they run: cheap and often broken first.
//!
//! They share one debug build (`--workspace --all-targets`, so that every step asks Cargo for the
//! same features) and at most one release build.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::demo;
use crate::postgres::{self, Cluster};
use crate::real_data::{self, Place};
use crate::{browser, proc, tidy, workspace};

/// One line of `--list`.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) run: fn(&mut Session) -> Result<Outcome>,
}

/// How a step ends when it does not fail.
pub(super) enum Outcome {
    Passed,
    /// The reason, in a sentence for the reader of the log.
    Skipped(String),
}

/// Everything CI runs.
pub(super) const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        about: "cargo fmt --check",
        run: fmt,
    },
    Step {
        name: "tidy",
        about: "sizes, edges, bans, docs that match code",
        run: tidy_step,
    },
    Step {
        name: "clippy",
        about: "cargo clippy, warnings are errors",
        run: clippy,
    },
    Step {
        name: "build",
        about: "one debug build that the next steps share",
        run: build,
    },
    Step {
        name: "test",
        about: "unit, conformance (SQLite and PostgreSQL) and integration tests",
        run: unit_and_integration,
    },
    Step {
        name: "doctest",
        about: "the examples in doc comments",
        run: doctest,
    },
    Step {
        name: "packages",
        about: "tuesday check on every folder in examples/",
        run: packages,
    },
    Step {
        name: "browser",
        about: "the console in headless Chromium",
        run: browser_step,
    },
    Step {
        name: "demo",
        about: "the demo as a new user runs it, in release",
        run: demo_step,
    },
    Step {
        name: "gate",
        about: "`tuesday gate` on the example packages, in release",
        run: gate,
    },
    Step {
        name: "real-data",
        about: "the main job on real data, and the gate on packs made of it, where it is found",
        run: real,
    },
];

/// What the steps share.
pub(super) struct Session {
    root: PathBuf,
    target: PathBuf,
    cluster: Option<Cluster>,
}

impl Session {
    /// Nothing is started yet; the database starts with the first step that needs it.
    pub(super) fn new(root: &Path) -> Result<Session> {
        let target = workspace::target_dir(root)?;
        Ok(Session {
            root: root.to_path_buf(),
            target,
            cluster: None,
        })
    }

    fn cargo(&self, args: &[&str]) -> Command {
        let mut cargo = workspace::cargo();
        cargo.args(args).current_dir(&self.root);
        cargo
    }

    /// The URL of a PostgreSQL: one that was provided, or our own temporary cluster.
    fn postgres(&mut self) -> Result<String> {
        if let Some(url) = postgres::provided() {
            println!("PostgreSQL: the one that {} names", postgres::VARIABLE);
            return Ok(url);
        }
        if let Some(cluster) = &self.cluster {
            return Ok(cluster.url());
        }
        let cluster = Cluster::start()?;
        let url = cluster.url();
        self.cluster = Some(cluster);
        Ok(url)
    }

    fn debug_binary(&self) -> Result<PathBuf> {
        self.build_debug()?;
        Ok(self.target.join("debug/tuesday"))
    }

    fn build_debug(&self) -> Result<()> {
        proc::run(&mut self.cargo(&["build", "--workspace", "--all-targets", "--locked"]))
    }
}

fn fmt(session: &mut Session) -> Result<Outcome> {
    proc::run(&mut session.cargo(&["fmt", "--all", "--check"]))?;
    Ok(Outcome::Passed)
}

fn tidy_step(session: &mut Session) -> Result<Outcome> {
    match tidy::check(&session.root)? {
        0 => Ok(Outcome::Passed),
        findings => bail!("tidy has {findings} findings, listed above"),
    }
}

fn clippy(session: &mut Session) -> Result<Outcome> {
    let args = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    proc::run(&mut session.cargo(&args))?;
    Ok(Outcome::Passed)
}

fn build(session: &mut Session) -> Result<Outcome> {
    session.build_debug()?;
    Ok(Outcome::Passed)
}

fn unit_and_integration(session: &mut Session) -> Result<Outcome> {
    let url = session.postgres()?;
    let nextest = proc::works(&mut session.cargo(&["nextest", "--version"]));
    let mut cargo = if nextest {
        session.cargo(&["nextest", "run", "--workspace", "--locked"])
    } else {
        // Doc tests have a step of their own; without --no-fail-fast one crate hides the others.
        session.cargo(&[
            "test",
            "--workspace",
            "--locked",
            "--no-fail-fast",
            "--lib",
            "--bins",
            "--tests",
        ])
    };
    proc::run(cargo.env(postgres::VARIABLE, url))?;
    Ok(Outcome::Passed)
}

fn doctest(session: &mut Session) -> Result<Outcome> {
    let url = session.postgres()?;
    let mut cargo = session.cargo(&["test", "--workspace", "--locked", "--doc"]);
    proc::run(cargo.env(postgres::VARIABLE, url))?;
    Ok(Outcome::Passed)
}

fn packages(session: &mut Session) -> Result<Outcome> {
    let folders = example_folders(&session.root.join("examples"))?;
    let binary = session.debug_binary()?;
    let mut faulty = Vec::new();
    for folder in &folders {
        if proc::run(Command::new(&binary).arg("check").arg(folder)).is_err() {
            faulty.push(folder.display().to_string());
        }
    }
    if faulty.is_empty() {
        return Ok(Outcome::Passed);
    }
    bail!(
        "{} of {} packages have faults: {}",
        faulty.len(),
        folders.len(),
        faulty.join(", ")
    )
}

/// Every folder in `examples/`; none at all is a failure, or an empty folder would pass for ever.
fn example_folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> = fs::read_dir(dir)
        .with_context(|| format!("reading {}", dir.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    if folders.is_empty() {
        bail!("{} has no package", dir.display());
    }
    folders.sort();
    Ok(folders)
}

fn browser_step(session: &mut Session) -> Result<Outcome> {
    let binary = session.debug_binary()?;
    browser::run(&session.root, &session.target, &binary)?;
    Ok(Outcome::Passed)
}

fn demo_step(session: &mut Session) -> Result<Outcome> {
    let binary = real_data::release_binary(&session.root, &session.target)?;
    let dir = tempfile::Builder::new().prefix("tuesday-demo-").tempdir()?;
    let mut command = Command::new(binary);
    command
        .args(["demo", "--exit", "--runs", "200", "--json", "--dir"])
        .arg(dir.path());
    command.args(["--listen", "127.0.0.1:0"]);
    demo::check(&proc::output(&mut command)?)?;
    Ok(Outcome::Passed)
}

fn gate(session: &mut Session) -> Result<Outcome> {
    let binary = real_data::release_binary(&session.root, &session.target)?;
    let examples = session.root.join("examples");
    for package in [
        "support-triage",
        "reconciliation",
        "deal-risk",
        "document-draft",
    ] {
        let mut command = Command::new(&binary);
        command.arg("gate").arg(examples.join(package));
        println!("{}", proc::output(&mut command)?.trim_end());
    }
    Ok(Outcome::Passed)
}

fn real(session: &mut Session) -> Result<Outcome> {
    match real_data::locate(&session.root, real_data::named())? {
        Place::Absent(dir) => Ok(Outcome::Skipped(format!(
            "real data: not found at {}, skipped",
            dir.display()
        ))),
        Place::Found(dir) => {
            let binary = real_data::release_binary(&session.root, &session.target)?;
            real_data::start(&binary, &dir)?;
            Ok(Outcome::Passed)
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;

    #[test]
    fn an_empty_examples_folder_is_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        assert!(example_folders(&dir.path().join("none")).is_err());
        assert!(example_folders(dir.path()).is_err());
        fs::create_dir(dir.path().join("b")).unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        fs::write(dir.path().join("README.md"), "").unwrap();
        let names: Vec<_> = example_folders(dir.path()).unwrap();
        assert_eq!(names, [dir.path().join("a"), dir.path().join("b")]);
    }
}
