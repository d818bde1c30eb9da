//! The tasks that commit decisions: whatever waits becomes one transaction of a few statements.
//!
//! A batch in which any guard misses is rolled back and its decisions are applied one by one, so
//! that only the guilty fail.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio_postgres::types::ToSql;
use tuesday_domain::record::{Change, Decision};
use uuid::Uuid;

use super::batch::{Group, Groups};
use super::fault::{in_words, is_collision};
use super::{alone, hint};
use crate::Applied;
use crate::change::describe;
use crate::error::ApplyError;
use crate::reviews::Lists;

/// Decisions in one transaction.
const BATCH: usize = 128;
/// Statements sent without waiting for answers.
const PIPELINE: usize = 24;
/// How often a transaction that met another is tried again.
pub(super) const TRIES: u32 = 6;

/// A decision that waits, with the id of its audit entry.
pub(crate) struct Pending {
    pub(super) decision: Decision,
    pub(super) leaf: Vec<u8>,
    pub(super) entry: Uuid,
    pub(super) reply: oneshot::Sender<Result<Applied, ApplyError>>,
}

/// Waits longer each time, and differently on each task, so that two that met do not meet again.
pub(super) async fn pause(tries: u32) {
    let spread = Uuid::new_v4().as_u128() as u64 % 5_000;
    tokio::time::sleep(Duration::from_micros(u64::from(tries) * 2_000 + spread)).await;
}

/// The shared queue, and what was taken from it but has to wait for a row.
struct Inbox {
    queue: mpsc::Receiver<Pending>,
    held: Vec<Pending>,
    busy: Arc<Busy>,
}

/// The rows of the batches that are being committed. Two batches with the same rows in another order
/// would wait for each other until the server breaks the circle, a second later.
#[derive(Default)]
struct Busy {
    rows: std::sync::Mutex<HashSet<u64>>,
    freed: Notify,
}

/// The rows of one batch; free again when dropped.
struct Rows {
    busy: Arc<Busy>,
    rows: Vec<u64>,
}

impl Drop for Rows {
    fn drop(&mut self) {
        let mut busy = self
            .busy
            .rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for row in &self.rows {
            busy.remove(row);
        }
        drop(busy);
        self.busy.freed.notify_one();
    }
}

/// Decisions that go into one transaction, with the rows they touch.
#[derive(Default)]
struct Batch {
    decisions: Vec<Pending>,
    rows: Vec<u64>,
}

/// Starts `count` tasks; they end when the last sender is gone.
pub(super) fn start(pool: &Pool, queue: mpsc::Receiver<Pending>, count: usize, hints: bool) {
    let inbox = Arc::new(Mutex::new(Inbox {
        queue,
        held: Vec::new(),
        busy: Arc::default(),
    }));
    for _ in 0..count {
        let (pool, inbox) = (pool.clone(), inbox.clone());
        tokio::spawn(async move {
            loop {
                let (batch, rows) = inbox.lock().await.next().await;
                if batch.is_empty() {
                    return;
                }
                commit(&pool, batch, rows, hints).await;
            }
        });
    }
}

impl Inbox {
    /// The next batch: no two decisions of it touch the same row, nor one of a batch under way. Empty
    /// when the queue is closed.
    async fn next(&mut self) -> (Vec<Pending>, Rows) {
        loop {
            let (mut batch, mut seen) = (Batch::default(), self.taken());
            for pending in std::mem::take(&mut self.held) {
                self.place(pending, &mut batch, &mut seen);
            }
            if batch.decisions.is_empty() {
                match self.wait().await {
                    Some(Some(pending)) => self.place(pending, &mut batch, &mut seen),
                    Some(None) => continue,
                    None => return (Vec::new(), self.take(Vec::new())),
                }
            }
            while batch.decisions.len() < BATCH && self.held.len() < BATCH {
                let Ok(pending) = self.queue.try_recv() else {
                    break;
                };
                self.place(pending, &mut batch, &mut seen);
            }
            if !batch.decisions.is_empty() {
                return (batch.decisions, self.take(batch.rows));
            }
        }
    }

