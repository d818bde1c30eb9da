//! `tuesday charter`: the one-page charter, what is blank in it, and stating its fields.
//! `tuesday readiness`: every other list, with its evidence. `tuesday training`: who has learnt it.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::access::Act as Right;
use tuesday_domain::charter::{Sheet, Sign};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::CharterFact;
use tuesday_engine::ops::{CharterView, SheetView, TrainingView};

use super::readiness_quiz;
use crate::args;
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Node, Opening};

/// Arguments of `charter`.
#[derive(Debug, Args)]
pub(crate) struct CharterArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// The nine fields, each with the live object that it names
    Show {
        /// The workflow
        workflow: String,
    },
    /// What the present label and the next one lack; 1 while a field of the charter is blank
    Check {
        /// The workflow
        workflow: String,
    },
    /// State a field that no live object says; TBD, n/a or nothing takes it back
    Set {
        /// The workflow
        workflow: String,
        /// Its word: friction_hours, ninety_day_metric, turnover_date, maintenance_budget, pilot_question …
        field: String,
        /// The text, in the form of the field
        value: String,
    },
    /// What was ever stated, newest first
    History {
        /// The workflow
        workflow: String,
        /// Below this number
        #[arg(long, default_value_t = 0)]
        before: u32,
    },
}

/// Arguments of `readiness`.
#[derive(Debug, Args)]
pub(crate) struct ReadinessArgs {
    /// The list: charter, checklist, handoff, scope, operators, questions, budget, bet, institution, goals,
    /// conditions, audit (six walls), signals, next, last-ten, friday, first-shift; for workflows-to-be: quiz,
    /// carry, drop, and rank, which needs no name
    list: String,
    /// The workflow, or the name that it would have
    workflow: Option<String>,
    /// friday: an answer, as `question=value` or `question=value,value`; once for each question. signals: an
    /// answer where records cannot tell, as `naming=production: why` or `rule_changes=pilot: why`. first-shift:
    /// a decision, as `CASE=approve` or `CASE=not`. quiz: an answer, as `friction_hours=12.5`; a blank one takes it
    /// back, and without any the questions are printed
    #[arg(long = "answer", value_name = "QUESTION=VALUE")]
    answers: Vec<String>,
    /// friday, first-shift: who helped, by handle, or nobody; said with the answers
    #[arg(long)]
    helped_by: Option<String>,
    /// quiz: what the work is called
    #[arg(long)]
    title: Option<String>,
}

/// Arguments of `training`.
#[derive(Debug, Args)]
pub(crate) struct TrainingArgs {
    #[command(subcommand)]
    act: Train,
}

#[derive(Debug, Subcommand)]
enum Train {
    /// What is taught by tier, and who has learnt it, when and how; 1 while somebody who decides has not
    Show {
        /// The workflow
        workflow: String,
    },
    /// Somebody finished the training of the tiers in force; another person says so
    Record {
        /// The workflow
        workflow: String,
        /// Who finished it, by handle
        person: String,
    },
}

/// Statements shown at once.
const PAGE: usize = 50;

