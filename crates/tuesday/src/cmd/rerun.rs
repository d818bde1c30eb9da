//! `tuesday rerun`: an ended run again, as a new run that names it.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{Inputs, Rerun, With};

use super::run::{Wait, tell};
use super::wait::Session;
use crate::cli::Common;
use crate::{args, wiring};

/// What the new run reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Reads {
    /// The sources as they are now
    Fresh,
    /// What the old run had frozen
    Frozen,
}

/// Arguments of `rerun`.
#[derive(Debug, Args)]
pub(crate) struct RerunArgs {
    /// The run
    id: String,
    /// What the new run reads
    #[arg(long, value_enum, default_value = "fresh")]
    inputs: Reads,
    /// live, same (the old run's own) or the id of a release
    #[arg(long, default_value = "live", value_name = "RELEASE")]
    release: String,
    /// End with the route and write nothing
    #[arg(long)]
    without_effect: bool,
    /// Go on where the run was stopped: its own release, and what it had frozen so far
    #[arg(long, conflicts_with_all = ["inputs", "release", "without_effect"])]
    resume: bool,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    wait: Wait,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: RerunArgs) -> Result<ExitCode, Problem> {
    let id: RunId = args::id(&args.id, "id")?;
    let with = match args.release.as_str() {
        "live" => With::Live,
        "same" => With::Same,
        named => With::Release(args::id(named, "release")?),
    };
    let session = Session::open(&common, args.wait.wait).await?;
    let engine = &session.node.engine;
    let how = if args.resume {
        let old = engine.reader().run(id).await.map_err(args::stored)?;
        let frozen = old.is_some_and(|r| r.snapshot_ref.is_some());
        Rerun::resumed(frozen, args.reason)
    } else {
        let inputs = match args.inputs {
            Reads::Fresh => Inputs::Fresh,
            Reads::Frozen => Inputs::Frozen,
        };
        Rerun {
            inputs,
            with,
            without_effect: args.without_effect,
            reason: args.reason,
        }
    };
    let started = engine.rerun(id, &how, &wiring::actor(&common)).await?;
    let done = if args.wait.wait {
        session.settled(started.id, args.wait.timeout.0).await
    } else {
        Ok(started)
    };
    session.close().await;
    tell(&common, &done?);
    Ok(ExitCode::SUCCESS)
}
