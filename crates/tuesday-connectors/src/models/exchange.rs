//! One POST to a model over HTTP: sends the exact bytes, hashes them, and maps every failure.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tuesday_domain::port::{FaultKind, ModelAnswer, ModelFault, ModelRequest, Secrets};

use super::fault::{misconfigured, no_secret, unsent};
use super::{status, usage};
use crate::net::{
    Answer, Credential, HeaderMap, HeaderValue, Http, HttpFault, Method, Outgoing, Stage, Url,
    scrub,
};

/// Most bytes of an answer that are read. An honest structured output is a few KiB.
pub(super) const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Longest detail that is kept, in characters.
pub(super) const DETAIL: usize = 300;

/// What a call needs.
pub(super) struct Exchange<'a> {
    pub(super) http: &'a Http,
    pub(super) secrets: &'a dyn Secrets,
    pub(super) request: &'a ModelRequest,
}

/// A complete answer with a success status.
pub(super) struct Reply {
    pub(super) body: Bytes,
    /// The body is an event stream, asked for or not.
    pub(super) is_stream: bool,
    provider_id: Option<String>,
    request_hash: [u8; 32],
    credential: Option<Credential>,
}

impl Exchange<'_> {
    /// The address of the spec, with `ending` appended to its path unless it is there.
    pub(super) fn url(&self, ending: &str) -> Result<Url, ModelFault> {
        let text = self
            .request
            .spec
            .url
            .as_deref()
            .ok_or_else(|| misconfigured("the model has no url"))?;
        let mut url = Url::parse(text)
            .map_err(|e| misconfigured(format!("the model's url is not an address: {e}")))?;
        let path = url.path().trim_end_matches('/');
        if !ending.is_empty() && !path.ends_with(ending) {
            let path = format!("{path}{ending}");
            url.set_path(&path);
        }
        Ok(url)
    }

    /// Sends `body` and returns the answer when its status is a success.
    pub(super) async fn post(
        &self,
        url: Url,
        mut headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Reply, ModelFault> {
        let credential = match &self.request.spec.auth {
            Some(spec) => Some(Credential::resolve(self.secrets, spec).map_err(no_secret)?),
            None => None,
        };
        if let Some(credential) = &credential {
            credential.apply(&mut headers);
        }
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers.insert("accept", HeaderValue::from_static("application/json"));
        let request_hash = Sha256::digest(&body).into();
        let out = Outgoing {
            method: Method::POST,
            url,
            headers,
            body: body.into(),
            run: Some(self.request.run),
            timeout: self.request.timeout,
            most_bytes: MOST_BYTES,
        };
        let secret = credential.as_ref().map(Credential::secret);
        match Box::pin(self.http.send(out)).await {
            Ok(answer) if (200..300).contains(&answer.status) => {
                Ok(Reply::new(answer, request_hash, credential))
            }
            Ok(answer) => Err(refused(&answer, secret, request_hash)),
            Err(fault) => Err(failed(&fault, secret, request_hash)),
        }
    }
}

impl Reply {
    fn new(answer: Answer, request_hash: [u8; 32], credential: Option<Credential>) -> Self {
        let is_stream = answer.media_type().as_deref() == Some("text/event-stream");
        let provider_id = ["x-request-id", "request-id"]
            .iter()
            .find_map(|name| answer.header(name))
            .map(|id| scrub(id.as_bytes(), None, DETAIL));
        Self {
            body: answer.body,
            is_stream,
            provider_id,
            request_hash,
            credential,
        }
    }

    /// An answer with this text; the adapter adds what else it knows.
    pub(super) fn answer(&self, text: String) -> ModelAnswer {
        ModelAnswer {
            text,
            refusal: false,
            incomplete: None,
            model_reported: None,
            usage: None,
            confidence: None,
            extra: None,
            request_hash: self.request_hash,
            bytes_received: self.body.len() as u64,
            provider_id: self.provider_id.clone(),
        }
    }

    /// The answer cannot be used; what it cost is still booked.
    pub(super) fn fault(&self, kind: FaultKind, code: &'static str, detail: &str) -> ModelFault {
        ModelFault {
            kind,
            code,
            detail: scrub(
                detail.as_bytes(),
                self.credential.as_ref().map(Credential::secret),
                DETAIL,
            ),
            usage: usage::scan(&self.body),
            bytes_received: self.body.len() as u64,
            request_hash: Some(self.request_hash),
        }
    }

    /// The stream or body broke off, or repeats itself: no part of it is an answer.
    pub(super) fn cut(&self, detail: &str) -> ModelFault {
        self.fault(FaultKind::Transient(None), "cut_stream", detail)
    }

    /// The body does not parse. JSON that ends too early was cut; anything else is not the protocol.
    pub(super) fn unreadable(&self, error: &serde_json::Error) -> ModelFault {
        if status::looks_like_html(&self.body) {
            return self.fault(
                FaultKind::Transient(None),
                "not_json",
                "an HTML page where JSON was due",
            );
        }
        if error.is_eof() && !self.body.trim_ascii().is_empty() {
            return self.cut(&format!("the answer breaks off: {error}"));
        }
        self.fault(
            FaultKind::Transient(None),
            "not_json",
            &format!("the answer is not the JSON that was due: {error}"),
        )
    }

    /// An error reported inside an answer with a success status.
    pub(super) fn error_inside(&self, error: &str) -> ModelFault {
        let secret = self.credential.as_ref().map(Credential::secret);
        let words = status::words(error.as_bytes(), secret);
        if status::is_spent(error.as_bytes(), true) {
            return self.fault(FaultKind::Permanent, "spend_limit", &words);
        }
        self.cut(&format!("an error inside the answer: {words}"))
    }
}

fn refused(answer: &Answer, secret: Option<&[u8]>, request_hash: [u8; 32]) -> ModelFault {
    let (kind, code, detail) = status::meaning(answer, secret);
    ModelFault {
        kind,
        code,
        detail,
        usage: usage::scan(&answer.body),
        bytes_received: answer.body.len() as u64,
        request_hash: Some(request_hash),
    }
}

fn failed(fault: &HttpFault, secret: Option<&[u8]>, request_hash: [u8; 32]) -> ModelFault {
    // An error status means the same whether or not its body arrived whole.
    if let Some(partial) = fault
        .partial
        .as_deref()
        .filter(|partial| !(200..300).contains(&partial.status))
    {
        return refused(partial, secret, request_hash);
    }
    let (kind, code) = match fault.stage {
        Stage::Refused => (FaultKind::Permanent, "address_refused"),
        Stage::Connect => (FaultKind::Transient(None), "connect"),
        Stage::NoAnswer => (FaultKind::Transient(None), "reset"),
        Stage::Cut => (FaultKind::Transient(None), "cut_stream"),
        Stage::TimedOut => (FaultKind::TimedOut, "timeout"),
        Stage::TooLarge => (FaultKind::Permanent, "too_large"),
    };
    ModelFault {
        usage: fault
            .partial
            .as_ref()
            .and_then(|partial| usage::scan(&partial.body)),
        bytes_received: fault.bytes_received(),
        request_hash: (!fault.surely_unsent()).then_some(request_hash),
        ..unsent(kind, code, scrub(fault.detail.as_bytes(), secret, DETAIL))
    }
}
