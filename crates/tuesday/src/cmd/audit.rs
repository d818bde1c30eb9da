//! `tuesday audit`: verify, export, checkpoints, and bundles from elsewhere.

use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::audit::{VerifierKey, verify_bundle};
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{Verified, verify_log};

use crate::cli::Common;
use crate::config::Home;
use crate::out::{self, unavailable};
use crate::wiring::{self, Node, Opening};

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Check every entry against every checkpoint ever signed
    Verify {
        /// A checkpoint kept elsewhere (its text); may be given several times
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
    },
    /// Print the newest checkpoint
    Checkpoint,
    /// Check a bundle without any database
    VerifyBundle {
        /// The bundle
        file: PathBuf,
        /// The key it must be signed with, as printed by `tuesday audit checkpoint --json`
        #[arg(long)]
        vkey: Option<String>,
    },
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: AuditArgs) -> Result<ExitCode, Problem> {
    match args.act {
        Act::VerifyBundle { file, vkey } => bundle(&common, &file, vkey.as_deref()),
        Act::Verify { checkpoint } => {
            let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
            let done = verify(&node, &checkpoint).await?;
            if common.json {
                out::json_line(&json!({"verified": true, "entries": done.entries, "sealed": done.sealed,
                    "checkpoints": done.checkpoints, "root": done.root}));
            } else {
                out::line(&format!("✓ no gaps, no changes: {} entries, {} sealed, {} checkpoints match, root {}",
                    done.entries, done.sealed, done.checkpoints, &done.root[..16]));
            }
            Ok(ExitCode::SUCCESS)
        }
        Act::Checkpoint => {
            let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
            node.engine.seal().await?;
            let head = node.engine.reader().latest_checkpoint().await.map_err(|e| unavailable(e.to_string()))?
                .ok_or_else(|| Problem::new("not_found", "nothing was signed yet"))?;
            if common.json {
                out::json_line(&json!({"size": head.size, "note": head.note, "vkey": node.key.to_string(), "at": head.at.rfc3339()}));
            } else {
                out::line(head.note.trim_end());
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Verifies the log of a node, against the checkpoints published beside it too.
pub(crate) async fn verify(node: &Node, extra: &[PathBuf]) -> Result<Verified, Problem> {
    let mut notes = Vec::new();
    let published = node.home.file.checkpoints.clone().unwrap_or_else(|| node.home.dir.join("checkpoints.txt"));
    for path in std::iter::once(&published).filter(|p| p.exists()).chain(extra) {
        let text = std::fs::read_to_string(path).map_err(|e| Problem::new("bad_request", format!("{}: {e}", path.display())))?;
        notes.extend(split_notes(&text));
    }
    let total = node.engine.reader().audit_size().await.map_err(|e| unavailable(e.to_string()))?;
    let bar = out::progress(total, "Checking entries");
    let done = verify_log(node.engine.reader(), &node.key, &notes, |n| bar.set_position(n)).await;
    bar.finish_and_clear();
    done
}

/// Published notes stand one after another, two empty lines apart.
fn split_notes(text: &str) -> Vec<String> {
    text.split("\n\n\n").map(|n| n.trim_matches('\n')).filter(|n| !n.is_empty()).map(|n| format!("{n}\n")).collect()
}

fn bundle(common: &Common, file: &std::path::Path, vkey: Option<&str>) -> Result<ExitCode, Problem> {
    let key: Option<VerifierKey> = vkey
        .map(|k| k.parse().map_err(|e| Problem::new("bad_request", format!("{e}")).field("vkey")))
        .transpose()?;
    let reader = std::fs::File::open(file).map_err(|e| Problem::new("not_found", format!("{}: {e}", file.display())))?;
    match verify_bundle(BufReader::new(reader), key.as_ref()) {
        Ok(report) => {
            if common.json {
                out::json_line(&json!({"verified": true, "origin": report.newest.origin, "entries": report.entries,
                    "size": report.newest.size, "payloads": report.payloads, "erased": report.erased,
                    "key_was_trusted": report.key_was_trusted}));
            } else {
                out::line(&format!("✓ {} entries of {} and {} payloads hold under a checkpoint of {}",
                    report.entries, report.newest.origin, report.payloads, report.newest.size));
                if !report.key_was_trusted {
                    out::say("the bundle vouched for its own key: compare it with the one printed at installation");
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(fault) => {
            let code = if fault.exit_code() == 2 { "foreign_checkpoint" } else { "audit_broken" };
            Err(Problem::new(code, fault.to_string()))
        }
    }
}
