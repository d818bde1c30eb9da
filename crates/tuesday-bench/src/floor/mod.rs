//! The floor: what W1 costs when nobody keeps a review task, a receipt or a record.
//!
//! A program written by hand for this one workload. It accepts an event over HTTP, commits it, and
//! then takes four steps: snapshot, model call, route, write-back under a key. What each step gave is
//! committed before the next begins; what it was given is what was committed before. That is all:
//! no leases, no retries, no audit. Whatever is measured beside it makes the same calls and commits.

mod counter;
mod postgres;
mod run;
mod server;
mod sqlite;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpListener;

pub use postgres::floor_postgres;
pub use sqlite::floor_sqlite;

use crate::drive::{DriveOptions, drive, drive_alone};
use crate::fault::BenchError;
use crate::machine::memory;
use crate::report::Measured;
use counter::Counter;
use run::Runner;

/// What the floor program measured about itself, in the form of everything that is compared with it.
pub type FloorReport = Measured;

/// Options of the floor program.
#[derive(Debug, Clone)]
pub struct FloorOptions {
    /// A model in the form of chat completions, such as `http://127.0.0.1:4390/v1/chat/completions`.
    pub model_url: String,
    /// Takes the write-back as a POST with `Idempotency-Key`.
    pub write_url: String,
    /// Folder for the SQLite file, which is removed afterwards. It must be on a real disk.
    pub dir: PathBuf,
    /// Runs at saturation.
    pub runs: u64,
    /// Runs one at a time.
    pub runs_alone: u64,
    /// Connections that submit.
    pub concurrency: usize,
    /// Runs worked on at one time; the PostgreSQL floor has one connection for each.
    pub workers: usize,
    /// Size of an event, about, in bytes.
    pub body_bytes: usize,
}

impl FloorOptions {
    /// The reference workload: 2 kB events, 64 submitters and 64 workers.
    #[must_use]
    pub fn new(model_url: &str, write_url: &str, dir: PathBuf) -> Self {
        Self {
            model_url: model_url.to_owned(),
            write_url: write_url.to_owned(),
            dir,
            runs: 20_000,
            runs_alone: 500,
            concurrency: 64,
            workers: 64,
            body_bytes: 2_048,
        }
    }
}

/// A store that the floor program commits to.
pub(crate) trait Durable: Send + Sync + 'static {
    /// What a worker holds for the length of a run.
    type Lane: Send;

    /// Commits the event.
    fn accept(&self, run: i64, event: Bytes)
    -> impl Future<Output = Result<(), BenchError>> + Send;

    /// Takes a lane; there are as many as workers.
    fn lane(&self) -> Result<Self::Lane, BenchError>;

    /// Commits what a step gave.
    fn step(
        &self,
        lane: &Self::Lane,
        run: i64,
        step: i16,
        output: Bytes,
    ) -> impl Future<Output = Result<(), BenchError>> + Send;
}

/// Serves the floor program over `store`, drives it, and reports. `size` tells the store's bytes.
async fn measure<S: Durable>(
    name: &str,
    store: Arc<S>,
    options: &FloorOptions,
    size: impl AsyncFn() -> Result<u64, BenchError>,
) -> Result<FloorReport, BenchError> {
    let counter = Arc::new(Counter::default());
    let runner = Arc::new(Runner::new(store, options, Arc::clone(&counter))?);
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(BenchError::Serve)?;
    let at = listener.local_addr().map_err(BenchError::Serve)?;
    let server = tokio::spawn(server::serve(listener, runner));
    let mut driven = DriveOptions::new(&format!("http://{at}"), "floor");
    driven.body_bytes = options.body_bytes;
    driven.concurrency = options.concurrency;
    driven.runs = options.runs_alone;
    let completion = counter.as_ref();
    let alone = drive_alone(driven.clone(), completion).await;
    driven.runs = options.runs;
    let saturated = drive(driven, completion).await;
    server.abort();
    // A run that failed explains a drive that stalled, so it is told first.
    if let Some(fault) = counter.failed() {
        return Err(BenchError::Run(fault));
    }
    let runs = options.runs + options.runs_alone;
    Ok(Measured {
        name: name.to_owned(),
        workers: options.workers,
        alone: alone?,
        saturated: saturated?,
        memory: memory(None),
        bytes_per_run: Some(size().await? / runs),
    })
}
