//! What the words of a source system mean in the table: `Platinum Plus = gold`.
//!
//! The entries stand in the table's own file, on lines whose row id is `map`, so that they have its
//! versions, its reasons and its way back. A word that is not here has no meaning: the run goes to
//! a person, and nobody guesses.

use std::cmp::Ordering;

use csv::StringRecord;
use serde::{Deserialize, Serialize};

use super::column::{Column, ColumnType};
use super::finding::{Finding, FindingCode, Severity};
use super::value::{fold_text, is_invisible, is_placeholder};

/// The row id of the lines that hold entries.
pub(crate) const MAP: &str = "map";
/// Longest word of a source, in characters.
pub const WORD_CHARS: usize = 200;
const WAY_OUT: &str =
    "write the source's word, an equals sign and a word of the column: Platinum Plus = gold";

/// One word of the source and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapEntry {
    /// The source's word as ops people wrote it.
    pub from: String,
    /// Index into the choices of the column.
    pub to: u32,
    folded: String,
}

/// The words of one column's source, compared without regard to case and surrounding blanks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// Sorted by the folded word, so that one mapping has one file.
    entries: Vec<MapEntry>,
}

impl Mapping {
    /// The entries, sorted by the source's word.
    #[must_use]
    pub fn entries(&self) -> &[MapEntry] {
        &self.entries
    }

    /// The choice that a word stands for; nothing when nobody has said.
    #[must_use]
    pub fn of(&self, word: &str) -> Option<u32> {
        self.of_folded(&fold_text(word))
    }

    pub(crate) fn of_folded(&self, folded: &str) -> Option<u32> {
        self.find(folded).ok().map(|at| self.entries[at].to)
    }

    fn find(&self, folded: &str) -> Result<usize, usize> {
        self.entries
            .binary_search_by(|e| -> Ordering { e.folded.as_str().cmp(folded) })
    }

    /// False when the word is there already.
    fn put(&mut self, from: &str, to: u32) -> bool {
        let folded = fold_text(from).into_owned();
        match self.find(&folded) {
            Ok(_) => false,
            Err(at) => {
                let from = from.to_owned();
                self.entries.insert(at, MapEntry { from, to, folded });
                true
            }
        }
    }
}

/// Splits `Platinum Plus = gold`. A choice holds no equals sign, so the last one is meant.
pub(crate) fn split(cell: &str) -> Option<(&str, &str)> {
    let (from, to) = cell.rsplit_once('=')?;
    Some((from.trim(), to.trim()))
}

/// Reads one `map` line into the columns, each fault with its cell.
pub(crate) fn read_line(
    record: &StringRecord,
    columns: &mut [Column],
    has_note: bool,
    findings: &mut Vec<Finding>,
) {
    let line = record.position().map_or(1, csv::Position::line);
    let fault = |code, column: &str, message: String, way_out: &str| {
        Finding::error(code, line, message, way_out)
            .in_row(MAP)
            .in_column(column)
    };
    let expected = columns.len() + if has_note { 5 } else { 4 };
    if record.len() != expected {
        let message = format!("the line has {} cells, the header {expected}", record.len());
        let way_out = "leave the cells of the other columns empty";
        findings.push(Finding::error(FindingCode::RaggedRow, line, message, way_out).in_row(MAP));
        return;
    }
    let mut entries = 0;
    for (column, text) in columns.iter_mut().zip(record.iter().skip(1)) {
        if text.is_empty() {
            continue;
        }
        entries += 1;
        if let Err((code, why)) = take(column, text) {
            findings.push(fault(code, &column.name, why, WAY_OUT));
        }
    }
    if entries == 0 {
        let message = "the line maps nothing".to_owned();
        findings.push(fault(FindingCode::EmptyCell, MAP, message, WAY_OUT));
    }
    if record
        .iter()
        .skip(columns.len() + 1)
        .any(|cell| !cell.is_empty())
    {
        let message = "a line of the mapping has no route, tier, reason or note".to_owned();
        findings.push(fault(
            FindingCode::BadCell,
            "route",
            message,
            "leave these cells empty",
        ));
    }
}

