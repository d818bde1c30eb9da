//! The console in a real browser: Chromium from the system; playwright-core, axe-core and an OpenID
//! Connect provider to sign in through from npm.
//!
//! The packages are pinned in `tests/browser/package-lock.json` and live under the target folder,
//! so that nothing of them is ever committed. The tests are `tests/browser/*.test.mjs`, run by
//! Node's own test runner; they learn where things are from the environment (see `support.mjs`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{install, proc, workspace};

const TESTS: &str = "tests/browser";
const CHROMIUM: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];

/// Runs every browser test against `binary`.
///
/// # Errors
/// Something is missing and cannot be installed, there is no test, or a test fails.
pub(crate) fn run(root: &Path, target: &Path, binary: &Path) -> Result<()> {
    let tests = test_files(&root.join(TESTS))?;
    let chromium = chromium()?;
    let modules = modules(&root.join(TESTS), &target.join("browser"))?;
    let try_file = |file: &Path| {
        let mut node = Command::new("node");
        node.arg("--test").arg(file);
        node.env("TUESDAY_BIN", binary)
            .env("TUESDAY_CHROMIUM", &chromium)
            .env("TUESDAY_BROWSER_MODULES", &modules)
            .env("TUESDAY_BROWSER_OUT", target.join("browser"));
        proc::run(node.current_dir(root))
    };
    each(&tests, try_file)
}

/// One file at a time: each starts a server and a browser, and a small machine has two cores. A file
/// that fails is tried once more, as other tests with real processes are, and is named in either case.
fn each(files: &[PathBuf], mut try_file: impl FnMut(&Path) -> Result<()>) -> Result<()> {
    let (mut flaky, mut failed) = (Vec::new(), Vec::new());
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if try_file(file).is_ok() {
            continue;
        }
        println!("browser: {name} failed, second try");
        match try_file(file) {
            Ok(()) => flaky.push(name),
            Err(_) => failed.push(name),
        }
    }
    if !flaky.is_empty() {
        println!(
            "browser: FLAKY, passed on the second try: {}",
            flaky.join(", ")
        );
    }
    if !failed.is_empty() {
        bail!("failed twice: {}", failed.join(", "));
    }
    Ok(())
}

fn test_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .with_context(|| format!("reading {}", dir.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    if files.is_empty() {
        bail!("no browser test found: {}/*.test.mjs", dir.display());
    }
    files.sort();
    Ok(files)
}

fn chromium() -> Result<PathBuf> {
    if let Some(named) = workspace::env("TUESDAY_CHROMIUM") {
        return Ok(PathBuf::from(named));
    }
    if let Some(found) = proc::find(&CHROMIUM) {
        return Ok(found);
    }
    install::apt(&["chromium"], "the browser tests")?;
    proc::find(&CHROMIUM).context("missing: chromium, even after installing it")
}

/// Installs exactly what the lock file says, once per lock file.
fn modules(tests: &Path, dir: &Path) -> Result<PathBuf> {
    if proc::find(&["node"]).is_none() || proc::find(&["npm"]).is_none() {
        install::apt(&["nodejs", "npm"], "the browser tests")?;
    }
    let lock = fs::read(tests.join("package-lock.json")).context("tests/browser lock file")?;
    let stamp = dir.join("installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(dir.to_path_buf());
    }
    fs::create_dir_all(dir)?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(tests.join(file), dir.join(file)).with_context(|| format!("copying {file}"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    proc::run(npm.current_dir(dir)).context(
        "missing: the packages of tests/browser (needed for the browser tests). npm could not \
         install them; see its message above",
    )?;
    fs::write(&stamp, lock)?;
    Ok(dir.to_path_buf())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;

    #[test]
    fn a_file_may_fail_once_and_all_are_tried() {
        let files = ["a.test.mjs", "b.test.mjs", "c.test.mjs"].map(PathBuf::from);
        let mut tries = Vec::new();
        let told = each(&files, |file| {
            tries.push(file.to_path_buf());
            let first = tries.iter().filter(|t| *t == file).count() == 1;
            match file.to_str().unwrap() {
                "a.test.mjs" => bail!("always"),
                "b.test.mjs" if first => bail!("once"),
                _ => Ok(()),
            }
        });
        assert_eq!(told.unwrap_err().to_string(), "failed twice: a.test.mjs");
        assert_eq!(tries.len(), 5);
        assert!(each(&files[1..2], |_| Ok(())).is_ok());
    }

    #[test]
    fn no_test_file_is_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        assert!(test_files(dir.path()).is_err());
        fs::write(dir.path().join("support.mjs"), "").unwrap();
        assert!(test_files(dir.path()).is_err());
        fs::write(dir.path().join("queue.test.mjs"), "").unwrap();
        assert_eq!(test_files(dir.path()).unwrap().len(), 1);
    }
}