    /// The next decision, or nothing when rows have come free; the outer nothing is the end.
    async fn wait(&mut self) -> Option<Option<Pending>> {
        if self.held.is_empty() {
            return self.queue.recv().await.map(Some);
        }
        let freed = self.busy.freed.notified();
        if self.held.len() >= BATCH || self.queue.is_closed() {
            freed.await;
            return Some(None);
        }
        tokio::select! {
            () = freed => Some(None),
            next = self.queue.recv() => Some(next),
        }
    }

    fn taken(&self) -> HashSet<u64> {
        let busy = self.busy.rows.lock();
        busy.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take(&self, rows: Vec<u64>) -> Rows {
        let mut busy = self
            .busy
            .rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        busy.extend(&rows);
        Rows {
            busy: Arc::clone(&self.busy),
            rows,
        }
    }

    /// Into the batch, or held back; what is held back also blocks its rows, so order is kept.
    fn place(&mut self, pending: Pending, batch: &mut Batch, seen: &mut HashSet<u64>) {
        let mut keys = Vec::with_capacity(8);
        for change in &pending.decision.changes {
            touched(change, &mut keys);
        }
        keys.sort_unstable();
        keys.dedup();
        let mut free = true;
        for key in &keys {
            free &= seen.insert(*key);
        }
        if free {
            batch.decisions.push(pending);
            batch.rows.extend(keys);
        } else {
            self.held.push(pending);
        }
    }
}

/// What a change touches, as hashes: its run, or its own row where it has no run.
fn touched(change: &Change, keys: &mut Vec<u64>) {
    let run = match change {
        Change::InsertRun(r) => {
            keys.push(hash(&(&r.workflow, &r.event_source, &r.event_id)));
            r.id
        }
        Change::UpdateRun(r) => r.id,
        Change::InsertPayload(p) => p.run,
        Change::InsertAttempt(a) => a.run,
        Change::InsertJob(j) => j.run,
        Change::CheckFence { run, .. }
        | Change::ReleaseJob { run, .. }
        | Change::FinishJob { run, .. }
        | Change::DropJob { run } => *run,
        Change::InsertReview(v) | Change::UpdateReview(v) => v.run,
        Change::InsertAction(a) | Change::UpdateAction(a) => a.run,
        Change::PutRouted(r) => r.run,
        Change::DecideRouted { run, .. } => *run,
        other => return keys.push(hash(&describe(other))),
    };
    keys.push(hash(&run));
}

fn hash(value: &impl std::hash::Hash) -> u64 {
    let mut h = DefaultHasher::new();
    value.hash(&mut h);
    h.finish()
}

/// Commits a batch and answers everybody in it.
async fn commit(pool: &Pool, batch: Vec<Pending>, rows: Rows, hints: bool) {
    let client = match pool.get().await {
        Ok(client) => client,
        Err(e) => return answer(batch, &Err(ApplyError::Unavailable(e.to_string()))),
    };
    match together(&client, &batch).await {
        Together::Done => {
            let wake = hints && batch.iter().any(|p| makes_work(&p.decision));
            // Whoever hears the answer may come back with the same rows at once.
            drop(rows);
            answer(batch, &Ok(Applied { audit: None }));
            if wake && let Err(e) = client.batch_execute(hint::NOTIFY).await {
                tracing::debug!(error = %e, "no hint was sent");
            }
        }
        Together::Unknown(e) => answer(batch, &Err(e)),
        Together::Lost => {
            // The connection broke before the commit, so nothing is stored; a new one tries again.
            drop(client);
            one_by_one(pool, batch).await;
        }
        Together::Guilty => {
            drop(client);
            one_by_one(pool, batch).await;
        }
    }
}

async fn one_by_one(pool: &Pool, batch: Vec<Pending>) {
    for pending in batch {
        let result = match pool.get().await {
            Ok(mut client) => alone::apply(&mut client, &pending).await,
            Err(e) => Err(ApplyError::Unavailable(e.to_string())),
        };
        answer(vec![pending], &result);
    }
}

/// Others may want to know: there is a job that nobody holds.
fn makes_work(decision: &Decision) -> bool {
    decision.changes.iter().any(|c| match c {
        Change::InsertJob(j) => j.lease.is_none(),
        Change::ReleaseJob { lease, .. } => lease.is_none(),
        _ => false,
    })
}

fn answer(batch: Vec<Pending>, result: &Result<Applied, ApplyError>) {
    for pending in batch {
        // A caller that gave up waiting changes nothing: the decision stands.
        drop(pending.reply.send(result.clone()));
    }
}

/// What became of a batch as a whole.
enum Together {
    Done,
    /// Somebody's guard missed or somebody's statement failed; nothing is stored.
    Guilty,
    /// The connection broke before the commit; nothing is stored.
    Lost,
    Unknown(ApplyError),
}

async fn together(client: &Object, batch: &[Pending]) -> Together {
    let mut tries = 0;
    loop {
        match attempt(client, batch).await {
            Ok(outcome) => return outcome,
            Err(e) if e.is_closed() => return Together::Lost,
            Err(e) => {
                if client.batch_execute("ROLLBACK").await.is_err() {
                    return Together::Lost;
                }
                tries += 1;
                if !is_collision(&e) || tries > TRIES {
                    return Together::Guilty;
                }
                pause(tries).await;
            }
        }
    }
}

/// All statements, their counts, the commit. An error means that the transaction is still open.
async fn attempt(client: &Object, batch: &[Pending]) -> Result<Together, tokio_postgres::Error> {
    let changes = batch.iter().map(|p| p.decision.changes.len()).sum();
    let mut lists: Vec<Option<Lists>> = std::iter::repeat_with(|| None).take(changes).collect();
    let mut rest = lists.as_mut_slice();
    let mut groups = Groups::default();
    for pending in batch {
        let (mine, others) = rest.split_at_mut(pending.decision.changes.len());
        groups.decision(pending, mine);
        rest = others;
    }
    let groups = groups.into_statements();
    if !run(client, &groups).await? {
        client.batch_execute("ROLLBACK").await?;
        return Ok(Together::Guilty);
    }
    Ok(match client.batch_execute("COMMIT").await {
        Ok(()) => Together::Done,
        // An answer of the server says that it rolled back; silence says nothing.
        Err(e) if e.code().is_some() => return Err(e),
        Err(e) => Together::Unknown(ApplyError::UnknownOutcome(in_words(&e))),
    })
}

/// Begins and runs the statements, many at once; false when one touched another number of rows than
/// it must.
async fn run(client: &Object, groups: &[Group<'_>]) -> Result<bool, tokio_postgres::Error> {
    let mut stmts = Vec::with_capacity(groups.len());
    for group in groups {
        stmts.push(client.prepare_cached(group.sql).await?);
    }
    let params: Vec<Vec<&(dyn ToSql + Sync)>> = groups
        .iter()
        .map(|g| g.columns.iter().map(|c| c as &(dyn ToSql + Sync)).collect())
        .collect();
    let mut begin = Some(client.batch_execute("BEGIN"));
    for start in (0..groups.len()).step_by(PIPELINE) {
        let end = groups.len().min(start + PIPELINE);
        // The first poll of each future sends its message, in this order.
        let sent = (start..end).map(|i| client.execute(&stmts[i], &params[i]));
        let answers = async { futures::future::join_all(sent).await };
        let touched = match begin.take() {
            Some(begin) => {
                let (begun, touched) = futures::future::join(begin, answers).await;
                begun?;
                touched
            }
            None => answers.await,
        };
        for (group, n) in groups[start..end].iter().zip(touched) {
            let n = n?;
            if group.expect.is_some_and(|want| want != n) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
