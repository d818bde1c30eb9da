//! Releases, decision tables and workflows as this node knows them: loaded once, checked against
//! their hash, replaced when the workflow's row moved.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use tuesday_domain::definition::Package;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::ledger::price::PriceTable;
use tuesday_domain::ready::Ready;
use tuesday_domain::record::{PriorityClass, SpendLimit, Workflow, WorkflowPriority};
use tuesday_domain::rules::{RuleSet, parse};
use tuesday_store::{ReadError, StoreReader};

/// A release as loaded.
#[derive(Debug)]
pub struct LiveRelease {
    /// Its id.
    pub id: ReleaseId,
    /// Its number within the workflow.
    pub number: u32,
    /// Its hash.
    pub hash: [u8; 32],
    /// Parsed and compiled.
    pub ready: Arc<Ready>,
    /// What the built-in model compiled.
    pub artifact: Arc<Vec<u8>>,
    /// Its files.
    pub package: Package,
}

/// Why a release or a decision table cannot be used. Nothing is guessed: a person looks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadFault {
    /// The database did not answer.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no such row.
    #[error("{0} is not there")]
    Missing(String),
    /// The stored text is not what was approved.
    #[error("{0} does not match its hash")]
    HashMismatch(String),
    /// The stored text does not compile any more.
    #[error("{0} cannot be loaded: {1}")]
    Broken(String, String),
}

/// The cache.
#[derive(Default)]
pub(crate) struct Catalog {
    releases: RwLock<HashMap<ReleaseId, Arc<LiveRelease>>>,
    rules: RwLock<HashMap<(String, u64), Arc<RuleSet>>>,
    workflows: RwLock<HashMap<String, Arc<Workflow>>>,
    priorities: RwLock<HashMap<String, PriorityClass>>,
    prices: RwLock<Arc<PriceTable>>,
    limits: RwLock<HashMap<String, Arc<SpendLimit>>>,
    refreshed: RwLock<Option<Instant>>,
    /// Whoever finds the picture too old reads it for all who wait.
    reading: tokio::sync::Mutex<()>,
}

/// How old the node's picture of the workflows may be when a run is routed. Refreshing comes far
/// more often; this is for a node whose refreshing fails.
const FRESH: Duration = Duration::from_secs(4);

