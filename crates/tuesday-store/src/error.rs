//! What can go wrong, sorted by what the caller must do about it.

use tuesday_domain::id::RunId;

/// Why a decision was not applied. In every case but [`ApplyError::UnknownOutcome`] nothing of it
/// is in the database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// A row is not in the version or state the decision was made for: read again and decide again.
    #[error("{what} has changed since it was read")]
    Conflict {
        /// The row, in words.
        what: String,
    },
    /// The event is known: `run` is what it became.
    #[error("the event is already {run}")]
    DuplicateEvent {
        /// The run of the first occurrence.
        run: RunId,
        /// Whether the body is the same; a different one under a known id is the sender's mistake.
        same_body: bool,
    },
    /// Another claim, or a person, took the job: the result is late and must not be used.
    #[error("the lease on the job is lost")]
    FenceLost,
    /// The audit entry could not be written, so nothing was.
    #[error("the audit entry cannot be written: {0}")]
    AuditUnavailable(String),
    /// The database takes no writes.
    #[error("the database is read-only")]
    ReadOnly,
    /// No room left where the database lives.
    #[error("the database has no room left")]
    Full,
    /// The database did not answer; the same decision may be tried again.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The commit itself failed: nobody knows what is stored. End the process and read again.
    #[error("the outcome of a commit is unknown: {0}")]
    UnknownOutcome(String),
    /// A row breaks a rule of the schema: a fault in the caller, never a race.
    #[error("the decision breaks a rule of the schema: {0}")]
    Illegal(String),
    /// The stored bytes make no sense.
    #[error("the database holds something unreadable: {0}")]
    Corrupt(String),
}

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The database did not answer.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The stored bytes make no sense.
    #[error("the database holds something unreadable: {0}")]
    Corrupt(String),
}

impl From<ReadError> for ApplyError {
    fn from(e: ReadError) -> Self {
        match e {
            ReadError::Unavailable(m) => Self::Unavailable(m),
            ReadError::Corrupt(m) => Self::Corrupt(m),
        }
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The SQLite library has the bug that can lose a WAL.
    #[error("SQLite {found} can corrupt a database in WAL mode; 3.51.3 or newer is needed")]
    OldLibrary {
        /// Version of the linked library.
        found: String,
    },
    /// The database was written by a newer program.
    #[error(
        "the database has schema {found}, this program knows up to {known}: use the newer program"
    )]
    NewerSchema {
        /// Number of the newest migration in the database.
        found: i64,
        /// Number of the newest migration in this program.
        known: i64,
    },
    /// The database needs migrations, and applying them was not asked for.
    #[error("the database has schema {found}, this program needs {known}: run `tuesday migrate`")]
    OlderSchema {
        /// Number of the newest migration in the database.
        found: i64,
        /// Number of the newest migration in this program.
        known: i64,
    },
    /// An applied migration is not the one this program carries.
    #[error("migration {number} in the database is not the one of this program")]
    ChangedMigration {
        /// Its number.
        number: i64,
    },
    /// The database refused.
    #[error("the database cannot be opened: {0}")]
    Database(String),
}

impl From<rusqlite::Error> for OpenError {
    fn from(e: rusqlite::Error) -> Self {
        Self::Database(e.to_string())
    }
}

impl From<tokio_postgres::Error> for OpenError {
    fn from(e: tokio_postgres::Error) -> Self {
        Self::Database(crate::postgres::fault::in_words(&e))
    }
}
