//! `tuesday postmortem`: why a workflow stopped, from its records and its people.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tuesday_domain::postmortem::RuledOut;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Postmortem;
use tuesday_domain::time::Timestamp;
use tuesday_engine::Engine;
use tuesday_engine::ops::{ClosedWith, PostmortemAnswer, PostmortemView};

use crate::args;
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Arguments of `postmortem`.
#[derive(Debug, Args)]
pub(crate) struct PostmortemArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// The postmortems, newest first
    List {
        /// One workflow only
        workflow: Option<String>,
    },
    /// One postmortem: what records say, what people said instead, where both point
    Show {
        /// The workflow
        workflow: String,
        /// Its number; the newest unless given
        #[arg(long)]
        number: Option<u32>,
    },
    /// Ask for one; it opens by itself when a workflow is killed, retired or decided to stop
    Open {
        /// The workflow
        workflow: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Answer a question in place of the records
    Answer(Answer),
    /// Close it: everything answered, one root, one wall, nothing left to do
    Close(Close),
    /// How often each root and wall was found by closed postmortems
    Causes {
        /// Since this moment, RFC 3339
        #[arg(long)]
        since: Option<String>,
    },
}

/// Arguments of `postmortem answer`.
#[derive(Debug, Args)]
struct Answer {
    /// The workflow
    workflow: String,
    /// owner_on_day_one, integrated, load_fit, time_saved, inputs_fixed, trained or output_used
    question: String,
    /// yes, no, or records to let them count again
    answer: String,
    /// What it rests on
    #[arg(long, default_value = "")]
    evidence: String,
    /// Its number; the newest unless given
    #[arg(long)]
    number: Option<u32>,
}

/// Arguments of `postmortem close`.
#[derive(Debug, Args)]
struct Close {
    /// The workflow
    workflow: String,
    /// ownership, integration, review, change_management, metric, inputs, governance, process_clarity or model
    #[arg(long)]
    root: Option<String>,
    /// data, eval, ops, security, change or economics
    #[arg(long)]
    wall: Option<String>,
    /// What is learnt
    #[arg(long, default_value = "")]
    lessons: String,
    /// For the model as the root: why it was not the inputs
    #[arg(long, default_value = "", value_name = "WHY")]
    not_inputs: String,
    /// Why it was not the rules
    #[arg(long, default_value = "", value_name = "WHY")]
    not_rules: String,
    /// Why it was not an unnoticed change
    #[arg(long, default_value = "", value_name = "WHY")]
    not_governance: String,
    /// Its number; the newest unless given
    #[arg(long)]
    number: Option<u32>,
}

