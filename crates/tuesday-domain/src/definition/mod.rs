//! A workflow's definition: the declared form of `workflow.toml`, one struct per concern.
//!
//! Unknown keys are refused, so a typing error is never a silently missing limit. What the parts
//! mean together is checked in [`lint`]; what they mean alone, in their own file.

mod action;
pub mod differs;
pub mod lint;
mod model;
mod owners;
mod package;
pub mod pin;
mod review;
mod source;
pub mod texts;
mod trigger;
mod trouble;
pub mod upkeep;
mod vars;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use action::{ActionSpec, DestinationKind, HttpMethod, SecretHeader, StandsFor};
pub use model::{
    ConfidenceSource, ConfidenceSpec, FeatureSpec, ModelKind, ModelSpec, PairSpec, PriceSpec,
    SelfConsistency,
};
pub use owners::{OwnerRole, Owners, PersonSpec, VendorSpec};
pub use package::{Package, PackageFault, PackageFile, with_artefact};
pub use review::{
    FaultSpec, ManualSpec, OnApprove, OnPause, OnReject, OversightSpec, RejectSpec, ReviewSpec,
    SeedsSpec, TierSpec, TrainingRule,
};
pub use source::{SourceKind, SourceSpec};
pub use trigger::{CatchUp, TriggerKind, TriggerSpec};
pub use trouble::{
    DegradedPlan, DegradedSpec, ExpectSpec, OnCallSpec, Period, ShiftSpec, WatchSpec,
};
pub use vars::substitute;

use crate::adoption::PlanSpec;
use crate::capacity::CapacitySpec;
use crate::drift::canary::CanarySpec;
use crate::drift::{DriftSpec, ShiftTime};
use crate::privacy::RetentionSpec;
use crate::scope::ScopeSpec;
use crate::settling::{Freeze, SettlingSpec};
use crate::time::Span;
use crate::watch::{EntryCondition, KillCondition, PauseRule};
use crate::workflow::{Label, Stage};

/// The whole of `workflow.toml`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// What it is called and where it lives.
    pub workflow: WorkflowSpec,
    /// The people who answer for it.
    pub owners: Owners,
    /// Whom outside it depends on, and until when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vendor: Vec<VendorSpec>,
    /// Values that differ between installations, such as host names; never secrets.
    #[serde(default)]
    pub vars: BTreeMap<String, String>,
    /// What starts a run.
    pub trigger: Vec<TriggerSpec>,
    /// What an event must look like.
    pub input: InputSpec,
    /// What is read besides the event.
    #[serde(default)]
    pub source: Vec<SourceSpec>,
    /// The one model step.
    pub model: ModelSpec,
    /// Who keeps the prompt, and the policies it embodies.
    #[serde(default, skip_serializing_if = "upkeep::UpkeepSpec::is_empty")]
    pub prompt: upkeep::UpkeepSpec,
    /// The same for texts of the prompt, by their name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub text: BTreeMap<String, upkeep::UpkeepSpec>,
    /// The same for rows of the decision table, by their id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rule: BTreeMap<String, upkeep::UpkeepSpec>,
    /// What the model must answer.
    pub output: OutputSpec,
    /// Declared checks on the output.
    #[serde(default)]
    pub check: Vec<CheckSpec>,
    /// Column of the decision table to expression.
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
    /// Who looks at what, and how fast.
    pub review: ReviewSpec,
    /// What is written where.
    pub action: Vec<ActionSpec>,
    /// How work for people is handed over.
    pub manual: ManualSpec,
    /// How much at once and how long.
    #[serde(default)]
    pub limits: Limits,
    /// What each step does when it fails.
    pub on_failure: OnFailure,
    /// What the workflow asks to be called and allowed; capped by evidence.
    #[serde(default)]
    pub rollout: RolloutSpec,
    /// Who is on call.
    #[serde(default)]
    pub on_call: OnCallSpec,
    /// What counts as stuck, silent or late.
    #[serde(default)]
    pub watch: WatchSpec,
    /// What happens while a dependency is gone.
    #[serde(default)]
    pub degraded: DegradedSpec,
    /// Whose hours there are for it, and what happens when the work is more.
    #[serde(default)]
    pub capacity: Option<CapacitySpec>,
    /// How far the mix of outcomes may move.
    #[serde(default)]
    pub drift: DriftSpec,
    /// When the shifts of a day begin; without any, a day is compared in thirds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shift: Vec<ShiftTime>,
    /// Cases that the live model is asked again and again.
    #[serde(default)]
    pub canary: Option<CanarySpec>,
    /// When it pauses by itself.
    #[serde(default)]
    pub pause_rule: Vec<PauseRule>,
    /// When it ends by itself.
    #[serde(default)]
    pub kill: Option<KillCondition>,
    /// What follows a change.
    #[serde(default)]
    pub settling: Option<SettlingSpec>,
    /// When nothing is changed.
    #[serde(default)]
    pub freeze: Vec<Freeze>,
    /// For how many days payloads are kept, by class.
    #[serde(default)]
    pub retention: RetentionSpec,
}

/// `[workflow]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowSpec {
    /// Lower-case name used in URLs and commands.
    pub name: String,
    /// For people.
    pub title: String,
    /// One or two sentences: exact steps, exact output, exact place it goes.
    pub about: String,
    /// IANA time zone in which days and due times are read.
    pub time_zone: String,
    /// One line that names a case in the queue (template over `input`).
    pub subject: String,
    /// Where people get help.
    pub support: String,
}

