//! What a PostgreSQL error means for the caller.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::error::{ApplyError, ReadError};

/// The server's own words; the library's say only that there was an error.
pub(crate) fn in_words(e: &Error) -> String {
    e.as_db_error().map_or_else(
        || e.to_string(),
        |db| format!("{} ({})", db.message(), db.code().code()),
    )
}

/// Sorts an error of a write.
pub(crate) fn from_pg(e: Error) -> ApplyError {
    let words = in_words(&e);
    match e.code() {
        None => ApplyError::Unavailable(words),
        Some(c) if *c == SqlState::DISK_FULL => ApplyError::Full,
        Some(c) if *c == SqlState::READ_ONLY_SQL_TRANSACTION => ApplyError::ReadOnly,
        Some(c) => match c.code().get(..2) {
            // Constraints, and values that do not fit their type.
            Some("23" | "22") => ApplyError::Illegal(words),
            // Wrong statements and missing tables: a fault in the program or the database.
            Some("42" | "0A" | "P0") => ApplyError::Corrupt(words),
            _ => ApplyError::Unavailable(words),
        },
    }
}

/// Sorts an error of a read.
pub(crate) fn from_read(e: &Error) -> ReadError {
    let words = in_words(e);
    match e.code().and_then(|c| c.code().get(..2)) {
        Some("42" | "22" | "XX" | "0A") => ReadError::Corrupt(words),
        _ => ReadError::Unavailable(words),
    }
}

/// No entry can be written into the audit log, as opposed to trouble that every table has.
pub(crate) fn from_audit(e: Error) -> ApplyError {
    let connection = e.code().is_none();
    match from_pg(e) {
        ApplyError::Unavailable(m) if connection => ApplyError::Unavailable(m),
        ApplyError::Illegal(m) | ApplyError::Unavailable(m) | ApplyError::Corrupt(m) => {
            ApplyError::AuditUnavailable(m)
        }
        other => other,
    }
}

/// Two transactions met; the same one may simply be tried again.
pub(crate) fn is_collision(e: &Error) -> bool {
    matches!(e.code(), Some(c) if *c == SqlState::T_R_SERIALIZATION_FAILURE || *c == SqlState::T_R_DEADLOCK_DETECTED)
}

/// A row with this key is already there.
pub(crate) fn is_duplicate(e: &Error) -> bool {
    e.code() == Some(&SqlState::UNIQUE_VIOLATION)
}
