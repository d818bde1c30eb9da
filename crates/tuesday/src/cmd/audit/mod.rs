//! `tuesday audit`: verify, export, checkpoints, bundles from elsewhere, and figures counted once more.

mod recount;

pub(crate) use recount::hold;

use std::io::{BufReader, BufWriter};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::actor::Actor;
use tuesday_domain::audit::{VerifierKey, verify_bundle};
use tuesday_domain::problem::Problem;
use tuesday_domain::time::{Timestamp, Zone};
use tuesday_engine::ops::{ExportQuery, Verified, published_notes};

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
    /// The log, or part of it, as one file that anybody can verify
    Export(Export),
    /// Check a bundle without any database
    VerifyBundle {
        /// The bundle
        file: PathBuf,
        /// The key it must be signed with, as printed by `tuesday audit checkpoint --json`
        #[arg(long)]
        vkey: Option<String>,
    },
    /// Count a workflow's scorecard once more from the log alone; exit 1 when a number differs
    Recount(recount::RecountArgs),
}

/// Which part of the log, and where to; the whole log when nothing is named.
#[derive(Debug, Args)]
struct Export {
    /// One run
    #[arg(long, value_name = "ID", conflicts_with_all = ["workflow", "from", "to"])]
    run: Option<String>,
    /// Entries of one workflow
    #[arg(long)]
    workflow: Option<String>,
    /// From this day or moment on; days are read in the workflow's time zone, else in UTC
    #[arg(long, value_name = "D")]
    from: Option<String>,
    /// Up to the end of this day, or up to this moment
    #[arg(long, value_name = "D")]
    to: Option<String>,
    /// Entries and proofs only, nothing of what was read, said and written
    #[arg(long)]
    no_payloads: bool,
    /// Where to; must not be there yet
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: AuditArgs) -> Result<ExitCode, Problem> {
    match args.act {
        Act::Export(args) => Box::pin(export(&common, args)).await,
        Act::Recount(args) => Box::pin(recount::run(&common, args)).await,
        Act::VerifyBundle { file, vkey } => bundle(&common, &file, vkey.as_deref()),
        Act::Verify { checkpoint } => {
            let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
            let done = verify(&node, &checkpoint).await?;
            if common.json {
                out::json_line(
                    &json!({"verified": true, "entries": done.entries, "sealed": done.sealed,
                    "checkpoints": done.checkpoints, "root": done.root}),
                );
            } else {
                out::line(&format!(
                    "✓ no gaps, no changes: {} entries, {} sealed, {} checkpoints match, root {}",
                    done.entries,
                    done.sealed,
                    done.checkpoints,
                    &done.root[..16]
                ));
            }
            Ok(ExitCode::SUCCESS)
        }
        Act::Checkpoint => {
            let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
            node.engine.seal().await?;
            let head = node
                .engine
                .reader()
                .latest_checkpoint()
                .await
                .map_err(|e| unavailable(e.to_string()))?
                .ok_or_else(|| Problem::new("not_found", "nothing was signed yet"))?;
            if common.json {
                out::json_line(
                    &json!({"size": head.size, "note": head.note, "vkey": node.key.to_string(), "at": head.at.rfc3339()}),
                );
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
    for path in extra {
        let text = published_notes(path)
            .and_then(|n| {
                if n.is_empty() {
                    Err(std::io::ErrorKind::NotFound.into())
                } else {
                    Ok(n)
                }
            })
            .map_err(|e| Problem::new("bad_request", format!("{}: {e}", path.display())))?;
        notes.extend(text);
    }
    let total = node
        .engine
        .reader()
        .audit_size()
        .await
        .map_err(|e| unavailable(e.to_string()))?;
    let bar = out::progress(total, "Checking entries");
    let progress = |n| bar.set_position(n);
    let done = Box::pin(node.engine.verify_audit(&node.key, &notes, progress)).await;
    bar.finish_and_clear();
    done
}

fn utc() -> Result<Zone, Problem> {
    Zone::named("UTC").map_err(|e| Problem::new("internal", e.to_string()))
}

async fn export(common: &Common, args: Export) -> Result<ExitCode, Problem> {
    let run = args
        .run
        .as_deref()
        .map(|id| crate::args::id(id, "run"))
        .transpose()?;
    let utc = utc()?;
    // What cannot be read at all is told before a database is opened.
    moments(&args, &utc)?;
    let node = wiring::open(Home::find(common)?, Opening::default()).await?;
    let zone = match &args.workflow {
        Some(w) => node.engine.live(w).await?.1.ready.zone.clone(),
        None => utc,
    };
    let (from, to) = moments(&args, &zone)?;
    if args.output.exists() {
        let detail = format!("{} is there already", args.output.display());
        return Err(Problem::new("bad_request", detail)
            .field("output")
            .way_out("choose another name"));
    }
    let query = ExportQuery {
        run,
        workflow: args.workflow.clone(),
        from,
        to,
        without_payloads: args.no_payloads,
    };
    let part = PathBuf::from(format!("{}.part", args.output.display()));
    let failed =
        |e: std::io::Error| unavailable(format!("{}: {e}", part.display())).field("output");
    let file = std::fs::File::create(&part).map_err(failed)?;
    let acting = common.acting.clone();
    let by = acting.map_or(Actor::System("command_line"), Actor::Person);
    let bar = out::progress(0, "Exporting entries");
    let done = node
        .engine
        .export(&query, &by, &node.key, BufWriter::new(&file), |n, of| {
            bar.set_length(of);
            bar.set_position(n);
        });
    let done = Box::pin(done).await;
    bar.finish_and_clear();
    let done = match done {
        Ok(done) => done,
        Err(e) => {
            let _ = std::fs::remove_file(&part);
            return Err(e);
        }
    };
    file.sync_all()
        .and_then(|()| std::fs::rename(&part, &args.output))
        .map_err(failed)?;
    let vkey = node.key.to_string();
    if common.json {
        out::json_line(
            &json!({"file": args.output, "entries": done.entries, "payloads": done.payloads, "size": done.size,
            "sealed": done.sealed, "vkey": vkey}),
        );
    } else {
        out::line(&format!(
            "{}: {} entries and {} payloads under a checkpoint of {}{}",
            args.output.display(),
            done.entries,
            done.payloads,
            done.size,
            if done.sealed {
                ", sealed"
            } else {
                ", NOT sealed: this node has no audit.key"
            }
        ));
        out::say(&format!(
            "Verify: tuesday audit verify-bundle {} --vkey '{vkey}'",
            args.output.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn moments(args: &Export, zone: &Zone) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
    let from = args
        .from
        .as_deref()
        .map(|d| crate::args::moment(d, zone, false, "from"))
        .transpose()?;
    let to = args
        .to
        .as_deref()
        .map(|d| crate::args::moment(d, zone, true, "to"))
        .transpose()?;
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        return Err(
            Problem::new("bad_request", "the time range ends before it begins")
                .field("from")
                .way_out("swap --from and --to"),
        );
    }
    Ok((from, to))
}

/// The key that a bundle must be signed with, where one is named.
fn trusted(vkey: Option<&str>) -> Result<Option<VerifierKey>, Problem> {
    vkey.map(|k| {
        k.parse()
            .map_err(|e| Problem::new("bad_request", format!("{e}")).field("vkey"))
    })
    .transpose()
}

fn bundle(
    common: &Common,
    file: &std::path::Path,
    vkey: Option<&str>,
) -> Result<ExitCode, Problem> {
    let key = trusted(vkey)?;
    let reader = std::fs::File::open(file)
        .map_err(|e| Problem::new("not_found", format!("{}: {e}", file.display())))?;
    match verify_bundle(BufReader::new(reader), key.as_ref()) {
        Ok(report) => {
            if common.json {
                out::json_line(
                    &json!({"verified": true, "origin": report.newest.origin, "entries": report.entries,
                    "size": report.newest.size, "payloads": report.payloads, "erased": report.erased,
                    "key_was_trusted": report.key_was_trusted}),
                );
            } else {
                out::line(&format!(
                    "✓ {} entries of {} and {} payloads hold under a checkpoint of {}",
                    report.entries, report.newest.origin, report.payloads, report.newest.size
                ));
                if !report.key_was_trusted {
                    out::say(
                        "the bundle vouched for its own key: compare it with the one printed at installation",
                    );
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(fault) => {
            let code = if fault.exit_code() == 2 {
                "foreign_checkpoint"
            } else {
                "audit_broken"
            };
            Err(Problem::new(code, fault.to_string()))
        }
    }
}
