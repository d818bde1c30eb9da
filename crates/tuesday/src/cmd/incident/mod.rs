//! `tuesday incident`: what is wrong, who is on it, what it touched, and how it was put right.

mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::id::{ActionId, CorrectionId, IncidentId, RunId};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Incident;
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::sort::Facts;
use tuesday_engine::ops::{BlastQuery, Closed, Looked, NewCorrection, NewIncident, Settled};
use tuesday_store::IncidentFilter;

use self::show::{corrections, list, radius, show, tell};
use super::wait::Session;
use crate::args::{self, stored};
use crate::cli::Common;
use crate::cmd::problem::Closing;
use crate::{out, wiring};

/// Arguments of `incident`.
#[derive(Debug, Args)]
pub(crate) struct IncidentArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Incidents, newest first; open ones unless asked otherwise
    List {
        /// Of this workflow
        #[arg(long)]
        workflow: Option<String>,
        /// triggered, acknowledged, mitigated, resolved or reviewed
        #[arg(long)]
        state: Option<String>,
        /// Of this category, such as `provider_outage`
        #[arg(long)]
        category: Option<String>,
        /// Closed ones as well
        #[arg(long)]
        all: bool,
        /// At most this many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// One incident: timeline, runs, corrections, alert
    Show {
        /// The incident
        id: String,
    },
    /// Open one by hand
    Open(Open),
    /// Sort a problem report by the written criteria: quality issue or incident
    Sort(Sort),
    /// Say that you are on it
    Ack {
        /// The incident
        id: String,
    },
    /// Give it to somebody
    Assign {
        /// The incident
        id: String,
        /// Handle of the person
        #[arg(long, value_name = "HANDLE")]
        to: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Add a line to the timeline
    Note {
        /// The incident
        id: String,
        /// The line
        words: String,
        /// When it happened, for what is written down later
        #[arg(long, value_name = "TIME")]
        about: Option<String>,
    },
    /// Tie runs to it
    Link {
        /// The incident
        id: String,
        /// The runs
        #[arg(required = true)]
        runs: Vec<String>,
    },
    /// Every output a cause has touched, and where it went
    BlastRadius(Radius),
    /// Make corrections for what a cause has delivered
    Correct {
        /// The incident
        id: String,
        /// What is to be put right
        words: String,
        /// Who does it; the incident's owner unless given
        #[arg(long, value_name = "HANDLE")]
        owner: Option<String>,
        /// Only this run; may be repeated. Otherwise everything the selection finds
        #[arg(long = "run", value_name = "ID")]
        runs: Vec<String>,
        #[command(flatten)]
        radius: Selection,
    },
    /// Settle a correction: done by what is looked up, done by your word, or dropped
    Settle(Settle),
    /// Say that the cause is contained
    Mitigate {
        /// The incident
        id: String,
        /// How
        words: String,
    },
    /// Close it: everything it left behind is put right
    Resolve {
        /// The incident
        id: String,
        /// What was done
        words: String,
        /// The eval case that guards against the next one
        #[arg(long, value_name = "NAME")]
        case: Option<String>,
        /// Why there is no such case
        #[arg(long, value_name = "REASON")]
        waiver: Option<String>,
    },
    /// Look back on it
    Review {
        /// The incident
        id: String,
        /// What failed
        words: String,
        /// Why nothing caught it before it did harm
        #[arg(long, value_name = "WORDS")]
        uncaught: String,
        /// input, prompt, model, rules, connector, process or platform
        #[arg(long, value_name = "LAYER")]
        fixed_in: String,
        /// yes or no: can someone who does not write code fix the next one?
        #[arg(long, value_name = "YES|NO")]
        without_code: Option<String>,
    },
    /// It was not over
    Reopen {
        /// The incident
        id: String,
        /// Why
        words: String,
    },
    /// What a review of it starts from, as Markdown
    Postmortem {
        /// The incident
        id: String,
    },
}

#[derive(Debug, Args)]
struct Open {
    /// What happened, in a sentence
    words: String,
    /// What kind of cause, such as `wrong_answer`
    #[arg(long)]
    category: String,
    /// critical, high or low; as usual for the category unless given
    #[arg(long)]
    severity: Option<String>,
    /// Of this workflow
    #[arg(long)]
    workflow: Option<String>,
    /// A run it touches; may be repeated
    #[arg(long = "run", value_name = "ID")]
    runs: Vec<String>,
}

#[derive(Debug, Args)]
struct Sort {
    /// The problem report
    id: String,
    /// Whom it reached: inside, customer, billing, sla or legal
    #[arg(long)]
    reach: String,
    /// How many outputs are wrong
    #[arg(long, default_value_t = 1)]
    count: u32,
    /// Whether it can be taken back: easily, `with_effort` or not
    #[arg(long)]
    reversibility: String,
    /// The category, when it is an incident
    #[arg(long)]
    category: Option<String>,
    /// What was found
    words: String,
    #[command(flatten)]
    closing: Closing,
}

/// What could be the cause; all that is given must hold.
#[derive(Debug, Default, Args)]
struct Selection {
    /// Of this workflow; narrows, but is no cause by itself
    #[arg(long)]
    workflow: Option<String>,
    /// Made under this release
    #[arg(long, value_name = "ID")]
    release: Option<String>,
    /// Made with the prompt of this SHA-256 (at least 8 digits); needs --workflow
    #[arg(long, value_name = "HASH")]
    prompt: Option<String>,
    /// Routed by this version of the rules; needs --workflow
    #[arg(long, value_name = "N")]
    rules: Option<u64>,
    /// Made from this source: NAME, or NAME=VERSION
    #[arg(long, value_name = "NAME[=VERSION]")]
    source_version: Option<String>,
    /// Answered by this model
    #[arg(long, value_name = "PIN")]
    model: Option<String>,
    /// Decided by this person
    #[arg(long, value_name = "HANDLE")]
    person: Option<String>,
    /// Received from here on
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Received before
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

#[derive(Debug, Args)]
#[group(id = "how", required = true, multiple = false)]
struct How {
    /// Done by this confirmed action, which wrote something else to the same record since
    #[arg(long, value_name = "ID")]
    action: Option<String>,
    /// Done: the destination is read now and shows this; may be repeated
    #[arg(long, value_name = "FIELD=VALUE")]
    shows: Vec<String>,
    /// Done by your word: what was done. It is shown as no more than that
    #[arg(long, value_name = "TEXT")]
    word: Option<String>,
    /// Why it is not done
    #[arg(long, value_name = "REASON")]
    drop: Option<String>,
}

#[derive(Debug, Args)]
struct Settle {
    /// The correction
    id: String,
    #[command(flatten)]
    how: How,
}

impl How {
    fn settled(self) -> Result<Settled, Problem> {
        if let Some(action) = self.action {
            return Ok(Settled::Action(args::id(&action, "action")?));
        }
        if let Some(note) = self.word {
            return Ok(Settled::Word(note));
        }
        if let Some(reason) = self.drop {
            return Ok(Settled::Dropped(reason));
        }
        let pair = |text: &String| match text.split_once('=') {
            Some((field, value)) => Ok((field.to_owned(), value.into())),
            None => {
                let words = format!("`{text}` is not FIELD=VALUE");
                Err(Problem::new("bad_request", words).field("shows"))
            }
        };
        let values: Result<_, Problem> = self.shows.iter().map(pair).collect();
        Ok(Settled::ReadBack(values?))
    }
}

#[derive(Debug, Args)]
struct Radius {
    #[command(flatten)]
    selection: Selection,
}

impl Selection {
    fn query(&self) -> Result<BlastQuery, Problem> {
        Ok(BlastQuery {
            workflow: self.workflow.clone(),
            release: self
                .release
                .as_deref()
                .map(|id| args::id(id, "release"))
                .transpose()?,
            prompt: self.prompt.clone(),
            rules: self.rules,
            source: self.source_version.clone(),
            model: self.model.clone(),
            person: self.person.clone(),
            from: self.from.as_deref().map(|t| time(t, "from")).transpose()?,
            to: self.to.as_deref().map(|t| time(t, "to")).transpose()?,
        })
    }
}

fn time(text: &str, field: &'static str) -> Result<Timestamp, Problem> {
    Timestamp::parse(text).map_err(|e| Problem::new("bad_request", e.to_string()).field(field))
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: IncidentArgs) -> Result<ExitCode, Problem> {
    let session = Session::open(&common, false).await?;
    let engine = &session.node.engine;
    match args.act {
        Act::List {
            workflow,
            state,
            category,
            all,
            limit,
        } => {
            let filter = IncidentFilter {
                workflow,
                open: !all && state.is_none(),
                state: state.map(|s| args::word(&s, "state")).transpose()?,
                category: category.map(|c| args::word(&c, "category")).transpose()?,
                ..IncidentFilter::default()
            };
            let found = engine
                .reader()
                .incidents(&filter, None, usize::from(limit))
                .await
                .map_err(stored)?;
            list(&common, &found);
        }
        Act::Show { id } => Box::pin(show(&common, &session, args::id(&id, "id")?)).await?,
        Act::BlastRadius(r) => radius(&common, &session, &r.selection.query()?).await?,
        Act::Postmortem { id } => {
            let text = engine.postmortem(args::id(&id, "id")?).await?;
            if common.json {
                out::json_line(&json!({ "id": id, "markdown": text }));
            } else {
                out::line(text.trim_end());
            }
        }
        Act::Correct {
            id,
            words,
            owner,
            runs,
            radius,
        } => {
            let id = args::id(&id, "id")?;
            let wanted = places(&session, &runs, &radius, &words).await?;
            let by = wiring::person(&common)?;
            let made = engine.correct(id, &wanted, owner.as_deref(), &by).await?;
            corrections(&common, &made);
        }
        Act::Settle(s) => {
            let id: CorrectionId = args::id(&s.id, "id")?;
            let (how, by) = (s.how.settled()?, wiring::person(&common)?);
            let done = Box::pin(engine.settle_correction(id, how, &by)).await?;
            corrections(&common, &[done]);
        }
        other => Box::pin(change(&common, &session, other)).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The verbs that end with the incident as it is now.
async fn change(common: &Common, session: &Session, act: Act) -> Result<(), Problem> {
    let engine = &session.node.engine;
    let by = wiring::person(common)?;
    let id = |text: &str| args::id::<IncidentId>(text, "id");
    let incident = match act {
        Act::Open(new) => open(session, new, &by).await?,
        Act::Sort(s) => match sort(session, s, &by).await? {
            Ok(incident) => incident,
            Err(report) => return quality_issue(common, &report),
        },
        Act::Ack { id: i } => engine.acknowledge_incident(id(&i)?, &by).await?,
        Act::Assign { id: i, to, reason } => {
            engine.assign_incident(id(&i)?, &to, &by, &reason).await?
        }
        Act::Note {
            id: i,
            words,
            about,
        } => {
            let about = about.as_deref().map(|t| time(t, "about")).transpose()?;
            engine.note_incident(id(&i)?, &by, &words, about).await?
        }
        Act::Link { id: i, runs } => engine.link_runs(id(&i)?, &run_ids(&runs)?, &by).await?,
        Act::Mitigate { id: i, words } => engine.mitigate_incident(id(&i)?, &words, &by).await?,
        Act::Resolve {
            id: i,
            words,
            case,
            waiver,
        } => {
            let closed = Closed {
                resolution: words,
                case,
                waiver,
            };
            engine.resolve_incident(id(&i)?, closed, &by).await?
        }
        Act::Review {
            id: i,
            words,
            uncaught,
            fixed_in,
            without_code,
        } => {
            let looked = Looked {
                layer: args::word(&fixed_in, "fixed-in")?,
                words,
                uncaught,
                without_code: args::yes_no(without_code.as_deref(), "without_code")?,
            };
            engine.review_incident(id(&i)?, looked, &by).await?
        }
        Act::Reopen { id: i, words } => engine.reopen_incident(id(&i)?, &words, &by).await?,
        Act::List { .. }
        | Act::Show { .. }
        | Act::BlastRadius(_)
        | Act::Postmortem { .. }
        | Act::Correct { .. }
        | Act::Settle(_) => return Ok(()),
    };
    tell(common, &incident);
    Ok(())
}

async fn open(session: &Session, new: Open, by: &str) -> Result<Incident, Problem> {
    let new = NewIncident {
        category: args::word(&new.category, "category")?,
        severity: new
            .severity
            .map(|s| args::word(&s, "severity"))
            .transpose()?,
        workflow: new.workflow,
        words: new.words,
        runs: run_ids(&new.runs)?,
    };
    session.node.engine.open_incident(new, by).await
}

/// The incident, or the id of the report that is none.
async fn sort(session: &Session, s: Sort, by: &str) -> Result<Result<Incident, String>, Problem> {
    let facts = Facts {
        reach: args::word(&s.reach, "reach")?,
        count: s.count,
        reversibility: args::word(&s.reversibility, "reversibility")?,
    };
    let category = s.category.map(|c| args::word(&c, "category")).transpose()?;
    let report = args::id(&s.id, "id")?;
    let sorted = session
        .node
        .engine
        .sort_report(report, facts, category, s.closing.answer(s.words)?, by)
        .await?;
    Ok(sorted.incident.ok_or_else(|| sorted.report.id.to_string()))
}

fn quality_issue(common: &Common, report: &str) -> Result<(), Problem> {
    if common.json {
        out::json_line(&json!({ "report": report, "state": "quality_issue", "incident": null }));
    } else {
        out::line(&format!("{report}: a quality issue, no incident"));
    }
    Ok(())
}

fn run_ids(runs: &[String]) -> Result<Vec<RunId>, Problem> {
    runs.iter().map(|id| args::id(id, "run")).collect()
}

/// Where corrections are needed: the runs named, or everything the selection finds that was delivered.
async fn places(
    session: &Session,
    runs: &[String],
    selection: &Selection,
    words: &str,
) -> Result<Vec<NewCorrection>, Problem> {
    let engine = &session.node.engine;
    let new = |run: RunId, action: Option<ActionId>| NewCorrection {
        run,
        action,
        words: words.to_owned(),
    };
    let mut out = Vec::new();
    if runs.is_empty() {
        let blast = engine.blast_radius(&selection.query()?).await?;
        let there = |r: &&tuesday_engine::ops::BlastRow| {
            matches!(r.state.as_deref(), Some("confirmed" | "delivered"))
        };
        out.extend(
            blast
                .rows
                .iter()
                .filter(there)
                .map(|r| new(r.run, r.action)),
        );
        return Ok(out);
    }
    for run in run_ids(runs)? {
        let actions = engine.reader().actions_of(run).await.map_err(stored)?;
        let there: Vec<_> = actions
            .iter()
            .filter(|a| a.state == tuesday_domain::action::ActionState::Confirmed)
            .collect();
        if there.is_empty() {
            out.push(new(run, None));
        }
        out.extend(there.into_iter().map(|a| new(run, Some(a.id))));
    }
    Ok(out)
}
