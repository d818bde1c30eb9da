//! `tuesday check PATH`: every fault of a package with file, line and the way out.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use tuesday_domain::definition::lint;
use tuesday_domain::problem::Problem;

use crate::cli::Common;
use crate::{files, out};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Package folder, or a file that `tuesday pack` wrote
    path: PathBuf,
    /// Value of a variable of the package: NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
}

/// Prints the findings; exit 1 when one of them stops an installation.
pub(crate) fn run(common: &Common, args: &CheckArgs) -> Result<ExitCode, Problem> {
    let (package, vars) = files::read_package(&args.path, &args.set)?;
    let faults = lint::check(&package, &vars);
    let errors = faults.iter().filter(|f| !f.warning).count();
    if common.json {
        out::json_line(
            &json!({"ok": errors == 0, "errors": errors, "warnings": faults.len() - errors, "findings": faults}),
        );
    } else {
        for f in &faults {
            let line = f.line.map(|l| format!(":{l}")).unwrap_or_default();
            let kind = if f.warning { "warning" } else { "error" };
            out::line(&format!(
                "{}{line}: {kind}: {} [{}]\n  way out: {}",
                f.file, f.message, f.code, f.way_out
            ));
        }
        out::line(&format!(
            "{} errors, {} warnings in {}",
            errors,
            faults.len() - errors,
            args.path.display()
        ));
    }
    Ok(ExitCode::from(u8::from(errors > 0)))
}
