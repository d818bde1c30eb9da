//! `tuesday secret check`: does every reference of a package lead to a value. Values are never shown.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_connectors::secrets::SecretStore;
use tuesday_domain::definition::{Definition, Package};
use tuesday_domain::port::Secrets as _;
use tuesday_domain::problem::Problem;
use tuesday_engine::Clock;
use tuesday_engine::ops::secret_uses;

use crate::args::stored;
use crate::cli::Common;
use crate::config::Home;
use crate::wiring::{self, Opening};
use crate::{files, out};

/// Arguments of `secret`.
#[derive(Debug, Args)]
pub(crate) struct SecretArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Names and age of every secret, and whether it is there; exit 1 when one is not
    Check {
        /// A package folder or file, or an installed workflow; every installed workflow when left out
        target: Option<String>,
    },
}

/// One reference, looked up.
pub(crate) struct Checked {
    pub(crate) workflow: String,
    pub(crate) reference: String,
    pub(crate) used_by: String,
    /// How long ago the file was written; unknown for variables.
    pub(crate) age: Option<Duration>,
    /// Why it does not resolve, without its value.
    pub(crate) fault: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: SecretArgs) -> Result<ExitCode, Problem> {
    let Act::Check { target } = args.act;
    let home = Home::find(&common)?;
    let checked = match target {
        Some(t) if Path::new(&t).exists() => {
            let (package, vars) = files::read_package(Path::new(&t), &[])?;
            let def = package
                .definition(&vars)
                .map_err(|f| Problem::new("package_faulty", f.message).way_out(f.way_out))?;
            check(&home.dir, &def, &package)
        }
        target => {
            let node = wiring::open(home, Opening::default()).await?;
            installed(&node, target.as_deref()).await?
        }
    };
    let broken = checked.iter().filter(|c| c.fault.is_some()).count();
    print(&common, &checked, broken);
    Ok(ExitCode::from(u8::from(broken > 0)))
}

/// The secrets of one or every installed workflow.
pub(crate) async fn installed(
    node: &wiring::Node,
    workflow: Option<&str>,
) -> Result<Vec<Checked>, Problem> {
    let names = match workflow {
        Some(name) => vec![name.to_owned()],
        None => node
            .engine
            .reader()
            .workflows()
            .await
            .map_err(stored)?
            .into_iter()
            .map(|w| w.name)
            .collect(),
    };
    let mut all = Vec::new();
    for name in names {
        let (_, live) = node.engine.live(&name).await?;
        all.extend(check(&node.home.dir, &live.ready.def, &live.package));
    }
    Ok(all)
}

fn check(base: &Path, def: &Definition, package: &Package) -> Vec<Checked> {
    let (store, now) = (SecretStore::new(base), Clock::System.now());
    secret_uses(def, package)
        .into_iter()
        .map(|s| Checked {
            workflow: def.workflow.name.clone(),
            age: store.changed_at(&s.reference).map(|at| now.since(at)),
            fault: store.resolve(&s.reference).err(),
            reference: s.reference,
            used_by: s.used_by,
        })
        .collect()
}

fn print(common: &Common, checked: &[Checked], broken: usize) {
    let mut table = out::table(&["", "Secret", "Used by", "Age", ""]);
    for c in checked {
        let days = c.age.map(|a| a.as_secs() / 86_400);
        if common.json {
            out::json_line(
                &json!({"workflow": c.workflow, "reference": c.reference, "used_by": c.used_by,
                "ok": c.fault.is_none(), "age_days": days, "fault": c.fault}),
            );
        }
        let mark = if c.fault.is_some() { "✗" } else { "✓" };
        let age = days.map_or_else(|| "unknown".to_owned(), |d| format!("{d} d"));
        table.add_row([
            mark.to_owned(),
            c.reference.clone(),
            format!("{}: {}", c.workflow, c.used_by),
            age,
            c.fault.clone().unwrap_or_default(),
        ]);
    }
    if !common.json {
        if !checked.is_empty() {
            out::line(&table.to_string());
        }
        out::line(&format!("{} secrets, {broken} missing", checked.len()));
    }
}
