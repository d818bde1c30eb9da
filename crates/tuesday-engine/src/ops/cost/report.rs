//! What it cost: by kind, and divided by workflow, release, tier, week or day; who is paid; what it would
//! cost at another volume.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;
use tuesday_domain::ledger::day::Days;
use tuesday_domain::ledger::figures::Money;
use tuesday_domain::ledger::interval::WHOLE;
use tuesday_domain::ledger::mul_div;
use tuesday_domain::ledger::price::PriceTable;
use tuesday_domain::ledger::report::{By, Costs, Sources, report};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{CostCategory, CostEntry, DayRow};
use tuesday_domain::time::Zone;
use tuesday_store::EntryFilter;

use crate::engine::{Engine, read_problem};

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

/// Who is paid how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VendorShare {
    /// Name of the vendor.
    pub vendor: String,
    /// Currency.
    pub currency: String,
    /// Millionths of it.
    pub micros: i64,
    /// Millionths of everything paid in that currency; they add up to the whole.
    pub share_ppm: i64,
    /// Model calls.
    pub calls: u64,
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
    /// Who is paid.
    pub vendors: Vec<VendorShare>,
    /// What is lacking, so that the total is the least it can have cost.
    pub lacks: Vec<String>,
}

/// The same days at another volume.
#[derive(Clone, Debug, Serialize)]
pub struct Forecast {
    /// The span it is made from.
    pub days: Days,
    /// How many times the volume, in thousandths.
    pub factor_milli: i64,
    /// What grows with it: tokens and review, by currency.
    pub grows: Money,
    /// What stays: everything that was entered, by currency.
    pub stays: Money,
    /// Both.
    pub total: Money,
    /// For a resolved task; absent without any.
    pub per_task: Option<Money>,
    /// What it rests on.
    pub rests_on: String,
    /// What is lacking.
    pub lacks: Vec<String>,
}

/// Everything a report is made from, read once.
pub(super) struct Gathered {
    pub(super) rows: Vec<DayRow>,
    pub(super) entries: Vec<CostEntry>,
    pub(super) prices: PriceTable,
    pub(super) zone: Zone,
}

impl Gathered {
    pub(super) fn report(&self, days: Days, by: By) -> tuesday_domain::ledger::report::Report {
        let sources = Sources {
            days: &self.rows,
            entries: &self.entries,
            prices: &self.prices,
            zone: &self.zone,
        };
        report(&sources, days, by)
    }

