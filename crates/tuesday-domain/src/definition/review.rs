//! Who looks at what, and how fast; and how work for people is handed over.

use serde::{Deserialize, Serialize};

use crate::record::SecondLookBasis;
use crate::time::Span;

/// `[review]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewSpec {
    /// From opening until it escalates.
    pub due: Span,
    /// How long a claim lasts without activity.
    #[serde(default = "half_hour")]
    pub claim: Span,
    /// Codes a reviewer picks from when rejecting or editing.
    pub reasons: Vec<String>,
    /// What an approval by a person does; always said, never assumed.
    pub on_approve: OnApprove,
    /// Where a rejected output goes, unless `reject` says otherwise for its reason.
    pub on_reject: OnReject,
    /// What becomes of open tasks while the workflow is paused.
    #[serde(default)]
    pub on_pause: OnPause,
    /// Reasons whose rejection goes somewhere else.
    #[serde(default)]
    pub reject: Vec<RejectSpec>,
    /// Seconds between a person's approval and sending in which it can be recalled: 0 to 600.
    #[serde(default = "ten")]
    pub recall_seconds: u32,
    /// The same for approvals by rule.
    #[serde(default)]
    pub automatic_recall_seconds: u32,
    /// Which share of what was approved another person looks at.
    #[serde(default)]
    pub second_look: SecondLookSpec,
    /// When the approvals of one person look like no review.
    #[serde(default)]
    pub oversight: OversightSpec,
    /// Known errors that are put into the queue to see whether they are found.
    #[serde(default)]
    pub seeds: SeedsSpec,
    /// When somebody must have passed the practice before deciding.
    #[serde(default)]
    pub training: TrainingRule,
    /// The tiers rows of the decision table may name.
    pub tier: Vec<TierSpec>,
}

/// When training is asked for before a task may be claimed or decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainingRule {
    /// From the label pilot on, once a person decided that label.
    #[default]
    Labelled,
    /// Always, everywhere.
    Always,
}

/// `[review.second_look]`: percent of approvals, drawn after they counted. Nothing waits for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondLookSpec {
    /// Of what the decision table approved: 0 to 100.
    #[serde(default)]
    pub automatic_percent: f64,
    /// Of what people approved: 0 to 100.
    #[serde(default)]
    pub human_percent: f64,
}

impl SecondLookSpec {
    /// The share of a basis in millionths.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0 to 1,000,000 before"
    )]
    pub fn share_ppm(&self, basis: SecondLookBasis) -> u32 {
        let percent = match basis {
            SecondLookBasis::Automatic => self.automatic_percent,
            SecondLookBasis::Human => self.human_percent,
        };
        (percent * 10_000.0).round().clamp(0.0, 1_000_000.0) as u32
    }
}

/// `[review.oversight]`: where the operator owner is told that somebody may approve without looking.
/// Over the last seven days, by person.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OversightSpec {
    /// Fewer approvals say nothing: 5 to 1,000.
    pub at_least: u32,
    /// Approvals of what was never opened, or was open for less than three seconds: 1 to 100.
    pub unread_percent: f64,
    /// Known errors that went through, once two were decided: 1 to 100.
    pub missed_percent: f64,
}

impl Default for OversightSpec {
    fn default() -> Self {
        Self {
            at_least: 20,
            unread_percent: 80.0,
            missed_percent: 50.0,
        }
    }
}

/// `[review.seeds]`: outputs of decided cases, spoilt in a declared way, go into the queue as tasks that
/// can write nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedsSpec {
    /// How many are placed within seven days, in percent of what people decided in them: 0 to 10.
    #[serde(default)]
    pub weekly_percent: f64,
    /// In which ways an output is spoilt.
    #[serde(default)]
    pub fault: Vec<FaultSpec>,
}

/// `[[review.seeds.fault]]`: one field, and one of `set`, `scale` and `swap`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// What it is called in reports.
    pub name: String,
    /// The field of the output that is spoilt, dotted.
    pub field: String,
    /// The wrong value.
    #[serde(default)]
    pub set: Option<serde_json::Value>,
    /// A number is multiplied by this.
    #[serde(default)]
    pub scale: Option<f64>,
    /// The value of another decided case takes its place.
    #[serde(default)]
    pub swap: bool,
}

/// `[[review.tier]]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierSpec {
    /// Name used in `review_tier` cells.
    pub name: String,
    /// Handle of the named owner of new tasks.
    pub owner: String,
    /// Handle of the stand-in; due tasks go to the backup first, then to the escalation owner.
    pub backup: String,
    /// Handles allowed to decide; empty means everybody named in the workflow except the technical owner.
    #[serde(default)]
    pub people: Vec<String>,
    /// Distinct persons who must approve: 1 or 2.
    #[serde(default = "one")]
    pub approvals: u32,
    /// Overrides `review.due`.
    #[serde(default)]
    pub due: Option<Span>,
    /// Questions that must be answered to approve.
    #[serde(default)]
    pub checklist: Vec<String>,
    /// When to trust the draft and when to escalate: stands on the task.
    #[serde(default)]
    pub guidance: String,
    /// Most tasks that one decision may cover, each of them opened before; 0 allows none.
    #[serde(default)]
    pub batch_max: u32,
    /// Approving the draft unchanged is refused.
    #[serde(default)]
    pub human_rewrite: bool,
    /// With a reason, an approval may stand although a watched field or the target changed.
    #[serde(default)]
    pub may_accept_changed: bool,
}

/// What a rejection leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnReject {
    /// The run ends rejected; nothing reaches the destination.
    Close,
    /// A manual work item is opened for the operator owner.
    HandOff,
    /// Fresh inputs and a new output, in the same run.
    Regenerate,
}

/// `[[review.reject]]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectSpec {
    /// One of `review.reasons`.
    pub reason: String,
    /// Where a rejection for this reason goes.
    pub then: OnReject,
}

/// What an approval leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnApprove {
    /// The approved actions are carried out.
    Act,
    /// Only drafts are placed; acting takes a further approval in the system that holds them.
    SaveDraft,
}

/// What a pause does to open tasks about outputs, inputs and actions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnPause {
    /// People go on deciding; what they approve is held.
    #[default]
    Keep,
    /// They can be read, not decided, until the workflow works again.
    Suspend,
}

impl ReviewSpec {
    /// Where a rejection for this reason goes.
    #[must_use]
    pub fn after_rejection(&self, reason: &str) -> OnReject {
        self.reject
            .iter()
            .find(|r| r.reason == reason)
            .map_or(self.on_reject, |r| r.then)
    }
}

/// `[manual]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManualSpec {
    /// Handle of the person who gets work the automation does not do.
    pub owner: String,
    /// What to do, in one or two sentences; the runbook has the rest.
    pub instructions: String,
    /// From opening until it escalates.
    pub due: Span,
}

fn half_hour() -> Span {
    Span(std::time::Duration::from_secs(1800))
}
fn one() -> u32 {
    1
}
fn ten() -> u32 {
    10
}
