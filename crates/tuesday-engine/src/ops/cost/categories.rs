//! The six kinds of cost of a report, each with how it is known: none is silently absent, and what leaving would
//! cost is an estimate in days beside what was entered.

use serde::Serialize;
use tuesday_domain::ledger::exit::DayRange;
use tuesday_domain::ledger::figures::Money;
use tuesday_domain::ledger::report::Costs;
use tuesday_domain::ledger::shown::Standing;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::CostCategory;

use crate::engine::Engine;

/// One kind of cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CategoryLine {
    /// Which.
    pub category: CostCategory,
    /// Millionths by currency; empty where no sum is known.
    pub sums: Money,
    /// How it is known.
    pub standing: Standing,
    /// What it means, or what is lacking.
    pub words: String,
    /// Days of work, in tenths, that leaving would take; with `exit` of one workflow.
    pub days: Option<DayRange>,
}

fn line(category: CostCategory, costs: &Costs) -> CategoryLine {
    let sums = costs
        .by_category
        .get(&category)
        .cloned()
        .unwrap_or_default();
    let lacks = match category {
        CostCategory::Tokens if !costs.unpriced.is_empty() => "some calls have no price",
        CostCategory::Tokens if costs.unreported > 0 => "some calls reported no usage",
        other if costs.unpriced_ms.contains_key(&other) => "some minutes have no price of an hour",
        CostCategory::Review if costs.untimed > 0 => "some decisions have no measured time",
        _ => "",
    };
    let (standing, words) = match (sums.is_empty(), lacks) {
        (false, "") => (Standing::Measured, ""),
        (false, lacks) => (Standing::Estimated, lacks),
        (true, "") => match category {
            CostCategory::Tokens if costs.runs > 0 => (Standing::Measured, "no call cost anything"),
            CostCategory::Tokens => (Standing::Missing, "no runs"),
            CostCategory::Review => (Standing::Missing, "no time in view was measured"),
            _ => (Standing::Missing, "nothing was entered"),
        },
        (true, lacks) => (Standing::Missing, lacks),
    };
    CategoryLine {
        category,
        sums,
        standing,
        words: words.to_owned(),
        days: None,
    }
}

fn tenths(n: u32) -> String {
    format!("{}.{}", n / 10, n % 10)
}

impl Engine {
    /// The six kinds of cost. What leaving would take is known for one workflow at a time.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`: what could not be read is not told as nothing.
    pub async fn cost_lines(
        &self,
        workflow: Option<&str>,
        costs: &Costs,
    ) -> Result<Vec<CategoryLine>, Problem> {
        let mut out: Vec<CategoryLine> = CostCategory::ALL
            .iter()
            .map(|category| line(*category, costs))
            .collect();
        let exit = match workflow {
            Some(name) => Some(Box::pin(self.exit_cost(name)).await?),
            None => None,
        };
        let Some(of) = out.iter_mut().find(|l| l.category == CostCategory::Exit) else {
            return Ok(out);
        };
        if let Some(exit) = exit {
            let (low, high) = (tenths(exit.days.low_tenths), tenths(exit.days.high_tenths));
            of.standing = Standing::Estimated;
            of.words = if exit.vendors.is_empty() {
                "nothing is bound to a vendor".to_owned()
            } else {
                format!(
                    "leaving is estimated at {low} to {high} days, {} of {} vendors without a tested alternative",
                    exit.untested,
                    exit.vendors.len()
                )
            };
            of.days = Some(exit.days);
        } else if of.sums.is_empty() {
            of.words =
                "nothing was entered; the estimate in days is of one workflow at a time".to_owned();
        }
        Ok(out)
    }
}
