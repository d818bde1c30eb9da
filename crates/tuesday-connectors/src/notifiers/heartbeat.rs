//! A sign of life to somebody outside: when it stays away, their alert fires, also when this whole
//! installation is gone and could not tell anybody itself.

use std::sync::Arc;

use tuesday_domain::port::Secrets;

use super::webhook::address;
use super::{Http, TIMEOUT};
use crate::net::{HeaderMap, Method, Outgoing};

/// Where signs of life go.
pub struct Heartbeat {
    http: Http,
    secrets: Arc<dyn Secrets>,
    url: String,
}

impl Heartbeat {
    /// `url` is an address, or a secret reference to one.
    #[must_use]
    pub fn new(http: Http, secrets: Arc<dyn Secrets>, url: impl Into<String>) -> Self {
        let url = url.into();
        Self { http, secrets, url }
    }

    /// Sends one.
    ///
    /// # Errors
    /// In words, without the address: it may be a secret.
    pub async fn beat(&self) -> Result<(), String> {
        let out = Outgoing {
            method: Method::GET,
            url: address(&*self.secrets, &self.url)?,
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
            run: None,
            timeout: TIMEOUT,
            most_bytes: 4 * 1024,
        };
        match self.http.send(out).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(answer) => Err(format!("answered {}", answer.status)),
            Err(fault) => Err(fault.detail),
        }
    }
}
