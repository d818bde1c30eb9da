//! `tuesday workflow`: stopping, narrowing, ending, and the decisions about it.

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::access::Act;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Choice;
use tuesday_domain::scope::Restriction;
use tuesday_domain::watch::Standing;
use tuesday_domain::workflow::{Stage, Switch};
use tuesday_engine::ops::{NextStage, OpenWork};

use super::decision::Rests;
use super::workflow::{as_json, tell};
use crate::args::{self, stored};
use crate::cli::Common;
use crate::out;
use crate::wiring::{self, Node};

/// What can be done about a workflow as a whole.
#[derive(Debug, Subcommand)]
pub(crate) enum RolloutAct {
    /// Accept and hold; people can still read
    Pause(Why),
    /// Go on, as far as the restriction allows; after a kill only once a decision was made
    Resume(Why),
    /// End automation: refuse events, void what is unsent, give open work to people
    Kill(Why),
    /// Serve fewer, or a share, or at a lower stage; everybody else's work goes to people
    Restrict(Restrict),
    /// Give the work to people for a while: on or off
    ManualFallback {
        /// The workflow
        workflow: String,
        /// `on` or `off`
        #[arg(value_parser = ["on", "off"])]
        to: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// End it for good; what it did can still be read
    Retire {
        /// The workflow
        workflow: String,
        /// Finish the open work first
        #[arg(long, conflicts_with = "hand_over")]
        drain: bool,
        /// Give the open work to people
        #[arg(long)]
        hand_over: bool,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Record what was decided about it, and on what evidence
    Decide {
        /// The workflow
        workflow: String,
        /// stop, redesign, `another_pilot`, narrow or proceed
        #[arg(long)]
        decision: String,
        /// What was asked
        #[arg(long)]
        question: String,
        /// What the answer rests on
        #[arg(long)]
        evidence: String,
        #[command(flatten)]
        on: Rests,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// How it stands: label, stage, scope, switch, pause rules and kill condition with their figures
    Show {
        /// The workflow
        workflow: String,
    },
    /// What was decided, the newest first
    Decisions {
        /// The workflow
        workflow: String,
    },
}

/// A workflow and a reason.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The workflow
    workflow: String,
    /// Why
    #[arg(long)]
    reason: String,
}

/// What it serves from now on.
#[derive(Debug, Args)]
pub(crate) struct Restrict {
    /// The workflow
    workflow: String,
    /// Only these groups
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    groups: Vec<String>,
    /// Only these departments
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    departments: Vec<String>,
    /// Only these tiers
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    tiers: Vec<String>,
    /// Only these types
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    types: Vec<String>,
    /// Only this share of the events
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=100))]
    percent: Option<u8>,
    /// At most this stage
    #[arg(long, value_name = "STAGE")]
    to_stage: Option<String>,
    /// Yes, also when it leaves nothing or everything
    #[arg(long)]
    yes: bool,
    /// Why
    #[arg(long)]
    reason: String,
}

/// A named person must hold a role that may. Without a name it is whoever has the database.
pub(super) async fn may(common: &Common, node: &Node, act: Act, w: &str) -> Result<(), Problem> {
    match &common.acting {
        Some(handle) => node.engine.allowed(act, w, handle).await,
        None => Ok(()),
    }
}

/// Runs the command.
pub(super) async fn run(common: &Common, node: &Node, act: RolloutAct) -> Result<(), Problem> {
    let (engine, by) = (&node.engine, wiring::actor(common));
    match act {
        RolloutAct::Pause(why) => {
            switch(common, node, Act::PauseWorkflow, Switch::Paused, why).await?;
        }
        RolloutAct::Resume(why) => {
            switch(common, node, Act::ResumeWorkflow, Switch::Running, why).await?;
        }
        RolloutAct::Kill(why) => {
            switch(common, node, Act::KillWorkflow, Switch::Killed, why).await?;
        }
        RolloutAct::Restrict(r) => restrict(common, node, r).await?,
        RolloutAct::ManualFallback {
            workflow,
            to,
            reason,
        } => {
            may(common, node, Act::PauseWorkflow, &workflow).await?;
            let set = engine.manual_fallback(&workflow, to == "on", &by, &reason);
            tell(common, &set.await?);
        }
        RolloutAct::Retire {
            workflow,
            drain,
            hand_over,
            reason,
        } => {
            may(common, node, Act::KillWorkflow, &workflow).await?;
            let open = match (drain, hand_over) {
                (true, _) => OpenWork::Drain,
                (_, true) => OpenWork::HandOver,
                _ => OpenWork::None,
            };
            tell(common, &engine.retire(&workflow, open, &by, &reason).await?);
        }
        RolloutAct::Decide {
            workflow,
            decision,
            question,
            evidence,
            on,
            reason,
        } => {
            let choice: Choice = args::word(&decision, "decision")?;
            let decision = on.decision(choice, question, evidence, reason)?;
            super::decision::decide(common, node, &workflow, decision).await?;
        }
        RolloutAct::Show { workflow } => standing(common, node, &workflow).await?,
        RolloutAct::Decisions { workflow } => {
            super::decision::list(common, node, &workflow).await?;
        }
    }
    Ok(())
}

