//! `tuesday decision`: what was decided about a workflow, on which evidence and under which conditions. Nothing of
//! it is changed: who decides otherwise names the decision that is replaced.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::access::Act;
use tuesday_domain::id::DecisionId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Choice;
use tuesday_engine::ops::{DecisionView, WorkflowDecision};

use crate::args;
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Node, Opening};

/// Decisions about workflows.
#[derive(Debug, Args)]
pub(crate) struct DecisionArgs {
    #[command(subcommand)]
    act: DecisionAct,
}

#[derive(Debug, Subcommand)]
enum DecisionAct {
    /// Record a decision: question, option, evidence that can be opened, conditions
    New {
        /// The workflow
        workflow: String,
        /// What was asked
        #[arg(long)]
        question: String,
        /// proceed, narrow, redesign, `another_pilot` or stop
        #[arg(long)]
        option: String,
        /// What the answer rests on, in words
        #[arg(long)]
        evidence: String,
        #[command(flatten)]
        on: Rests,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// What was decided about a workflow, the newest first
    List {
        /// The workflow
        workflow: String,
    },
    /// One decision, also one that another took the place of
    Show {
        /// Its id
        id: String,
    },
}

/// What a decision rests on beside words.
#[derive(Debug, Args)]
pub(crate) struct Rests {
    /// A run, task, incident, release, report or decision by id, a page here, or an https:// address
    #[arg(long = "link", value_name = "LINK")]
    links: Vec<String>,
    /// What must stay true for it to hold
    #[arg(long = "condition", value_name = "TEXT")]
    conditions: Vec<String>,
    /// The decision that it takes the place of
    #[arg(long, value_name = "ID")]
    supersedes: Option<String>,
}

impl Rests {
    pub(super) fn decision(
        self,
        choice: Choice,
        question: String,
        evidence: String,
        reason: String,
    ) -> Result<WorkflowDecision, Problem> {
        Ok(WorkflowDecision {
            choice,
            question,
            evidence,
            links: self.links,
            conditions: self.conditions,
            reason,
            supersedes: match &self.supersedes {
                Some(id) => Some(args::id(id, "supersedes")?),
                None => None,
            },
        })
    }
}

/// Runs the command.
pub(crate) async fn run(common: &Common, args: DecisionArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(common)?, Opening::default()).await?;
    match args.act {
        DecisionAct::New {
            workflow,
            question,
            option,
            evidence,
            on,
            reason,
        } => {
            let choice: Choice = args::word(&option, "option")?;
            let decision = on.decision(choice, question, evidence, reason)?;
            decide(common, &node, &workflow, decision).await?;
        }
        DecisionAct::List { workflow } => list(common, &node, &workflow).await?,
        DecisionAct::Show { id } => {
            let id: DecisionId = args::id(&id, "id")?;
            show(common, &node.engine.decision(id).await?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn decide(
    common: &Common,
    node: &Node,
    workflow: &str,
    decision: WorkflowDecision,
) -> Result<(), Problem> {
    let (engine, by) = (&node.engine, wiring::person(common)?);
    engine.allowed(Act::ResumeWorkflow, workflow, &by).await?;
    let record = engine.decide_workflow(workflow, decision, &by).await?;
    let superseded_by = None;
    show(
        common,
        &DecisionView {
            record,
            superseded_by,
        },
    );
    Ok(())
}

pub(super) async fn list(common: &Common, node: &Node, workflow: &str) -> Result<(), Problem> {
    let all = node.engine.decisions_of(workflow, 100).await?;
    if all.is_empty() && !common.json {
        out::line("nothing was decided about it");
    }
    for decision in &all {
        show(common, decision);
    }
    Ok(())
}

fn show(common: &Common, view: &DecisionView) {
    let d = &view.record;
    let instead = view.superseded_by.as_ref();
    let (links, conditions) = (d.links.all(), d.conditions.all());
    if common.json {
        return out::json_line(&json!({
            "id": d.id.to_string(), "workflow": d.workflow, "decision": d.choice.word(), "question": d.question,
            "evidence": d.evidence, "links": links, "conditions": conditions, "reason": d.reason,
            "supersedes": d.supersedes.map(|id| id.to_string()),
            "superseded_by": instead.map(|d| d.id.to_string()),
            "decided_by": d.decided_by, "decided_at": d.decided_at.rfc3339(),
        }));
    }
    let choice = d.choice.word().replace('_', " ");
    out::line(&format!(
        "{}: {choice}, by {} on {} ({})",
        d.workflow, d.decided_by, d.decided_at, d.id
    ));
    if let Some(by) = instead {
        let word = by.choice.word().replace('_', " ");
        out::line(&format!(
            "  no longer in force: {word} on {} ({})",
            by.decided_at, by.id
        ));
    }
    out::line(&format!("  {}\n  evidence: {}", d.question, d.evidence));
    for link in links {
        out::line(&format!("    {link}"));
    }
    for condition in conditions {
        out::line(&format!("  condition: {condition}"));
    }
    out::line(&format!("  {}", d.reason));
}
