//! Misbehaviour on order: what the next matching requests are answered with.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::StubError;
use crate::http::{End, Reply};

/// Where the connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// The request is read, has no effect and gets no answer.
    BeforeApply,
    /// The effect takes place, the answer is lost.
    AfterApply,
    /// The effect takes place, half of the answer arrives.
    HalfBody,
}

/// What happens to the next `times` requests that match `system`, `path_prefix` and `method`.
///
/// For SMTP the system is `mail` and the method the command: `MAIL`, `RCPT` or `DATA`. For IMAP the system is
/// `mailbox`; see [`crate::imap`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// First path segment; `model` for the models. Any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Start of the path, such as `/crm/accounts/A-1`. Any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
    /// HTTP method or SMTP command. Any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// How many requests; 1 when absent.
    #[serde(default = "once")]
    pub times: u64,
    /// Status instead of the system's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Body instead of the system's own: text is sent as it is, everything else as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Headers in addition, or in place of the system's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Milliseconds between the effect and the answer.
    #[serde(default)]
    pub delay_ms: u64,
    /// Where the connection is cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<Cut>,
    /// Value of the header `Retry-After`: seconds, or an HTTP date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Value>,
    /// Does the effect take place? When absent: unless `status` is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apply: Option<bool>,
    /// The scripted answer is kept under the idempotency key and comes back for it.
    #[serde(default)]
    pub remember: bool,
    /// Milliseconds between pieces of the answer's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drip_ms: Option<u64>,
    /// Bytes in such a piece; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drip_bytes: Option<usize>,
}

fn once() -> u64 {
    1
}

impl Default for Script {
    fn default() -> Self {
        Self {
            system: None,
            path_prefix: None,
            method: None,
            times: 1,
            status: None,
            body: None,
            headers: BTreeMap::new(),
            delay_ms: 0,
            drop: None,
            retry_after: None,
            apply: None,
            remember: false,
            drip_ms: None,
            drip_bytes: None,
        }
    }
}

impl Script {
    /// Refuses what could not be carried out when its turn comes.
    pub(crate) fn check(&self) -> Result<(), StubError> {
        let fault = |words: &str| Err(StubError::Script(words.to_owned()));
        if self.times == 0 {
            return fault("`times` must be at least 1");
        }
        if self
            .status
            .is_some_and(|status| !(200..=599).contains(&status))
        {
            return fault("`status` must be from 200 to 599");
        }
        if self.drip_bytes == Some(0) {
            return fault("`drip_bytes` must be at least 1");
        }
        match (self.drop, self.apply) {
            (Some(Cut::BeforeApply), Some(true)) => {
                return fault("`drop: before_apply` contradicts `apply: true`");
            }
            (Some(Cut::AfterApply), Some(false)) => {
                return fault("`drop: after_apply` contradicts `apply: false`");
            }
            (None | Some(Cut::HalfBody), Some(false)) if self.status.is_none() => {
                return fault("`apply: false` needs a `status` to answer with");
            }
            _ => {}
        }
        for (name, value) in &self.headers {
            if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
                return Err(StubError::Script(format!("`{name}` is not a header")));
            }
        }
        match &self.retry_after {
            None | Some(Value::Number(_) | Value::String(_)) => Ok(()),
            Some(_) => fault("`retry_after` is a number of seconds or a date"),
        }
    }

    /// Does the effect take place?
    pub(crate) fn applies(&self) -> bool {
        match (self.drop, self.apply) {
            (Some(Cut::BeforeApply), _) => false,
            (Some(Cut::AfterApply), _) => true,
            (_, Some(told)) => told,
            (_, None) => self.status.is_none_or(|status| status < 400),
        }
    }

    pub(crate) fn is_silent(&self) -> bool {
        matches!(self.drop, Some(Cut::BeforeApply | Cut::AfterApply))
    }

    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    /// The answer when there was no effect.
    pub(crate) fn refusal(&self) -> Reply {
        let status = self.status.unwrap_or(500);
        let words = "this answer was ordered by a script";
        self.alter(Reply::json(
            status,
            &serde_json::json!({ "error": { "type": "scripted", "message": words } }),
        ))
    }

    /// The system's own answer, changed as ordered.
    pub(crate) fn alter(&self, mut reply: Reply) -> Reply {
        if let Some(status) = self.status {
            reply.status = status;
        }
        match &self.body {
            None => {}
            Some(Value::String(text)) => reply.body = Bytes::from(text.clone()),
            Some(value) => reply.body = Bytes::from(value.to_string()),
        }
        for (name, value) in &self.headers {
            reply.set_header(name, value);
        }
        match &self.retry_after {
            Some(Value::String(text)) => reply.set_header("retry-after", text),
            Some(other) => reply.set_header("retry-after", &other.to_string()),
            None => {}
        }
        if self.drop == Some(Cut::HalfBody) {
            reply.end = End::Half;
        } else if let Some(every_ms) = self.drip_ms {
            let every = Duration::from_millis(every_ms);
            reply.end = End::Drip {
                bytes: self.drip_bytes.unwrap_or(1),
                every,
            };
        }
        reply
    }
}

/// The orders that are still open, in the order they were given.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    open: Mutex<Vec<Arc<Script>>>,
    // Lets the common case, no script at all, pass without the lock.
    count: AtomicUsize,
}

impl Scripts {
    pub(crate) fn add(&self, script: Script) -> Result<(), StubError> {
        script.check()?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.push(Arc::new(script));
        self.count.store(open.len(), Ordering::Release);
        Ok(())
    }

    pub(crate) fn clear(&self) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.count.store(0, Ordering::Release);
    }

    pub(crate) fn list(&self) -> Vec<Script> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter().map(|script| Script::clone(script)).collect()
    }

    /// The first open order for this request, used up by one.
    pub(crate) fn take(&self, system: &str, path: &str, method: &str) -> Option<Arc<Script>> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let at = open.iter().position(|script| {
            script
                .system
                .as_deref()
                .is_none_or(|wanted| wanted == system)
                && script
                    .path_prefix
                    .as_deref()
                    .is_none_or(|start| path.starts_with(start))
                && script
                    .method
                    .as_deref()
                    .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
        })?;
        let taken = Arc::clone(&open[at]);
        if taken.times <= 1 {
            open.remove(at);
        } else {
            Arc::make_mut(&mut open[at]).times -= 1;
        }
        self.count.store(open.len(), Ordering::Release);
        Some(taken)
    }
}
