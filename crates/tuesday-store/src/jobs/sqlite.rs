//! The queue on SQLite: the one writer runs these, so no two claims ever overlap.

use std::time::Duration;

use rusqlite::{Connection, params};
use tuesday_domain::id::RunId;
use tuesday_domain::record::Job;
use tuesday_domain::time::Timestamp;

use super::{Fence, micros};
use crate::error::ApplyError;
use crate::sqlite::fault::from_sqlite;
use crate::value::Row;

const DUE: &str = "SELECT run_id, due_at FROM jobs WHERE workflow = ?2 AND due_at <= \
    coalesce(?1, CAST(unixepoch('subsec') * 1000000 AS INTEGER)) AND (lease_until IS NULL OR lease_until <= \
    coalesce(?1, CAST(unixepoch('subsec') * 1000000 AS INTEGER))) ORDER BY due_at LIMIT ?3";
const TAKE: &str = "UPDATE jobs SET fence = fence + 1, lease_node = ?2, lease_until = \
    coalesce(?1, CAST(unixepoch('subsec') * 1000000 AS INTEGER)) + ?3 WHERE run_id = ?4 \
    RETURNING run_id, workflow, due_at, fence, lease_node, lease_until";
const BEAT: &str = "UPDATE jobs SET lease_until = coalesce(?1, CAST(unixepoch('subsec') * 1000000 AS INTEGER)) + ?2 \
    WHERE run_id = ?3 AND fence = ?4 AND lease_node = ?5";
const RELEASE_ALL: &str = "UPDATE jobs SET lease_node = NULL, lease_until = NULL \
    WHERE lease_node IS NOT NULL AND (?1 = '' OR lease_node = ?1)";

/// Every statement of this file, for the test that prepares them all.
pub(crate) const ALL: [&str; 8] = [
    DUE,
    TAKE,
    BEAT,
    RELEASE_ALL,
    fence_sql(Fence::Check),
    fence_sql(Fence::Release),
    fence_sql(Fence::Finish),
    DROP,
];

pub(crate) const DROP: &str = "DELETE FROM jobs WHERE run_id = ?1";

/// The guard statements; each must touch exactly one row.
pub(crate) const fn fence_sql(fence: Fence) -> &'static str {
    match fence {
        Fence::Check => {
            "SELECT 1 FROM jobs WHERE run_id = ?1 AND fence = ?2 AND lease_node IS NOT NULL"
        }
        Fence::Release => {
            "UPDATE jobs SET due_at = ?3, lease_node = ?4, lease_until = ?5 \
             WHERE run_id = ?1 AND fence = ?2 AND lease_node IS NOT NULL"
        }
        Fence::Finish => {
            "DELETE FROM jobs WHERE run_id = ?1 AND fence = ?2 AND lease_node IS NOT NULL"
        }
    }
}

/// A claim whose borrowed parts were copied, so that it can travel to the writer.
pub(crate) struct Claim {
    pub(crate) node: String,
    pub(crate) now: Option<Timestamp>,
    pub(crate) lease: Duration,
    pub(crate) limit: usize,
    pub(crate) per_workflow: Vec<(String, u32)>,
}

impl Claim {
    /// Takes due jobs, the longest due first across workflows.
    pub(crate) fn run(&self, conn: &Connection) -> Result<Vec<Job>, ApplyError> {
        let now = self.now.map(Timestamp::micros);
        let mut due: Vec<(i64, [u8; 16])> = Vec::new();
        let mut find = conn.prepare_cached(DUE).map_err(from_sqlite)?;
        for (workflow, free) in &self.per_workflow {
            let limit = i64::from(*free).min(i64::try_from(self.limit).unwrap_or(i64::MAX));
            let mut rows = find
                .query(params![now, workflow, limit])
                .map_err(from_sqlite)?;
            while let Some(row) = rows.next().map_err(from_sqlite)? {
                due.push((
                    row.get(1).map_err(from_sqlite)?,
                    row.get(0).map_err(from_sqlite)?,
                ));
            }
        }
        due.sort_unstable();
        due.truncate(self.limit);
        let mut take = conn.prepare_cached(TAKE).map_err(from_sqlite)?;
        let mut jobs = Vec::with_capacity(due.len());
        for (_, id) in due {
            let mut rows = take
                .query(params![now, self.node, micros(self.lease), id])
                .map_err(from_sqlite)?;
            while let Some(row) = rows.next().map_err(from_sqlite)? {
                jobs.push(super::job(Row::Lite(row))?);
            }
        }
        Ok(jobs)
    }
}

/// Renews leases and names the runs that are no longer held.
pub(crate) fn heartbeat(
    conn: &Connection,
    node: &str,
    now: Option<Timestamp>,
    held: &[(RunId, i64)],
    lease: Duration,
) -> Result<Vec<RunId>, ApplyError> {
    let mut beat = conn.prepare_cached(BEAT).map_err(from_sqlite)?;
    let now = now.map(Timestamp::micros);
    let mut lost = Vec::new();
    for (run, fence) in held {
        let touched = beat
            .execute(params![
                now,
                micros(lease),
                run.uuid().as_bytes(),
                fence,
                node
            ])
            .map_err(from_sqlite)?;
        if touched != 1 {
            lost.push(*run);
        }
    }
    Ok(lost)
}

/// Gives back every lease of this node; of all nodes for an empty name.
pub(crate) fn release_all(conn: &Connection, node: &str) -> Result<u64, ApplyError> {
    let mut all = conn.prepare_cached(RELEASE_ALL).map_err(from_sqlite)?;
    all.execute([node]).map(|n| n as u64).map_err(from_sqlite)
}
