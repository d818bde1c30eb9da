//! One entry of the log, as its leaf says it.

use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Map, Value};
use tuesday_domain::time::Timestamp;

/// A line of a bundle that holds an entry.
#[derive(Deserialize)]
struct Line<'a> {
    index: u64,
    leaf: &'a str,
}

/// The leaf.
#[derive(Deserialize)]
struct Leaf {
    at: i64,
    kind: String,
    run: Option<String>,
    workflow: Option<String>,
    #[serde(default)]
    moves: Vec<String>,
    #[serde(default)]
    facts: Map<String, Value>,
}

/// An entry.
pub(super) struct Entry {
    /// Its place in the log.
    pub(super) index: u64,
    /// When.
    pub(super) at: Timestamp,
    /// What.
    pub(super) kind: String,
    /// About which run.
    pub(super) run: Option<String>,
    /// About which workflow, when it is about no run.
    pub(super) workflow: Option<String>,
    /// What moved.
    pub(super) moves: Vec<String>,
    facts: Map<String, Value>,
}

impl Entry {
    /// The entry on a line; nothing on a line of another kind.
    pub(super) fn of_line(line: &[u8]) -> Result<Option<Self>, String> {
        if !line.starts_with(b"{\"index\":") {
            return Ok(None);
        }
        let line: Line<'_> = serde_json::from_slice(line).map_err(|e| e.to_string())?;
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(line.leaf)
            .map_err(|e| e.to_string())?;
        let leaf: Leaf = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
        Ok(Some(Self {
            index: line.index,
            at: Timestamp::from_micros(leaf.at),
            kind: leaf.kind,
            run: leaf.run,
            workflow: leaf.workflow,
            moves: leaf.moves,
            facts: leaf.facts,
        }))
    }

    /// A fact in words.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.facts.get(name)?.as_str()
    }

    /// A whole number.
    pub(super) fn int(&self, name: &str) -> Option<i64> {
        self.facts.get(name)?.as_i64()
    }

    /// A list of words.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        let all = self.facts.get(name).and_then(Value::as_array);
        all.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// Days since 1970 of a fact that is a day.
    pub(super) fn day(&self, name: &str) -> Option<i64> {
        day_number(self.text(name)?)
    }
}

/// Days since 1970 of `YYYY-MM-DD`.
pub(super) fn day_number(text: &str) -> Option<i64> {
    let day: jiff::civil::Date = text.parse().ok()?;
    Some(i64::from((day - jiff::civil::date(1970, 1, 1)).get_days()))
}
