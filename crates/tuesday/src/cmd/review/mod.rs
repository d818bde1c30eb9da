//! `tuesday review`: the queue and every decision a person can make, in the name of `--as HANDLE`.

mod decide;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::json;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Review;
use tuesday_engine::ops::{SecondVerdict, SeedWish};
use tuesday_store::QueueFilter;

use super::run::Wait;
use super::wait::Session;
use crate::args::{self, stored};
use crate::cli::Common;
use crate::{out, views, wiring};

/// Arguments of `review`.
#[derive(Debug, Args)]
pub(crate) struct ReviewArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Open tasks, first due first
    List(List),
    /// One task with everything needed to decide it
    Show {
        /// The task
        id: String,
    },
    /// Take a task
    Claim {
        /// The task
        id: String,
    },
    /// Give a task back
    Release {
        /// The task
        id: String,
    },
    /// Approve the output as it stands
    Approve {
        #[command(flatten)]
        decision: Decision,
        #[command(flatten)]
        answers: Answers,
        /// Why, one of the workflow's codes; needed with --accept-changed
        #[arg(long, value_name = "CODE")]
        reason: Option<String>,
    },
    /// Take an approval back while nothing was sent
    Recall {
        #[command(flatten)]
        decision: Decision,
    },
    /// Approve the output after an edit
    Edit {
        #[command(flatten)]
        decision: Decision,
        #[command(flatten)]
        answers: Answers,
        /// A field and its new value; may be given several times
        #[arg(long, value_name = "FIELD=VALUE", required_unless_present = "file")]
        set: Vec<String>,
        /// The whole edited output as a JSON file, or - for standard input
        #[arg(long, conflicts_with = "set")]
        file: Option<PathBuf>,
        /// Why, one of the workflow's codes
        #[arg(long, value_name = "CODE")]
        reason: Option<String>,
    },
    /// Reject the output; nothing is written
    Reject {
        #[command(flatten)]
        decision: Decision,
        /// Why, one of the workflow's codes
        #[arg(long, value_name = "CODE")]
        reason: String,
    },
    /// Pass the task to the next named person
    Escalate {
        #[command(flatten)]
        decision: Decision,
    },
    /// Give the task to another named person
    Reassign {
        /// The task
        id: String,
        /// Handle of the person who gets it
        #[arg(long, value_name = "HANDLE")]
        to: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// The revision you saw
        #[arg(long)]
        revision: Option<u32>,
    },
    /// Answer a second look: the approved output was right, or wrong and why
    #[command(group(ArgGroup::new("said").required(true)))]
    Verdict {
        /// The task
        id: String,
        /// It was right
        #[arg(long, group = "said")]
        correct: bool,
        /// It was wrong; why
        #[arg(long, value_name = "REASON", group = "said")]
        incorrect: Option<String>,
        /// The revision you saw
        #[arg(long)]
        revision: Option<u32>,
    },
    /// Put a known error into the queue: a decided case, spoilt on purpose; it can write nothing
    Seed {
        /// The workflow
        workflow: String,
        /// One of the package's faults; any when absent
        #[arg(long, value_name = "NAME")]
        fault: Option<String>,
        /// The decided run it is made from; any when absent
        #[arg(long, value_name = "RUN")]
        run: Option<String>,
    },
    /// Settle a task that is no plain yes or no
    Settle {
        #[command(flatten)]
        decision: Decision,
        #[command(flatten)]
        how: How,
    },
}

