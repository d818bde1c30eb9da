//! One `Store` over two databases: SQLite (embedded, the default) and PostgreSQL (many nodes).
//!
//! [`Store`] is the only way to write and has one verb for it, [`Store::apply`]: all changes of a
//! decision and its audit entry in one transaction, or nothing. [`StoreReader`] has no write methods
//! and is what everybody but the engine gets. Both are cheap to clone. There is no generic query
//! interface and no database type parameter: a store is one of two back ends.

mod actions;
mod attempts;
mod audit;
mod candidates;
mod change;
mod charter;
mod desk;
mod duties;
mod error;
mod gates;
mod handoffs;
mod incidents;
mod instance;
mod intake;
mod jobs;
mod load;
mod migrate;
mod money;
mod notices;
mod oversight;
mod pages;
mod payloads;
mod people;
mod portable;
mod postgres;
mod postmortems;
mod privacy;
mod problems;
mod queue;
mod reader;
mod reviews;
mod rights;
mod rollout;
mod rules;
mod runs;
mod select;
mod sqlite;
mod statements;
mod table;
mod value;
mod workflows;

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tuesday_domain::id::RunId;
use tuesday_domain::record::{Decision, Job};
use tuesday_domain::time::Timestamp;

pub use actions::Turn;
pub use attempts::Sent;
pub use audit::{AuditFilter, AuditHead, AuditRow, SealBatch, Tile, TileKey};
pub use charter::{CharterFigures, Repairs};
pub use duties::DutyFilter;
pub use error::{ApplyError, OpenError, ReadError};
pub use incidents::{
    AlertFilter, BlastFilter, DeliveryFigure, FixCount, IncidentFilter, Late, Place, StuckRun,
    Touched, Waiting,
};
pub use instance::{Instance, InstanceKind, LastSeen};
pub use intake::IntakeFilter;
pub use jobs::{ClaimRequest, NodeName};
pub use migrate::Migrate;
pub use money::{DayState, EntryFilter, FigureMark, NamedRelease};
pub use oversight::{ApprovingFigure, LookFigure, ReadFigure, SeedFigure, VisitFigure};
pub use pages::{Health, Work};
pub use portable::{In, LEFT_OUT, Out, Piece, schema};
pub use postmortems::FollowUpFilter;
pub use privacy::{Due, RetentionMark, Scanned};
pub use problems::{Asked, ProblemFilter};
pub use queue::{DueGroup, QueueCounts, QueueFilter, QueuePage, QueuePlace, QueueRow, QueueTimes};
pub use reader::StoreReader;
pub use reviews::{OverrideCount, ReviewCount};
pub use rollout::{OldPathEvent, Outcomes, RunFigures, ShadowRow};
pub use rules::{DecidedAlike, HitCount, OpenOutput, UnsentAuto};
pub use runs::{ANY_TIER, BatchTotal, ReasonCount, RunCount, RunFilter, RunKind};
pub use workflows::ReleaseHead;

/// Where the data lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file.
    Sqlite(PathBuf),
    /// A connection string, `postgres://user@host/database`.
    Postgres(String),
}

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the data lives.
    pub target: Target,
    /// Whether opening may change the schema.
    pub migrate: Migrate,
    /// PostgreSQL: use no SKIP LOCKED, for databases that only speak its protocol.
    pub portable: bool,
    /// Connections for reading (on PostgreSQL also for claims).
    pub connections: usize,
    /// PostgreSQL: tasks that commit batches, each with its own connection.
    pub writers: usize,
}

impl Config {
    /// A file, migrated when it is opened.
    #[must_use]
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self::of(Target::Sqlite(path.into()))
    }
    /// A server, migrated when it is opened.
    #[must_use]
    pub fn postgres(url: impl Into<String>) -> Self {
        Self::of(Target::Postgres(url.into()))
    }
    const fn of(target: Target) -> Self {
        Self {
            target,
            migrate: Migrate::Apply,
            portable: false,
            connections: 8,
            writers: 2,
        }
    }
}

/// What was committed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Applied {
    /// Index of the audit entry; on PostgreSQL the sequencer assigns it later.
    pub audit: Option<u64>,
}

