//! A whole instance as a folder of plain files, and back: JSON lines, CSV and Markdown, with a manifest
//! of hashes.
//!
//! `data/` holds every row and is what an import reads; everything else is made from it for people and
//! for other programs. Secrets are in none of it, and what was erased stays erased: it is not there.

mod check;
mod files;
mod import;
mod kept;
mod readable;
mod source;
mod tar;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use check::checked_export;
pub use import::{Compared, pieces};
pub use kept::{KeptContent, KeptRun};
pub use source::ExportSource;
pub use write::ExportWish;

/// The form of an export.
pub(super) const FORMAT: &str = "tuesday-export/2";
/// The form before it: the same without a hash of the manifest.
pub(super) const FIRST_FORMAT: &str = "tuesday-export/1";
/// The manifest's name.
pub const MANIFEST: &str = "manifest.json";
/// The file with the manifest's own hash.
pub(super) const MANIFEST_SUM: &str = "manifest.sha256";
/// Stories of runs, as the old instance told them.
pub(super) const STORIES: &str = "stories.jsonl";

/// One file of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// Its bytes.
    pub bytes: u64,
    /// Its lines.
    pub lines: u64,
}

/// What an export is, and what it consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form.
    pub format: String,
    /// Number of the schema that the rows are of.
    pub schema: i64,
    /// The program that made it.
    pub made_by: String,
    /// When, RFC 3339.
    pub exported_at: String,
    /// Name of the audit log.
    pub origin: String,
    /// The public key of the log.
    pub vkey: String,
    /// The one workflow it is about; absent for the whole instance.
    pub workflow: Option<String>,
    /// Entries of the log.
    pub entries: u64,
    /// Runs.
    pub runs: u64,
    /// Tables in the order they are read, by their names.
    pub tables: Vec<Sheet>,
    /// Every file but the manifest and its hash.
    pub files: BTreeMap<String, FileEntry>,
}

/// A table of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// Its name; the rows are in `data/NAME.jsonl`.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
}

/// The line of the manifest's hash, as `sha256sum -c` reads it.
fn sum_of(manifest: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let sum = Sha256::digest(manifest.as_bytes());
    format!("{}  {MANIFEST}\n", crate::catalog::hex(&sum))
}
