//! Asks the table about one run.

use super::cell::Judgement;
use super::compile::Outcome;
use super::explain;
use super::table::{Route, Row, RuleSet};
use super::value::{Facts, Problem, Resolved, missing};
use super::verdict::{Compared, Hit, NearMiss, Person, Verdict};

/// Evaluates the rows from first to last; the first that matches decides.
///
/// A value that is present and mistyped, in any declared column, sends the run to a person. A
/// missing value does so as soon as a row that is reached has a cell in its column which compares
/// and does not name `missing`, whether or not another cell of that row fails.
#[must_use]
pub fn evaluate(rules: &RuleSet, version: u64, facts: &Facts<'_>) -> Verdict {
    let values: Vec<Resolved<'_>> = rules
        .columns()
        .iter()
        .map(|column| facts.resolve(column))
        .collect();
    match rules.compiled().land(&values) {
        Outcome::Row(index) => match rules.rows().get(index) {
            Some(row) => Verdict::Hit(Hit {
                rules_version: version,
                row: row.id.clone(),
                route: row.route,
                review_tier: row.review_tier.clone(),
                reason: row.reason.clone(),
                compared: compare_row(rules, row, &values, true),
                near_miss: near_miss(rules, index, &values),
            }),
            None => person(version, None, Vec::new()),
        },
        Outcome::NeedsValue(index) => {
            let row = rules.rows().get(index);
            person(version, row, missing_values(rules, row, &values))
        }
        Outcome::Mistyped => person(version, None, faults(rules, &values)),
    }
}

/// The verdict of a row that decided on the known values alone.
pub(super) fn excluding(rules: &RuleSet, version: u64, row: &Row, facts: &Facts<'_>) -> Verdict {
    let values: Vec<Resolved<'_>> = rules
        .columns()
        .iter()
        .map(|column| facts.resolve(column))
        .collect();
    Verdict::Hit(Hit {
        rules_version: version,
        row: row.id.clone(),
        route: row.route,
        review_tier: row.review_tier.clone(),
        reason: row.reason.clone(),
        compared: compare_row(rules, row, &values, true),
        near_miss: None,
    })
}

fn person(version: u64, row: Option<&Row>, problems: Vec<Problem>) -> Verdict {
    let words: Vec<&str> = problems
        .iter()
        .map(|problem| problem.words.as_str())
        .collect();
    let what = if words.is_empty() {
        "the rules gave no answer".to_owned()
    } else {
        words.join("; ")
    };
    let place = row.map_or_else(String::new, |row| format!("rule {}, ", row.id));
    Verdict::Person(Person {
        rules_version: version,
        row: row.map(|row| row.id.clone()),
        problems,
        reason: format!("{what} ({place}rules version {version})"),
    })
}

fn missing_values(rules: &RuleSet, row: Option<&Row>, values: &[Resolved<'_>]) -> Vec<Problem> {
    let cells = row.map(|row| row.cells.as_slice()).unwrap_or_default();
    rules
        .columns()
        .iter()
        .zip(cells)
        .zip(values)
        .filter(|((_, cell), value)| cell.requires_value() && **value == Resolved::Missing)
        .map(|((column, _), _)| missing(column))
        .collect()
}

fn faults(rules: &RuleSet, values: &[Resolved<'_>]) -> Vec<Problem> {
    rules
        .columns()
        .iter()
        .zip(values)
        .filter_map(|(column, value)| match value {
            Resolved::Bad(fault) => Some(fault.problem(column)),
            _ => None,
        })
        .collect()
}

/// The comparing cells of a row that came out as asked for.
fn compare_row(
    rules: &RuleSet,
    row: &Row,
    values: &[Resolved<'_>],
    matched: bool,
) -> Vec<Compared> {
    rules
        .columns()
        .iter()
        .zip(&row.cells)
        .zip(values)
        .filter(|((_, cell), value)| {
            !cell.is_any() && (cell.judge(value) == Judgement::Match) == matched
        })
        .map(|((column, cell), value)| explain::compared(column, cell, value, matched))
        .collect()
}

fn near_miss(rules: &RuleSet, hit: usize, values: &[Resolved<'_>]) -> Option<NearMiss> {
    let failed_cells = |row: &Row| {
        let judged = row
            .cells
            .iter()
            .zip(values)
            .map(|(cell, value)| cell.judge(value));
        judged
            .filter(|judgement| *judgement != Judgement::Match)
            .count()
    };
    let earlier = rules.rows().get(..hit)?;
    let (_, row) = earlier
        .iter()
        .enumerate()
        .min_by_key(|(index, row)| (failed_cells(row), row.route != Route::Auto, hit - index))?;
    let failed = compare_row(rules, row, values, false);
    Some(NearMiss {
        row: row.id.clone(),
        route: row.route,
        failed,
    })
}
