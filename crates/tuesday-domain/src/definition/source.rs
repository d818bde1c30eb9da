//! What a run reads besides its event: systems of record with rank, freshness and class.

use serde::{Deserialize, Serialize};

use super::action::SecretHeader;
use crate::actor::Class;
use crate::time::Span;

/// `[[source]]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// Unique in the workflow; the name templates and facts use.
    pub name: String,
    /// Which kind.
    pub kind: SourceKind,
    /// The system of record, in the words people use.
    pub system: String,
    /// 1 wins over 2 when two sources carry the same field.
    pub rank: u32,
    /// Sensitivity of what it returns.
    #[serde(default = "strictest")]
    pub class: Class,
    /// Fields taken from the record (top-level keys); nothing else enters the snapshot's facts.
    pub fields: Vec<String>,
    /// Fields on which a disagreement between sources goes to a person.
    #[serde(default)]
    pub critical: Vec<String>,
    /// Fields re-read before acting.
    #[serde(default)]
    pub watch: Vec<String>,
    /// A run without it waits or goes to a person; otherwise it is flagged.
    #[serde(default = "yes")]
    pub required: bool,
    /// Field with the record's own id.
    pub record_id: String,
    /// Field with the record's version, when it has one.
    #[serde(default)]
    pub version: Option<String>,
    /// Field with the time the record was last true (RFC 3339).
    pub updated_at: String,
    /// Field with the name of who changed the record last, when the source tells.
    #[serde(default)]
    pub updated_by: Option<String>,
    /// Flagged as old from this age on.
    pub warn_after: Span,
    /// Refused from this age on.
    pub error_after: Span,
    /// http: template of the address over `input`.
    #[serde(default)]
    pub url: Option<String>,
    /// http: the header that carries the read credential.
    #[serde(default)]
    pub auth: Option<SecretHeader>,
    /// sql: `sqlite:PATH` or a secret reference to a `PostgreSQL` URL.
    #[serde(default)]
    pub database: Option<String>,
    /// sql: one SELECT with `?1`-style (`SQLite`) or `$1`-style (`PostgreSQL`) parameters.
    #[serde(default)]
    pub query: Option<String>,
    /// sql: expressions over `input`, in order of the parameters.
    #[serde(default)]
    pub params: Vec<String>,
    /// file: a CSV, JSON or JSON Lines file, relative to the installation's data folder.
    #[serde(default)]
    pub path: Option<String>,
    /// file: the column that is matched.
    #[serde(default)]
    pub key: Option<String>,
    /// file: expression over `input` whose value the column must equal.
    #[serde(default)]
    pub equals: Option<String>,
}

/// The kinds of sources.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// GET that answers one JSON object.
    Http,
    /// One row.
    Sql,
    /// One record of a table file.
    File,
}

fn strictest() -> Class {
    Class::Restricted
}
fn yes() -> bool {
    true
}
