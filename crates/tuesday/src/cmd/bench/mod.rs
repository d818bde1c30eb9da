//! `tuesday bench`: W1 and W2 against the machine's own floor, in one invocation.
//!
//! Stub world, server and floor program run as child processes of the same binary, so that memory
//! and processor time belong to somebody. Only ratios within one invocation mean anything.

mod child;
mod finished;
mod package;
mod report;
mod stages;
mod w1;
mod w2;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tuesday_bench::{BenchError, BenchReport, Compared, Measured, machine};
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
    let (dir, is_own) = match &common.dir {
        Some(dir) => (dir.clone(), false),
        None => (
            std::env::temp_dir().join(format!("tuesday-bench-{}", std::process::id())),
            true,
        ),
    };
    std::fs::create_dir_all(&dir).map_err(|e| unavailable(format!("{}: {e}", dir.display())))?;
    let result = measure(&common, &args, &dir).await;
    if is_own {
        // A folder of our own name that nobody else uses; what cannot be removed is only untidy.
        let _ = std::fs::remove_dir_all(&dir);
    }
    let report = result?;
    if let Some(path) = &args.write {
        std::fs::write(path, format!("{}\n", report.json()))
            .map_err(|e| unavailable(format!("{}: {e}", path.display())))?;
    }
    if common.json {
        out::json_line(&report.json());
    } else {
        out::line(report.text().trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(
    common: &Common,
    args: &BenchArgs,
    dir: &std::path::Path,
) -> Result<report::Report, Problem> {
    let bar = out::progress(4, "Machine");
    let on = dir.to_owned();
    let limits = tokio::task::spawn_blocking(move || machine(&on, Duration::from_secs(1)));
    let limits = limits
        .await
        .map_err(|e| unavailable(e.to_string()))?
        .map_err(|e| problem(&e))?;
    bar.inc(1);
    bar.set_message("Floor");
    let stub = Child::stub()?;
    let floor = floor(common, args, dir, &stub)?;
    let mut out = report::Report {
        bench: BenchReport {
            machine: limits,
            compared: vec![Compared {
                floor,
                subject: None,
            }],
        },
        date: tuesday_engine::Clock::System.now().rfc3339(),
        w1: None,
        w2: None,
    };
    bar.inc(1);
    if !args.floor {
        // A stub of its own: the floor's keys must not be known to it.
        drop(stub);
        let stub = Child::stub()?;
        let bed = package::Bed::make(common, args, dir, &stub).await?;
        let server = Child::server(common, dir, &bed.listen)?;
        bed.ready().await?;
        if args.workload.contains(&Workload::W1) {
            bar.set_message("W1");
            let (subject, extra) = w1::run(args, &bed, &server, &stub).await?;
            if let Some(first) = out.bench.compared.first_mut() {
                first.subject = Some(subject);
            }
            out.w1 = Some(extra);
        }
        bar.inc(1);
        if args.workload.contains(&Workload::W2) {
            bar.set_message("W2");
            out.w2 = Some(w2::run(args, &bed, &server).await?);
        }
    }
    bar.finish_and_clear();
    Ok(out)
}

/// Runs the floor program in a process of its own and reads what it says about itself.
fn floor(
    common: &Common,
    args: &BenchArgs,
    dir: &std::path::Path,
    stub: &Child,
) -> Result<Measured, Problem> {
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
