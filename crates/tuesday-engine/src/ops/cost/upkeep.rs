//! What upkeep came to in the month, against the budget of the charter: over it, the sponsor hears, once for
//! the month and the budget.

use tuesday_domain::actor::Actor;
use tuesday_domain::charter::Statement;
use tuesday_domain::ledger::claims::{Budget, month_to, upkeep};
use tuesday_domain::ledger::day::Day;
use tuesday_domain::ledger::report::By;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, CharterFact, Decision, Subject};
use tuesday_store::ApplyError;

use super::alarms::named;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::maintenance::notice;

/// What the charter claims about money and hours.
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) budget: Option<Budget>,
    /// Hours a week, as they are stated.
    pub(super) friction: Option<String>,
    /// The one success metric with its target.
    pub(super) metric: Option<String>,
}

impl Claims {
    fn of(facts: &[CharterFact]) -> Self {
        let stated = |s: Statement| {
            let own = |f: &&CharterFact| f.statement == s && f.about.is_empty();
            let found = facts.iter().find(own).map(|f| f.value.clone());
            found.filter(|v| !v.is_empty())
        };
        Self {
            budget: stated(Statement::MaintenanceBudget).and_then(|v| Budget::of(&v)),
            friction: stated(Statement::FrictionHours),
            metric: stated(Statement::NinetyDayMetric),
        }
    }
}

impl Engine {
    pub(super) async fn claims(&self, workflow: &str) -> Result<Claims, Problem> {
        let facts = self.0.reader.charter_facts(workflow).await;
        Ok(Claims::of(&facts.map_err(read_problem)?))
    }

    /// Looks at the month of today, and at the one before: hours are entered late.
    pub(super) async fn look_at_upkeep(&self, workflow: &str) -> Result<(), Problem> {
        let Some(budget) = self.claims(workflow).await?.budget else {
            return Ok(());
        };
        let today = self.today(Some(workflow)).await?;
        let last = month_to(today).from.plus(-1);
        for day in [last, today] {
            self.upkeep_until(workflow, day, &budget).await?;
        }
        Ok(())
    }

    async fn upkeep_until(&self, workflow: &str, day: Day, budget: &Budget) -> Result<(), Problem> {
        let month = month_to(day);
        let gathered = self.gathered(Some(workflow), None, month).await?;
        let spent = upkeep(&gathered.report(month, By::Nothing).total, budget).micros;
        if spent <= budget.micros {
            return Ok(());
        }
        let (_, live) = self.live(workflow).await?;
        let owners = &live.ready.def.owners;
        let sponsor = owners.sponsor.as_ref().unwrap_or(&owners.operator);
        let name = month.from.month();
        let mut told = notice(
            sponsor.handle.clone(),
            workflow.to_owned(),
            "maintenance_over",
            format!("{workflow}, {name}: maintenance is over its budget of {budget}"),
            format!(
                "/workflows/{workflow}/costs?category=maintenance&from={}&to={}",
                month.from, month.to
            ),
            self.now(),
        );
        let stated = budget.to_string();
        told.id = named(
            month.from,
            [workflow, "maintenance_over", &stated, &sponsor.handle],
        );
        let known = self.0.reader.notice(told.id).await.map_err(read_problem)?;
        if known.is_some() {
            return Ok(());
        }
        let subject = Subject::Workflow(workflow.to_owned());
        let entry = AuditEntry::new(
            self.now(),
            Actor::System("figures"),
            "maintenance.over_budget",
            subject,
        )
        .fact("month", name)
        .fact("spent_micros", spent)
        .fact("budget_micros", budget.micros)
        .fact("currency", budget.currency.clone())
        .fact("told", sponsor.handle.clone());
        let changes = vec![Change::InsertNotice(Box::new(told))];
        match self.apply(Decision { changes, entry }).await {
            // Another node was faster.
            Ok(_) | Err(ApplyError::Conflict { .. }) => Ok(()),
            Err(e) => Err(apply_problem(e)),
        }
    }
}
