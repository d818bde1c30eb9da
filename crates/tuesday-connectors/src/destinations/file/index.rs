//! What is in a file: its complete records by key, and whatever follows the last of them.

use std::collections::HashMap;
use std::fs::Metadata;
use std::time::SystemTime;

use serde_json::{Map, Value};

use super::format::{Format, Record, csv_line};

/// Every key of ours begins so; it is how a torn record is told to be ours.
const OURS: &str = "tsd-";

/// A file's content, valid as long as its time and length are those it was read at.
#[derive(Default)]
pub(super) struct Index {
    stamp: Option<(SystemTime, u64)>,
    /// CSV: the columns. Empty for a new file and for JSON Lines.
    pub(super) header: Vec<String>,
    /// Byte ranges of the records that carry a key.
    at: HashMap<String, (usize, usize)>,
    /// Where the last complete record ends.
    pub(super) end: usize,
}

/// What follows the last complete record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing.
    Clean,
    /// Our own record, cut by a crash: to be taken off.
    Ours,
    /// Somebody's complete record without a newline: to be left, and ended.
    Unended,
    /// Somebody's incomplete record: nothing may be appended to it.
    Foreign,
}

impl Index {
    pub(super) fn fresh(&self, meta: &Metadata) -> bool {
        self.stamp.is_some() && self.stamp == stamp(meta)
    }

    pub(super) fn remember(&mut self, meta: &Metadata) {
        self.stamp = stamp(meta);
    }

    pub(super) fn forget(&mut self) {
        self.stamp = None;
    }

    pub(super) fn range(&self, key: &str) -> Option<(usize, usize)> {
        self.at.get(key).copied()
    }

    /// Notes a record that was appended after `end`.
    pub(super) fn appended(&mut self, key: &str, start: usize, len: usize) {
        self.at.insert(key.to_owned(), (start, start + len));
        self.end = start + len;
    }

    /// Reads the whole content.
    pub(super) fn read(
        format: Format,
        bytes: &[u8],
        record: &Record,
    ) -> Result<(Self, Tail), String> {
        let mut index = Self::default();
        let tail = match format {
            Format::Csv => index.read_csv(bytes, record)?,
            Format::JsonLines => index.read_lines(bytes, record),
        };
        Ok((index, tail))
    }

    fn read_lines(&mut self, bytes: &[u8], record: &Record) -> Tail {
        while let Some(len) = bytes[self.end..].iter().position(|&b| b == b'\n') {
            let (start, end) = (self.end, self.end + len + 1);
            if let Some(key) = line_key(&bytes[start..end], record) {
                self.at.insert(key, (start, end));
            }
            self.end = end;
        }
        let rest = &bytes[self.end..];
        let ours = format!("{{\"{}\":\"{OURS}", record.key_field);
        match rest {
            [] => Tail::Clean,
            _ if is_ours(rest, ours.as_bytes()) => Tail::Ours,
            _ if serde_json::from_slice::<Map<String, Value>>(rest).is_ok() => Tail::Unended,
            _ => Tail::Foreign,
        }
    }

    fn read_csv(&mut self, bytes: &[u8], record: &Record) -> Result<Tail, String> {
        let mut column = 0;
        while let Some(len) = record_len(&bytes[self.end..]) {
            let (start, end) = (self.end, self.end + len);
            let cells = csv_cells(&bytes[start..end])?;
            if self.header.is_empty() {
                column = cells
                    .iter()
                    .position(|c| *c == record.key_field)
                    .ok_or_else(|| format!("the file has no column `{}`", record.key_field))?;
                self.header = cells;
            } else if let Some(key) = cells.get(column).filter(|k| !k.is_empty()) {
                self.at.insert(key.clone(), (start, end));
            }
            self.end = end;
        }
        let rest = &bytes[self.end..];
        if rest.is_empty() {
            return Ok(Tail::Clean);
        }
        if self.header.is_empty() {
            // Nothing but the beginning of the header we write into a new file.
            let ours = csv_line(&record.columns())?;
            return Ok(if is_ours(rest, &ours) {
                Tail::Ours
            } else {
                Tail::Foreign
            });
        }
        let key_first = self.header.first() == Some(&record.key_field);
        let quotes = rest.iter().filter(|&&b| b == b'"').count();
        let cells = csv_cells(rest).unwrap_or_default();
        let shows_key = cells.get(column).is_some_and(|k| k.starts_with(OURS));
        Ok(
            if shows_key || (key_first && is_ours(rest, OURS.as_bytes())) {
                Tail::Ours
            } else if cells.len() == self.header.len() && quotes % 2 == 0 {
                Tail::Unended
            } else {
                Tail::Foreign
            },
        )
    }
}

