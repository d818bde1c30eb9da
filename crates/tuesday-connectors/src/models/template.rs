//! The built-in deterministic draft: every output field is computed from the facts.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tuesday_domain::port::{FaultKind, ModelAnswer, ModelFault, ModelRequest};

use super::fault::{misconfigured, unsent};
use super::fill::Fillers;

/// One draft.
pub(super) fn call(fillers: &Fillers, request: &ModelRequest) -> Result<ModelAnswer, ModelFault> {
    if request.spec.fill.is_empty() {
        return Err(misconfigured(
            "a template model needs at least one entry in model.fill",
        ));
    }
    let mut output = Map::new();
    fillers
        .fill(&request.spec.fill, &request.facts, &mut output)
        .map_err(fill_failed)?;
    built_in(output, request)
}

pub(super) fn fill_failed(detail: String) -> ModelFault {
    unsent(FaultKind::Permanent, "fill_failed", detail)
}

/// The answer of a model in this process; what it read, the facts, takes the place of the request body.
pub(super) fn built_in(
    output: Map<String, Value>,
    request: &ModelRequest,
) -> Result<ModelAnswer, ModelFault> {
    let read = serde_json::to_vec(&*request.facts).map_err(|e| misconfigured(e.to_string()))?;
    Ok(ModelAnswer {
        text: Value::Object(output).to_string(),
        refusal: false,
        incomplete: None,
        model_reported: None,
        usage: None,
        confidence: None,
        extra: None,
        request_hash: Sha256::digest(&read).into(),
        bytes_received: 0,
        provider_id: None,
    })
}
