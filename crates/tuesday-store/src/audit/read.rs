//! Reading the audit log.

use tuesday_domain::id::RunId;
use tuesday_domain::record::Checkpoint;
use tuesday_domain::time::Timestamp;

use super::{Tile, TileKey};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::{Select, limit as page};
use crate::value::{Row, Value, big};

/// Which entries a page shows; absent means any.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Workflow name.
    pub workflow: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// What, such as `run.accepted`.
    pub kind: Option<String>,
    /// Entries of one run.
    pub run: Option<RunId>,
    /// Only what people changed about how work is done: rules, workflows, releases, rights, people,
    /// tokens.
    pub changes: bool,
    /// The workflows that the reader may see, and what belongs to none. Absent means all.
    pub among: Option<Vec<String>>,
}

/// Beginnings of the kinds that are changes of how work is done.
const CHANGES: [&str; 14] = [
    "rules.",
    "workflow.",
    "release.",
    "right.",
    "person.",
    "credential.",
    "token.",
    "instance.",
    "capacity.set",
    "capacity.eased",
    "drift.baseline",
    "calibration.",
    "policy.",
    "duty.",
];

/// The kinds of entries about no run, each found with one step into the index.
const KINDS: &str = "WITH RECURSIVE k (kind) AS (SELECT min(kind) FROM audit WHERE run_id IS NULL UNION ALL \
    SELECT (SELECT min(a.kind) FROM audit AS a WHERE a.run_id IS NULL AND a.kind > k.kind) FROM k WHERE k.kind IS NOT NULL) \
    SELECT kind FROM k WHERE kind IS NOT NULL";

fn is_change(kind: &str) -> bool {
    CHANGES.iter().any(|c| kind.starts_with(c))
}

/// The sealed tree with the newest head that was signed over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// Entries in the tree.
    pub size: u64,
    /// The tree's right edge, as it was sealed; empty before the first seal.
    pub frontier: Vec<u8>,
    /// The newest signed head.
    pub newest: Option<Checkpoint>,
}

/// One entry with the columns it can be found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Place in the tree; absent until the sequencer has been by.
    pub index: Option<u64>,
    /// Its run.
    pub run: Option<RunId>,
    /// Its workflow, where it has one.
    pub workflow: Option<String>,
    /// Version of the run after the change.
    pub seq: Option<u32>,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: String,
    /// The exact bytes of the leaf.
    pub leaf: Vec<u8>,
}

fn audit_row(r: Row<'_>) -> Result<AuditRow, ReadError> {
    Ok(AuditRow {
        index: r.opt_num(0)?,
        run: r.opt_id(1)?.map(RunId::new),
        workflow: r.opt_text(2)?,
        seq: r.opt_num(3)?,
        at: r.time(4)?,
        kind: r.text(5)?,
        leaf: r.blob(6)?,
    })
}

fn checkpoint(r: Row<'_>) -> Result<Checkpoint, ReadError> {
    Ok(Checkpoint {
        size: r.num(0)?,
        root: r.fixed(1)?,
        note: r.text(2)?,
        at: r.time(3)?,
    })
}

fn tile(r: Row<'_>) -> Result<Tile, ReadError> {
    Ok(Tile {
        key: TileKey {
            level: r.num(0)?,
            index: r.num(1)?,
        },
        width: r.num(2)?,
        hashes: r.blob(3)?,
    })
}

