//! Money and time: prices, entered costs, the baseline by hand, spend limits, and the reports that
//! follow from them and from the records of the runs.

mod alarms;
mod baseline;
mod categories;
mod entry;
mod exit;
mod forecast;
mod graded;
mod idle;
mod idle_shared;
mod incidents;
mod judged;
mod limit;
mod metric;
mod prices;
mod report;
mod scorecard;
mod talk;
mod team;
mod upkeep;
mod vendors;
mod weekly;

pub use baseline::NewBaseline;
pub use categories::CategoryLine;
pub use exit::{ExitCost, NewDrill, Tested, VendorExit, provider_of};
pub use forecast::Forecast;
pub(crate) use graded::Evaluated;
pub use idle::IdleVendor;
pub use incidents::SpanIncidents;
pub use judged::{JudgedRelease, JudgedReport};
pub use limit::{LimitState, NewLimit};
pub use metric::SuccessMetric;
pub use report::{CostReport, NamedCosts};
pub use scorecard::{PartTime, Scorecard, Week};
pub use talk::{WeeklyItem, WeeklyTalk};
pub use team::TeamValue;
pub use vendors::VendorShare;
pub use weekly::{MetricWeek, SignedWeek, Weekly, WeeklyFigure, WeeklyMetric};

use tuesday_domain::access::Act;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, MoneyChange};

use crate::engine::{Engine, apply_problem};

impl Engine {
    /// Whether `by` may keep the ledger of a workflow; without one, what all of them share.
    pub(crate) async fn keeps_ledger(
        &self,
        workflow: Option<&str>,
        by: &str,
    ) -> Result<(), Problem> {
        let rights = self.rights(by).await?;
        let allowed = match workflow {
            Some(name) => rights.may(Act::KeepLedger, name),
            None => rights.may_anywhere(Act::KeepLedger),
        };
        if allowed {
            return Ok(());
        }
        let place = workflow.unwrap_or_default();
        let may = self.who_may(Act::KeepLedger, place).await?;
        let names: Vec<String> = may.into_iter().map(|(_, name)| name).collect();
        let refused = Problem::new(
            "not_allowed",
            format!("the roles of {by} do not allow keeping the ledger"),
        );
        Err(if names.is_empty() {
            refused.way_out("ask an operator owner, a technical owner or a sponsor")
        } else {
            refused
                .way_out(format!("ask one of: {}", names.join(", ")))
                .with("people", names)
        })
    }

    /// Changes of the ledger with their entry.
    pub(crate) async fn money(
        &self,
        changes: Vec<MoneyChange>,
        entry: AuditEntry,
    ) -> Result<(), Problem> {
        let changes = changes
            .into_iter()
            .map(|c| Change::Money(Box::new(c)))
            .collect();
        self.apply(Decision { changes, entry })
            .await
            .map(drop)
            .map_err(apply_problem)
    }

    /// Days as they are asked for: the last `usual` up to today in the workflow's time zone, or in UTC,
    /// unless said otherwise.
    ///
    /// # Errors
    /// `bad_request` naming the field; `unknown_workflow`.
    pub async fn asked_days(
        &self,
        workflow: Option<&str>,
        from: Option<&str>,
        to: Option<&str>,
        usual: i64,
    ) -> Result<Days, Problem> {
        let today = self.today(workflow).await?;
        let day = |field: &'static str, text: &str| {
            Day::parse(text).map_err(|e| Problem::new("bad_request", e.to_string()).field(field))
        };
        let to = to.map_or(Ok(today), |t| day("to", t))?;
        let from = from.map_or(Ok(to.plus(1 - usual)), |t| day("from", t))?;
        let days = Days { from, to };
        if from > to {
            return Err(
                Problem::new("bad_request", "the span ends before it begins").field("from"),
            );
        }
        if days.count() > 3_660 {
            return Err(Problem::new("bad_request", "at most ten years").field("from"));
        }
        Ok(days)
    }

    /// Today in the workflow's time zone, or in UTC.
    pub(crate) async fn today(&self, workflow: Option<&str>) -> Result<Day, Problem> {
        let text = match workflow {
            Some(name) => self.live(name).await?.1.ready.zone.day(self.now()),
            None => self.now().rfc3339().chars().take(10).collect(),
        };
        Day::parse(&text).map_err(|e| Problem::new("internal", e.to_string()))
    }
}

/// A refusal of something that cannot be booked.
pub(crate) fn unbookable(field: &'static str, why: impl Into<String>) -> Problem {
    Problem::new("cost_invalid", why).field(field)
}
