//! Which crate may use which: the table, held against every Cargo.toml and against ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Finding;

/// The edges, written once. A change here is a change of the architecture: update the same line
/// in ARCHITECTURE.md and say why in `docs/decisions/`.
const EDGES: [(&str, &[&str]); 11] = [
    ("tuesday-domain", &[]),
    ("tuesday-store", &["tuesday-domain"]),
    ("tuesday-classifier", &[]),
    (
        "tuesday-connectors",
        &["tuesday-classifier", "tuesday-domain"],
    ),
    ("tuesday-engine", &["tuesday-domain", "tuesday-store"]),
    (
        "tuesday-web",
        &["tuesday-domain", "tuesday-engine", "tuesday-store"],
    ),
    (
        "tuesday-testkit",
        &["tuesday-domain", "tuesday-engine", "tuesday-store"],
    ),
    ("tuesday-bench", &[]),
    ("tuesday-stub", &[]),
    (
        "tuesday",
        &[
            "tuesday-bench",
            "tuesday-connectors",
            "tuesday-domain",
            "tuesday-engine",
            "tuesday-store",
            "tuesday-stub",
            "tuesday-web",
        ],
    ),
    ("xtask", &[]),
];

/// Only tests may use it.
const DEV_ONLY: &str = "tuesday-testkit";

/// What the tests of every crate may use beyond its own edges: the fakes, and the stand-ins for
/// other systems, which know nothing of ours.
const FOR_TESTS: [&str; 2] = [DEV_ONLY, "tuesday-stub"];

/// Libraries that the domain may not depend on, whatever its files name.
const NOT_IN_DOMAIN: [&str; 9] = [
    "tokio",
    "rusqlite",
    "tokio-postgres",
    "reqwest",
    "hyper",
    "axum",
    "anyhow",
    "getrandom",
    "rand",
];

type Manifest = toml::Table;

/// Checks every member's manifest, and the table that ARCHITECTURE.md prints.
pub(super) fn check(root: &Path, findings: &mut Vec<Finding>) -> Result<()> {
    let mut members = BTreeSet::new();
    for dir in member_folders(root)? {
        let path = format!("{dir}/Cargo.toml");
        let text = fs::read_to_string(root.join(&path)).with_context(|| path.clone())?;
        let manifest: Manifest = toml::from_str(&text).with_context(|| path.clone())?;
        manifest_edges(&path, &manifest, findings);
        members.extend(package_name(&manifest).map(str::to_owned));
    }
    for (name, _) in EDGES.iter().filter(|(name, _)| !members.contains(*name)) {
        findings.push(edge(
            "Cargo.toml",
            format!("the table names {name}, which is no member"),
            "take it out of the table in xtask/src/tidy/edges.rs and out of ARCHITECTURE.md",
        ));
    }
    let architecture = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap_or_default();
    architecture_lines(&architecture, findings);
    Ok(())
}

fn member_folders(root: &Path) -> Result<Vec<String>> {
    let mut dirs = vec!["xtask".to_owned()];
    for entry in fs::read_dir(root.join("crates")).context("reading crates/")? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            dirs.push(format!("crates/{}", entry.file_name().to_string_lossy()));
        }
    }
    dirs.sort();
    Ok(dirs)
}

fn manifest_edges(path: &str, manifest: &Manifest, findings: &mut Vec<Finding>) {
    let Some(name) = package_name(manifest) else {
        findings.push(edge(
            path,
            "no package name".to_owned(),
            "give [package] a name",
        ));
        return;
    };
    if !lints_of_workspace(manifest) {
        findings.push(edge(
            path,
            format!("{name} does not take the lints of the workspace"),
            "add `[lints]` with `workspace = true`",
        ));
    }
    let Some((_, allowed)) = EDGES.iter().find(|(member, _)| *member == name) else {
        findings.push(edge(
            path,
            format!("{name} is not in the table of edges"),
            "add it to xtask/src/tidy/edges.rs and to ARCHITECTURE.md, or fold it into a crate",
        ));
        return;
    };
    let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
    let used = ours(manifest, &["dependencies", "build-dependencies"]);
    for extra in used.difference(&allowed) {
        let way_out = "go through the crate that may, or put the shared noun into tuesday-domain";
        findings.push(edge(path, format!("{name} may not use {extra}"), way_out));
    }
    for unused in allowed.difference(&used) {
        let way_out = "take the edge out of xtask/src/tidy/edges.rs and ARCHITECTURE.md";
        findings.push(edge(path, format!("{name} does not use {unused}"), way_out));
    }
    for dev in ours(manifest, &["dev-dependencies"]) {
        if !FOR_TESTS.contains(&dev) && !allowed.contains(dev) {
            let way_out = "use the fakes of tuesday-testkit, or tuesday-stub";
            findings.push(edge(
                path,
                format!("the tests of {name} may not use {dev}"),
                way_out,
            ));
        }
    }
    if name == "tuesday-domain" {
        for library in dependency_names(manifest, "dependencies") {
            if NOT_IN_DOMAIN.contains(&library) {
                let way_out = "the domain does no I/O; put the work into a connector or the engine";
                findings.push(edge(
                    path,
                    format!("the domain depends on {library}"),
                    way_out,
                ));
            }
        }
    }
}

