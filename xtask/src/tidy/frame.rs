//! The frame around the code: migrations in pairs, no dated files, a reason for each dependency.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Finding;
use super::source::files;
use crate::new_migration::{DIALECTS, MIGRATIONS};

const DEPENDENCIES: &str = "docs/decisions/0005-dependencies.md";

/// Each migration exists for both databases, under one number and one name.
pub(super) fn migrations(root: &Path, findings: &mut Vec<Finding>) -> Result<()> {
    let mut names: Vec<BTreeSet<String>> = Vec::new();
    for dialect in DIALECTS {
        let dir = format!("{MIGRATIONS}/{dialect}/");
        let paths = files(root, &dir, ".sql")?;
        names.push(
            paths
                .iter()
                .map(|path| path.rsplit('/').next().unwrap_or(path).to_owned())
                .collect(),
        );
    }
    for (index, dialect) in DIALECTS.iter().enumerate() {
        let twin = DIALECTS[1 - index];
        for name in names[index].difference(&names[1 - index]) {
            findings.push(Finding::new(
                "migrations",
                &format!("{MIGRATIONS}/{dialect}/{name}"),
                1,
                format!("no twin in {MIGRATIONS}/{twin}/"),
                "`cargo xtask new-migration NAME` makes the pair".to_owned(),
            ));
        }
        duplicates(dialect, &names[index], findings);
    }
    Ok(())
}

fn duplicates(dialect: &str, names: &BTreeSet<String>, findings: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    for name in names {
        let number = name.split('_').next().unwrap_or_default();
        let numbered = number.len() == 4 && number.chars().all(|c| c.is_ascii_digit());
        if !numbered || !seen.insert(number) {
            findings.push(Finding::new(
                "migrations",
                &format!("{MIGRATIONS}/{dialect}/{name}"),
                1,
                "a migration is NNNN_name.sql, and each number is used once".to_owned(),
                "give it the next free number".to_owned(),
            ));
        }
    }
}

/// Files such as `notes-2026-11-20.md` belong to a day, the root belongs to the project.
pub(super) fn dated_files(root: &Path, findings: &mut Vec<Finding>) -> Result<()> {
    for entry in fs::read_dir(root).context("reading the root")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if has_date(&name) {
            findings.push(Finding::new(
                "dated-file",
                &name,
                1,
                "a dated file in the root".to_owned(),
                "put what stays true into docs/, and delete the rest".to_owned(),
            ));
        }
    }
    Ok(())
}

/// True for names with `2026-11-20`, `2026_11_20` or `20261120`.
fn has_date(name: &str) -> bool {
    let digits: String = name
        .chars()
        .filter(|c| !matches!(c, '-' | '_' | '.'))
        .collect();
    let bytes = digits.as_bytes();
    bytes.windows(8).any(|window| {
        window.iter().all(u8::is_ascii_digit)
            && (window.starts_with(b"19") || window.starts_with(b"20"))
            && (b"01"[..].contains(&window[4]) && b"0123"[..].contains(&window[6]))
    })
}

/// Each dependency of the workspace has a row with its reason, and no row is left over.
pub(super) fn dependencies(root: &Path, findings: &mut Vec<Finding>) -> Result<()> {
    let manifest = fs::read_to_string(root.join("Cargo.toml")).context("Cargo.toml")?;
    let manifest: toml::Table = toml::from_str(&manifest).context("Cargo.toml")?;
    let table = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(toml::Value::as_table)
        .context("Cargo.toml has no [workspace.dependencies]")?;
    let used: BTreeSet<&str> = table
        .iter()
        .filter(|(_, value)| value.get("path").is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    let page = fs::read_to_string(root.join(DEPENDENCIES)).unwrap_or_default();
    let explained = rows(&page);
    for name in used.difference(&explained) {
        findings.push(Finding::new(
            "dependencies",
            "Cargo.toml",
            1,
            format!("`{name}` has no row in {DEPENDENCIES}"),
            "write down why it is worth its price, or do without it".to_owned(),
        ));
    }
    for name in explained.difference(&used) {
        findings.push(Finding::new(
            "dependencies",
            DEPENDENCIES,
            1,
            format!("`{name}` is explained and not used"),
            "delete the row".to_owned(),
        ));
    }
    Ok(())
}

/// Names in the first column of the page's tables, which stand in backquotes.
fn rows(page: &str) -> BTreeSet<&str> {
    page.lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|rest| rest.split_once('`'))
        .map(|(name, _)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;

    #[test]
    fn a_lone_migration_and_a_used_number_are_found() {
        let root = tempfile::tempdir().unwrap();
        for (dialect, name) in [
            ("sqlite", "0001_start.sql"),
            ("postgres", "0001_start.sql"),
            ("sqlite", "0002_more.sql"),
            ("sqlite", "0002_other.sql"),
        ] {
            let dir = root.path().join(MIGRATIONS).join(dialect);
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join(name), "").unwrap();
        }
        let mut findings = Vec::new();
        migrations(root.path(), &mut findings).unwrap();
        let lone = findings
            .iter()
            .filter(|f| f.what.contains("no twin"))
            .count();
        assert_eq!((lone, findings.len()), (2, 3));
    }

    #[test]
    fn dates_are_told_from_numbers() {
        for (name, dated) in [
            ("notes-2026-11-20.md", true),
            ("report_20261120", true),
            ("Cargo.toml", false),
            ("v1.2.3", false),
            ("issue-20269999", false),
        ] {
            assert_eq!(has_date(name), dated, "{name}");
        }
    }

    #[test]
    fn dependencies_and_reasons_match() {
        let root = tempfile::tempdir().unwrap();
        let manifest = "[workspace.dependencies]\nmine = { path = \"crates/mine\" }\nserde = \"1\"\nrand = \"1\"\n";
        fs::write(root.path().join("Cargo.toml"), manifest).unwrap();
        fs::create_dir_all(root.path().join("docs/decisions")).unwrap();
        fs::write(
            root.path().join(DEPENDENCIES),
            "| `serde` | x |\n| `old` | y |\n",
        )
        .unwrap();
        let mut findings = Vec::new();
        dependencies(root.path(), &mut findings).unwrap();
        let whats: Vec<_> = findings.iter().map(|f| f.what.as_str()).collect();
        assert_eq!(whats.len(), 2);
        assert!(whats[0].contains("`rand`") && whats[1].contains("`old`"));
    }
}
