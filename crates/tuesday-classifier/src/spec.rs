//! What a workflow declares about its classifier: which fields of a record become features, and how it is fitted.
//!
//! The types are read from the workflow's `[model]` table, so an unknown key is an error there and not a silent default.

use serde::{Deserialize, Serialize};

/// Which fields of a record become features, by kind. Fields are dotted paths into the record (`client.tier`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeatureSpec {
    /// Free text: words, word pairs and letter groups, weighted by how rare they are.
    pub text: Vec<String>,
    /// Closed lists: one feature for each value that was seen in training.
    pub category: Vec<String>,
    /// Numbers, or strings that hold one number: scaled, and cut into ranges.
    pub number: Vec<String>,
    /// Two fields that are compared with each other, for records that may be the same thing.
    pub pair: Vec<PairSpec>,
}

/// Two fields whose likeness is the feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairSpec {
    /// Dotted path of the one side.
    pub left: String,
    /// Dotted path of the other side.
    pub right: String,
    /// How the two are compared.
    pub kind: PairKind,
}

/// How two fields are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PairKind {
    /// String likenesses: shared words, shared letters, shared numbers.
    Text,
    /// Relative difference and ratio.
    Number,
    /// Days from left to right; negative when right is earlier. Reads `YYYY-MM-DD` with or without a time after it.
    Date,
}

/// How a classifier is fitted. Every field has a default, so `{ features }` is enough.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainSpec {
    /// The features.
    pub features: FeatureSpec,
    /// Width of the hashed feature space, 256 to 4,194,304 columns; only columns that occur are stored.
    pub columns: u32,
    /// Strength of the L2 penalty on the summed loss (the inverse of what other tools call C). Zero picks it: by
    /// out-of-fold likelihood for sets that are quick to fit, else a value that suits texts.
    pub l2: f64,
    /// Passes over the rows. Small sets get more, so that the fit converges.
    pub epochs: u32,
    /// Folds for the out-of-fold report and the temperature, 2 to 20.
    pub folds: u32,
    /// Seed of the shuffle; the only source of order in training.
    pub seed: u64,
}

impl Default for TrainSpec {
    fn default() -> Self {
        Self {
            features: FeatureSpec::default(),
            columns: 65_536,
            l2: 0.0,
            epochs: 16,
            folds: 5,
            seed: 1,
        }
    }
}
