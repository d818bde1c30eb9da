//! `tuesday run`: starts, shows, lists, repeats and takes back runs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Action, Attempt, AttemptResult, Payload, Review, Run};
use tuesday_domain::time::Span;
use tuesday_engine::ops::{Incoming, IncomingAuth};
use tuesday_store::RunFilter;

use super::wait::Session;
use crate::args::{self, absent, stored};
use crate::cli::Common;
use crate::{out, views, wiring};

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Start a run from one event
    Start(Start),
    /// One run: where it stands, what was tried, written and asked
    Show {
        /// The run
        id: String,
        /// Also the frozen inputs and the output
        #[arg(long)]
        inputs: bool,
    },
    /// Runs, newest first
    List(List),
    /// Start an ended run again from its event, with fresh inputs and the live release
    Retry {
        /// The run
        id: String,
        #[command(flatten)]
        wait: Wait,
    },
    /// Repeat a past run with what it had frozen, without effect, and show both side by side
    Replay(super::replay::ReplayArgs),
    /// Take a run back, as long as nothing is being sent
    Cancel {
        /// The run
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Args)]
struct Start {
    /// The workflow
    workflow: String,
    /// The event as a JSON file, or - for standard input
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Id of the event; the same id again starts nothing new
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    #[command(flatten)]
    wait: Wait,
}

/// Waiting for a run.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Wait {
    /// Wait until the run has ended or a person has it; works on it here when no server runs
    #[arg(long)]
    pub(crate) wait: bool,
    /// Wait at most this long
    #[arg(long, default_value = "5m", value_name = "SPAN")]
    pub(crate) timeout: Span,
}