async fn switch(
    common: &Common,
    node: &Node,
    act: Act,
    to: Switch,
    why: Why,
) -> Result<(), Problem> {
    may(common, node, act, &why.workflow).await?;
    let by = wiring::actor(common);
    let set = node.engine.set_switch(&why.workflow, to, &by, &why.reason);
    tell(common, &set.await?);
    Ok(())
}

async fn restrict(common: &Common, node: &Node, r: Restrict) -> Result<(), Problem> {
    may(common, node, Act::PauseWorkflow, &r.workflow).await?;
    let to_stage: Option<Stage> = match &r.to_stage {
        Some(word) => Some(args::word(word, "stage")?),
        None => None,
    };
    let scope = Restriction {
        groups: r.groups,
        departments: r.departments,
        tiers: r.tiers,
        types: r.types,
        percent: r.percent,
        to_stage,
    };
    let by = wiring::actor(common);
    let set = node
        .engine
        .restrict(&r.workflow, scope, r.yes, &by, &r.reason);
    tell(common, &set.await?);
    Ok(())
}

async fn standing(common: &Common, node: &Node, name: &str) -> Result<(), Problem> {
    let row = node.engine.reader().workflow(name).await.map_err(stored)?;
    let row = row.ok_or_else(|| {
        Problem::new("unknown_workflow", format!("there is no workflow `{name}`"))
    })?;
    let watched = node.engine.watched(&row).await?;
    let next = node.engine.next_stage(&row).await?;
    if common.json {
        let rules = watched.rules.iter().map(|(rule, j)| {
            json!({"name": rule.name, "standing": j.standing.word(), "figure": j.words})
        });
        let mut value = as_json(&row);
        value["pause_rules"] = rules.collect();
        value["kill"] = watched.kill.map_or(serde_json::Value::Null, |(kill, j)| {
            json!({"condition": kill.condition, "standing": j.standing.word(), "figure": j.words})
        });
        value["plan_blanks"] = json!(node.engine.plan_left_open(&row).await?);
        value["next_stage"] = next.map_or(serde_json::Value::Null, |n| as_next(&n));
        let changes = &row.rollout.changes;
        value["settling_until"] = changes.settling.map(|s| s.until.rfc3339()).into();
        value["settling_guards"] = watched
            .guards
            .iter()
            .map(|(g, j)| json!({"name": g.name, "standing": j.standing.word(), "figure": j.words}))
            .collect();
        value["waiting"] = changes
            .waiting
            .iter()
            .map(|w| w.release.to_string())
            .collect();
        let tested = changes.waiting.iter().filter_map(|w| {
            let test = w.test.as_ref()?;
            Some(json!({"release": w.release.to_string(), "try": test.tries, "until": test.until.rfc3339(), "why": test.why}))
        });
        value["waiting_tests"] = tested.collect();
        out::json_line(&value);
        return Ok(());
    }
    tell(common, &row);
    if let Some(open) = row.rollout.changes.settling {
        out::line(&format!("  a change is watched until {}", open.until));
    }
    for (guard, j) in &watched.guards {
        let standing = j.standing.word();
        out::line(&format!("  guard {}: {standing}, {}", guard.name, j.words));
    }
    for next in &row.rollout.changes.waiting {
        let (release, by) = (next.release, &next.by);
        let test = next.words().map(|w| format!("; {w}")).unwrap_or_default();
        out::line(&format!(
            "  waits to go live: {release}, promoted by {by}{test}"
        ));
    }
    out::line(&format!("  serves {}", row.rollout.scope.words()));
    for (rule, j) in &watched.rules {
        out::line(&format!(
            "  pause rule {}: {}, {}",
            rule.name,
            j.standing.word(),
            j.words
        ));
    }
    match &watched.kill {
        Some((kill, j)) => {
            let (condition, standing) = (&kill.condition, j.standing.word());
            out::line(&format!(
                "  kill condition ({condition}): {standing}, {}",
                j.words
            ));
        }
        None => out::line("  no kill condition is declared"),
    }
    if let Some(next) = next {
        tell_next(&next);
    }
    Ok(())
}

fn tell_next(next: &NextStage) {
    for (_, j) in &next.conditions {
        let standing = if j.standing == Standing::Met {
            "true"
        } else {
            "not yet"
        };
        out::line(&format!(
            "  for stage {}: {standing}, {}",
            next.stage, j.words
        ));
    }
    for words in &next.blanks {
        out::line(&format!("  for stage {}: warning, {words}", next.stage));
    }
    if let Some(remark) = next.remark() {
        out::line(&format!("  for stage {}: {remark}", next.stage));
    }
}

fn as_next(next: &NextStage) -> serde_json::Value {
    let conditions = next.conditions.iter();
    let conditions = conditions.map(
        |(c, j)| json!({"name": c.metric.word(), "standing": j.standing.word(), "figure": j.words}),
    );
    json!({
        "stage": next.stage.word(), "undeclared": next.undeclared, "changed": next.changed,
        "conditions": conditions.collect::<Vec<_>>(),
    })
}
