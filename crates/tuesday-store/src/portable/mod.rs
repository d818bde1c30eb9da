//! Everything that is stored as rows of JSON, out of one database and into another one: the same rows
//! whichever of the two databases it is.
//!
//! Tables are found in the schema, so that one that is added later is not forgotten; what must not or need
//! not leave is listed here with its reason. All rows of an export are of one moment; an import commits
//! as a whole, into an empty database of the same schema, or leaves nothing behind.

mod postgres;
mod sqlite;

use serde_json::{Map, Value as Json, json};

use crate::Store;
use crate::error::{ApplyError, ReadError};
use crate::reader::StoreReader;
use crate::value::Value;
use crate::{Back, migrate};

/// Tables that stay, and why.
pub const LEFT_OUT: [(&str, &str); 10] = [
    ("schema_migrations", "belongs to the database"),
    ("credentials", "ways to sign in are secrets"),
    ("tokens", "tokens are secrets"),
    ("invites", "links are secrets"),
    ("sessions", "sessions are secrets"),
    (
        "guesses",
        "wrong guesses belong to the doors of an instance",
    ),
    ("ceremonies", "challenges have a short life"),
    ("day_figures", "made again from the records"),
    ("figure_mark", "made again from the records"),
    ("retention_marks", "made again from the records"),
];

/// What others refer to comes first.
const FIRST: [&str; 5] = ["instance", "people", "workflows", "releases", "runs"];
/// The columns of the log that both databases have.
const AUDIT: &str = "idx, run_id, workflow, seq, at, kind, leaf";
/// Tables with a row of their own in an empty database.
const SEEDED: [&str; 2] = ["audit_head", "privacy_head"];
const NEXT: &str =
    "UPDATE audit_head SET next_idx = (SELECT coalesce(max(idx) + 1, 0) FROM audit) WHERE one = 1";

/// A part of an export, in order: a table, then its rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// A table begins.
    Table {
        /// Its name.
        name: String,
        /// Its columns.
        columns: Vec<String>,
    },
    /// A row of it: numbers and texts as they are, bytes as `{"text": …}` or `{"hex": …}`.
    Row(Map<String, Json>),
}

/// Takes the pieces of an export; a refusal ends it.
pub type Out = Box<dyn FnMut(Piece) -> Result<(), String> + Send>;
/// Gives the pieces of an import, and nothing at the end.
pub type In = Box<dyn FnMut() -> Result<Option<Piece>, String> + Send>;

/// Number of the schema of this program.
#[must_use]
pub fn schema() -> i64 {
    migrate::known()
}

impl StoreReader {
    /// Hands over every row of every table that may leave; of one workflow only what belongs to it.
    ///
    /// # Errors
    /// When the database does not answer, or in the words of whoever takes the rows.
    pub async fn dump(&self, workflow: Option<&str>, out: Out) -> Result<(), ReadError> {
        let workflow = workflow.map(str::to_owned);
        match self.back() {
            Back::Sqlite(s) => {
                let work =
                    move |conn: &rusqlite::Connection| sqlite::dump(conn, workflow.as_deref(), out);
                s.readers().run(work).await
            }
            Back::Postgres(p) => postgres::dump(p, workflow.as_deref(), out).await,
        }
    }
}

impl Store {
    /// Takes every row of an export into an empty database; answers how many.
    ///
    /// # Errors
    /// A conflict when the database is not empty; illegal when the rows do not fit its schema, or in the
    /// words of whoever gives them. Nothing is kept then.
    pub async fn load(&self, input: In) -> Result<u64, ApplyError> {
        match &self.back {
            Back::Sqlite(s) => s.write(move |conn| sqlite::load(conn, input)).await,
            Back::Postgres(p) => postgres::load(p, input).await,
        }
    }
}

/// The order of tables, without those that stay.
fn ordered(mut names: Vec<String>) -> Vec<String> {
    names.retain(|n| !LEFT_OUT.iter().any(|(out, _)| out == n));
    let place = |n: &String| FIRST.iter().position(|f| f == n).unwrap_or(FIRST.len());
    names.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.cmp(b)));
    names
}

