//! `tuesday workflow label`: what a workflow is called, by what, and giving it another label.

use clap::Args;
use serde_json::json;
use tuesday_domain::problem::Problem;
use tuesday_domain::workflow::Label;
use tuesday_engine::ops::{LabelWish, QuarterWish};

use super::charter::{label_line, signer};
use crate::args;
use crate::cli::Common;
use crate::out;
use crate::wiring::Node;

/// Arguments of `workflow label`.
#[derive(Debug, Args)]
pub(crate) struct LabelArgs {
    /// The workflow
    workflow: String,
    /// The label it is to get: research, pilot or production; without one its history is shown
    label: Option<String>,
    /// What was asked
    #[arg(long, default_value = "")]
    question: String,
    /// What the answer rests on beside the computed criteria
    #[arg(long, default_value = "")]
    evidence: String,
    /// Why
    #[arg(long, default_value = "")]
    reason: String,
    /// The quarterly decision: expand, keep, narrow, pause or retire; the figures of the quarter are kept with it
    #[arg(long, conflicts_with = "label", value_name = "CHOICE")]
    review: Option<String>,
}

/// Events shown at once.
const PAGE: usize = 50;

/// Runs the command.
pub(crate) async fn run(common: &Common, node: &Node, args: LabelArgs) -> Result<(), Problem> {
    let name = &args.workflow;
    if let Some(choice) = &args.review {
        let wish = QuarterWish::read(choice, &args.evidence, &args.reason)?;
        let by = signer(common, node, name).await?;
        Box::pin(node.engine.review_label(name, wish, &by)).await?;
    } else if let Some(label) = &args.label {
        let to: Label = args::word(label, "label")?;
        let by = signer(common, node, name).await?;
        let wish = LabelWish {
            to,
            question: args.question,
            evidence: args.evidence,
            reason: args.reason,
        };
        node.engine.set_label(name, wish, &by).await?;
    }
    let view = node.engine.charter(name).await?;
    let history = node.engine.label_history(name, 0, PAGE).await?;
    if common.json {
        let events: Vec<_> = history
            .iter()
            .map(|e| {
                json!({"seq": e.seq, "kind": e.kind.word(), "label": e.label.word(), "by": e.by, "at": e.at.rfc3339(),
                    "reasons": e.reasons.lines().collect::<Vec<_>>(), "until": e.until.map(|t| t.rfc3339()),
                    "choice": e.quarter.as_ref().map(|q| q.choice.word()),
                    "evidence": e.quarter.as_ref().and_then(|q| serde_json::from_str::<serde_json::Value>(&q.evidence).ok())})
            })
            .collect();
        out::json_line(&json!({"workflow": view.workflow, "label": view.label, "history": events}));
        return Ok(());
    }
    out::line(&label_line(&view));
    if let Some(retire) = &view.label.retire {
        out::line(&format!("  {retire}"));
    }
    for e in history {
        out::line(&format!(
            "  {}  {} {} ({}) {}",
            e.at.rfc3339(),
            e.kind,
            e.label,
            e.by,
            e.reasons.replace('\n', "; ")
        ));
    }
    Ok(())
}
