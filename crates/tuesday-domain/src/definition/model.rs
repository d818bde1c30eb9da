//! The one model step.

use serde::{Deserialize, Serialize};

use super::action::SecretHeader;
use crate::actor::Class;

/// `[model]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// Which adapter.
    pub kind: ModelKind,
    /// The exact model; floating names such as `latest` are refused for production.
    pub pin: String,
    /// Who runs it; limits are shared by everything with the same provider.
    #[serde(default)]
    pub provider: Option<String>,
    /// The highest class the model may receive; fields above it are masked.
    #[serde(default = "internal")]
    pub clearance: Class,
    /// The prompt template's file name.
    #[serde(default = "prompt_file")]
    pub prompt: String,
    /// Sampling temperature in thousandths, so that the pin holds no float.
    #[serde(default)]
    pub temperature_milli: Option<u32>,
    /// Longest answer in tokens.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// openai, anthropic, http: the address (with vars).
    #[serde(default)]
    pub url: Option<String>,
    /// openai, anthropic, http: the header that carries the key.
    #[serde(default)]
    pub auth: Option<SecretHeader>,
    /// command: program and arguments; reads one JSON object, writes one.
    #[serde(default)]
    pub command: Vec<String>,
    /// classifier: labelled examples, one JSON object a line: `{"input": {…}, "output": "label"}`.
    #[serde(default)]
    pub examples: Option<String>,
    /// classifier: what of the input it looks at.
    #[serde(default)]
    pub features: FeatureSpec,
    /// classifier: the output field that gets the label.
    #[serde(default)]
    pub label_field: Option<String>,
    /// template and classifier: output field to expression over `input`, the sources and `label`.
    #[serde(default)]
    pub fill: std::collections::BTreeMap<String, String>,
    /// Where confidence comes from.
    #[serde(default)]
    pub confidence: ConfidenceSpec,
    /// What it costs; absent means unknown, never zero (built-in models cost nothing).
    #[serde(default)]
    pub price: Option<PriceSpec>,
}

/// The adapters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Chat completions with structured output; any compatible server.
    Openai,
    /// Messages.
    Anthropic,
    /// A subprocess: JSON in, JSON out.
    Command,
    /// One POST.
    Http,
    /// Built in, trained from the examples.
    Classifier,
    /// Built in, a deterministic draft from fields.
    Template,
}

impl ModelKind {
    /// The word used in definitions and records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Command => "command",
            Self::Http => "http",
            Self::Classifier => "classifier",
            Self::Template => "template",
        }
    }
    /// Runs in this process: no network, no price, no prompt sent.
    #[must_use]
    pub const fn is_built_in(self) -> bool {
        matches!(self, Self::Classifier | Self::Template)
    }
}

/// `[model.features]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeatureSpec {
    /// Text fields (dotted paths).
    pub text: Vec<String>,
    /// Fields with a few values.
    pub category: Vec<String>,
    /// Numeric fields.
    pub number: Vec<String>,
    /// Pairs of fields that are compared.
    pub pair: Vec<PairSpec>,
    /// The label that is looked for piece by piece: one line or sentence that is it makes the whole text
    /// it, however much else stands around it. Needs one text field, two labels and no confidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pieces: Option<String>,
}

/// Two fields that are compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairSpec {
    /// One field.
    pub left: String,
    /// The other.
    pub right: String,
    /// `text`, `number` or `date`.
    pub kind: String,
}

/// `[model.confidence]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConfidenceSpec {
    /// Declared source; `none` counts as below every cutoff.
    pub source: ConfidenceSource,
    /// field: the output field that holds it, a decimal text or number in 0..1.
    pub field: Option<String>,
    /// self_consistency: how many answers are compared.
    pub samples: Option<SelfConsistency>,
}

/// How many answers self-consistency compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SelfConsistency(pub u32);

/// Where confidence comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfidenceSource {
    /// There is none.
    #[default]
    None,
    /// The built-in classifier's calibrated probability.
    Classifier,
    /// Mean token log probability of the provider.
    Logprob,
    /// Agreement among several answers.
    SelfConsistency,
    /// A field of the output.
    Field,
}

/// `[model.price]`, decimal texts per million tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceSpec {
    /// ISO 4217.
    pub currency: String,
    /// Per million input tokens.
    pub input_per_million: String,
    /// Per million output tokens.
    pub output_per_million: String,
}

fn internal() -> Class {
    Class::Internal
}
fn prompt_file() -> String {
    "prompt.md".to_owned()
}