fn package_name(manifest: &Manifest) -> Option<&str> {
    manifest.get("package")?.get("name")?.as_str()
}

fn lints_of_workspace(manifest: &Manifest) -> bool {
    let flag = manifest
        .get("lints")
        .and_then(|lints| lints.get("workspace"));
    flag.and_then(toml::Value::as_bool) == Some(true)
}

fn ours<'a>(manifest: &'a Manifest, sections: &[&str]) -> BTreeSet<&'a str> {
    sections
        .iter()
        .flat_map(|section| dependency_names(manifest, section))
        .filter(|name| EDGES.iter().any(|(member, _)| member == name))
        .collect()
}

fn dependency_names<'a>(manifest: &'a Manifest, section: &str) -> Vec<&'a str> {
    let table = manifest.get(section).and_then(toml::Value::as_table);
    table
        .map(|t| t.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

/// ARCHITECTURE.md prints one line per member, such as `tuesday-store uses tuesday-domain`.
fn architecture_lines(text: &str, findings: &mut Vec<Finding>) {
    let printed: BTreeMap<String, usize> = text
        .lines()
        .enumerate()
        .map(|(index, line)| {
            (
                line.split_whitespace().collect::<Vec<_>>().join(" "),
                index + 1,
            )
        })
        .collect();
    let expected: BTreeSet<String> = EDGES.iter().map(|(name, uses)| line(name, uses)).collect();
    for missing in expected.iter().filter(|line| !printed.contains_key(*line)) {
        findings.push(edge(
            "ARCHITECTURE.md",
            format!("the table of edges has no line `{missing}`"),
            "print that line in the code block of the crates",
        ));
    }
    for (wrong, number) in printed.iter().filter(|(line, _)| is_edge_line(line)) {
        if !expected.contains(wrong) {
            let mut finding = edge(
                "ARCHITECTURE.md",
                format!("`{wrong}` is not what the crates may do"),
                "print the edges of xtask/src/tidy/edges.rs",
            );
            finding.line = *number;
            findings.push(finding);
        }
    }
}

fn line(name: &str, uses: &[&str]) -> String {
    let uses = if uses.is_empty() {
        "nothing of ours".to_owned()
    } else {
        uses.join(", ")
    };
    format!("{name} uses {uses}")
}

fn is_edge_line(line: &str) -> bool {
    let mut words = line.split(' ');
    let member = words
        .next()
        .is_some_and(|w| EDGES.iter().any(|(name, _)| *name == w));
    member && words.next() == Some("uses")
}

fn edge(path: &str, what: String, way_out: &str) -> Finding {
    Finding::new("edges", path, 1, what, way_out.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]
    use super::*;

    fn whats(text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        manifest_edges(
            "crates/x/Cargo.toml",
            &toml::from_str(text).unwrap(),
            &mut findings,
        );
        findings.into_iter().map(|f| f.what).collect()
    }

    const STORE: &str = "[package]\nname = \"tuesday-store\"\n[lints]\nworkspace = true\n[dependencies]\ntuesday-domain.workspace = true\n";

    #[test]
    fn the_table_is_met_exactly() {
        assert!(whats(STORE).is_empty());
        let more = format!("{STORE}tuesday-engine.workspace = true\n");
        assert_eq!(whats(&more), ["tuesday-store may not use tuesday-engine"]);
        let less = STORE.replace("tuesday-domain.workspace = true\n", "");
        assert_eq!(whats(&less), ["tuesday-store does not use tuesday-domain"]);
    }

    #[test]
    fn the_testkit_is_for_tests_and_adapters_are_not() {
        let kit = format!("{STORE}tuesday-testkit.workspace = true\n");
        assert_eq!(whats(&kit), ["tuesday-store may not use tuesday-testkit"]);
        let dev = format!("{STORE}[dev-dependencies]\ntuesday-testkit.workspace = true\n");
        assert!(whats(&dev).is_empty());
        let dev = format!("{STORE}[dev-dependencies]\ntuesday-connectors.workspace = true\n");
        assert_eq!(whats(&dev).len(), 1);
    }

    #[test]
    fn lints_unknown_members_and_the_domain_are_watched() {
        assert_eq!(whats(&STORE.replace("workspace = true\n[d", "[d")).len(), 1);
        assert_eq!(
            whats("[package]\nname = \"extra\"\n[lints]\nworkspace = true\n").len(),
            1
        );
        let domain = "[package]\nname = \"tuesday-domain\"\n[lints]\nworkspace = true\n[dependencies]\ntokio = \"1\"\n";
        assert_eq!(whats(domain), ["the domain depends on tokio"]);
    }

    #[test]
    fn architecture_prints_the_same_table() {
        let good: String = EDGES
            .iter()
            .map(|(n, u)| format!("  {}\n", line(n, u)))
            .collect();
        let mut findings = Vec::new();
        architecture_lines(&good, &mut findings);
        assert!(findings.is_empty());
        architecture_lines(
            &good.replace("tuesday-store uses tuesday-domain\n", ""),
            &mut findings,
        );
        assert_eq!(findings.len(), 1);
        architecture_lines(
            &format!("{good}tuesday-web uses tuesday-connectors\n"),
            &mut findings,
        );
        assert_eq!(findings.len(), 2);
    }
}
