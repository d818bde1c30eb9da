//! Reads `rules.csv`, collecting every fault with its line instead of stopping at the first.

use std::collections::HashMap;

use csv::StringRecord;

use super::cell::{Cell, parse_cell};
use super::check;
use super::classes::Classes;
use super::column::Column;
use super::compile::MAX_ROWS;
use super::finding::{Finding, FindingCode, Severity};
use super::header::parse_header;
use super::mapping;
use super::table::{Route, Row, RuleSet};
use super::value::is_invisible;

const MAX_BYTES: usize = 1 << 20;
const MAX_COLUMNS: usize = 64;
/// Output columns, in the order they must have at the right-hand side.
const OUTPUTS: [&str; 4] = ["route", "review_tier", "reason", "note"];

/// Reads and checks a table. The findings that come with a rule set hold no error; those of
/// severity [`Severity::SecondPerson`] must be agreed to before the rules go live.
///
/// # Errors
/// All findings, at least one of them an error. Nothing is half accepted.
pub fn parse(text: &str) -> Result<(RuleSet, Vec<Finding>), Vec<Finding>> {
    let mut findings = Vec::new();
    let rules = read(text, &mut findings);
    let refused = |findings: &[Finding]| findings.iter().any(|f| f.severity == Severity::Error);
    match rules {
        Some(rules) if !refused(&findings) => {
            findings.extend(check::check(&rules));
            findings.sort_by_key(|finding| (finding.line, std::cmp::Reverse(finding.severity)));
            if refused(&findings) {
                Err(findings)
            } else {
                Ok((rules, findings))
            }
        }
        _ => {
            findings.sort_by_key(|finding| (finding.line, std::cmp::Reverse(finding.severity)));
            Err(findings)
        }
    }
}

/// The table, or nothing when the frame is too broken to look at rows.
fn read(text: &str, findings: &mut Vec<Finding>) -> Option<RuleSet> {
    let (header, lines) = match read_records(text) {
        Ok(records) => records,
        Err(finding) => {
            findings.push(finding);
            return None;
        }
    };
    let (mut columns, has_note) = read_header(&header, findings)?;
    let (entries, lines): (Vec<_>, Vec<_>) = lines
        .into_iter()
        .partition(|record| record.get(0) == Some(mapping::MAP));
    for record in &entries {
        mapping::read_line(record, &mut columns, has_note, findings);
    }
    let mut rows = Vec::new();
    for record in &lines {
        rows.extend(read_row(record, &columns, has_note, findings));
    }
    check_ids(&rows, findings);
    check_never_matches(&columns, &rows, findings);
    if rows.len() == lines.len() {
        check_catch_all(
            &rows,
            header.position().map_or(1, csv::Position::line),
            findings,
        );
    }
    if findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
    {
        return None;
    }
    Some(RuleSet::new(columns, rows, has_note))
}

/// The header and the lines that hold something; spreadsheets leave empty lines behind.
fn read_records(text: &str) -> Result<(StringRecord, Vec<StringRecord>), Finding> {
    let unreadable = |line: u64, message: String, way_out: &str| {
        Finding::error(FindingCode::UnreadableFile, line, message, way_out)
    };
    if text.len() > MAX_BYTES {
        return Err(unreadable(
            1,
            "the file is larger than 1 MiB".into(),
            "split the workflow",
        ));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut records = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(1, csv::Position::line);
            unreadable(
                line,
                format!("the file is not readable as CSV: {error}"),
                "save it as CSV UTF-8",
            )
        })?;
        if record.iter().any(|cell| !cell.is_empty()) {
            records.push(record);
        }
    }
    let is_entry = |record: &&StringRecord| record.get(0) == Some(mapping::MAP);
    if records.len() - records.iter().filter(is_entry).count() > MAX_ROWS {
        return Err(unreadable(
            1,
            format!("more than {} rows", MAX_ROWS - 1),
            "merge rows or use sets",
        ));
    }
    if records.is_empty() {
        return Err(unreadable(
            1,
            "the file is empty".into(),
            "start from an example table",
        ));
    }
    let header = records.remove(0);
    if header.len() == 1 && header.get(0).is_some_and(|cell| cell.contains([';', '\t'])) {
        let way_out = "save it with commas between the cells (CSV UTF-8, comma delimited)";
        return Err(unreadable(
            1,
            "cells are separated by ; or tabs, not by commas".into(),
            way_out,
        ));
    }
    Ok((header, records))
}

