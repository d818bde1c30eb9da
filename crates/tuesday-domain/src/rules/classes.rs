//! Cuts the values of a column into the few classes that its cells can tell apart.
//!
//! Between two neighbouring numbers that occur in cells every value behaves the same, so a column
//! of money with three cutoffs has seven classes. Evaluation, checks and back-tests all work on
//! classes, which is what makes them exact and fast.

use super::cell::{Cell, Edge, Interval, Items, Test};
use super::column::{Column, ColumnType};
use super::decimal::Decimal;

/// The classes of one column. The class after the last one stands for a missing value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Classes {
    /// Class `2i + 1` is the number `points[i]`; class `2i` the open interval before it.
    Numbers { points: Vec<i128> },
    /// Class `i` is choice `i`.
    Codes { count: usize },
    /// Class `i` is text `i` (sorted); the one after them is every other text.
    Texts { known: Vec<String> },
}

/// A set of classes of one column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClassSet(Vec<u64>);

impl ClassSet {
    pub(crate) fn empty(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    pub(crate) fn insert(&mut self, class: usize) {
        if let Some(word) = self.0.get_mut(class / 64) {
            *word |= 1 << (class % 64);
        }
    }

    pub(crate) fn remove(&mut self, class: usize) {
        if let Some(word) = self.0.get_mut(class / 64) {
            *word &= !(1 << (class % 64));
        }
    }

    pub(crate) fn contains(&self, class: usize) -> bool {
        self.0
            .get(class / 64)
            .is_some_and(|word| word >> (class % 64) & 1 == 1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    pub(crate) fn or(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a | b).collect())
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & !b).collect())
    }

    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    pub(crate) fn is_subset(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & !b == 0)
    }
}

impl Classes {
    /// The classes that the given cells of a column, its bounds and its type tell apart.
    pub(crate) fn of<'c>(column: &Column, cells: impl Iterator<Item = &'c Cell>) -> Self {
        match column.kind {
            ColumnType::YesNo | ColumnType::OneOf { .. } | ColumnType::Mapped { .. } => {
                Self::Codes {
                    count: column.choices().len(),
                }
            }
            ColumnType::Text => {
                let mut known: Vec<String> = cells.flat_map(texts).cloned().collect();
                known.sort_unstable();
                known.dedup();
                Self::Texts { known }
            }
            _ => {
                let (low, high) = column.type_limits();
                let bounds = [column.soft, column.hard].into_iter().flatten();
                let mut points: Vec<i128> = cells
                    .flat_map(Cell::numbers)
                    .chain(bounds.flat_map(|range| [range.low, range.high]))
                    .chain(low)
                    .chain(high)
                    .map(Decimal::scaled)
                    .collect();
                points.sort_unstable();
                points.dedup();
                Self::Numbers { points }
            }
        }
    }

    /// How many classes real values have; also the class of a missing value.
    pub(crate) fn missing(&self) -> usize {
        match self {
            Self::Numbers { points } => 2 * points.len() + 1,
            Self::Codes { count } => *count,
            Self::Texts { known } => known.len() + 1,
        }
    }

    /// How many classes there are, the missing one included.
    pub(crate) fn count(&self) -> usize {
        self.missing() + 1
    }

    pub(crate) fn of_number(&self, value: i128) -> usize {
        match self {
            Self::Numbers { points } => match points.binary_search(&value) {
                Ok(at) => 2 * at + 1,
                Err(at) => 2 * at,
            },
            _ => self.missing(),
        }
    }

    pub(crate) fn of_text(&self, folded: &str) -> usize {
        match self {
            Self::Texts { known } => known
                .binary_search_by(|text| text.as_str().cmp(folded))
                .unwrap_or(known.len()),
            _ => self.missing(),
        }
    }

    /// Every class some value can have, the missing one included.
    pub(crate) fn feasible(&self, column: &Column) -> ClassSet {
        let mut set = ClassSet::empty(self.count());
        for class in 0..self.missing() {
            if self.is_feasible(column, class) {
                set.insert(class);
            }
        }
        set.insert(self.missing());
        set
    }

    fn is_feasible(&self, column: &Column, class: usize) -> bool {
        let Self::Numbers { points } = self else {
            return true;
        };
        let (low, high) = column.type_limits();
        let before = (class / 2).checked_sub(1).and_then(|at| points.get(at));
        let at = points.get(class / 2);
        if class % 2 == 1 {
            return true;
        }
        // An open interval beyond the ends of the type holds nothing; the ends are points.
        if (before.is_none() && low.is_some()) || (at.is_none() && high.is_some()) {
            return false;
        }
        match (before, at) {
            (Some(a), Some(b)) if matches!(column.kind, ColumnType::Money { .. }) => {
                Decimal::money_between(Decimal::from_scaled(*a), Decimal::from_scaled(*b))
            }
            (Some(a), Some(b)) => {
                Decimal::any_between(Decimal::from_scaled(*a), Decimal::from_scaled(*b))
            }
            _ => true,
        }
    }

    /// The classes a cell matches, whether or not they are feasible.
    pub(crate) fn matched(&self, cell: &Cell) -> ClassSet {
        let mut set = ClassSet::empty(self.count());
        let Test::Listed {
            negated,
            missing,
            items,
        } = cell.test()
        else {
            (0..self.count()).for_each(|class| set.insert(class));
            return set;
        };
        match (items, self) {
            (Items::Numbers(list), Self::Numbers { points }) => {
                for interval in list {
                    class_range(points, interval).for_each(|class| set.insert(class));
                }
            }
            (Items::Codes(list), Self::Codes { .. }) => {
                list.iter().for_each(|code| set.insert(*code as usize));
            }
            (Items::Texts(list), Self::Texts { .. }) => {
                list.iter().for_each(|text| set.insert(self.of_text(text)));
            }
            _ => {}
        }
        if *negated {
            (0..self.missing()).for_each(|class| {
                if set.contains(class) {
                    set.remove(class)
                } else {
                    set.insert(class)
                }
            });
        }
        // A missing value is matched only by a cell that names it and does not exclude it.
        if *missing && !*negated {
            set.insert(self.missing());
        }
        set
    }

    /// Everything below or above a range, on the sides where the type has no end of its own.
    pub(crate) fn outside(&self, low: Decimal, high: Decimal) -> ClassSet {
        let mut set = ClassSet::empty(self.count());
        if let Self::Numbers { points } = self {
            let inside = class_range(
                points,
                &Interval {
                    low: Some(Edge {
                        at: low,
                        included: true,
                    }),
                    high: Some(Edge {
                        at: high,
                        included: true,
                    }),
                },
            );
            (0..self.missing())
                .filter(|class| !inside.contains(class))
                .for_each(|class| set.insert(class));
        }
        set
    }
}

/// The classes inside an interval whose edges are points of the column.
fn class_range(points: &[i128], interval: &Interval) -> std::ops::Range<usize> {
    let place = |edge: Edge| points.partition_point(|point| *point < edge.at.scaled());
    let start = interval.low.map_or(0, |edge| {
        2 * place(edge) + if edge.included { 1 } else { 2 }
    });
    let end = interval.high.map_or(2 * points.len() + 1, |edge| {
        2 * place(edge) + if edge.included { 2 } else { 1 }
    });
    start..end
}

fn texts(cell: &Cell) -> &[String] {
    match cell.test() {
        Test::Listed {
            items: Items::Texts(list),
            ..
        } => list,
        _ => &[],
    }
}
