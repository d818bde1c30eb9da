//! `cargo xtask real-data DIR`: the main job on real data sets, by the release binary.
//!
//! The work itself is in the product (`tuesday real-data DIR`), so that an outsider can repeat it
//! without this repository. Here is only: build, find the folder, start.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::{proc, workspace};

/// Names the folder when it is not the default one.
const VARIABLE: &str = "TUESDAY_REAL_DATA";
/// Beside the checkout; the sets have licences of their own and never enter the repository.
const DEFAULT: &str = "../shared/data";

/// Builds the release binary and runs it on `dir`.
pub(crate) fn run(root: &Path, dir: &Path) -> Result<ExitCode> {
    if !dir.is_dir() {
        bail!("real data: there is no folder {}", dir.display());
    }
    let target = workspace::target_dir(root)?;
    start(&release_binary(root, &target)?, dir)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs the product's own command on `dir`; it prints the figures beside the baselines.
pub(crate) fn start(binary: &Path, dir: &Path) -> Result<()> {
    proc::run(Command::new(binary).arg("real-data").arg(dir))
}

/// Builds and returns the release binary (the only release build of a test run).
pub(crate) fn release_binary(root: &Path, target: &Path) -> Result<PathBuf> {
    let mut build = workspace::cargo();
    build.args(["build", "--release", "--locked", "--package", "tuesday"]);
    proc::run(build.current_dir(root))?;
    Ok(target.join("release/tuesday"))
}

/// Where the real data sets are expected, and whether they are there.
pub(crate) enum Place {
    /// The folder exists.
    Found(PathBuf),
    /// Nobody named a folder and the default one does not exist.
    Absent(PathBuf),
}

/// Looks at the variable, then beside the checkout.
///
/// # Errors
/// A folder that was named on purpose and is not there is a mistake, not an absence.
pub(crate) fn locate(root: &Path, named: Option<String>) -> Result<Place> {
    match named {
        Some(named) if Path::new(&named).is_dir() => Ok(Place::Found(named.into())),
        Some(named) => bail!("{VARIABLE} names {named}, which is no folder"),
        None => {
            let dir = root.join(DEFAULT);
            Ok(if dir.is_dir() {
                Place::Found(dir)
            } else {
                Place::Absent(dir)
            })
        }
    }
}

/// What the environment says about the folder.
pub(crate) fn named() -> Option<String> {
    workspace::env(VARIABLE)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;

    #[test]
    fn a_named_folder_must_exist_and_the_default_may_be_absent() {
        let root = tempfile::tempdir().unwrap();
        let checkout = root.path().join("checkout");
        std::fs::create_dir_all(&checkout).unwrap();
        assert!(locate(&checkout, Some("/no/such/folder".into())).is_err());
        assert!(matches!(locate(&checkout, None).unwrap(), Place::Absent(_)));
        std::fs::create_dir_all(root.path().join("shared/data")).unwrap();
        assert!(matches!(locate(&checkout, None).unwrap(), Place::Found(_)));
    }
}