fn read_header(record: &StringRecord, findings: &mut Vec<Finding>) -> Option<(Vec<Column>, bool)> {
    let line = line_of(record);
    let cells: Vec<&str> = record.iter().collect();
    let has_note = cells.last() == Some(&"note");
    let outputs = &OUTPUTS[..if has_note { 4 } else { 3 }];
    let conditions = match cells.split_first() {
        Some((&"row", rest)) if rest.ends_with(outputs) => &rest[..rest.len() - outputs.len()],
        _ => {
            findings.push(Finding::error(
                FindingCode::BadHeader,
                line,
                "the header must begin with row and end with route, review_tier, reason (and optionally note)",
                "write: row, the condition columns, route, review_tier, reason",
            ));
            return None;
        }
    };
    if conditions.len() > MAX_COLUMNS {
        findings.push(Finding::error(
            FindingCode::BadHeader,
            line,
            format!("more than {MAX_COLUMNS} condition columns"),
            "split the decision",
        ));
        return None;
    }
    let mut columns: Vec<Column> = Vec::new();
    for text in conditions {
        match checked_text(text).and_then(|()| parse_header(text)) {
            Ok(column) if columns.iter().any(|known| known.name == column.name) => {
                let message = format!("the column {} is there twice", column.name);
                findings.push(
                    Finding::error(
                        FindingCode::DuplicateColumn,
                        line,
                        message,
                        "rename or remove one",
                    )
                    .in_column(&column.name),
                );
            }
            Ok(column) => columns.push(column),
            Err(why) => findings.push(
                Finding::error(FindingCode::BadHeader, line, why, "correct the header cell")
                    .in_column(text.split(':').next().unwrap_or_default().trim()),
            ),
        }
    }
    (columns.len() == conditions.len()).then_some((columns, has_note))
}

fn read_row(
    record: &StringRecord,
    columns: &[Column],
    has_note: bool,
    findings: &mut Vec<Finding>,
) -> Option<Row> {
    let line = line_of(record);
    let id = record.get(0).unwrap_or_default();
    let before = findings.len();
    let expected = columns.len() + if has_note { 5 } else { 4 };
    if record.len() != expected {
        let message = format!("the line has {} cells, the header {expected}", record.len());
        let way_out = "fill every cell; a list inside one cell needs double quotes around it";
        findings.push(Finding::error(FindingCode::RaggedRow, line, message, way_out).in_row(id));
        return None;
    }
    let cells = read_cells(record, columns, findings);
    let mut outputs = record.iter().skip(columns.len() + 1);
    let mut next = || outputs.next().unwrap_or_default();
    let route = Route::parse(next());
    let row = Row {
        id: id.to_owned(),
        cells,
        route: route.unwrap_or(Route::Manual),
        review_tier: some_text(next()),
        reason: some_text(next()),
        note: some_text(next()),
        line,
    };
    check_outputs(&row, route, findings);
    (findings.len() == before).then_some(row)
}

fn read_cells(record: &StringRecord, columns: &[Column], findings: &mut Vec<Finding>) -> Vec<Cell> {
    let line = line_of(record);
    let id = record.get(0).unwrap_or_default();
    let mut cells = Vec::new();
    for (column, text) in columns.iter().zip(record.iter().skip(1)) {
        let fault = if text.is_empty() {
            let message = format!("the cell for {} is empty", column.name);
            Some((
                FindingCode::EmptyCell,
                message,
                "write any if the value does not matter",
            ))
        } else {
            match checked_text(text).and_then(|()| parse_cell(column, text)) {
                Ok(cell) => {
                    cells.push(cell);
                    None
                }
                Err(why) => Some((
                    FindingCode::BadCell,
                    format!("the cell for {} cannot be read: {why}", column.name),
                    "use any, missing, > 500, <= 500, 500..1000, a list such as gold, silver, or not before a list",
                )),
            }
        };
        if let Some((code, message, way_out)) = fault {
            findings.push(
                Finding::error(code, line, message, way_out)
                    .in_row(id)
                    .in_column(&column.name),
            );
        }
    }
    cells
}

