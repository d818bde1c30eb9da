//! One thread per `SQLite` destination. Writes that arrive together share one commit: each runs in
//! its own savepoint, so one refusal leaves the others alone, and one sync to disk serves them all.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;
use tuesday_domain::port::{Delivery, SendFault};

use super::Plan;
use super::sqlite_work::{fault, write};
use crate::destinations::{for_good, for_now, unclear};

/// Most writes in one commit; more would only make the first of them wait.
const BATCH: usize = 128;
/// How long another process may hold the database.
const BUSY: Duration = Duration::from_secs(5);

type Reply = Result<Delivery, SendFault>;

struct Job {
    plan: Plan,
    /// Not begun after this moment: the caller has given up and was told that nothing was applied.
    deadline: Instant,
    reply: oneshot::Sender<Reply>,
}

/// The threads by database file.
#[derive(Default)]
pub(crate) struct Lanes(Mutex<HashMap<PathBuf, Sender<Job>>>);

impl Lanes {
    pub(super) async fn send(&self, path: PathBuf, plan: Plan, timeout: Duration) -> Reply {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            plan,
            deadline: Instant::now() + timeout,
            reply,
        };
        self.hand_over(path, job)?;
        // The thread always answers: a write that has begun ends in bounded time, and waiting for it
        // is better than calling it unclear.
        answer.await.unwrap_or_else(|_| {
            Err(unclear(
                "writer_gone",
                "the writer thread ended before it answered",
            ))
        })
    }

    fn hand_over(&self, path: PathBuf, job: Job) -> Result<(), SendFault> {
        let gone = || for_now("database", "the writer thread has ended");
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(&path) {
            return lane.send(job).map_err(|_| gone());
        }
        let (lane, jobs) = channel();
        lane.send(job).map_err(|_| gone())?;
        let file = path.clone();
        std::thread::Builder::new()
            .name("sqlite-destination".to_owned())
            .spawn(move || serve(&file, &jobs))
            .map_err(|e| for_now("database", format!("no thread: {}", e.kind())))?;
        lanes.insert(path, lane);
        Ok(())
    }
}

/// Serves until every sender is gone. The connection is opened when it is needed and opened anew
/// after a failed commit.
fn serve(path: &Path, jobs: &Receiver<Job>) {
    let mut connection = None;
    while let Ok(first) = jobs.recv() {
        let mut batch = vec![first];
        batch.extend(jobs.try_iter().take(BATCH - 1));
        let c = match connection.take().map_or_else(|| open(path, true), Ok) {
            Ok(c) => c,
            Err(e) => {
                for job in batch {
                    drop(job.reply.send(Err(e.clone())));
                }
                continue;
            }
        };
        let done = commit_together(&c, batch);
        if done
            .iter()
            .all(|(_, result)| !matches!(result, Err(SendFault::Unclear { .. })))
        {
            connection = Some(c);
        }
        for (reply, result) in done {
            drop(reply.send(result));
        }
    }
}

fn commit_together(c: &Connection, batch: Vec<Job>) -> Vec<(oneshot::Sender<Reply>, Reply)> {
    let now = Instant::now();
    let begun = c.execute_batch("BEGIN IMMEDIATE").map_err(|e| fault(&e));
    let mut done = Vec::with_capacity(batch.len());
    for job in batch {
        let result = match &begun {
            Err(e) => Err(e.clone()),
            Ok(()) if job.deadline < now => Err(for_now(
                "timeout",
                "the writer was busy for too long; nothing was written",
            )),
            Ok(()) => in_savepoint(c, &job.plan),
        };
        done.push((job.reply, result));
    }
    if begun.is_err() {
        return done;
    }
    if let Err(e) = c.execute_batch("COMMIT") {
        // Whether a failed commit reached the disk is not known to anybody but the receipts table.
        let rolled_back = c.execute_batch("ROLLBACK").is_ok();
        tracing::error!(error = %e, rolled_back, "commit to a SQLite destination failed");
        for (_, result) in &mut done {
            if result.is_ok() {
                *result = Err(unclear("commit_unknown", e.to_string()));
            }
        }
    }
    done
}

fn in_savepoint(c: &Connection, plan: &Plan) -> Reply {
    c.execute_batch("SAVEPOINT one").map_err(|e| fault(&e))?;
    match write(c, plan) {
        Ok(delivery) => c
            .execute_batch("RELEASE one")
            .map(|()| delivery)
            .map_err(|e| fault(&e)),
        Err(refused) => {
            c.execute_batch("ROLLBACK TO one; RELEASE one")
                .map_err(|e| fault(&e))?;
            Err(refused)
        }
    }
}

fn open(path: &Path, writing: bool) -> Result<Connection, SendFault> {
    if !path.is_file() {
        return Err(for_good(
            "no_database",
            format!("there is no database `{}`", path.display()),
        ));
    }
    let mode = if writing {
        OpenFlags::SQLITE_OPEN_READ_WRITE
    } else {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    };
    let set_up = || {
        let c = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        c.busy_timeout(BUSY)?;
        if writing {
            // FULL: an acknowledged write survives power loss, as the receipt promises.
            c.pragma_update(None, "journal_mode", "WAL")?;
            c.pragma_update(None, "synchronous", "FULL")?;
            c.pragma_update(None, "foreign_keys", "ON")?;
        }
        Ok(c)
    };
    set_up().map_err(|e: rusqlite::Error| fault(&e))
}

/// Asks on a read-only connection of its own, so that no question waits behind a write.
pub(super) async fn ask<T: Send + 'static>(
    path: PathBuf,
    question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, String> {
    let work = move || {
        let c = open(&path, false).map_err(|e| format!("{e:?}"))?;
        question(&c).map_err(|e| e.to_string())
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| "the question was cut off".to_owned())?
}
