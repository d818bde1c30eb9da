//! The parts of the rules page as plain values.

use std::collections::HashMap;

use tuesday_domain::record::{RuleSetRow, RuleSetState};
use tuesday_domain::rules::{RuleSet, Tally};
use tuesday_domain::time::Zone;

use super::rules::lane;
use super::words::{code, count, local};
use crate::api::rules::SURE;

/// A column with its bounds in words.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) bounds: String,
}

/// A row of the table.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) cells: Vec<Cell>,
    pub(super) then: String,
    pub(super) tone: &'static str,
    pub(super) why: String,
}

/// One cell that can be edited.
pub(super) struct Cell {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) value: String,
    pub(super) faulty: bool,
}

/// What past runs say about a change.
pub(super) struct Preview {
    pub(super) csv: String,
    pub(super) runs: String,
    pub(super) moves: Vec<Move>,
    pub(super) notes: Vec<String>,
    pub(super) second: Vec<String>,
    pub(super) items: Vec<Item>,
}

/// Runs that would go another way.
pub(super) struct Move {
    pub(super) words: String,
    pub(super) runs: String,
    pub(super) approved: String,
    pub(super) edited: String,
    pub(super) rejected: String,
    pub(super) undecided: String,
}

/// One such run.
pub(super) struct Item {
    pub(super) run: String,
    pub(super) words: String,
    pub(super) decision: String,
}

/// A version in the history.
pub(super) struct Version {
    pub(super) number: u64,
    pub(super) state: String,
    pub(super) tone: &'static str,
    pub(super) at: String,
    pub(super) by: String,
    pub(super) reason: String,
    pub(super) owner: String,
    pub(super) in_force: bool,
}

/// Every cell of a table by row and column.
pub(super) fn cells(rules: &RuleSet) -> HashMap<(String, String), String> {
    let mut out = HashMap::new();
    for row in rules.rows() {
        for (column, cell) in rules.columns().iter().zip(&row.cells) {
            out.insert(
                (row.id.clone(), column.name.clone()),
                cell.text().to_owned(),
            );
        }
    }
    out
}

/// The columns with what may be changed alone, and what with a second person.
pub(super) fn columns(rules: &RuleSet) -> Vec<Column> {
    rules
        .columns()
        .iter()
        .map(|c| {
            let name = c
                .unit()
                .map_or_else(|| c.name.clone(), |u| format!("{} ({u})", c.name));
            let range = |r: &tuesday_domain::rules::Range| format!("{} to {}", r.low, r.high);
            let bounds = match (&c.soft, &c.hard) {
                (Some(s), Some(h)) => {
                    format!("{} alone, {} with a second person", range(s), range(h))
                }
                (Some(s), None) => format!("{} alone", range(s)),
                (None, Some(h)) => format!("{} at most", range(h)),
                (None, None) if c.is_numeric() => "no bounds: not open to change".to_owned(),
                (None, None) => String::new(),
            };
            Column { name, bounds }
        })
        .collect()
}

/// A back-test in words.
pub(super) fn preview(tally: &Tally, csv: String, second: Vec<String>, open: u64) -> Preview {
    let moves = tally
        .moved
        .iter()
        .map(|((from, to), m)| Move {
            words: format!("From {} to {}", lane(*from), lane(*to)),
            runs: count(m.runs),
            approved: count(m.approved),
            edited: count(m.edited),
            rejected: count(m.rejected + m.by_hand),
            undecided: count(m.undecided),
        })
        .collect();
    let mut notes = Vec::new();
    let auto = tally.newly_auto();
    if auto.decided() > 0 {
        let (low, high) = auto.error_interval(SURE);
        notes.push(format!(
            "{} of {} newly automatic runs that people had decided were edited or rejected: between {:.1} % and {:.1} % at 95 % confidence.",
            auto.errors(),
            auto.decided(),
            low * 100.0,
            high * 100.0
        ));
    }
    if let Some(per_day) = tally.reviews_per_day() {
        notes.push(format!("Reviews a day: {per_day:+.1}."));
    }
    if open == 1 {
        notes.push("1 open task would now be automatic: stays with its reviewer.".to_owned());
    } else if open > 1 {
        notes.push(format!(
            "{} open tasks would now be automatic: stay with their reviewers.",
            count(open)
        ));
    }
    if tally.left_out > 0 {
        notes.push(format!(
            "{} runs of other columns are left out.",
            count(tally.left_out)
        ));
    }
    let items = tally
        .items
        .iter()
        .map(|i| Item {
            run: i.run.to_string(),
            words: format!("From {} to {}", lane(i.from), lane(i.to)),
            decision: i
                .decision
                .map_or_else(|| "not decided".to_owned(), |d| code(d.word())),
        })
        .collect();
    Preview {
        csv,
        runs: count(tally.runs),
        moves,
        notes,
        second,
        items,
    }
}

/// A version in words.
pub(super) fn version(row: &RuleSetRow, zone: &Zone) -> Version {
    Version {
        number: row.version,
        state: code(row.state.word()),
        tone: match row.state {
            RuleSetState::Active => "ok",
            RuleSetState::Proposed | RuleSetState::Scheduled => "warn",
            RuleSetState::Refused => "bad",
            RuleSetState::Draft | RuleSetState::Superseded | RuleSetState::Expired => "plain",
        },
        at: local(row.created_at, Some(zone)),
        by: row.created_by.trim_start_matches("person:").to_owned(),
        reason: row.reason.clone(),
        owner: row.bound_owner.clone().unwrap_or_default(),
        in_force: row.state == RuleSetState::Active,
    }
}
