//! Evaluates a table over many past runs at once, column by column.

use std::collections::HashMap;

use super::column::{Column, ColumnType};
use super::compile::{Compiled, CompiledColumn};
use super::packed::{Packed, Unpack};
use super::table::RuleSet;
use super::value::{Facts, Resolved};

/// Runs whose masks are held at once; small enough for the first-level cache.
const CHUNK: usize = 1024;
/// Distinct texts kept from one page of a history to the next.
const KNOWN_TEXTS: usize = 100_000;
const NUMBER_MISSING: i128 = i128::MIN;
const NUMBER_BAD: i128 = i128::MIN + 1;
const CODE_MISSING: u32 = u32::MAX;
const CODE_BAD: u32 = u32::MAX - 1;

/// The facts of past runs, typed once and kept as columns, to be asked about many tables.
#[derive(Clone, Debug)]
pub struct FactTable {
    columns: Vec<(String, ColumnType, Values)>,
    len: usize,
}

#[derive(Clone, Debug)]
enum Values {
    Numbers(Vec<i128>),
    Codes(Vec<u32>),
    Texts {
        codes: Vec<u32>,
        ids: HashMap<String, u32>,
        known: Vec<String>,
    },
}

/// Where one past run lands under a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// The row with this index.
    Row(u32),
    /// A person: a value is missing or cannot be compared.
    Person,
}

/// The facts were typed for other columns than the table has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rules have a column {column} that the past runs were not read for")]
pub struct SchemaMismatch {
    /// The column that is new or has another type.
    pub column: String,
}

impl FactTable {
    /// An empty table for the columns of a rule set.
    #[must_use]
    pub fn new(columns: &[Column]) -> Self {
        let values = |column: &Column| match column.kind {
            ColumnType::YesNo | ColumnType::OneOf { .. } => Values::Codes(Vec::new()),
            // The source's own words: another mapping gives them another meaning.
            ColumnType::Text | ColumnType::Mapped { .. } => Values::Texts {
                codes: Vec::new(),
                ids: HashMap::new(),
                known: Vec::new(),
            },
            _ => Values::Numbers(Vec::new()),
        };
        let columns = columns
            .iter()
            .map(|c| (c.name.clone(), c.kind.clone(), values(c)))
            .collect();
        Self { columns, len: 0 }
    }

    /// How many runs the table holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the table holds no run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds one run. The columns must be those the table was made for.
    ///
    /// # Errors
    /// [`SchemaMismatch`] when they are not; nothing is added then.
    pub fn push(&mut self, columns: &[Column], facts: &Facts<'_>) -> Result<(), SchemaMismatch> {
        for (at, column) in columns.iter().enumerate() {
            self.find(column)
                .filter(|found| *found == at)
                .ok_or_else(|| mismatch(column))?;
        }
        for (column, (_, _, values)) in columns.iter().zip(&mut self.columns) {
            values.push(&facts.kept(column));
        }
        self.len += 1;
        Ok(())
    }

    /// How the columns of another rules version map to those of this table; nothing when a column
    /// of this table was not compared then.
    #[must_use]
    pub fn layout(&self, columns: &[Column]) -> Option<Layout> {
        let places: Vec<Option<usize>> = columns.iter().map(|column| self.find(column)).collect();
        let known = |at: usize| places.contains(&Some(at));
        (0..self.columns.len()).all(known).then_some(Layout(places))
    }

    /// Adds one run from its packed values. Answers false, with nothing added, when the bytes do
    /// not fit the layout.
    pub fn push_packed(&mut self, layout: &Layout, bytes: &[u8]) -> bool {
        let mut unpack = Unpack::new(bytes);
        for place in &layout.0 {
            let Some(value) = unpack.value() else {
                return self.cut();
            };
            if let Some(at) = place
                && !self.columns[*at].2.push_packed(value)
            {
                return self.cut();
            }
        }
        if !unpack.is_done() {
            return self.cut();
        }
        self.len += 1;
        true
    }

    /// Takes back a run that was added in part.
    fn cut(&mut self) -> bool {
        for (_, _, values) in &mut self.columns {
            values.truncate(self.len);
        }
        false
    }

