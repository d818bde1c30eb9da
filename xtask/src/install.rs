//! Getting a missing program from the system's package manager, or saying plainly what is missing.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::proc;

/// Installs Debian packages as root or through `sudo -n`.
///
/// # Errors
/// Names the missing packages and what they are needed for when this machine cannot install
/// them: a check that cannot run has failed, it is never skipped.
pub(crate) fn apt(packages: &[&str], needed_for: &str) -> Result<()> {
    let missing = packages.join(" ");
    if proc::find(&["apt-get"]).is_none() {
        bail!(
            "missing: {missing} (needed for {needed_for}). This machine has no apt-get; install it \
             by hand and run this again"
        );
    }
    println!("installing {missing}, needed for {needed_for}");
    let install = || -> Result<()> {
        proc::run(as_root()?.args(["apt-get", "update", "-q"]))?;
        proc::run(
            as_root()?
                .args(["apt-get", "install", "-y", "-q"])
                .args(packages),
        )
    };
    install().with_context(|| {
        format!(
            "missing: {missing} (needed for {needed_for}), and apt-get could not install it. \
             Install it by hand and run this again"
        )
    })
}

/// True when this process runs with user id 0.
pub(crate) fn is_root() -> Result<bool> {
    Ok(proc::output(Command::new("id").arg("-u"))?.trim() == "0")
}

fn as_root() -> Result<Command> {
    let mut command = Command::new("env");
    if !is_root()? {
        if !proc::works(Command::new("sudo").args(["-n", "true"])) {
            bail!("installing needs root, and `sudo -n` is refused");
        }
        command = Command::new("sudo");
        command.args(["-n", "env"]);
    }
    command.arg("DEBIAN_FRONTEND=noninteractive");
    Ok(command)
}
