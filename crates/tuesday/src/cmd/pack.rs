//! `tuesday pack PATH`: a package folder as one file that `tuesday install` takes.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use tuesday_domain::definition::{lint, with_artefact};
use tuesday_domain::problem::Problem;
use tuesday_domain::snapshot::sha256_hex;

use crate::cli::Common;
use crate::config::Home;
use crate::{files, out, wiring};

/// Arguments of `pack`.
#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    /// Package folder
    path: PathBuf,
    /// Where to; NAME.tuesday.json when left out
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Value of a variable of the package, written into the file: NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
}

/// Packs a package without faults.
pub(crate) fn run(common: &Common, args: &PackArgs) -> Result<ExitCode, Problem> {
    // What is set here becomes the file's own value; `install --set` can still lay another over it.
    let (package, vars) = files::read_package(&args.path, &args.set)?;
    let errors: Vec<_> = lint::check(&package, &vars)
        .into_iter()
        .filter(|f| !f.warning)
        .collect();
    let def = package.definition(&vars);
    let (Ok(def), true) = (def, errors.is_empty()) else {
        return Err(Problem::new(
            "package_faulty",
            format!("{} has {} faults", args.path.display(), errors.len()),
        )
        .with("faults", serde_json::to_value(&errors).unwrap_or_default())
        .way_out(format!("run `tuesday check {}`", args.path.display())));
    };
    let bytes = package.to_bundle(&vars);
    let to = args
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}.tuesday.json", def.workflow.name)));
    std::fs::write(&to, &bytes)
        .map_err(|e| out::unavailable(format!("{}: {e}", to.display())).field("output"))?;
    // What a built-in model is trained to is part of what the package will be as a release.
    let model = wiring::ports(&Home::find(common)?)?.model;
    let trained = model
        .compile(&def.model, &package.files)
        .map_err(|e| Problem::new("package_faulty", e).way_out("correct the examples"))?;
    let artefact = trained.map(|c| c.artifact).unwrap_or_default();
    let (hash, file) = (
        hex::encode(with_artefact(package.release_hash(&def.vars), &artefact)),
        sha256_hex(&bytes),
    );
    if common.json {
        out::json_line(
            &json!({"workflow": def.workflow.name, "file": to, "bytes": bytes.len(), "sha256": file, "release_hash": hash}),
        );
    } else {
        out::line(&format!(
            "{}: {} bytes, release hash {hash}",
            to.display(),
            bytes.len()
        ));
        out::say(&format!("Next: tuesday install {}", to.display()));
    }
    Ok(ExitCode::SUCCESS)
}
