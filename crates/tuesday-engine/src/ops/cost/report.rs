//! What it cost: by kind, and divided by workflow, release, tier, week, day or bucket; and who is paid.

use std::collections::BTreeMap;

use serde::Serialize;
use tuesday_domain::csv::line;
use tuesday_domain::ledger::day::Days;
use tuesday_domain::ledger::exposure::VendorVolume;
use tuesday_domain::ledger::price::PriceTable;
use tuesday_domain::ledger::report::{By, Costs, Sources, report};
use tuesday_domain::ledger::shown::Standing;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{CostBucket, CostCategory, CostEntry, DayRow, GraderCalls};
use tuesday_domain::time::Zone;
use tuesday_domain::workflow::Label;
use tuesday_store::EntryFilter;

use super::categories::CategoryLine;
use super::vendors::VendorShare;
use crate::engine::{Engine, read_problem};

/// Events of a label that are read at once.
const LABELS: usize = 200;
/// Money for a second use case before the first workflow ships.
const EARLY: &str =
    "the second use case costs money before the first workflow is called production";

/// The costs of one group under its name.
#[derive(Clone, Debug, Serialize)]
pub struct NamedCosts {
    /// Stable name: an id, a day, a tier.
    pub key: String,
    /// For people.
    pub name: String,
    /// What it came to.
    pub costs: Costs,
}

/// A cost report.
#[derive(Clone, Debug, Serialize)]
pub struct CostReport {
    /// Workflow name; absent for all of them.
    pub workflow: Option<String>,
    /// The span.
    pub days: Days,
    /// What it is divided by.
    pub by: By,
    /// The groups in order.
    pub groups: Vec<NamedCosts>,
    /// All of them together.
    pub total: Costs,
    /// The six kinds of cost, each measured, estimated or missing.
    pub categories: Vec<CategoryLine>,
    /// What somebody should look at.
    pub flags: Vec<String>,
    /// Who is paid.
    pub vendors: Vec<VendorShare>,
    /// Who answers the model calls.
    pub volume: Vec<VendorVolume>,
    /// What is lacking, so that the total is the least it can have cost.
    pub lacks: Vec<String>,
}

impl CostReport {
    /// As CSV: one row for each group, kind of cost and currency; a kind that lacks something has a row without a
    /// sum, and a group without any has one too, so that nothing unpriced looks free.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = line(&[
            "group", "name", "category", "currency", "micros", "resolved", "runs", "standing",
            "lacks",
        ]);
        for g in &self.groups {
            let (resolved, runs) = (g.costs.resolved.to_string(), g.costs.runs.to_string());
            let lacks = g.costs.lacks().join("; ");
            let rows = rows(&g.costs);
            for (category, currency, micros, standing) in rows {
                text.push_str(&line(&[
                    &g.key, &g.name, category, currency, &micros, &resolved, &runs, standing,
                    &lacks,
                ]));
            }
        }
        text
    }
}

/// Kind, currency, sum and how it is known.
fn rows(costs: &Costs) -> Vec<(&'static str, &str, String, &'static str)> {
    let mut out = Vec::new();
    for category in CostCategory::ALL {
        let lacks = costs.lacks_of(*category);
        let sums = costs.by_category.get(category).filter(|s| !s.is_empty());
        let standing = match (sums.is_some(), lacks) {
            (true, false) => Standing::Measured,
            (true, true) => Standing::Estimated,
            (false, _) => Standing::Missing,
        };
        let (kind, standing) = (category.word(), standing.word());
        match sums {
            Some(sums) => out.extend(
                sums.iter()
                    .map(|(c, n)| (kind, c.as_str(), n.to_string(), standing)),
            ),
            None if lacks => out.push((kind, "", String::new(), standing)),
            None => {}
        }
    }
    if out.is_empty() && costs.runs > 0 {
        let (kind, standing) = (CostCategory::Tokens.word(), Standing::Measured.word());
        out.push((kind, "", "0".to_owned(), standing));
    } else if out.is_empty() {
        out.push(("", "", String::new(), Standing::Missing.word()));
    }
    out
}

/// Everything a report is made from, read once.
pub(super) struct Gathered {
    pub(super) rows: Vec<DayRow>,
    pub(super) entries: Vec<CostEntry>,
    /// What graders asked in evaluations.
    pub(super) graders: Vec<GraderCalls>,
    pub(super) prices: PriceTable,
    pub(super) zone: Zone,
    /// The workflow that was installed first, where a report is by bucket.
    pub(super) first: Option<String>,
}

impl Gathered {
    pub(super) fn report(&self, days: Days, by: By) -> tuesday_domain::ledger::report::Report {
        self.report_by(&self.prices, days, by)
    }

    /// The same by another table of prices; calls stay booked as they are.
    pub(super) fn report_by(
        &self,
        prices: &PriceTable,
        days: Days,
        by: By,
    ) -> tuesday_domain::ledger::report::Report {
        let sources = Sources {
            days: &self.rows,
            entries: &self.entries,
            graders: &self.graders,
            prices,
            zone: &self.zone,
            first: self.first.as_deref(),
        };
        report(&sources, days, by)
    }

