//! One decision in a transaction of its own, change by change, so that a failure can be named.

use deadpool_postgres::{Object, Transaction};
use tokio_postgres::Error;
use tokio_postgres::types::ToSql;
use tuesday_domain::id::RunId;
use tuesday_domain::record::{Change, Run};

use super::batch::{Group, Groups};
use super::fault::{from_audit, from_pg, in_words, is_collision, is_duplicate};
use super::writer::{Pending, TRIES, pause};
use crate::Applied;
use crate::change::describe;
use crate::error::ApplyError;

pub(crate) const EVENT: &str =
    "SELECT id, body_hash FROM runs WHERE event_id = $1 AND event_source = $2 AND workflow = $3";

/// Why a decision was not applied.
enum Failed<'a> {
    Server(Error),
    /// The key of a new row is taken; what that means is asked after the rollback.
    Taken(&'a Change),
    Known(ApplyError),
}

/// Applies a decision; collisions are tried again.
pub(super) async fn apply(client: &mut Object, pending: &Pending) -> Result<Applied, ApplyError> {
    let mut tries = 0;
    loop {
        match attempt(client, pending).await {
            Ok(()) => return Ok(Applied { audit: None }),
            Err(Failed::Server(e)) if is_collision(&e) && tries < TRIES => {
                tries += 1;
                pause(tries).await;
            }
            Err(Failed::Server(e)) => return Err(from_pg(e)),
            Err(Failed::Known(e)) => return Err(e),
            Err(Failed::Taken(change)) => return Err(taken(client, change).await?),
        }
    }
}

async fn attempt<'a>(client: &mut Object, pending: &'a Pending) -> Result<(), Failed<'a>> {
    // Dropping the transaction on any error rolls it back before the connection is used again.
    let tx = client.transaction().await.map_err(Failed::Server)?;
    for change in &pending.decision.changes {
        one(&tx, change).await?;
    }
    let mut groups = Groups::default();
    groups.entry(pending);
    for group in groups.into_statements() {
        match run(&tx, &group).await {
            Ok(true) => {}
            Ok(false) => {
                return Err(Failed::Known(ApplyError::AuditUnavailable(
                    "the entry was not taken".into(),
                )));
            }
            Err(e) if is_collision(&e) => return Err(Failed::Server(e)),
            Err(e) => return Err(Failed::Known(from_audit(e))),
        }
    }
    match tx.commit().await {
        Ok(()) => Ok(()),
        Err(e) if e.code().is_some() => Err(Failed::Server(e)),
        Err(e) => Err(Failed::Known(ApplyError::UnknownOutcome(in_words(&e)))),
    }
}

async fn one<'a>(tx: &Transaction<'_>, change: &'a Change) -> Result<(), Failed<'a>> {
    let mut slot = None;
    let mut groups = Groups::default();
    groups.change(change, &mut slot);
    for group in groups.into_statements() {
        match run(tx, &group).await {
            Ok(true) => {}
            Ok(false) => return Err(Failed::Known(missed(change))),
            Err(e) if is_duplicate(&e) => return Err(Failed::Taken(change)),
            Err(e) => return Err(Failed::Server(e)),
        }
    }
    Ok(())
}

async fn run(tx: &Transaction<'_>, group: &Group<'_>) -> Result<bool, Error> {
    let stmt = tx.prepare_cached(group.sql).await?;
    let params: Vec<&(dyn ToSql + Sync)> = group
        .columns
        .iter()
        .map(|c| c as &(dyn ToSql + Sync))
        .collect();
    let touched = tx.execute(&stmt, &params).await?;
    Ok(group.expect.is_none_or(|want| want == touched))
}

/// A guard that touched no row.
fn missed(change: &Change) -> ApplyError {
    match change {
        Change::CheckFence { .. } | Change::ReleaseJob { .. } | Change::FinishJob { .. } => {
            ApplyError::FenceLost
        }
        other => ApplyError::Conflict {
            what: describe(other),
        },
    }
}

/// What a taken key means: a known event, or a row somebody else has just inserted.
async fn taken(client: &Object, change: &Change) -> Result<ApplyError, ApplyError> {
    if let Change::InsertRun(run) = change
        && let Some(known) = known_event(client, run).await.map_err(from_pg)?
    {
        return Ok(known);
    }
    Ok(ApplyError::Conflict {
        what: describe(change),
    })
}

async fn known_event(client: &Object, run: &Run) -> Result<Option<ApplyError>, Error> {
    let stmt = client.prepare_cached(EVENT).await?;
    let Some(row) = client
        .query_opt(&stmt, &[&run.event_id, &run.event_source, &run.workflow])
        .await?
    else {
        return Ok(None);
    };
    let (id, hash): (uuid::Uuid, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Some(ApplyError::DuplicateEvent {
        run: RunId::new(id),
        same_body: hash == run.body_hash,
    }))
}