fn check_outputs(row: &Row, route: Option<Route>, findings: &mut Vec<Finding>) {
    let mut fault = |code: FindingCode, column: &str, message: &str, way_out: &str| {
        findings.push(
            Finding::error(code, row.line, message, way_out)
                .in_row(&row.id)
                .in_column(column),
        );
    };
    let is_id = |text: &str| {
        text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    };
    if !is_id(&row.id) {
        let way_out = "give the row a short id such as r1; keep it when the row changes";
        fault(
            FindingCode::BadRowId,
            "row",
            "the row id is missing or malformed",
            way_out,
        );
    }
    if route.is_none() {
        let way_out = "use auto, review, manual, excluded or refuse";
        fault(
            FindingCode::BadRoute,
            "route",
            "the route is not known",
            way_out,
        );
    }
    let tier_fault = match (&row.review_tier, route) {
        (None, Some(Route::Review)) => Some("the row names no review tier"),
        (Some(tier), Some(Route::Review)) if !is_id(tier) => Some("the review tier is malformed"),
        (Some(_), Some(route)) if route != Route::Review => Some("only review rows have a tier"),
        _ => None,
    };
    if let Some(message) = tier_fault {
        let way_out = "name a tier exactly on rows with route review";
        fault(FindingCode::BadReviewTier, "review_tier", message, way_out);
    }
    if row.reason.is_none() && route.is_some_and(|route| route != Route::Auto) {
        let way_out = "say in a few words why a person, or nobody, should act";
        fault(
            FindingCode::MissingReason,
            "reason",
            "the row gives no reason",
            way_out,
        );
    }
    for (column, text) in [("reason", &row.reason), ("note", &row.note)] {
        let Some(text) = text else { continue };
        if text.starts_with(['=', '+', '-', '@']) {
            let way_out = "begin the text with a letter";
            fault(
                FindingCode::FormulaLike,
                column,
                "a spreadsheet would run this as a formula",
                way_out,
            );
        }
        if let Err(why) = checked_text(text) {
            fault(
                FindingCode::BadCell,
                column,
                &why,
                "write it on one line without special characters",
            );
        }
    }
}

fn check_ids(rows: &[Row], findings: &mut Vec<Finding>) {
    let mut seen: HashMap<&str, u64> = HashMap::new();
    for row in rows {
        if let Some(first) = seen.insert(&row.id, row.line) {
            let message = format!("the row id {} is already used on line {first}", row.id);
            findings.push(
                Finding::error(
                    FindingCode::DuplicateRow,
                    row.line,
                    message,
                    "give it an id of its own",
                )
                .in_row(&row.id)
                .in_column("row"),
            );
        }
    }
}

/// A cell such as `0.5<..<0.5000000000000000001`, or `not` everything, can never match.
fn check_never_matches(columns: &[Column], rows: &[Row], findings: &mut Vec<Finding>) {
    for (at, column) in columns.iter().enumerate() {
        let cells = || {
            rows.iter()
                .filter_map(|row| row.cells.get(at).map(|cell| (row, cell)))
        };
        let classes = Classes::of(column, cells().map(|(_, cell)| cell));
        let feasible = classes.feasible(column);
        for (row, cell) in cells() {
            if !classes.matched(cell).meets(&feasible) {
                let message = format!("{} can never match {}", cell.text(), column.name);
                findings.push(
                    Finding::error(
                        FindingCode::CellNeverMatches,
                        row.line,
                        message,
                        "correct the cell",
                    )
                    .in_row(&row.id)
                    .in_column(&column.name),
                );
            }
        }
    }
}

/// The rule everything else rests on: what no other row takes goes to a person.
fn check_catch_all(rows: &[Row], header_line: u64, findings: &mut Vec<Finding>) {
    let last = rows.last();
    if last.is_some_and(|row| row.route.goes_to_person() && row.cells.iter().all(Cell::is_any)) {
        return;
    }
    let finding = Finding::error(
        FindingCode::CatchAllMissing,
        last.map_or(header_line, |row| row.line),
        "the last row does not catch everything that is left and give it to a person",
        "end the table with a row of any in every condition cell and route review or manual",
    );
    findings.push(match last {
        Some(row) => finding.in_row(&row.id),
        None => finding,
    });
}

/// Refuses line breaks and characters that cannot be seen.
fn checked_text(text: &str) -> Result<(), String> {
    if text.chars().any(is_invisible) {
        return Err("the text holds a line break or a character that cannot be seen".to_owned());
    }
    Ok(())
}

fn some_text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn line_of(record: &StringRecord) -> u64 {
    record.position().map_or(1, csv::Position::line)
}
