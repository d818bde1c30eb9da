//! Workflows, releases, decision-table versions, trigger cursors, checkpoints.

use super::Rollout;
use crate::id::ReleaseId;
use crate::time::Timestamp;
use crate::words::words;
use crate::workflow::{Label, Stage, Switch};

/// A workflow as installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    /// Its name.
    pub name: String,
    /// For people.
    pub title: String,
    /// Handle of the operator owner.
    pub owner: String,
    /// What it may be called.
    pub label: Label,
    /// How much it may do by itself.
    pub stage: Stage,
    /// Whether it acts now.
    pub switch: Switch,
    /// The release new runs get.
    pub live_release: ReleaseId,
    /// The decision-table version in force.
    pub rules_version: u64,
    /// When it was installed.
    pub installed_at: Timestamp,
    /// For whom and what it works, and since when it stands as it does.
    pub rollout: Rollout,
    /// Grows by one with every change; nodes reload when it moved.
    pub version: u32,
}

impl Workflow {
    /// May a model call or a write start?
    #[must_use]
    pub const fn acts(&self) -> bool {
        self.switch.acts(self.stage) && !self.rollout.fallback
    }

    /// How much it may do by itself now: the stage, below what label and restriction allow.
    #[must_use]
    pub fn stage_in_force(&self) -> Stage {
        let capped = self.stage.capped_by(self.label);
        let limit = self.rollout.scope.to_stage;
        limit.map_or(capped, |limit| capped.min(limit))
    }

    /// Does everything that is open go to people?
    #[must_use]
    pub fn hands_over(&self) -> bool {
        self.switch == Switch::Killed || self.label == Label::Retired
    }
}

words! {
    /// Where a release stands.
    ReleaseState {
        /// Being written.
        Draft = "draft",
        /// Under evaluation.
        Evaluating = "evaluating",
        /// The gate said no.
        Blocked = "blocked",
        /// The gate said yes.
        Passed = "passed",
        /// A second person said yes.
        Approved = "approved",
        /// New runs get it.
        Live = "live",
        /// A newer one is live.
        Superseded = "superseded",
        /// Taken out of service.
        RolledBack = "rolled_back",
        /// Given up before it was live.
        Withdrawn = "withdrawn",
    }
}

/// An immutable, content-addressed bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its id.
    pub id: ReleaseId,
    /// Workflow name.
    pub workflow: String,
    /// Number within the workflow, from 1.
    pub number: u32,
    /// Where it stands.
    pub state: ReleaseState,
    /// SHA-256 over the parts' hashes; what a run checks before it uses the text.
    pub hash: [u8; 32],
    /// The package's files as one JSON object (name to text) with vars resolved.
    pub bundle: Vec<u8>,
    /// What the built-in model compiled from the examples; empty for others.
    pub artifact: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

/// How far a pulling trigger has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Workflow name.
    pub workflow: String,
    /// Trigger name.
    pub trigger: String,
    /// The trigger's own notion of a position.
    pub value: String,
}

/// A signed head of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Entries it covers.
    pub size: u64,
    /// Root of the tree.
    pub root: [u8; 32],
    /// The whole signed note, as published.
    pub note: String,
    /// When it was signed.
    pub at: Timestamp,
}
