//! What the checks have to say about a table, each with its place and the way out.

use serde::{Deserialize, Serialize};

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; nothing to do.
    Info,
    /// Probably not what the author meant.
    Warning,
    /// Allowed only when a second person agrees.
    SecondPerson,
    /// The table is refused.
    Error,
}

/// Stable names of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingCode {
    /// The file is not readable as CSV, or is too large.
    UnreadableFile,
    /// A header cell, its type or its bounds cannot be read.
    BadHeader,
    /// Two columns have the same name.
    DuplicateColumn,
    /// A line has more or fewer cells than the header.
    RaggedRow,
    /// A row id is missing or malformed.
    BadRowId,
    /// Two rows have the same id.
    DuplicateRow,
    /// A condition cell is empty.
    EmptyCell,
    /// A condition cell cannot be read.
    BadCell,
    /// A condition cell can never match a value of its column.
    CellNeverMatches,
    /// The route is not one of the known routes.
    BadRoute,
    /// The review tier is missing, malformed or out of place.
    BadReviewTier,
    /// A row that is not automatic has no reason.
    MissingReason,
    /// A text would run as a formula in a spreadsheet.
    FormulaLike,
    /// The last row does not catch everything and hand it to a person.
    CatchAllMissing,
    /// An automatic row compares nothing.
    AutoWithoutCondition,
    /// A rule value lies beyond the soft bound.
    PastSoftBound,
    /// A rule value lies beyond the hard bound.
    PastHardBound,
    /// An automatic row takes amounts beyond the soft bound.
    AutoPastSoftBound,
    /// An automatic row takes amounts beyond the hard bound.
    AutoPastHardBound,
    /// An automatic row takes every value of a bounded column.
    AutoUnlimited,
    /// Earlier rows take everything this row could take.
    UnreachableRow,
    /// Two rows with different results match the same values.
    Overlap,
    /// Nothing of the source stands for a word of a mapped column.
    MappingGap,
    /// No row compares this column.
    UnusedColumn,
    /// Values that only the last row takes.
    FallsToLastRow,
    /// The table is too entangled for the exact check; simpler checks were used.
    CheckIncomplete,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable name.
    pub code: FindingCode,
    /// Weight.
    pub severity: Severity,
    /// The row id, where one row is meant.
    pub row: Option<String>,
    /// The column name, where one column is meant.
    pub column: Option<String>,
    /// The line in the file, counted from 1.
    pub line: u64,
    /// What is the matter, in words for people.
    pub message: String,
    /// What to do about it.
    pub way_out: String,
}

impl Finding {
    /// A finding about a line; row and column can be added.
    pub(crate) fn new(
        code: FindingCode,
        severity: Severity,
        line: u64,
        message: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity,
            row: None,
            column: None,
            line,
            message: message.into(),
            way_out: way_out.into(),
        }
    }

    /// An error about a line.
    pub(crate) fn error(
        code: FindingCode,
        line: u64,
        message: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        Self::new(code, Severity::Error, line, message, way_out)
    }

    pub(crate) fn in_row(mut self, row: &str) -> Self {
        self.row = Some(row.to_owned());
        self
    }

    pub(crate) fn in_column(mut self, column: &str) -> Self {
        self.column = Some(column.to_owned());
        self
    }
}