/// `[input]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// File name of the JSON Schema 2020-12.
    pub schema: String,
    /// Largest event body in bytes.
    #[serde(default = "default_max_bytes")]
    pub max_bytes: usize,
    /// Fields that count as missing when absent, empty, blank or "N/A": the run then waits for
    /// them. The schema's `required` says what an event needs to be accepted at all.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Field with the time the record was last true (RFC 3339), with its own freshness rule.
    #[serde(default)]
    pub updated_at: Option<String>,
    /// Flagged as old from this age on.
    #[serde(default)]
    pub warn_after: Option<Span>,
    /// Refused from this age on.
    #[serde(default)]
    pub error_after: Option<Span>,
    /// How long a missing input is waited for before it escalates.
    #[serde(default = "default_input_due")]
    pub due: Span,
}

fn default_max_bytes() -> usize {
    1 << 20
}
fn default_input_due() -> Span {
    Span(std::time::Duration::from_secs(8 * 3600))
}

/// `[output]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputSpec {
    /// File name of the JSON Schema 2020-12.
    pub schema: String,
    /// Extra attempts after an output that breaks the schema.
    #[serde(default)]
    pub repair_attempts: u32,
    /// How a refusal looks, also when it is dressed as valid JSON.
    #[serde(default)]
    pub refusal: Markers,
    /// How stated uncertainty looks.
    #[serde(default)]
    pub uncertain: Markers,
    /// Largest answer in bytes.
    #[serde(default = "default_max_output")]
    pub max_bytes: usize,
}

fn default_max_output() -> usize {
    256 * 1024
}

/// Signs in an output that it is a refusal or is unsure.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Markers {
    /// Field that carries the sign.
    #[serde(default)]
    pub field: Option<String>,
    /// Values of that field.
    #[serde(default)]
    pub values: Vec<String>,
    /// Phrases that are a sign anywhere in a text field (case-insensitive).
    #[serde(default)]
    pub phrases: Vec<String>,
}

/// `[[check]]`: an expression over `input`, the sources and `output` that must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckSpec {
    /// Stable name, shown to people.
    pub name: String,
    /// Jinja expression; anything but `true`, also an error, fails the check.
    pub expr: String,
    /// What to tell the reviewer.
    pub message: String,
}

/// `[limits]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Runs of this workflow that a node works on at once.
    pub concurrency: u32,
    /// Model calls at once, per provider and node.
    pub model_concurrency: u32,
    /// Model calls a second, per provider and node; 0 is refused, absent means no limit.
    pub model_per_second: Option<u32>,
    /// Write-backs at once, per destination and node.
    pub destination_concurrency: u32,
    /// Write-backs a second, per destination and node.
    pub destination_per_second: Option<u32>,
    /// Attempts of a step in all.
    pub max_attempts: u32,
    /// Delay before the second attempt.
    pub first_delay: Span,
    /// Longest own delay.
    pub max_delay: Span,
    /// Longest model call.
    pub model_timeout: Span,
    /// Longest source read or write-back.
    pub connector_timeout: Span,
    /// From receipt until a person must look, human waits excluded.
    pub deadline: Span,
}

impl Default for Limits {
    fn default() -> Self {
        let s = |n| Span(std::time::Duration::from_secs(n));
        Self {
            concurrency: 32,
            model_concurrency: 32,
            model_per_second: None,
            destination_concurrency: 32,
            destination_per_second: None,
            max_attempts: 5,
            first_delay: s(2),
            max_delay: s(300),
            model_timeout: s(120),
            connector_timeout: s(30),
            deadline: s(24 * 3600),
        }
    }
}

/// `[on_failure]`: one declared result per step; none may be left out.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnFailure {
    /// A source that cannot be read.
    pub snapshot: FailurePlan,
    /// A model call that fails.
    pub generate: FailurePlan,
    /// An output that breaks its schema.
    pub validate: FailurePlan,
    /// A value the decision table cannot use; only `person` is allowed.
    pub route: FailurePlan,
    /// A write-back that is refused.
    pub dispatch: FailurePlan,
}

/// What a failing step does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailurePlan {
    /// Try again within the limits, then a person.
    Retry,
    /// Ask the model to repair within `output.repair_attempts`, then a person.
    Repair,
    /// A person at once.
    Person,
}

/// `[rollout]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolloutSpec {
    /// The label the workflow asks for.
    pub label: Label,
    /// The stage it asks for; capped by the label.
    pub stage: Stage,
    /// For whom and what it is made.
    #[serde(default)]
    pub scope: ScopeSpec,
    /// What must be true before a stage begins.
    #[serde(default)]
    pub entry: Vec<EntryCondition>,
    /// Who changes what, and which figure says that it stuck.
    #[serde(default, skip_serializing_if = "PlanSpec::is_empty")]
    pub plan: PlanSpec,
}

impl Default for RolloutSpec {
    fn default() -> Self {
        Self {
            label: Label::Research,
            stage: Stage::DraftOnly,
            scope: ScopeSpec::default(),
            entry: Vec::new(),
            plan: PlanSpec::default(),
        }
    }
}

impl Definition {
    /// Every credential of a model, source or destination that says when it ends: what it is for (`model`,
    /// `source`, `destination`), the name of that in words people use, and the day.
    pub fn expiring(&self) -> impl Iterator<Item = (&'static str, &str, &str)> {
        let model = self.model.provider.as_deref();
        let model = ("model", model.unwrap_or(&self.model.pin), &self.model.auth);
        let sources = self.source.iter();
        let sources = sources.map(|s| ("source", s.system.as_str(), &s.auth));
        let actions = self.action.iter();
        let actions = actions.map(|a| ("destination", a.system.as_str(), &a.auth));
        std::iter::once(model)
            .chain(sources)
            .chain(actions)
            .filter_map(|(kind, name, auth)| {
                let day = auth.as_ref()?.expires.as_deref()?;
                Some((kind, name, day))
            })
    }
}
