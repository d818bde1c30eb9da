//! The trained model and what it says about a record.

use serde_json::Value;

use super::artifact::{self, ArtifactError};
use super::calibrate::best;
use super::encode::Encoder;
use super::fields::read;
use super::math::softmax;
use super::report::TrainReport;
use super::scope::{Scope, familiarity};
use super::softmax::Weights;
use super::spec::FeatureSpec;

/// Everything an artefact holds.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) features: FeatureSpec,
    pub(super) labels: Vec<String>,
    pub(super) encoder: Encoder,
    pub(super) weights: Weights,
    pub(super) temperature: f64,
    pub(super) scope: Scope,
    pub(super) report: TrainReport,
}

/// A trained classifier, ready to answer; cheap to share, never changes.
#[derive(Debug, Clone)]
pub struct Classifier {
    model: Model,
}

/// What the classifier says about one record.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The most probable label.
    pub label: String,
    /// Its calibrated probability, 0 to 1.
    pub confidence: f64,
    /// The three most probable labels (fewer when there are fewer) with their probabilities, best first.
    pub top: Vec<(String, f64)>,
    /// How much the record looks like the training rows: the share of them that looked no more familiar, 0 to 1. Near 0
    /// means that no label may fit.
    pub in_scope: f64,
    /// Up to five features that spoke most for the label against the average label, strongest first.
    pub evidence: Vec<(String, f64)>,
}

impl Classifier {
    /// Reads an artefact that [`train`](super::train()) wrote.
    ///
    /// # Errors
    /// When the bytes are not such an artefact, of another version, cut short or changed; see [`ArtifactError`].
    pub fn load(bytes: &[u8]) -> Result<Self, ArtifactError> {
        artifact::read(bytes).map(|model| Self { model })
    }

    /// Answers for one record. Missing or unreadable fields lower the confidence; they are no error.
    pub fn predict(&self, fields: &Value) -> Prediction {
        let model = &self.model;
        let raw = read(&model.features, model.encoder.columns, fields);
        let row = model.encoder.row(&raw);
        let logits = model.weights.logits(&row);
        let in_scope = model.scope.rank(familiarity(&logits));
        let mut chances = logits;
        softmax(&mut chances, model.temperature);
        let winner = best(&chances);
        let mut order: Vec<usize> = (0..chances.len()).collect();
        order.sort_by(|a, b| chances[*b].total_cmp(&chances[*a]).then(a.cmp(b)));
        Prediction {
            label: model.labels[winner].clone(),
            confidence: chances[winner],
            top: order
                .iter()
                .take(3)
                .map(|place| (model.labels[*place].clone(), chances[*place]))
                .collect(),
            in_scope,
            evidence: super::evidence::strongest(model, fields, &raw, &row, winner),
        }
    }

    /// The labels, sorted.
    pub fn labels(&self) -> &[String] {
        &self.model.labels
    }

    /// The figures of the training.
    pub fn report(&self) -> &TrainReport {
        &self.model.report
    }
}
