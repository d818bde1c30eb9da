//! The export bundle: one file that a stranger can check without the server.
//!
//! JSON Lines, in this order; the first member of a line tells its kind:
//! 1. the header: `format`, `origin`, `vkey`, `created_at`, `query`;
//! 2. `checkpoint` lines: the newest first, which all proofs lead to; then any
//!    number of older published ones, each with its `consistency` proof;
//! 3. `index` lines, ascending: an entry's exact bytes (`leaf`) and its `proof`;
//! 4. `commitment` lines: a payload with its `salt`, or who `erased` it and when;
//! 5. the `end` line: counts, the digest of all bytes before it, and a `seal`,
//!    the log's signature over both.
//!
//! Proofs show that what is in the bundle is true. The seal shows that nothing
//! was taken out after the export. The public script in `docs/verify` checks
//! the same things in the same order.

mod verify;
mod write;

use serde::{Deserialize, Serialize};

use super::checkpoint::CheckpointError;
use super::note::{NoteError, VerifierKey};

pub use verify::{BundleReport, verify_bundle};
pub use write::{BundleWriteError, BundleWriter, PayloadLabel};

/// The only format there is so far.
const FORMAT: &str = "tuesday-audit-bundle/1";

/// What the bundle says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleHeader {
    /// Always `tuesday-audit-bundle/1`.
    pub format: String,
    /// The log's name.
    pub origin: String,
    /// The log's verifier key. Believe the one you got another way, not this.
    pub vkey: String,
    /// When the export was made, RFC 3339 in UTC. Not proven by anything.
    pub created_at: String,
    /// What was asked for, in the exporter's own words.
    pub query: serde_json::Value,
}

impl BundleHeader {
    /// A header for an export from the log of `key`.
    #[must_use]
    pub fn new(key: &VerifierKey, created_at: String, query: serde_json::Value) -> Self {
        Self {
            format: FORMAT.to_owned(),
            origin: key.name().to_owned(),
            vkey: key.to_string(),
            created_at,
            query,
        }
    }
}

/// Stands where a payload was before its erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erased {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// Who, as an opaque principal id.
    pub by: String,
    /// Under which policy.
    pub policy: String,
}

/// The first thing found wrong with a bundle.
#[derive(Debug, thiserror::Error)]
#[error("line {line}{}: {kind}", .index.map(|i| format!(", entry {i}")).unwrap_or_default())]
pub struct BundleFault {
    /// The line, starting at 1.
    pub line: u64,
    /// The entry on that line, when there is one.
    pub index: Option<u64>,
    /// What is wrong.
    pub kind: FaultKind,
}

impl BundleFault {
    /// 2 when the bundle belongs to another instance, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            FaultKind::OtherInstance { .. } => 2,
            _ => 1,
        }
    }
}

/// What can be wrong with a bundle.
#[derive(Debug, thiserror::Error)]
pub enum FaultKind {
    /// The file could not be read.
    #[error("cannot be read")]
    Read(#[from] std::io::Error),
    /// Not a line of this format.
    #[error("malformed: {0}")]
    Malformed(String),
    /// A line of a known kind in the wrong place.
    #[error("out of order: {0}")]
    Order(&'static str),
    /// The bundle comes from another log than the trusted one.
    #[error("comes from another instance: {found}, trusted is {trusted}")]
    OtherInstance {
        /// The trusted verifier key.
        trusted: String,
        /// The bundle's verifier key.
        found: String,
    },
    /// A checkpoint is malformed, or the log's key did not sign it.
    #[error("checkpoint refused: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// An older checkpoint is not a prefix of the newest.
    #[error("the log of {new} entries does not continue the one of {old}")]
    Inconsistent {
        /// Entries at the older checkpoint.
        old: u64,
        /// Entries at the newest.
        new: u64,
    },
    /// The entry's bytes do not lead to the signed root.
    #[error("the entry is not what was signed")]
    NotIncluded,
    /// The entry was signed but is not canonical JSON, so tools may read it differently.
    #[error("the entry is not canonical JSON")]
    NotCanonical,
    /// No entry in the bundle mentions this commitment.
    #[error("no entry mentions the payload {0}")]
    NotMentioned(String),
    /// The payload does not fit its commitment.
    #[error("the payload is not what {0} stands for")]
    PayloadChanged(String),
    /// A bundle without entries proves nothing.
    #[error("no entries")]
    Empty,
    /// The end line is missing.
    #[error("cut off: the end line is missing")]
    CutOff,
    /// Counts or digest in the end line do not fit the lines before it.
    #[error("lines were changed, added or removed: {0} differs")]
    Altered(&'static str),
    /// The end line's seal is not by the log's key or not about this bundle.
    #[error("seal refused: {0}")]
    Seal(NoteError),
}

/// The last line's content.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    entries: u64,
    payloads: u64,
    sha256: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    seal: Option<String>,
}

/// The text the log signs to vouch for a whole bundle. It cannot be mistaken
/// for a checkpoint: its second line is no number.
fn seal_text(origin: &str, end: &End) -> String {
    format!(
        "{FORMAT}\n{origin}\nentries {}\npayloads {}\nsha256 {}\n",
        end.entries, end.payloads, end.sha256
    )
}

#[cfg(test)]
mod tests;
