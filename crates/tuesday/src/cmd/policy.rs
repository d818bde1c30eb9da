//! `tuesday policy`: who keeps what embodies a policy, that one changed, and what is owed since.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tuesday_domain::id::DutyId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Duty, DutyAnswer, DutyState};
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{Answered, KeptRow};
use tuesday_store::DutyFilter;

use super::wait::Session;
use crate::args::{self, stored};
use crate::cli::Common;
use crate::{out, views, wiring};

/// Arguments of `policy`.
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Templates and rules of the live releases with their owners and policies; exit 1 while one has no owner
    List {
        /// Of this workflow
        #[arg(long)]
        workflow: Option<String>,
    },
    /// Say that a policy changed: each template and rule that cites it owes an update
    Changed {
        /// The policy, as the packages cite it
        policy: String,
        /// What is different
        #[arg(long, default_value = "")]
        reason: String,
        /// Days until the updates are due
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=366))]
        days: u16,
    },
    /// What people owe since, the first due first
    Duties {
        /// Of this workflow
        #[arg(long)]
        workflow: Option<String>,
        /// Of this person
        #[arg(long)]
        owner: Option<String>,
        /// Answered ones as well
        #[arg(long)]
        all: bool,
        /// At most this many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Answer one: with the release or the rules that did it, or the reason why nothing changes
    Answer {
        /// The duty
        id: String,
        /// Number of the release that did it
        #[arg(long, value_name = "N", conflicts_with = "rules")]
        release: Option<u32>,
        /// Version of the rules that did it
        #[arg(long, value_name = "N")]
        rules: Option<u64>,
        /// In words; needed without a release and without rules
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: PolicyArgs) -> Result<ExitCode, Problem> {
    let session = Session::open(&common, false).await?;
    let engine = &session.node.engine;
    match args.act {
        Act::List { workflow } => {
            if let Some(name) = &workflow {
                engine.live(name).await?;
            }
            let all = engine.upkeep(workflow.as_deref()).await?;
            let sound = all.iter().all(|k| k.finding.is_none());
            kept(&common, &all);
            if !sound {
                return Ok(ExitCode::from(1));
            }
        }
        Act::Changed {
            policy,
            reason,
            days,
        } => {
            let by = wiring::actor(&common);
            let due = Duration::from_secs(u64::from(days) * 86_400);
            let made = engine.policy_changed(&policy, Some(due), &reason, &by);
            duties(&common, &Box::pin(made).await?, engine.now());
        }
        Act::Duties {
            workflow,
            owner,
            all,
            limit,
        } => {
            let filter = DutyFilter {
                workflow,
                owner,
                open: !all,
                among: None,
            };
            let found = engine.reader().duties(&filter, None, usize::from(limit));
            duties(&common, &found.await.map_err(stored)?, engine.now());
        }
        Act::Answer {
            id,
            release,
            rules,
            reason,
        } => {
            let (id, by) = (args::id::<DutyId>(&id, "id")?, wiring::person(&common)?);
            let with = match (release, rules) {
                (Some(n), _) => Answered::Release(n),
                (None, Some(n)) => Answered::Rules(n),
                (None, None) => Answered::Reason,
            };
            let done = engine.answer_duty(id, with, &reason, &by).await?;
            duties(&common, std::slice::from_ref(&done), engine.now());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn kept(common: &Common, all: &[KeptRow]) {
    let mut table = out::table(&["Workflow", "What", "Kept by", "Policies", "To look at"]);
    for k in all {
        if common.json {
            out::json_line(&serde_json::to_value(k).unwrap_or_default());
        }
        table.add_row([
            k.workflow.clone(),
            k.item.clone(),
            k.owner.clone().unwrap_or_default(),
            k.policies.join(", "),
            k.finding.clone().unwrap_or_default(),
        ]);
    }
    if !common.json {
        out::line(&if all.is_empty() {
            "no template, and no rule that cites a policy".to_owned()
        } else {
            table.to_string()
        });
    }
}

fn duties(common: &Common, found: &[Duty], now: Timestamp) {
    let mut table = out::table(&[
        "Left",
        "Duty",
        "Has it",
        "Workflow",
        "Look at",
        "Because of",
        "Answer",
    ]);
    for d in found {
        if common.json {
            out::json_line(&view(d));
        }
        let left = match d.state {
            DutyState::Open => views::left(now, d.due_at),
            DutyState::Done => "done".to_owned(),
        };
        table.add_row([
            left,
            d.id.to_string(),
            d.owner.clone(),
            d.workflow.clone(),
            d.item.clone(),
            views::short(&Value::String(format!("{}: {}", d.about, d.reason)), 60),
            answer(d),
        ]);
    }
    if !common.json {
        out::line(&if found.is_empty() {
            "nothing is owed".to_owned()
        } else {
            table.to_string()
        });
    }
}

fn answer(d: &Duty) -> String {
    let with = match (d.answer, d.number) {
        (Some(answer), Some(n)) => format!("{answer} {n}"),
        (Some(answer), None) => answer.to_string(),
        (None, _) => return String::new(),
    };
    let words = d.words.as_deref().map(|w| format!(": {w}"));
    let words = views::short(
        &Value::String(format!("{with}{}", words.unwrap_or_default())),
        60,
    );
    let by = d.done_by.as_deref().unwrap_or_default();
    format!("{words} ({by})")
}

fn view(d: &Duty) -> Value {
    json!({
        "id": d.id.to_string(), "state": d.state.word(), "kind": d.kind.word(), "workflow": d.workflow,
        "about": d.about, "item": d.item, "reason": d.reason, "owner": d.owner, "due_at": d.due_at.rfc3339(),
        "opened_by": d.opened_by, "opened_at": d.opened_at.rfc3339(), "answer": d.answer.map(DutyAnswer::word),
        "number": d.number, "words": d.words, "done_by": d.done_by, "done_at": d.done_at.map(Timestamp::rfc3339),
    })
}