    /// Entered minutes of upkeep on these days, in milliseconds.
    pub(super) fn upkeep_ms(&self, days: Days) -> i64 {
        self.entered_ms(days, &[CostCategory::Maintenance, CostCategory::Support])
    }

    /// Entered minutes of these kinds on these days, in milliseconds.
    pub(super) fn entered_ms(&self, days: Days, of: &[CostCategory]) -> i64 {
        use tuesday_domain::ledger::entry::{days as over, part};
        let upkeep = |e: &&CostEntry| of.contains(&e.category) && e.workflow.is_some();
        let ms = |e: &CostEntry| {
            let whole = e.minutes?.saturating_mul(60_000);
            Some(part(whole, over(e)?, days))
        };
        self.entries.iter().filter(upkeep).filter_map(ms).sum()
    }
}

impl Engine {
    /// Reads what reports over these days are made from. `among` are the workflows that the reader may
    /// see; absent means all.
    pub(super) async fn gathered(
        &self,
        workflow: Option<&str>,
        among: Option<&[String]>,
        days: Days,
    ) -> Result<Gathered, Problem> {
        let (from, to) = (days.from.to_string(), days.to.to_string());
        let filter = EntryFilter {
            workflow: workflow.map(str::to_owned),
            among: among.map(<[String]>::to_vec),
            from: Some(from.clone()),
            to: Some(to.clone()),
            ..EntryFilter::default()
        };
        let reader = &self.0.reader;
        let states = async {
            let found = reader.day_figures(workflow, among, (&from, &to)).await;
            found.map_err(read_problem)
        };
        let graders = async {
            let found = reader.graded_calls(workflow, among, (&from, &to)).await;
            found.map_err(read_problem)
        };
        let (states, entries, prices, graders) =
            tokio::try_join!(states, self.all_costs(&filter), self.prices(), graders)?;
        let zone = match workflow {
            Some(name) => self.live(name).await?.1.ready.zone.clone(),
            None => Zone::named("UTC").map_err(|e| Problem::new("internal", e.to_string()))?,
        };
        Ok(Gathered {
            rows: states.into_iter().flat_map(|s| s.rows).collect(),
            entries,
            graders,
            prices,
            zone,
            first: None,
        })
    }

    /// The cost report. Costs that several workflows share are in the report of all, and not in that
    /// of one: nobody has said whose they are.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn cost_report(
        &self,
        workflow: Option<&str>,
        among: Option<&[String]>,
        days: Days,
        by: By,
    ) -> Result<CostReport, Problem> {
        let mut gathered = self.gathered(workflow, among, days).await?;
        let mut shipped = true;
        if by == By::Bucket {
            let first = self.first_workflow().await?;
            shipped = first.as_ref().is_none_or(|(_, ships)| *ships);
            gathered.first = first.map(|(name, _)| name);
        }
        let made = gathered.report(days, by);
        let early = made.groups.get(CostBucket::SecondUseCase.word());
        let flags = early
            .filter(|c| !shipped && (!c.total.is_empty() || !c.lacks().is_empty()))
            .map(|_| EARLY.to_owned());
        let names = match (by, workflow) {
            (By::Release, Some(name)) => self.release_titles(name).await?,
            _ => BTreeMap::new(),
        };
        let groups = made.groups.into_iter().map(|(key, costs)| NamedCosts {
            name: names.get(&key).cloned().unwrap_or_else(|| key.clone()),
            key,
            costs,
        });
        let (vendors, volume) = self.vendors(&gathered, days).await;
        Ok(CostReport {
            workflow: workflow.map(str::to_owned),
            days,
            by,
            groups: groups.collect(),
            categories: self.cost_lines(workflow, &made.total).await?,
            flags: flags.into_iter().collect(),
            lacks: made.total.lacks(),
            total: made.total,
            vendors,
            volume,
        })
    }

    /// The workflow that was installed first, and whether it was ever called production.
    async fn first_workflow(&self) -> Result<Option<(String, bool)>, Problem> {
        let all = self.0.reader.workflows().await.map_err(read_problem)?;
        let Some(first) = all.into_iter().min_by_key(|w| w.installed_at) else {
            return Ok(None);
        };
        let ships = match first.label {
            Label::Production => true,
            // Whether it ever was, before it was given up.
            Label::Retired => self.was_production(&first.name).await?,
            _ => false,
        };
        Ok(Some((first.name, ships)))
    }

    async fn was_production(&self, workflow: &str) -> Result<bool, Problem> {
        let mut before = 0;
        loop {
            let page = self.0.reader.label_history(workflow, before, LABELS).await;
            let page = page.map_err(read_problem)?;
            if page.iter().any(|e| e.label == Label::Production) {
                return Ok(true);
            }
            match page.last() {
                Some(last) if page.len() == LABELS && last.seq > 1 => before = last.seq,
                _ => return Ok(false),
            }
        }
    }

    /// What each release of a workflow is called.
    pub(super) async fn release_titles(
        &self,
        workflow: &str,
    ) -> Result<BTreeMap<String, String>, Problem> {
        let found = self.0.reader.release_names(workflow).await;
        let found = found.map_err(read_problem)?;
        let title = |n: u32| format!("Release {n}");
        Ok(found
            .into_iter()
            .map(|r| (r.id.to_string(), title(r.number)))
            .collect())
    }
}
