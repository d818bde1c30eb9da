//! `tuesday review`: the queue and every decision a person can make, in the name of `--as HANDLE`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Review;
use tuesday_engine::ops::{Approval, Case, Decided, Refusal, Settlement};
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
        Act::Show { id } => show(&common, &id).await,
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
        decide => Box::pin(decided(&common, decide)).await,
    }
}

/// Everything that ends a task.
async fn decided(common: &Common, act: Act) -> Result<ExitCode, Problem> {
    let by = wiring::person(common)?;
    let decision = match &act {
        Act::Approve { decision, .. }
        | Act::Edit { decision, .. }
        | Act::Reject { decision, .. }
        | Act::Settle { decision, .. } => decision,
        _ => return Err(Problem::new("internal", "this is no decision")),
    };
    let id: ReviewId = args::id(&decision.id, "id")?;
    let (wait, revision, note) = (decision.wait, decision.revision, decision.note.clone());
    let session = Session::open(common, wait.wait).await?;
    let engine = &session.node.engine;
    let done = match act {
        Act::Approve { answers, .. } => {
            let checklist = checklist(&session, id, &answers).await?;
            let a = Approval {
                revision,
                note,
                checklist,
                accept_changed: answers.accept_changed,
                ..Approval::default()
            };
            engine.approve(id, &by, a).await
        }
        Act::Edit {
            answers,
            set,
            file,
            reason,
            ..
        } => {
            let edit = Some(edited(&engine.case(id).await?, &set, file)?);
            let checklist = checklist(&session, id, &answers).await?;
            engine
                .approve(
                    id,
                    &by,
                    Approval {
                        revision,
                        edit,
                        reason,
                        note,
                        checklist,
                        accept_changed: answers.accept_changed,
                    },
                )
                .await
        }
        Act::Reject { reason, .. } => {
            engine
                .reject(
                    id,
                    &by,
                    Refusal {
                        revision,
                        reason,
                        note,
                    },
                )
                .await
        }
        Act::Settle { how, .. } => {
            engine
                .settle(id, &by, revision, settlement(how, note)?)
                .await
        }
        _ => Err(Problem::new("internal", "this is no decision")),
    };
    let told = match done {
        Ok(done) => finish(common, &session, done, wait).await,
        Err(e) => Err(e),
    };
    session.close().await;
    told
}

async fn finish(
    common: &Common,
    session: &Session,
    done: Decided,
    wait: Wait,
) -> Result<ExitCode, Problem> {
    let waits = wait.wait && done.approvals_left == 0;
    let run = if waits {
        session.settled(done.run.id, wait.timeout.0).await?
    } else {
        done.run
    };
    if common.json {
        out::json_line(
            &json!({"review": views::review(&done.review), "run": views::run(&run), "approvals_left": done.approvals_left}),
        );
        return Ok(ExitCode::SUCCESS);
    }
    let what = done
        .review
        .decision
        .map_or_else(|| done.review.state.word(), |d| d.word())
        .replace('_', " ");
    if done.approvals_left > 0 {
        out::line(&format!(
            "{}: approved, {} more needed; {} has it now",
            done.review.id, done.approvals_left, done.review.owner
        ));
    } else {
        out::line(&format!("{}: {what}", done.review.id));
        super::run::tell(common, &run);
    }
    Ok(ExitCode::SUCCESS)
}

async fn checklist(
    session: &Session,
    id: ReviewId,
    answers: &Answers,
) -> Result<Vec<String>, Problem> {
    if !answers.all_checked {
        return Ok(answers.checked.clone());
    }
    let case = session.node.engine.case(id).await?;
    Ok(case.tier.map(|t| t.checklist).unwrap_or_default())
}

fn settlement(how: How, note: Option<String>) -> Result<Settlement, Problem> {
    Ok(match how {
        How {
            happened: Some(evidence),
            ..
        } => Settlement::Happened { evidence },
        How {
            did_not_happen: Some(evidence),
            ..
        } => Settlement::DidNotHappen { evidence },
        How {
            hand_over: Some(result),
            ..
        } => Settlement::HandOver { result },
        How {
            supply: Some(path), ..
        } => Settlement::Supply {
            input: object(&path, "supply")?,
        },
        How {
            close_failed: Some(reason),
            ..
        } => Settlement::CloseFailed { reason },
        How { .. } => Settlement::Regenerate { reason: note },
    })
}

fn object(path: &std::path::Path, field: &str) -> Result<Value, Problem> {
    let bytes = args::input(path, field)?;
    tuesday_domain::json::parse_strict(&bytes)
        .map_err(|e| Problem::new("bad_request", format!("{}: {e}", path.display())).field(field))
}

/// The output with the edited fields, or the whole file. A field that the schema calls a string
/// takes the value as it is typed; every other value is read as JSON.
fn edited(case: &Case, set: &[String], file: Option<PathBuf>) -> Result<Value, Problem> {
    if let Some(path) = file {
        return object(&path, "file");
    }
    let mut output = case
        .output
        .clone()
        .ok_or_else(|| Problem::new("illegal_state", "there is no output to edit"))?;
    for pair in set {
        let bad = |why: &str| Problem::new("bad_request", format!("`{pair}`: {why}")).field("set");
        let (field, text) = pair.split_once('=').ok_or_else(|| bad("not FIELD=VALUE"))?;
        let kind = case.output_schema.pointer(&format!("/properties/{field}"));
        let kind = kind.ok_or_else(|| {
            bad("the output schema has no such field").way_out(known_fields(&case.output_schema))
        })?;
        let is_text = kind.get("type").is_some_and(|t| t == "string") || kind.get("enum").is_some();
        let value = match serde_json::from_str(text) {
            Ok(value) if !is_text => value,
            _ if is_text => Value::String(text.to_owned()),
            _ => return Err(bad("the value is not JSON")),
        };
        output[field] = value;
    }
    Ok(output)
}

