//! The binary: command line, configuration, wiring. No logic of its own.

mod args;
mod cli;
#[cfg(test)]
mod cli_reference;
mod cmd;
mod config;
mod files;
mod folders;
mod heartbeat;
mod identity;
mod out;
mod recount;
mod signs;
mod skew;
mod views;
mod wiring;

use std::process::ExitCode;

use clap::Parser as _;

/// A run makes several thousand small allocations on one thread that another one frees.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return cli::refused(&e, std::env::args_os()),
    };
    let json = cli.common.json;
    out::start_logging(&cli.common);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => {
            out::failure(
                json,
                &out::unavailable(format!("the runtime cannot start: {e}")),
            );
            return ExitCode::from(5);
        }
    };
    match runtime.block_on(cmd::run(cli)) {
        Ok(code) => code,
        Err(problem) => {
            out::failure(json, &problem);
            ExitCode::from(problem.exit())
        }
    }
}
