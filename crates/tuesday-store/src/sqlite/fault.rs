//! What an SQLite error means for the caller.

use rusqlite::Error;
use rusqlite::ffi::{self, ErrorCode};

use crate::error::{ApplyError, ReadError};

/// Sorts an error of a write.
pub(crate) fn from_sqlite(e: Error) -> ApplyError {
    match e.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => ApplyError::Full,
        Some(ErrorCode::ReadOnly) => ApplyError::ReadOnly,
        Some(ErrorCode::ConstraintViolation) => ApplyError::Illegal(e.to_string()),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            ApplyError::Corrupt(e.to_string())
        }
        Some(_) => ApplyError::Unavailable(e.to_string()),
        None => ApplyError::Corrupt(e.to_string()),
    }
}

/// Sorts an error of a read.
pub(crate) fn from_read(e: Error) -> ReadError {
    match e.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) | None => {
            ReadError::Corrupt(e.to_string())
        }
        Some(_) => ReadError::Unavailable(e.to_string()),
    }
}

/// A row with this key is already there.
pub(crate) fn is_duplicate(e: &Error) -> bool {
    let code = e.sqlite_error().map(|e| e.extended_code);
    matches!(
        code,
        Some(
            ffi::SQLITE_CONSTRAINT_UNIQUE
                | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                | ffi::SQLITE_CONSTRAINT_ROWID
        )
    )
}

/// No entry can be written into the audit log: a trigger, a constraint or a missing table, as
/// opposed to a disk or a connection that troubles every table.
pub(crate) fn from_audit(e: Error) -> ApplyError {
    match from_sqlite(e) {
        ApplyError::Illegal(m) | ApplyError::Unavailable(m) | ApplyError::Corrupt(m) => {
            ApplyError::AuditUnavailable(m)
        }
        other => other,
    }
}
