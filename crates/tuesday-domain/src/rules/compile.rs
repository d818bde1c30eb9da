//! The table as bit masks: for every class of every column, the rows that still match.
//!
//! One run is then a handful of binary searches and `AND`s, whatever the number of rows.

use super::classes::Classes;
use super::column::Column;
use super::table::Row;
use super::value::Resolved;

/// Most rows a table may have; keeps one row set on the stack.
pub(crate) const MAX_ROWS: usize = 1024;
/// Words of a row set.
const WORDS: usize = MAX_ROWS / 64;

/// The compiled form of a rule set.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub(crate) columns: Vec<CompiledColumn>,
    pub(crate) words: usize,
}

/// One column: its classes, and per class the set of rows whose cell matches.
#[derive(Clone, Debug)]
pub(crate) struct CompiledColumn {
    pub(crate) classes: Classes,
    /// `words` words per class, the missing class last.
    pub(crate) matched: Vec<u64>,
    /// Rows that cannot be judged when the value is missing.
    pub(crate) required: Vec<u64>,
}

/// Where one run lands, before words are made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The index of the first row that matches.
    Row(usize),
    /// The index of the first row that needs a value which is missing.
    NeedsValue(usize),
    /// A value is mistyped.
    Mistyped,
}

impl Compiled {
    pub(crate) fn new(columns: &[Column], rows: &[Row]) -> Self {
        let words = rows.len().div_ceil(64).max(1);
        let columns = columns
            .iter()
            .enumerate()
            .map(|(at, column)| compile_column(column, at, rows, words))
            .collect();
        Self { columns, words }
    }

    /// Where resolved values land. One value per column, in column order.
    pub(crate) fn land(&self, values: &[Resolved<'_>]) -> Outcome {
        let mut live = [u64::MAX; WORDS];
        let mut unknown = [0_u64; WORDS];
        for (column, value) in self.columns.iter().zip(values) {
            let Some(class) = column.class_of(value) else {
                return Outcome::Mistyped;
            };
            let Some(masks) = column.mask(class, self.words) else {
                return Outcome::Mistyped;
            };
            for (word, mask) in live.iter_mut().zip(masks) {
                *word &= mask;
            }
            if class == column.classes.missing() {
                for (word, mask) in unknown.iter_mut().zip(&column.required) {
                    *word |= mask;
                }
            }
        }
        outcome(&live[..self.words], &unknown[..self.words])
    }
}

/// The first row decides: one that matches, or one that cannot be judged.
fn outcome(live: &[u64], unknown: &[u64]) -> Outcome {
    match (first_bit(live), first_bit(unknown)) {
        (Some(hit), Some(error)) if error < hit => Outcome::NeedsValue(error),
        (Some(hit), _) => Outcome::Row(hit),
        (None, Some(error)) => Outcome::NeedsValue(error),
        // The last row matches everything, so this is unreachable; a person is the safe answer.
        (None, None) => Outcome::Mistyped,
    }
}

fn first_bit(words: &[u64]) -> Option<usize> {
    words
        .iter()
        .position(|word| *word != 0)
        .map(|at| at * 64 + words[at].trailing_zeros() as usize)
}

impl CompiledColumn {
    /// The class of a value; nothing for a mistyped one.
    fn class_of(&self, value: &Resolved<'_>) -> Option<usize> {
        match value {
            Resolved::Missing => Some(self.classes.missing()),
            Resolved::Number(number) => Some(self.classes.of_number(number.scaled())),
            Resolved::Code(code) => Some(*code as usize),
            Resolved::Text(text) => Some(self.classes.of_text(text)),
            Resolved::Bad(_) => None,
        }
    }

    /// The rows that match a class; nothing for a class the column does not have.
    pub(crate) fn mask(&self, class: usize, words: usize) -> Option<&[u64]> {
        self.matched.get(class * words..(class + 1) * words)
    }
}

fn compile_column(column: &Column, at: usize, rows: &[Row], words: usize) -> CompiledColumn {
    let cells = || rows.iter().filter_map(|row| row.cells.get(at));
    let classes = Classes::of(column, cells());
    let mut matched = vec![0_u64; classes.count() * words];
    let mut required = vec![0_u64; words];
    for (index, cell) in cells().enumerate() {
        let bit = 1_u64 << (index % 64);
        let set = classes.matched(cell);
        for class in (0..classes.count()).filter(|class| set.contains(*class)) {
            matched[class * words + index / 64] |= bit;
        }
        if cell.requires_value() {
            required[index / 64] |= bit;
        }
    }
    CompiledColumn {
        classes,
        matched,
        required,
    }
}