#[derive(Debug, Args)]
struct List {
    /// Of this workflow
    #[arg(long)]
    workflow: Option<String>,
    /// In this status, such as in_review or completed
    #[arg(long)]
    status: Option<String>,
    /// With this outcome, such as written_back
    #[arg(long)]
    outcome: Option<String>,
    /// Received on this day (YYYY-MM-DD in the workflow's time zone)
    #[arg(long)]
    day: Option<String>,
    /// Part of the subject, or the whole event id
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Go on after this run
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: RunArgs) -> Result<ExitCode, Problem> {
    match args.act {
        Act::Start(start) => Box::pin(begin(&common, start)).await,
        Act::Show { id, inputs } => show(&common, &id, inputs).await,
        Act::List(list) => page(&common, list).await,
        Act::Retry { id, wait } => Box::pin(retry(&common, &id, wait)).await,
        Act::Replay(args) => Box::pin(super::replay::run(&common, args)).await,
        Act::Cancel { id, reason } => {
            let id: RunId = args::id(&id, "id")?;
            let session = Session::open(&common, false).await?;
            let run = session
                .node
                .engine
                .cancel(id, &wiring::actor(&common), &reason)
                .await?;
            tell(&common, &run);
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn begin(common: &Common, start: Start) -> Result<ExitCode, Problem> {
    let body = args::input(&start.input, "input")?;
    let session = Session::open(common, start.wait.wait).await?;
    let by = common
        .acting
        .clone()
        .unwrap_or_else(|| "administrator".to_owned());
    let incoming = Incoming {
        event_id: start.event_id,
        body,
        auth: IncomingAuth::Person(by),
        reference: None,
    };
    let accepted = session
        .node
        .engine
        .receive(&start.workflow, incoming)
        .await?;
    if accepted.repeated {
        out::say("this event came before: nothing new was started");
    }
    let done = if start.wait.wait {
        session.settled(accepted.run, start.wait.timeout.0).await
    } else {
        session
            .node
            .engine
            .reader()
            .run(accepted.run)
            .await
            .map_err(stored)?
            .ok_or_else(|| absent(&accepted.run))
    };
    session.close().await;
    let run = done?;
    if common.json {
        let mut value = views::run(&run);
        value["repeated"] = json!(accepted.repeated);
        value["held"] = json!(accepted.held);
        out::json_line(&value);
    } else {
        tell(common, &run);
    }
    Ok(ExitCode::SUCCESS)
}

async fn retry(common: &Common, id: &str, wait: Wait) -> Result<ExitCode, Problem> {
    let id: RunId = args::id(id, "id")?;
    let session = Session::open(common, wait.wait).await?;
    let started = session
        .node
        .engine
        .retry(id, &wiring::actor(common))
        .await?;
    let done = if wait.wait {
        session.settled(started.id, wait.timeout.0).await
    } else {
        Ok(started)
    };
    session.close().await;
    tell(common, &done?);
    Ok(ExitCode::SUCCESS)
}

/// Where a run stands and what to do next.
pub(crate) fn tell(common: &Common, run: &Run) {
    if common.json {
        return out::json_line(&views::run(run));
    }
    let owner = run
        .owner
        .as_ref()
        .map(|o| format!(", {o} has it"))
        .unwrap_or_default();
    let why = run
        .reason
        .map(|r| format!(" ({})", r.word().replace('_', " ")))
        .unwrap_or_default();
    out::line(&format!("{}  {}{why}{owner}", run.id, views::standing(run)));
    out::line(&format!("  {}", run.subject));
    if run.state.status.wants_person() {
        out::say(&format!(
            "Next: tuesday review list --workflow {}",
            run.workflow
        ));
    } else {
        out::say(&format!("Next: tuesday reconstruct {}", run.id));
    }
}

async fn page(common: &Common, list: List) -> Result<ExitCode, Problem> {
    let filter = RunFilter {
        among: None,
        workflow: list.workflow,
        status: list.status.map(|s| args::word(&s, "status")).transpose()?,
        outcome: list
            .outcome
            .map(|s| args::word(&s, "outcome"))
            .transpose()?,
        day: list.day.map(|d| args::day(&d, "day")).transpose()?,
        text: list.text,
        ..RunFilter::default()
    };
    let after = list.after.map(|id| args::id(&id, "after")).transpose()?;
    let session = Session::open(common, false).await?;
    if let Some(workflow) = &filter.workflow {
        session.node.engine.live(workflow).await?;
    }
    let runs = session
        .node
        .engine
        .reader()
        .run_page(&filter, after, usize::from(list.limit))
        .await
        .map_err(stored)?;
    let mut table = out::table(&["Run", "Received", "Workflow", "Stands", "Has it", "Case"]);
    for run in &runs {
        if common.json {
            out::json_line(&views::run(run));
        }
        let received = run
            .received_at
            .rfc3339()
            .replace('T', " ")
            .chars()
            .take(19)
            .collect::<String>();
        let owner = run.owner.clone().unwrap_or_default();
        table.add_row([
            run.id.to_string(),
            received,
            run.workflow.clone(),
            views::standing(run),
            owner,
            run.subject.clone(),
        ]);
    }
    if !common.json {
        out::line(&if runs.is_empty() {
            "no runs".to_owned()
        } else {
            table.to_string()
        });
        if let Some(last) = runs
            .last()
            .filter(|_| runs.len() == usize::from(list.limit))
        {
            out::say(&format!("More: --after {}", last.id));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(common: &Common, id: &str, inputs: bool) -> Result<ExitCode, Problem> {
    let id: RunId = args::id(id, "id")?;
    let session = Session::open(common, false).await?;
    let reader = session.node.engine.reader();
    let run = reader
        .run(id)
        .await
        .map_err(stored)?
        .ok_or_else(|| absent(&id))?;
    let (attempts, reviews, actions) = tokio::try_join!(
        reader.attempts(id),
        reader.reviews_of(id),
        reader.actions_of(id)
    )
    .map_err(stored)?;
    let payloads = if inputs {
        reader.payloads(id).await.map_err(stored)?
    } else {
        Vec::new()
    };
    if common.json {
        let mut value = views::run(&run);
        value["attempts_made"] = attempts.iter().map(views::attempt).collect();
        value["reviews"] = reviews.iter().map(views::review).collect();
        value["actions"] = actions.iter().map(views::action).collect();
        if inputs {
            value["payloads"] = payloads.iter().map(payload).collect();
        }
        out::json_line(&value);
        return Ok(ExitCode::SUCCESS);
    }
    out::line(&format!(
        "{}\n  {}, {}, stage {}, {}",
        run.subject,
        views::standing(&run),
        run.workflow,
        run.stage,
        run.id
    ));
    for line in lines(&run, &attempts, &reviews, &actions) {
        out::line(&format!("  {}", line.trim_end()));
    }
    for p in &payloads {
        out::line(&format!(
            "\n{} {} ({})\n{}",
            p.kind,
            p.n,
            p.class.word(),
            String::from_utf8_lossy(&p.bytes).trim_end()
        ));
    }
    out::say(&format!(
        "More: tuesday run show {id} --inputs, tuesday reconstruct {id}"
    ));
    Ok(ExitCode::SUCCESS)
}

/// What happened, one line each.
fn lines(run: &Run, attempts: &[Attempt], reviews: &[Review], actions: &[Action]) -> Vec<String> {
    let received = clock(run.received_at);
    let mut lines = vec![format!(
        "{received}  event     {} {}",
        run.event_source, run.event_id
    )];
    for a in attempts {
        let mark = if a.result == AttemptResult::Done {
            "✓"
        } else {
            "✗"
        };
        let said = [&a.detail, &a.model_reported, &a.model]
            .into_iter()
            .flatten()
            .next();
        let (at, took) = (clock(a.started_at), views::took(a.duration_us));
        let said = said.map_or("", String::as_str);
        lines.push(format!(
            "{at}  {:<9} {mark} {}, {took}  {said}",
            a.step.word(),
            a.result
        ));
    }
    for r in reviews {
        let what = match (&r.decided_by, r.decision) {
            (Some(by), Some(decision)) => format!("{by}: {}", decision.word().replace('_', " ")),
            _ => format!("{} has it until {}", r.owner, r.due_at),
        };
        lines.push(format!(
            "{}  review    {what}  {}",
            clock(r.created_at),
            r.id
        ));
    }
    for a in actions {
        let (at, why) = (clock(a.updated_at), a.detail.as_deref().unwrap_or_default());
        lines.push(format!(
            "{at}  write     {} {}: {}  {why}",
            a.name, a.target, a.state
        ));
    }
    lines
}

fn clock(at: tuesday_domain::time::Timestamp) -> String {
    at.rfc3339().chars().skip(11).take(8).collect()
}

fn payload(p: &Payload) -> Value {
    let content = serde_json::from_slice(&p.bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&p.bytes).into_owned()));
    json!({"n": p.n, "kind": p.kind.word(), "class": p.class.word(), "commitment": p.commitment.to_string(), "content": content})
}
