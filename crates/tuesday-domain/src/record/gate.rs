//! What is kept beside a release: the evaluation, the gate's verdict, who decided.

use crate::id::ReleaseId;
use crate::time::Timestamp;
use crate::trouble::incident::FixLayer;

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

/// What the gate said about a release that was live already. The gate that it went live on stays as it
/// was: each of these stands beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The release.
    pub release: ReleaseId,
    /// Counted from 1 for each release.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// Who asked for it.
    pub by: String,
    /// Evidence and verdict, as in a gate.
    pub judged: Vec<u8>,
    /// SHA-256 of `judged`.
    pub hash: [u8; 32],
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

/// The category of error that a release answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseFix {
    /// The release.
    pub release: ReleaseId,
    /// A category of incidents, a kind of problem report, or a reason of reviewers.
    pub category: String,
    /// In which layers it differs from the release that was live when it was made, or last evaluated;
    /// words with a space between two.
    pub layers: String,
    /// Where somebody else says the fix is.
    pub class: Option<FixLayer>,
    /// Why it may go on although it is one more rewrite of the prompt.
    pub excuse: Option<String>,
    /// Who said so.
    pub excused_by: Option<String>,
    /// When.
    pub excused_at: Option<Timestamp>,
}

impl ReleaseFix {
    /// The excuse in words, with who gave it.
    #[must_use]
    pub fn excused(&self) -> Option<String> {
        let (by, why) = (self.excused_by.as_deref()?, self.excuse.as_deref()?);
        Some(match self.class {
            Some(layer) => format!("{by} classed the fix as work in {layer}: {why}"),
            None => format!("waived by {by}: {why}"),
        })
    }
}
