//! `docs/reference/cli.md` against the command tree: every command and flag stands there, and
//! nothing else does.
#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

use std::collections::{BTreeMap, BTreeSet};

use clap::{Command, CommandFactory as _};

use crate::cli::Cli;

/// Flags that the page explains once for a whole group, by the first word of the command.
const SHARED: [(&str, &[&str]); 1] = [(
    "review",
    &["--revision", "--note", "--wait", "--timeout", "--key"],
)];
/// Explained above the tables.
const EVERYWHERE: &[&str] = &["--timeout"];

/// Full name of each command that does something, with its own long flags.
fn tree(command: &Command, path: &str, out: &mut BTreeMap<String, BTreeSet<String>>) {
    for sub in command
        .get_subcommands()
        .filter(|s| s.get_name() != "help" && (!s.is_hide_set() || s.get_name() == "real-data"))
    {
        let path = format!("{path} {}", sub.get_name()).trim().to_owned();
        if sub.has_subcommands() {
            tree(sub, &path, out);
            continue;
        }
        let flags = sub
            .get_arguments()
            .filter(|a| !a.is_global_set() && !a.is_hide_set())
            .filter_map(|a| a.get_long())
            .filter(|l| !["help", "version"].contains(l))
            .map(|l| format!("--{l}"));
        out.insert(path, flags.collect());
    }
}

/// Commands and flags that the page names: each piece of code in the first cell of a row.
fn page(text: &str, known: &BTreeSet<String>) -> BTreeMap<String, BTreeSet<String>> {
    let mut out = BTreeMap::new();
    for row in text.lines().filter(|l| l.starts_with("| `")) {
        // A bar inside a cell is written `\|`.
        let row = row.replace("\\|", "\u{1}");
        let cell = row.split('|').nth(1).unwrap_or_default();
        for code in cell.split('`').skip(1).step_by(2) {
            let words: Vec<&str> = code.split_whitespace().collect();
            let second: Vec<&str> = words.get(1).unwrap_or(&"").split('\u{1}').collect();
            let one = known.contains(words[0]).then(|| words[0].to_owned());
            let two = second.iter().map(|s| format!("{} {s}", words[0]));
            let flags: BTreeSet<String> = code
                .split(|c: char| !(c.is_ascii_lowercase() || c == '-'))
                .filter(|w| w.starts_with("--"))
                .map(str::to_owned)
                .collect();
            let mut flags = flags;
            if words.contains(&"-o") || code.contains("[-o ") {
                flags.insert("--output".to_owned());
            }
            for name in one.into_iter().chain(two.filter(|n| known.contains(n))) {
                out.entry(name)
                    .or_insert_with(BTreeSet::new)
                    .extend(flags.clone());
            }
        }
    }
    out
}

#[test]
fn the_reference_names_every_command_and_flag_and_nothing_else() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/cli.md"
    ))
    .unwrap();
    let mut cli = Cli::command();
    cli.build();
    let mut real = BTreeMap::new();
    tree(&cli, "", &mut real);
    let said = page(&text, &real.keys().cloned().collect());
    let mut faults = Vec::new();
    for (command, flags) in &real {
        let Some(said) = said.get(command) else {
            faults.push(format!("`{command}` is not in docs/reference/cli.md"));
            continue;
        };
        let shared = SHARED
            .iter()
            .filter(|(group, _)| command.starts_with(group))
            .flat_map(|(_, flags)| flags.iter())
            .chain(EVERYWHERE);
        let spared: BTreeSet<String> = shared.map(|f| (*f).to_owned()).collect();
        for flag in flags.difference(said).filter(|f| !spared.contains(*f)) {
            faults.push(format!(
                "`{command}` takes {flag}, and the page does not say so"
            ));
        }
        for flag in said.difference(flags) {
            faults.push(format!(
                "`{command}` does not take {flag}, and the page says so"
            ));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
