//! `tuesday real-data DIR`: the main job on real sets that lie in a folder, through the public surface.
//!
//! Packages are made from the sets in a folder of the command's own, installed, and fed over
//! HTTP; what is printed is read back from the instance. Cutoffs come from out-of-fold figures of
//! the training rows and never from the rows that are judged.

mod deals;
mod desk;
mod drafts;
mod figures;
mod package;
mod packs;
mod payments;
mod products;
mod report;
mod sets;
mod transactions;
mod triage;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};
use tuesday_domain::problem::Problem;

use crate::cli::Common;
use crate::out::{self, unavailable};
use desk::Desk;
use report::SetReport;

/// Arguments of `real-data`.
#[derive(Debug, Args)]
pub(crate) struct RealDataArgs {
    /// Folder with the sets
    dir: PathBuf,
    /// Keep the instance in this folder instead of a temporary one
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Most records of a set
    #[arg(long, default_value_t = 2_500)]
    limit: usize,
    /// Only the eval packs that are made of the sets
    #[arg(long)]
    packs: bool,
}

/// Runs the main job on every set that is there.
pub(crate) async fn run(common: Common, args: RealDataArgs) -> Result<ExitCode, Problem> {
    if !args.dir.is_dir() {
        return Err(Problem::new(
            "not_found",
            format!("there is no folder {}", args.dir.display()),
        )
        .field("dir"));
    }
    if args.packs {
        return only_packs(&common, &args.dir).await;
    }
    let started = Instant::now();
    let (dir, keep) = match args.out {
        Some(dir) => (dir, true),
        None => (
            std::env::temp_dir().join(format!("tuesday-real-data-{}", std::process::id())),
            false,
        ),
    };
    std::fs::create_dir_all(&dir).map_err(|e| unavailable(format!("{}: {e}", dir.display())))?;
    let desk = Desk::start(dir.clone()).await?;
    let (reports, mut missing) = all(&desk, &args.dir, args.limit).await?;
    let (packs, no_pack) = packs::run(&common, &args.dir).await?;
    missing.extend(no_pack);
    missing.sort_unstable();
    missing.dedup();
    let (duplicates, applied) = desk.ledger();
    let verified = desk.finish().await?;
    if !keep {
        // A folder of our own name that nobody else uses; what cannot be removed is only untidy.
        let _ = std::fs::remove_dir_all(&dir);
    }
    let holds = verified
        && duplicates == 0
        && !reports.is_empty()
        && reports.iter().all(SetReport::adds_up)
        && packs.iter().all(|p| p.passed);
    if common.json {
        let sets: Vec<Value> = reports.iter().map(SetReport::json).collect();
        out::json_line(&json!({
            "holds": holds, "audit_verified": verified, "duplicates": duplicates, "writes": applied, "missing": missing,
            "sets": sets, "packs": packs.iter().map(packs::PackReport::json).collect::<Vec<_>>(), "duration_ms": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }));
    } else {
        report::print(&reports, &missing);
        packs::print(&packs);
        let log = if verified {
            "the log verifies"
        } else {
            "THE LOG DOES NOT VERIFY"
        };
        out::line(&format!(
            "{applied} writes, {duplicates} twice, {log}, {:.0} s in all",
            started.elapsed().as_secs_f64()
        ));
    }
    for r in reports.iter().filter(|r| !r.adds_up()) {
        out::say(&format!(
            "error: {}: {} records, {} accepted, {} completed, {} with a person",
            r.set, r.records, r.accepted, r.completed, r.with_person
        ));
    }
    Ok(ExitCode::from(u8::from(!holds)))
}

/// The packs alone; exit 1 unless there is one and the gate passes each.
async fn only_packs(common: &Common, dir: &std::path::Path) -> Result<ExitCode, Problem> {
    let started = Instant::now();
    let (packs, missing) = packs::run(common, dir).await?;
    let holds = !packs.is_empty() && packs.iter().all(|p| p.passed);
    if common.json {
        let all: Vec<Value> = packs.iter().map(packs::PackReport::json).collect();
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        out::json_line(
            &json!({"holds": holds, "missing": missing, "packs": all, "duration_ms": duration_ms}),
        );
    } else {
        packs::print(&packs);
        for set in missing {
            out::line(&format!("{set}: not found in {}, NOT TRIED", dir.display()));
        }
        out::line(&format!("{:.0} s in all", started.elapsed().as_secs_f64()));
    }
    Ok(ExitCode::from(u8::from(!holds)))
}

async fn all(
    desk: &Desk,
    dir: &std::path::Path,
    limit: usize,
) -> Result<(Vec<SetReport>, Vec<&'static str>), Problem> {
    let (mut reports, mut missing) = (Vec::new(), Vec::new());
    let bar = out::progress(5, "Real data");
    macro_rules! set {
        ($module:ident, $name:literal) => {
            bar.set_message($name);
            if $module::is_there(dir) {
                reports.push(Box::pin($module::run(desk, dir, limit)).await?);
            } else {
                missing.push($name);
            }
            bar.inc(1);
        };
    }
    set!(triage, "banking77");
    set!(products, "er-amazon-google");
    set!(transactions, "er-transactions");
    set!(deals, "b2b-deals");
    set!(drafts, "crm-pipeline");
    bar.finish_and_clear();
    if triage::is_there(dir) && !dir.join("clinc150/oos_val.jsonl").exists() {
        missing.push("clinc150");
    }
    Ok((reports, missing))
}

/// The lowest confidence from which on the wanted share was right, on rows the model had not seen.
fn cutoff(report: &Value, wanted: f64) -> Option<f64> {
    let cutoffs = report.get("cutoffs")?.as_array()?;
    let at = |c: &Value| {
        c.get("wanted")
            .and_then(Value::as_f64)
            .is_some_and(|w| (w - wanted).abs() < 1e-9)
    };
    // The table compares four places, so the cutoff is rounded up to them.
    cutoffs
        .iter()
        .find(|c| at(c))?
        .get("at")?
        .as_f64()
        .map(|c| (c * 10_000.0).ceil() / 10_000.0)
}

/// The first rows.
fn limited<T>(mut rows: Vec<T>, limit: usize) -> Vec<T> {
    rows.truncate(limit);
    rows
}