/// The condition under which a row belongs to a workflow; nothing when the table belongs to none.
fn belonging(name: &str, columns: &[String]) -> Option<String> {
    let has = |c: &str| columns.iter().any(|x| x == c);
    let by = |column: &str, table: &str| {
        format!("{column} IN (SELECT id FROM {table} WHERE workflow = $1)")
    };
    if name == "workflows" {
        Some("name = $1".to_owned())
    } else if has("workflow") {
        Some("workflow = $1".to_owned())
    } else if has("run_id") {
        Some(by("run_id", "runs"))
    } else if has("release_id") {
        Some(by("release_id", "releases"))
    } else if has("incident_id") {
        Some(by("incident_id", "incidents"))
    } else {
        None
    }
}

/// Leases belong to nodes of the old instance.
fn released(name: &str, row: &mut Map<String, Json>) {
    if name == "jobs" {
        row.insert("lease_node".into(), Json::Null);
        row.insert("lease_until".into(), Json::Null);
    }
}

/// Bytes as text where they are text that cannot be taken for a hash or an id.
fn bytes(b: &[u8]) -> Json {
    let text = match b.len() {
        16 | 32 => None,
        _ => std::str::from_utf8(b).ok().filter(|t| !t.contains('\0')),
    };
    text.map_or_else(|| json!({"hex": hex_of(b)}), |t| json!({"text": t}))
}

fn hex_of(b: &[u8]) -> String {
    use std::fmt::Write as _;
    b.iter()
        .fold(String::with_capacity(b.len() * 2), |mut out, x| {
            let _ = write!(out, "{x:02x}");
            out
        })
}

fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return Err("hex with an odd number of digits".into());
    }
    digits
        .chunks(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair).map_err(|e| e.to_string())?;
            u8::from_str_radix(pair, 16).map_err(|e| e.to_string())
        })
        .collect()
}

/// A value of a row on its way in; `id` where the column is an id of its own type.
fn value(v: &Json, id: bool) -> Result<Value, String> {
    let of = |key: &str| v.get(key).and_then(Json::as_str);
    Ok(match v {
        Json::Null => Value::Null,
        Json::Number(n) => Value::Int(n.as_i64().ok_or("a number that is no 64-bit integer")?),
        Json::String(s) => Value::Text(s.clone()),
        Json::Object(_) => {
            let bytes = match (of("hex"), of("text")) {
                (Some(hex), None) => unhex(hex)?,
                (None, Some(text)) => text.as_bytes().to_vec(),
                _ => return Err("bytes are written as hex or text".into()),
            };
            if id {
                Value::Id(uuid::Uuid::from_slice(&bytes).map_err(|e| e.to_string())?)
            } else {
                Value::Blob(bytes)
            }
        }
        Json::Bool(_) | Json::Array(_) => return Err("no column holds that".into()),
    })
}

/// The values of a row in the order of the columns; every column is there and nothing else.
fn values(row: &Map<String, Json>, columns: &[(String, bool)]) -> Result<Vec<Value>, String> {
    if row.len() != columns.len() {
        return Err(format!(
            "a row with {} values, {} columns",
            row.len(),
            columns.len()
        ));
    }
    columns
        .iter()
        .map(|(name, id)| {
            let v = row
                .get(name)
                .ok_or_else(|| format!("no value for {name}"))?;
            value(v, *id).map_err(|e| format!("{name}: {e}"))
        })
        .collect()
}

/// The columns of a table are those of the export, in any order.
fn same_columns(name: &str, here: &[(String, bool)], theirs: &[String]) -> Result<(), ApplyError> {
    let mut a: Vec<&str> = here.iter().map(|c| c.0.as_str()).collect();
    let mut b: Vec<&str> = theirs.iter().map(String::as_str).collect();
    a.sort_unstable();
    b.sort_unstable();
    if a == b && !here.is_empty() {
        return Ok(());
    }
    Err(ApplyError::Illegal(format!(
        "the table {name} has other columns here"
    )))
}

fn not_empty() -> ApplyError {
    ApplyError::Conflict {
        what: "an instance that is here already".into(),
    }
}

fn insert(name: &str, columns: &[(String, bool)]) -> String {
    let names: Vec<&str> = columns.iter().map(|c| c.0.as_str()).collect();
    let marks: Vec<String> = (1..=columns.len()).map(|i| format!("${i}")).collect();
    format!(
        "INSERT INTO {name} ({}) VALUES ({})",
        names.join(", "),
        marks.join(", ")
    )
}

/// Only what a schema could name is put into a statement.
fn a_name(name: &str) -> Result<(), ApplyError> {
    let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if good && !LEFT_OUT.iter().any(|(out, _)| *out == name) {
        return Ok(());
    }
    Err(ApplyError::Illegal(format!(
        "`{name}` is no table of an export"
    )))
}
