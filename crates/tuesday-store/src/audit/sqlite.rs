//! Sealing on SQLite.

use rusqlite::{Connection, params};

use super::{HEAD_SIZE, LOG_SIZE, PUT_CHECKPOINT, PUT_HEAD, PUT_TILE, SealBatch, check_seal};
use crate::error::ApplyError;
use crate::sqlite::fault::from_sqlite;
use crate::value::big;

/// Tiles, edge and signed head in one go; the writer's lock keeps others out.
pub(crate) fn seal(conn: &Connection, batch: &SealBatch) -> Result<(), ApplyError> {
    let newest = conn
        .query_row(HEAD_SIZE, [], |r| r.get(0))
        .map_err(from_sqlite)?;
    let entries = conn
        .query_row(LOG_SIZE, [], |r| r.get(0))
        .map_err(from_sqlite)?;
    check_seal(batch, newest, entries)?;
    let mut put = conn.prepare_cached(PUT_TILE).map_err(from_sqlite)?;
    for t in &batch.tiles {
        put.execute(params![t.key.level, big(t.key.index), t.width, t.hashes])
            .map_err(from_sqlite)?;
    }
    let c = &batch.checkpoint;
    conn.execute(PUT_HEAD, params![big(c.size), batch.frontier])
        .map_err(from_sqlite)?;
    conn.execute(
        PUT_CHECKPOINT,
        params![big(c.size), c.root, c.note, c.at.micros()],
    )
    .map_err(from_sqlite)?;
    Ok(())
}
