//! The rules page as plain values: rules as sentences, a test on past runs, versions.

use std::collections::HashMap;

use tuesday_domain::definition::Definition;
use tuesday_domain::record::{RuleSetRow, RuleSetState};
use tuesday_domain::rules::{
    CellEdit, Column, ColumnType, Decimal, Lane, Moved, Range, Row, RuleSet, Tally, parse, remapped,
};
use tuesday_domain::time::Zone;

use super::words::{code, count, local, plural, took};
use crate::api::rules::SURE;

/// A rule as a sentence: conditions that ask something, and those that do not.
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) terms: Vec<Term>,
    pub(super) spare: Vec<Term>,
    pub(super) then: String,
    pub(super) tone: &'static str,
    pub(super) why: String,
    pub(super) fault: Option<String>,
}

/// One condition: its words, its value, and how far the value may be moved.
pub(super) struct Term {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) column: String,
    pub(super) words: &'static str,
    pub(super) value: String,
    pub(super) unit: String,
    pub(super) bounds: String,
    /// The words that a closed list holds.
    pub(super) list: String,
    /// The words to choose from; empty where a value is typed.
    pub(super) choices: Vec<&'static str>,
    pub(super) size: usize,
    pub(super) faulty: bool,
    /// The text in force, when another was typed.
    pub(super) was: Option<String>,
}

impl Term {
    pub(super) fn chosen(&self, word: &str) -> bool {
        self.value == word
    }
}

/// What past runs say about a change.
pub(super) struct Preview {
    pub(super) csv: String,
    pub(super) runs: String,
    pub(super) took: String,
    pub(super) lanes: Vec<LaneCount>,
    pub(super) moves: Vec<Move>,
    pub(super) notes: Vec<String>,
    pub(super) second: Vec<String>,
    /// Who must agree; empty when nobody must.
    pub(super) asks: String,
    pub(super) items: Vec<Item>,
}

/// Runs of one lane, before and after.
pub(super) struct LaneCount {
    pub(super) words: &'static str,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) moved: bool,
}

/// Runs that would go another way, and what people had decided about them.
pub(super) struct Move {
    pub(super) words: String,
    pub(super) decided: Vec<Decided>,
}

/// Runs with one decision.
pub(super) struct Decided {
    pub(super) tone: &'static str,
    pub(super) words: &'static str,
    pub(super) runs: String,
    pub(super) share: String,
}

/// One such run.
pub(super) struct Item {
    pub(super) run: String,
    pub(super) words: String,
    pub(super) decision: String,
}

/// A version, waiting or in the history.
pub(super) struct Version {
    pub(super) number: u64,
    pub(super) state: String,
    pub(super) tone: &'static str,
    pub(super) at: String,
    pub(super) by: String,
    pub(super) reason: String,
    pub(super) owner: String,
    /// From when and until when, where that was said.
    pub(super) held: String,
    /// It waits for a person, and not for its time.
    pub(super) proposed: bool,
    pub(super) changed: Vec<Changed>,
    /// It was in force once and can come back.
    pub(super) returns: bool,
    /// The reader made it.
    pub(super) own: bool,
}

/// One cell that a version changed.
pub(super) struct Changed {
    pub(super) place: String,
    pub(super) before: String,
    pub(super) after: String,
}

/// What a cell compares, in words.
const COMPARED: [(&str, &str); 4] = [
    ("<=", "is at most"),
    (">=", "is at least"),
    ("<", "is under"),
    (">", "is over"),
];

/// The operator's words and the bare number of a cell such as `>= 0.85`.
fn bare(text: &str) -> Option<(&'static str, &str)> {
    COMPARED.iter().find_map(|(op, words)| {
        let rest = text.strip_prefix(op)?.trim();
        Decimal::parse(rest).ok().map(|_| (*words, rest))
    })
}

/// A cell as its field shows it. A number alone keeps the comparison of the cell in force.
fn shown(was: &str, now: &str) -> (&'static str, String) {
    match (bare(was), bare(now)) {
        (Some((old, _)), Some((new, number))) if old == new => (old, number.to_owned()),
        (Some((old, _)), None) if Decimal::parse(now).is_ok() => (old, now.to_owned()),
        _ => ("is", now.to_owned()),
    }
}

