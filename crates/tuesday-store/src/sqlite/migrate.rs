//! Migrations on SQLite: all under one exclusive lock, so that two processes never run them at once.

use rusqlite::{Connection, TransactionBehavior, params};

use crate::error::OpenError;
use crate::migrate::{ALL, APPLIED, Migrate, TABLE_SQLITE, checksum, missing, refuse_if_behind};

/// Applies what is missing, or refuses.
pub(super) fn run(conn: &mut Connection, mode: Migrate) -> Result<(), OpenError> {
    if todo(conn)?.1 == 0 {
        return Ok(());
    }
    if mode == Migrate::Refuse {
        let (applied, todo) = todo(conn)?;
        return refuse_if_behind(&applied, todo);
    }
    loop {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        tx.execute_batch(TABLE_SQLITE)?;
        // Read again under the lock: another process may have been here first.
        let applied = read(&tx)?;
        let Some(next) = missing(&applied, |m| m.sqlite)?.first().copied() else {
            return Ok(tx.commit()?);
        };
        tx.execute_batch(next.sqlite)?;
        tx.execute(
            "INSERT INTO schema_migrations (number, name, checksum, applied_at) \
             VALUES (?1, ?2, ?3, CAST(unixepoch('subsec') * 1000000 AS INTEGER))",
            params![next.number, next.name, checksum(next.sqlite)],
        )?;
        tx.commit()?;
        tracing::info!(
            number = next.number,
            name = next.name,
            of = ALL.len(),
            "migration applied"
        );
    }
}

type Applied = Vec<(i64, Vec<u8>)>;

fn todo(conn: &Connection) -> Result<(Applied, usize), OpenError> {
    let there: bool = conn.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations')",
        [],
        |r| r.get(0),
    )?;
    let applied = if there { read(conn)? } else { Vec::new() };
    let todo = missing(&applied, |m| m.sqlite)?.len();
    Ok((applied, todo))
}

fn read(conn: &Connection) -> Result<Applied, OpenError> {
    let mut stmt = conn.prepare(APPLIED)?;
    let rows = stmt.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
