//! The command tree. Each variant's arguments live with the command in `cmd/`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::cmd;

/// Run one AI step as a production workflow: queued, checked, reviewed, written back, recorded.
#[derive(Debug, Parser)]
#[command(name = "tuesday", version, propagate_version = true, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 a check or gate failed, 2 bad input, 3 refused by policy, 4 not found, 5 unavailable.
Start here: tuesday demo";

/// What every command understands.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// Folder of the embedded database (DIR/tuesday.db), its keys and files
    #[arg(long, global = true, env = "TUESDAY_DIR", value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// PostgreSQL instead of the embedded database: postgres://user@host/name
    #[arg(long, global = true, env = "TUESDAY_DATABASE", value_name = "URL", hide_env_values = true)]
    pub(crate) database: Option<String>,
    /// Configuration file; flags and TUESDAY_* variables win over it
    #[arg(long, global = true, env = "TUESDAY_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One JSON object, or one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Who acts, by handle, for commands that change something
    #[arg(long = "as", global = true, env = "TUESDAY_AS", value_name = "HANDLE")]
    pub(crate) acting: Option<String>,
    /// Log more (repeat for more)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The four example packages on an own instance, with stub destinations
    Demo(cmd::demo::DemoArgs),
    /// API, console and worker
    Serve(cmd::serve::ServeArgs),
    /// Explain every fault of a package
    Check(cmd::check::CheckArgs),
    /// Install a package folder or file
    Install(cmd::install::InstallArgs),
    /// The audit log
    Audit(cmd::audit::AuditArgs),
    /// API tokens
    Token(cmd::token::TokenArgs),
    /// The main job on real data sets that lie in a folder
    #[command(hide = true)]
    RealData(cmd::real_data::RealDataArgs),
}
