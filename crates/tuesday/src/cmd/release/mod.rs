//! `tuesday release`: the immutable bundles of a workflow, from draft to live.

mod change;
mod read;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::snapshot::sha256_hex;

use crate::args::{self, absent, stored};
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Arguments of `release`.
#[derive(Debug, Args)]
pub(crate) struct ReleaseArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Releases of a workflow, newest first
    List {
        /// The workflow
        workflow: String,
    },
    /// One release: every part with its hash
    Show {
        /// The release
        id: String,
        /// With the gate's evidence and who decided
        #[arg(long)]
        evidence: bool,
    },
    /// A draft of a package folder or file, which has to pass the gate
    #[command(visible_alias = "import")]
    Create(CreateArgs),
    /// Evaluate a release and let the gate judge it; goes on after a kill
    Eval(EvalArgs),
    /// Agree to a release of somebody else that passed the gate
    Approve {
        /// The release
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Agree, as a security approver, to what a release reads, sends or may do beyond the live one
    Clear {
        /// The release
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Say in which layer the error is fixed that a release answers, after three rewrites of the prompt
    Class {
        /// The release
        id: String,
        /// input, rules, connector or process
        #[arg(long)]
        layer: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Let the prompt be rewritten once more after three rewrites
    Waive {
        /// The release
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Give a release up, or refuse that of somebody else
    Withdraw {
        /// The release
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Put an approved release live
    Promote {
        /// The release
        id: String,
    },
    /// Say that you have read what a release changed; needed before your next decision
    Acknowledge {
        /// The workflow
        workflow: String,
        /// The number of the release
        number: u32,
    },
    /// Let an approved release with another model go on while the provider of the live one is away
    StandBy {
        /// The release
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Let no release go on for the live one any more
    StandDown {
        /// The workflow
        workflow: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Go back to the release that was live before
    Rollback {
        /// The workflow
        workflow: String,
        /// Back to this one
        #[arg(long, value_name = "ID")]
        to: Option<String>,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// At once, without a gate: back to a release that was live, or down to a stricter stage; holds for a day
    Emergency {
        /// The workflow
        workflow: String,
        /// Back to this release; without it and without a stage, to the newest that was live before
        #[arg(long, value_name = "ID", conflicts_with = "stage")]
        to: Option<String>,
        /// Down to this stage: off, shadow, draft_only, approval_first
        #[arg(long)]
        stage: Option<String>,
        /// Who looks back at it within a day; somebody else who answers for the workflow
        #[arg(long, value_name = "HANDLE")]
        reviewer: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// What differs between two releases, part by part
    Compare {
        /// A release
        old: String,
        /// Another
        new: String,
    },
    /// Hold every stored release against its hash; exit 1 when one was changed
    Verify {
        /// Only this workflow's
        workflow: Option<String>,
    },
    /// A release as one file that `create` takes anywhere
    Export {
        /// The release
        id: String,
        /// Where to
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

/// Arguments of `release create`.
#[derive(Debug, Args)]
struct CreateArgs {
    /// Package folder, or a file that `pack` or `release export` wrote
    path: PathBuf,
    /// Value of a variable of the package: NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// The category of error it answers: a reason of reviewers, a kind of report, or of incidents
    #[arg(long, value_name = "CATEGORY")]
    answers: Option<String>,
}

/// Arguments of `release eval`.
#[derive(Debug, Args)]
struct EvalArgs {
    /// The release
    id: String,
    /// Try each case this often; the pack may ask for more
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeat: u32,
    /// Cases under way at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    concurrency: Option<u32>,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: ReleaseArgs) -> Result<ExitCode, Problem> {
    match args.act {
        Act::List { workflow } => list(&common, &workflow).await,
        Act::Show { id, evidence } => show(&common, &id, evidence).await,
        Act::Create(args) => change::create(&common, &args).await,
        Act::Eval(args) => Box::pin(change::eval(&common, &args)).await,
        Act::Approve { id, reason } => change::approve(&common, &id, &reason).await,
        Act::Clear { id, reason } => change::clear(&common, &id, &reason).await,
        Act::Class { id, layer, reason } => {
            let layer = args::word(&layer, "layer")?;
            change::excuse(&common, &id, Some(layer), &reason).await
        }
        Act::Waive { id, reason } => change::excuse(&common, &id, None, &reason).await,
        Act::Withdraw { id, reason } => change::withdraw(&common, &id, &reason).await,
        Act::Promote { id } => change::promote(&common, &id).await,
        Act::Acknowledge { workflow, number } => {
            change::acknowledge(&common, &workflow, number).await
        }
        Act::StandBy { id, reason } => change::stand_by(&common, &id, &reason).await,
        Act::StandDown { workflow, reason } => {
            change::stand_down(&common, &workflow, &reason).await
        }
        Act::Rollback {
            workflow,
            to,
            reason,
        } => change::rollback(&common, &workflow, to.as_deref(), &reason).await,
        Act::Emergency {
            workflow,
            to,
            stage,
            reviewer,
            reason,
        } => {
            let what = change::emergency(to.as_deref(), stage.as_deref())?;
            change::act_in_emergency(&common, &workflow, what, &reviewer, &reason).await
        }
        Act::Compare { old, new } => read::compare(&common, &old, &new).await,
        Act::Verify { workflow } => read::verify(&common, workflow.as_deref()).await,
        Act::Export { id, output } => read::export(&common, &id, &output).await,
    }
}

async fn list(common: &Common, workflow: &str) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(common)?, Opening::default()).await?;
    node.engine.live(workflow).await?;
    let mut table = out::table(&["Number", "State", "Release", "At", "By", "Hash"]);
    for r in node
        .engine
        .reader()
        .releases(workflow)
        .await
        .map_err(stored)?
    {
        let (hash, at) = (hex::encode(r.hash), r.created_at.rfc3339());
        if common.json {
            out::json_line(
                &json!({"id": r.id.to_string(), "number": r.number, "state": r.state.word(), "hash": hash,
                "created_at": at, "created_by": r.created_by}),
            );
        }
        table.add_row([
            r.number.to_string(),
            r.state.to_string(),
            r.id.to_string(),
            at,
            r.created_by,
            hash[..12].to_owned(),
        ]);
    }
    if !common.json {
        out::line(&table.to_string());
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(common: &Common, id: &str, evidence: bool) -> Result<ExitCode, Problem> {
    let id: ReleaseId = args::id(id, "id")?;
    let node = wiring::open(Home::find(common)?, Opening::default()).await?;
    let row = node
        .engine
        .reader()
        .release(id)
        .await
        .map_err(stored)?
        .ok_or_else(|| absent(&id))?;
    // Loading checks the stored text against the hash that was agreed to.
    let live = node.engine.loaded(id).await?;
    let parts: Vec<(String, usize, String)> = live
        .package
        .files
        .iter()
        .map(|(name, text)| (name.clone(), text.len(), sha256_hex(text.as_bytes())))
        .collect();
    let (hash, model) = (hex::encode(row.hash), live.ready.model.as_ref());
    if common.json {
        let parts: Vec<Value> = parts
            .iter()
            .map(|(name, bytes, hash)| json!({"file": name, "bytes": bytes, "sha256": hash}))
            .collect();
        let artifact = (!row.artifact.is_empty())
            .then(|| json!({"bytes": row.artifact.len(), "sha256": sha256_hex(&row.artifact)}));
        let gate = if evidence {
            read::evidence(&node, id).await?
        } else {
            Value::Null
        };
        out::json_line(
            &json!({"id": id.to_string(), "gate": gate, "workflow": row.workflow, "number": row.number, "state": row.state.word(),
            "hash": hash, "created_at": row.created_at.rfc3339(), "created_by": row.created_by, "model_kind": model.kind.word(),
            "model": model.pin, "texts": live.ready.texts, "vars": live.ready.def.vars, "artifact": artifact, "parts": parts}),
        );
        return Ok(ExitCode::SUCCESS);
    }
    out::line(&format!(
        "{} release {}: {}, {} {}",
        row.workflow,
        row.number,
        row.state,
        model.kind.word(),
        model.pin
    ));
    out::line(&format!(
        "  {id}\n  hash {hash} (checked)\n  made {} by {}",
        row.created_at, row.created_by
    ));
    let mut table = out::table(&["SHA-256", "Bytes", "Part"]);
    for (name, bytes, hash) in parts {
        table.add_row([hash, bytes.to_string(), name]);
    }
    if !row.artifact.is_empty() {
        table.add_row([
            sha256_hex(&row.artifact),
            row.artifact.len().to_string(),
            "(trained model)".to_owned(),
        ]);
    }
    out::line(&table.to_string());
    for text in &live.ready.texts {
        out::line(&format!("  text {text}"));
    }
    for (name, value) in &live.ready.def.vars {
        out::line(&format!("  var {name} = {value}"));
    }
    if evidence {
        read::tell_evidence(&node, id).await?;
    }
    Ok(ExitCode::SUCCESS)
}
