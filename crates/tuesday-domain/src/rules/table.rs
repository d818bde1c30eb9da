//! The parsed table: columns, rows, its canonical text and its hash.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::cell::Cell;
use super::column::Column;
use super::compile::Compiled;
use super::mapping;

/// Where a row sends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Approved by the rule, without a person.
    Auto,
    /// To the reviewers of a tier.
    Review,
    /// Worked by hand from the start.
    Manual,
    /// Outside the scope of the workflow.
    Excluded,
    /// Refused: no action may follow.
    Refuse,
}

impl Route {
    /// The word used in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Review => "review",
            Self::Manual => "manual",
            Self::Excluded => "excluded",
            Self::Refuse => "refuse",
        }
    }

    /// Reads the word used in the file.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Auto,
            Self::Review,
            Self::Manual,
            Self::Excluded,
            Self::Refuse,
        ]
        .into_iter()
        .find(|route| route.as_str() == word)
    }

    /// Whether the route ends with a person looking at the run.
    #[must_use]
    pub const fn goes_to_person(self) -> bool {
        matches!(self, Self::Review | Self::Manual)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Unique, stable id such as `r1`.
    pub id: String,
    /// One cell per column, in column order.
    pub cells: Vec<Cell>,
    /// Where the row sends a run.
    pub route: Route,
    /// Who must look; present exactly when the route is review.
    pub review_tier: Option<String>,
    /// Words for people; present on every row that is not automatic.
    pub reason: Option<String>,
    /// A remark of the author.
    pub note: Option<String>,
    /// Line in the file, counted from 1.
    pub line: u64,
}

/// A checked decision table. It can only be made by [`parse`](super::parse), so every value of
/// this type ends with a row that catches everything and hands it to a person.
#[derive(Clone, Debug)]
pub struct RuleSet {
    columns: Vec<Column>,
    rows: Vec<Row>,
    has_note: bool,
    compiled: Compiled,
}

impl RuleSet {
    pub(crate) fn new(columns: Vec<Column>, rows: Vec<Row>, has_note: bool) -> Self {
        let compiled = Compiled::new(&columns, &rows);
        Self {
            columns,
            rows,
            has_note,
            compiled,
        }
    }

    /// The condition columns, left to right.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows, first to last.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Whether the table has a column for remarks.
    #[must_use]
    pub const fn has_note(&self) -> bool {
        self.has_note
    }

    /// The row with an id.
    #[must_use]
    pub fn row(&self, id: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// The form used for evaluation and back-tests.
    #[must_use]
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// SHA-256 of the canonical file, as 64 lower-case hex digits.
    #[must_use]
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(to_csv(self).as_bytes()))
    }

    /// The review tiers that rows name, each once, in row order.
    #[must_use]
    pub fn review_tiers(&self) -> Vec<&str> {
        let mut tiers: Vec<&str> = Vec::new();
        for tier in self
            .rows
            .iter()
            .filter_map(|row| row.review_tier.as_deref())
        {
            if !tiers.contains(&tier) {
                tiers.push(tier);
            }
        }
        tiers
    }
}

impl PartialEq for RuleSet {
    fn eq(&self, other: &Self) -> bool {
        to_csv(self) == to_csv(other)
    }
}

/// The canonical file: UTF-8, no byte-order mark, lines end with a line feed, cells trimmed,
/// quotes only where needed. Reading it again gives the same rule set and the same bytes.
#[must_use]
pub fn to_csv(rules: &RuleSet) -> String {
    let mut out = String::new();
    let mut header = vec!["row"];
    header.extend(rules.columns.iter().map(|column| column.header.as_str()));
    header.extend(["route", "review_tier", "reason"]);
    if rules.has_note {
        header.push("note");
    }
    push_line(&mut out, &header);
    for row in &rules.rows {
        let mut line = vec![row.id.as_str()];
        line.extend(row.cells.iter().map(Cell::text));
        line.push(row.route.as_str());
        line.push(row.review_tier.as_deref().unwrap_or_default());
        line.push(row.reason.as_deref().unwrap_or_default());
        if rules.has_note {
            line.push(row.note.as_deref().unwrap_or_default());
        }
        push_line(&mut out, &line);
    }
    for line in mapping::lines(&rules.columns, rules.has_note) {
        push_line(
            &mut out,
            &line.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    }
    out
}

pub(crate) fn push_line(out: &mut String, cells: &[&str]) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        // Cells hold no line breaks, so only commas and quotes can need quoting.
        if cell.contains([',', '"']) {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(cell);
        }
    }
    out.push('\n');
}
