//! Splits a dropped file into events.

use std::path::Path;

use serde_json::{Map, Value};

/// One event of a file, or why it is none.
pub(super) type Record = Result<Vec<u8>, String>;

/// The events of a file: one for `.json`, one for each line of `.jsonl`, one for each row of `.csv`.
///
/// # Errors
/// When the file as a whole is no source of events.
pub(super) fn split(path: &Path, bytes: &[u8]) -> Result<Vec<Record>, String> {
    if bytes.is_empty() {
        return Err("the file is empty".to_owned());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "the file is not UTF-8 text".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let records = match path
        .extension()
        .and_then(|e| e.to_str())
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("json") => vec![checked(text)],
        Some("jsonl") => text
            .lines()
            .filter(|l| !l.trim().is_empty())
            .map(checked)
            .collect(),
        Some("csv") => rows(text)?,
        _ => {
            return Err(
                "the file is of a type that is not read: .json, .jsonl and .csv are".to_owned(),
            );
        }
    };
    if records.is_empty() {
        Err("the file has no record".to_owned())
    } else {
        Ok(records)
    }
}

fn checked(text: &str) -> Record {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(_)) => Ok(text.trim().as_bytes().to_vec()),
        Ok(_) => Err("not a JSON object".to_owned()),
        Err(e) => Err(format!("not JSON: {e}")),
    }
}

fn rows(text: &str) -> Result<Vec<Record>, String> {
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
        if name.is_empty() || header[..i].contains(name) {
            return Err(format!("column {} has no name of its own", i + 1));
        }
    }
    let row = |cells: Result<csv::StringRecord, csv::Error>| {
        let cells = cells.map_err(|e| e.to_string())?;
        if cells.len() != header.len() {
            return Err(format!(
                "{} cells where the header has {}",
                cells.len(),
                header.len()
            ));
        }
        let map: Map<String, Value> = header
            .iter()
            .cloned()
            .zip(cells.iter().map(|c| Value::String(c.to_owned())))
            .collect();
        serde_json::to_vec(&map).map_err(|e| e.to_string())
    };
    Ok(reader.records().map(row).collect())
}

/// Does `name` match a pattern in which `*` stands for any text and `?` for one character?
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                // The star takes one character more, and matching goes on behind it.
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, yes) in [
            ("*.json", "a.json", true),
            ("*.json", "a.jsonl", false),
            ("deal-??.csv", "deal-07.csv", true),
            ("*a*b", "xaxxb", true),
            ("*a*b", "xaxxbc", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), yes, "{pattern} {name}");
        }
    }

    #[test]
    fn a_bad_row_leaves_the_others_alone() {
        let records = split(Path::new("a.csv"), b"id,t\n1,x\n2\n3,y\n").unwrap();
        assert_eq!(records[0].as_deref().unwrap(), br#"{"id":"1","t":"x"}"#);
        assert!(records[1].is_err());
        assert!(records[2].is_ok());
        let lines = split(Path::new("a.jsonl"), b"{\"a\":1}\n\n{oops\n[1]\n").unwrap();
        assert_eq!(lines.iter().filter(|r| r.is_ok()).count(), 1);
        assert_eq!(lines.len(), 3);
        for (name, bytes) in [
            ("a.json", &b""[..]),
            ("a.json", b"\xff\xfe"),
            ("a.exe", b"MZ"),
            ("a.csv", b"a,a\n1,2\n"),
            ("a.jsonl", b"\n"),
        ] {
            assert!(split(Path::new(name), bytes).is_err(), "{name}");
        }
    }
}
