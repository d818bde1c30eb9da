//! REST destinations: `send` writes, `answer` reads what came back, `find` looks and reads back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;
use tuesday_domain::definition::SecretHeader;
use tuesday_domain::port::{Intent, Secrets};

use crate::net::{
    Answer, Credential, HeaderMap, HeaderName, HeaderValue, Http, HttpFault, Method, Outgoing, Url,
};
use crate::sources::address::{Addresses, checked};

mod answer;
mod compare;
mod find;
mod send;

/// Largest answer that is read, in bytes.
const MOST_BYTES: usize = 4 * 1024 * 1024;

pub(crate) struct HttpDestination {
    http: Http,
    secrets: Arc<dyn Secrets>,
    addresses: Addresses,
    /// Keys that a search did not find, with the moment of the first look: a search may lag, so
    /// "absent" is only said once the settle time has passed under our own eyes.
    missing_since: Mutex<HashMap<String, Instant>>,
}

/// An answer and the secret that was sent for it, so that it can be taken out of texts.
struct Heard {
    result: Result<Answer, HttpFault>,
    credential: Option<Credential>,
}

impl Heard {
    fn secret(&self) -> Option<&[u8]> {
        self.credential.as_ref().map(Credential::secret)
    }
}

impl HttpDestination {
    pub(crate) fn new(http: Http, secrets: Arc<dyn Secrets>) -> Self {
        Self {
            http,
            secrets,
            addresses: Addresses::default(),
            missing_since: Mutex::default(),
        }
    }

    /// The address under one of the spec's keys, `None` when the definition has none.
    fn address(
        &self,
        intent: &Intent,
        name: &str,
        external_id: Option<&str>,
    ) -> Option<Result<Url, String>> {
        let template = match name {
            "url" => intent.spec.url.as_deref(),
            "read_url" => intent.spec.read_url.as_deref(),
            _ => intent.spec.lookup_url.as_deref(),
        }?;
        if let Some(rendered) = intent.rendered.get(name).and_then(Value::as_str) {
            return Some(checked(template, rendered));
        }
        let mut facts = json!({ "target": intent.target, "key": intent.key, "run": { "id": intent.run.to_string() } });
        if let (Some(id), Some(map)) = (external_id, facts.as_object_mut()) {
            map.insert("external_id".to_owned(), Value::String(id.to_owned()));
        }
        Some(self.addresses.render(template, &facts))
    }

    async fn call(
        &self,
        intent: &Intent,
        method: Method,
        url: Url,
        extra: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Heard, String> {
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_static("accept"),
            HeaderValue::from_static("application/json"),
        );
        if !body.is_empty() {
            headers.insert(
                HeaderName::from_static("content-type"),
                HeaderValue::from_static("application/json"),
            );
        }
        for (name, value) in extra {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("`{name}` is not a header name"))?;
            let value = HeaderValue::from_str(value)
                .map_err(|_| format!("the value of `{name}` cannot be sent"))?;
            headers.insert(name, value);
        }
        let credential = self.credential(intent.spec.auth.as_ref())?;
        if let Some(credential) = &credential {
            credential.apply(&mut headers);
        }
        let timeout = Duration::from_millis(intent.timeout_ms);
        let out = Outgoing {
            method,
            url,
            headers,
            body,
            run: Some(intent.run),
            timeout,
            most_bytes: MOST_BYTES,
        };
        Ok(Heard {
            result: self.http.send(out).await,
            credential,
        })
    }

    async fn get(&self, intent: &Intent, url: Url) -> Result<Heard, String> {
        self.call(intent, Method::GET, url, &[], Bytes::new()).await
    }

    fn credential(&self, auth: Option<&SecretHeader>) -> Result<Option<Credential>, String> {
        auth.map(|auth| Credential::resolve(&*self.secrets, auth))
            .transpose()
    }
}
