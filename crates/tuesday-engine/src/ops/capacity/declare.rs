//! Somebody says whose hours there are: a live setting with a reason, which takes the place of the
//! package's from the next look on.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::capacity::CapacitySpec;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, CapacityPlan, Change, Decision, LoadChange, Subject, Workflow,
};
use tuesday_domain::workflow::Stage;

use crate::catalog::LiveRelease;
use crate::engine::{Engine, apply_problem, read_problem};

impl Engine {
    /// Keeps a newer plan of a workflow's capacity.
    ///
    /// # Errors
    /// `capacity_invalid` naming the field, also for a person nobody knows; `reason_required`,
    /// `not_allowed`, `revision_moved`, `unknown_workflow`.
    pub async fn set_capacity(
        &self,
        workflow: &str,
        spec: &CapacitySpec,
        reason: &str,
        by: &str,
    ) -> Result<CapacityPlan, Problem> {
        if reason.trim().is_empty() {
            let words = "a change of the hours needs a reason";
            return Err(Problem::new("reason_required", words).field("reason"));
        }
        self.allowed(Act::SetPriority, workflow, by).await?;
        let (row, live) = self.live(workflow).await?;
        let scope = &live.ready.def.rollout.scope;
        if let Some((field, why)) = spec.faults(scope).into_iter().next() {
            return Err(Problem::new("capacity_invalid", why).field(field));
        }
        for p in &spec.person {
            if self.known_person(&p.person).await.is_err() {
                let why = format!("nobody has the handle {}", p.person);
                return Err(Problem::new("capacity_invalid", why).field("person"));
            }
        }
        let old = self.0.reader.capacity_plans(workflow, 1).await;
        let old = old.map_err(read_problem)?.into_iter().next();
        let before = match &old {
            Some(o) => o.plan.clone(),
            None => serde_json::to_string(&live.ready.def.capacity).unwrap_or_default(),
        };
        let now = self.now();
        let plan = CapacityPlan {
            workflow: row.name.clone(),
            version: old.map_or(0, |o| o.version) + 1,
            plan: serde_json::to_string(spec)
                .map_err(|e| Problem::new("internal", e.to_string()))?,
            reason: reason.trim().to_owned(),
            set_by: by.to_owned(),
            set_at: now,
        };
        let subject = Subject::Workflow(row.name.clone());
        let entry = AuditEntry::new(now, Actor::Person(by.to_owned()), "capacity.set", subject)
            .fact("version", plan.version)
            .fact("before", before)
            .fact("after", plan.plan.clone())
            .fact("reason", plan.reason.clone());
        let change = LoadChange::InsertPlan(plan.clone());
        let decision = Decision {
            changes: vec![Change::Load(Box::new(change))],
            entry,
        };
        self.apply(decision).await.map_err(apply_problem)?;
        Ok(plan)
    }

    /// Passes when a stage lets outputs wait for people only where somebody has said whose hours there
    /// are.
    ///
    /// # Errors
    /// `capacity_undeclared`.
    pub(in crate::ops) async fn has_capacity(
        &self,
        row: &Workflow,
        to: Stage,
    ) -> Result<(), Problem> {
        if to <= Stage::DraftOnly {
            return Ok(());
        }
        let live = self.loaded(row.live_release).await?;
        if self.plan_in_force(&row.name, &live).await?.is_some() {
            return Ok(());
        }
        Err(undeclared(&row.name))
    }
}

impl Engine {
    /// Whether somebody has said whose hours there are.
    pub(in crate::ops) async fn capacity_declared(
        &self,
        name: &str,
        live: &LiveRelease,
    ) -> Result<bool, Problem> {
        Ok(self.plan_in_force(name, live).await?.is_some())
    }
}

pub(super) fn undeclared(name: &str) -> Problem {
    let words = format!("nobody has said whose hours there are to review {name}");
    Problem::new("capacity_undeclared", words).way_out(format!(
        "declare [capacity] in workflow.toml, or tuesday capacity set {name} --file capacity.toml --reason …"
    ))
}
