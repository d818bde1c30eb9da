//! The writer thread: whatever waits becomes one transaction with one flush to disk.
//!
//! A batch is written straight down at first. When a decision of it fails, the whole batch is rolled
//! back and done again with a savepoint around each operation, so that one that fails takes nothing
//! else with it: a savepoint copies every page it touches, which good batches need not pay for.
//! Answers go out after the commit. A commit that fails leaves an unknown outcome: everybody in the
//! batch is told so, and the thread ends.

use std::collections::VecDeque;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::ffi::ErrorCode;
use tokio::sync::{mpsc, oneshot, watch};
use tuesday_domain::record::Decision;

use super::apply::{NEXT_INDEX, decision as apply_decision};
use super::fault::from_sqlite;
use super::stopped;
use crate::Applied;
use crate::error::{ApplyError, OpenError};

/// Operations in one transaction; more only adds waiting.
const BATCH: usize = 256;
/// Operations that may wait before callers are made to wait.
const QUEUE: usize = 4096;
/// How often an idle writer looks for the writes of other processes.
const LOOK: Duration = Duration::from_millis(100);

/// Something to be written.
pub(super) enum Op {
    Apply {
        decision: Box<Decision>,
        leaf: Vec<u8>,
        reply: oneshot::Sender<Result<Applied, ApplyError>>,
    },
    Call(Call),
    /// Look for the writes of other processes.
    Look,
}

/// Work on the connection, then the answer once it is known what became of it.
/// Without a connection it only passes the error on.
pub(super) type Call = Box<dyn FnOnce(Result<&Connection, ApplyError>) -> (bool, Answer) + Send>;
type Answer = Box<dyn FnOnce(Option<ApplyError>) + Send>;

/// Wraps `work` so that its result is sent after the commit.
pub(super) fn call<T: Send + 'static>(
    work: impl FnOnce(&Connection) -> Result<T, ApplyError> + Send + 'static,
    reply: oneshot::Sender<Result<T, ApplyError>>,
) -> Call {
    Box::new(move |conn| {
        let result = conn.and_then(work);
        let keep = result.is_ok();
        let answer: Answer = Box::new(move |failed| {
            // Nobody waits any more when the send fails: the work is done either way.
            let _ = reply.send(failed.map_or(result, Err));
        });
        (keep, answer)
    })
}

/// The way to the thread.
pub(super) struct Writer {
    ops: mpsc::Sender<Op>,
    seen: watch::Receiver<u64>,
}

impl Writer {
    pub(super) fn start(conn: Connection) -> Result<Self, OpenError> {
        let (ops, inbox) = mpsc::channel(QUEUE);
        let (tell, seen) = watch::channel(0);
        std::thread::Builder::new()
            .name("tuesday-writer".into())
            .spawn(move || {
                Thread {
                    conn,
                    inbox,
                    again: VecDeque::new(),
                    tell,
                    version: None,
                }
                .run()
            })
            .map_err(|e| OpenError::Database(e.to_string()))?;
        let looker = ops.downgrade();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                match looker.upgrade() {
                    // A full queue means the writer is busy, and it looks before every batch anyway.
                    Some(ops) => drop(ops.try_send(Op::Look)),
                    None => return,
                }
            }
        });
        Ok(Self { ops, seen })
    }

    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.seen.clone()
    }

    pub(super) async fn send(&self, op: Op) -> Result<(), ApplyError> {
        self.ops.send(op).await.map_err(|_| stopped())
    }
}

struct Thread {
    conn: Connection,
    inbox: mpsc::Receiver<Op>,
    /// Taken from the inbox and rolled back; they come before everything else.
    again: VecDeque<Op>,
    tell: watch::Sender<u64>,
    version: Option<i64>,
}

/// Answers that wait for the commit.
enum Waiting {
    Apply(
        oneshot::Sender<Result<Applied, ApplyError>>,
        Result<Applied, ApplyError>,
    ),
    Call(bool, Answer),
}

/// What became of a transaction.
enum Ended {
    /// Everybody in it can be answered.
    Committed,
    /// Nothing of it is stored and everybody was told why.
    Refused,
    /// Nothing of it is stored, its operations wait in [`Thread::again`].
    Careful,
}

