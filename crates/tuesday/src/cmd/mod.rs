//! One file per command.

pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod install;
pub(crate) mod real_data;
pub(crate) mod serve;
pub(crate) mod token;

use std::process::ExitCode;

use tuesday_domain::problem::Problem;

use crate::cli::{Cli, Command};

/// Runs the command.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode, Problem> {
    let common = cli.common;
    match cli.command {
        Command::Demo(args) => demo::run(common, args).await,
        Command::Serve(args) => serve::run(common, args).await,
        Command::Check(args) => check::run(&common, &args),
        Command::Install(args) => install::run(common, args).await,
        Command::Audit(args) => audit::run(common, args).await,
        Command::Token(args) => token::run(common, args).await,
        Command::RealData(args) => Box::pin(real_data::run(common, args)).await,
    }
}
