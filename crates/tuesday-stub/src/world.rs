//! The world: all systems, models, scripts and the clock behind one handle.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use bytes::Bytes;
use hyper::{Request, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Notify;

use crate::body::StubBody;
use crate::clock::Clock;
use crate::fault::StubError;
use crate::http::handle;
use crate::ledger::{Counts, Entry, LedgerFile};
use crate::mailbox::Mailboxes;
use crate::model::{ModelRule, Models, ProviderCounts};
use crate::record::as_text;
use crate::script::{Script, Scripts};
use crate::system::{Profile, State, System};
use crate::{read, seed};

/// A handle on the stub world; clones share it.
#[derive(Debug, Clone)]
pub struct World(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    systems: RwLock<HashMap<String, Arc<System>>>,
    scripts: Scripts,
    models: Models,
    mailboxes: Mailboxes,
    clock: Clock,
    file: Option<LedgerFile>,
    keeps_entries: bool,
    seq: AtomicU64,
    applied: AtomicU64,
    on_applied: Notify,
}

/// All ledgers in sums.
#[derive(Debug, Clone, Serialize)]
pub struct LedgerCounts {
    /// By system.
    pub systems: BTreeMap<String, Counts>,
    /// Over all systems, models not included.
    pub total: Counts,
    /// By provider.
    pub model: BTreeMap<String, ProviderCounts>,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// An empty world whose ledgers are kept in memory.
    #[must_use]
    pub fn new() -> Self {
        Self::build(None, true)
    }

    /// A world for load: it counts and judges as always, but keeps no ledger entries and no bodies.
    #[must_use]
    pub fn lean() -> Self {
        Self::build(None, false)
    }

    /// A world whose ledger is appended to a file, one JSON object a line, before each answer. What
    /// the file holds already is taken over; records are not, so seed again.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn with_file(path: &Path) -> Result<Self, StubError> {
        let (file, entries) = LedgerFile::open(path)?;
        let world = Self::build(Some(file), true);
        for entry in entries {
            world.0.seq.fetch_max(entry.seq, Ordering::Relaxed);
            world
                .0
                .applied
                .fetch_add(u64::from(entry.applied), Ordering::Relaxed);
            world.system(&entry.system).lock().ledger.push(entry, true);
        }
        Ok(world)
    }

    fn build(file: Option<LedgerFile>, keeps_entries: bool) -> Self {
        Self(Arc::new(Inner {
            systems: RwLock::default(),
            scripts: Scripts::default(),
            models: Models::default(),
            mailboxes: Mailboxes::default(),
            clock: Clock::machine(),
            file,
            keeps_entries,
            seq: AtomicU64::new(0),
            applied: AtomicU64::new(0),
            on_applied: Notify::new(),
        }))
    }

    /// Puts records in: `{"crm/accounts": [{"id": "A-1", …}]}`. A text such as `"@-3h"` becomes the
    /// RFC 3339 time three hours before `now`. A record of the same id is replaced.
    ///
    /// # Errors
    /// Names the place that is not of this form; nothing is put in then.
    pub fn seed(&self, seed: &Value, now: Timestamp) -> Result<(), StubError> {
        let seeded = seed::read(seed, now)?;
        let now = crate::clock::text(now);
        let mut ready = Vec::new();
        for part in seeded {
            for record in part.records {
                let id = record
                    .get("id")
                    .and_then(as_text)
                    .filter(|id| !id.is_empty());
                let id = id.ok_or_else(|| {
                    StubError::Seed(format!(
                        "{}/{}: a record has no id",
                        part.system, part.collection
                    ))
                })?;
                ready.push((part.system.clone(), part.collection.clone(), id, record));
            }
        }
        for (system, collection, id, record) in ready {
            self.system(&system)
                .lock()
                .collection(&collection)
                .place(id, record, &now);
        }
        Ok(())
    }

    /// Orders what happens to the next matching requests.
    ///
    /// # Errors
    /// When the script contradicts itself.
    pub fn script(&self, script: Script) -> Result<(), StubError> {
        self.0.scripts.add(script)
    }

    /// Withdraws all scripts.
    pub fn clear_scripts(&self) {
        self.0.scripts.clear();
    }

    /// Orders what the models answer.
    ///
    /// # Errors
    /// When the rule cannot be carried out.
    pub fn answer(&self, rule: ModelRule) -> Result<(), StubError> {
        self.0.models.add(rule)
    }

    /// Withdraws all ordered model answers.
    pub fn clear_answers(&self) {
        self.0.models.clear();
    }

    /// Changes what a system can do.
    pub fn profile(&self, system: &str, profile: Profile) {
        self.system(system).lock().profile = profile;
    }

    /// Whether a system lets somebody in with this header.
    pub(crate) fn lets_in(&self, system: &str, authorization: Option<&str>) -> bool {
        let system = self.system(system);
        let known = &system.lock().profile.credentials;
        known.is_empty() || authorization.is_some_and(|a| known.iter().any(|k| k == a))
    }

    /// Lets all idempotency keys of a system expire.
    pub fn expire_keys(&self, system: &str) {
        self.system(system).lock().keys.expire();
    }

    /// Sets the clock, or lets it follow the machine again.
    pub fn set_clock(&self, now: Option<Timestamp>) {
        self.0.clock.set(now);
    }

    /// The time in this world.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// A record as it is now.
    #[must_use]
    pub fn record(&self, system: &str, collection: &str, id: &str) -> Option<Value> {
        let system = self.system(system);
        let state = system.lock();
        state
            .collections
            .get(collection)?
            .get(id)
            .cloned()
            .map(Value::Object)
    }

    /// All records of a collection, oldest first.
    #[must_use]
    pub fn records(&self, system: &str, collection: &str) -> Vec<Value> {
        read::all(self, system, collection)
    }

    /// The ledger of a system, oldest entry first. `model` and `mail` are systems too.
    #[must_use]
    pub fn entries(&self, system: &str) -> Vec<Entry> {
        self.system(system).lock().ledger.entries().to_vec()
    }

    /// All ledgers in sums.
    #[must_use]
    pub fn ledger_counts(&self) -> LedgerCounts {
        let mut counts = LedgerCounts {
            systems: BTreeMap::new(),
            total: Counts::default(),
            model: self.0.models.counts(),
        };
        let systems = self
            .0
            .systems
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        for (name, system) in systems.iter().filter(|(name, _)| *name != "model") {
            let sums = system.lock().ledger.counts();
            if sums.requests > 0 {
                counts.total.add(&sums);
                counts.systems.insert(name.clone(), sums);
            }
        }
        counts
    }

    /// Empties all ledgers and counters; records, scripts and the ledger file stay.
    pub fn clear_ledgers(&self) {
        let systems = self
            .0
            .systems
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        for system in systems.values() {
            system.lock().ledger.clear();
        }
        self.0.models.clear_counts();
        self.0.applied.store(0, Ordering::Release);
    }

    /// Effects so far, over all systems.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.0.applied.load(Ordering::Acquire)
    }

    /// Returns once there have been `count` effects.
    pub async fn wait_applied(&self, count: u64) {
        loop {
            let next = self.0.on_applied.notified();
            tokio::pin!(next);
            next.as_mut().enable();
            if self.applied() >= count {
                return;
            }
            next.await;
        }
    }

    /// The world as a router, to be mounted into another server.
    pub fn router(&self) -> Router {
        let world = self.clone();
        Router::new().fallback(move |request: Request<axum::body::Body>| {
            let world = world.clone();
            async move {
                // A router must answer; a body that fails at once closes the connection as well.
                let answer = handle(world, request).await;
                answer
                    .unwrap_or_else(|_| Response::new(StubBody::Lost))
                    .map(axum::body::Body::new)
            }
        })
    }

    pub(crate) fn system(&self, name: &str) -> Arc<System> {
        let systems = self
            .0
            .systems
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(system) = systems.get(name) {
            return Arc::clone(system);
        }
        drop(systems);
        let mut systems = self
            .0
            .systems
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(systems.entry(name.to_owned()).or_default())
    }

    /// Puts a mail into the inbox that the IMAP server shows, as it would arrive from outside.
    pub fn deliver(&self, mail: impl Into<Bytes>) {
        self.0.mailboxes.lock().put("INBOX", mail.into());
    }

    /// The mails of a folder, oldest first; nothing where there is no such folder.
    #[must_use]
    pub fn folder(&self, name: &str) -> Vec<Bytes> {
        let folders = self.0.mailboxes.lock();
        let letters = folders.by_name.get(name).into_iter().flatten();
        letters.map(|l| l.raw.clone()).collect()
    }

    /// The IMAP server knows only what RFC 3501 asks for: neither MOVE nor UIDPLUS.
    pub fn plain_imap(&self) {
        self.0.mailboxes.lock().extensions = false;
    }

    pub(crate) fn mailboxes(&self) -> &Mailboxes {
        &self.0.mailboxes
    }

    pub(crate) fn scripts(&self) -> &Scripts {
        &self.0.scripts
    }

    pub(crate) fn models(&self) -> &Models {
        &self.0.models
    }

    pub(crate) fn is_lean(&self) -> bool {
        !self.0.keeps_entries
    }

    /// The body for a ledger entry; a lean world keeps none.
    pub(crate) fn kept(&self, body: &Bytes) -> Bytes {
        if self.0.keeps_entries {
            body.clone()
        } else {
            Bytes::new()
        }
    }

    pub(crate) fn next_seq(&self) -> u64 {
        self.0.seq.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Enters into file and memory.
    pub(crate) fn enter(&self, state: &mut State, entry: Entry) -> Result<(), StubError> {
        let written = self
            .0
            .file
            .as_ref()
            .map_or(Ok(()), |file| file.append(&entry));
        state.ledger.push(entry, self.0.keeps_entries);
        written
    }

    pub(crate) fn count_applied(&self) {
        self.0.applied.fetch_add(1, Ordering::Release);
        self.0.on_applied.notify_waiters();
    }
}
