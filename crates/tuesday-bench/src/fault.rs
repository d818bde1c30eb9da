//! What can go wrong while measuring. A measurement that is not whole is not reported.

use std::path::PathBuf;
use std::time::Duration;

/// Why there is no figure.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// Only plain `http://host:port` addresses are driven; load over TLS would measure TLS.
    #[error("address \"{0}\" is not of the form http://host:port/path")]
    Address(String),
    /// A connection could not be opened or broke.
    #[error("connection to {to}: {detail}")]
    Connection {
        /// Host and port.
        to: String,
        /// What was said.
        detail: String,
    },
    /// An answer that was not the expected one.
    #[error("{what} answered {status}: {detail}")]
    Answer {
        /// Who was asked.
        what: String,
        /// HTTP status.
        status: u16,
        /// The start of the body, or what was missing in it.
        detail: String,
    },
    /// No run was finished for a long time.
    #[error("{finished} of {wanted} runs were finished, and none in the last {patience:?}")]
    Stalled {
        /// Runs that were.
        finished: u64,
        /// Runs that should have been.
        wanted: u64,
        /// How long nothing moved.
        patience: Duration,
    },
    /// Events were refused, so throughput would be that of refusals.
    #[error("{refused} of {sent} events were refused, first with {first}")]
    Refused {
        /// How many were.
        refused: u64,
        /// How many were sent.
        sent: u64,
        /// Status or fault of the first.
        first: String,
    },
    /// A run of the floor program failed.
    #[error("a run of the floor program failed: {0}")]
    Run(String),
    /// Nothing to measure.
    #[error("`{0}` must be at least 1")]
    Nothing(&'static str),
    /// A file could not be used.
    #[error("{path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A socket of our own failed.
    #[error("serving the floor program")]
    Serve(#[source] std::io::Error),
    /// SQLite refused.
    #[error("SQLite")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL refused.
    #[error("PostgreSQL")]
    Postgres(#[from] tokio_postgres::Error),
    /// A thread of ours is gone.
    #[error("the {0} ended before its work did")]
    Gone(&'static str),
}
