//! `tuesday install PATH`: makes a package's content the live release of its workflow.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{InstallOptions, Installed};
use tuesday_store::InstanceKind;

use crate::cli::Common;
use crate::config::Home;
use crate::wiring::{self, Opening};
use crate::{files, out};

/// Arguments of `install`.
#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    /// Package folder, or a file that `tuesday pack` wrote
    path: PathBuf,
    /// Value of a variable of the package: NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Where there is no instance yet, make one for tests: it grants the label that the package asks for
    #[arg(long)]
    test_instance: bool,
}

/// Installs and says what was granted.
pub(crate) async fn run(common: Common, args: InstallArgs) -> Result<ExitCode, Problem> {
    let (package, vars) = files::read_package(&args.path, &args.set)?;
    let node = wiring::open(
        Home::find(&common)?,
        Opening {
            create: true,
            kind: if args.test_instance {
                InstanceKind::Test
            } else {
                InstanceKind::Real
            },
            ..Opening::default()
        },
    )
    .await?;
    if args.test_instance && node.instance.kind != InstanceKind::Test {
        let words = format!("{} is a real instance", node.home.dir.display());
        return Err(Problem::new("bad_request", words)
            .field("test-instance")
            .way_out("name another folder with --dir"));
    }
    let options = InstallOptions {
        vars,
        test_instance: node.instance.kind == InstanceKind::Test,
    };
    let done = node
        .engine
        .install(&package, options, &wiring::actor(&common))
        .await?;
    crate::folders::make(&node).await?;
    node.engine.seal().await?;
    if common.json {
        out::json_line(&as_json(&done));
        return Ok(ExitCode::SUCCESS);
    }
    for w in &done.warnings {
        out::say(&format!(
            "warning: {}: {}; {}",
            w.file, w.message, w.way_out
        ));
    }
    let what = if done.draft {
        "not installed, drafted"
    } else if done.changed {
        "installed"
    } else {
        "unchanged"
    };
    out::line(&format!(
        "{} {what}: release {}, label {}, stage {}",
        done.workflow, done.number, done.label, done.stage
    ));
    if let Some(report) = &done.model_report {
        out::line(&format!("  model: {}", model_line(report)));
    }
    if done.draft {
        out::line(&format!("Next: tuesday release eval {}", done.release));
        return Ok(ExitCode::SUCCESS);
    }
    out::line(&format!(
        "Next: tuesday serve --dir {}",
        node.home.dir.display()
    ));
    Ok(ExitCode::SUCCESS)
}

fn as_json(done: &Installed) -> serde_json::Value {
    json!({
        "workflow": done.workflow, "release": done.release.to_string(), "number": done.number, "changed": done.changed, "draft": done.draft,
        "label": done.label.word(), "stage": done.stage.word(), "model_report": done.model_report, "warnings": done.warnings,
    })
}

/// Accuracy and calibration on rows the model was not fitted on.
pub(crate) fn model_line(report: &serde_json::Value) -> String {
    let number = |k: &str| report.get(k).and_then(serde_json::Value::as_f64);
    match (number("accuracy"), number("ece")) {
        (Some(a), Some(e)) => format!(
            "{:.1} % right, calibration error {e:.3} (rows it was not fitted on)",
            a * 100.0
        ),
        _ => "compiled".to_owned(),
    }
}
