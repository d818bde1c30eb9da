//! `tuesday follow-up`: what somebody has to do after an incident or a stop.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::postmortem::follow_up::FollowUpEvent;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::FollowUp;
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{FollowUpOf, NewFollowUp};
use tuesday_store::FollowUpFilter;

use crate::args;
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Arguments of `follow-up`.
#[derive(Debug, Args)]
pub(crate) struct FollowUpArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// The follow-ups, what is due first on top
    List {
        /// Of one person
        #[arg(long)]
        owner: Option<String>,
        /// Of one workflow
        #[arg(long)]
        workflow: Option<String>,
        /// Those that ended, too
        #[arg(long)]
        all: bool,
    },
    /// Give somebody something to do
    Add {
        /// What is to be done
        words: String,
        /// Who does it, by handle
        #[arg(long)]
        owner: String,
        /// By when, RFC 3339
        #[arg(long)]
        due: String,
        /// The incident it follows from
        #[arg(long, conflicts_with = "workflow")]
        incident: Option<String>,
        /// The workflow whose newest postmortem it follows from
        #[arg(long)]
        workflow: Option<String>,
    },
    /// It is done
    Done {
        /// The follow-up
        id: String,
        /// What shows it
        #[arg(long)]
        note: String,
    },
    /// It is not wanted any more
    Drop {
        /// The follow-up
        id: String,
        /// Why
        #[arg(long)]
        note: String,
    },
}

/// Runs `follow-up`.
pub(crate) async fn run(common: Common, act: FollowUpArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let engine = &node.engine;
    match act.act {
        Act::List {
            owner,
            workflow,
            all,
        } => {
            let filter = FollowUpFilter {
                open: !all,
                owner,
                workflow,
                ..FollowUpFilter::default()
            };
            told(&common, &engine.follow_ups(&filter).await?);
        }
        Act::Add {
            words,
            owner,
            due,
            incident,
            workflow,
        } => {
            let by = wiring::person(&common)?;
            let of = match (incident, workflow) {
                (Some(id), _) => FollowUpOf::Incident(args::id(&id, "incident")?),
                (None, Some(workflow)) => {
                    let found = Box::pin(engine.postmortem_of_workflow(&workflow, None)).await?;
                    FollowUpOf::Postmortem {
                        workflow,
                        seq: found.row.seq,
                    }
                }
                (None, None) => {
                    let words = "name --incident, or --workflow for its newest postmortem";
                    return Err(Problem::new("bad_request", words).field("incident"));
                }
            };
            let due_at = Timestamp::parse(&due)
                .map_err(|e| Problem::new("bad_request", e.to_string()).field("due"))?;
            let new = NewFollowUp {
                of,
                words,
                owner,
                due_at,
            };
            told(&common, &[engine.add_follow_up(new, &by).await?]);
        }
        Act::Done { id, note } => {
            let by = wiring::person(&common)?;
            let ending =
                engine.end_follow_up(args::id(&id, "id")?, FollowUpEvent::Finish, &note, &by);
            told(&common, &[ending.await?]);
        }
        Act::Drop { id, note } => {
            let by = wiring::person(&common)?;
            let ending =
                engine.end_follow_up(args::id(&id, "id")?, FollowUpEvent::Drop, &note, &by);
            told(&common, &[ending.await?]);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn told(common: &Common, all: &[FollowUp]) {
    if common.json {
        for f in all {
            out::json_line(
                &json!({"id": f.id, "state": f.state, "owner": f.owner, "words": f.words,
                "due_at": f.due_at.rfc3339(), "incident": f.incident, "workflow": f.workflow,
                "postmortem": f.postmortem, "note": f.note, "ended_by": f.ended_by}),
            );
        }
        return;
    }
    if all.is_empty() {
        return out::line("nobody has anything to do");
    }
    let mut table = out::table(&["Follow-up", "State", "Who", "Until", "What"]);
    for f in all {
        let (id, due) = (f.id.to_string(), f.due_at.rfc3339());
        table.add_row([&id, f.state.word(), &f.owner, &due, &f.words]);
    }
    out::line(&table.to_string());
}