/// Runs `postmortem`.
pub(crate) async fn run(common: Common, act: PostmortemArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let engine = &node.engine;
    match act.act {
        Act::List { workflow } => {
            let all = engine.postmortems(workflow.as_deref()).await?;
            listed(&common, &all);
        }
        Act::Show { workflow, number } => {
            let view = Box::pin(engine.postmortem_of_workflow(&workflow, number)).await?;
            shown(&common, &view);
        }
        Act::Open { workflow, reason } => {
            let by = wiring::person(&common)?;
            let new = engine.open_postmortem(&workflow, &reason, &by).await?;
            listed(&common, &[new]);
        }
        Act::Answer(a) => Box::pin(answer(&common, engine, a)).await?,
        Act::Close(c) => Box::pin(close(&common, engine, c)).await?,
        Act::Causes { since } => causes(&common, engine, since.as_deref()).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn newest(engine: &Engine, workflow: &str, number: Option<u32>) -> Result<u32, Problem> {
    match number {
        Some(n) => Ok(n),
        None => {
            let found = Box::pin(engine.postmortem_of_workflow(workflow, None)).await?;
            Ok(found.row.seq)
        }
    }
}

async fn answer(common: &Common, engine: &Engine, a: Answer) -> Result<(), Problem> {
    let by = wiring::person(common)?;
    let said = PostmortemAnswer {
        question: args::word(&a.question, "question")?,
        yes: yes(&a.answer)?,
        evidence: a.evidence,
    };
    let number = newest(engine, &a.workflow, a.number).await?;
    engine
        .answer_postmortem(&a.workflow, number, said, &by)
        .await?;
    let view = engine.postmortem_of_workflow(&a.workflow, Some(number));
    shown(common, &view.await?);
    Ok(())
}

async fn close(common: &Common, engine: &Engine, c: Close) -> Result<(), Problem> {
    let by = wiring::person(common)?;
    let with = ClosedWith {
        root: c.root.map(|r| args::word(&r, "root")).transpose()?,
        wall: c.wall.map(|w| args::word(&w, "wall")).transpose()?,
        lessons: c.lessons,
        ruled_out: RuledOut {
            inputs: c.not_inputs,
            rules: c.not_rules,
            governance: c.not_governance,
        },
    };
    let number = newest(engine, &c.workflow, c.number).await?;
    engine
        .close_postmortem(&c.workflow, number, with, &by)
        .await?;
    let view = engine.postmortem_of_workflow(&c.workflow, Some(number));
    shown(common, &view.await?);
    Ok(())
}

async fn causes(common: &Common, engine: &Engine, since: Option<&str>) -> Result<(), Problem> {
    let since = since.map(|t| {
        Timestamp::parse(t).map_err(|e| Problem::new("bad_request", e.to_string()).field("since"))
    });
    let counts = engine
        .postmortem_causes(since.transpose()?.unwrap_or_default())
        .await?;
    if common.json {
        for (root, wall, n) in &counts {
            out::json_line(&json!({"root": root, "wall": wall, "count": n}));
        }
        return Ok(());
    }
    let mut table = out::table(&["Root", "Wall", "Postmortems"]);
    for (root, wall, n) in &counts {
        table.add_row([root.word(), wall.word(), &n.to_string()]);
    }
    out::line(&table.to_string());
    Ok(())
}

fn yes(answer: &str) -> Result<Option<bool>, Problem> {
    match answer {
        "yes" => Ok(Some(true)),
        "no" => Ok(Some(false)),
        "records" => Ok(None),
        other => Err(
            Problem::new("bad_request", format!("`{other}` is no answer"))
                .field("answer")
                .way_out("yes, no, or records"),
        ),
    }
}

fn row(p: &Postmortem) -> Value {
    json!({"workflow": p.workflow, "number": p.seq, "state": p.state, "stopped": p.stopped,
        "reason": p.reason, "owner": p.owner, "opened_at": p.opened_at.rfc3339(), "root": p.root,
        "wall": p.wall, "lessons": p.lessons, "closed_by": p.closed_by})
}

fn listed(common: &Common, all: &[Postmortem]) {
    if common.json {
        return all.iter().for_each(|p| out::json_line(&row(p)));
    }
    if all.is_empty() {
        return out::line("there is no postmortem");
    }
    let mut table = out::table(&["Workflow", "No", "State", "Opened", "For", "Owner", "Root"]);
    for p in all {
        let (number, opened) = (p.seq.to_string(), p.opened_at.rfc3339());
        let root = p.root.map_or("", |r| r.word());
        table.add_row([
            p.workflow.as_str(),
            &number,
            p.state.word(),
            &opened,
            p.stopped.word(),
            &p.owner,
            root,
        ]);
    }
    out::line(&table.to_string());
}

fn shown(common: &Common, view: &PostmortemView) {
    let answers = || {
        view.answers.iter().map(
            |a| json!({"question": a.question, "yes": a.yes, "evidence": a.evidence, "by": a.by}),
        )
    };
    if common.json {
        let mut all = row(&view.row);
        all["answers"] = answers().collect();
        all["verdict"] = json!({"words": view.verdict.words(), "yes": view.verdict.yes,
            "no": view.verdict.no, "open": view.verdict.blank,
            "model_is_irrelevant": view.verdict.model_is_irrelevant()});
        let offered = view.offered.iter();
        all["offered"] = offered
            .map(|o| json!({"root": o.root, "because": o.because}))
            .collect();
        let open = view.follow_ups.iter().filter(|f| f.ended_at.is_none());
        all["open_follow_ups"] = json!(open.count());
        return out::json_line(&all);
    }
    listed(common, std::slice::from_ref(&view.row));
    let mut table = out::table(&["Question", "Answer", "Rests on", "By"]);
    for a in &view.answers {
        let word = match a.yes {
            Some(true) => "yes",
            Some(false) => "no",
            None => "open",
        };
        let by = a.by.as_deref().unwrap_or("records");
        table.add_row([a.question.asks(), word, a.evidence.as_str(), by]);
    }
    out::line(&table.to_string());
    out::line(&view.verdict.words());
    for o in &view.offered {
        out::line(&format!("records point to {}: {}", o.root, o.because));
    }
    for f in &view.follow_ups {
        out::line(&format!(
            "follow-up {} {}: {} until {}: {}",
            f.id,
            f.state,
            f.owner,
            f.due_at.rfc3339(),
            f.words
        ));
    }
}
