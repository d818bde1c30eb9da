//! Finished runs by the hundred thousand: does anything get slower with them?
//!
//! They are copies of one run that the server finished.

use std::time::{Duration, Instant};

use tuesday_bench::{Histogram, drive, get_often};
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::run::Status;
use tuesday_store::ReadError;

use super::child::Child;
use super::copies::{self, Model};
use super::finished::Parked;
use super::package::{AUTO, Bed, REVIEW};
use super::report::{History, Pace};
use super::{BenchArgs, problem, w1, w2};
use crate::out::unavailable;

/// Tasks that wait while the queue is listed.
const WAITING: u64 = 200;
/// Stories that are asked for.
const STORIES: u64 = 100;
/// Longest the server may take to seal what was added.
const SEAL: Duration = Duration::from_secs(300);

/// W1, then the past, then W1 again, the queue and some stories.
pub(super) async fn run(args: &BenchArgs, bed: &Bed, server: &Child) -> Result<History, Problem> {
    let before = pace(bed, server, "before", args.runs).await?;
    let began = Instant::now();
    let ids = fill(bed, args.history).await?;
    let fill_seconds = began.elapsed().as_secs_f64();
    sealed(bed).await?;
    let after = pace(bed, server, "after", args.runs).await?;
    drive(
        bed.events(REVIEW, "wait", WAITING),
        &Parked(bed.reader().clone()),
    )
    .await
    .map_err(|e| problem(&e))?;
    Ok(History {
        runs: args.history,
        fill_seconds,
        before,
        after,
        queue_page: w2::list(bed).await?,
        story: stories(bed, &ids).await?,
    })
}

async fn pace(bed: &Bed, server: &Child, prefix: &str, runs: u64) -> Result<Pace, Problem> {
    let (report, server_cpu_us_per_run) = w1::saturate(bed, server, prefix, runs).await?;
    Ok(Pace {
        runs_per_second: report.runs_per_second,
        server_cpu_us_per_run,
    })
}

/// Writes so many copies; answers the ids of some of them, spread evenly.
async fn fill(bed: &Bed, runs: u64) -> Result<Vec<RunId>, Problem> {
    let model = &Model::read(bed, AUTO, Status::Completed).await?;
    let every = (runs / STORIES).max(1);
    let mut some = Vec::new();
    copies::write(bed, (0..runs).map(|n| model.copy(n)), |n, id| {
        if n % every == 0 {
            some.push(id);
        }
    })
    .await?;
    Ok(some)
}

/// Waits until the server has sealed what was added, so that sealing is not part of what follows.
pub(super) async fn sealed(bed: &Bed) -> Result<(), Problem> {
    let (began, failed) = (Instant::now(), |e: ReadError| unavailable(e.to_string()));
    while began.elapsed() < SEAL {
        let size = bed.reader().audit_size().await.map_err(failed)?;
        let head = bed.reader().latest_checkpoint().await.map_err(failed)?;
        if head.is_some_and(|h| h.size + 1_000 > size) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(unavailable(format!(
        "the log was not sealed within {SEAL:?}"
    )))
}

/// The stories of runs all over the past.
async fn stories(bed: &Bed, ids: &[RunId]) -> Result<tuesday_bench::Latency, Problem> {
    let mut taken = Histogram::default();
    for id in ids {
        let began = Instant::now();
        let url = format!("{}/api/v1/runs/{id}/story", bed.url);
        get_often(&url, &bed.review, 1)
            .await
            .map_err(|e| problem(&e))?;
        taken.record(began.elapsed());
    }
    Ok(taken.latency())
}
