//! One file per command.

mod adoption;
pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod batch;
pub(crate) mod bench;
pub(crate) mod capacity;
pub(crate) mod charter;
pub(crate) mod check;
pub(crate) mod clock;
pub(crate) mod completions;
pub(crate) mod connector;
pub(crate) mod cost;
pub(crate) mod decision;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod drift;
mod drift_repo;
pub(crate) mod erase;
pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod first_shift;
pub(crate) mod follow_up;
pub(crate) mod friday;
pub(crate) mod handoffs;
pub(crate) mod hold;
pub(crate) mod import;
pub(crate) mod incident;
pub(crate) mod init;
pub(crate) mod install;
pub(crate) mod intake;
pub(crate) mod label;
pub(crate) mod migrate;
pub(crate) mod pack;
pub(crate) mod pilot;
pub(crate) mod policy;
pub(crate) mod postmortem;
pub(crate) mod problem;
pub(crate) mod readiness_quiz;
pub(crate) mod real_data;
pub(crate) mod reconstruct;
pub(crate) mod release;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod rerun;
pub(crate) mod restore;
pub(crate) mod review;
pub(crate) mod rollout;
pub(crate) mod rules;
pub(crate) mod run;
pub(crate) mod secret;
pub(crate) mod security;
pub(crate) mod serve;
mod shadow;
pub(crate) mod signal;
pub(crate) mod stub;
pub(crate) mod token;
pub(crate) mod trigger;
pub(crate) mod turnover;
pub(crate) mod user;
pub(crate) mod wait;
pub(crate) mod workflow;
pub(crate) mod writeback;

use std::process::ExitCode;

use tuesday_domain::problem::Problem;

use crate::cli::{Cli, Command};

/// Runs the command.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode, Problem> {
    let common = cli.common;
    match cli.command {
        Command::Demo(args) => Box::pin(demo::run(common, args)).await,
        Command::Serve(args) => serve::run(common, args).await,
        Command::Init(args) => init::run(&common, &args),
        Command::Check(args) => check::run(&common, &args),
        Command::Pack(args) => pack::run(&common, &args),
        Command::Eval(args) => Box::pin(eval::run(common, args)).await,
        Command::Gate(args) => Box::pin(eval::gate(common, args)).await,
        Command::Install(args) => install::run(common, args).await,
        Command::Run(args) => run::run(common, args).await,
        Command::Writeback(args) => Box::pin(writeback::run(common, args)).await,
        Command::Rerun(args) => Box::pin(rerun::run(common, args)).await,
        Command::Report(args) => Box::pin(report::run(common, args)).await,
        Command::Capacity(args) => Box::pin(capacity::run(common, args)).await,
        Command::Drift(args) => Box::pin(drift::run(common, args)).await,
        Command::Cost(args) => Box::pin(cost::run(common, args)).await,
        Command::Changes(args) => report::changes(common, args).await,
        Command::Reconstruct(args) => reconstruct::run(common, args).await,
        Command::Batch(args) => batch::run(common, args).await,
        Command::Review(args) => review::run(common, args).await,
        Command::Intake(args) => intake::run(common, args).await,
        Command::Trigger(args) => Box::pin(trigger::run(common, args)).await,
        Command::Policy(args) => policy::run(common, args).await,
        Command::Problem(args) => problem::run(common, args).await,
        Command::Incident(args) => Box::pin(incident::run(common, args)).await,
        Command::Alerts(args) => Box::pin(alerts::run(common, args)).await,
        Command::Rules(args) => rules::run(common, args).await,
        Command::Release(args) => Box::pin(release::run(common, args)).await,
        Command::Charter(args) => Box::pin(charter::run(common, args)).await,
        Command::Readiness(args) => Box::pin(charter::readiness(common, args)).await,
        Command::Training(args) => Box::pin(charter::training(common, args)).await,
        Command::Postmortem(args) => Box::pin(postmortem::run(common, args)).await,
        Command::FollowUp(args) => Box::pin(follow_up::run(common, args)).await,
        Command::Handoffs(args) => Box::pin(handoffs::run(common, args)).await,
        Command::Pilot(args) => Box::pin(pilot::run(common, args)).await,
        Command::Turnover(args) => Box::pin(turnover::run(common, args)).await,
        Command::Decision(args) => Box::pin(decision::run(&common, args)).await,
        Command::Workflow(args) => workflow::run(common, args).await,
        Command::Bench(args) => Box::pin(bench::run(common, args)).await,
        Command::RealData(args) => Box::pin(real_data::run(common, args)).await,
        Command::Audit(args) => audit::run(common, args).await,
        Command::Export(args) => Box::pin(export::run(common, args)).await,
        Command::Import(args) => Box::pin(import::run(common, args)).await,
        Command::Erase(args) => Box::pin(erase::run(common, args)).await,
        Command::Hold(args) => hold::run(common, args).await,
        Command::Token(args) => token::run(common, args).await,
        Command::User(args) => Box::pin(user::run(common, args)).await,
        Command::Security(args) => security::run(common, args).await,
        Command::Restore(args) => restore::run(common, args).await,
        Command::Connector(args) => connector::run(common, args).await,
        Command::Secret(args) => secret::run(common, args).await,
        Command::Doctor(args) => doctor::run(common, args).await,
        Command::Migrate(args) => migrate::run(common, args).await,
        Command::Backup(args) => backup::run(common, args).await,
        Command::Signal(args) => signal::run(common, args).await,
        Command::Stub(args) => stub::run(common, args).await,
        Command::Clock(args) => clock::run(common, args).await,
        Command::Completions(args) => completions::run(&args),
        Command::Version(args) => Ok(completions::version(&common, &args)),
    }
}
