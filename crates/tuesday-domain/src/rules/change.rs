//! Compares two rule sets, to tell a change that only tightens from one that approves more.

use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::mapping;
use super::region::{self, Area, Space};
use super::table::{Route, Row, RuleSet};

/// Boxes that the comparison may hold before it assumes the worst.
const BOX_LIMIT: usize = 20_000;

/// What a new table does differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Whether header cells differ: types or bounds, which belong to their owner.
    pub columns_changed: bool,
    /// Whether some combination of values is automatic now and was not before. True as well when
    /// that cannot be decided: the columns differ, or the tables are too entangled.
    pub approves_more: bool,
    /// Whether some combination of values was automatic before and is not now.
    pub approves_less: bool,
    /// Values that are newly automatic, in words; at most five areas.
    pub newly_auto: Vec<String>,
    /// Ids of rows that were added, removed, moved or edited.
    pub rows: Vec<String>,
    /// Numeric columns whose rule values changed although they have no bounds.
    pub unbounded: Vec<String>,
    /// Words of sources that stand for something else now, with their columns.
    pub remapped: Vec<String>,
}

impl Change {
    /// Whether nothing becomes automatic that was not, and the columns are the same.
    #[must_use]
    pub fn only_tightens(&self) -> bool {
        !self.columns_changed && !self.approves_more
    }
}

/// Compares a new table with the one in force.
#[must_use]
pub fn compare(old: &RuleSet, new: &RuleSet) -> Change {
    let rows = changed_rows(old.rows(), new.rows());
    let unbounded = unbounded_changes(old, new);
    let same_header = old.columns().len() == new.columns().len()
        && old
            .columns()
            .iter()
            .zip(new.columns())
            .all(|(a, b)| a.same_header(b));
    if !same_header {
        return Change {
            columns_changed: true,
            approves_more: true,
            approves_less: true,
            newly_auto: Vec::new(),
            rows,
            unbounded,
            remapped: Vec::new(),
        };
    }
    let remapped: Vec<String> = mapping::remapped(old.columns(), new.columns())
        .iter()
        .map(|m| format!("{} of {}", m.word, m.column))
        .collect();
    let space = Space::of(new.columns(), &[old.rows(), new.rows()]);
    let (before, after) = (
        auto_areas(&space, old.rows()),
        auto_areas(&space, new.rows()),
    );
    let gained = before
        .as_ref()
        .zip(after.as_ref())
        .and_then(|(b, a)| difference(a, b));
    let lost = before
        .as_ref()
        .zip(after.as_ref())
        .and_then(|(b, a)| difference(b, a));
    let newly_auto = gained.clone().map(region::merge).unwrap_or_default();
    Change {
        columns_changed: false,
        // Another meaning of a word can move runs either way; which, only their values tell.
        approves_more: !remapped.is_empty() || gained.is_none_or(|areas| !areas.is_empty()),
        approves_less: !remapped.is_empty() || lost.is_none_or(|areas| !areas.is_empty()),
        newly_auto: newly_auto
            .iter()
            .take(5)
            .map(|area| space.describe(area))
            .collect(),
        rows,
        unbounded,
        remapped,
    }
}

/// Every combination of values that a table approves, or nothing when that is not known exactly.
fn auto_areas(space: &Space<'_>, rows: &[Row]) -> Option<Vec<Area>> {
    let mut auto = Vec::new();
    for (row, areas) in rows.iter().zip(space.decide(rows).areas) {
        let areas = areas?;
        if row.route == Route::Auto {
            auto.extend(areas);
        }
    }
    Some(auto)
}

fn difference(from: &[Area], cuts: &[Area]) -> Option<Vec<Area>> {
    let mut left = from.to_vec();
    for cut in cuts {
        left = left
            .into_iter()
            .flat_map(|area| region::subtract(area, cut))
            .collect();
        if left.len() > BOX_LIMIT {
            return None;
        }
    }
    Some(left)
}

fn changed_rows(old: &[Row], new: &[Row]) -> Vec<String> {
    let same = |a: &Row, b: &Row| {
        (&a.cells, a.route, &a.review_tier, &a.reason, &a.note)
            == (&b.cells, b.route, &b.review_tier, &b.reason, &b.note)
    };
    let find = |rows: &[Row], id: &str| rows.iter().position(|row| row.id == id);
    let mut changed: Vec<String> = Vec::new();
    for (at, row) in new.iter().enumerate() {
        let kept = find(old, &row.id).is_some_and(|before| before == at && same(&old[before], row));
        if !kept {
            changed.push(row.id.clone());
        }
    }
    let removed = old.iter().filter(|row| find(new, &row.id).is_none());
    changed.extend(removed.map(|row| row.id.clone()));
    changed
}

/// A value without bounds belongs to nobody, so ops may not move it.
fn unbounded_changes(old: &RuleSet, new: &RuleSet) -> Vec<String> {
    let numbers = |rules: &RuleSet, name: &str| {
        let at = rules
            .columns()
            .iter()
            .position(|column| column.name == name);
        let cells = |row: &Row| at.and_then(|at| row.cells.get(at)).map(Cell::numbers);
        let mut all: Vec<_> = rules.rows().iter().filter_map(cells).flatten().collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    new.columns()
        .iter()
        .filter(|column| column.is_numeric() && column.soft.is_none() && column.hard.is_none())
        .filter(|column| numbers(old, &column.name) != numbers(new, &column.name))
        .map(|column| column.name.clone())
        .collect()
}
