//! The adapters against real sockets, files and databases, with servers that fail on purpose.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]

mod feeds;
mod file;
mod http;
mod mailbox;
mod notices;
mod proof;
mod smtp;
mod sources;
mod sql;
mod stub;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tuesday_connectors::destinations::Destinations;
use tuesday_connectors::net::{Http, HttpOptions};
use tuesday_domain::id::RunId;
use tuesday_domain::port::{Intent, Secrets};

/// A secret that must never be seen in any error, receipt or debug text.
pub(crate) const CANARY: &str = "canary-5e1f0b";

/// Secrets from a map.
pub(crate) struct Vault(HashMap<String, String>);

impl Secrets for Vault {
    fn resolve(&self, reference: &str) -> Result<Vec<u8>, String> {
        self.0
            .get(reference)
            .map(|s| s.clone().into_bytes())
            .ok_or_else(|| format!("no secret `{reference}`"))
    }
}

pub(crate) fn vault(pairs: &[(&str, &str)]) -> Arc<dyn Secrets> {
    let mut map: HashMap<String, String> = pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    map.insert("env:CANARY".to_owned(), CANARY.to_owned());
    Arc::new(Vault(map))
}

pub(crate) fn client() -> Http {
    Http::new(HttpOptions::default()).unwrap()
}

pub(crate) fn destinations(base: &Path) -> Destinations {
    Destinations::new(client(), vault(&[]), base)
}

pub(crate) fn run() -> RunId {
    serde_json::from_value(json!("run_06ds2g3k5n7q8t9v0w1x2y3z4a")).unwrap()
}

/// An intent from the settings of its action; what every action needs is filled in.
pub(crate) fn intent(key: &str, target: &str, fields: Value, settings: Value) -> Intent {
    let mut spec = json!({
        "name": "write", "class": "write", "system": "CRM", "target": "input.id", "fields": {}, "ability": "F"
    });
    spec.as_object_mut()
        .unwrap()
        .extend(settings.as_object().unwrap().clone());
    Intent {
        run: run(),
        key: key.to_owned(),
        spec: serde_json::from_value(spec).unwrap(),
        target: target.to_owned(),
        fields: fields.as_object().unwrap().clone(),
        rendered: serde_json::Map::new(),
        expected_version: None,
        timeout_ms: 2_000,
    }
}
