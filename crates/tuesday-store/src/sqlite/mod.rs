//! SQLite: one writer thread with group commit, and a pool of read-only connections.

pub(crate) mod apply;
pub(crate) mod fault;
mod migrate;
mod open;
mod readers;
mod writer;

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};
use tuesday_domain::record::Decision;

use crate::error::{ApplyError, OpenError};
use crate::{Applied, Migrate};

pub(crate) use readers::{Readers, rows};
use writer::{Op, Writer};

/// Every write statement of this folder.
pub(crate) const ALL: [&str; 3] = [apply::APPEND, apply::NEXT_INDEX, apply::EVENT];

/// Both sides of one database file.
#[derive(Clone)]
pub(crate) struct Sqlite {
    writer: Arc<Writer>,
    readers: Readers,
    path: Arc<Path>,
}

impl Sqlite {
    /// Opens the file, brings its schema up to date and starts the writer.
    pub(crate) fn open(path: &Path, migrate: Migrate, readers: usize) -> Result<Self, OpenError> {
        open::refuse_old_library()?;
        let mut conn = open::writer(path)?;
        migrate::run(&mut conn, migrate)?;
        Ok(Self {
            readers: Readers::new(path, readers),
            writer: Arc::new(Writer::start(conn)?),
            path: path.into(),
        })
    }

    /// Writes the log back into the file and empties it, where no reader stands in the way. A
    /// checkpoint cannot run inside the writer's transactions, so it has a connection of its own.
    pub(crate) async fn empty_log(&self) -> Result<(), ApplyError> {
        let path = Arc::clone(&self.path);
        let work = move || -> rusqlite::Result<()> {
            let conn = Connection::open(&path)?;
            conn.busy_timeout(std::time::Duration::from_secs(5))?;
            conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|e| ApplyError::Unavailable(e.to_string()))?
            .map_err(fault::from_sqlite)
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.readers
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.writer.watch()
    }

    pub(crate) async fn apply(
        &self,
        decision: Decision,
        leaf: Vec<u8>,
    ) -> Result<Applied, ApplyError> {
        let (reply, answer) = oneshot::channel();
        self.writer
            .send(Op::Apply {
                decision: Box::new(decision),
                leaf,
                reply,
            })
            .await?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Runs `work` on the writer inside a transaction; an error leaves nothing of it behind.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, ApplyError> + Send + 'static,
    ) -> Result<T, ApplyError> {
        let (reply, answer) = oneshot::channel();
        self.writer
            .send(Op::Call(writer::call(work, reply)))
            .await?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }
}

/// What callers hear once the writer has ended after a failed commit.
pub(crate) fn stopped() -> ApplyError {
    ApplyError::Unavailable("the writer has stopped; restart the process".into())
}
