//! `tuesday connector test`: proves write, read-back and what a second write does, on the destination
//! itself and before the package is installed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use tuesday_connectors::proof::{Mark, Proof, prove};
use tuesday_domain::id::RunId;
use tuesday_domain::port::Intent;
use tuesday_domain::problem::Problem;
use tuesday_domain::route::intent_of;
use tuesday_engine::ops::ready_of;

use crate::cli::Common;
use crate::config::Home;
use crate::{files, out, wiring};

/// Arguments of `connector`.
#[derive(Debug, Args)]
pub(crate) struct ConnectorArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Show what one case would write; with --write, write it and prove the destination's class;
    /// exit 1 when it does not keep what the package says
    Test(TestArgs),
}

#[derive(Debug, Args)]
struct TestArgs {
    /// Package folder, or a file that `tuesday pack` wrote
    package: PathBuf,
    /// JSON file with the values of one case: {"input": {…}, "sources": {"NAME": {…}}, "output": {…}}
    #[arg(long, value_name = "FILE")]
    case: PathBuf,
    /// The action to try; every action when left out
    #[arg(long, value_name = "NAME")]
    action: Option<String>,
    /// Really write: once, and where the class allows it a second time under the same key
    #[arg(long)]
    write: bool,
    /// Value of a variable of the package: NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: ConnectorArgs) -> Result<ExitCode, Problem> {
    let Act::Test(args) = args.act;
    let (package, vars) = files::read_package(&args.package, &args.set)?;
    let ready = ready_of(&package, &vars)?;
    let (snapshot, output) = case(&args.case)?;
    let names: Vec<String> = match &args.action {
        Some(name) => vec![name.clone()],
        None => ready.def.action.iter().map(|a| a.name.clone()).collect(),
    };
    // All intents before the first write: a case that lacks a value must not write half of them.
    let mut intents = Vec::new();
    for name in &names {
        let run = RunId::new(uuid::Uuid::now_v7());
        let intent = intent_of(&ready, name, run, &snapshot, &output).map_err(|fault| {
            Problem::new("bad_request", fault.words)
                .field("case")
                .way_out("add the value to the case, or name another action with --action")
        })?;
        intents.push(intent);
    }
    if !args.write {
        return Ok(show(&common, &intents));
    }
    let ports = wiring::ports(&Home::find(&common)?)?;
    let mut held = true;
    for intent in intents {
        let proof = prove(ports.destination.as_ref(), intent.clone()).await;
        held &= proof.holds();
        print(&common, &intent, &proof);
    }
    Ok(ExitCode::from(u8::from(!held)))
}

/// The facts of a case, and its output.
fn case(path: &Path) -> Result<(Value, Value), Problem> {
    let bad = |words: String| {
        Problem::new("bad_request", format!("{}: {words}", path.display()))
            .field("case")
            .way_out("a case is {\"input\": {…}, \"sources\": {\"NAME\": {…}}, \"output\": {…}}")
    };
    let bytes = std::fs::read(path).map_err(|e| bad(e.to_string()))?;
    let whole = tuesday_domain::json::parse_strict(&bytes).map_err(|e| bad(e.to_string()))?;
    let mut facts = Map::new();
    for (key, value) in whole
        .as_object()
        .ok_or_else(|| bad("no JSON object".to_owned()))?
    {
        match (key.as_str(), value) {
            ("input", Value::Object(_)) => drop(facts.insert("input".to_owned(), value.clone())),
            ("sources", Value::Object(sources)) => facts.extend(sources.clone()),
            ("output", Value::Object(_)) | ("name" | "kind" | "expect", _) => {}
            _ => return Err(bad(format!("`{key}` is not understood here"))),
        }
    }
    // Without it every field of the output would be written as empty.
    let output = whole.get("output").cloned();
    let output = output.ok_or_else(|| bad("`output` is missing".to_owned()))?;
    Ok((Value::Object(facts), output))
}

fn show(common: &Common, intents: &[Intent]) -> ExitCode {
    for intent in intents {
        if common.json {
            out::json_line(
                &json!({"action": intent.spec.name, "system": intent.spec.system, "class": intent.spec.ability,
                "target": intent.target, "fields": intent.fields, "rendered": intent.rendered, "written": false}),
            );
            continue;
        }
        heading(intent);
        for (name, value) in intent.rendered.iter().chain(&intent.fields) {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            out::line(&format!("  {name:<14} {text}"));
        }
    }
    if !common.json {
        out::line(
            "Nothing was written. With --write this is sent, and what the destination does is proven.",
        );
    }
    ExitCode::SUCCESS
}

fn heading(intent: &Intent) {
    let spec = &intent.spec;
    out::line(&format!(
        "{} to {} {}, class {}",
        spec.name, spec.system, intent.target, spec.ability
    ));
}

fn print(common: &Common, intent: &Intent, proof: &Proof) {
    if common.json {
        return out::json_line(
            &json!({"action": intent.spec.name, "system": intent.spec.system,
            "class": intent.spec.ability, "target": intent.target, "key": intent.key, "written": true,
            "holds": proof.holds(), "checks": proof.lines}),
        );
    }
    heading(intent);
    for line in &proof.lines {
        let mark = match line.mark {
            Mark::Proven => "✓",
            Mark::NotOffered => "–",
            Mark::Failed => "✗",
        };
        let check = line.check.replace('_', "-");
        out::line(&format!("  {mark} {check:<10} {}", line.words));
    }
    out::line(&if proof.holds() {
        format!("  It keeps what class {} promises.", intent.spec.ability)
    } else {
        format!(
            "  It does not keep what class {} promises.",
            intent.spec.ability
        )
    });
}
