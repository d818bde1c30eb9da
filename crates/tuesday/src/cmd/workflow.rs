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
use crate::cmd::rollout::{self, RolloutAct, may};
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
        /// The stage: one step up, or any step down; the label caps it
        stage: String,
        /// What its people are told; needed for going up
        #[arg(long)]
        notice: Option<String>,
        /// Why
        #[arg(long)]
        reason: String,
    },
    #[command(flatten)]
    Rollout(RolloutAct),
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
    /// What it is called and by what; with a label, the decision to call it so
    Label(super::label::LabelArgs),
    /// JSON Schema of what an event must look like
    Schema {
        /// The workflow
        workflow: String,
        /// Of what the model must answer instead
        #[arg(long)]
        output: bool,
    },
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
            workflow,
            reason,
            notice,
            ..
        } => {
            let to = stage
                .ok_or_else(|| Problem::new("bad_request", "a stage is missing").field("stage"))?;
            may(
                &common,
                &node,
                tuesday_domain::access::Act::SetStage,
                &workflow,
            )
            .await?;
            let before = engine.live(&workflow).await?.0;
            let open = engine.plan_blanks(&before, to).await?;
            let set = engine.set_stage(&workflow, to, notice.as_deref(), &by, &reason);
            tell_staged(&common, &set.await?, &open);
        }
        Act::Rollout(act) => rollout::run(&common, &node, act).await?,
        Act::Priority {
            workflow,
            class,
            reason,
        } => {
            priority(&common, &node, &workflow, &class, &reason).await?;
        }
        Act::Label(args) => Box::pin(super::label::run(&common, &node, args)).await?,
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

pub(super) fn as_json(w: &Workflow) -> serde_json::Value {
    json!({"name": w.name, "title": w.title, "label": w.label.word(), "stage": w.stage.word(), "switch": w.switch.word(),
        "owner": w.owner, "live_release": w.live_release.to_string(), "rules_version": w.rules_version,
        "installed_at": w.installed_at.rfc3339(), "version": w.version, "scope": w.rollout.scope.words(),
        "stage_in_force": w.stage_in_force().word(), "manual_fallback": w.rollout.fallback,
        "retiring": w.rollout.retiring, "switch_reason": w.rollout.switch_reason,
        "switched_by": w.rollout.switched_by, "switched_at": w.rollout.switched_at.map(|t| t.rfc3339())})
}

pub(super) fn tell(common: &Common, w: &Workflow) {
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
        Switch::Killed => {
            out::say("New events are refused and kept as intake records; open work goes to people.")
        }
        Switch::Restricted => out::say(&format!(
            "Serves {}; the rest goes to people.",
            w.rollout.scope.words()
        )),
        Switch::Running => {}
    }
    if w.rollout.fallback {
        out::say("Manual fallback: people do the work, new events included.");
    }
    if w.rollout.retiring {
        out::say("Takes no new events, and retires when its open work is done.");
    }
}

/// What the rollout plan leaves open is a warning: it stops nothing.
fn tell_staged(common: &Common, row: &Workflow, open: &[String]) {
    if common.json {
        let mut value = as_json(row);
        value["plan_blanks"] = json!(open);
        return out::json_line(&value);
    }
    tell(common, row);
    for words in open {
        out::say(&format!("warning: {words}"));
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