/// The cells that differ from a table, from fields named `cell.ROW.COLUMN`.
pub(super) fn edits(fields: &[(String, String)], rules: &RuleSet) -> Vec<CellEdit> {
    let known = cells(rules);
    let mut out = Vec::new();
    for (name, value) in fields {
        let place = name
            .strip_prefix("cell.")
            .and_then(|place| place.split_once('.'));
        let Some((row, column)) = place else { continue };
        let value = value.trim();
        let same = |was: &str| was == value || bare(was).is_some_and(|(_, n)| n == value);
        if known
            .get(&(row.to_owned(), column.to_owned()))
            .is_some_and(|was| !same(was))
        {
            out.push(CellEdit {
                row: row.to_owned(),
                column: column.to_owned(),
                value: value.to_owned(),
            });
        }
    }
    out.extend(super::rules_mapping::edits(fields, rules));
    out
}

/// Every cell of a table by row and column.
fn cells(rules: &RuleSet) -> HashMap<(String, String), String> {
    let mut out = HashMap::new();
    for row in rules.rows() {
        for (column, cell) in rules.columns().iter().zip(&row.cells) {
            let place = (row.id.clone(), column.name.clone());
            out.insert(place, cell.text().to_owned());
        }
    }
    out
}

/// How far ops people may move a value, and who must agree beyond.
fn bounds(column: &Column, owner: &str) -> String {
    let between = |r: &Range| format!("between {} and {}", r.low, r.high);
    match (&column.soft, &column.hard) {
        (Some(s), Some(h)) => format!(
            "may lie {}; {} only when {owner} agrees",
            between(s),
            between(h)
        ),
        (Some(s), None) => format!("may lie {}; beyond only when {owner} agrees", between(s)),
        (None, Some(h)) => format!("may lie {}", between(h)),
        (None, None) if column.is_numeric() => "has no bounds, so it cannot be moved".to_owned(),
        (None, None) => String::new(),
    }
}

/// The table with what was typed over it, the cell at fault marked.
pub(super) fn rules(
    table: &RuleSet,
    edits: &[CellEdit],
    fault: Option<(&str, &str)>,
    owner: &str,
) -> Vec<Rule> {
    let term = |row: &Row, column: &Column, was: &str| {
        let typed = edits
            .iter()
            .find(|e| e.row == row.id && e.column == column.name)
            .map(|e| e.value.as_str());
        let now = typed.unwrap_or(was);
        let place = format!("{}.{}", row.id, column.name);
        let (words, value) = shown(was, now);
        let column_words = column.name.replace('_', " ");
        let chosen = column.kind == ColumnType::YesNo && ["any", "yes", "no"].contains(&now);
        Term {
            name: format!("cell.{place}"),
            label: format!("Rule {}, {column_words} {words}", row.id),
            words,
            size: value.chars().count().clamp(4, 34),
            value,
            unit: column
                .unit()
                .filter(|u| *u != column_words)
                .unwrap_or_default()
                .to_owned(),
            bounds: bounds(column, owner),
            list: match &column.kind {
                ColumnType::OneOf { choices } | ColumnType::Mapped { choices } => {
                    choices.join(", ")
                }
                _ => String::new(),
            },
            choices: if chosen {
                vec!["any", "yes", "no"]
            } else {
                Vec::new()
            },
            faulty: fault.is_some_and(|(at, _)| at == place),
            was: typed.map(|_| was.to_owned()),
            column: column_words,
        }
    };
    let rule = |row: &Row| {
        let all = table.columns().iter().zip(&row.cells);
        let (spare, terms) = all
            .map(|(column, cell)| term(row, column, cell.text()))
            .partition(|t: &Term| t.value == "any" && t.was.is_none());
        let at = |(at, words): (&str, &str)| {
            let here = at == row.id || at.split('.').next() == Some(row.id.as_str());
            here.then(|| words.to_owned())
        };
        Rule {
            id: row.id.clone(),
            terms,
            spare,
            then: super::workflow::then(row).replace('_', " "),
            tone: super::workflow::tone(row.route),
            why: row.reason.clone().unwrap_or_default(),
            fault: fault.and_then(at),
        }
    };
    table.rows().iter().map(rule).collect()
}