/// How old the picture may be when a model call or a write starts. Below a second, so that what was
/// checked has also left the node when the second is over.
const PRESENT: Duration = Duration::from_millis(800);

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Catalog {
    /// The workflow as last seen.
    pub(crate) fn cached_workflow(&self, name: &str) -> Option<Arc<Workflow>> {
        read(&self.workflows).get(name).cloned()
    }

    /// Every workflow as last seen.
    pub(crate) fn workflows(&self) -> Vec<Arc<Workflow>> {
        read(&self.workflows).values().cloned().collect()
    }

    /// The class of a workflow as last seen.
    pub(crate) fn priority(&self, name: &str) -> PriorityClass {
        read(&self.priorities)
            .get(name)
            .copied()
            .unwrap_or(PriorityClass::Normal)
    }

    /// The price table as last seen.
    pub(crate) fn prices(&self) -> Arc<PriceTable> {
        Arc::clone(&read(&self.prices))
    }

    /// The spend limit of a workflow as last seen.
    pub(crate) fn limit(&self, name: &str) -> Option<Arc<SpendLimit>> {
        read(&self.limits).get(name).cloned()
    }

    /// A class that was just set.
    pub(crate) fn put_priority(&self, row: &WorkflowPriority) {
        write(&self.priorities).insert(row.workflow.clone(), row.class);
    }

    /// The workflow, read when this node does not know it yet.
    pub(crate) async fn workflow(
        &self,
        reader: &StoreReader,
        name: &str,
    ) -> Result<Option<Arc<Workflow>>, ReadError> {
        if let Some(w) = self.cached_workflow(name) {
            return Ok(Some(w));
        }
        let found = reader.workflow(name).await?.map(Arc::new);
        if let Some(w) = &found {
            write(&self.workflows).insert(name.to_owned(), Arc::clone(w));
        }
        Ok(found)
    }

    /// Reads every workflow's row again; answers whether any of them moved.
    pub(crate) async fn refresh(&self, reader: &StoreReader) -> Result<bool, ReadError> {
        let asked = Instant::now();
        let rows = reader.workflows().await?;
        let (classes, prices, limits) =
            tokio::try_join!(reader.priorities(), reader.prices(), reader.spend_limits())?;
        *write(&self.prices) = Arc::new(PriceTable::new(prices));
        *write(&self.limits) = limits
            .into_iter()
            .map(|l| (l.workflow.clone(), Arc::new(l)))
            .collect();
        *write(&self.priorities) = classes.into_iter().map(|p| (p.workflow, p.class)).collect();
        let mut moved = false;
        {
            // A slower read that began earlier must not put an older row back.
            let mut known = write(&self.workflows);
            for row in rows {
                if known.get(&row.name).is_none_or(|w| w.version < row.version) {
                    moved = true;
                    known.insert(row.name.clone(), Arc::new(row));
                }
            }
        }
        let mut seen = write(&self.refreshed);
        *seen = seen.max(Some(asked));
        Ok(moved)
    }

    /// The workflow by a picture that is not older than [`PRESENT`]; read again when it is, and not
    /// answered as long as it cannot be read in time.
    pub(crate) async fn present(
        &self,
        reader: &StoreReader,
        name: &str,
    ) -> Result<Option<Arc<Workflow>>, ReadError> {
        while self.is_older_than(PRESENT) {
            let _one = self.reading.lock().await;
            if self.is_older_than(PRESENT) {
                self.refresh(reader).await?;
            }
        }
        Ok(self.cached_workflow(name))
    }

    fn is_older_than(&self, age: Duration) -> bool {
        read(&self.refreshed).is_none_or(|at| at.elapsed() > age)
    }

    /// The rules version in force: as last seen when that is fresh, otherwise read again. A node
    /// that cannot read it routes nothing, rather than by a table that may be out of force.
    pub(crate) async fn rules_version(
        &self,
        reader: &StoreReader,
        workflow: &str,
    ) -> Result<u64, LoadFault> {
        if self.is_older_than(FRESH) {
            self.refresh(reader).await?;
        }
        Ok(self
            .cached_workflow(workflow)
            .map_or(0, |w| w.rules_version))
    }

    /// A release, checked against its hash when it is first loaded.
    pub(crate) async fn release(
        &self,
        reader: &StoreReader,
        id: ReleaseId,
    ) -> Result<Arc<LiveRelease>, LoadFault> {
        if let Some(r) = read(&self.releases).get(&id) {
            return Ok(Arc::clone(r));
        }
        let row = reader
            .release(id)
            .await?
            .ok_or_else(|| LoadFault::Missing(id.to_string()))?;
        let broken = |why: String| LoadFault::Broken(id.to_string(), why);
        let (package, vars) = Package::from_bundle(&row.bundle).map_err(broken)?;
        if !package.is_release(&vars, &row.artifact, row.hash) {
            return Err(LoadFault::HashMismatch(id.to_string()));
        }
        let def = package.definition(&vars).map_err(|f| broken(f.message))?;
        let ready = Ready::compile(&package, def).map_err(|f| {
            broken(
                f.into_iter()
                    .map(|f| f.message)
                    .collect::<Vec<_>>()
                    .join("; "),
            )
        })?;
        let live = Arc::new(LiveRelease {
            id,
            number: row.number,
            hash: row.hash,
            ready: Arc::new(ready),
            artifact: Arc::new(row.artifact),
            package,
        });
        write(&self.releases).insert(id, Arc::clone(&live));
        Ok(live)
    }

    /// Forgets a release, so that its next use checks the stored text again; answers whether it was
    /// known.
    pub(crate) fn forget(&self, id: ReleaseId) -> bool {
        write(&self.releases).remove(&id).is_some()
    }

    /// A version of a decision table, checked against its hash when it is first loaded.
    pub(crate) async fn rules(
        &self,
        reader: &StoreReader,
        workflow: &str,
        version: u64,
    ) -> Result<Arc<RuleSet>, LoadFault> {
        let key = (workflow.to_owned(), version);
        if let Some(r) = read(&self.rules).get(&key) {
            return Ok(Arc::clone(r));
        }
        let name = format!("rules version {version} of {workflow}");
        let row = reader
            .ruleset(workflow, version)
            .await?
            .ok_or_else(|| LoadFault::Missing(name.clone()))?;
        let (rules, _) = parse(&row.csv).map_err(|f| {
            LoadFault::Broken(
                name.clone(),
                f.first().map(|f| f.message.clone()).unwrap_or_default(),
            )
        })?;
        if rules.hash() != hex(&row.hash) {
            return Err(LoadFault::HashMismatch(name));
        }
        let rules = Arc::new(rules);
        write(&self.rules).insert(key, Arc::clone(&rules));
        Ok(rules)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
            let _ = write!(out, "{b:02x}");
            out
        })
}
