//! Finding the PostgreSQL server programs, and a user who may run them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{install, proc};

/// The folder with `initdb` and `postgres`; installs the package when there is none.
pub(super) fn binaries() -> Result<PathBuf> {
    if let Some(dir) = installed() {
        return Ok(dir);
    }
    install::apt(&["postgresql"], "the store tests on a real PostgreSQL")?;
    installed().context("missing: initdb and postgres, even after installing postgresql")
}

fn installed() -> Option<PathBuf> {
    let mut candidates = Vec::new();
    if proc::find(&["pg_config"]).is_some()
        && let Ok(dir) = proc::output(Command::new("pg_config").arg("--bindir"))
    {
        candidates.push(PathBuf::from(dir.trim()));
    }
    candidates.extend(packaged(Path::new("/usr/lib/postgresql")));
    if let Some(on_path) = proc::find(&["initdb"]) {
        // A link on PATH is followed: the server looks for its libraries beside the real file.
        let real = fs::canonicalize(&on_path).unwrap_or(on_path);
        candidates.extend(real.parent().map(Path::to_path_buf));
    }
    candidates.into_iter().find(|dir| {
        ["initdb", "postgres"]
            .iter()
            .all(|p| proc::is_program(&dir.join(p)))
    })
}

/// Debian keeps one folder per major version; the newest comes first.
fn packaged(base: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(base)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    versions.into_iter().map(|(_, dir)| dir).collect()
}

/// User and group id for the server; `None` keeps our own. PostgreSQL refuses to run as root.
pub(super) fn unprivileged() -> Result<Option<(u32, u32)>> {
    if !install::is_root()? {
        return Ok(None);
    }
    let passwd = fs::read_to_string("/etc/passwd").context("reading /etc/passwd")?;
    for user in ["postgres", "nobody"] {
        if let Some(ids) = ids_of(&passwd, user) {
            return Ok(Some(ids));
        }
    }
    bail!("PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody`")
}

fn ids_of(passwd: &str, user: &str) -> Option<(u32, u32)> {
    let line = passwd
        .lines()
        .find(|line| line.split(':').next() == Some(user))?;
    let fields: Vec<&str> = line.split(':').collect();
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;

    #[test]
    fn newest_packaged_version_first() {
        let base = tempfile::tempdir().unwrap();
        for version in ["9", "15", "17", "notes"] {
            fs::create_dir(base.path().join(version)).unwrap();
        }
        let found = packaged(base.path());
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], base.path().join("17/bin"));
        assert_eq!(found[2], base.path().join("9/bin"));
    }

    #[test]
    fn ids_come_from_the_exact_user() {
        let passwd = "root:x:0:0::/:/bin/sh\npostgresql:x:5:6::/:\npostgres:x:112:117::/:\n";
        assert_eq!(ids_of(passwd, "postgres"), Some((112, 117)));
        assert_eq!(ids_of(passwd, "nobody"), None);
    }
}