    /// Entered minutes of upkeep on these days, in milliseconds.
    pub(super) fn upkeep_ms(&self, days: Days) -> i64 {
        use tuesday_domain::ledger::entry::{days as over, part};
        let upkeep = |e: &&CostEntry| {
            matches!(
                e.category,
                CostCategory::Maintenance | CostCategory::Support
            ) && e.workflow.is_some()
        };
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
        let (states, entries, prices) =
            tokio::try_join!(states, self.all_costs(&filter), self.prices())?;
        let zone = match workflow {
            Some(name) => self.live(name).await?.1.ready.zone.clone(),
            None => Zone::named("UTC").map_err(|e| Problem::new("internal", e.to_string()))?,
        };
        Ok(Gathered {
            rows: states.into_iter().flat_map(|s| s.rows).collect(),
            entries,
            prices,
            zone,
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
        let gathered = self.gathered(workflow, among, days).await?;
        let made = gathered.report(days, by);
        let names = match (by, workflow) {
            (By::Release, Some(name)) => self.release_titles(name).await?,
            _ => BTreeMap::new(),
        };
        let groups = made.groups.into_iter().map(|(key, costs)| NamedCosts {
            name: names.get(&key).cloned().unwrap_or_else(|| key.clone()),
            key,
            costs,
        });
        Ok(CostReport {
            workflow: workflow.map(str::to_owned),
            days,
            by,
            groups: groups.collect(),
            lacks: made.total.lacks(),
            total: made.total,
            vendors: self.vendors(&gathered, days).await,
        })
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

    async fn vendors(&self, gathered: &Gathered, days: Days) -> Vec<VendorShare> {
        let mut sums: BTreeMap<(String, String), (i64, u64)> = BTreeMap::new();
        let mut providers: BTreeMap<tuesday_domain::id::ReleaseId, String> = BTreeMap::new();
        let inside =
            |day: &str| tuesday_domain::ledger::day::Day::parse(day).is_ok_and(|day| days.has(day));
        for row in gathered.rows.iter().filter(|r| inside(&r.day)) {
            if let Entry::Vacant(new) = providers.entry(row.release) {
                let loaded = self.loaded(row.release).await;
                let name = loaded.map(|r| crate::steps::found::provider(&r.ready.model));
                new.insert(name.unwrap_or_else(|_| "unknown".to_owned()));
            }
            let vendor = &providers[&row.release];
            let f = &row.figures;
            let mut calls = f.calls;
            for (currency, micros) in f.first.iter().chain(&f.again) {
                let sum = sums.entry((currency.clone(), vendor.clone())).or_default();
                sum.0 += micros;
                sum.1 += std::mem::take(&mut calls);
            }
        }
        for e in &gathered.entries {
            let over = tuesday_domain::ledger::entry::days(e);
            if let (Some(vendor), Some(amount), Some(currency), Some(over)) =
                (&e.vendor, e.amount_micros, &e.currency, over)
            {
                let part = tuesday_domain::ledger::entry::part(amount, over, days);
                sums.entry((currency.clone(), vendor.clone()))
                    .or_default()
                    .0 += part;
            }
        }
        shares(sums)
    }

    /// The same days at `factor_milli` thousandths of their volume: tokens and review grow with it,
    /// what was entered stays.
    ///
    /// # Errors
    /// As [`Engine::cost_report`]; `bad_request` for a factor below 1 or above 1,000,000 thousandths.
    pub async fn cost_forecast(
        &self,
        workflow: &str,
        days: Days,
        factor_milli: i64,
    ) -> Result<Forecast, Problem> {
        if !(1..=1_000_000).contains(&factor_milli) {
            let words = "0.001x to 1000x";
            return Err(Problem::new("bad_request", words).field("volume"));
        }
        let report = self
            .cost_report(Some(workflow), None, days, By::Nothing)
            .await?;
        let (mut grows, mut stays, mut total) = (Money::new(), Money::new(), Money::new());
        for (category, sums) in &report.total.by_category {
            let with_volume = matches!(category, CostCategory::Tokens | CostCategory::Review);
            for (currency, micros) in sums {
                let (sum, of) = if with_volume {
                    (mul_div(*micros, factor_milli, 1_000), &mut grows)
                } else {
                    (Some(*micros), &mut stays)
                };
                let sum = sum.ok_or_else(|| {
                    Problem::new("bad_request", "the sum is too large").field("volume")
                })?;
                *of.entry(currency.clone()).or_default() += sum;
                *total.entry(currency.clone()).or_default() += sum;
            }
        }
        let resolved = i64::try_from(report.total.resolved).unwrap_or(i64::MAX);
        let tasks = mul_div(resolved, factor_milli, 1_000).filter(|t| *t > 0);
        let per_task = tasks.map(|tasks| {
            let each = total.iter();
            each.filter_map(|(c, sum)| Some((c.clone(), mul_div(*sum, 1, tasks)?)))
                .collect()
        });
        Ok(Forecast {
            rests_on: format!(
                "{} runs and {resolved} resolved tasks from {} to {}",
                report.total.runs, days.from, days.to
            ),
            days,
            factor_milli,
            grows,
            stays,
            total,
            per_task,
            lacks: report.lacks,
        })
    }
}

/// Shares that add up to the whole: what rounding leaves goes to the largest.
fn shares(sums: BTreeMap<(String, String), (i64, u64)>) -> Vec<VendorShare> {
    let mut totals = Money::new();
    for ((currency, _), (micros, _)) in &sums {
        *totals.entry(currency.clone()).or_default() += micros;
    }
    let mut out: Vec<VendorShare> = sums
        .into_iter()
        .map(|((currency, vendor), (micros, calls))| VendorShare {
            share_ppm: mul_div(micros, WHOLE, totals[&currency]).unwrap_or(0),
            vendor,
            currency,
            micros,
            calls,
        })
        .collect();
    out.sort_by(|a, b| (&a.currency, -a.micros).cmp(&(&b.currency, -b.micros)));
    for currency in totals.keys() {
        let own = |v: &&mut VendorShare| v.currency == *currency;
        let all: i64 = out
            .iter()
            .filter(|v| v.currency == *currency)
            .map(|v| v.share_ppm)
            .sum();
        if let Some(first) = out.iter_mut().find(own)
            && all != 0
        {
            first.share_ppm += WHOLE - all;
        }
    }
    out
}