/// Runs `charter`.
pub(crate) async fn run(common: Common, args: CharterArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    match args.act {
        Act::Show { workflow } => {
            let view = node.engine.charter(&workflow).await?;
            shown(&common, &view, Sheet::Charter)?;
        }
        Act::Check { workflow } => return check(&common, &node, &workflow).await,
        Act::Set {
            workflow,
            field,
            value,
        } => {
            let by = signer(&common, &node, &workflow).await?;
            let fact = node.engine.state_charter(&workflow, &field, &value, &by);
            stated(&common, &fact.await?);
        }
        Act::History { workflow, before } => {
            let rows = node
                .engine
                .reader()
                .charter_history(&workflow, before, PAGE);
            for fact in rows.await.map_err(args::stored)? {
                stated(&common, &fact);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs `training`.
pub(crate) async fn training(common: Common, args: TrainingArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    match args.act {
        Train::Show { workflow } => taught(&common, &node.engine.training(&workflow).await?),
        Train::Record { workflow, person } => {
            let by = signer(&common, &node, &workflow).await?;
            let fact = node.engine.record_training(&workflow, &person, &by).await?;
            stated(&common, &fact);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn taught(common: &Common, view: &TrainingView) -> Result<ExitCode, Problem> {
    let all = view.people.iter().all(|p| p.state == "current");
    let exit = if all {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    if common.json {
        let value =
            serde_json::to_value(view).map_err(|e| Problem::new("internal", e.to_string()))?;
        out::json_line(&value);
        return Ok(exit);
    }
    for tier in &view.tiers {
        out::line(&format!("{}: {}", tier.tier, tier.guidance));
        for point in &tier.checklist {
            out::line(&format!("  - {point}"));
        }
    }
    for p in &view.people {
        let when = p.at.as_deref().unwrap_or_default();
        let how = match p.how {
            Some("word") => format!("{when}, said by {}", p.by.as_deref().unwrap_or_default()),
            Some(how) => format!("{when}, {how}"),
            None => format!("practise at {}", view.practice),
        };
        let until = p.renew_until.as_deref();
        let until = until
            .map(|t| format!("; renew until {t}"))
            .unwrap_or_default();
        let shift = p.first_shift.as_deref();
        let shift = shift
            .map(|s| format!("; first shift {s}"))
            .unwrap_or_default();
        out::line(&format!(
            "{:<8} {} ({}; {}): {how}{until}{shift}",
            p.state,
            p.name,
            p.roles.join(", "),
            p.tiers.join(", ")
        ));
    }
    Ok(exit)
}

/// Runs `readiness`: 1 when something of the list is not in order.
pub(crate) async fn readiness(common: Common, args: ReadinessArgs) -> Result<ExitCode, Problem> {
    if args.list == "rank" {
        return readiness_quiz::rank(&common).await;
    }
    let name = args.workflow.as_deref().ok_or_else(|| {
        Problem::new("bad_request", "the name of a workflow is missing")
            .field("workflow")
            .way_out("tuesday readiness LIST WORKFLOW")
    })?;
    match args.list.as_str() {
        "quiz" => {
            let wish = readiness_quiz::Wish {
                title: args.title.as_deref(),
                answers: &args.answers,
            };
            return readiness_quiz::quiz(&common, name, wish).await;
        }
        "carry" => return readiness_quiz::carry(&common, name).await,
        "drop" => return readiness_quiz::drop(&common, name).await,
        "last-ten" => return last_ten(&common, name).await,
        "friday" => {
            return super::friday::run(&common, name, &args.answers, args.helped_by).await;
        }
        "first-shift" => {
            let helped = args.helped_by.as_deref();
            return super::first_shift::run(&common, name, &args.answers, helped).await;
        }
        "signals" if !args.answers.is_empty() => {
            answer_signs(&common, name, &args.answers).await?;
        }
        _ => {}
    }
    let sheet: Sheet = match args.list.as_str() {
        "audit" | "signals" => Sheet::Walls,
        "next" => Sheet::Order,
        other => args::word(other, "list")?,
    };
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let view = node.engine.charter(name).await?;
    let good = match args.list.as_str() {
        "audit" => walls(&common, &view),
        "signals" => signs(&common, &view),
        "next" => next(&common, &view)?,
        _ => shown(&common, &view, sheet)?,
    };
    Ok(exit(good))
}

/// Keeps answers about signs that records cannot tell: `naming=production: a sentence`.
async fn answer_signs(common: &Common, workflow: &str, answers: &[String]) -> Result<(), Problem> {
    let node = wiring::open(Home::find(common)?, Opening::default()).await?;
    let by = signer(common, &node, workflow).await?;
    for answer in answers {
        let (sign, text) = answer.split_once('=').ok_or_else(|| {
            Problem::new("bad_request", format!("`{answer}` answers no sign"))
                .field("answer")
                .way_out("--answer \"naming=production: the desk works with it\"")
        })?;
        let sign: Sign = args::word(sign.trim(), "answer")?;
        node.engine.answer_sign(workflow, sign, text, &by).await?;
    }
    Ok(())
}

async fn last_ten(common: &Common, workflow: &str) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(common)?, Opening::default()).await?;
    let test = node.engine.keep_last_ten(workflow).await?;
    if common.json {
        let value =
            serde_json::to_value(&test).map_err(|e| Problem::new("internal", e.to_string()))?;
        out::json_line(&value);
        return Ok(exit(test.passed));
    }
    let mut table = out::table(&["Run", "Told", "Case", "What is missing"]);
    for r in &test.runs {
        let told = if r.told { "yes" } else { "no" };
        table.add_row([
            r.run.as_str(),
            told,
            r.subject.as_str(),
            &r.missing.join(", "),
        ]);
    }
    out::line(&table.to_string());
    out::line(&test.verdict);
    Ok(exit(test.passed))
}

fn exit(good: bool) -> ExitCode {
    ExitCode::from(u8::from(!good))
}

/// The person in whose name it is stated, who may sign.
pub(crate) async fn signer(
    common: &Common,
    node: &Node,
    workflow: &str,
) -> Result<String, Problem> {
    let by = wiring::person(common)?;
    node.engine
        .allowed(Right::SignCharter, workflow, &by)
        .await?;
    Ok(by)
}

fn stated(common: &Common, f: &CharterFact) {
    if common.json {
        return out::json_line(&json!({
            "workflow": f.workflow, "seq": f.seq, "field": f.statement.word(), "about": f.about,
            "value": f.value, "by": f.by, "at": f.at.rfc3339(),
        }));
    }
    let about = if f.about.is_empty() {
        String::new()
    } else {
        format!(" of {}", f.about)
    };
    let value = if f.value.is_empty() {
        "blank"
    } else {
        &f.value
    };
    out::line(&format!(
        "{}  {}{about}: {value} ({})",
        f.at.rfc3339(),
        f.statement,
        f.by
    ));
}

/// The label in one line, with what puts it at risk in a second one.
pub(crate) fn label_line(view: &CharterView) -> String {
    let l = &view.label;
    let lapsing = l
        .falls_at
        .as_ref()
        .map_or(String::new(), |at| format!(" · lapsing, falls {at}"));
    let test = if l.test_instance {
        " (test instance)"
    } else {
        ""
    };
    let risk = l.at_risk.as_ref().map_or(String::new(), |r| {
        format!("\n  label at risk since {}: {}", r.since, r.words)
    });
    format!(
        "{}: {}{lapsing}{test}, stage {} (cap {}), {}{risk}",
        view.workflow, l.label, view.stage, l.caps_stage, view.switch
    )
}

/// Prints a list; answers whether all of it is in order.
fn shown(common: &Common, view: &CharterView, which: Sheet) -> Result<bool, Problem> {
    let sheet = view
        .sheet(which)
        .ok_or_else(|| Problem::new("internal", "a list is missing"))?;
    if common.json {
        out::json_line(
            &json!({"workflow": view.workflow, "label": view.label, "pilot": view.pilot, "sheet": sheet, "warnings": view.warnings, "at": view.at}),
        );
    } else {
        out::line(&label_line(view));
        if which == Sheet::Conditions {
            conditions(sheet);
        } else {
            print(sheet);
        }
        for warning in &view.warnings {
            out::say(&format!("warning: {warning}"));
        }
    }
    Ok(sheet.clean == sheet.of)
}

fn print(sheet: &SheetView) {
    let mut table = out::table(&[
        sheet.title,
        "Evidence",
        "Age",
        "What is there, or the way out",
    ]);
    for item in &sheet.items {
        let title = if item.group.is_empty() {
            item.title.to_owned()
        } else {
            format!("{}: {}", item.group, item.title)
        };
        let words = if item.clean {
            item.words.clone()
        } else {
            format!("{}; {}", item.words, item.way_out)
        };
        let age = item.age_days.map(|d| format!("{d} d")).unwrap_or_default();
        table.add_row([title, item.state.to_owned(), age, words]);
    }
    out::line(&table.to_string());
    out::line(&format!("{} of {} in order", sheet.clean, sheet.of));
}

/// The six conditions: what stands there today, and what it would be in production.
fn conditions(sheet: &SheetView) {
    let mut table = out::table(&["Condition", "Today", "What that is", "Evidence"]);
    for item in &sheet.items {
        let Some(c) = &item.condition else { continue };
        let what = match c.like {
            "production" => c.production.to_owned(),
            _ => format!("{}; in production: {}", c.pilot, c.production),
        };
        let mut evidence = format!("{}: {}", item.state, item.words);
        if !item.clean {
            evidence = format!("{evidence}; {}", item.way_out);
        }
        let like = format!("{} condition", c.like);
        table.add_row([item.title, like.as_str(), what.as_str(), evidence.as_str()]);
    }
    out::line(&table.to_string());
    out::line(&format!(
        "{} of {} are production conditions",
        sheet.clean, sheet.of
    ));
}

async fn check(common: &Common, node: &Node, workflow: &str) -> Result<ExitCode, Problem> {
    let view = node.engine.charter(workflow).await?;
    let filled = view.sheet(Sheet::Charter).is_some_and(|s| s.clean == s.of);
    let good = filled && view.label.lost.is_empty();
    if common.json {
        out::json_line(
            &json!({"workflow": view.workflow, "label": view.label, "pilot": view.pilot, "complete": filled, "at": view.at}),
        );
        return Ok(exit(good));
    }
    out::line(&label_line(&view));
    let tell = |title: String, list: &[tuesday_engine::ops::UnmetView]| {
        out::line(&title);
        for u in list {
            out::line(&format!("  {}: {}\n      {}", u.title, u.words, u.way_out));
        }
    };
    if !view.label.lost.is_empty() {
        tell(
            format!("{} rests on what is not there:", view.label.label),
            &view.label.lost,
        );
    }
    match view.label.next {
        Some(next) if view.label.lacking.is_empty() => {
            out::line(&format!(
                "everything that {next} needs is there: somebody has to decide"
            ));
        }
        Some(next) => tell(format!("{next} lacks:"), &view.label.lacking),
        None => {}
    }
    Ok(exit(good))
}

fn walls(common: &Common, view: &CharterView) -> bool {
    let good = view
        .walls
        .iter()
        .all(|w| w.owner.is_some() && w.clean == w.of);
    if common.json {
        out::json_line(
            &json!({"workflow": view.workflow, "walls": view.walls, "top_risk": view.walls.first().map(|w| w.wall)}),
        );
        return good;
    }
    let mut table = out::table(&["Wall", "In order", "Owner", "What is lacking"]);
    for w in &view.walls {
        let owner = w.owner.clone().unwrap_or_else(|| "nobody".to_owned());
        table.add_row([
            w.wall.to_owned(),
            format!("{} of {}", w.clean, w.of),
            owner,
            w.lacking.join("\n"),
        ]);
    }
    out::line(&table.to_string());
    if let Some(worst) = view.walls.first().filter(|w| w.clean < w.of) {
        out::line(&format!("{} would stop it first", worst.wall));
    }
    good
}

fn signs(common: &Common, view: &CharterView) -> bool {
    if common.json {
        out::json_line(
            &json!({"workflow": view.workflow, "label": view.label.label, "signs": view.signs, "past_the_pilot": view.past_the_pilot}),
        );
        return !view.past_the_pilot;
    }
    let mut table = out::table(&["Sign", "Behaves like", "Seen", "Answered"]);
    for s in &view.signs {
        let like = match (s.source, s.production) {
            ("open", _) => "nobody knows",
            (_, true) => "production",
            _ => "pilot",
        };
        let said = s.answer.as_ref().map(|a| {
            let mark = if s.contradicted {
                "contradicted by the records: "
            } else {
                ""
            };
            format!("{mark}{}: {} ({}, {})", a.like, a.words, a.by, a.at)
        });
        let said = said.unwrap_or_else(|| match s.source {
            "open" => s.question.to_owned(),
            _ => String::new(),
        });
        table.add_row([s.title, like, s.words.as_str(), said.as_str()]);
    }
    out::line(&table.to_string());
    if view.signs.iter().any(|s| s.source == "open") {
        out::line(
            "answer what records cannot tell: --answer \"SIGN=production: why\" or \"SIGN=pilot: why\"",
        );
    }
    if view.past_the_pilot {
        out::line(&format!(
            "past the pilot, whether or not anyone has said so: it is called {}",
            view.label.label
        ));
    }
    !view.past_the_pilot
}

fn next(common: &Common, view: &CharterView) -> Result<bool, Problem> {
    let sheet = view
        .sheet(Sheet::Order)
        .ok_or_else(|| Problem::new("internal", "a list is missing"))?;
    let first = sheet.items.iter().find(|i| !i.clean);
    if common.json {
        out::json_line(&json!({"workflow": view.workflow, "next": first, "order": sheet}));
    } else {
        print(sheet);
        out::line(&first.map_or_else(
            || "all of it is in order: work on the prompt may follow".to_owned(),
            |i| format!("next: {}: {}", i.title, i.way_out),
        ));
    }
    Ok(first.is_none())
}
