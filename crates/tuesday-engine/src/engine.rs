//! The engine: store, ports, clock and what this node has loaded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tuesday_domain::actor::Actor;
use tuesday_domain::port::Ports;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Cursor, Decision, Subject, Workflow};
use tuesday_domain::time::Timestamp;
use tuesday_store::{Applied, ApplyError, ReadError, Store, StoreReader};

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::crash::{CrashHook, CrashPoint};
use crate::rate::TokenRate;
use crate::worker::Slots;
use crate::worker::limits::Limiters;

/// Answers free and all bytes of a volume, when it can be asked.
pub type Space = Arc<dyn Fn() -> Option<(u64, u64)> + Send + Sync>;

/// How a node is set up.
#[derive(Clone)]
pub struct EngineConfig {
    /// Name of this node, unique among the living ones; leases carry it.
    pub node: String,
    /// How long a lease lasts unless renewed.
    pub lease: Duration,
    /// Runs worked on at once on this node, over all workflows; 0 on a node without a worker.
    pub slots: u32,
    /// Most events a token may send in a second on this node; no limit when absent.
    pub events_per_second: Option<std::num::NonZeroU32>,
    /// When the database was put back from a backup, if it was.
    pub restored_at: Option<Timestamp>,
    /// Bounds of what packages declare about keeping payloads.
    pub retention: tuesday_domain::privacy::RetentionLimits,
    /// Where the console is, for links in notices.
    pub public_url: String,
    /// Signs checkpoints; absent on nodes that do not seal.
    pub signer: Option<Arc<tuesday_domain::audit::NoteSigner>>,
    /// Where checkpoints are published outside the database.
    pub checkpoint_file: Option<std::path::PathBuf>,
    /// Called when the outcome of a commit is unknown: must end the process.
    pub fatal: Arc<dyn Fn(&str) + Send + Sync>,
    /// Free and all bytes of the volume this node writes to, when it can be asked.
    pub space: Option<Space>,
    /// Less of that volume free than this share, percent, opens an incident; less than a GiB always does.
    pub least_free_percent: u8,
    /// Test harness only.
    pub crash: Option<CrashHook>,
}

/// What `/healthz` and `/readyz` say.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Health {
    /// The database answers.
    pub database: bool,
    /// A worker loop is running on this node.
    pub worker: bool,
    /// The node is going down.
    pub stopping: bool,
    /// In words, when something is wrong.
    pub detail: Option<String>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) reader: StoreReader,
    pub(crate) ports: Ports,
    pub(crate) clock: Clock,
    pub(crate) config: EngineConfig,
    pub(crate) catalog: Catalog,
    pub(crate) slots: Slots,
    pub(crate) limiters: Limiters,
    pub(crate) tokens: crate::ops::TokenCache,
    pub(crate) presence: crate::ops::Presence,
    pub(crate) late_told: crate::ops::LateTold,
    pub(crate) dependencies: crate::dependencies::Dependencies,
    pub(crate) uses: crate::ops::Uses,
    pub(crate) rate: TokenRate,
    pub(crate) verifies: crate::maintenance::Verifies,
    pub(crate) stopping: AtomicBool,
    pub(crate) worker_alive: AtomicBool,
    changes: watch::Sender<u64>,
}

/// The only writer. Cheap to clone.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

impl Engine {
    /// An engine over an open store.
    #[must_use]
    pub fn new(store: Store, ports: Ports, clock: Clock, config: EngineConfig) -> Self {
        let reader = store.reader();
        let slots = Slots::new(config.slots);
        Self(Arc::new(Inner {
            store,
            reader,
            ports,

            slots,
            rate: TokenRate::new(config.events_per_second),
            verifies: crate::maintenance::Verifies::starting(clock.now()),
            clock,
            config,
            catalog: Catalog::default(),
            limiters: Limiters::default(),
            tokens: crate::ops::TokenCache::default(),
            presence: crate::ops::Presence::default(),
            late_told: crate::ops::LateTold::default(),
            dependencies: crate::dependencies::Dependencies::default(),
            uses: crate::ops::Uses::default(),
            stopping: AtomicBool::new(false),
            worker_alive: AtomicBool::new(false),
            changes: watch::Sender::new(0),
        }))
    }

    /// Reads; cannot write.
    #[must_use]
    pub fn reader(&self) -> &StoreReader {
        &self.0.reader
    }

