//! Who is paid for all workflows together and delivers nothing to any of them.

use std::collections::{BTreeMap, BTreeSet};

use tuesday_domain::ledger::day::Days;
use tuesday_domain::ledger::entry;
use tuesday_domain::ledger::figures::Money;
use tuesday_domain::ledger::paid_for::{Delivers, PaidPart};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::CostEntry;
use tuesday_store::EntryFilter;

use super::idle::{For, IdleVendor, Releases, name, rows};
use super::report::Gathered;
use crate::engine::{Engine, read_problem};

/// A workflow with what it did and what its releases name.
struct Looked {
    workflow: String,
    gathered: Gathered,
    releases: Releases,
}

/// What is known of a vendor.
#[derive(Default)]
struct Vendor {
    paid: Money,
    parts: BTreeSet<PaidPart>,
    delivers: bool,
    untold: Option<String>,
}

impl Engine {
    /// Vendors of costs that no single workflow has, with no confirmed result in any of them.
    pub(super) async fn idle_shared(&self, days: Days) -> Result<Vec<IdleVendor>, Problem> {
        let filter = EntryFilter {
            from: Some(days.from.to_string()),
            to: Some(days.to.to_string()),
            ..EntryFilter::default()
        };
        let mut entries = self.all_costs(&filter).await?;
        entries.retain(|e| e.workflow.is_none() && e.vendor.is_some());
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let all = self.looked(days).await?;
        let any = all
            .iter()
            .any(|l| rows(&l.gathered, days).any(|r| r.figures.resolved > 0));
        let mut vendors: BTreeMap<String, Vendor> = BTreeMap::new();
        for e in &entries {
            let of = e.vendor.clone().unwrap_or_default();
            let vendor = vendors.entry(of).or_default();
            if let (Some(amount), Some(currency), Some(over)) =
                (e.amount_micros, &e.currency, entry::days(e))
            {
                let sum = vendor.paid.entry(currency.clone()).or_default();
                *sum += entry::part(amount, over, days);
            }
            self.held_against(e, &entries, &all, days, vendor).await?;
        }
        let paid = |v: &Vendor| v.paid.values().any(|micros| *micros > 0);
        let idle = vendors.into_iter().filter(|(_, v)| !v.delivers && paid(v));
        Ok(idle.map(|(of, v)| told(of, v, days, any)).collect())
    }

    async fn looked(&self, days: Days) -> Result<Vec<Looked>, Problem> {
        let mut out = Vec::new();
        for row in self.0.reader.workflows().await.map_err(read_problem)? {
            out.push(Looked {
                gathered: self.gathered(Some(&row.name), None, days).await?,
                releases: self.known_parts(&row.name).await?,
                workflow: row.name,
            });
        }
        Ok(out)
    }

    /// Holds one cost against every workflow.
    async fn held_against(
        &self,
        e: &CostEntry,
        entries: &[CostEntry],
        all: &[Looked],
        days: Days,
        vendor: &mut Vendor,
    ) -> Result<(), Problem> {
        for l in all {
            let of = e.vendor.as_deref().unwrap_or_default();
            match l.releases.what_for(of, e, entries) {
                For::Parts(parts) => {
                    for part in parts {
                        vendor.delivers |= self
                            .delivers(&l.workflow, &part, &l.gathered, &l.releases, days)
                            .await?;
                        vendor.parts.insert(part);
                    }
                }
                For::Graders => {}
                For::Untold(why) => vendor.untold = Some(why),
            }
        }
        Ok(())
    }
}

fn told(vendor: String, v: Vendor, days: Days, any: bool) -> IdleVendor {
    let parts: Vec<PaidPart> = v.parts.into_iter().collect();
    let named: Vec<String> = parts.iter().map(name).collect();
    let (delivers, words) = match (named.is_empty(), any) {
        (false, _) => (
            Delivers::Nothing,
            format!(
                "shared by all workflows, and no confirmed result in any through {}",
                named.join(", ")
            ),
        ),
        (true, false) => (
            Delivers::Nothing,
            "shared by all workflows, and no result of any was confirmed".to_owned(),
        ),
        (true, true) => (
            Delivers::CannotBeTold,
            format!(
                "shared by all workflows; {}",
                v.untold
                    .unwrap_or_else(|| "there is no workflow".to_owned())
            ),
        ),
    };
    IdleVendor {
        vendor,
        paid: v.paid,
        days,
        paid_for: parts,
        delivers,
        words,
    }
}
