//! Who is paid and delivers nothing: vendors with a cost in the last 30 days and no confirmed result.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::figures::Money;
use tuesday_domain::problem::Problem;

use crate::engine::{Engine, read_problem};

/// Days that are looked back at.
const BACK: i64 = 30;

/// A vendor with a cost and nothing that was confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdleVendor {
    /// Its name.
    pub vendor: String,
    /// What it was paid in these days, by currency.
    pub paid: Money,
    /// The days.
    pub days: Days,
}

impl Engine {
    /// Vendors of a workflow that cost something in the 30 days until `until` and delivered no confirmed
    /// result: whoever answers for a model by the runs it answered, everybody else by the runs of the
    /// workflow that they are paid for.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn idle_vendors(
        &self,
        workflow: &str,
        until: Day,
    ) -> Result<Vec<IdleVendor>, Problem> {
        let days = Days {
            from: until.plus(1 - BACK),
            to: until,
        };
        let gathered = self.gathered(Some(workflow), None, days).await?;
        let measured = self.measured(&gathered, days).await;
        let mut confirmed: BTreeMap<String, u64> = BTreeMap::new();
        let mut all = 0;
        for row in &gathered.rows {
            let inside = Day::parse(&row.day).is_ok_and(|day| days.has(day));
            let Some(of) = measured.get(&row.release).filter(|_| inside) else {
                continue;
            };
            *confirmed.entry(of.vendor.to_lowercase()).or_default() += row.figures.resolved;
            all += row.figures.resolved;
        }
        let models = self.model_vendors(workflow).await?;
        let mut paid: BTreeMap<String, Money> = BTreeMap::new();
        for v in self.vendors(&gathered, days).await.0 {
            if v.micros > 0 {
                let sums = paid.entry(v.vendor).or_default();
                *sums.entry(v.currency).or_default() += v.micros;
            }
        }
        let idle = paid.into_iter().filter(|(vendor, _)| {
            let vendor = vendor.to_lowercase();
            match models.contains(&vendor) {
                true => confirmed.get(&vendor).copied().unwrap_or(0) == 0,
                false => all == 0,
            }
        });
        Ok(idle
            .map(|(vendor, paid)| IdleVendor { vendor, paid, days })
            .collect())
    }

    /// Whoever answered for the model of any release, in lower case.
    async fn model_vendors(&self, workflow: &str) -> Result<BTreeSet<String>, Problem> {
        let releases = self.0.reader.releases(workflow).await;
        let mut out = BTreeSet::new();
        for release in releases.map_err(read_problem)? {
            // One that cannot be loaded is told of by the release watch.
            if let Ok(found) = self.loaded(release.id).await {
                out.insert(crate::steps::found::provider(&found.ready.model).to_lowercase());
            }
        }
        Ok(out)
    }
}
