//! Reads the sets where they lie. Nothing of them is kept beyond the command's own folder.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use tuesday_domain::problem::Problem;

/// One labelled text of a JSON Lines set.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Text {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) label: String,
}

/// A row of a CSV set, by column.
pub(super) type Row = HashMap<String, String>;

fn unreadable(path: &Path, e: &dyn std::fmt::Display) -> Problem {
    Problem::new("bad_request", format!("{}: {e}", path.display()))
        .way_out("compare the folder with its SHA256SUMS")
}

/// Lines of `{"id", "text", "label"}`.
pub(super) fn texts(path: &Path) -> Result<Vec<Text>, Problem> {
    lines_of(path)
}

/// The rows of a JSON Lines set.
pub(super) fn lines_of<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Vec<T>, Problem> {
    let all = std::fs::read_to_string(path).map_err(|e| unreadable(path, &e))?;
    all.lines()
        .filter(|l| !l.trim().is_empty())
        .map(|l| serde_json::from_str(l).map_err(|e| unreadable(path, &e)))
        .collect()
}

/// Rows of a CSV file with a header.
pub(super) fn rows(path: &Path) -> Result<Vec<Row>, Problem> {
    let mut reader = csv::Reader::from_path(path).map_err(|e| unreadable(path, &e))?;
    reader
        .deserialize()
        .map(|row| row.map_err(|e| unreadable(path, &e)))
        .collect()
}

/// The columns of a CSV file, in order.
pub(super) fn columns(path: &Path) -> Result<Vec<String>, Problem> {
    let mut reader = csv::Reader::from_path(path).map_err(|e| unreadable(path, &e))?;
    Ok(reader
        .headers()
        .map_err(|e| unreadable(path, &e))?
        .iter()
        .map(str::to_owned)
        .collect())
}

/// A value of a row; empty when the column is not there.
pub(super) fn get<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).map_or("", String::as_str)
}

/// FNV-1a: which part a row belongs to must be the same on every machine, for ever.
pub(super) fn fixed_hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}
