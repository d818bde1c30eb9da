//! `tuesday problem`: what people say about outputs, and the answers.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tuesday_domain::id::ProblemReportId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{MailOutcome, ProblemKind, ProblemReport, ReportMail};
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::{Answer, Complaint};
use tuesday_store::ProblemFilter;

use super::wait::Session;
use crate::args::{self, absent, stored};
use crate::cli::Common;
use crate::{out, views, wiring};

/// Arguments of `problem`.
#[derive(Debug, Args)]
pub(crate) struct ProblemArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Say that an output is wrong, slow or annoying
    Report(Report),
    /// Reports, the longest due answer first
    List {
        /// Of this workflow
        #[arg(long)]
        workflow: Option<String>,
        /// new, triaged, not_an_error, quality_issue or incident
        #[arg(long)]
        state: Option<String>,
        /// Only those without an answer
        #[arg(long)]
        open: bool,
        /// Part of the words
        #[arg(long, value_name = "TEXT")]
        text: Option<String>,
        /// At most this many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// One report
    Show {
        /// The report
        id: String,
    },
    /// The mail address for reports, and mails to it that became none
    Mails,
    /// Say which run a report is about
    Tie {
        /// The report
        id: String,
        /// The run
        #[arg(long, value_name = "ID")]
        run: String,
    },
    /// Take a report, or answer it
    Triage {
        /// The report
        id: String,
        /// triaged, not_an_error, quality_issue or incident
        #[arg(long, value_name = "STATE")]
        to: String,
        /// The answer; needed for everything but triaged
        #[arg(long, default_value = "")]
        answer: String,
        #[command(flatten)]
        closing: Closing,
    },
}

/// What is asked when a report is closed.
#[derive(Debug, Default, Args)]
pub(super) struct Closing {
    /// Of a wrong output: input, prompt, model, rules, connector, process or platform
    #[arg(long, value_name = "LAYER")]
    fixed_in: Option<String>,
    /// Of a wrong output, yes or no: can someone who does not write code fix the next one?
    #[arg(long, value_name = "YES|NO")]
    without_code: Option<String>,
    /// How long the answer took; enters the cost ledger as support
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1440))]
    minutes: Option<u32>,
}

impl Closing {
    /// The answer with these words.
    pub(super) fn answer(self, words: String) -> Result<Answer, Problem> {
        let layer = self.fixed_in.map(|l| args::word(&l, "fixed_in"));
        Ok(Answer {
            words,
            layer: layer.transpose()?,
            without_code: args::yes_no(self.without_code.as_deref(), "without_code")?,
            minutes: self.minutes,
        })
    }
}

