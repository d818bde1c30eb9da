//! The one model step: six adapters behind one port.
//!
//! `openai`, `anthropic` and `http` go through [`exchange`], which sends the bytes, hashes them and maps what can go wrong;
//! `command` starts a program; `classify` and `template` are built in. An adapter returns the answer's text as it came:
//! whether it is valid is decided by the domain, so that nothing is repaired on the quiet here.
//!
//! Not relied on: that a provider ends its stream, reports usage, names its model, or answers with JSON at all.

mod agreement;
mod anthropic;
mod anthropic_stream;
mod classify;
mod command;
mod compile;
mod envelope;
mod exchange;
mod fault;
mod fill;
mod http;
mod openai;
mod openai_stream;
mod pieces;
mod recorded;
mod sse;
mod status;
mod template;
mod usage;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use tuesday_domain::definition::{ConfidenceSource, ModelKind, ModelSpec};
use tuesday_domain::port::{Call, Compiled, Model, ModelAnswer, ModelFault, ModelRequest, Secrets};

pub use recorded::Recorded;

use crate::net::Http;
use exchange::Exchange;

/// All model adapters, dispatched by the kind the definition names.
pub struct Models {
    http: Http,
    secrets: Arc<dyn Secrets>,
    loaded: classify::Loaded,
    fillers: fill::Fillers,
}

impl std::fmt::Debug for Models {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Models").finish_non_exhaustive()
    }
}

impl Models {
    /// Shares the client and the secrets with the other adapters.
    #[must_use]
    pub fn new(http: Http, secrets: Arc<dyn Secrets>) -> Self {
        Self {
            http,
            secrets,
            loaded: classify::Loaded::default(),
            fillers: fill::Fillers::default(),
        }
    }

    async fn once(&self, request: &ModelRequest) -> Result<ModelAnswer, ModelFault> {
        let exchange = Exchange {
            http: &self.http,
            secrets: &*self.secrets,
            request,
        };
        match request.spec.kind {
            ModelKind::Openai => openai::call(&exchange).await,
            ModelKind::Anthropic => anthropic::call(&exchange).await,
            ModelKind::Http => http::call(&exchange).await,
            ModelKind::Command => command::call(&*self.secrets, request).await,
            ModelKind::Classifier => classify::call(&self.loaded, &self.fillers, request),
            ModelKind::Template => template::call(&self.fillers, request),
        }
    }
}

impl Model for Models {
    fn generate<'a>(
        &'a self,
        request: &'a ModelRequest,
    ) -> Call<'a, Result<ModelAnswer, ModelFault>> {
        match request.spec.confidence.source {
            ConfidenceSource::SelfConsistency => {
                Box::pin(agreement::call(request, || self.once(request)))
            }
            _ => Box::pin(self.once(request)),
        }
    }

    fn compile(
        &self,
        spec: &ModelSpec,
        files: &BTreeMap<String, String>,
    ) -> Result<Option<Compiled>, String> {
        compile::compile(spec, files)
    }
}