fn known_fields(schema: &Value) -> String {
    let names = schema.get("properties").and_then(Value::as_object);
    let names: Vec<&str> = names
        .into_iter()
        .flatten()
        .map(|(k, _)| k.as_str())
        .collect();
    format!("one of: {}", names.join(", "))
}

fn moved(common: &Common, review: &Review) {
    if common.json {
        return out::json_line(&views::review(review));
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

async fn show(common: &Common, id: &str) -> Result<ExitCode, Problem> {
    let id: ReviewId = args::id(id, "id")?;
    let session = Session::open(common, false).await?;
    let case = session.node.engine.case(id).await?;
    if common.json {
        out::json_line(&case_json(&case));
    } else {
        print(&case, session.node.engine.now());
    }
    Ok(ExitCode::SUCCESS)
}

fn case_json(c: &Case) -> Value {
    let mut value = views::review(&c.review);
    value["time_zone"] = json!(c.zone);
    value["rules_row"] = json!(c.rules_row);
    value["rules_version"] = json!(c.rules_version);
    value["sources"] = c.items.iter().map(|i| json!({"name": i.name, "system": i.system, "record": i.record,
        "version": i.version, "updated_at": i.updated_at.map(tuesday_domain::time::Timestamp::rfc3339),
        "freshness": i.freshness, "class": i.class, "content": i.content})).collect();
    value["absent"] = json!(c.absent);
    value["flags"] = json!(c.flags);
    value["output"] = json!(c.output);
    value["output_schema"] = c.output_schema.clone();
    value["writes"] = c.writes.iter().map(|w| json!({"action": w.action, "system": w.system, "class": w.class,
        "ability": w.ability, "target": w.target, "fields": w.fields.iter().cloned().collect::<serde_json::Map<_, _>>()})).collect();
    value["release"] = json!(c.made.release);
    value["model"] = json!(c.made.model);
    value["confidence"] = json!(c.made.confidence);
    value["checklist"] = json!(
        c.tier
            .as_ref()
            .map(|t| t.checklist.clone())
            .unwrap_or_default()
    );
    value["reasons_list"] = json!(c.reasons_list);
    value["may_decide"] = json!(c.people.iter().map(|p| p.0.clone()).collect::<Vec<_>>());
    value
}

fn print(c: &Case, now: tuesday_domain::time::Timestamp) {
    let r = &c.review;
    out::line(&format!(
        "{}\n  {}, {}, {} has it, {} left",
        r.subject,
        r.state,
        c.workflow_title,
        c.owner_name,
        views::left(now, r.due_at)
    ));
    let section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            out::line(&format!("\n{title}\n  {}", lines.join("\n  ")));
        }
    };
    section("Why a person looks", c.reasons.clone());
    section("Output", fields(c.output.as_ref()));
    section(
        "Approving writes",
        c.writes
            .iter()
            .map(|w| {
                format!(
                    "{} {} in {} ({}, ability {})",
                    w.action, w.target, w.system, w.class, w.ability
                )
            })
            .collect(),
    );
    section(
        "Read",
        c.items
            .iter()
            .map(|i| {
                format!(
                    "{}. {} from {}, {}: {}",
                    i.n,
                    i.name,
                    i.system,
                    i.freshness,
                    views::short(&i.content, 200)
                )
            })
            .collect(),
    );
    section("Flags", c.flags.iter().chain(&c.absent).cloned().collect());
    section(
        "Actions",
        c.actions
            .iter()
            .map(|a| {
                format!(
                    "{} {}: {} {}",
                    a.name,
                    a.target,
                    a.state,
                    a.detail.clone().unwrap_or_default()
                )
            })
            .collect(),
    );
    section(
        "Checklist",
        c.tier
            .as_ref()
            .map(|t| t.checklist.clone())
            .unwrap_or_default(),
    );
    let confidence = c
        .made
        .confidence
        .map(|p| format!(", confidence {p:.2}"))
        .unwrap_or_default();
    section(
        "Made by",
        vec![format!(
            "release {}, {}, {} attempts{confidence}",
            c.made.release_number, c.made.model, c.made.attempts
        )],
    );
    section(
        "May decide",
        vec![
            c.people
                .iter()
                .map(|(h, n)| format!("{h} ({n})"))
                .collect::<Vec<_>>()
                .join(", "),
        ],
    );
    section("Reason codes", vec![c.reasons_list.join(", ")]);
    out::say(&format!(
        "\nNext: tuesday review approve {} --revision {} --as HANDLE",
        r.id, r.revision
    ));
}

fn fields(output: Option<&Value>) -> Vec<String> {
    match output {
        Some(Value::Object(map)) => map
            .iter()
            .map(|(k, v)| format!("{k}: {}", views::short(v, 400)))
            .collect(),
        Some(other) => vec![views::short(other, 400)],
        None => Vec::new(),
    }
}