/// Takes one cell into the mapping of its column.
fn take(column: &mut Column, text: &str) -> Result<(), (FindingCode, String)> {
    let bad = |why: String| (FindingCode::BadCell, why);
    let ColumnType::Mapped { choices } = &column.kind else {
        return Err(bad(format!(
            "{} is not a mapped column; only a column of type \"mapped to a|b|c\" has a mapping",
            column.name
        )));
    };
    let Some((from, to)) = split(text) else {
        return Err(bad(format!("\"{text}\" is not an entry of the mapping")));
    };
    word(from).map_err(bad)?;
    let place = choices.iter().position(|choice| choice == to);
    let Some(to) = place.and_then(|at| u32::try_from(at).ok()) else {
        let words = choices.join(", ");
        return Err(bad(format!("\"{to}\" is not one of {words}")));
    };
    if column.mapping.put(from, to) {
        return Ok(());
    }
    let why = format!("\"{from}\" is mapped twice; case and surrounding blanks do not count");
    Err((FindingCode::DuplicateRow, why))
}

/// A word that a source can send and a file can hold.
fn word(from: &str) -> Result<(), String> {
    if from.is_empty() {
        return Err("the source's word is missing before the equals sign".to_owned());
    }
    if from.chars().count() > WORD_CHARS {
        return Err(format!(
            "the source's word is longer than {WORD_CHARS} characters"
        ));
    }
    if from.chars().any(is_invisible) {
        return Err("the text holds a line break or a character that cannot be seen".to_owned());
    }
    if from.starts_with(['=', '+', '-', '@']) {
        return Err(format!("a spreadsheet would run {from} as a formula"));
    }
    if is_placeholder(&fold_text(from)) {
        return Err(format!(
            "\"{from}\" stands for nothing known and cannot be mapped"
        ));
    }
    Ok(())
}

/// The entries of all columns as lines of the file.
pub(crate) fn lines(columns: &[Column], has_note: bool) -> Vec<Vec<String>> {
    let width = columns.len() + if has_note { 5 } else { 4 };
    let mut out = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let choices = column.choices();
        for entry in column.mapping.entries() {
            let Some(to) = choices.get(entry.to as usize) else {
                continue;
            };
            let mut line = vec![String::new(); width];
            MAP.clone_into(&mut line[0]);
            line[at + 1] = format!("{} = {to}", entry.from);
            out.push(line);
        }
    }
    out
}

/// Words of the column that nothing stands for: rows that ask for them can never fire.
pub(crate) fn gaps(columns: &[Column], findings: &mut Vec<Finding>) {
    for column in columns {
        let ColumnType::Mapped { choices } = &column.kind else {
            continue;
        };
        let stands = |at: usize| {
            let same = |e: &MapEntry| usize::try_from(e.to).is_ok_and(|to| to == at);
            column.mapping.entries().iter().any(same)
        };
        let without: Vec<&str> = (0..choices.len())
            .filter(|at| !stands(*at))
            .map(|at| choices[at].as_str())
            .collect();
        if without.is_empty() {
            continue;
        }
        let message = if without.len() == choices.len() {
            format!(
                "{} has no mapping yet, so every run goes to a person",
                column.name
            )
        } else {
            let words = without.join(", ");
            format!(
                "no word of the source stands for {words} in {}",
                column.name
            )
        };
        let way_out = "add lines such as: map, Platinum Plus = gold in the cell of the column";
        findings.push(
            Finding::new(
                FindingCode::MappingGap,
                Severity::Warning,
                1,
                message,
                way_out,
            )
            .in_column(&column.name),
        );
    }
}

/// What two tables map differently: column, word, and what it stood and stands for.
#[must_use]
pub fn remapped(old: &[Column], new: &[Column]) -> Vec<Remapped> {
    let mut out = Vec::new();
    for column in new {
        let before = old.iter().find(|c| c.name == column.name);
        let was = |word: &str| before.and_then(|c| c.mapped(word));
        for entry in column.mapping.entries() {
            let (before, after) = (was(&entry.from), column.mapped(&entry.from));
            if before != after {
                out.push(Remapped::new(column, &entry.from, before, after));
            }
        }
        let gone = before.into_iter().flat_map(|c| c.mapping.entries());
        for entry in gone.filter(|e| column.mapping.of(&e.from).is_none()) {
            out.push(Remapped::new(column, &entry.from, was(&entry.from), None));
        }
    }
    out
}

/// A word of a source that stands for something else now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remapped {
    /// The column.
    pub column: String,
    /// The source's word.
    pub word: String,
    /// What it stood for; absent when nobody had said.
    pub before: Option<String>,
    /// What it stands for; absent when it is taken out.
    pub after: Option<String>,
}

impl Remapped {
    fn new(column: &Column, word: &str, before: Option<&str>, after: Option<&str>) -> Self {
        Self {
            column: column.name.clone(),
            word: word.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        }
    }
}