const fn lane(lane: Lane) -> &'static str {
    match lane {
        Lane::Auto => "no person",
        Lane::Review => "a reviewer",
        Lane::Refused => "by hand or refused",
    }
}

fn lanes(tally: &Tally) -> Vec<LaneCount> {
    [
        (Lane::Auto, "Without a person"),
        (Lane::Review, "A reviewer"),
        (Lane::Refused, "By hand or refused"),
    ]
    .into_iter()
    .map(|(lane, words)| {
        let of = |map: &std::collections::BTreeMap<Lane, u64>| *map.get(&lane).unwrap_or(&0);
        let (before, after) = (of(&tally.before), of(&tally.after));
        LaneCount {
            words,
            before: count(before),
            after: count(after),
            moved: before != after,
        }
    })
    .collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of runs are far below 2^52"
)]
fn decided(m: &Moved) -> Vec<Decided> {
    [
        ("ok", "Approved, no change", m.approved),
        ("warn", "Edited", m.edited),
        ("bad", "Rejected", m.rejected),
        ("esc", "By hand", m.by_hand),
        ("plain", "Not decided", m.undecided),
    ]
    .into_iter()
    .filter(|(_, _, runs)| *runs > 0)
    .map(|(tone, words, runs)| Decided {
        tone,
        words,
        runs: count(runs),
        share: format!("{:.1} %", runs as f64 * 100.0 / m.runs.max(1) as f64),
    })
    .collect()
}

fn notes(tally: &Tally, open: u64) -> Vec<String> {
    let mut notes = Vec::new();
    let auto = tally.newly_auto();
    if auto.decided() > 0 {
        let (low, high) = auto.error_interval(SURE);
        notes.push(format!(
            "People had edited or rejected {} of the {} decided runs that nobody would look at any more. At 95 % confidence that is between {:.1} % and {:.1} % of such runs.",
            count(auto.errors()),
            count(auto.decided()),
            low * 100.0,
            high * 100.0
        ));
    }
    if let Some(per_day) = tally.reviews_per_day().filter(|n| n.abs() >= 0.05) {
        let way = if per_day > 0.0 { "more" } else { "fewer" };
        notes.push(format!("About {:.1} {way} reviews a day.", per_day.abs()));
    }
    match open {
        0 => {}
        1 => notes.push("1 open case would need no person now; it stays with its reviewer.".into()),
        _ => notes.push(format!(
            "{} open cases would need no person now; they stay with their reviewers.",
            count(open)
        )),
    }
    if tally.left_out > 0 {
        notes.push(format!(
            "{} from before the columns changed left out.",
            plural(tally.left_out, "run")
        ));
    }
    notes
}

/// A test on past runs in words.
pub(super) fn preview(tried: tuesday_engine::ops::Backtest, owner: &str) -> Preview {
    let tally = &tried.tally;
    let second: Vec<String> = tried
        .second_person
        .iter()
        .map(|f| f.message.clone())
        .collect();
    let moves = tally.moved.iter().map(|((from, to), m)| Move {
        words: format!(
            "{} from {} to {}",
            plural(m.runs, "run"),
            lane(*from),
            lane(*to)
        ),
        decided: decided(m),
    });
    let items = tally.items.iter().map(|i| Item {
        run: i.run.to_string(),
        words: format!("from {} to {}", lane(i.from), lane(i.to)),
        decision: i
            .decision
            .map_or_else(|| "not decided".to_owned(), |d| code(d.word()))
            .to_lowercase(),
    });
    Preview {
        runs: count(tally.runs),
        took: took(i64::try_from(tried.took_us).unwrap_or(i64::MAX)),
        lanes: lanes(tally),
        moves: moves.collect(),
        notes: notes(tally, tried.open_now_auto),
        items: items.collect(),
        asks: if second.is_empty() {
            String::new()
        } else {
            owner.to_owned()
        },
        second,
        csv: tried.csv,
    }
}

/// The full name behind a handle, as the workflow knows it.
pub(super) fn person(def: &Definition, by: &str) -> String {
    let handle = by.trim_start_matches("person:");
    def.owners
        .people()
        .iter()
        .find(|p| p.handle == handle)
        .map_or_else(|| handle.to_owned(), |p| p.name.clone())
}

