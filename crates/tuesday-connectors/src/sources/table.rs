//! A table file held in memory with an index on one column, so that thousands of look-ups a second
//! cost one read of the file.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::database::text_of;

/// Largest file that is loaded, in bytes; beyond it a database is the better home.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// The rows of one file by the values of one column.
pub(crate) struct Table {
    rows: Vec<Row>,
    by_key: HashMap<String, Vec<usize>>,
    /// Places of rows that could not be read and whose key is therefore unknown.
    broken: Vec<String>,
}

struct Row {
    /// Line of a CSV or JSON Lines file, number of the element in a JSON array; from 1.
    place: u64,
    /// A readable record, or why it is not one.
    record: Result<Map<String, Value>, String>,
}

/// What a look-up found.
#[derive(Debug, PartialEq)]
pub(crate) enum Hit<'a> {
    /// One record, at these places: equal copies count as one.
    One(&'a Map<String, Value>, Vec<u64>),
    /// Different records with the same key.
    Several(Vec<u64>),
    /// The row is there but unreadable.
    Broken(String),
    /// No such record.
    None,
}

impl Table {
    /// Loads a `.csv`, `.json` (array of objects) or `.jsonl` file.
    pub(crate) fn load(path: &Path, key: &str) -> Result<Self, String> {
        let shown = path.display();
        let len = std::fs::metadata(path)
            .map_err(|e| format!("`{shown}` cannot be read: {}", e.kind()))?
            .len();
        if len > MAX_BYTES {
            return Err(format!(
                "`{shown}` is larger than 512 MiB: load it into a database"
            ));
        }
        let bytes =
            std::fs::read(path).map_err(|e| format!("`{shown}` cannot be read: {}", e.kind()))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| format!("`{shown}` is not UTF-8"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let rows = match path.extension().and_then(|e| e.to_str()) {
            Some("csv") => csv_rows(text, key),
            Some("json") => array_rows(text),
            Some("jsonl") => Ok(line_rows(text)),
            _ => Err("the name must end in .csv, .json or .jsonl".to_owned()),
        };
        Ok(Self::index(
            rows.map_err(|e| format!("`{shown}`: {e}"))?,
            key,
        ))
    }

    fn index(rows: Vec<(Row, Option<String>)>, key: &str) -> Self {
        let mut table = Self {
            rows: Vec::with_capacity(rows.len()),
            by_key: HashMap::new(),
            broken: Vec::new(),
        };
        for (row, broken_key) in rows {
            let value = match &row.record {
                Ok(record) => record.get(key).and_then(text_of),
                Err(_) => broken_key,
            };
            match (value, &row.record) {
                (Some(value), _) => table
                    .by_key
                    .entry(value)
                    .or_default()
                    .push(table.rows.len()),
                (None, Err(why)) => table.broken.push(format!("{}: {why}", row.place)),
                // A record without the key belongs to nobody and can hide no match.
                (None, Ok(_)) => {}
            }
            table.rows.push(row);
        }
        table
    }

    /// Looks one value up.
    pub(crate) fn find(&self, value: &str) -> Hit<'_> {
        let rows: Vec<&Row> = self
            .by_key
            .get(value)
            .into_iter()
            .flatten()
            .filter_map(|&i| self.rows.get(i))
            .collect();
        let Some(first) = rows.first() else {
            return match self.broken.first() {
                Some(at) => Hit::Broken(format!("row {at}; whether it is the one is not known")),
                None => Hit::None,
            };
        };
        let places = rows.iter().map(|r| r.place).collect();
        for row in &rows {
            if let Err(why) = &row.record {
                return Hit::Broken(format!("row {}: {why}", row.place));
            }
        }
        match &first.record {
            Ok(record) if rows.iter().all(|r| r.record == first.record) => Hit::One(record, places),
            Ok(_) => Hit::Several(places),
            Err(why) => Hit::Broken(why.clone()),
        }
    }
}

fn csv_rows(text: &str, key: &str) -> Result<Vec<(Row, Option<String>)>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(text.as_bytes());
    let header: Vec<String> = reader
        .headers()
        .map_err(|e| e.to_string())?
        .iter()
        .map(|h| h.trim().to_owned())
        .collect();
    for (i, name) in header.iter().enumerate() {
        if header[..i].contains(name) {
            return Err(format!("column `{name}` is there twice"));
        }
    }
    let at = header
        .iter()
        .position(|h| h == key)
        .ok_or_else(|| format!("there is no column `{key}`"))?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| e.to_string())?;
        let place = record.position().map_or(0, csv::Position::line);
        if record.len() == header.len() {
            let map = header
                .iter()
                .cloned()
                .zip(record.iter().map(|v| Value::String(v.to_owned())))
                .collect();
            rows.push((
                Row {
                    place,
                    record: Ok(map),
                },
                None,
            ));
        } else {
            let why = format!(
                "{} cells where the header has {}",
                record.len(),
                header.len()
            );
            rows.push((
                Row {
                    place,
                    record: Err(why),
                },
                record.get(at).map(str::to_owned),
            ));
        }
    }
    Ok(rows)
}

fn array_rows(text: &str) -> Result<Vec<(Row, Option<String>)>, String> {
    let items: Vec<Value> =
        serde_json::from_str(text).map_err(|e| format!("not a JSON array: {e}"))?;
    Ok(items
        .into_iter()
        .zip(1..)
        .map(|(item, place)| {
            (
                Row {
                    place,
                    record: object(item),
                },
                None,
            )
        })
        .collect())
}

fn line_rows(text: &str) -> Vec<(Row, Option<String>)> {
    let lines = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| !line.trim().is_empty());
    lines
        .map(|(line, place)| {
            let record = serde_json::from_str(line)
                .map_err(|e| format!("not JSON: {e}"))
                .and_then(object);
            (Row { place, record }, None)
        })
        .collect()
}

fn object(value: Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err("not a JSON object".to_owned()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        Table::index(csv_rows(text, "id").unwrap(), "id")
    }

    #[test]
    fn equal_copies_are_one_and_different_ones_are_ambiguous() {
        let t = table("id,tier\na,1\nb,2\na,1\nb,3\n");
        assert!(matches!(t.find("a"), Hit::One(m, places) if m["tier"] == "1" && places == [2, 4]));
        assert_eq!(t.find("b"), Hit::Several(vec![3, 5]));
        assert_eq!(t.find("c"), Hit::None);
    }

    #[test]
    fn a_broken_row_is_never_taken_for_an_absent_one() {
        let t = table("id,tier\na,1\nb\n");
        assert!(matches!(t.find("b"), Hit::Broken(_)));
        assert!(matches!(t.find("a"), Hit::One(..)));
        assert_eq!(
            t.find("c"),
            Hit::None,
            "the broken row's key is known, so it hides nobody"
        );
        let lines = Table::index(line_rows("{\"id\":\"a\"}\n{oops\n"), "id");
        assert!(matches!(lines.find("c"), Hit::Broken(_)));
    }
}
