//! Sources that answer one JSON object to a GET.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tuesday_domain::definition::SourceSpec;
use tuesday_domain::id::RunId;
use tuesday_domain::json::parse_strict;
use tuesday_domain::port::{Secrets, SourceFault, SourceRecord};

use super::address::Addresses;
use super::permanent;
use crate::net::{
    Answer, Credential, HeaderMap, HeaderName, HeaderValue, Http, HttpFault, Method, Outgoing,
    Stage, retry_after, scrub,
};

/// Largest record that is read, in bytes.
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// Most characters of a refusal that are kept.
const EXCERPT: usize = 300;

pub(crate) struct HttpSource {
    http: Http,
    secrets: Arc<dyn Secrets>,
    addresses: Addresses,
}

impl HttpSource {
    pub(crate) fn new(http: Http, secrets: Arc<dyn Secrets>) -> Self {
        Self {
            http,
            secrets,
            addresses: Addresses::default(),
        }
    }

    pub(crate) async fn read(
        &self,
        spec: &SourceSpec,
        facts: &Value,
        run: RunId,
        timeout: Duration,
    ) -> Result<SourceRecord, SourceFault> {
        let template = spec
            .url
            .as_deref()
            .ok_or_else(|| permanent("bad_config", "an http source needs `url`"))?;
        let url = self
            .addresses
            .render(template, facts)
            .map_err(|e| permanent("bad_address", e))?;
        let mut location = url.clone();
        // The query may hold personal data or a key; host and path say enough.
        location.set_query(None);
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_static("accept"),
            HeaderValue::from_static("application/json"),
        );
        let credential = match &spec.auth {
            None => None,
            Some(auth) => Some(
                Credential::resolve(&*self.secrets, auth).map_err(|e| permanent("secret", e))?,
            ),
        };
        if let Some(credential) = &credential {
            credential.apply(&mut headers);
        }
        let out = Outgoing {
            method: Method::GET,
            url,
            headers,
            body: bytes::Bytes::new(),
            run: Some(run),
            timeout,
            most_bytes: MOST_BYTES,
        };
        let secret = credential.as_ref().map(Credential::secret);
        match self.http.send(out).await {
            Ok(answer) if (200..300).contains(&answer.status) => {
                record(&answer, location.to_string())
            }
            Ok(answer) => Err(refusal(&answer, secret)),
            Err(fault) => Err(unanswered(&fault)),
        }
    }
}

fn record(answer: &Answer, location: String) -> Result<SourceRecord, SourceFault> {
    let several = |n: usize| SourceFault::Ambiguous {
        detail: format!("{location} answered {n} records"),
    };
    let none = || SourceFault::NotFound {
        detail: format!("{location} answered no record"),
    };
    let value = match (answer.status, answer.body.is_empty()) {
        (204, _) => return Err(none()),
        (_, true) => {
            return Err(permanent(
                "not_json",
                format!("{location} answered nothing"),
            ));
        }
        _ => parse_strict(&answer.body)
            .map_err(|e| permanent("not_json", format!("{location}: {e}")))?,
    };
    let record: Map<String, Value> = match value {
        Value::Object(map) => map,
        Value::Array(mut items) => match (items.len(), items.pop()) {
            (0, _) => return Err(none()),
            (1, Some(Value::Object(map))) => map,
            (1, _) => {
                return Err(permanent(
                    "not_an_object",
                    format!("{location} did not answer a JSON object"),
                ));
            }
            (n, _) => return Err(several(n)),
        },
        _ => {
            return Err(permanent(
                "not_an_object",
                format!("{location} did not answer a JSON object"),
            ));
        }
    };
    Ok(SourceRecord {
        bytes: answer.body.to_vec(),
        record,
        location,
    })
}

fn refusal(answer: &Answer, secret: Option<&[u8]>) -> SourceFault {
    let status = answer.status;
    let detail = format!(
        "answered {status}: {}",
        scrub(&answer.body, secret, EXCERPT)
    );
    match status {
        404 | 410 => SourceFault::NotFound { detail },
        300 => SourceFault::Ambiguous { detail },
        401 | 403 => SourceFault::Permanent {
            code: "unauthorized",
            detail,
        },
        408 | 425 | 429 | 500.. => {
            let code = if status == 429 {
                "rate_limited"
            } else {
                "unavailable"
            };
            SourceFault::Transient {
                code,
                detail,
                retry_after: retry_after(&answer.headers),
            }
        }
        _ => SourceFault::Permanent {
            code: "refused",
            detail,
        },
    }
}

fn unanswered(fault: &HttpFault) -> SourceFault {
    let detail = fault.detail.clone();
    let code = match fault.stage {
        Stage::Refused => {
            return SourceFault::Permanent {
                code: "address_refused",
                detail,
            };
        }
        Stage::TooLarge => {
            return SourceFault::Permanent {
                code: "too_large",
                detail,
            };
        }
        Stage::Connect => "connect",
        Stage::TimedOut => "timeout",
        Stage::NoAnswer | Stage::Cut => "cut",
    };
    SourceFault::Transient {
        code,
        detail,
        retry_after: None,
    }
}
