//! Vendored assets: every file is listed with its hash, and every hash is true.
//!
//! `vendor.toml` has one table per file: a path (`path` or `file`, or the table's own name),
//! `sha256`, and for people its `version`, `source` and `license`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use super::Finding;
use super::source::files;

const DIR: &str = "crates/tuesday-web/assets/vendor";
const LIST: &str = "crates/tuesday-web/assets/vendor/vendor.toml";

/// Compares the folder with its list.
pub(super) fn check(root: &Path, findings: &mut Vec<Finding>) -> Result<()> {
    let present = files(root, DIR, "")?;
    if present.is_empty() {
        return Ok(());
    }
    let text = fs::read_to_string(root.join(LIST)).unwrap_or_default();
    let listed: toml::Table = toml::from_str(&text).context(LIST)?;
    let mut hashes = BTreeMap::new();
    for (name, value) in &listed {
        collect(name, value, &mut hashes);
    }
    for path in &present {
        let name = path
            .strip_prefix(DIR)
            .unwrap_or(path)
            .trim_start_matches('/');
        let licence = name.to_ascii_uppercase().contains("LICEN");
        match hashes.remove(name) {
            Some(hash) if hash != sha256(&root.join(path))? => findings.push(finding(
                path,
                "its SHA-256 is not the one in vendor.toml".to_owned(),
                "fetch the pinned version again; a change of ours belongs in a file of ours",
            )),
            None if path != LIST && !licence => findings.push(finding(
                path,
                "not listed in vendor.toml".to_owned(),
                "add its path, version, source, license and sha256",
            )),
            _ => {}
        }
    }
    for name in hashes.keys() {
        findings.push(finding(
            LIST,
            format!("lists {name}, which is not there"),
            "delete the entry",
        ));
    }
    Ok(())
}

/// Finds the tables with a hash, however deep the list nests them.
fn collect(name: &str, value: &toml::Value, hashes: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Array(items) => items.iter().for_each(|item| collect(name, item, hashes)),
        toml::Value::Table(table) => {
            if let Some(hash) = table.get("sha256").and_then(toml::Value::as_str) {
                let path = ["path", "file"]
                    .iter()
                    .find_map(|key| table.get(*key)?.as_str());
                hashes.insert(path.unwrap_or(name).to_owned(), hash.to_ascii_lowercase());
                return;
            }
            table
                .iter()
                .for_each(|(name, value)| collect(name, value, hashes));
        }
        _ => {}
    }
}

fn sha256(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(hex::encode(Sha256::digest(bytes)))
}

fn finding(path: &str, what: String, way_out: &str) -> Finding {
    Finding::new("vendored", path, 1, what, way_out.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn count(list: &str, asset: &str) -> usize {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(DIR)).unwrap();
        fs::write(root.path().join(LIST), list).unwrap();
        fs::write(root.path().join(DIR).join("lib.js"), asset).unwrap();
        fs::write(root.path().join(DIR).join("LICENSE-lib"), "x").unwrap();
        let mut findings = Vec::new();
        check(root.path(), &mut findings).unwrap();
        findings.len()
    }

    #[test]
    fn both_spellings_of_the_list_are_read() {
        assert_eq!(
            count(
                &format!("[[file]]\npath = \"lib.js\"\nsha256 = \"{ABC}\"\n"),
                "abc"
            ),
            0
        );
        assert_eq!(
            count(&format!("[\"lib.js\"]\nsha256 = \"{ABC}\"\n"), "abc"),
            0
        );
    }

    #[test]
    fn a_changed_an_unlisted_and_a_lost_file_are_found() {
        let list = format!("[[file]]\npath = \"lib.js\"\nsha256 = \"{ABC}\"\n");
        assert_eq!(count(&list, "abd"), 1);
        assert_eq!(count("", "abc"), 1);
        assert_eq!(count(&list.replace("lib.js", "gone.js"), "abc"), 2);
    }
}
