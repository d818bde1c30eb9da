//! Exact areas of a table: which combinations of values each row really decides.
//!
//! A row is a box (one set of classes per column). Walking down the table, each row takes its box
//! out of what is left; what is left is kept as disjoint boxes.

use super::cell::Cell;
use super::classes::{ClassSet, Classes};
use super::column::{Column, ColumnType};
use super::decimal::Decimal;
use super::table::Row;

/// A box: one set of classes per column.
pub(crate) type Area = Vec<ClassSet>;

/// Boxes times columns that one walk may touch before it gives up being exact.
const WORK_LIMIT: usize = 1_000_000;

/// The values of all columns, cut into classes.
#[derive(Debug)]
pub(crate) struct Space<'c> {
    columns: &'c [Column],
    classes: Vec<Classes>,
    feasible: Area,
}

/// What each row decides. Rows past the work limit have no area.
#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) areas: Vec<Option<Vec<Area>>>,
}

impl<'c> Space<'c> {
    /// A space fine enough for every row of the given tables, which share their columns.
    pub(crate) fn of(columns: &'c [Column], tables: &[&[Row]]) -> Self {
        let classes: Vec<Classes> = columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let rows = tables.iter().flat_map(|rows| rows.iter());
                Classes::of(column, rows.filter_map(|row| row.cells.get(at)))
            })
            .collect();
        let feasible = classes
            .iter()
            .zip(columns)
            .map(|(c, column)| c.feasible(column))
            .collect();
        Self {
            columns,
            classes,
            feasible,
        }
    }

    pub(crate) fn classes(&self, column: usize) -> Option<(&Classes, &ClassSet)> {
        Some((self.classes.get(column)?, self.feasible.get(column)?))
    }

    /// Everything a row matches, earlier rows aside.
    pub(crate) fn row_area(&self, row: &Row) -> Area {
        self.classes
            .iter()
            .zip(&self.feasible)
            .zip(&row.cells)
            .map(|((classes, feasible), cell)| classes.matched(cell).and(feasible))
            .collect()
    }

    /// What each row decides, earlier rows and values that go to a person taken away.
    pub(crate) fn decide(&self, rows: &[Row]) -> Decided {
        let mut left = vec![self.feasible.clone()];
        let mut areas = Vec::with_capacity(rows.len());
        let mut work = 0;
        for row in rows {
            work += left.len() * self.columns.len().max(1);
            if work > WORK_LIMIT {
                areas.push(None);
                continue;
            }
            self.drop_missing(row, &mut left);
            let cut = self.row_area(row);
            areas.push(Some(
                left.iter()
                    .filter_map(|area| intersect(area, &cut))
                    .collect(),
            ));
            left = left
                .into_iter()
                .flat_map(|area| subtract(area, &cut))
                .collect();
        }
        Decided { areas }
    }

    /// A missing value that a row requires ends the evaluation there, so later rows never see it.
    fn drop_missing(&self, row: &Row, left: &mut Vec<Area>) {
        for (at, cell) in row
            .cells
            .iter()
            .enumerate()
            .filter(|(_, cell)| cell.requires_value())
        {
            let Some(classes) = self.classes.get(at) else {
                continue;
            };
            debug_assert!(!cell.is_any());
            for area in left.iter_mut() {
                if let Some(set) = area.get_mut(at) {
                    set.remove(classes.missing());
                }
            }
        }
        left.retain(|area| area.iter().all(|set| !set.is_empty()));
    }

    /// An area in words, leaving out columns that may have any value.
    pub(crate) fn describe(&self, area: &Area) -> String {
        let parts: Vec<String> = self
            .columns
            .iter()
            .zip(&self.classes)
            .zip(self.feasible.iter().zip(area))
            .filter_map(|((column, classes), (feasible, set))| {
                let mut present = feasible.clone();
                present.remove(classes.missing());
                (!present.is_subset(set)).then(|| describe_set(column, classes, feasible, set))
            })
            .collect();
        if parts.is_empty() {
            "everything".to_owned()
        } else {
            parts.join(" and ")
        }
    }
}

/// The common part of two boxes, or nothing.
pub(crate) fn intersect(a: &Area, b: &Area) -> Option<Area> {
    let common: Area = a.iter().zip(b).map(|(x, y)| x.and(y)).collect();
    common.iter().all(|set| !set.is_empty()).then_some(common)
}

