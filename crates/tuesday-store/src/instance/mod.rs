//! The instance: who this database says it is, and the clock of a test.

use tuesday_domain::time::Timestamp;
use tuesday_domain::words::UnknownWord;

use crate::error::{ApplyError, ReadError};
use crate::reader::StoreReader;
use crate::value::{Row, Value};
use crate::{Back, Store};

/// Whether an instance does real work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InstanceKind {
    /// Real work; its clock cannot be moved.
    Real,
    /// A demonstration or a test; its clock can.
    Test,
}

impl InstanceKind {
    /// The word used in tables, JSON and pages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Test => "test",
        }
    }
}

impl std::str::FromStr for InstanceKind {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "real" => Ok(Self::Real),
            "test" => Ok(Self::Test),
            _ => Err(UnknownWord {
                text: text.to_owned(),
                noun: "InstanceKind",
                known: &["real", "test"],
            }),
        }
    }
}

/// What a database says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Random id, made once.
    pub id: String,
    /// Name of the audit log, the first line of every checkpoint.
    pub origin: String,
    /// Real or test.
    pub kind: InstanceKind,
    /// When it was made.
    pub created_at: Timestamp,
    /// How far the test clock is ahead of the system's, in microseconds; 0 on real instances.
    pub clock_offset: i64,
    /// When this database was last put back from a backup. What its older runs have not sent may
    /// have been sent after that backup was taken.
    pub restored_at: Option<Timestamp>,
}

/// The last sign of a node that works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastSeen {
    /// When.
    pub at: Timestamp,
    /// It stopped because it was told to.
    pub stopped: bool,
}

const INIT: &str = "INSERT INTO instance (one, id, origin, kind, created_at, clock_offset) \
    VALUES (1, $1, $2, $3, $4, $5) ON CONFLICT (one) DO NOTHING";
const CLOCK: &str = "UPDATE instance SET clock_offset = $1 WHERE one = 1 AND kind = 'test'";
pub(crate) const RESTORED: &str = "UPDATE instance SET restored_at = $1 WHERE one = 1";
const ALIVE: &str = "UPDATE instance SET seen_at = $1, stopped_at = NULL WHERE one = 1";
const STOPPED: &str = "UPDATE instance SET seen_at = $1, stopped_at = $1 WHERE one = 1";
const SEEN: &str = "SELECT seen_at, stopped_at FROM instance WHERE one = 1 AND seen_at IS NOT NULL";
pub(crate) const RETURNED: &str =
    "UPDATE instance SET seen_at = $1, stopped_at = NULL WHERE one = 1 AND seen_at = $2";
const READ: &str =
    "SELECT id, origin, kind, created_at, clock_offset, restored_at FROM instance WHERE one = 1";

fn instance(r: Row<'_>) -> Result<Instance, ReadError> {
    Ok(Instance {
        id: r.text(0)?,
        origin: r.text(1)?,
        kind: r.word(2)?,
        created_at: r.time(3)?,
        clock_offset: r.int(4)?,
        restored_at: r.opt_time(5)?,
    })
}

impl Store {
    /// Names the instance unless it has a name, and returns what it is now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn init_instance(&self, wanted: &Instance) -> Result<Instance, ApplyError> {
        let params = vec![
            Value::Text(wanted.id.clone()),
            Value::Text(wanted.origin.clone()),
            Value::Text(wanted.kind.word().to_owned()),
            Value::Int(wanted.created_at.micros()),
            Value::Int(wanted.clock_offset),
        ];
        self.execute(INIT, params).await?;
        let found = self.reader().instance().await?;
        found.ok_or_else(|| ApplyError::Corrupt("the instance has no name".into()))
    }

    /// Sets the test clock, in microseconds ahead of the system's.
    ///
    /// # Errors
    /// A conflict on a real instance, whose clock cannot be moved.
    pub async fn set_clock(&self, offset: i64) -> Result<(), ApplyError> {
        match self.execute(CLOCK, vec![Value::Int(offset)]).await? {
            1 => Ok(()),
            _ => Err(ApplyError::Conflict {
                what: "the clock of an instance that is not for tests".into(),
            }),
        }
    }

    /// A node that works is there; no other one has been the last to stop.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn say_alive(&self, at: Timestamp) -> Result<(), ApplyError> {
        self.execute(ALIVE, vec![Value::Int(at.micros())]).await?;
        Ok(())
    }

    /// A node that works stops because it was told to. Another one takes that back with its next sign.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn say_stopped(&self, at: Timestamp) -> Result<(), ApplyError> {
        self.execute(STOPPED, vec![Value::Int(at.micros())]).await?;
        Ok(())
    }

    /// One statement in a transaction of its own; returns the rows it touched.
    pub(crate) async fn execute(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<u64, ApplyError> {
        match &self.back {
            Back::Sqlite(s) => {
                let work = move |conn: &rusqlite::Connection| {
                    let mut stmt = conn
                        .prepare_cached(sql)
                        .map_err(crate::sqlite::fault::from_sqlite)?;
                    let touched = stmt.execute(rusqlite::params_from_iter(&params));
                    touched
                        .map(|n| n as u64)
                        .map_err(crate::sqlite::fault::from_sqlite)
                };
                s.write(work).await
            }
            Back::Postgres(p) => p.execute(sql, &params).await,
        }
    }
}

impl StoreReader {
    /// When a node that works was last seen; absent where none ever was.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn last_seen(&self) -> Result<Option<LastSeen>, ReadError> {
        let seen = |r: Row<'_>| {
            Ok(LastSeen {
                at: r.time(0)?,
                stopped: r.opt_time(1)?.is_some(),
            })
        };
        self.first(SEEN, vec![], seen).await
    }

    /// What the database says it is; absent on a new one.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn instance(&self) -> Result<Option<Instance>, ReadError> {
        self.first(READ, vec![], instance).await
    }
}
