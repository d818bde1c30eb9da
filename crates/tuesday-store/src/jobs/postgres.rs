//! The queue on PostgreSQL: many nodes claim at once, and the database keeps them apart.

use std::time::Duration;

use tuesday_domain::id::RunId;
use tuesday_domain::record::Job;
use tuesday_domain::time::Timestamp;

use super::{ClaimRequest, Fence, micros};
use crate::error::ApplyError;
use crate::postgres::Postgres;
use crate::value::{Row, Value, big};

/// Claimed rows skip those that another claim is just taking.
const CLAIM: &str = "UPDATE jobs SET fence = fence + 1, lease_node = $2, \
    lease_until = coalesce($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) + $3 WHERE run_id = ANY(ARRAY( \
    SELECT due.run_id FROM unnest($4::text[], $5::bigint[]) AS w(name, free) CROSS JOIN LATERAL ( \
    SELECT run_id, due_at FROM jobs WHERE workflow = w.name \
    AND due_at <= coalesce($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) \
    AND (lease_until IS NULL OR lease_until <= coalesce($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)) \
    ORDER BY due_at LIMIT w.free FOR UPDATE SKIP LOCKED) AS due ORDER BY due.due_at LIMIT $6)) \
    RETURNING run_id, workflow, due_at, fence, lease_node, lease_until";

/// The same for databases where SKIP LOCKED is missing or slow: nothing is locked while looking, so
/// the update asks again whether the job is free. Two claims may then meet and one gets fewer.
const CLAIM_PORTABLE: &str = "UPDATE jobs SET fence = fence + 1, lease_node = $2, \
    lease_until = coalesce($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) + $3 WHERE run_id = ANY(ARRAY( \
    SELECT due.run_id FROM unnest($4::text[], $5::bigint[]) AS w(name, free) CROSS JOIN LATERAL ( \
    SELECT run_id, due_at FROM jobs WHERE workflow = w.name \
    AND due_at <= coalesce($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) \
    AND (lease_until IS NULL OR lease_until <= coalesce($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)) \
    ORDER BY due_at LIMIT w.free) AS due ORDER BY due.due_at LIMIT $6)) \
    AND due_at <= coalesce($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) \
    AND (lease_until IS NULL OR lease_until <= coalesce($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)) \
    RETURNING run_id, workflow, due_at, fence, lease_node, lease_until";

/// A job that a writer is just changing is skipped: it is held all the same, its lease has two more
/// beats to be renewed, and waiting for it would close a circle with a writer that waits for a job
/// this statement has. A database finds such a circle only after a second, in which nobody commits.
const BEAT: &str = "WITH mine AS (SELECT j.run_id FROM jobs AS j JOIN unnest($3::uuid[], $4::bigint[]) AS u(run_id, fence) \
    ON j.run_id = u.run_id AND j.fence = u.fence WHERE j.lease_node = $5), \
    free AS (SELECT j.run_id FROM jobs AS j JOIN mine ON mine.run_id = j.run_id FOR UPDATE OF j SKIP LOCKED), \
    beat AS (UPDATE jobs AS j \
    SET lease_until = coalesce($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) + $2 \
    FROM free WHERE j.run_id = free.run_id) SELECT run_id FROM mine";

/// The same where SKIP LOCKED is missing.
const BEAT_PORTABLE: &str = "UPDATE jobs AS j SET \
    lease_until = coalesce($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) + $2 \
    FROM unnest($3::uuid[], $4::bigint[]) AS u(run_id, fence) \
    WHERE j.run_id = u.run_id AND j.fence = u.fence AND j.lease_node = $5 RETURNING j.run_id";

const RELEASE_ALL: &str = "UPDATE jobs SET lease_node = NULL, lease_until = NULL \
    WHERE lease_node IS NOT NULL AND ($1 = '' OR lease_node = $1) RETURNING run_id";

/// Parameters: runs. Any number of them may have a job.
pub(crate) const DROP: &str = "DELETE FROM jobs WHERE run_id = ANY($1::uuid[])";

