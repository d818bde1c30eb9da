//! The mapping of the rules as plain values: which word of a source stands for which of the table's,
//! what waits to be said, and what was typed.

use tuesday_domain::rules::{CellEdit, Column, ColumnType, RuleSet};
use tuesday_domain::time::Zone;
use tuesday_engine::ops::WaitingWord;

use super::words::local;

/// One mapped column.
pub(super) struct MapCard {
    pub(super) column: String,
    /// The words of the table to choose from.
    pub(super) choices: Vec<String>,
    pub(super) entries: Vec<Entry>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) new_word: String,
    pub(super) new_to: String,
}

/// A word of the source and what it stands for.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) word: String,
    pub(super) to: String,
    /// What it stands for in force, when something else was typed.
    pub(super) was: Option<String>,
}

/// A word that nobody has said anything about.
pub(super) struct Waiting {
    pub(super) entry: Entry,
    pub(super) run: String,
    pub(super) told: String,
    pub(super) overdue: bool,
}

const NOT_MAPPED: &str = "not mapped";

fn is_mapped(column: &&Column) -> bool {
    matches!(column.kind, ColumnType::Mapped { .. })
}

/// The entries that differ from a table, from fields `map.COLUMN.WORD`, and `word.COLUMN` with
/// `means.COLUMN` for a new one.
pub(super) fn edits(fields: &[(String, String)], rules: &RuleSet) -> Vec<CellEdit> {
    let text = |name: &str| {
        let found = fields.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value.trim())
    };
    let mut out: Vec<CellEdit> = Vec::new();
    for column in rules.columns().iter().filter(is_mapped) {
        let prefix = format!("map.{}.", column.name);
        let known = fields.iter().filter_map(|(name, to)| {
            let word = name.strip_prefix(&prefix)?;
            Some((word.trim(), to.trim()))
        });
        let new = text(&format!("word.{}", column.name));
        let means = text(&format!("means.{}", column.name));
        // Half an entry is a fault to be told, and not nothing.
        let new = (!new.is_empty() || !means.is_empty()).then_some((new, means));
        let changed = known.filter(|(word, to)| column.mapped(word).unwrap_or_default() != *to);
        out.extend(changed.chain(new).map(|(word, to)| CellEdit {
            row: "map".to_owned(),
            column: column.name.clone(),
            value: format!("{word} = {to}"),
        }));
    }
    out
}

/// The mapped columns with what was typed over them.
pub(super) fn cards(
    table: &RuleSet,
    edits: &[CellEdit],
    waiting: &[WaitingWord],
    zone: &Zone,
) -> Vec<MapCard> {
    let columns = table.columns().iter().filter(is_mapped);
    columns.map(|c| card(c, edits, waiting, zone)).collect()
}

fn card(column: &Column, edits: &[CellEdit], waiting: &[WaitingWord], zone: &Zone) -> MapCard {
    let typed: Vec<(&str, &str)> = edits
        .iter()
        .filter(|e| e.row == "map" && e.column == column.name)
        .filter_map(|e| e.value.rsplit_once('='))
        .map(|(word, to)| (word.trim(), to.trim()))
        .collect();
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    let entry = |word: &str| {
        let was = column.mapped(word).unwrap_or_default();
        let now = typed.iter().find(|(w, _)| same(w, word)).map(|(_, to)| *to);
        let told = if was.is_empty() { NOT_MAPPED } else { was };
        Entry {
            name: format!("map.{}.{word}", column.name),
            word: word.to_owned(),
            to: now.unwrap_or(was).to_owned(),
            was: now.map(|_| told.to_owned()),
        }
    };
    let mut words: Vec<&str> = column
        .mapping
        .entries()
        .iter()
        .map(|e| e.from.as_str())
        .collect();
    let here = |w: &&WaitingWord| w.met.field == column.name;
    let met: Vec<&WaitingWord> = waiting.iter().filter(here).collect();
    let asked = |word: &str| met.iter().any(|w| same(&w.met.word, word));
    let new = typed
        .iter()
        .filter(|(word, _)| column.mapped(word).is_none() && !asked(word));
    // What cannot stand as an entry stays in the field where it was typed.
    let (whole, part): (Vec<_>, Vec<_>) =
        new.partition(|(word, to)| !word.is_empty() && !to.is_empty());
    words.extend(whole.iter().map(|(word, _)| *word));
    let (new_word, new_to) = part.first().map_or(("", ""), |(word, to)| (*word, *to));
    MapCard {
        column: column.name.replace('_', " "),
        choices: column.choices().into_iter().map(str::to_owned).collect(),
        entries: words.into_iter().map(entry).collect(),
        waiting: met
            .iter()
            .map(|w| Waiting {
                entry: entry(&w.met.word),
                run: w.met.run.to_string(),
                told: local(w.met.due_at, Some(zone)),
                overdue: w.overdue,
            })
            .collect(),
        new_word: new_word.to_owned(),
        new_to: new_to.to_owned(),
    }
}

impl MapCard {
    /// The name of the column in form fields.
    pub(super) fn field(&self) -> String {
        self.column.replace(' ', "_")
    }
}
