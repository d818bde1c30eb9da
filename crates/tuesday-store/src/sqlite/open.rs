//! How connections are opened: the settings that durability and speed rest on.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::OpenError;

/// The first version without the bug that could corrupt a database when a WAL is reset.
const OLDEST: i32 = 3_051_003;

/// Refuses a library that can lose data.
pub(super) fn refuse_old_library() -> Result<(), OpenError> {
    if rusqlite::version_number() < OLDEST {
        return Err(OpenError::OldLibrary {
            found: rusqlite::version().to_owned(),
        });
    }
    Ok(())
}

/// The connection of the writer thread.
pub(super) fn writer(path: &Path) -> Result<Connection, OpenError> {
    let conn = Connection::open(path)?;
    conn.busy_timeout(Duration::from_secs(10))?;
    // The page size counts only before the first table is written.
    conn.execute_batch("PRAGMA page_size = 8192; PRAGMA auto_vacuum = NONE;")?;
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |r| r.get(0))?;
    if mode != "wal" {
        return Err(OpenError::Database(format!(
            "the file system allows no WAL (journal mode is {mode})"
        )));
    }
    conn.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA secure_delete = ON;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -32768;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    conn.set_prepared_statement_cache_capacity(160);
    Ok(conn)
}

/// A connection that cannot write.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::from_secs(10))?;
    conn.execute_batch(
        "PRAGMA query_only = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -4096;
         PRAGMA mmap_size = 268435456;",
    )?;
    conn.set_prepared_statement_cache_capacity(160);
    Ok(conn)
}
