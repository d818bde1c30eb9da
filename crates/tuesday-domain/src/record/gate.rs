//! What is kept beside a release: the evaluation, the gate's verdict, who decided.

use crate::id::ReleaseId;
use crate::time::Timestamp;

/// The gate of one release. Evidence and verdict are JSON as it was judged, under one hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateRow {
    /// The release.
    pub release: ReleaseId,
    /// Tries of each case that were asked for.
    pub repeats: u32,
    /// When the evaluation started.
    pub started_at: Timestamp,
    /// Who asked for it.
    pub started_by: String,
    /// When the gate judged; absent while it runs, and for ever when it was killed.
    pub finished_at: Option<Timestamp>,
    /// Evidence and verdict: `{"evidence": …, "verdict": …}`.
    pub judged: Option<Vec<u8>>,
    /// SHA-256 of `judged`.
    pub judged_hash: Option<[u8; 32]>,
    /// When a person decided.
    pub decided_at: Option<Timestamp>,
    /// Who.
    pub decided_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When it went live.
    pub live_at: Option<Timestamp>,
    /// When a security approver agreed to what the release reads, sends or may do beyond the live one.
    pub cleared_at: Option<Timestamp>,
    /// Who.
    pub cleared_by: Option<String>,
}

/// Some results of an evaluation, in the order of the pack: one JSON object a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvalPart {
    /// The release.
    pub release: ReleaseId,
    /// Place of the part, from 0.
    pub part: u32,
    /// The lines.
    pub results: Vec<u8>,
}