    /// The time on this instance's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The clock, for `tuesday clock`.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// A number that grows with every change this node made; a hint for live pages.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Reads the installed workflows; called once when a node starts.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn load(&self) -> Result<(), Problem> {
        self.0
            .catalog
            .refresh(&self.0.reader)
            .await
            .map(drop)
            .map_err(read_problem)
    }

    /// Refuses new work from now on.
    pub fn stop_accepting(&self) {
        self.0.stopping.store(true, Ordering::SeqCst);
    }

    /// The node is going down; streams that stay open end by themselves.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::SeqCst)
    }

    /// How this node is.
    pub async fn health(&self) -> Health {
        let database = self.0.reader.health().await;
        Health {
            worker: self.0.worker_alive.load(Ordering::SeqCst),
            stopping: self.0.stopping.load(Ordering::SeqCst),
            detail: database.as_ref().err().map(ToString::to_string),
            database: database.is_ok(),
        }
    }

    pub(crate) fn crash_point(&self, name: &'static str) {
        if let Some(hook) = &self.0.config.crash {
            debug_assert!(
                crate::crash::CRASH_POINTS.contains(&name),
                "{name} is not in the table"
            );
            hook(CrashPoint(name));
        }
    }

    /// Applies a decision between two crash points.
    pub(crate) async fn apply_at(
        &self,
        before: &'static str,
        after: &'static str,
        decision: Decision,
    ) -> Result<Applied, ApplyError> {
        self.crash_point(before);
        let applied = self.apply(decision).await?;
        self.crash_point(after);
        Ok(applied)
    }

    /// Applies a decision; the one way anything is written.
    pub(crate) async fn apply(&self, decision: Decision) -> Result<Applied, ApplyError> {
        let kind = decision.entry.kind;
        let result = self.0.store.apply(decision).await;
        match &result {
            Ok(_) => {
                metrics::counter!("tuesday_decisions_total", "kind" => kind).increment(1);
                self.0.changes.send_modify(|n| *n += 1);
            }
            // Nobody knows what is stored: the process ends, starts again and reads.
            Err(ApplyError::UnknownOutcome(why)) => (self.0.config.fatal)(why),
            Err(_) => {
                metrics::counter!("tuesday_decisions_refused_total", "kind" => kind).increment(1)
            }
        }
        result
    }
}

impl Engine {
    /// How many runs of a workflow may be worked on at once here; none while its release cannot be
    /// loaded, except one at a time to put them before a person.
    pub(crate) async fn workflow_cap(&self, workflow: &Workflow) -> u32 {
        match self
            .0
            .catalog
            .release(&self.0.reader, workflow.live_release)
            .await
        {
            Ok(release) => release.ready.def.limits.concurrency,
            Err(_) => 1,
        }
    }

    /// Remembers how far a pulling trigger has read.
    pub(crate) async fn put_cursor(
        &self,
        workflow: &str,
        trigger: &str,
        value: &str,
    ) -> Result<(), String> {
        let cursor = Cursor {
            workflow: workflow.to_owned(),
            trigger: trigger.to_owned(),
            value: value.to_owned(),
        };
        let entry = AuditEntry::new(
            self.now(),
            Actor::System("schedule"),
            "trigger.read",
            Subject::Workflow(workflow.to_owned()),
        )
        .fact("trigger", trigger)
        .fact("to", value);
        let decision = Decision {
            changes: vec![Change::PutCursor(cursor)],
            entry,
        };
        self.apply(decision)
            .await
            .map(drop)
            .map_err(|e| e.to_string())
    }
}

/// What a failed write means to the one who asked.
pub(crate) fn apply_problem(e: ApplyError) -> Problem {
    match e {
        ApplyError::Conflict { what } => Problem::new(
            "revision_moved",
            format!("{what} changed since it was read"),
        )
        .way_out("read it again and decide again"),
        ApplyError::DuplicateEvent { run, .. } => {
            Problem::new("event_mismatch", "the event is known").with("run_id", run.to_string())
        }
        ApplyError::FenceLost => Problem::new("illegal_state", "another node works on it"),
        ApplyError::AuditUnavailable(why) => Problem::new("audit_unavailable", why),
        ApplyError::ReadOnly => Problem::new("audit_unavailable", "the database is read-only"),
        ApplyError::Full => Problem::new("storage_full", "the volume of the database is full")
            .way_out("free space; work resumes by itself"),
        ApplyError::Unavailable(why) | ApplyError::UnknownOutcome(why) => {
            Problem::new("unavailable", why)
        }
        ApplyError::Illegal(why) | ApplyError::Corrupt(why) => {
            tracing::error!(%why, "the store refused a decision");
            Problem::new(
                "internal",
                "the store refused the change; the log has the details",
            )
        }
    }
}

pub(crate) fn read_problem(e: ReadError) -> Problem {
    match e {
        ReadError::Unavailable(why) => Problem::new("unavailable", why),
        ReadError::Corrupt(why) => Problem::new("record_damaged", why),
    }
}
