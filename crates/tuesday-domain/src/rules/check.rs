//! The static checks on a table that could be read: bounds, reach, overlaps.

use super::classes::ClassSet;
use super::column::{Column, Range};
use super::finding::{Finding, FindingCode, Severity};
use super::region::{self, Area, Decided, Space};
use super::table::{Route, Row, RuleSet};

/// Overlaps listed one by one before the rest is only counted.
const LISTED_OVERLAPS: usize = 50;
/// Areas of the last row that are put into words.
const LISTED_AREAS: usize = 5;

/// Every finding about a table.
pub(crate) fn check(rules: &RuleSet) -> Vec<Finding> {
    let space = Space::of(rules.columns(), &[rules.rows()]);
    let decided = space.decide(rules.rows());
    let mut findings = Vec::new();
    for row in rules.rows() {
        check_values(rules.columns(), row, &mut findings);
        if row.route == Route::Auto && !region::compares(row) {
            findings.push(
                Finding::error(
                    FindingCode::AutoWithoutCondition,
                    row.line,
                    "the row approves everything without comparing a value",
                    "compare at least one value, or route the row to a person",
                )
                .in_row(&row.id),
            );
        }
    }
    check_auto_reach(rules, &space, &decided, &mut findings);
    check_reach(rules, &space, &decided, &mut findings);
    check_overlaps(rules, &space, &mut findings);
    check_unused(rules, &mut findings);
    check_rest(rules, &space, &decided, &mut findings);
    super::mapping::gaps(rules.columns(), &mut findings);
    findings
}

/// Numbers written in cells against the bounds of their column.
fn check_values(columns: &[Column], row: &Row, findings: &mut Vec<Finding>) {
    for (column, cell) in columns.iter().zip(&row.cells) {
        for value in cell.numbers() {
            let beyond = |range: &&Range| !range.contains(value);
            let (code, severity, kind, range, way_out) =
                if let Some(range) = column.hard.as_ref().filter(beyond) {
                    let way_out = "choose a value inside it, or ask its owner for a wider bound";
                    (
                        FindingCode::PastHardBound,
                        Severity::Error,
                        "hard",
                        range,
                        way_out,
                    )
                } else if let Some(range) = column.soft.as_ref().filter(beyond) {
                    let way_out = "choose a value inside it, or have a second person agree";
                    (
                        FindingCode::PastSoftBound,
                        Severity::SecondPerson,
                        "soft",
                        range,
                        way_out,
                    )
                } else {
                    continue;
                };
            let message = format!(
                "{} {} is {} its {kind} bound: it may lie between {} and {}",
                column.name,
                column.show(value),
                if value < range.low { "under" } else { "over" },
                column.show(range.low),
                column.show(range.high)
            );
            findings.push(
                Finding::new(code, severity, row.line, message, way_out)
                    .in_row(&row.id)
                    .in_column(&column.name),
            );
        }
    }
}

/// What automatic rows really take, against bounds. A cutoff inside the bounds is not enough: an
/// automatic row with `any` in a bounded money column would approve every amount.
fn check_auto_reach(
    rules: &RuleSet,
    space: &Space<'_>,
    decided: &Decided,
    findings: &mut Vec<Finding>,
) {
    for (row, exact) in rules.rows().iter().zip(&decided.areas) {
        if row.route != Route::Auto {
            continue;
        }
        let rough = || vec![space.row_area(row)];
        let areas = exact.clone().unwrap_or_else(rough);
        for (at, column) in rules.columns().iter().enumerate() {
            let Some((classes, feasible)) = space.classes(at) else {
                continue;
            };
            let taken = areas.iter().filter_map(|area| area.get(at));
            let taken = taken.fold(ClassSet::empty(classes.count()), |sum, set| sum.or(set));
            if taken.is_empty() {
                continue;
            }
            let past = |range: &Range| {
                classes
                    .outside(range.low, range.high)
                    .and(feasible)
                    .meets(&taken)
            };
            let mut present = feasible.clone();
            present.remove(classes.missing());
            let bounded = column.hard.is_some() || column.soft.is_some();
            let finding = if !region::is_money(column) {
                (bounded && present.is_subset(&taken)).then_some((
                    FindingCode::AutoUnlimited,
                    Severity::Warning,
                    "has no limit at all",
                ))
            } else if column.hard.as_ref().is_some_and(past) {
                // Without the exact area the row may be innocent: let a second person say so.
                let severity = if exact.is_some() {
                    Severity::Error
                } else {
                    Severity::SecondPerson
                };
                Some((
                    FindingCode::AutoPastHardBound,
                    severity,
                    "goes beyond the hard bound",
                ))
            } else if column.soft.as_ref().is_some_and(past) {
                let severity = Severity::SecondPerson;
                Some((
                    FindingCode::AutoPastSoftBound,
                    severity,
                    "goes beyond the soft bound",
                ))
            } else {
                None
            };
            if let Some((code, severity, what)) = finding {
                let message = format!("what the row approves by itself {what} of {}", column.name);
                let way_out = format!("limit {} in this row, for example with <=", column.name);
                findings.push(
                    Finding::new(code, severity, row.line, message, way_out)
                        .in_row(&row.id)
                        .in_column(&column.name),
                );
            }
        }
    }
}