/// Does `rest` begin as our records do, or is it so short that it is only the beginning of that? A
/// block the disk never filled, nothing but zeros, is ours as well: nobody writes one on purpose.
fn is_ours(rest: &[u8], ours: &[u8]) -> bool {
    rest.starts_with(ours) || ours.starts_with(rest) || rest.iter().all(|&b| b == 0)
}

fn line_key(line: &[u8], record: &Record) -> Option<String> {
    let map: Map<String, Value> = serde_json::from_slice(line).ok()?;
    map.get(&record.key_field)?.as_str().map(str::to_owned)
}

/// Length of the first CSV record with its newline; `None` when it does not end. A newline between
/// quotes belongs to a cell.
fn record_len(bytes: &[u8]) -> Option<usize> {
    let mut quoted = false;
    for (i, b) in bytes.iter().enumerate() {
        match b {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => return Some(i + 1),
            _ => {}
        }
    }
    None
}

/// The cells of one CSV record.
pub(super) fn csv_cells(record: &[u8]) -> Result<Vec<String>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(record);
    match reader.records().next() {
        Some(Ok(cells)) => Ok(cells.iter().map(str::to_owned).collect()),
        Some(Err(e)) => Err(e.to_string()),
        None => Ok(Vec::new()),
    }
}

fn stamp(meta: &Metadata) -> Option<(SystemTime, u64)> {
    meta.modified().ok().map(|at| (at, meta.len()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use serde_json::json;

    fn record() -> Record {
        Record::new(
            "tuesday_key",
            "tsd-1",
            json!({"note": "a\nb", "tier": "x"}).as_object().unwrap(),
        )
        .unwrap()
    }

    fn tail(format: Format, text: &str) -> Tail {
        Index::read(format, text.as_bytes(), &record()).unwrap().1
    }

    #[test]
    fn every_cut_of_our_own_record_is_recognised() {
        let head = "tuesday_key,note,tier\ntsd-0,\"x\ny\",t\n";
        let line = csv_line(
            &record()
                .cells(&["tuesday_key".into(), "note".into(), "tier".into()])
                .unwrap(),
        )
        .unwrap();
        let line = String::from_utf8(line).unwrap();
        for cut in 1..line.len() {
            assert_eq!(
                tail(Format::Csv, &format!("{head}{}", &line[..cut])),
                Tail::Ours,
                "{cut}"
            );
        }
        let line = record().json_line();
        for cut in 1..line.len() {
            assert_eq!(
                tail(Format::JsonLines, &format!("{{}}\n{}", &line[..cut])),
                Tail::Ours,
                "{cut}"
            );
        }
        assert_eq!(tail(Format::Csv, "tuesday_ke"), Tail::Ours);
    }

    #[test]
    fn the_lines_of_others_are_never_taken_off() {
        assert_eq!(
            tail(Format::Csv, "tuesday_key,note,tier\n,by hand,t"),
            Tail::Unended
        );
        assert_eq!(
            tail(Format::Csv, "tuesday_key,note,tier\n,by ha"),
            Tail::Foreign
        );
        assert_eq!(tail(Format::JsonLines, "{\"a\":1}"), Tail::Unended);
        assert_eq!(tail(Format::JsonLines, "{\"a\":"), Tail::Foreign);
    }
}
