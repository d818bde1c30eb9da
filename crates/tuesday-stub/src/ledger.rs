//! What a system received, in order, and whether it had an effect: the judge of "exactly once".

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::fault::StubError;

/// One request that meant to change something.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Order of arrival over all systems, from 1.
    pub seq: u64,
    /// RFC 3339 time by the stub's clock.
    pub at: String,
    /// First path segment; `mail` for SMTP, `model` for models.
    pub system: String,
    /// Second path segment; the provider for models.
    pub collection: String,
    /// The record that was written, when there was one.
    pub record_id: Option<String>,
    /// HTTP method, or `SMTP`.
    pub method: String,
    /// The key of the request; the `Message-ID` for SMTP.
    pub idempotency_key: Option<String>,
    /// The header `X-Tuesday-Run`.
    pub run: Option<String>,
    /// Status of the answer, also of one that was lost.
    pub status: u16,
    /// Did it have an effect?
    pub applied: bool,
    /// Was an answer sent? False when the connection was closed before it.
    pub answered: bool,
    /// Was it answered from the memory of its key?
    pub replayed: bool,
    /// The body as it came; text when it is not JSON.
    #[serde(serialize_with = "write_body", deserialize_with = "read_body")]
    pub body: Bytes,
}

impl Entry {
    /// The body as JSON; null when it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// Sums over the entries of a system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Entries.
    pub requests: u64,
    /// Entries with an effect.
    pub applied: u64,
    /// Entries that were answered.
    pub answered: u64,
    /// Entries answered from the memory of a key.
    pub replayed: u64,
    /// Entries without a key.
    pub without_key: u64,
    /// Different keys seen.
    pub distinct_keys: u64,
    /// Effects beyond the first for one key: 0 is what "exactly once" means.
    pub duplicates: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.applied += other.applied;
        self.answered += other.answered;
        self.replayed += other.replayed;
        self.without_key += other.without_key;
        self.distinct_keys += other.distinct_keys;
        self.duplicates += other.duplicates;
    }
}

/// The entries of one system.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    counts: Counts,
    applied_by_key: HashMap<String, u32>,
}

impl Ledger {
    /// Counts the entry, and keeps it unless the world is lean.
    pub(crate) fn push(&mut self, entry: Entry, keep: bool) {
        self.counts.requests += 1;
        self.counts.applied += u64::from(entry.applied);
        self.counts.answered += u64::from(entry.answered);
        self.counts.replayed += u64::from(entry.replayed);
        match &entry.idempotency_key {
            None => self.counts.without_key += 1,
            Some(key) => self.count_key(key, entry.applied),
        }
        if keep {
            self.entries.push(entry);
        }
    }

    fn count_key(&mut self, key: &str, applied: bool) {
        let effects = match self.applied_by_key.get_mut(key) {
            Some(effects) => effects,
            None => {
                self.counts.distinct_keys += 1;
                self.applied_by_key.entry(key.to_owned()).or_default()
            }
        };
        if applied {
            self.counts.duplicates += u64::from(*effects > 0);
            *effects += 1;
        }
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// The ledger of all systems on disk, one JSON object a line.
///
/// A line is handed to the operating system before its answer is sent, so it survives the death of
/// every process. It is not synced: the stub does not outlive the power supply.
#[derive(Debug)]
pub(crate) struct LedgerFile {
    path: PathBuf,
    file: Mutex<File>,
}

impl LedgerFile {
    /// Opens the file, and returns what it already holds. A last line that broke off is cut away.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Entry>), StubError> {
        let fault = |source| StubError::File {
            path: path.to_owned(),
            source,
        };
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(fault)?;
        let mut reader = BufReader::new(&file);
        let (mut entries, mut line, mut whole) = (Vec::new(), Vec::new(), 0);
        while reader.read_until(b'\n', &mut line).map_err(fault)? > 0 {
            if line.last() != Some(&b'\n') {
                file.set_len(whole).map_err(fault)?;
                break;
            }
            whole += line.len() as u64;
            let number = entries.len() + 1;
            let entry = serde_json::from_slice(&line).map_err(|source| StubError::Line {
                path: path.to_owned(),
                line: number,
                source,
            })?;
            entries.push(entry);
            line.clear();
        }
        Ok((
            Self {
                path: path.to_owned(),
                file: Mutex::new(file),
            },
            entries,
        ))
    }

    pub(crate) fn append(&self, entry: &Entry) -> Result<(), StubError> {
        let fault = |source| StubError::File {
            path: self.path.clone(),
            source,
        };
        let mut line = serde_json::to_vec(entry).map_err(|e| fault(e.into()))?;
        line.push(b'\n');
        // One call for the whole line, so that two writers cannot mix.
        self.file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(&line)
            .map_err(fault)
    }
}

fn write_body<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    if body.is_empty() {
        return serializer.serialize_none();
    }
    // A raw value keeps the sender's spelling, but a line break in it would break the ledger's line.
    if !body.contains(&b'\n')
        && !body.contains(&b'\r')
        && let Ok(raw) = serde_json::from_slice::<&RawValue>(body)
    {
        return raw.serialize(serializer);
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => value.serialize(serializer),
        Err(_) => serializer.serialize_str(&String::from_utf8_lossy(body)),
    }
}

fn read_body<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let text: Cow<'_, str> = match Value::deserialize(deserializer)? {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Owned(text),
        value => Cow::Owned(value.to_string()),
    };
    Ok(Bytes::from(text.into_owned()))
}
