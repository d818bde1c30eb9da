//! W1: accepted over HTTP, snapshot, model, route, write-back; alone and saturated.

use tuesday_bench::{DriveOptions, Measured, cpu_seconds, drive, drive_alone, memory};
use tuesday_domain::problem::Problem;

use super::child::Child;
use super::finished::Written;
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
    let written = Written::new(&bed.stub_url, bed.reader().clone()).map_err(|e| problem(&e))?;
    let mut options = DriveOptions::new(&bed.url, AUTO);
    options.token = Some(bed.trigger.clone());
    options.concurrency = bed.concurrency;
    options.runs = args.alone;
    options.key_prefix = "alone".to_owned();
    let alone = drive_alone(options.clone(), &written)
        .await
        .map_err(|e| problem(&e))?;
    options.runs = WARM_UP;
    options.key_prefix = "warm".to_owned();
    drive(options.clone(), &written)
        .await
        .map_err(|e| problem(&e))?;
    let before = bytes(bed).await?;
    let cpu = |child: &Child| cpu_seconds(child.pid()).unwrap_or(0.0);
    let (server_before, stub_before) = (cpu(server), cpu(stub));
    options.runs = args.runs;
    options.key_prefix = "full".to_owned();
    let saturated = drive(options, &written).await.map_err(|e| problem(&e))?;
    let (server_cpu, stub_cpu) = (cpu(server) - server_before, cpu(stub) - stub_before);
    #[expect(clippy::cast_precision_loss, reason = "no bench has 2^52 runs")]
    let runs = args.runs as f64;
    let extra = W1 {
        server_cpu_us_per_run: server_cpu * 1e6 / runs,
        stub_cpu_us_per_run: stub_cpu * 1e6 / runs,
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
