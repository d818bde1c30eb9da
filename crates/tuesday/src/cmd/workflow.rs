//! `tuesday workflow`: what is installed, its one-page picture, its stage and its switch.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Workflow;
use tuesday_domain::workflow::{Stage, Switch};
use tuesday_engine::ops::Map;

use crate::args::{self, stored};
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Node, Opening};

/// Arguments of `workflow`.
#[derive(Debug, Args)]
pub(crate) struct WorkflowArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Installed workflows
    List,
    /// Every step with owner, class, approval rule and failure path
    Map {
        /// The workflow
        workflow: String,
    },
    /// Set how much it may do by itself: off, shadow, draft_only, approval_first, auto
    Stage {
        /// The workflow
        workflow: String,
        /// The stage; the label caps it
        stage: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Accept and hold; people can still read
    Pause(Why),
    /// Go on
    Resume(Why),
    /// Refuse everything
    Kill(Why),
    /// Say which work comes first: urgent, high, normal or low; the sponsor does
    Priority {
        /// The workflow
        workflow: String,
        /// The class
        class: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// JSON Schema of what an event must look like
    Schema {
        /// The workflow
        workflow: String,
        /// Of what the model must answer instead
        #[arg(long)]
        output: bool,
    },
}

#[derive(Debug, Args)]
struct Why {
    /// The workflow
    workflow: String,
    /// Why
    #[arg(long)]
    reason: String,
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: WorkflowArgs) -> Result<ExitCode, Problem> {
    let stage: Option<Stage> = match &args.act {
        Act::Stage { stage, .. } => Some(args::word(stage, "stage")?),
        _ => None,
    };
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let (engine, by) = (&node.engine, wiring::actor(&common));
    match args.act {
        Act::List => list(&common, &node).await?,
        Act::Map { workflow } => {
            let map = engine.map(&workflow).await?;
            if common.json {
                out::json_line(
                    &serde_json::to_value(&map)
                        .map_err(|e| Problem::new("internal", e.to_string()))?,
                );
            } else {
                print(&map);
            }
        }
        Act::Stage {
            workflow, reason, ..
        } => {
            let to = stage
                .ok_or_else(|| Problem::new("bad_request", "a stage is missing").field("stage"))?;
            tell(
                &common,
                &engine.set_stage(&workflow, to, &by, &reason).await?,
            );
        }
        Act::Pause(why) => tell(
            &common,
            &engine
                .set_switch(&why.workflow, Switch::Paused, &by, &why.reason)
                .await?,
        ),
        Act::Resume(why) => tell(
            &common,
            &engine
                .set_switch(&why.workflow, Switch::Running, &by, &why.reason)
                .await?,
        ),
        Act::Kill(why) => tell(
            &common,
            &engine
                .set_switch(&why.workflow, Switch::Killed, &by, &why.reason)
                .await?,
        ),
        Act::Priority {
            workflow,
            class,
            reason,
        } => {
            priority(&common, &node, &workflow, &class, &reason).await?;
        }
        Act::Schema { workflow, output } => {
            let (_, live) = engine.live(&workflow).await?;
            let schema = if output {
                live.ready.output.source()
            } else {
                live.ready.input.source()
            };
            if common.json {
                out::json_line(schema);
            } else {
                out::line(
                    &serde_json::to_string_pretty(schema)
                        .map_err(|e| Problem::new("internal", e.to_string()))?,
                );
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn priority(
    common: &Common,
    node: &Node,
    workflow: &str,
    class: &str,
    reason: &str,
) -> Result<(), Problem> {
    let (class, by) = (args::word(class, "class")?, wiring::person(common)?);
    let set = node
        .engine
        .set_priority(workflow, class, &by, reason)
        .await?;
    if common.json {
        out::json_line(&json!({
            "workflow": set.workflow, "class": set.class.word(), "set_by": set.set_by,
            "reason": set.reason, "set_at": set.set_at.rfc3339(),
        }));
    } else {
        out::line(&format!(
            "{}: {}, set by {}",
            set.workflow, set.class, set.set_by
        ));
    }
    Ok(())
}

async fn list(common: &Common, node: &Node) -> Result<(), Problem> {
    let rows = node.engine.reader().workflows().await.map_err(stored)?;
    let mut table = out::table(&[
        "Workflow", "Label", "Stage", "Switch", "Owner", "Rules", "Title",
    ]);
    for w in &rows {
        if common.json {
            out::json_line(&as_json(w));
        }
        let [label, stage, switch] =
            [w.label.word(), w.stage.word(), w.switch.word()].map(|t| t.replace('_', " "));
        let rules = w.rules_version.to_string();
        table.add_row([
            w.name.clone(),
            label,
            stage,
            switch,
            w.owner.clone(),
            rules,
            w.title.clone(),
        ]);
    }
    if !common.json {
        out::line(&if rows.is_empty() {
            "no workflows".to_owned()
        } else {
            table.to_string()
        });
    }
    Ok(())
}

fn as_json(w: &Workflow) -> serde_json::Value {
    json!({"name": w.name, "title": w.title, "label": w.label.word(), "stage": w.stage.word(), "switch": w.switch.word(),
        "owner": w.owner, "live_release": w.live_release.to_string(), "rules_version": w.rules_version,
        "installed_at": w.installed_at.rfc3339(), "version": w.version})
}

fn tell(common: &Common, w: &Workflow) {
    if common.json {
        return out::json_line(&as_json(w));
    }
    out::line(&format!(
        "{}: {}, label {}, stage {}",
        w.name, w.switch, w.label, w.stage
    ));
    match w.switch {
        Switch::Paused => out::say(&format!(
            "New events are kept and wait. Resume: tuesday workflow resume {} --reason …",
            w.name
        )),
        Switch::Killed => out::say("New events are refused and kept as intake records."),
        Switch::Running | Switch::Restricted => {}
    }
}

fn print(map: &Map) {
    out::line(&format!(
        "{} ({})\n  {}",
        map.title, map.workflow, map.about
    ));
    out::line(&format!(
        "  label {}, stage {}, {}, release {}, rules {}",
        map.label, map.stage, map.switch, map.release, map.rules_version
    ));
    let mut last = "";
    for s in &map.steps {
        if s.step != last {
            out::line(&format!("\n{}", s.step.replace('_', "-")));
            last = s.step;
        }
        out::line(&format!("  {}", s.what));
        out::line(&format!(
            "      owner {}; class {}; approval: {}",
            s.owner, s.class, s.approval
        ));
        out::line(&format!("      on failure: {}", s.on_failure));
    }
}
