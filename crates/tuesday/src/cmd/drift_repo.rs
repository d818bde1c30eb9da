//! `tuesday drift repo`: whether what is live is what the repository holds. Made for a job of the repository's
//! own CI, so that nobody finds out months later that the two went apart.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use tuesday_domain::definition::Package;
use tuesday_domain::definition::differs::{Differs, differs};
use tuesday_domain::problem::Problem;

use crate::cli::Common;
use crate::config::Home;
use crate::wiring::{self, Opening};
use crate::{files, out};

/// Compares, and ends with 1 when a field differs.
pub(super) async fn run(
    common: &Common,
    path: &Path,
    live: Option<&Path>,
) -> Result<ExitCode, Problem> {
    let (repository, _) = files::read_package(path, &[])?;
    let fault = |f: tuesday_domain::definition::PackageFault| {
        let line = f.line.map(|l| format!(":{l}")).unwrap_or_default();
        Problem::new("package_faulty", format!("{}{line}: {}", f.file, f.message))
            .way_out(f.way_out)
    };
    let (name, number, found) = if let Some(file) = live {
        let (package, vars) = files::read_package(file, &[])?;
        let def = package.definition(&vars).map_err(fault)?;
        let rules = package.text("rules.csv").unwrap_or_default();
        let found = differs((&package, &def), rules, &repository).map_err(fault)?;
        (def.workflow.name, None, found)
    } else {
        let name = name_of(&repository).map_err(fault)?;
        let node = wiring::open(Home::find(common)?, Opening::default()).await?;
        let (_, live) = node.engine.live(&name).await?;
        let rules = node.engine.live_rules(&name).await?;
        let sides = (&live.package, &live.ready.def);
        let found = differs(sides, &rules.csv, &repository).map_err(fault)?;
        (name, Some(live.number), found)
    };
    tell(common, &name, number, &found);
    Ok(if found.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn name_of(package: &Package) -> Result<String, tuesday_domain::definition::PackageFault> {
    Ok(package.definition(&Default::default())?.workflow.name)
}

fn tell(common: &Common, name: &str, number: Option<u32>, found: &[Differs]) {
    if common.json {
        let same = found.is_empty();
        out::json_line(
            &json!({"workflow": name, "release": number, "same": same, "differs": found}),
        );
        return;
    }
    let live = number.map_or_else(
        || "the exported release".to_owned(),
        |n| format!("release {n}"),
    );
    if found.is_empty() {
        return out::line(&format!("{name}: {live} is what the repository holds"));
    }
    out::line(&format!(
        "{name}: {live} and the repository differ in {} fields",
        found.len()
    ));
    for d in found {
        out::line(&format!("  {}", d.field));
        let side = |s: &Option<String>| s.clone().unwrap_or_else(|| "not there".to_owned());
        out::line(&format!("    live        {}", side(&d.live)));
        out::line(&format!("    repository  {}", side(&d.repository)));
    }
}
