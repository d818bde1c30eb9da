//! Only the engine writes, and what looks after things by itself takes no input: two invariants that
//! the crate edges alone cannot say.

use super::Finding;
use super::paths::named;
use super::source::Source;

/// What a write is made of; nobody but the engine and the store may name it.
const WRITES: [&str; 2] = ["Change", "Decision"];
/// Crates that may. The domain defines it.
const WRITERS: [&str; 3] = ["tuesday-domain", "tuesday-store", "tuesday-engine"];
/// The store itself may be opened here as well: wiring, and the commands that look after a database.
const OPENER: &str = "crates/tuesday/src/";
/// Files that write without being the engine, and why that is right.
const SPARED: [(&str, &str); 2] = [
    (
        "crates/tuesday-web/src/auth/walk.rs",
        "a test, in a file of its own",
    ),
    (
        "crates/tuesday/src/cmd/bench/copies.rs",
        "fills the bench's own database with copies of runs; no engine makes a million of them",
    ),
];
const SERVICES: &str = "crates/tuesday-engine/src/maintenance/";

/// Finds writes outside the engine, and services that take something.
pub(super) fn check(source: &Source, findings: &mut Vec<Finding>) {
    let Some((name, rest)) = source
        .path
        .strip_prefix("crates/")
        .and_then(|p| p.split_once('/'))
    else {
        return;
    };
    let spared = SPARED.iter().any(|(path, _)| *path == source.path);
    if spared || !rest.starts_with("src/") || name == "tuesday-testkit" {
        return;
    }
    if !WRITERS.contains(&name) {
        writes(source, findings);
    }
    if source.path.starts_with(SERVICES) {
        services(source, findings);
    }
}

fn writes(source: &Source, findings: &mut Vec<Finding>) {
    for found in named(&source.masked) {
        if source.in_test(found.at) || !writes_with(&found.path, &source.path) {
            continue;
        }
        findings.push(Finding::new(
            "writes",
            &source.path,
            source.line(found.at),
            format!("`{}` is named outside the engine", found.path),
            "write a verb in tuesday-engine/src/ops and call it".to_owned(),
        ));
    }
}

fn writes_with(path: &str, file: &str) -> bool {
    let parts: Vec<&str> = path.split("::").collect();
    let last = parts.last().copied().unwrap_or_default();
    match parts.first().copied() {
        Some("tuesday_domain") => {
            parts.iter().any(|p| WRITES.contains(p)) || (last == "*" && parts.contains(&"record"))
        }
        Some("tuesday_store") => {
            !file.starts_with(OPENER) && (parts.contains(&"Store") || last == "*")
        }
        _ => false,
    }
}

/// A service is called with the engine and nothing else.
fn services(source: &Source, findings: &mut Vec<Finding>) {
    for (at, _) in source.masked.match_indices("fn run(") {
        let inside = &source.masked[at + "fn run(".len()..];
        let takes = inside.split(')').next().unwrap_or_default().trim();
        if takes.trim_end_matches(',').trim() != "engine: Engine" {
            findings.push(Finding::new(
                "services",
                &source.path,
                source.line(at),
                format!("a maintenance service takes `{takes}`"),
                "a service takes the engine alone and finds by reading what there is to do"
                    .to_owned(),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        let mut findings = Vec::new();
        check(&Source::new(path, text.to_owned()), &mut findings);
        findings.len()
    }

    #[test]
    fn a_write_outside_the_engine_is_found() {
        let web = "crates/tuesday-web/src/api/runs.rs";
        for text in [
            "use tuesday_domain::record::{Run, Change};",
            "use tuesday_domain::record::Decision;",
            "use tuesday_domain::record::*;",
            "fn f() { tuesday_domain::record::Change::DropJob { run } }",
            "use tuesday_store::Store;",
            "use tuesday_store::*;",
        ] {
            assert_eq!(found(web, text), 1, "{text}");
        }
        assert_eq!(
            found(
                "crates/tuesday/src/cmd/run.rs",
                "use tuesday_domain::record::Change;"
            ),
            1
        );
    }

    #[test]
    fn readers_the_engine_and_tests_pass() {
        for (path, text) in [
            (
                "crates/tuesday-web/src/a.rs",
                "use tuesday_store::{StoreReader, QueueFilter};",
            ),
            (
                "crates/tuesday-web/src/a.rs",
                "struct Decision; use tuesday_domain::record::Run;",
            ),
            ("crates/tuesday/src/wiring.rs", "use tuesday_store::Store;"),
            (
                "crates/tuesday-engine/src/ops/a.rs",
                "use tuesday_domain::record::Change;",
            ),
            ("crates/tuesday-web/tests/a.rs", "use tuesday_store::Store;"),
            (
                "crates/tuesday-web/src/a.rs",
                "#[cfg(test)]\nmod tests { use tuesday_store::Store; }",
            ),
        ] {
            assert_eq!(found(path, text), 0, "{path}: {text}");
        }
    }

    #[test]
    fn a_service_with_an_input_is_found() {
        let path = "crates/tuesday-engine/src/maintenance/held.rs";
        assert_eq!(
            found(path, "pub(super) async fn run(engine: Engine) -> R {}"),
            0
        );
        assert_eq!(
            found(path, "async fn run(engine: Engine, run: RunId) -> R {}"),
            1
        );
        assert_eq!(found(path, "async fn run(engine: &Engine, n: u32) {}"), 1);
        assert_eq!(
            found("crates/tuesday-engine/src/ops/a.rs", "fn run(n: u32) {}"),
            0
        );
    }
}
