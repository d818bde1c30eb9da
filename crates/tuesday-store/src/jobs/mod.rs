//! Jobs: the queue. The one place where the two databases need different statements.

mod node;
pub(crate) mod postgres;
mod read;
pub(crate) mod sqlite;

use std::time::Duration;

use tuesday_domain::id::RunId;
use tuesday_domain::record::{Job, Lease};
use tuesday_domain::time::Timestamp;

use crate::error::ReadError;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, opt_text, opt_time};

pub use node::NodeName;

pub(crate) static JOBS: Table = Table::new(
    "jobs",
    &[
        ("run_id", Ty::Id),
        ("workflow", Ty::Text),
        ("due_at", Ty::Int),
        ("fence", Ty::Int),
        ("lease_node", Ty::Text),
        ("lease_until", Ty::Int),
    ],
    1,
    6,
    false,
);

/// The columns in the order [`job`] reads them.
pub(crate) const COLUMNS: &str = "run_id, workflow, due_at, fence, lease_node, lease_until";

/// What the holder of a lease does with the job. Parameters: run, fence, and for a release also due
/// time, node and end of the next lease.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Fence {
    /// Nothing; it must still be held.
    Check,
    /// Gives it back, or keeps it for the next step.
    Release,
    /// Deletes it.
    Finish,
}

/// What is asked for when a node looks for work.
#[derive(Clone, Debug)]
pub struct ClaimRequest<'a> {
    /// The node that will hold the leases.
    pub node: &'a str,
    /// The time by a test clock; absent means the clock of the database.
    pub now: Option<Timestamp>,
    /// How long the leases last.
    pub lease: Duration,
    /// At most this many jobs.
    pub limit: usize,
    /// At most this many jobs of each workflow; a workflow that is not named gets none.
    pub per_workflow: &'a [(String, u32)],
}

pub(crate) fn bind<'a>(j: &'a Job, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(j.run.uuid()),
        Param::Text(&j.workflow),
        Param::Int(j.due_at.micros()),
        Param::Int(j.fence),
        opt_text(j.lease.as_ref().map(|l| l.node.as_str())),
        opt_time(j.lease.as_ref().map(|l| l.until)),
    ]);
}

pub(crate) fn job(r: Row<'_>) -> Result<Job, ReadError> {
    let lease = match (r.opt_text(4)?, r.opt_time(5)?) {
        (Some(node), Some(until)) => Some(Lease { node, until }),
        _ => None,
    };
    Ok(Job {
        run: RunId::new(r.id(0)?),
        workflow: r.text(1)?,
        due_at: r.time(2)?,
        fence: r.int(3)?,
        lease,
    })
}

pub(crate) fn micros(d: Duration) -> i64 {
    i64::try_from(d.as_micros()).unwrap_or(i64::MAX / 4)
}
