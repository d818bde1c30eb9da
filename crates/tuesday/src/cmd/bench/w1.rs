//! W1: accepted over HTTP, snapshot, model, route, write-back; alone and saturated.

use tuesday_bench::{DriveReport, Measured, cpu_seconds, drive, drive_alone, memory};
use tuesday_domain::problem::Problem;

use super::child::Child;
use super::package::{AUTO, Bed};
use super::report::W1;
use super::{BenchArgs, problem, stages};
use crate::out::unavailable;

/// Runs that warm up and are not counted.
const WARM_UP: u64 = 300;

/// Measures.
pub(super) async fn run(
    args: &BenchArgs,
    bed: &Bed,
    server: &Child,
    stub: &Child,
) -> Result<(Measured, W1), Problem> {
    let written = bed.written()?;
    let alone = drive_alone(bed.events(AUTO, "alone", args.alone), &written)
        .await
        .map_err(|e| problem(&e))?;
    drive(bed.events(AUTO, "warm", WARM_UP), &written)
        .await
        .map_err(|e| problem(&e))?;
    let (before, stub_before) = (bytes(bed).await?, cpu(stub));
    let (saturated, server_cpu_us_per_run) = saturate(bed, server, "full", args.runs).await?;
    let extra = W1 {
        server_cpu_us_per_run,
        stub_cpu_us_per_run: per_run(cpu(stub) - stub_before, args.runs),
        stages: stages::of(bed.reader(), AUTO).await?,
    };
    let subject = Measured {
        name: "tuesday".to_owned(),
        workers: 64,
        alone,
        saturated,
        memory: memory(Some(server.pid())),
        bytes_per_run: Some(bytes(bed).await?.saturating_sub(before) / args.runs),
    };
    Ok((subject, extra))
}

/// As many runs at once as it takes; answers the server's processor time a run too, microseconds.
pub(super) async fn saturate(
    bed: &Bed,
    server: &Child,
    prefix: &str,
    runs: u64,
) -> Result<(DriveReport, f64), Problem> {
    let before = cpu(server);
    let report = drive(bed.events(AUTO, prefix, runs), &bed.written()?)
        .await
        .map_err(|e| problem(&e))?;
    Ok((report, per_run(cpu(server) - before, runs)))
}

/// Processor time of a child so far, seconds.
pub(super) fn cpu(child: &Child) -> f64 {
    cpu_seconds(child.pid()).unwrap_or(0.0)
}

/// Microseconds a run.
pub(super) fn per_run(seconds: f64, runs: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "no bench has 2^52 runs")]
    let runs = runs.max(1) as f64;
    seconds * 1e6 / runs
}

/// Size of the database. On SQLite the pages that are in use, wherever they lie just now: how full the
/// write-ahead log happens to be would say more about the moment than about a run.
async fn bytes(bed: &Bed) -> Result<u64, Problem> {
    let Some(path) = bed.sqlite() else {
        return bed
            .reader()
            .health()
            .await
            .map(|h| h.bytes)
            .map_err(|e| unavailable(e.to_string()));
    };
    let pages = || {
        let conn = rusqlite::Connection::open_with_flags(
            path,
            rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
        )?;
        let number = |pragma: &str| conn.query_row(pragma, [], |r| r.get::<_, i64>(0));
        Ok(
            (number("PRAGMA page_count")? - number("PRAGMA freelist_count")?)
                * number("PRAGMA page_size")?,
        )
    };
    pages()
        .map(|n: i64| u64::try_from(n).unwrap_or(0))
        .map_err(|e: rusqlite::Error| unavailable(e.to_string()))
}