    /// Forgets the runs and keeps the columns and their texts, for the next page of a history.
    pub fn clear(&mut self) {
        self.len = 0;
        self.cut();
        for (_, _, values) in &mut self.columns {
            values.forget_many();
        }
    }

    fn find(&self, column: &Column) -> Option<usize> {
        self.columns
            .iter()
            .position(|(name, kind, _)| column.reads_like(name, kind))
    }

    /// Where every run lands under a rule set, in the order they were added.
    ///
    /// # Errors
    /// [`SchemaMismatch`] when the rule set has a column that was not read. Columns that it no
    /// longer has are left out of account, as they would be live.
    pub fn land(&self, rules: &RuleSet) -> Result<Vec<Landing>, SchemaMismatch> {
        let mut order = Vec::new();
        for column in rules.columns() {
            order.push(self.find(column).ok_or_else(|| mismatch(column))?);
        }
        let compiled = rules.compiled();
        let lookups: Vec<Vec<u32>> = order
            .iter()
            .zip(rules.columns().iter().zip(&compiled.columns))
            .map(|(at, (column, compiled))| self.columns[*at].2.class_lookup(column, compiled))
            .collect();
        let mut landings = Vec::with_capacity(self.len);
        let mut scratch = Scratch::new(compiled.words);
        for start in (0..self.len).step_by(CHUNK) {
            let count = CHUNK.min(self.len - start);
            scratch.reset(count);
            for ((at, column), lookup) in order.iter().zip(&compiled.columns).zip(&lookups) {
                self.columns[*at]
                    .2
                    .classes(column, lookup, start, &mut scratch.classes[..count]);
                scratch.apply(column, compiled, count);
            }
            scratch.finish(compiled.words, count, &mut landings);
        }
        Ok(landings)
    }
}

fn mismatch(column: &Column) -> SchemaMismatch {
    SchemaMismatch {
        column: column.name.clone(),
    }
}

/// Class of a value that is mistyped.
const BAD_CLASS: u32 = u32::MAX;

/// Where each packed value of another rules version belongs.
#[derive(Clone, Debug)]
pub struct Layout(Vec<Option<usize>>);

impl Values {
    fn truncate(&mut self, len: usize) {
        match self {
            Self::Numbers(list) => list.truncate(len),
            Self::Codes(list) | Self::Texts { codes: list, .. } => list.truncate(len),
        }
    }

    /// Texts that hardly repeat are not worth keeping: memory stays bounded over any history.
    fn forget_many(&mut self) {
        if let Self::Texts { ids, known, .. } = self
            && known.len() > KNOWN_TEXTS
        {
            ids.clear();
            known.clear();
        }
    }

    /// False when the value is not of this column's kind.
    fn push_packed(&mut self, value: Packed<'_>) -> bool {
        match (self, value) {
            (Self::Numbers(list), Packed::Number(number)) => list.push(number),
            (Self::Numbers(list), Packed::Missing) => list.push(NUMBER_MISSING),
            (Self::Numbers(list), Packed::Bad) => list.push(NUMBER_BAD),
            (Self::Codes(list), Packed::Code(code)) => list.push(code),
            (Self::Texts { codes, ids, known }, Packed::Text(text)) => {
                codes.push(intern(ids, known, text));
            }
            (Self::Codes(list) | Self::Texts { codes: list, .. }, Packed::Missing) => {
                list.push(CODE_MISSING);
            }
            (Self::Codes(list) | Self::Texts { codes: list, .. }, Packed::Bad) => {
                list.push(CODE_BAD);
            }
            _ => return false,
        }
        true
    }

    fn push(&mut self, value: &Resolved<'_>) {
        match self {
            Self::Numbers(list) => list.push(match value {
                Resolved::Number(number) => number.scaled(),
                Resolved::Missing => NUMBER_MISSING,
                _ => NUMBER_BAD,
            }),
            Self::Codes(list) => list.push(match value {
                Resolved::Code(code) => *code,
                Resolved::Missing => CODE_MISSING,
                _ => CODE_BAD,
            }),
            Self::Texts { codes, ids, known } => codes.push(match value {
                Resolved::Text(text) => intern(ids, known, text),
                Resolved::Missing => CODE_MISSING,
                _ => CODE_BAD,
            }),
        }
    }

