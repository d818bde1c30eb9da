//! `tuesday bench`: W1 and W2 against the machine's own floor, in one invocation.
//!
//! Stub world, server and floor program run as child processes of the same binary, so that memory
//! and processor time belong to somebody. Only ratios within one invocation mean anything.

mod backtest;
mod child;
mod clicks;
mod copies;
mod finished;
mod history;
mod open_tasks;
mod package;
mod report;
mod stages;
mod start;
mod w1;
mod w2;
mod year;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tuesday_bench::{BenchError, BenchReport, Compared, DriveReport, Measured, drive, machine};
use tuesday_domain::problem::Problem;

use crate::cli::Common;
use crate::out::{self, unavailable};
use child::{Child, Role};

/// Arguments of `bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Runs of each workload at saturation
    #[arg(long, default_value_t = 10_000)]
    runs: u64,
    /// Runs one at a time
    #[arg(long, default_value_t = 300)]
    alone: u64,
    /// Requests under way at once
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
    /// The database: postgres needs --database with an empty one
    #[arg(long, value_enum, default_value_t = Kind::Sqlite)]
    store: Kind,
    /// Measure the floor only
    #[arg(long)]
    floor: bool,
    /// Workloads
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Workload::W1, Workload::W2])]
    workload: Vec<Workload>,
    /// Events a second offered while acknowledgements are timed, for ten seconds
    #[arg(long, default_value_t = 500)]
    offered: u64,
    /// Finished runs to add before W1 is measured once more, with the queue and stories
    #[arg(long, default_value_t = 0)]
    history: u64,
    /// Open review tasks to add before the pages of the console are timed
    #[arg(long, default_value_t = 0)]
    open_tasks: u64,
    /// Tasks that people click on, for the clicks workload
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..))]
    tasks: u64,
    /// People who click on each task
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(2..=3))]
    clicks_per_task: u8,
    /// Clicks under way at once
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// Days of the year workload
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u64).range(28..=366))]
    days: u64,
    /// Write the report as JSON to this file too
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// What a child process does
    #[arg(long, hide = true)]
    child: Option<Role>,
    /// Address of the stub world, for a child
    #[arg(long, hide = true)]
    stub: Option<String>,
}

/// The databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Embedded
    Sqlite,
    /// A server
    Postgres,
}

/// The workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// Accepted to written back without a person
    W1,
    /// Parked for a person, then approved
    W2,
    /// Several people decide the same tasks at once; exit 1 unless each takes one decision
    Clicks,
    /// A change of the rules tried on --history runs; exit 1 unless every run is judged rightly
    Backtest,
    /// A year of operation on a test clock, --runs cases over --days; exit 1 unless every number of the
    /// scorecard follows from the log and drift is found in time and not before
    Year,
}

