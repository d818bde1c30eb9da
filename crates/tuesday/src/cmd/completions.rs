//! `tuesday completions SHELL` and `tuesday version`: about the program itself.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use serde_json::json;
use tuesday_domain::problem::Problem;

use crate::cli::{Cli, Common};
use crate::out;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Arguments of `version`.
#[derive(Debug, Args)]
pub(crate) struct VersionArgs {
    /// Also what it is built on
    #[arg(long)]
    stack: bool,
}

/// Prints a completion script.
pub(crate) fn run(args: &CompletionsArgs) -> Result<ExitCode, Problem> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "tuesday", &mut script);
    let script = String::from_utf8(script).map_err(|e| Problem::new("internal", e.to_string()))?;
    out::line(script.trim_end());
    Ok(ExitCode::SUCCESS)
}

/// Prints the version.
pub(crate) fn version(common: &Common, args: &VersionArgs) -> ExitCode {
    let version = env!("CARGO_PKG_VERSION");
    let parts = [
        ("sqlite", rusqlite::version().to_owned()),
        ("postgresql", "14 or newer, over the network".to_owned()),
        ("rules", "decision table, CSV".to_owned()),
        (
            "audit",
            "RFC 6962 tree, C2SP checkpoints, Ed25519".to_owned(),
        ),
        (
            "models",
            "openai, anthropic, command, http, classifier, template".to_owned(),
        ),
        (
            "platform",
            format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        ),
    ];
    if common.json {
        let mut value = json!({"version": version});
        if args.stack {
            value["stack"] = parts
                .into_iter()
                .map(|(k, v)| (k.to_owned(), json!(v)))
                .collect::<serde_json::Map<_, _>>()
                .into();
        }
        out::json_line(&value);
        return ExitCode::SUCCESS;
    }
    out::line(&format!("tuesday {version}"));
    if args.stack {
        for (name, what) in parts {
            out::line(&format!("  {name:<12}{what}"));
        }
    }
    ExitCode::SUCCESS
}
