//! `cargo xtask new-migration NAME`: the next number, once per database.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

/// Where the store keeps its migrations, one folder per dialect.
pub(crate) const MIGRATIONS: &str = "crates/tuesday-store/migrations";
/// The dialects; each has the same numbers and the same names.
pub(crate) const DIALECTS: [&str; 2] = ["sqlite", "postgres"];

/// Creates the pair of files and prints their paths.
pub(crate) fn run(root: &Path, name: &str) -> Result<ExitCode> {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !plain {
        bail!("`{name}` is no migration name; use small letters, digits and `_`: add_review_due");
    }
    let file = format!("{:04}_{name}.sql", next_number(root)?);
    for dialect in DIALECTS {
        let path = root.join(MIGRATIONS).join(dialect).join(&file);
        fs::create_dir_all(path.parent().context("migration folder")?)?;
        fs::write(&path, header(dialect, name))
            .with_context(|| format!("writing {}", path.display()))?;
        println!("{}", path.strip_prefix(root).unwrap_or(&path).display());
    }
    Ok(ExitCode::SUCCESS)
}

fn header(dialect: &str, name: &str) -> String {
    let twin = if dialect == "sqlite" {
        "postgres"
    } else {
        "sqlite"
    };
    format!(
        "-- {}.\n-- Why: say it here. Twin: ../{twin}/ with the same number and name.\n",
        name.replace('_', " ")
    )
}

/// One more than the highest number in either dialect, so that a lone file never collides.
fn next_number(root: &Path) -> Result<u32> {
    let mut highest = 0;
    for dialect in DIALECTS {
        let dir = root.join(MIGRATIONS).join(dialect);
        if !dir.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&dir)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if let Some(number) = name.split('_').next().and_then(|n| n.parse::<u32>().ok()) {
                highest = highest.max(number);
            }
        }
    }
    Ok(highest + 1)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;

    #[test]
    fn the_pair_gets_the_next_number_of_both_dialects() {
        let root = tempfile::tempdir().unwrap();
        let lone = root.path().join(MIGRATIONS).join("postgres");
        fs::create_dir_all(&lone).unwrap();
        fs::write(lone.join("0007_start.sql"), "").unwrap();
        run(root.path(), "add_due").unwrap();
        for dialect in DIALECTS {
            let path = root.path().join(MIGRATIONS).join(dialect);
            assert!(path.join("0008_add_due.sql").is_file());
        }
    }

    #[test]
    fn odd_names_are_refused() {
        let root = tempfile::tempdir().unwrap();
        for name in ["", "Add", "add due", "1st", "../x"] {
            assert!(run(root.path(), name).is_err(), "{name:?}");
        }
    }
}
