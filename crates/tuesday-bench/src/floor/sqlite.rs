//! The floor on SQLite: one writer thread that commits for all who wait.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use bytes::Bytes;
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use super::{Durable, FloorOptions, FloorReport, measure};
use crate::fault::BenchError;
use crate::machine::{bytes_on_disk, prepare, remove_database};

/// Most writes in one commit.
const MOST: usize = 512;
/// Ids of one run; the event is its step 0.
const STEPS: i64 = 8;

/// Measures W1 on SQLite (WAL, `synchronous=FULL`, group commit).
///
/// # Errors
/// When the file cannot be written, a stand-in fails, or a run does.
pub async fn floor_sqlite(options: FloorOptions) -> Result<FloorReport, BenchError> {
    let path = options.dir.join("floor-w1.db");
    remove_database(&path)?;
    let (store, writer) = Sqlite::open(path.clone())?;
    let size = async || {
        // What is still in the log counts too, so no checkpoint is needed before.
        Ok(bytes_on_disk(&path)? + bytes_on_disk(&path.with_extension("db-wal")).unwrap_or(0))
    };
    let report = measure("floor on SQLite", Arc::new(store), &options, size).await;
    // Runs that were cut off hold the store too, so the thread may end a little later than here.
    tokio::task::spawn_blocking(move || writer.join())
        .await
        .ok()
        .and_then(Result::ok)
        .ok_or(BenchError::Gone("SQLite writer"))??;
    remove_database(&path)?;
    report
}

struct Sqlite {
    writes: Sender<Write>,
}

/// One row, and who waits for its commit.
struct Write {
    id: i64,
    body: Bytes,
    done: oneshot::Sender<()>,
}

impl Sqlite {
    fn open(path: PathBuf) -> Result<(Self, JoinHandle<Result<(), BenchError>>), BenchError> {
        let connection = Connection::open(&path)?;
        prepare(&connection)?;
        // A key of one integer keeps a 2 kB body inside its page; a primary key of two columns
        // would push each body out to a page of its own.
        connection.execute_batch(
            "CREATE TABLE step (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
        )?;
        let (writes, waiting) = channel();
        let writer = std::thread::Builder::new()
            .name("floor-writer".to_owned())
            .spawn(move || write_all(&connection, &waiting))
            .map_err(|source| BenchError::File { path, source })?;
        Ok((Self { writes }, writer))
    }

    async fn write(&self, run: i64, step: i16, body: Bytes) -> Result<(), BenchError> {
        let gone = || BenchError::Gone("SQLite writer");
        let (done, committed) = oneshot::channel();
        self.writes
            .send(Write {
                id: run * STEPS + i64::from(step),
                body,
                done,
            })
            .map_err(|_| gone())?;
        committed.await.map_err(|_| gone())
    }
}

/// Takes what waits, writes it in one transaction, and only then answers all.
fn write_all(connection: &Connection, waiting: &Receiver<Write>) -> Result<(), BenchError> {
    let mut insert = connection.prepare("INSERT INTO step (id, body) VALUES (?1, ?2)")?;
    let mut group: Vec<Write> = Vec::with_capacity(MOST);
    while let Ok(first) = waiting.recv() {
        group.push(first);
        group.extend(waiting.try_iter().take(MOST - 1));
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for write in &group {
            insert.execute(params![write.id, &write.body[..]])?;
        }
        connection.execute_batch("COMMIT")?;
        for write in group.drain(..) {
            // Who has stopped waiting does not need to know.
            let _ = write.done.send(());
        }
    }
    Ok(())
}

impl Durable for Sqlite {
    type Lane = ();

    async fn accept(&self, run: i64, event: Bytes) -> Result<(), BenchError> {
        self.write(run, 0, event).await
    }

    fn lane(&self) -> Result<(), BenchError> {
        Ok(())
    }

    async fn step(&self, (): &(), run: i64, step: i16, output: Bytes) -> Result<(), BenchError> {
        self.write(run, step, output).await
    }
}
