//! Sequencing and sealing on PostgreSQL. The row of `audit_head` is the lock: whoever holds it is
//! the only one that gives out indices or stores a head.

use super::{HEAD_SIZE, LOG_SIZE, PUT_CHECKPOINT, PUT_HEAD, PUT_TILE, SealBatch, check_seal};
use crate::error::ApplyError;
use crate::postgres::fault::from_pg;
use crate::postgres::{Postgres, refs};
use crate::value::{Value, big};

const LOCK: &str = "SELECT next_idx FROM audit_head WHERE one = 1 FOR UPDATE";
/// Entries that committed together are ordered by time, and within a run by its version.
const SEQUENCE: &str = "UPDATE audit AS a SET idx = n.idx FROM ( \
    SELECT id, $1::bigint - 1 + row_number() OVER (ORDER BY at, seq, id) AS idx FROM ( \
    SELECT id, at, seq FROM audit WHERE idx IS NULL ORDER BY at LIMIT $2) AS w) AS n \
    WHERE a.id = n.id AND a.idx IS NULL";
const ADVANCE: &str = "UPDATE audit_head SET next_idx = next_idx + $1::bigint WHERE one = 1";

/// Every statement of this file, for the test that prepares them all.
pub(crate) const ALL: [&str; 3] = [LOCK, SEQUENCE, ADVANCE];

/// Gives the oldest entries without an index the next ones.
pub(crate) async fn sequence(pg: &Postgres, limit: usize) -> Result<u64, ApplyError> {
    let mut client = pg.client().await?;
    let tx = client.transaction().await.map_err(from_pg)?;
    let lock = tx.prepare_cached(LOCK).await.map_err(from_pg)?;
    let next: i64 = tx
        .query_one(&lock, &[])
        .await
        .map_err(from_pg)?
        .try_get(0)
        .map_err(from_pg)?;
    let assign = tx.prepare_cached(SEQUENCE).await.map_err(from_pg)?;
    let given = tx
        .execute(&assign, &[&next, &big(limit as u64)])
        .await
        .map_err(from_pg)?;
    if given > 0 {
        let advance = tx.prepare_cached(ADVANCE).await.map_err(from_pg)?;
        tx.execute(&advance, &[&big(given)])
            .await
            .map_err(from_pg)?;
    }
    // A lost answer is harmless here: the next round reads where it stands.
    tx.commit().await.map_err(from_pg)?;
    Ok(given)
}

/// Tiles, edge and signed head in one go.
pub(crate) async fn seal(pg: &Postgres, batch: &SealBatch) -> Result<(), ApplyError> {
    let mut client = pg.client().await?;
    let tx = client.transaction().await.map_err(from_pg)?;
    tx.query_one(LOCK, &[]).await.map_err(from_pg)?;
    let newest = tx
        .query_one(HEAD_SIZE, &[])
        .await
        .map_err(from_pg)?
        .try_get(0)
        .map_err(from_pg)?;
    let entries = tx
        .query_one(LOG_SIZE, &[])
        .await
        .map_err(from_pg)?
        .try_get(0)
        .map_err(from_pg)?;
    check_seal(batch, newest, entries)?;
    let put = tx.prepare_cached(PUT_TILE).await.map_err(from_pg)?;
    for t in &batch.tiles {
        let row = [
            Value::Int(i64::from(t.key.level)),
            Value::Int(big(t.key.index)),
            Value::Int(i64::from(t.width)),
            Value::Blob(t.hashes.clone()),
        ];
        tx.execute(&put, &refs(&row)).await.map_err(from_pg)?;
    }
    let c = &batch.checkpoint;
    let head = [Value::Int(big(c.size)), Value::Blob(batch.frontier.clone())];
    tx.execute(PUT_HEAD, &refs(&head)).await.map_err(from_pg)?;
    let row = [
        Value::Int(big(c.size)),
        Value::Blob(c.root.to_vec()),
        Value::Text(c.note.clone()),
        Value::Int(c.at.micros()),
    ];
    tx.execute(PUT_CHECKPOINT, &refs(&row))
        .await
        .map_err(from_pg)?;
    tx.commit()
        .await
        .map_err(|e| ApplyError::UnknownOutcome(crate::postgres::fault::in_words(&e)))
}