#[derive(Debug, Args)]
struct Report {
    /// What happened, in words
    #[arg(default_value = "")]
    words: String,
    /// wrong, slow, annoying or other
    #[arg(long, default_value = "other")]
    kind: String,
    /// The run it is about
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// The review task it is about
    #[arg(long, value_name = "ID", conflicts_with = "run")]
    review: Option<String>,
    /// The record that was written to, or words of the case
    #[arg(long, value_name = "TEXT")]
    record: Option<String>,
    /// Of this workflow
    #[arg(long)]
    workflow: Option<String>,
    /// In whose name, such as the address of a customer
    #[arg(long, value_name = "WHO")]
    reported_by: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: ProblemArgs) -> Result<ExitCode, Problem> {
    let session = Session::open(&common, false).await?;
    let engine = &session.node.engine;
    match args.act {
        Act::Report(r) => {
            let actor = wiring::actor(&common);
            let acting = common
                .acting
                .clone()
                .unwrap_or_else(|| "anonymous".to_owned());
            let complaint = Complaint {
                kind: args::word::<ProblemKind>(&r.kind, "kind")?,
                words: r.words,
                run: r.run.map(|id| args::id(&id, "run")).transpose()?,
                review: r.review.map(|id| args::id(&id, "review")).transpose()?,
                record: r.record,
                workflow: r.workflow,
                reported_by: r.reported_by.unwrap_or(acting),
            };
            tell(&common, &engine.report_problem(complaint, &actor).await?);
        }
        Act::List {
            workflow,
            state,
            open,
            text,
            limit,
        } => {
            let filter = ProblemFilter {
                workflow,
                state: state.map(|s| args::word(&s, "state")).transpose()?,
                open,
                text,
                ..ProblemFilter::default()
            };
            let found = engine
                .reader()
                .problem_reports(&filter, None, usize::from(limit))
                .await
                .map_err(stored)?;
            list(&common, &found, engine.now());
        }
        Act::Show { id } => {
            let id: ProblemReportId = args::id(&id, "id")?;
            let found = engine.reader().problem_report(id).await.map_err(stored)?;
            tell(&common, &found.ok_or_else(|| absent(&id))?);
        }
        Act::Mails => {
            let aside = engine.reader().mails_aside(100).await.map_err(stored)?;
            let folder = engine.mails_aside_folder();
            mails(&common, engine.report_address(), folder, &aside);
        }
        Act::Tie { id, run } => {
            let (id, by) = (args::id(&id, "id")?, wiring::person(&common)?);
            let run = args::id(&run, "run")?;
            tell(&common, &engine.tie_report(id, run, &by).await?);
        }
        Act::Triage {
            id,
            to,
            answer,
            closing,
        } => {
            let (id, by) = (args::id(&id, "id")?, wiring::person(&common)?);
            let to = args::word(&to, "to")?;
            let answer = closing.answer(answer)?;
            tell(&common, &engine.triage(id, to, &by, answer).await?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(common: &Common, found: &[ProblemReport], now: Timestamp) {
    let mut table = out::table(&["Left", "Report", "Has it", "State", "Says", "Words"]);
    for r in found {
        if common.json {
            out::json_line(&view(r));
        }
        table.add_row([
            views::left(now, r.due_at),
            r.id.to_string(),
            r.owner.clone(),
            r.state.word().replace('_', " "),
            r.kind.to_string(),
            views::short(&Value::String(r.words.clone()), 60),
        ]);
    }
    if !common.json {
        out::line(&if found.is_empty() {
            "no reports".to_owned()
        } else {
            table.to_string()
        });
    }
}

fn mails(common: &Common, address: Option<&str>, folder: Option<&str>, aside: &[ReportMail]) {
    if common.json {
        let aside: Vec<Value> = aside
            .iter()
            .map(|m| json!({"outcome": m.outcome.word(), "size_bytes": m.size_bytes, "taken_at": m.at.rfc3339()}))
            .collect();
        return out::json_line(&json!({"address": address, "folder": folder, "aside": aside}));
    }
    out::line(&match address {
        Some(address) => format!("mail to {address} becomes a report"),
        None => "no mailbox is set up; see [reports.mail] of tuesday.toml".to_owned(),
    });
    let mut table = out::table(&["Taken", "Became no report because", "Bytes"]);
    for m in aside {
        table.add_row([
            m.at.to_string(),
            match m.outcome {
                MailOutcome::Automatic => "a machine sent it".to_owned(),
                _ => "its sender sent more than 20 within an hour".to_owned(),
            },
            m.size_bytes.to_string(),
        ]);
    }
    if !aside.is_empty() {
        out::line(&table.to_string());
        out::line(&format!(
            "they are in the folder {} of the mailbox",
            folder.unwrap_or("of mails put aside")
        ));
    }
}

fn tell(common: &Common, r: &ProblemReport) {
    if common.json {
        return out::json_line(&view(r));
    }
    let about = r
        .run
        .map_or_else(|| "tied to no run".to_owned(), |run| format!("about {run}"));
    out::line(&format!(
        "{}: {}, {} has it until {}, {about}",
        r.id, r.state, r.owner, r.due_at
    ));
    out::line(&format!("  {} says {}: {}", r.reported_by, r.kind, r.words));
    if let (Some(by), Some(answer)) = (&r.answered_by, &r.answer) {
        out::line(&format!("  {by}: {answer}"));
        if let Some(layer) = r.fix_layer {
            let code = match r.without_code {
                Some(true) => "the next one takes no code",
                Some(false) => "the next one takes code",
                None => "whether the next one takes code was not said",
            };
            out::line(&format!("  fixed in {layer}; {code}"));
        }
        if let Some(minutes) = r.minutes {
            out::line(&format!(
                "  took {minutes} minutes, in the ledger as support"
            ));
        }
    }
}

fn view(r: &ProblemReport) -> Value {
    json!({
        "id": r.id.to_string(), "state": r.state.word(), "kind": r.kind.word(), "words": r.words,
        "reported_by": r.reported_by, "workflow": r.workflow, "run_id": r.run.map(|id| id.to_string()),
        "tied_by": r.tied_by.word(), "record": r.asked_for, "owner": r.owner, "due_at": r.due_at.rfc3339(),
        "created_at": r.created_at.rfc3339(), "answer": r.answer, "answered_by": r.answered_by,
        "answered_at": r.answered_at.map(Timestamp::rfc3339), "fixed_in": r.fix_layer.map(|l| l.word()),
        "without_code": r.without_code, "minutes": r.minutes,
    })
}
