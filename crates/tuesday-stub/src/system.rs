//! One system of the world: its records, its habits, its memory of keys, its ledger.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::keys::Keys;
use crate::ledger::Ledger;
use crate::record::Collection;

/// What a system can do, so that every class of destination has a stand-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Does a repeated key bring back the first answer? The ledger counts keys either way.
    pub honours_keys: bool,
    /// The header that carries the key.
    pub key_header: String,
    /// Field of the body that carries the key when the header does not.
    pub key_field: Option<String>,
    /// Milliseconds for which a search does not show what was just written.
    pub search_lag_ms: u64,
    /// Values of the header `Authorization` that are let in; everybody is, while there are none.
    pub credentials: Vec<String>,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            honours_keys: true,
            key_header: "idempotency-key".to_owned(),
            key_field: None,
            search_lag_ms: 0,
            credentials: Vec::new(),
        }
    }
}

/// All that one lock guards; it is held for microseconds and never across a wait.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) profile: Profile,
    pub(crate) collections: HashMap<String, Collection>,
    pub(crate) keys: Keys,
    pub(crate) ledger: Ledger,
}

impl State {
    pub(crate) fn collection(&mut self, name: &str) -> &mut Collection {
        if !self.collections.contains_key(name) {
            self.collections
                .insert(name.to_owned(), Collection::default());
        }
        self.collections.entry(name.to_owned()).or_default()
    }
}

#[derive(Debug, Default)]
pub(crate) struct System(Mutex<State>);

impl System {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
