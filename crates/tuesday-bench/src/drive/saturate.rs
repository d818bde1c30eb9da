//! Many events over many connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::{DriveOptions, DriveReport};
use crate::client::{Address, Connection};
use crate::completion::Completion;
use crate::fault::BenchError;
use crate::histogram::Histogram;

/// Between two questions for the count; at full load a few milliseconds do not show.
const PAUSE: Duration = Duration::from_millis(4);

/// What one connection saw.
#[derive(Default)]
struct Seen {
    acceptance: Histogram,
    refused: u64,
    first_refusal: Option<String>,
}

/// Sends all events, and waits until as many more runs are finished as were sent.
///
/// With a rate, latency counts from the moment an event was due, so that a server that falls behind
/// cannot hide it.
///
/// # Errors
/// When anything was refused or a connection broke, or when runs stop being finished: a figure of
/// part of the work would mislead.
pub async fn drive(
    options: DriveOptions,
    completion: &impl Completion,
) -> Result<DriveReport, BenchError> {
    options.check()?;
    let address = options.address()?;
    let before = completion.finished().await?;
    let (options, next) = (Arc::new(options), Arc::new(AtomicU64::new(0)));
    let mut open = Vec::with_capacity(options.concurrency);
    for _ in 0..options.concurrency {
        open.push(Connection::open(&address).await?);
    }
    let began = Instant::now();
    let mut senders = JoinSet::new();
    for connection in open {
        let (options, next) = (Arc::clone(&options), Arc::clone(&next));
        senders.spawn(send(options, address.clone(), connection, next, began));
    }
    let mut all = Seen::default();
    while let Some(ended) = senders.join_next().await {
        let seen = ended.map_err(|_| BenchError::Gone("load generator"))??;
        all.acceptance.merge(&seen.acceptance);
        all.refused += seen.refused;
        all.first_refusal = all.first_refusal.or(seen.first_refusal);
    }
    let accepted = began.elapsed();
    if let Some(first) = all.first_refusal {
        return Err(BenchError::Refused {
            refused: all.refused,
            sent: options.runs,
            first,
        });
    }
    await_all(completion, before, options.runs, PAUSE, options.patience).await?;
    let finished = began.elapsed();
    #[expect(clippy::cast_precision_loss, reason = "no drive has 2^52 runs")]
    let runs_per_second = options.runs as f64 / finished.as_secs_f64();
    Ok(DriveReport {
        runs: options.runs,
        concurrency: options.concurrency,
        rate: options.rate,
        accepted_seconds: accepted.as_secs_f64(),
        finished_seconds: finished.as_secs_f64(),
        runs_per_second,
        acceptance: all.acceptance.latency(),
    })
}

/// Sends the next event, as long as there is one.
async fn send(
    options: Arc<DriveOptions>,
    address: Address,
    mut connection: Connection,
    next: Arc<AtomicU64>,
    began: Instant,
) -> Result<Seen, BenchError> {
    let mut seen = Seen::default();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= options.runs {
            return Ok(seen);
        }
        let (headers, body) = (options.headers(number)?, options.body(number));
        let from = due(&options, number, began).await;
        let heard = connection.post(&headers, body).await?;
        seen.acceptance.record(from.elapsed());
        if heard.status != 202 {
            seen.refused += 1;
            let told = || format!("{}: {}", heard.status, heard.excerpt());
            seen.first_refusal.get_or_insert_with(told);
            // Servers close the connection after some refusals.
            connection = Connection::open(&address).await?;
        }
    }
}

/// Waits until the event is due. Gives the moment its latency counts from: when it was due, unless
/// the timer woke us late, which is not the server's doing.
async fn due(options: &DriveOptions, number: u64, began: Instant) -> Instant {
    let Some(rate) = options.rate else {
        return Instant::now();
    };
    #[expect(clippy::cast_precision_loss, reason = "no drive has 2^52 runs")]
    let due = began + Duration::from_secs_f64(number as f64 / rate);
    if due <= Instant::now() {
        return due;
    }
    sleep_until(due).await;
    Instant::now()
}

/// Waits for `more` runs beyond `before`, as long as there is progress.
pub(super) async fn await_all(
    completion: &impl Completion,
    before: u64,
    more: u64,
    pause: Duration,
    patience: Duration,
) -> Result<(), BenchError> {
    let mut last = before;
    loop {
        match timeout(patience, completion.wait(before + more, pause)).await {
            Ok(reached) => return reached,
            Err(_) => {
                let now = completion.finished().await?;
                if now <= last {
                    let finished = now.saturating_sub(before);
                    return Err(BenchError::Stalled {
                        finished,
                        wanted: more,
                        patience,
                    });
                }
                last = now;
            }
        }
    }
}
