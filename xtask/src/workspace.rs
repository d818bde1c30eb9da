//! Where things are: the checkout, Cargo's target folder, the environment.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::proc;

/// The root of the checkout that the command was called in.
///
/// Found by walking up from the current folder and not baked in at build time, so that a
/// copied or moved target folder never makes one checkout test another.
pub(crate) fn root() -> Result<PathBuf> {
    let here = std::env::current_dir().context("reading the current folder")?;
    here.ancestors()
        .find(|dir| dir.join("xtask/Cargo.toml").is_file())
        .map(Path::to_path_buf)
        .with_context(|| format!("{} is not inside a checkout of tuesday", here.display()))
}

/// Cargo's target folder, asked from Cargo because it can be configured in four places.
pub(crate) fn target_dir(root: &Path) -> Result<PathBuf> {
    let text = proc::output(
        cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(root),
    )?;
    let metadata: serde_json::Value = serde_json::from_str(&text).context("cargo metadata")?;
    let dir = metadata["target_directory"]
        .as_str()
        .context("cargo metadata names no target_directory")?;
    Ok(PathBuf::from(dir))
}

/// What `cargo run` tells xtask about xtask's own package.
const ABOUT_US: [&str; 4] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_NAME",
];

/// The Cargo that started us, so that a toolchain override reaches every step.
///
/// The variables about xtask's own package are taken away: build scripts of some libraries watch
/// them, and would be built again whenever somebody changes between `cargo` and `cargo xtask`.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    for (name, _) in std::env::vars_os() {
        let about_us = name
            .to_str()
            .is_some_and(|name| ABOUT_US.iter().any(|prefix| name.starts_with(prefix)));
        if about_us {
            command.env_remove(name);
        }
    }
    command
}

/// An environment variable; empty counts as not set.
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_is_called_without_the_variables_about_xtask() {
        // Cargo sets this one for the test as well.
        assert!(env("CARGO_PKG_NAME").is_some());
        let removed: Vec<_> = cargo()
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name.to_string_lossy().into_owned())
            .collect();
        assert!(removed.contains(&"CARGO_PKG_NAME".to_owned()));
        assert!(
            !removed
                .iter()
                .any(|name| name == "CARGO_TARGET_DIR" || name == "CARGO_HOME")
        );
    }
}