/// A box without another, as disjoint boxes.
pub(crate) fn subtract(area: Area, cut: &Area) -> Vec<Area> {
    if !area.iter().zip(cut).all(|(a, b)| a.meets(b)) {
        return vec![area];
    }
    let mut rest = area;
    let mut pieces = Vec::new();
    for (at, cut_set) in cut.iter().enumerate() {
        let Some(set) = rest.get(at).cloned() else {
            continue;
        };
        let outside = set.minus(cut_set);
        if !outside.is_empty() {
            let mut piece = rest.clone();
            piece[at] = outside;
            pieces.push(piece);
        }
        rest[at] = set.and(cut_set);
    }
    pieces
}

/// Joins boxes that differ in one column only, so that people read fewer of them.
pub(crate) fn merge(mut areas: Vec<Area>) -> Vec<Area> {
    const MERGE_LIMIT: usize = 64;
    if areas.len() > MERGE_LIMIT {
        return areas;
    }
    'again: loop {
        for a in 0..areas.len() {
            for b in a + 1..areas.len() {
                let differing: Vec<usize> = (0..areas[a].len())
                    .filter(|at| areas[a][*at] != areas[b][*at])
                    .collect();
                if let [at] = differing[..] {
                    areas[a][at] = areas[a][at].or(&areas[b][at]);
                    areas.remove(b);
                    continue 'again;
                }
            }
        }
        return areas;
    }
}

fn describe_set(column: &Column, classes: &Classes, feasible: &ClassSet, set: &ClassSet) -> String {
    let name = &column.name;
    let mut parts = match classes {
        Classes::Numbers { points } => describe_numbers(column, points, feasible, set),
        Classes::Codes { .. } => {
            let words = column.choices().into_iter().enumerate();
            words
                .filter(|(code, _)| set.contains(*code))
                .map(|(_, word)| word.to_owned())
                .collect()
        }
        Classes::Texts { known } => {
            let listed = known.iter().enumerate().filter(|(at, _)| set.contains(*at));
            let mut words: Vec<String> = listed.map(|(_, text)| text.clone()).collect();
            if set.contains(known.len()) {
                words.push("any text that no rule names".to_owned());
            }
            words
        }
    };
    if set.contains(classes.missing()) {
        parts.push("missing".to_owned());
    }
    format!("{name} {}", parts.join(" or "))
}

/// Runs of neighbouring classes as intervals in words.
fn describe_numbers(
    column: &Column,
    points: &[i128],
    feasible: &ClassSet,
    set: &ClassSet,
) -> Vec<String> {
    let count = 2 * points.len() + 1;
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut open: Option<(usize, usize)> = None;
    for class in (0..count).filter(|class| feasible.contains(*class)) {
        open = match (open, set.contains(class)) {
            (Some((first, _)), true) => Some((first, class)),
            (None, true) => Some((class, class)),
            (Some(run), false) => {
                runs.push(run);
                None
            }
            (None, false) => None,
        };
    }
    runs.extend(open);
    let show = |class: usize| {
        points
            .get(class / 2)
            .map(|p| column.show(Decimal::from_scaled(*p)))
            .unwrap_or_default()
    };
    let (type_low, _) = column.type_limits();
    let is_type_low =
        |class: usize| type_low.is_some_and(|low| points.get(class / 2) == Some(&low.scaled()));
    runs.into_iter()
        .map(|(first, last)| {
            // An even class is an open interval: it starts after the point before it.
            let low = match first {
                0 => None,
                f if f % 2 == 1 && is_type_low(f) && last > f => None,
                f if f % 2 == 1 => Some(format!("from {}", show(f))),
                f => Some(format!("over {}", show(f - 2))),
            };
            let high = match last {
                l if l == count - 1 => None,
                l if l % 2 == 1 => Some(format!("up to {}", show(l))),
                l => Some(format!("under {}", show(l))),
            };
            match (low, high) {
                _ if first == last && first % 2 == 1 => show(first),
                (Some(low), Some(high)) => format!("{low} {high}"),
                (Some(one), None) | (None, Some(one)) => one,
                (None, None) => "any".to_owned(),
            }
        })
        .collect()
}

/// Whether a row's cells cover another's, column by column (used where exactness is given up).
pub(crate) fn covers(wide: &Area, narrow: &Area) -> bool {
    narrow.iter().zip(wide).all(|(n, w)| n.is_subset(w))
}

/// Whether a column is money, where bounds also limit what may be automatic.
pub(crate) fn is_money(column: &Column) -> bool {
    matches!(column.kind, ColumnType::Money { .. })
}

/// Whether a row compares at least one value.
pub(crate) fn compares(row: &Row) -> bool {
    row.cells.iter().any(|cell: &Cell| !cell.is_any())
}