fn check_reach(rules: &RuleSet, space: &Space<'_>, decided: &Decided, findings: &mut Vec<Finding>) {
    let rows = rules.rows();
    let boxes: Vec<Area> = rows.iter().map(|row| space.row_area(row)).collect();
    for (index, row) in rows.iter().enumerate() {
        let blockers: Vec<&str> = (0..index)
            .filter(|earlier| region::intersect(&boxes[*earlier], &boxes[index]).is_some())
            .map(|earlier| rows[earlier].id.as_str())
            .collect();
        let dead = match decided.areas.get(index) {
            Some(Some(areas)) => areas.is_empty(),
            _ => boxes[..index]
                .iter()
                .any(|earlier| region::covers(earlier, &boxes[index])),
        };
        if dead {
            let message = if blockers.is_empty() {
                format!(
                    "row {} can never be reached: earlier rows need the value it calls missing",
                    row.id
                )
            } else {
                format!(
                    "row {} can never be reached: {} take everything it matches",
                    row.id,
                    blockers.join(", ")
                )
            };
            let way_out = "remove the row or move it above the rows that hide it";
            findings.push(
                Finding::new(
                    FindingCode::UnreachableRow,
                    Severity::Warning,
                    row.line,
                    message,
                    way_out,
                )
                .in_row(&row.id),
            );
        }
    }
    if let Some(at) = decided.areas.iter().position(Option::is_none) {
        let row = &rows[at];
        let message = format!(
            "from row {} on, the table is too entangled for the exact check; rows were only compared in pairs",
            row.id
        );
        let way_out = "use fewer rows or fewer columns that overlap";
        findings.push(
            Finding::new(
                FindingCode::CheckIncomplete,
                Severity::Warning,
                row.line,
                message,
                way_out,
            )
            .in_row(&row.id),
        );
    }
}

/// Pairs of rows that match the same values and disagree. Strict before automatic is the usual
/// way to write exceptions; automatic before strict approves what the later row wants stopped.
fn check_overlaps(rules: &RuleSet, space: &Space<'_>, findings: &mut Vec<Finding>) {
    let Some((last, rows)) = rules.rows().split_last() else {
        return;
    };
    let boxes: Vec<Area> = rows.iter().map(|row| space.row_area(row)).collect();
    let mut unlisted = 0_usize;
    let mut listed = 0_usize;
    for (b, later) in rows.iter().enumerate() {
        for (a, earlier) in rows.iter().enumerate().take(b) {
            let same = earlier.route == later.route && earlier.review_tier == later.review_tier;
            if same {
                continue;
            }
            let Some(common) = region::intersect(&boxes[a], &boxes[b]) else {
                continue;
            };
            if listed == LISTED_OVERLAPS {
                unlisted += 1;
                continue;
            }
            listed += 1;
            let (severity, way_out) = if earlier.route == Route::Auto {
                (
                    Severity::Warning,
                    "move the stricter row up, or narrow one of the two",
                )
            } else {
                (
                    Severity::Info,
                    "nothing to do if the earlier row is the exception",
                )
            };
            let message = format!(
                "{} ({}) and {} ({}) both match {}; {} decides",
                earlier.id,
                earlier.route,
                later.id,
                later.route,
                space.describe(&common),
                earlier.id
            );
            findings.push(
                Finding::new(FindingCode::Overlap, severity, later.line, message, way_out)
                    .in_row(&later.id),
            );
        }
    }
    if unlisted > 0 {
        let message = format!("{unlisted} more overlaps are not listed");
        let way_out = "settle the listed ones first";
        findings.push(Finding::new(
            FindingCode::Overlap,
            Severity::Warning,
            last.line,
            message,
            way_out,
        ));
    }
}

fn check_unused(rules: &RuleSet, findings: &mut Vec<Finding>) {
    for (at, column) in rules.columns().iter().enumerate() {
        if rules
            .rows()
            .iter()
            .filter_map(|row| row.cells.get(at))
            .all(super::Cell::is_any)
        {
            let message = format!(
                "no row compares {}; a mistyped value still goes to a person",
                column.name
            );
            let way_out = "compare it or remove the column";
            findings.push(
                Finding::new(
                    FindingCode::UnusedColumn,
                    Severity::Info,
                    1,
                    message,
                    way_out,
                )
                .in_column(&column.name),
            );
        }
    }
}

/// What only the last row takes: not a gap, since a person gets it, but worth seeing.
fn check_rest(rules: &RuleSet, space: &Space<'_>, decided: &Decided, findings: &mut Vec<Finding>) {
    let (Some(last), Some(Some(areas))) = (rules.rows().last(), decided.areas.last()) else {
        return;
    };
    if areas.is_empty() {
        return;
    }
    let areas = region::merge(areas.clone());
    let mut words: Vec<String> = areas
        .iter()
        .take(LISTED_AREAS)
        .map(|area| space.describe(area))
        .collect();
    if areas.len() > LISTED_AREAS {
        words.push(format!("{} more", areas.len() - LISTED_AREAS));
    }
    let message = format!("only the last row takes: {}", words.join("; "));
    let way_out = "add a row if this should be decided otherwise";
    findings.push(
        Finding::new(
            FindingCode::FallsToLastRow,
            Severity::Info,
            last.line,
            message,
            way_out,
        )
        .in_row(&last.id),
    );
}
