//! The floor on PostgreSQL: each worker has a connection and commits every step by itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio_postgres::{Client, NoTls, Statement};

use super::{Durable, FloorOptions, FloorReport, measure};
use crate::fault::BenchError;

/// Connections that commit events; acceptances share them, pipelined.
const DOORS: usize = 8;

const INSERT: &str = "INSERT INTO tuesday_floor.step (run, step, body) VALUES ($1, $2, $3)";
const REMOVE: &str = "DROP SCHEMA IF EXISTS tuesday_floor CASCADE";
const CREATE: &str = "CREATE SCHEMA tuesday_floor;
    CREATE TABLE tuesday_floor.step (run BIGINT NOT NULL, step SMALLINT NOT NULL,
        body BYTEA NOT NULL, PRIMARY KEY (run, step))";

/// Measures W1 on PostgreSQL (`synchronous_commit=on`), in a schema of its own that is removed
/// afterwards. The reference has 32 workers.
///
/// # Errors
/// When the database refuses, a stand-in fails, or a run does.
pub async fn floor_postgres(url: &str, options: FloorOptions) -> Result<FloorReport, BenchError> {
    let keeper = connect(url).await?;
    keeper.batch_execute(REMOVE).await?;
    keeper.batch_execute(CREATE).await?;
    let store = Arc::new(Postgres::open(url, options.workers).await?);
    let size = async || {
        let row = keeper
            .query_one("SELECT pg_total_relation_size('tuesday_floor.step')", &[])
            .await?;
        Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
    };
    let report = measure("floor on PostgreSQL", store, &options, size).await;
    keeper.batch_execute(REMOVE).await?;
    report
}

struct Session {
    client: Client,
    insert: Statement,
}

struct Postgres {
    doors: Vec<Session>,
    next_door: AtomicUsize,
    idle: Arc<Mutex<Vec<Session>>>,
}

/// A worker's connection; it goes back when the run ends.
struct Lane {
    session: Option<Session>,
    home: Arc<Mutex<Vec<Session>>>,
}

impl Drop for Lane {
    fn drop(&mut self) {
        let mut home = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        home.extend(self.session.take());
    }
}

async fn connect(url: &str) -> Result<Client, BenchError> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // What the connection ends with is told to the query that waits for it.
    tokio::spawn(async move { drop(connection.await) });
    client.batch_execute("SET synchronous_commit = on").await?;
    Ok(client)
}

impl Session {
    async fn open(url: &str) -> Result<Self, BenchError> {
        let client = connect(url).await?;
        let insert = client.prepare(INSERT).await?;
        Ok(Self { client, insert })
    }

    async fn write(&self, run: i64, step: i16, body: &[u8]) -> Result<(), BenchError> {
        self.client
            .execute(&self.insert, &[&run, &step, &body])
            .await?;
        Ok(())
    }
}

impl Postgres {
    async fn open(url: &str, workers: usize) -> Result<Self, BenchError> {
        let (mut doors, mut idle) = (Vec::new(), Vec::new());
        for _ in 0..DOORS {
            doors.push(Session::open(url).await?);
        }
        for _ in 0..workers {
            idle.push(Session::open(url).await?);
        }
        Ok(Self {
            doors,
            next_door: AtomicUsize::new(0),
            idle: Arc::new(Mutex::new(idle)),
        })
    }
}

impl Durable for Postgres {
    type Lane = Lane;

    async fn accept(&self, run: i64, event: Bytes) -> Result<(), BenchError> {
        let at = self.next_door.fetch_add(1, Ordering::Relaxed) % self.doors.len();
        self.doors[at].write(run, 0, &event).await
    }

    fn lane(&self) -> Result<Lane, BenchError> {
        let session = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let session = session.ok_or(BenchError::Gone("PostgreSQL connection"))?;
        Ok(Lane {
            session: Some(session),
            home: Arc::clone(&self.idle),
        })
    }

    async fn step(
        &self,
        lane: &Lane,
        run: i64,
        step: i16,
        output: Bytes,
    ) -> Result<(), BenchError> {
        let session = lane
            .session
            .as_ref()
            .ok_or(BenchError::Gone("PostgreSQL connection"))?;
        session.write(run, step, &output).await
    }
}
