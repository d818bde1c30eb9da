//! What is declared about people's hours, and what was found about the mix of outcomes.

use crate::drift::canary::CanaryState;
use crate::id::ReleaseId;
use crate::time::Timestamp;
use crate::words::words;

/// A version of the declared capacity of a workflow. Rows are added; the newest holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapacityPlan {
    /// Workflow name.
    pub workflow: String,
    /// From 1.
    pub version: u32,
    /// The plan, a JSON object of the keys of `[capacity]`.
    pub plan: String,
    /// Why.
    pub reason: String,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
}

/// The mix that later shifts are compared with, frozen from whole days. Rows are added; the newest holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftBaseline {
    /// Workflow name.
    pub workflow: String,
    /// From 1.
    pub version: u32,
    /// First day it was taken from, `YYYY-MM-DD`.
    pub day_from: String,
    /// Last day, included. What came after is compared.
    pub day_to: String,
    /// The counts, a JSON object.
    pub mix: String,
    /// Why.
    pub reason: String,
    /// Who set it, as an actor.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
}

words! {
    /// Where a finding about drift stands.
    DriftState {
        /// Somebody has to look.
        Open = "open",
        /// Somebody has said what it was.
        Closed = "closed",
    }
}

/// A mix that left its baseline: when, how far, and what had changed before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftFinding {
    /// Workflow name.
    pub workflow: String,
    /// Number within the workflow, from 1.
    pub seq: u32,
    /// Where it stands.
    pub state: DriftState,
    /// What it was, once somebody said so.
    pub note: Option<String>,
    /// Who said so.
    pub closed_by: Option<String>,
    /// When.
    pub closed_at: Option<Timestamp>,
    /// Grows by one with every change, from 0.
    pub revision: u32,
    /// Which baseline it left.
    pub baseline: u32,
    /// `outcome` or `landing`.
    pub dimension: String,
    /// The day of the shift in which it was seen.
    pub day: String,
    /// That shift.
    pub shift: String,
    /// The day from which the evidence is strongest.
    pub since: String,
    /// What was seen, in words with the figures.
    pub words: String,
    /// The figures, a JSON object.
    pub figures: String,
    /// What changed around it in order of time, a JSON list.
    pub changes: String,
    /// Handle of the person who answers for it.
    pub owner: String,
    /// When.
    pub found_at: Timestamp,
}

/// One try of the canary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryTry {
    /// Workflow name.
    pub workflow: String,
    /// Number within the workflow, from 1.
    pub seq: u32,
    /// How it ended.
    pub state: CanaryState,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Cases that did not pass, a JSON list.
    pub misses: String,
    /// What it cost in millionths of the price's currency; absent when that is unknown.
    pub cost_micros: Option<i64>,
    /// Grows by one with every change, from 0.
    pub revision: u32,
    /// Which release answered.
    pub release: ReleaseId,
    /// How many cases were asked.
    pub cases: u32,
    /// When it began.
    pub started_at: Timestamp,
}

/// A change of one of these rows.
#[derive(Clone, Debug)]
pub enum LoadChange {
    /// A newer plan.
    InsertPlan(CapacityPlan),
    /// A newer baseline.
    InsertBaseline(DriftBaseline),
    /// Something was found; one open finding for each dimension.
    InsertFinding(DriftFinding),
    /// Somebody said what it was.
    CloseFinding(DriftFinding),
    /// A try of the canary begins; on one node.
    BeginCanary(CanaryTry),
    /// It has ended.
    EndCanary(CanaryTry),
}