/// The database, with the right to write. Clones share it.
#[derive(Clone)]
pub struct Store {
    back: Back,
}

/// One of the two back ends.
#[derive(Clone)]
pub(crate) enum Back {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl Store {
    /// Opens the database and brings its schema up to date where the configuration allows it.
    ///
    /// Must be called on a tokio runtime.
    ///
    /// # Errors
    /// When the library is too old, the schema is newer than this program, or the database refuses.
    pub async fn open(config: &Config) -> Result<Self, OpenError> {
        let back = match &config.target {
            Target::Sqlite(path) => {
                let (path, migrate, readers) = (path.clone(), config.migrate, config.connections);
                let open = tokio::task::spawn_blocking(move || {
                    sqlite::Sqlite::open(&path, migrate, readers)
                });
                Back::Sqlite(
                    open.await
                        .map_err(|e| OpenError::Database(e.to_string()))??,
                )
            }
            Target::Postgres(url) => Back::Postgres(postgres::Postgres::open(url, config).await?),
        };
        Ok(Self { back })
    }

    /// A view that cannot write.
    #[must_use]
    pub fn reader(&self) -> StoreReader {
        StoreReader::new(self.back.clone())
    }

    /// Commits all changes of `decision` together with its audit entry, or nothing.
    ///
    /// # Errors
    /// See [`ApplyError`]; after [`ApplyError::UnknownOutcome`] the process must end.
    pub async fn apply(&self, decision: Decision) -> Result<Applied, ApplyError> {
        let leaf = decision
            .entry
            .leaf()
            .map_err(|e| ApplyError::Illegal(e.to_string()))?;
        match &self.back {
            Back::Sqlite(s) => s.apply(decision, leaf).await,
            Back::Postgres(p) => p.apply(decision, leaf).await,
        }
    }

    /// Takes due jobs without a live lease; each gets the next fence and a lease of this node.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn claim(&self, request: ClaimRequest<'_>) -> Result<Vec<Job>, ApplyError> {
        if request.limit == 0 || request.per_workflow.is_empty() {
            return Ok(Vec::new());
        }
        match &self.back {
            Back::Sqlite(s) => {
                let claim = jobs::sqlite::Claim {
                    node: request.node.to_owned(),
                    now: request.now,
                    lease: request.lease,
                    limit: request.limit,
                    per_workflow: request.per_workflow.to_vec(),
                };
                s.write(move |conn| claim.run(conn)).await
            }
            Back::Postgres(p) => jobs::postgres::claim(p, &request).await,
        }
    }

    /// Renews the leases of `held` (run and fence) and names the runs that are no longer held.
    ///
    /// # Errors
    /// When the database does not answer; the leases then run out.
    pub async fn heartbeat(
        &self,
        node: &str,
        now: Option<Timestamp>,
        held: &[(RunId, i64)],
        lease: Duration,
    ) -> Result<Vec<RunId>, ApplyError> {
        if held.is_empty() {
            return Ok(Vec::new());
        }
        match &self.back {
            Back::Sqlite(s) => {
                let (node, held) = (node.to_owned(), held.to_vec());
                s.write(move |conn| jobs::sqlite::heartbeat(conn, &node, now, &held, lease))
                    .await
            }
            Back::Postgres(p) => jobs::postgres::heartbeat(p, node, now, held, lease).await,
        }
    }

    /// Gives back the leases held under this name, or every lease for an empty one: the work of a
    /// process that stops or is known to be gone. Returns how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn release_leases_of(&self, node: &str) -> Result<u64, ApplyError> {
        match &self.back {
            Back::Sqlite(s) => {
                let node = node.to_owned();
                s.write(move |conn| jobs::sqlite::release_all(conn, &node))
                    .await
            }
            Back::Postgres(p) => jobs::postgres::release_all(p, node).await,
        }
    }

    /// Moves when somebody else has written: another process (SQLite) or another node (PostgreSQL).
    /// A hint only; polling stays the truth.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        match &self.back {
            Back::Sqlite(s) => s.watch(),
            Back::Postgres(p) => p.watch(),
        }
    }
}
