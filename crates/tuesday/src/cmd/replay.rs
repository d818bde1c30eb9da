//! `tuesday run replay`: a past run again with what it had frozen, without effect, and both side by side.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Run;
use tuesday_domain::time::Span;
use tuesday_engine::Engine;
use tuesday_engine::ops::{Inputs, Rerun, With};

use super::wait::Session;
use crate::args::{self, absent, stored};
use crate::cli::Common;
use crate::{out, views, wiring};

/// Arguments of `run replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The run
    id: String,
    /// same (its own), live, the number of a release such as r7, or its id
    #[arg(long, default_value = "same", value_name = "RELEASE")]
    release: String,
    /// Why
    #[arg(long)]
    reason: String,
    /// Wait at most this long
    #[arg(long, default_value = "5m", value_name = "SPAN")]
    timeout: Span,
}

/// One end of the comparison.
struct Side {
    run: Run,
    number: Option<u32>,
    output: Value,
    actions: usize,
}

/// Repeats the run without effect, waits for its end and shows what differs.
pub(crate) async fn run(common: &Common, args: ReplayArgs) -> Result<ExitCode, Problem> {
    let id: RunId = args::id(&args.id, "id")?;
    let session = Session::open(common, true).await?;
    let done = Box::pin(replayed(common, &session, id, &args)).await;
    session.close().await;
    let (then, now) = done?;
    show(common, &then, &now);
    Ok(ExitCode::SUCCESS)
}

async fn replayed(
    common: &Common,
    session: &Session,
    id: RunId,
    args: &ReplayArgs,
) -> Result<(Side, Side), Problem> {
    let engine = &session.node.engine;
    let old = engine.reader().run(id).await.map_err(stored)?;
    let old = old.ok_or_else(|| absent(&id))?;
    let how = Rerun {
        inputs: Inputs::Frozen,
        with: named(engine, &old, &args.release).await?,
        without_effect: true,
        reason: args.reason.clone(),
    };
    let new = engine.rerun(id, &how, &wiring::actor(common)).await?;
    let most: Duration = args.timeout.0;
    let new = session.settled(new.id, most).await?;
    Ok((side(engine, id).await?, side(engine, new.id).await?))
}

/// `r7` is the seventh release of the run's workflow.
async fn named(engine: &Engine, run: &Run, release: &str) -> Result<With, Problem> {
    let number = release
        .strip_prefix('r')
        .and_then(|n| n.parse::<u32>().ok());
    let Some(number) = number else {
        return Ok(match release {
            "live" => With::Live,
            "same" => With::Same,
            id => With::Release(args::id(id, "release")?),
        });
    };
    let all = engine
        .reader()
        .releases(&run.workflow)
        .await
        .map_err(stored)?;
    let found = all.iter().find(|r| r.number == number);
    let found = found.ok_or_else(|| {
        let words = format!("{} has no release {number}", run.workflow);
        Problem::new("not_found", words)
            .field("release")
            .way_out(format!("tuesday release list {}", run.workflow))
    })?;
    Ok(With::Release(found.id))
}

async fn side(engine: &Engine, id: RunId) -> Result<Side, Problem> {
    let found = engine.reader().work(id).await.map_err(stored)?;
    let found = found.ok_or_else(|| absent(&id))?;
    let release = engine
        .reader()
        .release(found.run.release)
        .await
        .map_err(stored)?;
    let output = found.run.output_ref.and_then(|n| found.payload(n));
    let output = output.and_then(|p| serde_json::from_slice(&p.bytes).ok());
    Ok(Side {
        number: release.map(|r| r.number),
        output: output.unwrap_or(Value::Null),
        actions: found.actions.len(),
        run: found.run,
    })
}

/// Fields of the output that differ: name, then, now.
fn differing(then: &Value, now: &Value) -> Vec<(String, Value, Value)> {
    let none = Map::new();
    let (then, now) = (
        then.as_object().unwrap_or(&none),
        now.as_object().unwrap_or(&none),
    );
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let of =
        |map: &Map<String, Value>, name: &String| map.get(name).cloned().unwrap_or(Value::Null);
    names
        .into_iter()
        .map(|n| (n.clone(), of(then, n), of(now, n)))
        .filter(|(_, a, b)| a != b)
        .collect()
}

/// Where the decision table sent it, in words.
fn row(run: &Run) -> String {
    run.rules_row.clone().unwrap_or_else(|| "no row".to_owned())
}

fn show(common: &Common, then: &Side, now: &Side) {
    let fields = differing(&then.output, &now.output);
    let differs = !fields.is_empty() || row(&then.run) != row(&now.run);
    if common.json {
        let output: Vec<Value> = fields
            .iter()
            .map(|(field, then, now)| json!({"field": field, "then": then, "now": now}))
            .collect();
        return out::json_line(&json!({
            "run_id": then.run.id.to_string(), "replay_id": now.run.id.to_string(), "differs": differs,
            "release": {"then": then.number, "now": now.number},
            "row": {"then": then.run.rules_row, "now": now.run.rules_row},
            "standing": {"then": views::standing(&then.run), "now": views::standing(&now.run)},
            "output": output, "wrote": now.actions,
        }));
    }
    let number = |n: Option<u32>| n.map_or_else(|| "?".to_owned(), |n| format!("r{n}"));
    out::line(&format!(
        "{}  then, release {}",
        then.run.id,
        number(then.number)
    ));
    out::line(&format!(
        "{}  now, release {}, without effect",
        now.run.id,
        number(now.number)
    ));
    let line = |name: &str, a: &str, b: &str| {
        let mark = if a == b { "=" } else { "≠" };
        out::line(&format!("  {mark} {name:<12} {a}  |  {b}"));
    };
    line("row", &row(&then.run), &row(&now.run));
    for (field, a, b) in &fields {
        line(field, &a.to_string(), &b.to_string());
    }
    if fields.is_empty() {
        out::line("  = output       the same in every field");
    }
}
