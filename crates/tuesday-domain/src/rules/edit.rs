//! Changes single cells of a table and gives the new text, which is then read like any other file.

use super::cell::Cell;
use super::column::Column;
use super::decimal::Decimal;
use super::mapping;
use super::table::{RuleSet, push_line};
use super::value::{fold_text, is_invisible};

/// One cell and what it becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellEdit {
    /// Row id.
    pub row: String,
    /// Column name, or `route`, `review_tier`, `reason`, `note`.
    pub column: String,
    /// The new text.
    pub value: String,
}

/// A cell that is not there, or a text that cannot stand in one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EditFault {
    /// Row id as given.
    pub row: String,
    /// Column as given.
    pub column: String,
    /// What is the matter.
    pub message: String,
}

/// The text of the table with the cells changed. A bare number in a cell such as `<= 500` keeps
/// the comparison: `750` becomes `<= 750`.
///
/// # Errors
/// [`EditFault`] when there is no such cell.
pub fn edit(rules: &RuleSet, edits: &[CellEdit]) -> Result<String, EditFault> {
    let mut rows = lines_of(rules, rules.has_note());
    let names = column_names(rules);
    for change in edits {
        let fault = |message: String| EditFault {
            row: change.row.clone(),
            column: change.column.clone(),
            message,
        };
        if change.row == mapping::MAP {
            map(rules, &mut rows, change).map_err(fault)?;
            continue;
        }
        let at = rules
            .rows()
            .iter()
            .position(|row| row.id == change.row)
            .ok_or_else(|| fault(format!("there is no row {}", change.row)))?;
        let place = names
            .iter()
            .position(|name| *name == change.column && *name != "row")
            .ok_or_else(|| fault(format!("there is no column {}", change.column)))?;
        if change.value.chars().any(is_invisible) {
            return Err(fault(
                "the text holds a line break or a character that cannot be seen".to_owned(),
            ));
        }
        rows[at][place] = keep_comparison(&rows[at][place], change.value.trim());
    }
    Ok(table_text(rules.columns(), rules.has_note(), &rows))
}

/// The text of a table from its columns and cells; every row has an id, one cell a column, route,
/// tier, reason and, where the table has it, note.
#[must_use]
pub fn table_text(columns: &[Column], has_note: bool, rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    let mut header = vec!["row"];
    header.extend(columns.iter().map(|column| column.header.as_str()));
    header.extend(["route", "review_tier", "reason"]);
    if has_note {
        header.push("note");
    }
    push_line(&mut out, &header);
    for row in rows {
        push_line(
            &mut out,
            &row.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    }
    out
}

fn column_names(rules: &RuleSet) -> Vec<&str> {
    let mut names = vec!["row"];
    names.extend(rules.columns().iter().map(|column| column.name.as_str()));
    names.extend(["route", "review_tier", "reason"]);
    if rules.has_note() {
        names.push("note");
    }
    names
}

/// Every line below the header as texts, in the order of the file: the rows, then the mapping.
/// With another table's `has_note`, remarks are left out or empty.
#[must_use]
pub fn lines_of(rules: &RuleSet, has_note: bool) -> Vec<Vec<String>> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let rows = rules.rows().iter().map(|row| {
        let mut line = vec![row.id.clone()];
        line.extend(row.cells.iter().map(Cell::text).map(str::to_owned));
        line.push(row.route.as_str().to_owned());
        line.extend([text(&row.review_tier), text(&row.reason)]);
        if has_note {
            line.push(text(&row.note));
        }
        line
    });
    rows.chain(mapping::lines(rules.columns(), has_note))
        .collect()
}

/// Puts one entry into the mapping of a column, in place of the one that is there:
/// `Platinum Plus = gold`. Without a word after the equals sign the entry goes.
fn map(rules: &RuleSet, rows: &mut Vec<Vec<String>>, change: &CellEdit) -> Result<(), String> {
    let at = rules
        .columns()
        .iter()
        .position(|column| column.name == change.column)
        .ok_or_else(|| format!("there is no column {}", change.column))?;
    let value = change.value.trim();
    let (from, to) = mapping::split(value).ok_or_else(|| {
        format!("\"{value}\" is not an entry of the mapping; write Platinum Plus = gold")
    })?;
    if from.is_empty() || from.chars().any(is_invisible) {
        return Err("the source's word is missing or holds what cannot be seen".to_owned());
    }
    let here = |line: &Vec<String>| {
        let entry = mapping::split(&line[at + 1]).filter(|_| line[0] == mapping::MAP);
        entry.is_some_and(|(word, _)| fold_text(word) == fold_text(from))
    };
    let found = rows.iter().position(here);
    match (found, to.is_empty()) {
        (Some(line), true) => drop(rows.remove(line)),
        (None, true) => return Err(format!("{from} is not in the mapping of {}", change.column)),
        (Some(line), false) => rows[line][at + 1] = format!("{from} = {to}"),
        (None, false) => {
            let mut line = vec![String::new(); rows.first().map_or(0, Vec::len)];
            mapping::MAP.clone_into(&mut line[0]);
            line[at + 1] = format!("{from} = {to}");
            rows.push(line);
        }
    }
    Ok(())
}

fn keep_comparison(old: &str, new: &str) -> String {
    let operators = ["<=", ">=", "<", ">"];
    let Some(operator) = operators.iter().find(|op| old.starts_with(**op)) else {
        return new.to_owned();
    };
    let is_number = |text: &str| Decimal::parse(text.trim()).is_ok();
    if is_number(&old[operator.len()..]) && is_number(new) {
        format!("{operator} {new}")
    } else {
        new.to_owned()
    }
}