impl Thread {
    fn run(mut self) {
        let mut waiting = Vec::with_capacity(BATCH);
        while let Some(op) = self.first() {
            self.look();
            if matches!(op, Op::Look) {
                continue;
            }
            if let Err(e) = self.batch(op, &mut waiting) {
                tracing::error!(error = %e, "a commit failed: its outcome is unknown, the writer stops");
                answer_all(&mut waiting, Some(&e));
                return;
            }
        }
    }

    /// Waits for something to do; nothing when the last sender is gone.
    fn first(&mut self) -> Option<Op> {
        self.again
            .pop_front()
            .or_else(|| self.inbox.blocking_recv())
    }

    /// What waits already.
    fn next(&mut self) -> Option<Op> {
        loop {
            match self
                .again
                .pop_front()
                .or_else(|| self.inbox.try_recv().ok())
            {
                Some(Op::Look) => {}
                other => return other,
            }
        }
    }

    /// One batch. An error means that its outcome is unknown.
    fn batch(&mut self, first: Op, waiting: &mut Vec<Waiting>) -> Result<(), ApplyError> {
        let Some((first, index)) = self.begin(first) else {
            return Ok(());
        };
        let mut ended = self.straight(first, index, waiting);
        if matches!(ended, Ended::Careful) {
            self.abandon();
            waiting.clear();
            let Some(first) = self.again.pop_front() else {
                return Ok(());
            };
            let Some((first, index)) = self.begin(first) else {
                return Ok(());
            };
            ended = self.careful(first, index, waiting);
        }
        match ended {
            Ended::Committed => self.commit(waiting),
            Ended::Refused | Ended::Careful => Ok(()),
        }
    }

    /// Begins a transaction and finds the next index of the log; otherwise `op` hears why not.
    fn begin(&self, op: Op) -> Option<(Op, i64)> {
        let begun = self
            .execute("BEGIN IMMEDIATE")
            .and_then(|()| self.next_index());
        match begun {
            Ok(index) => Some((op, index)),
            Err(e) => {
                self.abandon();
                refuse(op, &from_sqlite(e));
                None
            }
        }
    }

    /// Decisions without savepoints, then calls, which can be done only once and so come last.
    fn straight(&mut self, first: Op, mut index: i64, waiting: &mut Vec<Waiting>) -> Ended {
        let (mut applied, mut calls) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(op) = next {
            match op {
                Op::Look => {}
                Op::Call(_) => calls.push(op),
                Op::Apply {
                    decision,
                    leaf,
                    reply,
                } => {
                    let done = apply_decision(&self.conn, &decision, &leaf, index);
                    applied.push((decision, leaf, reply));
                    if done.is_err() {
                        self.again
                            .extend(
                                applied
                                    .into_iter()
                                    .map(|(decision, leaf, reply)| Op::Apply {
                                        decision,
                                        leaf,
                                        reply,
                                    }),
                            );
                        self.again.extend(calls);
                        return Ended::Careful;
                    }
                    index += 1;
                }
            }
            let full = applied.len() + calls.len() >= BATCH;
            next = if full { None } else { self.next() };
        }
        let first_index = index - i64::try_from(applied.len()).unwrap_or(index);
        waiting.extend(
            applied
                .into_iter()
                .zip(first_index..)
                .map(|((_, _, reply), at)| {
                    let audit = u64::try_from(at).ok();
                    Waiting::Apply(reply, Ok(Applied { audit }))
                }),
        );
        let mut calls = calls.into_iter();
        while let Some(call) = calls.next() {
            if let Err(e) = self.step(call, &mut index, waiting) {
                self.abandon();
                answer_all(waiting, Some(&e));
                calls.for_each(|call| refuse(call, &e));
                return Ended::Refused;
            }
        }
        Ended::Committed
    }

    /// Every operation under a savepoint of its own.
    fn careful(&mut self, first: Op, mut index: i64, waiting: &mut Vec<Waiting>) -> Ended {
        let mut next = Some(first);
        while let Some(op) = next {
            if let Err(e) = self.step(op, &mut index, waiting) {
                // SQLite gave up the whole transaction (no room, no memory, an I/O error): nothing
                // of it is stored, and everybody in it hears why.
                self.abandon();
                answer_all(waiting, Some(&e));
                return Ended::Refused;
            }
            next = self.again.pop_front();
        }
        Ended::Committed
    }

