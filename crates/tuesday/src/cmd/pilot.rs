//! `tuesday pilot`: what a pilot has shown, which steps it has taken, what going live still has to answer;
//! and what people say to it under their names.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::charter::Statement;
use tuesday_domain::charter::pack::Known;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{PilotAnswer, PilotPack};

use super::charter::signer;
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Node, Opening};

/// Arguments of `pilot`.
#[derive(Debug, Args)]
pub(crate) struct PilotArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Seven parts and five questions, from records; 1 while a part has no evidence
    Evidence {
        /// The workflow
        workflow: String,
    },
    /// The six steps, and what closes the next one
    Steps {
        /// The workflow
        workflow: String,
    },
    /// The fifteen questions of going live, pre-filled; 1 while one is blank
    GoLive {
        /// The workflow
        workflow: String,
    },
    /// Six common mistakes, each looked for in the records; 1 while one is found
    Mistakes {
        /// The workflow
        workflow: String,
    },
    /// Say something about a part; shown as a claim. An empty text takes it back
    Claim {
        /// The workflow
        workflow: String,
        /// value, quality, risk, review_burden, cost, workflow_fit or user_behaviour
        part: String,
        /// In a sentence
        text: String,
    },
    /// Mark a cost of the ledger as one that nobody had planned
    HiddenCost {
        /// The workflow
        workflow: String,
        /// The entry's id: tuesday cost list
        entry: String,
        /// Why it came up
        text: String,
    },
    /// Jump over a step; the reason stays in the record
    Skip {
        /// The workflow
        workflow: String,
        /// question, criteria, conditions, evidence, path or operate
        step: String,
        /// Why
        text: String,
    },
    /// Answer a question of going live that no record answers
    Answer {
        /// The workflow
        workflow: String,
        /// Its word: tuesday pilot go-live WORKFLOW
        question: String,
        /// In a sentence
        text: String,
    },
}

/// Runs `pilot`.
pub(crate) async fn run(common: Common, args: PilotArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let pack = |workflow: String| {
        let engine = node.engine.clone();
        Box::pin(async move { engine.pilot_pack(&workflow).await })
    };
    let good = match args.act {
        Act::Evidence { workflow } => evidence(&common, &pack(workflow).await?)?,
        Act::Steps { workflow } => steps(&common, &pack(workflow).await?),
        Act::GoLive { workflow } => go_live(&common, &pack(workflow).await?),
        Act::Mistakes { workflow } => mistakes(&common, &pack(workflow).await?),
        Act::Claim {
            workflow,
            part,
            text,
        } => {
            said(
                &common,
                &node,
                &workflow,
                (Statement::PilotClaim, &part),
                &text,
            )
            .await?
        }
        Act::HiddenCost {
            workflow,
            entry,
            text,
        } => {
            said(
                &common,
                &node,
                &workflow,
                (Statement::HiddenCost, &entry),
                &text,
            )
            .await?
        }
        Act::Skip {
            workflow,
            step,
            text,
        } => {
            said(
                &common,
                &node,
                &workflow,
                (Statement::StepException, &step),
                &text,
            )
            .await?
        }
        Act::Answer {
            workflow,
            question,
            text,
        } => {
            said(
                &common,
                &node,
                &workflow,
                (Statement::GoLiveAnswer, &question),
                &text,
            )
            .await?
        }
    };
    Ok(ExitCode::from(u8::from(!good)))
}

async fn said(
    common: &Common,
    node: &Node,
    workflow: &str,
    what: (Statement, &str),
    text: &str,
) -> Result<bool, Problem> {
    let by = signer(common, node, workflow).await?;
    let f = node.engine.say_of_pilot(workflow, what, text, &by).await?;
    if common.json {
        out::json_line(
            &json!({"workflow": f.workflow, "seq": f.seq, "field": f.statement.word(),
            "about": f.about, "value": f.value, "by": f.by, "at": f.at.rfc3339()}),
        );
    } else {
        let value = if f.value.is_empty() {
            "taken back"
        } else {
            &f.value
        };
        out::line(&format!(
            "{} of {}: {value} ({})",
            f.statement, f.about, f.by
        ));
    }
    Ok(true)
}

fn evidence(common: &Common, pack: &PilotPack) -> Result<bool, Problem> {
    let good = pack.parts.iter().all(|p| p.known == Known::Evidence);
    if common.json {
        let value =
            serde_json::to_value(pack).map_err(|e| Problem::new("internal", e.to_string()))?;
        out::json_line(&value);
        return Ok(good);
    }
    out::line(&format!(
        "{}: {}, pilot {}, {} to {}",
        pack.workflow, pack.label, pack.pilot.state, pack.days.from, pack.days.to
    ));
    if !pack.pilot.changed_after_start.is_empty() {
        let changed = pack.pilot.changed_after_start.join(", ");
        out::say(&format!("warning: changed after the start: {changed}"));
    }
    let mut table = out::table(&["Part", "Known by", "What there is"]);
    for p in &pack.parts {
        let words: Vec<String> = p
            .lines
            .iter()
            .map(|l| match &l.by {
                Some(by) => format!("{} (claim of {by})", l.words),
                None => l.words.clone(),
            })
            .collect();
        table.add_row([
            p.title.to_owned(),
            p.known.words().to_owned(),
            words.join("\n"),
        ]);
    }
    out::line(&table.to_string());
    answers(&pack.questions);
    Ok(good)
}

fn answers(all: &[PilotAnswer]) {
    let mut table = out::table(&["Question", "Word", "Known by", "Answer"]);
    for a in all {
        let words = match &a.by {
            Some(by) => format!("{} (claim of {by})", a.words),
            None => a.words.clone(),
        };
        table.add_row([a.title, a.asks, a.known.words(), &words]);
    }
    out::line(&table.to_string());
}

fn steps(common: &Common, pack: &PilotPack) -> bool {
    if common.json {
        out::json_line(
            &json!({"workflow": pack.workflow, "current": pack.current, "steps": pack.steps}),
        );
        return true;
    }
    let mut table = out::table(&[
        "Step",
        "Word",
        "State",
        "What closes it, or why it is jumped over",
    ]);
    for s in &pack.steps {
        let (state, words) = match (s.done, &s.excused) {
            (true, _) => ("done", String::new()),
            (false, Some(why)) => ("jumped over", why.clone()),
            (false, None) => ("open", s.closes.replace("WORKFLOW", &pack.workflow)),
        };
        table.add_row([s.title, s.step.word(), state, &words]);
    }
    out::line(&table.to_string());
    true
}

fn go_live(common: &Common, pack: &PilotPack) -> bool {
    let good = pack.blank.is_empty();
    if common.json {
        out::json_line(
            &json!({"workflow": pack.workflow, "go_live": pack.go_live, "blank": pack.blank}),
        );
        return good;
    }
    answers(&pack.go_live);
    if !good {
        out::line(&format!("blank: {}", pack.blank.join(", ")));
    }
    good
}

fn mistakes(common: &Common, pack: &PilotPack) -> bool {
    let good = pack.mistakes.is_empty() && pack.trap.is_none();
    if common.json {
        out::json_line(
            &json!({"workflow": pack.workflow, "mistakes": pack.mistakes, "trap": pack.trap}),
        );
        return good;
    }
    let mut table = out::table(&["Mistake", "Seen"]);
    for m in &pack.mistakes {
        table.add_row([m.title, m.words.as_str()]);
    }
    out::line(&table.to_string());
    if let Some(trap) = &pack.trap {
        out::line(trap);
    }
    good
}