    /// For texts: the class of every distinct text, looked up once per table.
    fn class_lookup(&self, column: &Column, compiled: &CompiledColumn) -> Vec<u32> {
        match self {
            Self::Texts { known, .. } if matches!(column.kind, ColumnType::Mapped { .. }) => known
                .iter()
                .map(|word| column.mapping.of_folded(word).unwrap_or(BAD_CLASS))
                .collect(),
            Self::Texts { known, .. } => known
                .iter()
                .map(|text| class32(compiled.classes.of_text(text)))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Writes the class of each run from `start` on.
    fn classes(&self, column: &CompiledColumn, lookup: &[u32], start: usize, out: &mut [u32]) {
        let missing = class32(column.classes.missing());
        let end = start + out.len();
        match self {
            Self::Numbers(list) => {
                for (class, value) in out.iter_mut().zip(&list[start..end]) {
                    *class = match *value {
                        NUMBER_MISSING => missing,
                        NUMBER_BAD => BAD_CLASS,
                        number => class32(column.classes.of_number(number)),
                    };
                }
            }
            Self::Codes(list) | Self::Texts { codes: list, .. } => {
                let known = |code: u32| {
                    if lookup.is_empty() {
                        Some(code)
                    } else {
                        lookup.get(code as usize).copied()
                    }
                };
                for (class, code) in out.iter_mut().zip(&list[start..end]) {
                    *class = match *code {
                        CODE_MISSING => missing,
                        CODE_BAD => BAD_CLASS,
                        code => known(code).unwrap_or(BAD_CLASS),
                    };
                }
            }
        }
    }
}

fn intern(ids: &mut HashMap<String, u32>, known: &mut Vec<String>, text: &str) -> u32 {
    if let Some(id) = ids.get(text) {
        return *id;
    }
    // Past four billion distinct texts the code would collide with the marks; call those bad.
    let id = u32::try_from(known.len()).unwrap_or(CODE_BAD).min(CODE_BAD);
    known.push(text.to_owned());
    ids.insert(text.to_owned(), id);
    id
}

fn class32(class: usize) -> u32 {
    u32::try_from(class).unwrap_or(BAD_CLASS)
}

/// Row masks of one chunk of runs.
struct Scratch {
    classes: Vec<u32>,
    live: Vec<u64>,
    unknown: Vec<u64>,
    bad: Vec<bool>,
}

impl Scratch {
    fn new(words: usize) -> Self {
        Self {
            classes: vec![0; CHUNK],
            live: vec![0; CHUNK * words],
            unknown: vec![0; CHUNK * words],
            bad: vec![false; CHUNK],
        }
    }

    fn reset(&mut self, count: usize) {
        self.live.fill(u64::MAX);
        self.unknown.fill(0);
        self.bad[..count].fill(false);
    }

    fn apply(&mut self, column: &CompiledColumn, compiled: &Compiled, count: usize) {
        let words = compiled.words;
        let missing = class32(column.classes.missing());
        for run in 0..count {
            let class = self.classes[run];
            let known = if class == BAD_CLASS {
                None
            } else {
                column.mask(class as usize, words)
            };
            let Some(masks) = known else {
                self.bad[run] = true;
                continue;
            };
            let slots = run * words..(run + 1) * words;
            for (live, mask) in self.live[slots.clone()].iter_mut().zip(masks) {
                *live &= mask;
            }
            if class == missing {
                for (unknown, mask) in self.unknown[slots].iter_mut().zip(&column.required) {
                    *unknown |= mask;
                }
            }
        }
    }

    fn finish(&self, words: usize, count: usize, landings: &mut Vec<Landing>) {
        for run in 0..count {
            let slots = run * words..(run + 1) * words;
            let hit = first_bit(&self.live[slots.clone()]);
            let error = first_bit(&self.unknown[slots]);
            landings.push(match hit {
                Some(hit) if !self.bad[run] && error.is_none_or(|error| hit < error) => {
                    Landing::Row(hit)
                }
                _ => Landing::Person,
            });
        }
    }
}

fn first_bit(words: &[u64]) -> Option<u32> {
    let at = words.iter().position(|word| *word != 0)?;
    Some(u32::try_from(at).ok()? * 64 + words[at].trailing_zeros())
}
