//! Every address that changes something names the audit entry that it leaves, or why it leaves none.
//!
//! Two halves make the list complete: each address of `DOORS` that is not a read stands here with
//! kinds that the engine really writes, and the engine has no way to write without an entry but the
//! few that are named.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::doors::DOORS;

mod api;
mod console;
mod money;

/// Method, path, the kinds of entry; without any, why.
type Trace = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
);

const NOTHING: &[&str] = &[];

fn traces() -> Vec<&'static Trace> {
    let all = [api::TRACES, console::TRACES, money::TRACES];
    all.into_iter().flatten().collect()
}

/// What the engine writes without an entry, and why that is enough.
const BARE: &[(&str, &str)] = &[
    (
        "apply",
        "the decision carries the entry; without one nothing happens",
    ),
    (
        "claim",
        "a lease of a job; the step that follows has its entry",
    ),
    (
        "turn",
        "a lease on the record of a destination; the step that writes has its entry",
    ),
    (
        "begin_ceremony",
        "a challenge with a short life; what is done with it has its entry",
    ),
    ("end_ceremony", "the challenge is used up, or expired"),
    (
        "count_guess",
        "wrong guesses at a door, counted before they are judged",
    ),
    ("forgive_guess", "the right one takes its count back"),
    ("heartbeat", "a lease runs on"),
    ("release_leases_of", "leases of a process that is gone"),
    (
        "say_alive",
        "a node is at work; a time without one has its entry",
    ),
    (
        "say_stopped",
        "a node stops; a time without one has its entry",
    ),
    (
        "right_used",
        "when a right was last used, to the hour, for the access review",
    ),
    (
        "session_seen",
        "when a session was last used, to the minute",
    ),
    (
        "put_day",
        "what a day came to, made from its records at any time",
    ),
    (
        "put_retention_mark",
        "up to which day retention has looked; what it erases has its entries",
    ),
    (
        "scrub",
        "takes pages out of the files that an erasure with its entry has overwritten",
    ),
    ("put_figure_mark", "up to where the records were looked at"),
    (
        "sequence_audit",
        "writes the log itself: places and a checkpoint",
    ),
];
/// Methods of the store that write nothing.
const READING: &[&str] = &["reader", "watch", "clone", "close", "instance", "dialect"];

fn engine() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tuesday-engine/src")
}

fn sources(dir: &Path, out: &mut String) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_address_that_changes_something_names_its_entry() {
    let mut source = String::new();
    sources(&engine(), &mut source);
    let traces = traces();
    let listed: BTreeSet<_> = traces.iter().map(|(m, p, ..)| (*m, *p)).collect();
    assert_eq!(listed.len(), traces.len(), "an address stands there twice");
    let changing: BTreeSet<_> = DOORS
        .iter()
        .filter(|(m, ..)| *m != "GET")
        .map(|(m, p, _)| (*m, *p))
        .collect();
    let without: Vec<_> = changing.difference(&listed).collect();
    assert!(without.is_empty(), "no trace is named for {without:?}");
    let idle: Vec<_> = listed.difference(&changing).collect();
    assert!(idle.is_empty(), "no such address: {idle:?}");
    for (method, path, kinds, why) in traces {
        assert_eq!(
            kinds.is_empty(),
            !why.is_empty(),
            "{method} {path}: kinds or a reason"
        );
        for kind in *kinds {
            let written = source.contains(&format!("\"{kind}\""));
            assert!(written, "{method} {path}: the engine writes no `{kind}`");
        }
    }
}

#[test]
fn the_engine_writes_nothing_without_an_entry_but_what_is_named() {
    let mut source = String::new();
    sources(&engine(), &mut source);
    let tight: String = source.split_whitespace().collect();
    let mut found = BTreeSet::new();
    for (at, _) in tight.match_indices("store.") {
        // A field or a variable of that name; not the end of a longer word.
        if tight[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            continue;
        }
        let name: String = tight[at + "store.".len()..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect();
        if !READING.contains(&name.as_str()) {
            found.insert(name);
        }
    }
    let named: BTreeSet<_> = BARE.iter().map(|(n, _)| (*n).to_owned()).collect();
    assert_eq!(found, named);
    assert!(BARE.iter().all(|(_, why)| !why.is_empty()));
}
