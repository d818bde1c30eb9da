//! The built-in `classifier` model: a linear model over declared features, trained when a release is installed.
//!
//! It needs no key, no network and no clock, answers in microseconds, and says with each answer how sure it is. Because the
//! same examples always give the same bytes, a release can be checked by training it again.

mod artifact;
mod calibrate;
mod encode;
mod evidence;
mod fields;
mod folds;
mod math;
mod model;
mod report;
mod scope;
mod similarity;
mod softmax;
mod spec;
mod text;
mod train;

pub use artifact::ArtifactError;
pub use model::{Classifier, Prediction};
pub use report::{BinaryReport, Cutoff, LabelRows, ReliabilityBin, TrainReport};
pub use spec::{FeatureSpec, PairKind, PairSpec, TrainSpec};
pub use train::train;

/// One labelled record.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The record's fields, a JSON object.
    pub fields: serde_json::Value,
    /// What it is.
    pub label: String,
}

/// A trained model, ready to be stored, and how good it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The bytes that [`Classifier::load`] reads.
    pub artifact: Vec<u8>,
    /// The figures, also kept inside the artefact.
    pub report: TrainReport,
}

/// Why examples cannot become a classifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    /// A classifier needs something to tell apart.
    #[error("the examples have {0} label(s); a classifier needs at least two")]
    TooFewLabels(usize),
    /// One row cannot be both fitted and held out.
    #[error("label {0:?} has one example; each label needs at least two")]
    TooFewRows(String),
    /// The spec names no field, or no example has one of the fields.
    #[error("no features: declare text, category, number or pair fields that the examples have")]
    NoFeatures,
    /// A setting is out of range.
    #[error("bad training setting: {0}")]
    BadSpec(&'static str),
    /// The fit ran away, which no shipped setting does.
    #[error("training gave a number that is not finite")]
    NotFinite,
    /// The report could not be written.
    #[error("the artefact could not be written: {0}")]
    Write(String),
}

#[cfg(test)]
mod tests;
