//! `tuesday gate`: one named result over four parts, each of which must be there and pass.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use tuesday_domain::definition::{PackageFault, lint};
use tuesday_domain::eval::{GateReason, Stopped, Verdict};
use tuesday_domain::problem::Problem;

use super::run::{Asked, Done, evaluate};
use super::{Which, html, source::Source};
use crate::cli::Common;
use crate::out;

/// Arguments of `gate`.
#[derive(Debug, Args)]
pub(crate) struct GateArgs {
    #[command(flatten)]
    which: Which,
    /// Write JUnit XML for a CI system
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a page for people
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// The parts of the gate, in their order.
const PARTS: [&str; 4] = ["check", "lint", "evals", "simulation"];

/// Judges; exit 1 unless every part was done and passed.
pub(crate) async fn run(common: Common, args: GateArgs) -> Result<ExitCode, Problem> {
    let source = Source::find(&common, &args.which.what, &args.which.set).await?;
    let faults = faults(&source);
    let asked = Asked {
        repeat: args.which.repeat,
        concurrency: args.which.concurrency,
        junit: args.junit,
        recorded: args.which.recorded,
        ..Asked::default()
    };
    let (done, verdict) = match evaluate(&common, &source, asked).await {
        Ok(done) => {
            let verdict = done.verdict(&faults);
            (Some(done), verdict)
        }
        Err(problem) => (None, stopped(&faults, &problem)),
    };
    if let (Some(file), Some(done)) = (&args.html, &done) {
        html::write(file, done, &verdict)?;
    }
    tell(&common, &source, done.as_ref(), &verdict);
    Ok(ExitCode::from(u8::from(!verdict.passed)))
}

/// What `tuesday check` says, without what it says about cases that stay on disk.
fn faults(source: &Source) -> Vec<PackageFault> {
    lint::check(&source.package, &source.vars)
        .into_iter()
        .filter(|f| f.code != "no_evals")
        .collect()
}

/// The evaluation could not be made: whatever stands already, and that.
fn stopped(faults: &[PackageFault], problem: &Problem) -> Verdict {
    let wanted = tuesday_domain::eval::Wanted::default();
    let pack = tuesday_domain::eval::Pack::default();
    let mut verdict = tuesday_domain::eval::gate(&wanted, faults, &pack, None, 0);
    for r in &mut verdict.reasons {
        if r.reason == GateReason::NoResult {
            r.detail = format!("{}: {}", problem.code, problem.detail);
        }
    }
    verdict
}

/// The part that a reason belongs to.
const fn part(reason: GateReason) -> &'static str {
    match reason {
        GateReason::PackageFaulty => "check",
        GateReason::BusinessRuleInPrompt => "lint",
        GateReason::RowUntested | GateReason::ForeignRules => "simulation",
        _ => "evals",
    }
}

fn tell(common: &Common, source: &Source, done: Option<&Done>, verdict: &Verdict) {
    let of = |name: &str| -> Vec<&Stopped> {
        let all = verdict.reasons.iter();
        all.filter(|r| part(r.reason) == name).collect()
    };
    // Without an evaluation nothing was simulated either.
    let word = |name: &str| match (of(name).is_empty(), done.is_some()) {
        (false, _) => "blocked",
        (true, false) if name == "simulation" => "not done",
        (true, _) => "passed",
    };
    let trained = done.map(|d| d.evidence.release_hash.clone());
    let hash = trained.unwrap_or_else(|| hex::encode(source.hash));
    if common.json {
        let parts: serde_json::Map<_, _> = PARTS
            .iter()
            .map(|p| ((*p).to_owned(), json!(word(p))))
            .collect();
        out::json_line(&json!({
            "gate": if verdict.passed { "passed" } else { "blocked" }, "release_hash": hash, "parts": parts,
            "reasons": verdict.reasons, "warnings": verdict.warnings,
            "mode": done.map(|d| d.evidence.mode.word()),
            "pack_hash": done.map(|d| &d.pack.hash), "cases": done.map(|d| d.pack.cases),
            "failed": done.map(|d| &d.evidence.summary.failed),
            "graders": done.map(|d| &d.evidence.graders),
        }));
        return;
    }
    for name in PARTS {
        out::line(&format!("{name:12} {}", word(name)));
        for r in of(name) {
            out::line(&format!("  {}: {}", r.reason, r.detail));
        }
    }
    if let Some(done) = done {
        super::print::graders(&done.evidence.graders);
        super::print::failed(done);
    }
    for w in &verdict.warnings {
        out::say(&format!("warning: {w}"));
    }
    let word = if verdict.passed { "passed" } else { "blocked" };
    out::line(&format!("gate {word}: {} ({})", source.title, &hash[..12]));
}