    fn commit(&self, waiting: &mut Vec<Waiting>) -> Result<(), ApplyError> {
        match self.execute("COMMIT") {
            Ok(()) => answer_all(waiting, None),
            // No room for the pages: the commit mark was never written. SQLite has rolled back by
            // itself as a rule (it is then back in autocommit), or the rollback here says so.
            Err(e)
                if e.sqlite_error_code() == Some(ErrorCode::DiskFull)
                    && (self.conn.is_autocommit() || self.execute("ROLLBACK").is_ok()) =>
            {
                answer_all(waiting, Some(&ApplyError::Full));
            }
            Err(e) => return Err(ApplyError::UnknownOutcome(e.to_string())),
        }
        Ok(())
    }

    /// One operation under its savepoint. An error means that the transaction is gone.
    fn step(
        &mut self,
        op: Op,
        index: &mut i64,
        waiting: &mut Vec<Waiting>,
    ) -> Result<(), ApplyError> {
        let (keep, entry) = match self.execute("SAVEPOINT op") {
            Err(e) => {
                let e = from_sqlite(e);
                refuse(op, &e);
                return Err(e);
            }
            Ok(()) => match op {
                Op::Look => (true, None),
                Op::Call(work) => {
                    let (keep, answer) = work(Ok(&self.conn));
                    (keep, Some(Waiting::Call(keep, answer)))
                }
                Op::Apply {
                    decision,
                    leaf,
                    reply,
                } => {
                    let result =
                        apply_decision(&self.conn, &decision, &leaf, *index).map(|()| Applied {
                            audit: u64::try_from(*index).ok(),
                        });
                    let keep = result.is_ok();
                    *index += i64::from(keep);
                    (keep, Some(Waiting::Apply(reply, result)))
                }
            },
        };
        waiting.extend(entry);
        if self.conn.is_autocommit() {
            return Err(self.why(waiting));
        }
        let ended = if keep {
            self.execute("RELEASE op")
        } else {
            self.execute("ROLLBACK TO op")
                .and_then(|()| self.execute("RELEASE op"))
        };
        ended.map_err(from_sqlite)
    }

    /// The error that made SQLite give up the transaction: the last one.
    fn why(&self, waiting: &[Waiting]) -> ApplyError {
        match waiting.last() {
            Some(Waiting::Apply(_, Err(e))) => e.clone(),
            _ => ApplyError::Unavailable("SQLite gave up the transaction".into()),
        }
    }

    fn next_index(&self) -> rusqlite::Result<i64> {
        self.conn
            .prepare_cached(NEXT_INDEX)?
            .query_row([], |r| r.get(0))
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.conn.prepare_cached(sql)?.execute([]).map(drop)
    }

    fn abandon(&self) {
        if !self.conn.is_autocommit()
            && let Err(e) = self.execute("ROLLBACK")
        {
            tracing::error!(error = %e, "a transaction could not be rolled back");
        }
    }

    /// Tells watchers when another process has written: SQLite's counter moves for others only.
    fn look(&mut self) {
        let found = self
            .conn
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut s| s.query_row([], |r| r.get(0)));
        let Ok(found) = found else { return };
        if self.version.is_some_and(|known| known != found) {
            self.tell.send_modify(|n| *n += 1);
        }
        self.version = Some(found);
    }
}

fn refuse(op: Op, e: &ApplyError) {
    match op {
        Op::Look => {}
        Op::Apply { reply, .. } => drop(reply.send(Err(e.clone()))),
        Op::Call(work) => work(Err(e.clone())).1(None),
    }
}

/// Sends every answer; `failed` replaces what looked like success.
fn answer_all(waiting: &mut Vec<Waiting>, failed: Option<&ApplyError>) {
    for answer in waiting.drain(..) {
        match answer {
            Waiting::Apply(reply, Ok(done)) => {
                drop(reply.send(failed.map_or(Ok(done), |e| Err(e.clone()))))
            }
            Waiting::Apply(reply, refused) => drop(reply.send(refused)),
            Waiting::Call(kept, answer) => answer(if kept { failed.cloned() } else { None }),
        }
    }
}