/// Measures.
pub(crate) async fn run(common: Common, args: BenchArgs) -> Result<ExitCode, Problem> {
    if let Some(role) = args.child {
        child::run(role, &common, &args).await?;
        return Ok(ExitCode::SUCCESS);
    }
    if (args.store == Kind::Postgres) != common.database.is_some() {
        return Err(Problem::new(
            "bad_request",
            "--store postgres and --database URL go together",
        )
        .field("store"));
    }
    if args.workload.contains(&Workload::Year) && args.workload.len() > 1 {
        return Err(Problem::new(
            "bad_request",
            "the year needs the machine for itself: name no other workload",
        )
        .field("workload"));
    }
    if args.workload.contains(&Workload::Backtest) && args.history == 0 {
        return Err(Problem::new(
            "bad_request",
            "the workload backtest needs a history: --history 1000000",
        )
        .field("history"));
    }
    let (dir, is_own) = match &common.dir {
        Some(dir) => (dir.clone(), false),
        None => (
            std::env::temp_dir().join(format!("tuesday-bench-{}", std::process::id())),
            true,
        ),
    };
    std::fs::create_dir_all(&dir).map_err(|e| unavailable(format!("{}: {e}", dir.display())))?;
    let result = if args.workload.contains(&Workload::Year) {
        Box::pin(year::run(&common, &args, &dir)).await.map(told)
    } else {
        Box::pin(measure(&common, &args, &dir)).await.map(told)
    };
    if is_own {
        // A folder of our own name that nobody else uses; what cannot be removed is only untidy.
        let _ = std::fs::remove_dir_all(&dir);
    }
    let (holds, report, text) = result?;
    if let Some(path) = &args.write {
        std::fs::write(path, format!("{report}\n"))
            .map_err(|e| unavailable(format!("{}: {e}", path.display())))?;
    }
    if common.json {
        out::json_line(&report);
    } else {
        out::line(text.trim_end());
    }
    Ok(if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What a workload ends with: whether it holds, as JSON, and as text.
trait Told {
    fn holds(&self) -> bool;
    fn json(&self) -> serde_json::Value;
    fn text(&self) -> String;
}

fn told(report: impl Told) -> (bool, serde_json::Value, String) {
    (report.holds(), report.json(), report.text())
}

async fn measure(
    common: &Common,
    args: &BenchArgs,
    dir: &std::path::Path,
) -> Result<report::Report, Problem> {
    let bar = out::progress(7, "Machine");
    let on = dir.to_owned();
    let limits = tokio::task::spawn_blocking(move || machine(&on, Duration::from_secs(1)));
    let limits = limits
        .await
        .map_err(|e| unavailable(e.to_string()))?
        .map_err(|e| problem(&e))?;
    bar.inc(1);
    bar.set_message("Floor");
    let mut out = report::Report {
        bench: BenchReport {
            machine: limits,
            compared: vec![Compared {
                floor: floor(common, args, dir)?,
                subject: None,
            }],
        },
        date: tuesday_engine::Clock::System.now().rfc3339(),
        floor_after_runs_per_second: None,
        part_of_both_floors: None,
        cold_start_ms: None,
        w1: None,
        offered: None,
        w2: None,
        clicks: None,
        backtest: None,
        killed: None,
        history: None,
        open_tasks: None,
    };
    bar.inc(1);
    if !args.floor {
        Box::pin(subject(common, args, dir, &mut out, &bar)).await?;
    }
    bar.finish_and_clear();
    Ok(out)
}

/// Everything that is held against the floor, on one server.
async fn subject(
    common: &Common,
    args: &BenchArgs,
    dir: &std::path::Path,
    out: &mut report::Report,
    bar: &indicatif::ProgressBar,
) -> Result<(), Problem> {
    // A stub of its own: the floor's keys must not be known to it.
    let stub = Child::stub()?;
    let bed = package::Bed::make(common, args, dir, &stub).await?;
    let (mut server, cold_start_ms) = start::ready(common, dir, &bed).await?;
    out.cold_start_ms = Some(cold_start_ms);
    let stage = |name: &'static str| {
        bar.inc(1);
        bar.set_message(name);
    };
    if args.workload.contains(&Workload::W1) {
        stage("W1");
        let (subject, extra) = w1::run(args, &bed, &server, &stub).await?;
        out.w1 = Some(extra);
        stage("Floor again");
        compare(out, subject, floor(common, args, dir)?);
        stage("Acknowledgements");
        out.offered = Some(offered(args, &bed).await?);
    }
    if args.workload.contains(&Workload::W2) {
        stage("W2");
        out.w2 = Some(w2::run(args, &bed, &server).await?);
    }
    if args.workload.contains(&Workload::Clicks) {
        stage("Clicks");
        out.clicks = Some(clicks::run(args, &bed).await?);
    }
    if args.workload.contains(&Workload::Backtest) {
        stage("Back-test");
        out.backtest = Some(backtest::run(&bed, args.history).await?);
    }
    if args.workload.contains(&Workload::W1) {
        stage("Kill");
        let (again, killed) = start::kill(common, dir, &bed, server).await?;
        (server, out.killed) = (again, Some(killed));
        if args.history > 0 {
            stage("History");
            out.history = Some(history::run(args, &bed, &server).await?);
        }
    }
    if args.open_tasks > 0 {
        stage("Open tasks");
        out.open_tasks = Some(open_tasks::run(&bed, args.open_tasks).await?);
    }
    drop(server);
    Ok(())
}

/// W1 beside the floor before it and the floor after it: the machine may change between them.
fn compare(out: &mut report::Report, subject: Measured, again: Measured) {
    if let Some(pair) = out.bench.compared.first_mut() {
        let after = again.saturated.runs_per_second;
        let mean = f64::midpoint(pair.floor.saturated.runs_per_second, after);
        out.floor_after_runs_per_second = Some(after);
        out.part_of_both_floors = Some(subject.saturated.runs_per_second / mean);
        pair.subject = Some(subject);
    }
}

/// Acknowledgements with a fixed number of events offered a second.
async fn offered(args: &BenchArgs, bed: &package::Bed) -> Result<DriveReport, Problem> {
    let mut events = bed.events(package::AUTO, "offered", args.offered * 10);
    #[expect(
        clippy::cast_precision_loss,
        reason = "nobody offers 2^52 events a second"
    )]
    let rate = args.offered as f64;
    events.rate = Some(rate);
    let written = bed.written()?;
    drive(events, &written).await.map_err(|e| problem(&e))
}

/// Runs the floor program in a process of its own and reads what it says about itself.
fn floor(common: &Common, args: &BenchArgs, dir: &std::path::Path) -> Result<Measured, Problem> {
    let stub = Child::stub()?;
    let said = Child::floor(common, args, dir, &stub.url)?;
    serde_json::from_str(&said)
        .map_err(|e| unavailable(format!("the floor program said {said:?}: {e}")))
}

fn problem(e: &BenchError) -> Problem {
    use std::error::Error as _;
    unavailable(
        e.source()
            .map_or_else(|| e.to_string(), |why| format!("{e}: {why}")),
    )
}
