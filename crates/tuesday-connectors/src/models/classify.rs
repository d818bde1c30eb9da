//! Answers with the built-in classifier that was trained when the release was installed.

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value, json};
use tuesday_domain::definition::ConfidenceSource;
use tuesday_domain::port::{FaultKind, ModelAnswer, ModelFault, ModelRequest};

use super::fault::{misconfigured, unsent};
use super::fill::Fillers;
use super::pieces;
use super::template::{built_in, fill_failed};
use tuesday_classifier::{Classifier, Prediction};

/// Most classifiers that stay loaded; each takes a few MB.
const MOST: usize = 32;

/// Loaded classifiers by artifact, oldest first.
#[derive(Default)]
pub(super) struct Loaded {
    known: RwLock<Vec<([u8; 32], Arc<Classifier>)>>,
}

impl Loaded {
    fn get(&self, request: &ModelRequest) -> Result<Arc<Classifier>, ModelFault> {
        let id = request.artifact_id;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, classifier)) = known.iter().find(|(other, _)| *other == id) {
            return Ok(Arc::clone(classifier));
        }
        drop(known);
        let classifier = Classifier::load(&request.artifact).map_err(|e| {
            unsent(
                FaultKind::Permanent,
                "classifier_unreadable",
                format!("the release's classifier cannot be read: {e}"),
            )
        })?;
        let classifier = Arc::new(classifier);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.remove(0);
        }
        known.push((id, Arc::clone(&classifier)));
        Ok(classifier)
    }
}

/// One answer. It takes microseconds, so it runs where it is called.
pub(super) fn call(
    loaded: &Loaded,
    fillers: &Fillers,
    request: &ModelRequest,
) -> Result<ModelAnswer, ModelFault> {
    let spec = &request.spec;
    let Some(field) = &spec.label_field else {
        return Err(misconfigured("a classifier model needs model.label_field"));
    };
    let classifier = loaded.get(request)?;
    let (said, piece) = match &spec.features.pieces {
        None => (classifier.predict(&request.facts), None),
        Some(sought) => {
            let declared = spec.features.text.first();
            let path = declared.map(|d| path(d, &request.facts));
            let path = path.unwrap_or_default();
            let (said, place, of) = pieces::predict(&classifier, sought, &path, &request.facts);
            (said, Some((place, of)))
        }
    };
    let mut output = Map::new();
    output.insert(field.clone(), Value::String(said.label.clone()));
    if !spec.fill.is_empty() {
        fillers
            .fill(&spec.fill, &with_label(&request.facts, &said), &mut output)
            .map_err(fill_failed)?;
    }
    let mut answer = built_in(output, request)?;
    answer.confidence =
        (spec.confidence.source == ConfidenceSource::Classifier).then_some(said.confidence);
    let mut extra = json!({"top": short(&said.top), "evidence": short(&said.evidence),
        "in_scope": four(said.in_scope), "confidence": four(said.confidence)});
    if let Some((place, of)) = piece {
        extra["piece"] = json!({"place": place, "of": of});
    }
    answer.extra = Some(extra);
    Ok(answer)
}

/// A declared feature as a path into the facts, as it was trained: a group is named first, or it is the input.
fn path(declared: &str, facts: &Value) -> String {
    let first = declared.split('.').next().unwrap_or(declared);
    if facts.get(first).is_some_and(Value::is_object) {
        declared.to_owned()
    } else {
        format!("input.{declared}")
    }
}

/// Four places say everything a person or a record needs.
fn four(n: f64) -> f64 {
    (n * 10_000.0).round() / 10_000.0
}

fn short(pairs: &[(String, f64)]) -> Vec<(&str, f64)> {
    pairs
        .iter()
        .map(|(name, n)| (name.as_str(), four(*n)))
        .collect()
}

/// The facts with `label` and `confidence` beside the input and the sources.
fn with_label(facts: &Value, said: &Prediction) -> Value {
    let mut facts = facts.as_object().cloned().unwrap_or_default();
    facts.insert("label".to_owned(), json!(said.label));
    facts.insert("confidence".to_owned(), json!(said.confidence));
    Value::Object(facts)
}
