//! One decision on SQLite: its changes in order, then its entry.

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};
use tuesday_domain::id::RunId;
use tuesday_domain::record::{Change, Decision, Run};
use uuid::Uuid;

use super::fault::{from_audit, from_sqlite, is_duplicate};
use crate::change::{Verb, audited_run, audited_workflow, bind, describe};
use crate::error::ApplyError;
use crate::jobs;
use crate::value::Param;

/// The entry gets the next index; the writer holds the write lock, so nobody else can take it.
pub(crate) const APPEND: &str = "INSERT INTO audit (idx, run_id, workflow, seq, at, kind, leaf) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
pub(crate) const NEXT_INDEX: &str = "SELECT coalesce(max(idx) + 1, 0) FROM audit";
pub(crate) const EVENT: &str =
    "SELECT id, body_hash FROM runs WHERE event_id = ?1 AND event_source = ?2 AND workflow = ?3";

/// Applies everything or returns an error; the caller rolls back to its savepoint.
pub(super) fn decision(
    conn: &Connection,
    decision: &Decision,
    leaf: &[u8],
    index: i64,
) -> Result<(), ApplyError> {
    for change in &decision.changes {
        one(conn, change)?;
    }
    let run = audited_run(decision);
    let mut append = conn.prepare_cached(APPEND).map_err(from_audit)?;
    append
        .execute(params![
            index,
            run.map(|r| r.0.uuid().into_bytes()),
            audited_workflow(decision),
            run.map(|r| r.1),
            decision.entry.at.micros(),
            decision.entry.kind,
            leaf,
        ])
        .map_err(from_audit)?;
    Ok(())
}

fn one(conn: &Connection, change: &Change) -> Result<(), ApplyError> {
    let mut lists = None;
    let mut params = Vec::with_capacity(34);
    let conflict = || ApplyError::Conflict {
        what: describe(change),
    };
    match bind(change, &mut lists, &mut params) {
        Verb::Insert(table) => match run(conn, &table.sqlite().insert, &params) {
            Ok(_) => Ok(()),
            Err(e) if is_duplicate(&e) => Err(duplicate(conn, change)?),
            Err(e) => Err(from_sqlite(e)),
        },
        Verb::Update(table) => {
            let touched =
                run(conn, &table.sqlite().update, &params[..table.bound]).map_err(from_sqlite)?;
            if touched == 1 {
                Ok(())
            } else {
                Err(conflict())
            }
        }
        Verb::Put(table) => run(conn, &table.sqlite().put, &params)
            .map(drop)
            .map_err(from_sqlite),
        Verb::One(sql) => match run(conn, sql, &params) {
            Ok(1) => Ok(()),
            Ok(_) => Err(conflict()),
            Err(e) => Err(from_sqlite(e)),
        },
        Verb::Any(sql) => run(conn, sql, &params).map(drop).map_err(from_sqlite),
        Verb::Fence(jobs::Fence::Check) => {
            let mut check = conn
                .prepare_cached(jobs::sqlite::fence_sql(jobs::Fence::Check))
                .map_err(from_sqlite)?;
            bind_all(&mut check, &params).map_err(from_sqlite)?;
            let held = check.raw_query().next().map_err(from_sqlite)?.is_some();
            if held {
                Ok(())
            } else {
                Err(ApplyError::FenceLost)
            }
        }
        Verb::Fence(kind) => match run(conn, jobs::sqlite::fence_sql(kind), &params) {
            Ok(1) => Ok(()),
            Ok(_) => Err(ApplyError::FenceLost),
            Err(e) => Err(from_sqlite(e)),
        },
        Verb::DropJob => run(conn, jobs::sqlite::DROP, &params)
            .map(drop)
            .map_err(from_sqlite),
    }
}

fn run(conn: &Connection, sql: &str, params: &[Param<'_>]) -> rusqlite::Result<usize> {
    let mut stmt = conn.prepare_cached(sql)?;
    bind_all(&mut stmt, params)?;
    stmt.raw_execute()
}

fn bind_all(stmt: &mut CachedStatement<'_>, params: &[Param<'_>]) -> rusqlite::Result<()> {
    for (i, p) in params.iter().enumerate() {
        stmt.raw_bind_parameter(i + 1, p)?;
    }
    Ok(())
}

/// What a taken key means: a known event, or a row somebody else has just inserted.
fn duplicate(conn: &Connection, change: &Change) -> Result<ApplyError, ApplyError> {
    if let Change::InsertRun(run) = change
        && let Some((id, hash)) = known_event(conn, run).map_err(from_sqlite)?
    {
        let run_id = RunId::new(Uuid::from_bytes(id));
        return Ok(ApplyError::DuplicateEvent {
            run: run_id,
            same_body: hash == run.body_hash,
        });
    }
    Ok(ApplyError::Conflict {
        what: describe(change),
    })
}

fn known_event(conn: &Connection, run: &Run) -> rusqlite::Result<Option<([u8; 16], [u8; 32])>> {
    conn.prepare_cached(EVENT)?
        .query_row(params![run.event_id, run.event_source, run.workflow], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
        .optional()
}