#[derive(Debug, Args)]
struct List {
    /// Of this workflow
    #[arg(long)]
    workflow: Option<String>,
    /// Of this person
    #[arg(long, value_name = "HANDLE")]
    owner: Option<String>,
    /// In this state instead of open, such as approved
    #[arg(long)]
    state: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

#[derive(Debug, Args)]
struct Decision {
    /// The task
    id: String,
    /// The revision you saw; a task that moved since is not decided
    #[arg(long)]
    revision: Option<u32>,
    /// Free words, kept with the decision
    #[arg(long)]
    note: Option<String>,
    /// Repeated with the same key, a decision has no second effect
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    wait: Wait,
}

#[derive(Debug, Args)]
struct Answers {
    /// A question of the checklist that you answered, word for word; may be given several times
    #[arg(long, value_name = "QUESTION")]
    checked: Vec<String>,
    /// You answered every question of the checklist
    #[arg(long, conflicts_with = "checked")]
    all_checked: bool,
    /// Inputs changed since the output was made, and you accept that
    #[arg(long)]
    accept_changed: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct How {
    /// The action happened; what shows it
    #[arg(long, value_name = "EVIDENCE")]
    happened: Option<String>,
    /// The action did not happen, send it again; what shows it
    #[arg(long, value_name = "EVIDENCE")]
    did_not_happen: Option<String>,
    /// Done by hand; what came of it
    #[arg(long, value_name = "RESULT")]
    hand_over: Option<String>,
    /// The completed input as a JSON file, or - for standard input
    #[arg(long, value_name = "FILE")]
    supply: Option<PathBuf>,
    /// Fresh inputs and a new output
    #[arg(long)]
    regenerate: bool,
    /// Give up; why
    #[arg(long, value_name = "REASON")]
    close_failed: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: ReviewArgs) -> Result<ExitCode, Problem> {
    match args.act {
        Act::List(list) => queue(&common, list).await,
        Act::Show { id } => show::run(&common, &id).await,
        Act::Claim { id } => {
            let (id, by) = (args::id(&id, "id")?, wiring::person(&common)?);
            let session = Session::open(&common, false).await?;
            moved(&common, &session.node.engine.claim(id, &by).await?);
            Ok(ExitCode::SUCCESS)
        }
        Act::Release { id } => {
            let (id, by) = (args::id(&id, "id")?, wiring::person(&common)?);
            let session = Session::open(&common, false).await?;
            moved(&common, &session.node.engine.release(id, &by).await?);
            Ok(ExitCode::SUCCESS)
        }
        Act::Verdict {
            id,
            correct,
            incorrect,
            revision,
        } => {
            let (id, by) = (args::id(&id, "id")?, wiring::person(&common)?);
            let session = Session::open(&common, false).await?;
            let verdict = SecondVerdict {
                correct,
                reason: incorrect.unwrap_or_default(),
                revision,
                key: None,
            };
            let engine = &session.node.engine;
            moved(&common, &engine.second_verdict(id, &by, verdict).await?);
            Ok(ExitCode::SUCCESS)
        }
        Act::Reassign {
            id,
            to,
            reason,
            revision,
        } => {
            let (id, by) = (args::id(&id, "id")?, wiring::person(&common)?);
            let session = Session::open(&common, false).await?;
            let engine = &session.node.engine;
            moved(
                &common,
                &engine.reassign(id, &by, &to, &reason, revision).await?,
            );
            Ok(ExitCode::SUCCESS)
        }
        Act::Seed {
            workflow,
            fault,
            run,
        } => seed(&common, &workflow, fault, run).await,
        Act::Escalate { decision } => {
            let (id, by) = (args::id(&decision.id, "id")?, wiring::person(&common)?);
            let session = Session::open(&common, false).await?;
            moved(
                &common,
                &session
                    .node
                    .engine
                    .escalate(id, &by, decision.note, decision.revision)
                    .await?,
            );
            Ok(ExitCode::SUCCESS)
        }
        act => Box::pin(decide::run(&common, act)).await,
    }
}

async fn seed(
    common: &Common,
    workflow: &str,
    fault: Option<String>,
    run: Option<String>,
) -> Result<ExitCode, Problem> {
    let by = wiring::person(common)?;
    let run = run.map(|r| args::id(&r, "run")).transpose()?;
    let session = Session::open(common, false).await?;
    let wish = SeedWish { fault, run };
    let placed = Box::pin(session.node.engine.seed(workflow, &wish, &by)).await?;
    let (seed, review) = (placed.seed, placed.review);
    if common.json {
        out::json_line(
            &json!({"review_id": review.id.to_string(), "run_id": seed.run.to_string(), "fault": seed.fault,
                "field": seed.field, "made_from": seed.made_from.map(|r| r.to_string())}),
        );
    } else {
        let (id, owner) = (review.id, review.owner);
        out::line(&format!(
            "{id}: a known error ({}), before {owner}",
            seed.fault
        ));
        out::say(
            "Whoever decides it is told afterwards. `tuesday report oversight` counts how many are caught.",
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn moved(common: &Common, review: &Review) {
    if common.json {
        return out::json_line(&views::review(review));
    }
    if let Some(decision) = review.decision {
        let said = decision.word().replace('_', " ");
        return out::line(&format!("{}: {said}", review.id));
    }
    let held = review
        .claimed_by
        .as_ref()
        .map(|h| format!(", {h} is on it"))
        .unwrap_or_default();
    out::line(&format!(
        "{}: {}, {} has it{held}",
        review.id, review.state, review.owner
    ));
}

async fn queue(common: &Common, list: List) -> Result<ExitCode, Problem> {
    let states = list
        .state
        .map(|s| args::word(&s, "state"))
        .transpose()?
        .into_iter()
        .collect();
    let filter = QueueFilter {
        workflow: list.workflow,
        owner: list.owner,
        states,
        ..QueueFilter::default()
    };
    let session = Session::open(common, false).await?;
    if let Some(workflow) = &filter.workflow {
        session.node.engine.live(workflow).await?;
    }
    let page = session
        .node
        .engine
        .reader()
        .review_page(&filter, None, usize::from(list.limit))
        .await
        .map_err(stored)?;
    let now = session.node.engine.now();
    let mut table = out::table(&["Left", "Task", "Has it", "Why", "Case"]);
    for r in &page {
        if common.json {
            out::json_line(&views::review(r));
        }
        let owner = r
            .claimed_by
            .as_ref()
            .map_or_else(|| r.owner.clone(), |c| format!("{c}, claimed"));
        table.add_row([
            views::left(now, r.due_at),
            r.id.to_string(),
            owner,
            r.reason.word().replace('_', " "),
            r.subject.clone(),
        ]);
    }
    if !common.json {
        out::line(&if page.is_empty() {
            "nothing waits for a person".to_owned()
        } else {
            table.to_string()
        });
        if let Some(first) = page.first() {
            out::say(&format!("Next: tuesday review show {}", first.id));
        }
    }
    Ok(ExitCode::SUCCESS)
}
