//! The decision table that routes runs, kept where people can read it.
//!
//! A rule set is one CSV file. Its columns are typed, its cells are intervals and sets, the first
//! row that matches wins and the last row always goes to a person. Because cells are that simple,
//! unreachable rows, overlaps and what a change would approve are computed exactly, not sampled.
//! A missing, mistyped or unknown value never counts as "no match": it goes to a person.

mod advice;
mod backtest;
mod cell;
mod change;
mod check;
mod classes;
mod column;
mod compile;
mod decimal;
mod edit;
mod evaluate;
mod explain;
mod finding;
mod foregone;
mod header;
mod interval;
mod judge;
mod mapping;
mod packed;
mod parse;
mod region;
mod replay;
mod resting;
mod table;
mod value;
mod verdict;

#[cfg(test)]
mod tests;

pub use self::advice::{Advice, Case, CutoffStep, Side, advise};
pub use self::backtest::{FactTable, Landing, Layout, SchemaMismatch};
pub use self::cell::Cell;
pub use self::change::{Change, compare};
pub use self::column::{Column, ColumnType, Range};
pub use self::compile::Compiled;
pub use self::decimal::{Decimal, DecimalError};
pub use self::edit::{CellEdit, EditFault, edit, lines_of, table_text};
pub use self::evaluate::evaluate;
pub use self::finding::{Finding, FindingCode, Severity};
pub use self::foregone::foregone;
pub use self::interval::{binomial_cdf, clopper_pearson};
pub use self::judge::{ChangeRefused, Judged, judge};
pub use self::mapping::{MapEntry, Mapping, Remapped, WORD_CHARS, remapped};
pub use self::packed::{number_of, pack, unpack_words};
pub use self::parse::parse;
pub use self::replay::{Lane, Moved, MovedRun, PastRun, Replay, Tally};
pub use self::resting::rests_on;
pub use self::table::{Route, Row, RuleSet, to_csv};
pub use self::value::{Facts, Problem, ProblemCode};
pub use self::verdict::{Compared, Hit, NearMiss, Person, Verdict};
