//! What can be wrong with what the stub world is told to do.

use std::path::PathBuf;

/// A seed, a script or a file that the stub world cannot work with.
#[derive(Debug, thiserror::Error)]
pub enum StubError {
    /// The seed is not an object of `"system/collection"` to a list of records.
    #[error("seed: {0}")]
    Seed(String),
    /// A script or a setting that cannot be carried out.
    #[error("script: {0}")]
    Script(String),
    /// The ledger file cannot be read or written.
    #[error("ledger file {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A line of the ledger file is not an entry.
    #[error("ledger file {path}, line {line}: not an entry")]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
}