/// What a version changed about the one it was made from.
fn changed(row: &RuleSetRow, all: &[RuleSetRow]) -> Vec<Changed> {
    let base = all.iter().find(|r| Some(r.version) == row.base);
    let read = |r: &RuleSetRow| parse(&r.csv).map(|(rules, _)| rules).ok();
    match (base.and_then(read), read(row)) {
        (Some(before), Some(after)) => difference(&before, &after),
        _ => Vec::new(),
    }
}

/// Everything that two tables say differently: cells, results, rows that come and go.
pub(super) fn difference(before: &RuleSet, after: &RuleSet) -> Vec<Changed> {
    let mut out = Vec::new();
    let absent = || "no such rule".to_owned();
    let mut put = |place: String, before: String, after: String| {
        if before != after {
            out.push(Changed {
                place,
                before,
                after,
            });
        }
    };
    let then = |row: &Row| super::workflow::then(row).replace('_', " ");
    for is in after.rows() {
        let Some(was) = before.row(&is.id) else {
            put(format!("{} as a whole", is.id), absent(), then(is));
            continue;
        };
        for (at, column) in after.columns().iter().enumerate() {
            let text = |r: &Row| {
                r.cells
                    .get(at)
                    .map(|c| c.text().to_owned())
                    .unwrap_or_default()
            };
            let place = format!("{} {}", is.id, column.name.replace('_', " "));
            put(place, text(was), text(is));
        }
        put(format!("{} then", is.id), then(was), then(is));
        let why = |r: &Row| r.reason.clone().unwrap_or_default();
        put(format!("{} reason", is.id), why(was), why(is));
    }
    for was in before.rows().iter().filter(|r| after.row(&r.id).is_none()) {
        put(format!("{} as a whole", was.id), then(was), absent());
    }
    let meant = |word: Option<String>| word.unwrap_or_else(|| "nothing".to_owned());
    for m in remapped(before.columns(), after.columns()) {
        let place = format!("{} {}", m.column.replace('_', " "), m.word);
        put(place, meant(m.before), meant(m.after));
    }
    let order = |r: &RuleSet| r.rows().iter().map(|r| r.id.clone()).collect::<Vec<_>>();
    let (was, is) = (order(before), order(after));
    if was.len() == is.len() && was != is && is.iter().all(|id| was.contains(id)) {
        put(
            "Order of the rules".to_owned(),
            was.join(", "),
            is.join(", "),
        );
    }
    out
}

/// From when and until when a version holds, where that was said.
pub(super) fn held(row: &RuleSetRow, zone: &Zone) -> String {
    let at = |at| local(at, Some(zone));
    match (row.starts_at, row.ends_at) {
        (Some(from), Some(until)) => format!("from {} until {}", at(from), at(until)),
        (Some(from), None) => format!("from {}", at(from)),
        (None, Some(until)) => format!("until {}", at(until)),
        (None, None) => String::new(),
    }
}

/// A version in words.
pub(super) fn version(
    row: &RuleSetRow,
    all: &[RuleSetRow],
    def: &Definition,
    zone: &Zone,
    reader: &str,
) -> Version {
    let by = row.created_by.trim_start_matches("person:");
    let (state, tone) = match row.state {
        RuleSetState::Active => ("In force".to_owned(), "ok"),
        RuleSetState::Proposed | RuleSetState::Scheduled => (code(row.state.word()), "warn"),
        RuleSetState::Refused => (code(row.state.word()), "bad"),
        state => (code(state.word()), "plain"),
    };
    Version {
        number: row.version,
        state,
        tone,
        at: local(row.created_at, Some(zone)),
        by: person(def, by),
        reason: row.reason.clone(),
        owner: row
            .bound_owner
            .as_deref()
            .map(|o| person(def, o))
            .unwrap_or_default(),
        held: held(row, zone),
        proposed: row.state == RuleSetState::Proposed,
        changed: changed(row, all),
        returns: matches!(row.state, RuleSetState::Superseded | RuleSetState::Expired),
        own: by == reader,
    }
}
