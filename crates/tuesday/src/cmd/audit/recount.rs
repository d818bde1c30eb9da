//! `tuesday audit recount`: are the numbers on the scorecard those of the log? The log is exported, verified
//! and counted in one stream, by other code than that which makes the scorecard.

use std::collections::BTreeMap;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use comfy_table::Table;
use serde_json::{Value, json};
use tuesday_domain::actor::Actor;
use tuesday_domain::audit::VerifierKey;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::problem::Problem;
use tuesday_domain::time::Zone;
use tuesday_engine::Engine;
use tuesday_engine::ops::ExportQuery;

use super::trusted;
use crate::cli::Common;
use crate::config::Home;
use crate::out::{self, unavailable};
use crate::recount::{self, Counted, Difference, Number};
use crate::wiring::{self, Opening};

/// Days where none are named.
const USUAL: i64 = 28;
/// How often a moment is sought in which nothing is written.
const TRIES: u32 = 20;

/// Arguments of `audit recount`.
#[derive(Debug, Args)]
pub(super) struct RecountArgs {
    /// The workflow
    workflow: String,
    /// First day; 28 days before the last one when left out
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Last day; today when left out
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// Count this bundle and compare with nothing: no database is opened; needs --from and --to
    #[arg(long, value_name = "FILE", requires_all = ["from", "to"])]
    bundle: Option<PathBuf>,
    /// The key the bundle must be signed with
    #[arg(long, requires = "bundle")]
    vkey: Option<String>,
    /// In which the days of a bundle begin
    #[arg(long, value_name = "ZONE", default_value = "UTC", requires = "bundle")]
    time_zone: String,
}

/// What was held beside what.
pub(crate) struct Held {
    pub(crate) entries: u64,
    pub(crate) numbers: usize,
    pub(crate) differences: Vec<Difference>,
    /// Something was written while the figures were read: both sides may be right and differ.
    pub(crate) moving: bool,
}

