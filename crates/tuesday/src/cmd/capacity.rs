//! `tuesday capacity`: whether people keep up, whose hours there are, what would be if, and easing off.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use tuesday_domain::capacity::{CapacitySpec, LoadForecast, Range, Step, WEEKDAYS};
use tuesday_domain::problem::Problem;
use tuesday_domain::scope::Axis;
use tuesday_engine::Engine;
use tuesday_engine::ops::{Capacity, WhatIf, WhatIfWish};

use crate::cli::Common;
use crate::config::Home;
use crate::wiring::{self, Opening};
use crate::{args, out};

/// Weeks behind that are printed.
const WEEKS_SHOWN: usize = 4;

/// Arguments of `capacity`.
#[derive(Debug, Args)]
pub(crate) struct CapacityArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Load against hours: now, the next 14 days, the day on which the queue breaks, and what it rests on
    Show {
        /// The workflow
        workflow: String,
    },
    /// Whose hours there are, from a TOML file with the keys of [capacity]; holds at once
    Set {
        /// The workflow
        workflow: String,
        /// The file, or - for standard input
        #[arg(long)]
        file: PathBuf,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Take back what the response to too much work did; the system never does it by itself
    Ease {
        /// The workflow
        workflow: String,
        /// Only this step: narrow, slow or pause
        #[arg(long, value_name = "STEP")]
        only: Option<String>,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Tasks a week and utilisation if more were served, or a cutoff were another
    Whatif(WhatIfArgs),
}

#[derive(Debug, Args)]
struct WhatIfArgs {
    /// The workflow
    workflow: String,
    /// Cells of the decision table, such as 'r3.amount=> 750'
    #[arg(value_name = "ROW.COLUMN=VALUE")]
    cells: Vec<String>,
    /// The whole table from a file instead
    #[arg(long, conflicts_with = "cells")]
    file: Option<PathBuf>,
    /// Amounts up to this go without a person
    #[arg(long, value_name = "AMOUNT", conflicts_with_all = ["cells", "file"])]
    auto_max: Option<String>,
    /// 1 unless past decisions show that what would go alone is of low risk
    #[arg(long)]
    low_risk: bool,
    /// This tier is served too
    #[arg(long, conflicts_with_all = ["cells", "file", "auto_max"])]
    tier: Vec<String>,
    /// This group is served too
    #[arg(long, conflicts_with_all = ["cells", "file", "auto_max", "tier"])]
    group: Vec<String>,
    /// This department is served too
    #[arg(long, conflicts_with_all = ["cells", "file", "auto_max", "tier", "group"])]
    department: Vec<String>,
    /// This type is served too
    #[arg(long = "type", value_name = "TYPE", conflicts_with_all = ["cells", "file", "auto_max", "tier", "group", "department"])]
    kind: Vec<String>,
    /// Everything declared is served
    #[arg(long, conflicts_with_all = ["cells", "file", "auto_max", "tier", "group", "department", "kind"])]
    all: bool,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: CapacityArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let engine = &node.engine;
    match args.act {
        Act::Show { workflow } => {
            engine.make_figures().await?;
            let found = Box::pin(engine.capacity(&workflow)).await?;
            if common.json {
                out::json_line(&value(&found)?);
            } else {
                tell(&found);
            }
        }
        Act::Set {
            workflow,
            file,
            reason,
        } => set(&common, engine, &workflow, &file, &reason).await?,
        Act::Ease {
            workflow,
            only,
            reason,
        } => {
            let by = wiring::person(&common)?;
            let only: Option<Step> = only
                .map(|w| w.parse())
                .transpose()
                .map_err(|_| bad("only", "narrow, slow or pause"))?;
            let row = Box::pin(engine.ease_load(&workflow, only, &reason, &by)).await?;
            out::line(&format!(
                "{}: switch {}, scope {}",
                row.name,
                row.switch,
                row.rollout.scope.words()
            ));
        }
        Act::Whatif(asked) => {
            engine.make_figures().await?;
            let by = common.acting.clone().unwrap_or_default();
            let workflow = asked.workflow.clone();
            let low_risk = asked.low_risk;
            let wish = wish(asked)?;
            let found = Box::pin(engine.capacity_what_if(&workflow, wish, &by)).await?;
            if common.json {
                out::json_line(&value(&found)?);
            } else {
                tell_what_if(&found);
            }
            if low_risk && found.low_risk != Some(true) {
                out::say(
                    "Not of low risk: past decisions do not show that at most 5 in 100 were wrong.",
                );
                return Ok(ExitCode::from(1));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn bad(field: &'static str, words: &str) -> Problem {
    Problem::new("bad_request", words).field(field)
}

fn value<T: serde::Serialize>(of: &T) -> Result<serde_json::Value, Problem> {
    serde_json::to_value(of).map_err(|e| Problem::new("internal", e.to_string()))
}

async fn set(
    common: &Common,
    engine: &Engine,
    workflow: &str,
    file: &std::path::Path,
    reason: &str,
) -> Result<(), Problem> {
    let text = String::from_utf8(args::input(file, "file")?)
        .map_err(|_| bad("file", "the file is not UTF-8"))?;
    let invalid = |why: String| Problem::new("capacity_invalid", why).field("file");
    let spec = CapacitySpec::parse(&text).map_err(invalid)?;
    let by = wiring::person(common)?;
    let plan = engine.set_capacity(workflow, &spec, reason, &by).await?;
    if common.json {
        out::json_line(
            &serde_json::json!({"workflow": plan.workflow, "version": plan.version,
            "set_by": plan.set_by, "set_at": plan.set_at.rfc3339(), "reason": plan.reason}),
        );
    } else {
        let words = format!(
            "version {} of the capacity of {workflow} holds",
            plan.version
        );
        out::line(&words);
    }
    Ok(())
}

fn wish(a: WhatIfArgs) -> Result<WhatIfWish, Problem> {
    let axes = [
        (Axis::Tier, a.tier),
        (Axis::Group, a.group),
        (Axis::Department, a.department),
        (Axis::Type, a.kind),
    ];
    if let Some((axis, values)) = axes.into_iter().find(|(_, v)| !v.is_empty()) {
        return Ok(WhatIfWish::Serve(axis, values));
    }
    if a.all {
        return Ok(WhatIfWish::ServeAll);
    }
    if let Some(to) = a.auto_max {
        return Ok(WhatIfWish::AutoMax(to));
    }
    super::rules::wanted(&a.cells, a.file.as_deref()).map(WhatIfWish::Rules)
}

fn percent(ppm: i64) -> String {
    format!("{}.{} %", ppm / 10_000, ppm.abs() / 1_000 % 10)
}

fn share(range: Option<Range>) -> String {
    range.map_or_else(
        || "no hours".to_owned(),
        |r| match r.point {
            Some(p) => format!("{} ({} to {})", percent(p), percent(r.low), percent(r.high)),
            None => format!("{} to {}", percent(r.low), percent(r.high)),
        },
    )
}

fn count(range: Range) -> String {
    match range.point {
        Some(p) => format!("{p} ({} to {})", range.low, range.high),
        None => format!("{} to {}", range.low, range.high),
    }
}

fn tell(c: &Capacity) {
    out::line(&format!(
        "{}, label {}, {}, stage {}",
        c.workflow, c.label, c.today, c.stage
    ));
    let Some(declared) = &c.declared else {
        out::line("Nobody has said whose hours there are: it cannot leave draft-only.");
        out::say(&format!(
            "declare [capacity] in workflow.toml, or tuesday capacity set {} --file capacity.toml --reason …",
            c.workflow
        ));
        return;
    };
    match declared.version {
        Some(v) => out::line(&format!(
            "Hours: live setting, version {v}, by {}: {}",
            declared.set_by.as_deref().unwrap_or_default(),
            declared.reason.as_deref().unwrap_or_default()
        )),
        None => out::line("Hours: as the package declares"),
    }
    let head: Vec<&str> = std::iter::once("Person")
        .chain(WEEKDAYS.iter().map(|d| d.get(..3).unwrap_or(d)))
        .chain(["Now"])
        .collect();
    let mut table = out::table(&head);
    for p in &c.people {
        let hours = |ms: &i64| format!("{}.{}", ms / 3_600_000, ms / 360_000 % 10);
        let now = p.not_counted.clone().unwrap_or_else(|| {
            p.away_until
                .map_or_else(String::new, |d| format!("away until {d}"))
        });
        let cells = std::iter::once(p.name.clone())
            .chain(p.week_ms.iter().map(hours))
            .chain([now]);
        table.add_row(cells);
    }
    out::line(&table.to_string());
    if let Some(f) = &c.forecast {
        tell_forecast(f);
    }
    if let Some(over) = &c.over {
        out::line(&format!("Too much: {over}"));
    }
    for taken in &c.state.steps {
        out::line(&format!(
            "Step {} since {}: {}",
            taken.step,
            taken.at.rfc3339(),
            taken.words
        ));
    }
    tell_weeks(c);
    match c.net.net.value {
        Some(ms) => out::line(&format!(
            "Net time {} to {}: {} min",
            c.net_days.from,
            c.net_days.to,
            ms / 60_000
        )),
        None => out::line(&format!("Net time: {}", c.net.net.means)),
    }
}

/// How well the forecast did, week by week: what it would have said before each, and what came.
fn tell_weeks(c: &Capacity) {
    let minutes = |ms: Option<i64>| {
        ms.map_or_else(|| "missing".to_owned(), |ms| format!("{} min", ms / 60_000))
    };
    let from = c.weeks.len().saturating_sub(WEEKS_SHOWN);
    for w in &c.weeks[from..] {
        let off = match w.error_ppm {
            Some(0) => "as it came".to_owned(),
            Some(ppm) if ppm > 0 => format!("too high by {}", percent(ppm)),
            Some(ppm) => format!("too low by {}", percent(-ppm)),
            None => "no error can be told".to_owned(),
        };
        out::line(&format!(
            "Week of {}  forecast {}, came {}, {off}",
            w.week,
            minutes(w.said_ms),
            minutes(w.came_ms)
        ));
    }
}

fn tell_forecast(f: &LoadForecast) {
    out::line(&format!(
        "Utilisation today     {}",
        share(f.today.utilisation_ppm)
    ));
    out::line(&format!("  next 14 days        {}", share(f.next_ppm)));
    let source = if f.task.measured {
        "measured"
    } else {
        "declared"
    };
    out::line(&format!(
        "A task takes          {} s ({} to {}, {source}, {} decisions timed)",
        f.task.mean_ms / 1_000,
        f.task.low_ms / 1_000,
        f.task.high_ms / 1_000,
        f.task.tasks
    ));
    out::line(&format!(
        "Put before people     {} ({})",
        share(Some(f.share_ppm)),
        f.share_from
    ));
    let days: Vec<String> = f
        .weekday_milli
        .iter()
        .map(|n| (n / 1_000).to_string())
        .collect();
    out::line(&format!("Arrivals, Mon to Sun  {}", days.join(" ")));
    if f.level_ppm != 1_000_000 {
        out::line(&format!("  today sets the level {}", percent(f.level_ppm)));
    }
    out::line(&format!(
        "Waiting               {} tasks, {}.{} working days",
        f.backlog_tasks,
        f.backlog_days_tenths / 10,
        f.backlog_days_tenths % 10
    ));
    out::line(&match f.breaks_on {
        Some(day) => format!(
            "The queue breaks      {day}: more than {} working days wait",
            f.breaks_at_days
        ),
        None => "The queue breaks      not within 60 days".to_owned(),
    });
    if let Some(warning) = &f.warning {
        out::line(&format!("Only a range: {warning}"));
    }
    out::say(&format!(
        "Method: {}; {} whole days.",
        f.method, f.days_of_history
    ));
}

fn tell_what_if(w: &WhatIf) {
    out::line(&format!("{}, if {}:", w.workflow, w.what));
    out::line(&format!("  tasks a week    now {}", count(w.tasks_now)));
    out::line(&format!("                  then {}", count(w.tasks_then)));
    out::line(&format!("  utilisation     now {}", share(w.now_ppm)));
    out::line(&format!("                  then {}", share(w.then_ppm)));
    if let Some(hours) = &w.lacking_hours {
        out::line(&format!("  lacking         {hours} reviewer hours a week"));
    }
    for m in &w.moved {
        let word = |lane| serde_json::to_value(lane).ok();
        let name = |lane| {
            word(lane)
                .and_then(|v| v.as_str().map(str::to_owned))
                .unwrap_or_default()
        };
        let r = &m.runs;
        out::line(&format!(
            "  {} to {}: {} runs; people had approved {}, edited {}, rejected {}, done by hand {}, not decided {}",
            name(m.from),
            name(m.to),
            r.runs,
            r.approved,
            r.edited,
            r.rejected,
            r.by_hand,
            r.undecided
        ));
    }
    if let Some((low, high)) = w.errors {
        out::line(&format!(
            "  errors among those that would go alone: {:.1} to {:.1} % at 95 %",
            low * 100.0,
            high * 100.0
        ));
    }
    if let Some(low) = w.low_risk {
        let said = if low { "yes" } else { "no" };
        out::line(&format!(
            "  low risk (at most 5.0 % at the upper end): {said}"
        ));
    }
    for note in &w.notes {
        out::line(&format!("  {note}"));
    }
    out::say(&format!("Rests on: {}. Nothing was changed.", w.rests_on));
}
