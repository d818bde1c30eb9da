//! The one-page picture of a workflow: every step from trigger to write-back with its owner, its
//! class and its approval rule, and where each of them goes when it fails.

use serde::Serialize;
use tuesday_domain::definition::{Definition, FailurePlan, SourceSpec, TriggerKind, TriggerSpec};
use tuesday_domain::problem::Problem;
use tuesday_domain::rules::parse;

use crate::engine::Engine;

/// The picture.
#[derive(Clone, Debug, Serialize)]
pub struct Map {
    /// Workflow name.
    pub workflow: String,
    /// For people.
    pub title: String,
    /// Exact steps, output and place, in the owner's words.
    pub about: String,
    /// What it may be called.
    pub label: &'static str,
    /// How much it may do by itself.
    pub stage: &'static str,
    /// Whether it acts now.
    pub switch: &'static str,
    /// Number of the live release.
    pub release: u32,
    /// Decision-table version in force.
    pub rules_version: u64,
    /// The steps in order.
    pub steps: Vec<MapStep>,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
pub struct MapStep {
    /// `trigger`, `snapshot`, `model`, `validate`, `route`, `review` or `write_back`.
    pub step: &'static str,
    /// What exactly, in words.
    pub what: String,
    /// Handle of the person who answers for it.
    pub owner: String,
    /// Sensitivity class of what it handles, or consequence class of what it does.
    pub class: String,
    /// Who or what lets it happen.
    pub approval: String,
    /// What happens when it fails, and who gets it.
    pub on_failure: String,
}

impl Engine {
    /// The picture of a workflow's live release.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`, `record_damaged`.
    pub async fn map(&self, workflow: &str) -> Result<Map, Problem> {
        let (row, release) = self.live(workflow).await?;
        let rules = self.live_rules(workflow).await?;
        let def = &release.ready.def;
        let mut steps: Vec<MapStep> = def.trigger.iter().map(|t| trigger(def, t)).collect();
        steps.push(snapshot_input(def, release.ready.input.strictest().word()));
        steps.extend(def.source.iter().map(|s| source(def, s)));
        steps.push(model(def));
        steps.push(validate(def));
        steps.push(route(def, &rules.csv, rules.version));
        steps.extend(def.review.tier.iter().map(|t| review(def, t)));
        steps.extend(
            def.action
                .iter()
                .map(|a| write_back(def, a, row.stage.capped_by(row.label).word())),
        );
        Ok(Map {
            workflow: row.name.clone(),
            title: row.title.clone(),
            about: def.workflow.about.clone(),
            label: row.label.word(),
            stage: row.stage.word(),
            switch: row.switch.word(),
            release: release.number,
            rules_version: row.rules_version,
            steps,
        })
    }
}

fn trigger(def: &Definition, t: &TriggerSpec) -> MapStep {
    let (what, approval) = match t.kind {
        TriggerKind::Webhook if t.secret.is_some() => (
            "signed webhook".to_owned(),
            "a valid signature, or a token with scope trigger",
        ),
        TriggerKind::Webhook => ("webhook".to_owned(), "a token with scope trigger"),
        TriggerKind::File => (
            format!("file in {}", t.folder.as_deref().unwrap_or("?")),
            "write access to the folder",
        ),
        TriggerKind::Schedule => (
            format!("schedule {}", t.cron.as_deref().unwrap_or("?")),
            "the definition",
        ),
        TriggerKind::Sql => (
            format!("row in {}", t.table.as_deref().unwrap_or("?")),
            "write access to the table",
        ),
        TriggerKind::Cli => ("command line".to_owned(), "access to this machine"),
    };
    MapStep {
        step: "trigger",
        what: format!("{}: {what}", t.name),
        owner: def.owners.operator.handle.clone(),
        class: "event".to_owned(),
        approval: approval.to_owned(),
        on_failure: format!(
            "refused and kept as an intake record of {}",
            def.owners.operator.handle
        ),
    }
}

fn snapshot_input(def: &Definition, class: &str) -> MapStep {
    let needs = if def.input.needs.is_empty() {
        "nothing beyond the schema".to_owned()
    } else {
        def.input.needs.join(", ")
    };
    MapStep {
        step: "snapshot",
        what: format!("input: {} (needs {needs})", def.input.schema),
        owner: def.owners.operator.handle.clone(),
        class: class.to_owned(),
        approval: "the input schema".to_owned(),
        on_failure: format!(
            "waits for input, {} is asked, due {}",
            def.owners.operator.handle, def.input.due
        ),
    }
}

fn source(def: &Definition, s: &SourceSpec) -> MapStep {
    let need = if s.required { "required" } else { "optional" };
    MapStep {
        step: "snapshot",
        what: format!(
            "{}: {} ({need}, rank {}, refused after {})",
            s.name, s.system, s.rank, s.error_after
        ),
        owner: def.owners.technical.handle.clone(),
        class: s.class.word().to_owned(),
        approval: "read only".to_owned(),
        on_failure: plan(def, def.on_failure.snapshot),
    }
}

fn model(def: &Definition) -> MapStep {
    let m = &def.model;
    MapStep {
        step: "model",
        what: format!("{} {}", m.kind.word(), m.pin),
        owner: def.owners.technical.handle.clone(),
        class: format!("up to {}", m.clearance.word()),
        approval: "the live release; fields above the class are masked".to_owned(),
        on_failure: plan(def, def.on_failure.generate),
    }
}

fn validate(def: &Definition) -> MapStep {
    let checks: Vec<&str> = def.check.iter().map(|c| c.name.as_str()).collect();
    let checks = if checks.is_empty() {
        String::new()
    } else {
        format!("; checks {}", checks.join(", "))
    };
    MapStep {
        step: "validate",
        what: format!("{}{checks}", def.output.schema),
        owner: def.owners.technical.handle.clone(),
        class: "output".to_owned(),
        approval: "schema and every check hold".to_owned(),
        on_failure: plan(def, def.on_failure.validate),
    }
}

fn route(def: &Definition, csv: &str, version: u64) -> MapStep {
    let approval = parse(csv).map_or_else(
        |_| "the table cannot be read: everything goes to a person".to_owned(),
        |(rules, _)| {
            let auto = rules
                .rows()
                .iter()
                .filter(|r| !r.route.goes_to_person())
                .count();
            format!(
                "{} rows, {auto} of them without a person, the last one always to a person",
                rules.rows().len()
            )
        },
    );
    MapStep {
        step: "route",
        what: format!("decision table version {version}"),
        owner: def.owners.operator.handle.clone(),
        class: "routing".to_owned(),
        approval,
        on_failure: plan(def, def.on_failure.route),
    }
}

fn review(def: &Definition, t: &tuesday_domain::definition::TierSpec) -> MapStep {
    let people = if t.people.is_empty() {
        "everybody named except the technical owner".to_owned()
    } else {
        t.people.join(", ")
    };
    let approvals = if t.approvals == 1 {
        "one approval".to_owned()
    } else {
        format!("{} distinct approvals", t.approvals)
    };
    MapStep {
        step: "review",
        what: format!("tier {}, due {}", t.name, t.due.unwrap_or(def.review.due)),
        owner: t.owner.clone(),
        class: format!("{} questions", t.checklist.len()),
        approval: format!("{approvals} of {people}"),
        on_failure: format!(
            "when due to {}, then to {}",
            t.backup, def.owners.escalation.handle
        ),
    }
}

fn write_back(
    def: &Definition,
    a: &tuesday_domain::definition::ActionSpec,
    stage: &str,
) -> MapStep {
    let approval = if a.class.rule_may_authorise() && stage == "auto" {
        "a row with route auto, or a person".to_owned()
    } else {
        format!("a person (stage {stage})")
    };
    MapStep {
        step: "write_back",
        what: format!("{}: {} over {}", a.name, a.system, a.kind.word()),
        owner: def.owners.technical.handle.clone(),
        class: format!("{}, ability {}", a.class.word(), a.ability.word()),
        approval,
        on_failure: plan(def, def.on_failure.dispatch),
    }
}

fn plan(def: &Definition, plan: FailurePlan) -> String {
    let operator = &def.owners.operator.handle;
    match plan {
        FailurePlan::Retry => format!(
            "{} attempts with growing pauses, then {operator}",
            def.limits.max_attempts
        ),
        FailurePlan::Repair => format!(
            "{} repair attempts, then {operator}",
            def.output.repair_attempts
        ),
        FailurePlan::Person => format!("{operator} at once"),
    }
}
