//! Running other programs: always echoed, always checked.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Runs to the end with our own terminal; an exit code other than zero is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", line(command));
    let status = command
        .status()
        .with_context(|| format!("starting {}", line(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(())
}

/// Runs to the end and returns standard output; standard error stays on our terminal.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let done = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("starting {}", line(command)))?;
    if !done.status.success() {
        bail!("`{}` ended with {}", line(command), done.status);
    }
    String::from_utf8(done.stdout).with_context(|| format!("output of {}", line(command)))
}

/// True when the program starts and ends well; its output is thrown away.
pub(crate) fn works(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The first of `names` that is on PATH.
pub(crate) fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let dirs: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| dirs.iter().map(move |dir| dir.join(name)))
        .find(|candidate| is_program(candidate))
}

/// True for a file that may be executed (links are followed).
pub(crate) fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn line(command: &Command) -> String {
    // The name alone: the reader knows the program, and its folder only makes the line long.
    let program = Path::new(command.get_program());
    let mut text = program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy()
        .into_owned();
    for arg in command.get_args() {
        let arg = arg.to_string_lossy();
        text.push(' ');
        if arg.contains([' ', '\n', '"']) || arg.is_empty() {
            text.push_str(&format!("{arg:?}"));
        } else {
            text.push_str(&arg);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_an_error_that_names_it() {
        let failed = run(Command::new("sh").args(["-c", "exit 3"])).map_err(|e| e.to_string());
        assert!(
            matches!(&failed, Err(text) if text.contains("exit 3") && text.contains("status: 3"))
        );
    }

    #[test]
    fn find_sees_programs_and_only_those() {
        assert!(find(&["no-such-program-here", "sh"]).is_some_and(|p| p.ends_with("sh")));
        assert!(find(&["no-such-program-here"]).is_none());
        assert!(!is_program(Path::new("/etc/passwd")));
    }
}
