//! The domain does no I/O and reads no clock: what its files may not name.

use super::Finding;
use super::paths::named;
use super::source::Source;

/// Beginnings of paths that may not be named in `tuesday-domain/src`.
const BANNED: [&str; 19] = [
    "tokio",
    "rusqlite",
    "tokio_postgres",
    "reqwest",
    "hyper",
    "axum",
    "anyhow",
    "getrandom",
    "rand",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::time::UNIX_EPOCH",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::io::stdin",
    "std::io::stdout",
];

/// Ends of paths that read a clock or draw a random number inside an allowed crate.
const BANNED_CALLS: [&str; 6] = [
    "Timestamp::now",
    "Zoned::now",
    "SystemTime::now",
    "Instant::now",
    "Uuid::new_v4",
    "Uuid::now_v7",
];

/// Finds what the domain names and must not; its tests are free.
pub(super) fn check(source: &Source, findings: &mut Vec<Finding>) {
    if !source.path.starts_with("crates/tuesday-domain/src/") {
        return;
    }
    for name in named(&source.masked) {
        if banned(&name.path) && !source.in_test(name.at) {
            findings.push(Finding::new(
                "domain",
                &source.path,
                source.line(name.at),
                format!("the domain names `{}`", name.path),
                "take the time, the number or the bytes as an argument; the engine does the rest"
                    .to_owned(),
            ));
        }
    }
}

fn banned(path: &str) -> bool {
    // A word alone is a variable or a field; only a path or a `use` reaches into a crate.
    let reaches = path.contains("::");
    let begins = BANNED.iter().any(|ban| {
        path.strip_prefix(ban)
            .is_some_and(|rest| rest.starts_with("::") || (rest.is_empty() && reaches))
    });
    let calls = BANNED_CALLS
        .iter()
        .any(|ban| path == *ban || path.ends_with(&format!("::{ban}")));
    begins || calls
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        let mut findings = Vec::new();
        let source = Source::new("crates/tuesday-domain/src/run.rs", text.to_owned());
        check(&source, &mut findings);
        findings.len()
    }

    #[test]
    fn every_way_to_name_a_banned_thing_is_found() {
        for text in [
            "use tokio::sync::mpsc;",
            "use std::{fmt, fs};",
            "use std::time::{Duration, Instant};",
            "let a = std::env::var(x);",
            "let t = jiff::Timestamp::now();",
            "let t = Timestamp::now();",
            "let id = Uuid::now_v7();",
            "fn f() -> anyhow::Result<()> {}",
        ] {
            assert_eq!(found(text), 1, "{text}");
        }
    }

    #[test]
    fn allowed_neighbours_tests_and_text_pass() {
        for text in [
            "use std::time::Duration;",
            "// use std::fs;\nconst A: &str = \"std::fs::read\";",
            "#[cfg(test)]\nmod tests { use std::fs; }",
            "let rand = 3; let hyper = rand;",
            "use crate::random::x; use std::fmt;",
            "pub mod fs_names {}",
        ] {
            assert_eq!(found(text), 0, "{text}");
        }
    }
}
