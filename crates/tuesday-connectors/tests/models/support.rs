//! Requests, canary secrets and both dialects, for all tests.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tuesday_connectors::models::Models;
use tuesday_connectors::net::{Http, HttpOptions};
use tuesday_domain::definition::ModelSpec;
use tuesday_domain::port::{FaultKind, Model, ModelAnswer, ModelFault, ModelRequest, Secrets};

/// Must never be seen outside a request.
pub(crate) const CANARY: &str = "canary-5f1c0e";

pub(crate) struct Vault;

impl Secrets for Vault {
    fn resolve(&self, reference: &str) -> Result<Vec<u8>, String> {
        match reference {
            "env:KEY" => Ok(CANARY.as_bytes().to_vec()),
            other => Err(format!("{other} is not set")),
        }
    }
}

pub(crate) fn models() -> Models {
    Models::new(Http::new(HttpOptions::default()).unwrap(), Arc::new(Vault))
}

/// A spec with a secret, `extra` laid over it.
pub(crate) fn spec(kind: &str, url: &str, extra: Value) -> ModelSpec {
    let mut spec = json!({"kind": kind, "pin": "model-1", "url": url,
        "auth": {"header": "Authorization", "prefix": "Bearer ", "secret": "env:KEY"}});
    for (key, value) in extra.as_object().unwrap() {
        spec[key] = value.clone();
    }
    serde_json::from_value(spec).unwrap()
}

pub(crate) fn request(spec: ModelSpec) -> ModelRequest {
    ModelRequest {
        run: "run_01h455vb4pex5vsknk084sn02q".parse().unwrap(),
        attempt: 1,
        spec: Arc::new(spec),
        system: "Sort the ticket.".into(),
        prompt: "It \u{202e}broke".into(),
        repair: None,
        output_schema: Arc::new(
            json!({"$id": "x", "type": "object", "properties": {"label": {"type": "string"}}}),
        ),
        facts: Arc::new(json!({"input": {"text": "it broke", "n": 3}, "crm": {"tier": "gold"}})),
        artifact: Arc::default(),
        artifact_id: [0; 32],
        timeout: Duration::from_secs(5),
    }
}

/// One call; checks on the way that no text of its outcome holds the canary.
pub(crate) async fn ask(request: &ModelRequest) -> Result<ModelAnswer, ModelFault> {
    let result = models().generate(request).await;
    assert!(
        !format!("{result:?} {request:?}").contains(CANARY),
        "the secret leaked: {result:?}"
    );
    result
}

pub(crate) async fn ask_kind(kind: &str, url: &str) -> Result<ModelAnswer, ModelFault> {
    ask(&request(spec(kind, url, json!({})))).await
}

/// Kind and code, for short assertions.
pub(crate) fn verdict(result: &Result<ModelAnswer, ModelFault>) -> (FaultKind, &'static str) {
    let fault = result
        .as_ref()
        .expect_err("an answer where a fault was due");
    (fault.kind, fault.code)
}

pub(crate) const TRANSIENT: FaultKind = FaultKind::Transient(None);

/// A whole answer in the dialect of `kind`.
pub(crate) fn whole(kind: &str, text: &str) -> Value {
    match kind {
        "openai" => {
            json!({"id": "c-1", "model": "model-1-0613", "usage": {"prompt_tokens": 11, "completion_tokens": 4},
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}]})
        }
        "anthropic" => {
            json!({"id": "m-1", "type": "message", "model": "model-1-0613", "stop_reason": "end_turn",
            "usage": {"input_tokens": 11, "output_tokens": 4},
            "content": [{"type": "thinking", "thinking": "no"}, {"type": "text", "text": text}]})
        }
        _ => {
            json!({"output": text, "model": "model-1-0613", "usage": {"input_tokens": 11, "output_tokens": 4}})
        }
    }
}

pub(crate) const HTTP_KINDS: [&str; 3] = ["openai", "anthropic", "http"];
