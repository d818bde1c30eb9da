//! Cases the table excludes whatever the model would say: decided before it is asked.

use super::cell::Judgement;
use super::evaluate::excluding;
use super::table::{Route, RuleSet};
use super::value::{Facts, Resolved};
use super::verdict::Verdict;

/// The verdict, when an excluding row decides without the values of the columns that `open` names.
///
/// Rows are taken in order. A row that fails on a known value is out. The first that is left decides
/// only if each of its cells holds on a known value; one that still looks at an open value, and a
/// known value that is missing where it is needed or mistyped, leave the case to the whole table.
#[must_use]
pub fn foregone(
    rules: &RuleSet,
    version: u64,
    facts: &Facts<'_>,
    open: &dyn Fn(&str) -> bool,
) -> Option<Verdict> {
    let columns: Vec<(Resolved<'_>, bool)> = rules
        .columns()
        .iter()
        .map(|c| (facts.resolve(c), open(&c.name)))
        .collect();
    let mistyped =
        |(value, open): &(Resolved<'_>, bool)| !open && matches!(value, Resolved::Bad(_));
    if columns.iter().any(mistyped) {
        return None;
    }
    for row in rules.rows() {
        let known = row
            .cells
            .iter()
            .zip(&columns)
            .filter(|(_, (_, open))| !open);
        let judged: Vec<Judgement> = known.map(|(cell, (value, _))| cell.judge(value)).collect();
        if judged.contains(&Judgement::Unknown) {
            return None;
        }
        if judged.contains(&Judgement::NoMatch) {
            continue;
        }
        let waits = |(cell, (_, open)): (&super::cell::Cell, &(Resolved<'_>, bool))| {
            *open && !cell.is_any()
        };
        if row.route != Route::Excluded || row.cells.iter().zip(&columns).any(waits) {
            return None;
        }
        return Some(excluding(rules, version, row, facts));
    }
    None
}