impl StoreReader {
    /// Up to `limit` leaves in order, from index `from` on.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn leaves(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, ReadError> {
        let sql = "SELECT leaf FROM audit WHERE idx >= $1 ORDER BY idx LIMIT $2";
        self.rows(
            sql,
            vec![Value::Int(big(from)), page(limit)],
            |r: Row<'_>| r.blob(0),
        )
        .await
    }

    /// How many entries have an index.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn audit_size(&self) -> Result<u64, ReadError> {
        Ok(self
            .first(super::LOG_SIZE, vec![], |r: Row<'_>| r.num(0))
            .await?
            .unwrap_or(0))
    }

    /// The entries of a run in order, each with its index once it has one.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn audit_of(&self, run: RunId) -> Result<Vec<(Option<u64>, Vec<u8>)>, ReadError> {
        let sql = "SELECT idx, leaf FROM audit WHERE run_id = $1 ORDER BY seq, at, idx";
        self.rows(sql, vec![Value::Id(run.uuid())], |r: Row<'_>| {
            Ok((r.opt_num(0)?, r.blob(1)?))
        })
        .await
    }

    /// A page of entries that have an index, newest first; `after` is the last index of the page
    /// before.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn audit_page(
        &self,
        filter: &AuditFilter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditRow>, ReadError> {
        let mut q = Select::new("SELECT idx, run_id, workflow, seq, at, kind, leaf FROM audit");
        q.and("idx IS NOT NULL", [])
            .and_text("workflow = ?", filter.workflow.as_deref());
        if let Some(run) = filter.run {
            q.and("run_id = ?", [Value::Id(run.uuid())]);
        }
        if let Some(kinds) = self.kinds(filter).await? {
            // All of them are about no run; the index is about those alone.
            q.and("run_id IS NULL", []).and_among("kind", Some(&kinds));
        } else {
            q.and_text("kind = ?", filter.kind.as_deref());
        }
        if let Some(names) = filter.among.as_ref().filter(|n| !n.is_empty()) {
            q.and("(workflow IS NULL OR workflow IN", [])
                .list(names)
                .push(")", []);
        } else if filter.among.is_some() {
            q.and("workflow IS NULL", []);
        }
        if let Some(from) = filter.from {
            q.and("at >= ?", [Value::Int(from.micros())]);
        }
        if let Some(to) = filter.to {
            q.and("at < ?", [Value::Int(to.micros())]);
        }
        if let Some(after) = after {
            q.and("idx < ?", [Value::Int(big(after))]);
        }
        let (sql, params) = q.push(" ORDER BY idx DESC LIMIT ?", [page(limit)]).done();
        self.rows(sql, params, audit_row).await
    }

    /// The kinds that are asked for, where all of them are changes.
    async fn kinds(&self, filter: &AuditFilter) -> Result<Option<Vec<String>>, ReadError> {
        let one = filter.kind.as_ref();
        if let Some(kind) = one.filter(|k| is_change(k)) {
            return Ok(Some(vec![kind.clone()]));
        }
        if !filter.changes {
            return Ok(None);
        }
        if one.is_some() {
            return Ok(Some(Vec::new()));
        }
        let kinds = self.rows(KINDS, vec![], |r: Row<'_>| r.text(0)).await?;
        Ok(Some(kinds.into_iter().filter(|k| is_change(k)).collect()))
    }

    /// The stored ones of the tiles that are asked for, in no order.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn tiles(&self, keys: &[TileKey]) -> Result<Vec<Tile>, ReadError> {
        let mut found = Vec::with_capacity(keys.len());
        for some in keys.chunks(50) {
            let mut q = Select::new("SELECT level, idx, width, hashes FROM audit_tiles WHERE ");
            for (i, k) in some.iter().enumerate() {
                let values = [Value::Int(i64::from(k.level)), Value::Int(big(k.index))];
                q.push(
                    if i == 0 {
                        "(level = ? AND idx = ?)"
                    } else {
                        " OR (level = ? AND idx = ?)"
                    },
                    values,
                );
            }
            let (sql, params) = q.done();
            found.extend(self.rows(sql, params, tile).await?);
        }
        Ok(found)
    }

    /// The sealed tree and the newest head that was signed over it, as of one moment: read one after
    /// the other, another node that seals in between would make them disagree.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn audit_head(&self) -> Result<AuditHead, ReadError> {
        let sql = "SELECT h.size, h.frontier, c.size, c.root, c.note, c.at FROM audit_head AS h \
            LEFT JOIN audit_checkpoints AS c ON c.size = (SELECT max(size) FROM audit_checkpoints) WHERE h.one = 1";
        let head = self.first(sql, vec![], |r: Row<'_>| {
            let signed = r.opt_num::<u64>(2)?;
            let newest = signed.map(|size| {
                Ok::<_, ReadError>(Checkpoint {
                    size,
                    root: r.fixed(3)?,
                    note: r.text(4)?,
                    at: r.time(5)?,
                })
            });
            Ok(AuditHead {
                size: r.num(0)?,
                frontier: r.blob(1)?,
                newest: newest.transpose()?,
            })
        });
        head.await?
            .ok_or_else(|| ReadError::Corrupt("the audit log has no head".into()))
    }

    /// The head that was signed over so many entries.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn checkpoint_of(&self, size: u64) -> Result<Option<Checkpoint>, ReadError> {
        let sql = "SELECT size, root, note, at FROM audit_checkpoints WHERE size = $1";
        self.first(sql, vec![Value::Int(big(size))], checkpoint)
            .await
    }

    /// The newest signed head.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn latest_checkpoint(&self) -> Result<Option<Checkpoint>, ReadError> {
        let sql = "SELECT size, root, note, at FROM audit_checkpoints ORDER BY size DESC LIMIT 1";
        self.first(sql, vec![], checkpoint).await
    }

    /// Every signed head, oldest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn checkpoints(&self) -> Result<Vec<Checkpoint>, ReadError> {
        self.rows(
            "SELECT size, root, note, at FROM audit_checkpoints ORDER BY size",
            vec![],
            checkpoint,
        )
        .await
    }
}
