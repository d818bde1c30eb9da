//! Puts comparisons into words that an operations person can check against the table.

use super::cell::{Cell, Interval, Items, Test};
use super::column::Column;
use super::value::Resolved;
use super::verdict::{Compared, Verdict};

/// One value held against one cell, with words.
pub(crate) fn compared(
    column: &Column,
    cell: &Cell,
    value: &Resolved<'_>,
    matched: bool,
) -> Compared {
    let shown = shown(column, value);
    let name = &column.name;
    let words = match &shown {
        None => format!("{name} is missing"),
        Some(shown) => phrase(column, cell, value, shown, matched),
    };
    Compared {
        column: name.clone(),
        value: shown,
        cell: cell.text().to_owned(),
        unit: column.unit().map(str::to_owned),
        matched,
        words,
    }
}

fn shown(column: &Column, value: &Resolved<'_>) -> Option<String> {
    match value {
        Resolved::Missing => None,
        Resolved::Bad(fault) => Some(fault.value.to_string()),
        Resolved::Number(number) => Some(column.show(*number)),
        Resolved::Code(code) => column
            .choices()
            .get(*code as usize)
            .map(|word| (*word).to_owned()),
        Resolved::Text(text) => Some(text.clone().into_owned()),
    }
}

fn phrase(
    column: &Column,
    cell: &Cell,
    value: &Resolved<'_>,
    shown: &str,
    matched: bool,
) -> String {
    let name = &column.name;
    let Test::Listed { negated, items, .. } = cell.test() else {
        return format!("{name} is {shown}");
    };
    // Whether the value is among those written in the cell, before a `not` turns it round.
    let listed = matched != *negated;
    match items {
        Items::Numbers(list) => match (list.as_slice(), value) {
            ([one], Resolved::Number(number)) => {
                format!("{name} {shown} {}", position(column, one, *number))
            }
            _ => format!("{name} {shown} {} {}", is_or_not(listed), list_text(cell)),
        },
        Items::Codes(list) => {
            let choices = column.choices();
            let words: Vec<&str> = list
                .iter()
                .filter_map(|code| choices.get(*code as usize).copied())
                .collect();
            listed_words(name, shown, &words, listed)
        }
        Items::Texts(list) => {
            let words: Vec<&str> = list.iter().map(String::as_str).collect();
            listed_words(name, shown, &words, listed)
        }
    }
}

fn is_or_not(listed: bool) -> &'static str {
    if listed { "is within" } else { "is outside" }
}

fn list_text(cell: &Cell) -> &str {
    cell.text().strip_prefix("not ").unwrap_or(cell.text())
}

fn listed_words(name: &str, shown: &str, words: &[&str], listed: bool) -> String {
    match (words, listed) {
        ([], _) => format!("{name} is present ({shown})"),
        ([_], true) => format!("{name} is {shown}"),
        ([word], false) => format!("{name} is {shown}, not {word}"),
        (_, true) => format!("{name} {shown} is one of {}", words.join(", ")),
        (_, false) => format!("{name} {shown} is not one of {}", words.join(", ")),
    }
}

/// Where a number lies relative to an interval; the same words serve a match and a miss.
fn position(column: &Column, interval: &Interval, number: super::Decimal) -> String {
    let show = |edge: super::cell::Edge| column.show(edge.at);
    match (interval.low, interval.high) {
        (Some(low), Some(high)) if low.at == high.at => {
            if number == low.at {
                format!("is {}", show(low))
            } else {
                format!("is not {}", show(low))
            }
        }
        (Some(low), Some(high)) if interval.contains(number) => {
            format!("is between {} and {}", show(low), show(high))
        }
        (Some(low), _) if number < low.at => format!("is under {}", show(low)),
        (Some(low), _) if number == low.at && !low.included => format!("is not over {}", show(low)),
        (_, Some(high)) if number > high.at => format!("is over {}", show(high)),
        (_, Some(high)) if number == high.at && !high.included => {
            format!("is not under {}", show(high))
        }
        (Some(low), _) if low.included => format!("is at least {}", show(low)),
        (Some(low), _) => format!("is over {}", show(low)),
        (None, Some(high)) if high.included => format!("is at most {}", show(high)),
        (None, Some(high)) => format!("is under {}", show(high)),
        (None, None) => "is a number".to_owned(),
    }
}

impl Verdict {
    /// The verdict in sentences: what decided, what was compared, what nearly decided.
    #[must_use]
    pub fn explain(&self) -> Vec<String> {
        let hit = match self {
            Self::Person(person) => return vec![format!("A person must look: {}", person.reason)],
            Self::Hit(hit) => hit,
        };
        let version = hit.rules_version;
        let place = |row: &str| format!("(rule {row}, rules version {version})");
        let tier = hit
            .review_tier
            .as_ref()
            .map_or_else(String::new, |tier| format!(" by {tier}"));
        let reason = hit
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(": {reason}"));
        let mut lines = vec![format!(
            "Route {}{tier} {}{reason}",
            hit.route,
            place(&hit.row)
        )];
        lines.extend(
            hit.compared
                .iter()
                .map(|c| format!("{} {}", c.words, place(&hit.row))),
        );
        if hit.compared.is_empty() {
            lines.push(format!("no other row matched {}", place(&hit.row)));
        }
        if let Some(miss) = &hit.near_miss {
            let failed: Vec<&str> = miss.failed.iter().map(|c| c.words.as_str()).collect();
            lines.push(format!(
                "not route {} because {} {}",
                miss.route,
                failed.join(" and "),
                place(&miss.row)
            ));
        }
        lines
    }
}