/// Every statement of this file, for the test that prepares them all.
pub(crate) const ALL: [&str; 9] = [
    CLAIM,
    CLAIM_PORTABLE,
    BEAT,
    BEAT_PORTABLE,
    RELEASE_ALL,
    DROP,
    fence_sql(Fence::Check),
    fence_sql(Fence::Release),
    fence_sql(Fence::Finish),
];

/// The guard statements over many jobs; each must touch as many rows as were asked for.
pub(crate) const fn fence_sql(fence: Fence) -> &'static str {
    match fence {
        Fence::Check => {
            "SELECT j.run_id FROM jobs AS j JOIN unnest($1::uuid[], $2::bigint[]) AS u(run_id, fence) \
             ON j.run_id = u.run_id AND j.fence = u.fence WHERE j.lease_node IS NOT NULL FOR UPDATE OF j"
        }
        Fence::Release => {
            "UPDATE jobs AS j SET due_at = u.due_at, lease_node = u.node, lease_until = u.until \
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[]) \
             AS u(run_id, fence, due_at, node, until) \
             WHERE j.run_id = u.run_id AND j.fence = u.fence AND j.lease_node IS NOT NULL"
        }
        Fence::Finish => {
            "DELETE FROM jobs AS j USING unnest($1::uuid[], $2::bigint[]) AS u(run_id, fence) \
             WHERE j.run_id = u.run_id AND j.fence = u.fence AND j.lease_node IS NOT NULL"
        }
    }
}

fn now_value(now: Option<Timestamp>) -> Value {
    Value::int_or_null(now.map(Timestamp::micros))
}

/// Takes due jobs, the longest due first across workflows.
pub(crate) async fn claim(
    pg: &Postgres,
    request: &ClaimRequest<'_>,
) -> Result<Vec<Job>, ApplyError> {
    let params = vec![
        now_value(request.now),
        Value::Text(request.node.to_owned()),
        Value::Int(micros(request.lease)),
        Value::Texts(request.per_workflow.iter().map(|w| w.0.clone()).collect()),
        Value::Ints(
            request
                .per_workflow
                .iter()
                .map(|w| i64::from(w.1))
                .collect(),
        ),
        Value::Int(big(request.limit as u64)),
    ];
    let sql = if pg.portable() { CLAIM_PORTABLE } else { CLAIM };
    let mut jobs: Vec<Job> = pg.write_rows(sql, &params, super::job).await?;
    jobs.sort_unstable_by_key(|j| j.due_at);
    Ok(jobs)
}

/// Renews leases and names the runs that are no longer held.
pub(crate) async fn heartbeat(
    pg: &Postgres,
    node: &str,
    now: Option<Timestamp>,
    held: &[(RunId, i64)],
    lease: Duration,
) -> Result<Vec<RunId>, ApplyError> {
    let sql = if pg.portable() { BEAT_PORTABLE } else { BEAT };
    // One order for everybody who locks many jobs keeps deadlocks rare.
    let mut sorted = held.to_vec();
    sorted.sort_unstable();
    let params = vec![
        now_value(now),
        Value::Int(micros(lease)),
        Value::Ids(sorted.iter().map(|h| h.0.uuid()).collect()),
        Value::Ints(sorted.iter().map(|h| h.1).collect()),
        Value::Text(node.to_owned()),
    ];
    let kept: std::collections::HashSet<RunId> = pg
        .write_rows(sql, &params, |r: Row<'_>| r.id(0).map(RunId::new))
        .await?
        .into_iter()
        .collect();
    Ok(held
        .iter()
        .map(|h| h.0)
        .filter(|run| !kept.contains(run))
        .collect())
}

/// Gives back every lease of this node; of all nodes for an empty name.
pub(crate) async fn release_all(pg: &Postgres, node: &str) -> Result<u64, ApplyError> {
    let rows = pg
        .write_rows(RELEASE_ALL, &[Value::Text(node.to_owned())], |r| r.id(0))
        .await?;
    Ok(rows.len() as u64)
}
