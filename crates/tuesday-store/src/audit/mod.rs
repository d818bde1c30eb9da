//! The audit log as stored: entries, tiles, checkpoints. What they mean is the domain's business.

pub(crate) mod postgres;
mod read;
pub(crate) mod sqlite;

pub use read::{AuditFilter, AuditHead, AuditRow};

use tuesday_domain::record::Checkpoint;

use crate::error::ApplyError;
use crate::{Back, Store};

/// The place of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TileKey {
    /// Level, 0 holds leaf hashes.
    pub level: u8,
    /// Index within the level.
    pub index: u64,
}

/// A tile: up to 256 hashes of 32 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Where it is.
    pub key: TileKey,
    /// How many hashes.
    pub width: u16,
    /// The hashes, one after another.
    pub hashes: Vec<u8>,
}

/// What one signed head adds.
#[derive(Clone, Debug)]
pub struct SealBatch {
    /// Size of the newest checkpoint there was when this was computed; absent when there was none.
    pub expect_size: Option<u64>,
    /// New tiles, and partial ones that became wider.
    pub tiles: Vec<Tile>,
    /// The right edge of the tree after this, in the caller's own encoding.
    pub frontier: Vec<u8>,
    /// The signed head.
    pub checkpoint: Checkpoint,
}

pub(crate) const HEAD_SIZE: &str = "SELECT max(size) FROM audit_checkpoints";
pub(crate) const LOG_SIZE: &str = "SELECT coalesce(max(idx) + 1, 0) FROM audit";
pub(crate) const PUT_TILE: &str = "INSERT INTO audit_tiles (level, idx, width, hashes) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (level, idx) DO UPDATE SET width = excluded.width, hashes = excluded.hashes \
    WHERE audit_tiles.width <= excluded.width";
pub(crate) const PUT_HEAD: &str = "UPDATE audit_head SET size = $1, frontier = $2 WHERE one = 1";
pub(crate) const PUT_CHECKPOINT: &str =
    "INSERT INTO audit_checkpoints (size, root, note, at) VALUES ($1, $2, $3, $4)";

/// Every write statement of this folder that both databases share.
pub(crate) const ALL: [&str; 5] = [HEAD_SIZE, LOG_SIZE, PUT_TILE, PUT_HEAD, PUT_CHECKPOINT];

pub(crate) fn moved() -> ApplyError {
    ApplyError::Conflict {
        what: "the newest checkpoint".into(),
    }
}

/// Whether a seal fits what is stored: the head it was computed from, and entries for all of it.
pub(crate) fn check_seal(
    batch: &SealBatch,
    newest: Option<i64>,
    entries: i64,
) -> Result<(), ApplyError> {
    let newest = newest.and_then(|n| u64::try_from(n).ok());
    let grows = newest.is_none_or(|n| batch.checkpoint.size > n);
    if newest != batch.expect_size || !grows {
        return Err(moved());
    }
    if u64::try_from(entries).unwrap_or(0) < batch.checkpoint.size {
        return Err(ApplyError::Illegal(
            "the checkpoint covers more entries than there are".into(),
        ));
    }
    Ok(())
}

impl Store {
    /// Stores a signed head with its tiles, if no other head was stored meanwhile.
    ///
    /// # Errors
    /// [`ApplyError::Conflict`] when another one was.
    pub async fn seal(&self, batch: SealBatch) -> Result<(), ApplyError> {
        match &self.back {
            Back::Sqlite(s) => s.write(move |conn| sqlite::seal(conn, &batch)).await,
            Back::Postgres(p) => postgres::seal(p, &batch).await,
        }
    }

    /// Gives up to `limit` entries their index and returns how many got one. On SQLite entries have
    /// theirs from the start, so it returns 0.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sequence_audit(&self, limit: usize) -> Result<u64, ApplyError> {
        match &self.back {
            Back::Sqlite(_) => Ok(0),
            Back::Postgres(p) => postgres::sequence(p, limit).await,
        }
    }
}