pub(super) async fn run(common: &Common, args: RecountArgs) -> Result<ExitCode, Problem> {
    if let Some(file) = &args.bundle {
        return of_file(common, &args, file);
    }
    let node = wiring::open(Home::find(common)?, Opening::default()).await?;
    let (from, to) = (args.from.as_deref(), args.to.as_deref());
    let asked = node
        .engine
        .asked_days(Some(&args.workflow), from, to, USUAL);
    let days = asked.await?;
    let acting = common.acting.clone();
    let by = acting.map_or(Actor::System("command_line"), Actor::Person);
    let held = hold(&node.engine, &node.key, &args.workflow, &[days], &by).await?;
    tell(common, &args.workflow, days, &held);
    Ok(if held.differences.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Holds the scorecard over each span beside the log; the log is read once.
///
/// # Errors
/// `audit_broken`, `unknown_workflow`, `unavailable`.
pub(crate) async fn hold(
    engine: &Engine,
    key: &VerifierKey,
    workflow: &str,
    spans: &[Days],
    by: &Actor,
) -> Result<Held, Problem> {
    let (mut cards, mut size, mut moving) = (Vec::new(), 0, true);
    for _ in 0..TRIES {
        let before = log_size(engine).await?;
        cards = shown(engine, workflow, spans).await?;
        size = log_size(engine).await?;
        moving = before != size;
        if !moving {
            break;
        }
    }
    let zone = engine.live(workflow).await?.1.ready.zone.clone();
    let counted = stream(engine, key, (workflow, zone, size), by).await?;
    let mut held = Held {
        entries: counted.report.entries,
        numbers: 0,
        differences: Vec::new(),
        moving,
    };
    for (days, shown) in cards {
        held.numbers += shown.len();
        let found = recount::differences(&shown, &counted.log.numbers(days));
        held.differences.extend(found);
    }
    Ok(held)
}

/// Entries so far, each with its place in the log.
async fn log_size(engine: &Engine) -> Result<u64, Problem> {
    engine.seal().await?;
    let size = engine.reader().audit_size().await;
    size.map_err(|e| unavailable(e.to_string()))
}

/// The numbers of the scorecard over each span, from figures that are made up to now.
async fn shown(
    engine: &Engine,
    workflow: &str,
    spans: &[Days],
) -> Result<Vec<(Days, BTreeMap<String, i64>)>, Problem> {
    engine.make_figures().await?;
    let mut cards = Vec::new();
    for days in spans {
        let card = Box::pin(engine.scorecard(workflow, *days)).await?;
        let card = serde_json::to_value(card).map_err(|e| unavailable(e.to_string()))?;
        cards.push((*days, recount::flat(&card)));
    }
    Ok(cards)
}

/// The whole log through a pipe: written by the export, read by the counter, on no disk.
async fn stream(
    engine: &Engine,
    key: &VerifierKey,
    (workflow, zone, size): (&str, Zone, u64),
    by: &Actor,
) -> Result<Counted, Problem> {
    let (reader, writer) = std::io::pipe().map_err(|e| unavailable(format!("a pipe: {e}")))?;
    let (trusted, name) = (key.clone(), workflow.to_owned());
    let counting = tokio::task::spawn_blocking(move || {
        recount::read(reader, Some(&trusted), &name, zone, size)
    });
    let query = ExportQuery {
        without_payloads: true,
        ..ExportQuery::default()
    };
    let bar = out::progress(0, "Counting entries");
    let done = Box::pin(engine.export(
        &query,
        by,
        key,
        BufWriter::with_capacity(1 << 20, writer),
        |n, of| {
            bar.set_length(of);
            bar.set_position(n);
        },
    ))
    .await;
    bar.finish_and_clear();
    let counted = counting.await.map_err(|e| unavailable(e.to_string()))?;
    // Where the reader stopped at a fault, the writer only says that its pipe broke.
    let counted = counted?;
    done?;
    Ok(counted)
}

fn of_file(common: &Common, args: &RecountArgs, file: &Path) -> Result<ExitCode, Problem> {
    let bad = |field: &'static str| {
        move |e: tuesday_domain::time::TimeError| {
            Problem::new("bad_request", e.to_string()).field(field)
        }
    };
    let day = |text: &Option<String>, field| {
        Day::parse(text.as_deref().unwrap_or_default()).map_err(bad(field))
    };
    let days = Days {
        from: day(&args.from, "from")?,
        to: day(&args.to, "to")?,
    };
    let zone = Zone::named(&args.time_zone).map_err(bad("time_zone"))?;
    let reader = std::fs::File::open(file)
        .map_err(|e| Problem::new("not_found", format!("{}: {e}", file.display())))?;
    let key = trusted(args.vkey.as_deref())?;
    let counted = recount::read(reader, key.as_ref(), &args.workflow, zone, u64::MAX)?;
    let numbers = counted.log.numbers(days);
    if common.json {
        let all: serde_json::Map<String, Value> = numbers
            .iter()
            .map(|(name, n)| (name.clone(), json!(n.value())))
            .collect();
        out::json_line(
            &json!({"workflow": args.workflow, "days": days, "entries": counted.report.entries,
            "key_was_trusted": counted.report.key_was_trusted, "numbers": all}),
        );
    } else {
        out::line(&table(&numbers).to_string());
    }
    Ok(ExitCode::SUCCESS)
}

fn table(numbers: &[(String, Number)]) -> Table {
    let mut table = out::table(&["number", "from the log"]);
    for (name, n) in numbers {
        table.add_row([name.clone(), n.value().to_string()]);
    }
    table
}

fn tell(common: &Common, workflow: &str, days: Days, held: &Held) {
    if common.json {
        out::json_line(
            &json!({"workflow": workflow, "days": days, "entries": held.entries, "numbers": held.numbers,
            "moving": held.moving, "equal": held.differences.is_empty(), "differences": held.differences}),
        );
        return;
    }
    if held.differences.is_empty() {
        out::line(&format!(
            "✓ {} numbers of the scorecard from {} to {} are those of the log: {} entries verified and counted",
            held.numbers, days.from, days.to, held.entries
        ));
        return;
    }
    let mut table = out::table(&["number", "shown", "from the log"]);
    let cell = |n: Option<i64>| n.map_or_else(|| "–".to_owned(), |n| n.to_string());
    for d in &held.differences {
        table.add_row([d.number.clone(), cell(d.shown), cell(d.recounted)]);
    }
    out::line(&table.to_string());
    let why = if held.moving {
        "work went on meanwhile: repeat it when less is under way"
    } else {
        "what is shown does not follow from the log"
    };
    let (n, of) = (held.differences.len(), held.numbers);
    out::say(&format!("{n} of {of} numbers differ: {why}"));
}
