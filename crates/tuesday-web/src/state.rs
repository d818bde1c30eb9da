//! What all handlers share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tuesday_domain::problem::Problem;
use tuesday_domain::record::Workflow;
use tuesday_engine::Engine;

use crate::auth::{Flashes, Oidc, Passkeys};
use crate::config::WebConfig;
use crate::console::events::Live;
use crate::definitions::{Definitions, Known};
use crate::refusal::read_problem;

/// Shared by all handlers; made once.
pub(crate) struct Web {
    pub(crate) engine: Engine,
    pub(crate) config: WebConfig,
    pub(crate) sessions: Flashes,
    pub(crate) definitions: Definitions,
    pub(crate) live: Live,
    pub(crate) passkeys: Passkeys,
    pub(crate) oidc: Option<Oidc>,
    codes: Mutex<HashMap<String, String>>,
}

/// How handlers get it.
pub(crate) type App = Arc<Web>;

impl Web {
    pub(crate) fn new(engine: Engine, mut config: WebConfig) -> App {
        let codes = Mutex::new(std::mem::take(&mut config.sign_in_codes));
        let identity = config.identity.take();
        Arc::new(Self {
            passkeys: Passkeys::new(&config),
            oidc: identity.map(|i| Oidc::new(i, &config.public_url)),
            engine,
            config,
            sessions: Flashes::default(),
            definitions: Definitions::default(),
            live: Live::default(),
            codes,
        })
    }

    /// A workflow with the definition of its live release.
    ///
    /// # Errors
    /// `unknown_workflow`, `record_damaged`, `unavailable`.
    pub(crate) async fn workflow(&self, name: &str) -> Result<(Workflow, Arc<Known>), Problem> {
        let reader = self.engine.reader();
        let unknown = || Problem::new("unknown_workflow", format!("there is no workflow `{name}`"));
        let row = reader.workflow(name).await.map_err(read_problem)?;
        let row = row.ok_or_else(unknown)?;
        let known = self.definitions.of(reader, row.live_release).await?;
        Ok((row, known))
    }

    /// Uses up a one-time sign-in code; answers the person's handle.
    pub(crate) fn redeem(&self, code: &str) -> Option<String> {
        self.codes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(code)
    }
}
