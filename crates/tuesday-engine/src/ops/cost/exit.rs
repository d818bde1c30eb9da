//! What leaving each vendor of a workflow would take: what is bound to it, whether an alternative was tried
//! and how it did, and how many days it is. What nobody tried is untested, and an estimate is called one.

use serde::Serialize;
use tuesday_domain::definition::ModelSpec;
use tuesday_domain::ledger::exit::{Bound, DayRange, vendors};
use tuesday_domain::ledger::interval::difference;
use tuesday_domain::ledger::price::amount;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, ExitEstimate, MoneyChange, Subject, SwapDrill};
use tuesday_store::EntryFilter;

use super::unbookable;
use crate::engine::{Engine, read_problem};
use crate::ops::standing::reasoned;
use crate::steps::found::provider;

/// A drill that is older does not count as a tested alternative, in days.
const DRILL_DAYS: u64 = 365;
/// Rows that are read.
const ROWS: usize = 200;

/// Who answers for a model: the named provider, its host, or the kind of model.
#[must_use]
pub fn provider_of(spec: &ModelSpec) -> String {
    provider(spec)
}

/// An alternative that was tried with the pack.
#[derive(Clone, Debug, Serialize)]
pub struct Tested {
    /// Number of the drill within the workflow.
    pub drill: u32,
    /// Provider of the alternative.
    pub provider: String,
    /// Its pinned model.
    pub model: String,
    /// When, RFC 3339.
    pub at: String,
    /// Who tried it.
    pub by: String,
    /// Cases of the pack.
    pub cases: u64,
    /// Of them, passed by the model that is live.
    pub passed_live: u64,
    /// Passed by the alternative.
    pub passed: u64,
    /// Quality of the alternative less that of the live model, in millionths of the cases.
    pub quality_ppm: Option<i64>,
    /// Both ends of its 95 % interval.
    pub quality_range_ppm: Option<(i64, i64)>,
    /// `better`, `worse` or `cannot_tell`, by McNemar's test.
    pub standing: String,
    /// What a case costs more than now, in millionths; absent when a cost is unknown or in another currency.
    pub cost_micros: Option<i64>,
    /// Of which currency.
    pub currency: Option<String>,
}

/// A vendor of the live release.
#[derive(Clone, Debug, Serialize)]
pub struct VendorExit {
    /// In the words of the package.
    pub vendor: String,
    /// What is bound to it.
    pub bound: Vec<Bound>,
    /// `tested` or `untested`.
    pub alternative: &'static str,
    /// The newest drill; absent for what nobody tried.
    pub tested: Option<Tested>,
    /// What is to be known about that, in words.
    pub words: String,
    /// Days of work, in tenths: an estimate.
    pub days: DayRange,
    /// `from_what_is_bound`, or `given` by a person.
    pub estimate: &'static str,
    /// Who gave it, when and why.
    pub given: Option<String>,
}

/// What leaving would take, vendor by vendor, with what was entered for it.
#[derive(Clone, Debug, Serialize)]
pub struct ExitCost {
    /// Workflow name.
    pub workflow: String,
    /// For people.
    pub title: String,
    /// Number of the live release.
    pub release: u32,
    /// The model's vendor first.
    pub vendors: Vec<VendorExit>,
    /// The sum of the days: a range.
    pub days: DayRange,
    /// Vendors without a tested alternative.
    pub untested: u64,
    /// What was entered in the ledger under `exit`: millionths by currency.
    pub entered: std::collections::BTreeMap<String, i64>,
    /// Minutes entered under `exit`.
    pub entered_minutes: i64,
}

/// A drill as it came out.
#[derive(Clone, Debug)]
pub struct NewDrill {
    /// Provider of the alternative.
    pub provider: String,
    /// Its pinned model.
    pub model: String,
    /// Hash of the pack, hex.
    pub pack_hash: String,
    /// Cases tried.
    pub cases: u64,
    /// Passed by the live model.
    pub passed_live: u64,
    /// Passed by the alternative.
    pub passed: u64,
    /// By McNemar's test.
    pub standing: String,
    /// What all trials of the live model cost; absent when some cost is unknown.
    pub cost_live_micros: Option<i64>,
    /// Of the alternative.
    pub cost_micros: Option<i64>,
    /// Currency of both; absent when they differ, or no price is known.
    pub currency: Option<String>,
}

fn tested(d: &SwapDrill) -> Tested {
    let share = |n| tuesday_domain::ledger::interval::share_ppm(n, d.cases);
    let of = |n: i64| i64::try_from(d.cases).ok().and_then(|c| n.checked_div(c));
    Tested {
        drill: d.seq,
        provider: d.provider.clone(),
        model: d.model.clone(),
        at: d.at.rfc3339(),
        by: d.by.clone(),
        cases: d.cases,
        passed_live: d.passed_live,
        passed: d.passed,
        quality_ppm: share(d.passed)
            .zip(share(d.passed_live))
            .map(|(a, b)| a - b),
        quality_range_ppm: difference((d.passed_live, d.cases), (d.passed, d.cases)),
        standing: d.standing.clone(),
        cost_micros: d
            .cost_micros
            .zip(d.cost_live_micros)
            .filter(|_| d.currency.is_some())
            .and_then(|(a, b)| of(a - b)),
        currency: d.currency.clone(),
    }
}

impl Engine {
    /// What leaving each vendor of the workflow would take.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`, `record_damaged`.
    pub async fn exit_cost(&self, name: &str) -> Result<ExitCost, Problem> {
        let (row, live) = self.live(name).await?;
        let own = provider(&live.ready.model);
        let reader = &self.0.reader;
        let drills = reader.swap_drills(name, ROWS).await.map_err(read_problem)?;
        let given = reader.exit_estimates(name).await.map_err(read_problem)?;
        let now = self.now();
        let pin = &live.ready.model.pin;
        let young = |d: &&SwapDrill| now.since(d.at).as_secs() <= DRILL_DAYS * 86_400;
        let newest = drills
            .iter()
            .filter(young)
            .find(|d| d.provider_live == own && d.model_live == *pin && d.provider != own);
        let mut out = Vec::new();
        for v in vendors(&live.ready, &own) {
            let drill = newest.filter(|_| v.has_model());
            let said = given.iter().find(|g| g.vendor == v.vendor);
            let words = match drill {
                Some(d) => format!("{} with {} was tried with the pack", d.provider, d.model),
                None if v.has_model() => format!(
                    "untested: no other provider than {own} was tried for {pin} within a year (tuesday eval {name} --provider FILE --keep)"
                ),
                None => "untested: nobody tried another system in its place".to_owned(),
            };
            let days = said.map_or_else(
                || v.days(drill.is_some()),
                |g| DayRange {
                    low_tenths: g.days_tenths,
                    high_tenths: g.days_tenths,
                },
            );
            out.push(VendorExit {
                alternative: if drill.is_some() {
                    "tested"
                } else {
                    "untested"
                },
                tested: drill.map(tested),
                words,
                days,
                estimate: if said.is_some() {
                    "given"
                } else {
                    "from_what_is_bound"
                },
                given: said.map(|g| format!("{}, {}: {}", g.by, g.at.rfc3339(), g.reason)),
                vendor: v.vendor,
                bound: v.bound,
            });
        }
        let sum = |get: fn(&DayRange) -> u32| {
            let each = out.iter().map(|v| get(&v.days));
            each.fold(0_u32, u32::saturating_add)
        };
        let (entered, entered_minutes) = self.entered_for_exit(name).await?;
        Ok(ExitCost {
            workflow: row.name.clone(),
            title: row.title.clone(),
            release: live.number,
            days: DayRange {
                low_tenths: sum(|d| d.low_tenths),
                high_tenths: sum(|d| d.high_tenths),
            },
            untested: out.iter().filter(|v| v.tested.is_none()).count() as u64,
            vendors: out,
            entered,
            entered_minutes,
        })
    }

    /// What people entered under `exit`: money by currency, and minutes.
    async fn entered_for_exit(
        &self,
        name: &str,
    ) -> Result<(std::collections::BTreeMap<String, i64>, i64), Problem> {
        let filter = EntryFilter {
            workflow: Some(name.to_owned()),
            ..EntryFilter::default()
        };
        let (mut money, mut minutes, mut after) = (std::collections::BTreeMap::new(), 0, None);
        loop {
            let page = self.0.reader.cost_entries(&filter, after, ROWS).await;
            let page = page.map_err(read_problem)?;
            after = page.last().map(|e| e.id);
            let own = page
                .iter()
                .filter(|e| e.category == tuesday_domain::record::CostCategory::Exit);
            for e in own {
                minutes += e.minutes.unwrap_or(0);
                if let (Some(amount), Some(currency)) = (e.amount_micros, &e.currency) {
                    *money.entry(currency.clone()).or_default() += amount;
                }
            }
            if page.len() < ROWS {
                return Ok((money, minutes));
            }
        }
    }

    /// Keeps what trying another provider came to.
    ///
    /// # Errors
    /// `bad_request` naming what is wrong, `not_allowed`, `unknown_workflow`, `revision_moved`.
    pub async fn keep_drill(
        &self,
        name: &str,
        new: NewDrill,
        by: &str,
    ) -> Result<SwapDrill, Problem> {
        let (_, live) = self.live(name).await?;
        self.keeps_ledger(Some(name), by).await?;
        let own = provider(&live.ready.model);
        let bad = |words: String| Problem::new("bad_request", words).field("provider");
        if live.ready.model.kind.is_built_in() {
            return Err(bad(
                "the live model is built in: there is no vendor of it to leave".to_owned(),
            ));
        }
        if new.provider == own {
            return Err(bad(format!(
                "{own} is the provider that is live; a drill tries another one"
            )));
        }
        if new.cases == 0 || new.passed.max(new.passed_live) > new.cases {
            return Err(bad("no case of the pack was tried".to_owned()));
        }
        let old = self.0.reader.swap_drills(name, 1).await;
        let old = old.map_err(read_problem)?;
        let row = SwapDrill {
            workflow: name.to_owned(),
            seq: old.first().map_or(0, |d| d.seq) + 1,
            release: live.id,
            provider_live: own,
            model_live: live.ready.model.pin.clone(),
            provider: new.provider,
            model: new.model,
            pack_hash: new.pack_hash,
            cases: new.cases,
            passed_live: new.passed_live,
            passed: new.passed,
            standing: new.standing,
            cost_live_micros: new.cost_live_micros,
            cost_micros: new.cost_micros,
            currency: new.currency,
            by: by.to_owned(),
            at: self.now(),
        };
        let subject = Subject::Workflow(name.to_owned());
        let actor = tuesday_domain::actor::Actor::Person(by.to_owned());
        let entry = AuditEntry::new(row.at, actor, "exit.drilled", subject)
            .fact("drill", row.seq)
            .fact("provider", row.provider.clone())
            .fact("model", row.model.clone())
            .fact("cases", row.cases)
            .fact("passed", row.passed)
            .fact("passed_live", row.passed_live)
            .fact("standing", row.standing.clone());
        self.money(vec![MoneyChange::InsertDrill(Box::new(row.clone()))], entry)
            .await?;
        Ok(row)
    }

    /// Somebody says how many days leaving a vendor would take.
    ///
    /// # Errors
    /// `cost_invalid` naming the field, `reason_required`, `not_allowed`, `unknown_workflow`.
    pub async fn estimate_exit(
        &self,
        name: &str,
        vendor: &str,
        days: &str,
        reason: &str,
        by: &str,
    ) -> Result<ExitEstimate, Problem> {
        reasoned(reason)?;
        let (_, live) = self.live(name).await?;
        self.keeps_ledger(Some(name), by).await?;
        let known = vendors(&live.ready, &provider(&live.ready.model));
        if !known.iter().any(|v| v.vendor == vendor) {
            let names: Vec<&str> = known.iter().map(|v| v.vendor.as_str()).collect();
            let words = format!("{name} has no vendor `{vendor}`: {}", names.join(", "));
            return Err(unbookable("vendor", words));
        }
        let tenths = amount(days)
            .ok()
            .and_then(|micros| {
                micros
                    .checked_div(100_000)
                    .filter(|n| n * 100_000 == micros)
            })
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| (1..=100_000).contains(n))
            .ok_or_else(|| {
                unbookable(
                    "days",
                    format!("`{days}` is not a number of days from 0.1 to 10000, in tenths"),
                )
            })?;
        let given = self.0.reader.exit_estimates(name).await;
        let given = given.map_err(read_problem)?;
        let before = given.iter().find(|g| g.vendor == vendor);
        let row = ExitEstimate {
            workflow: name.to_owned(),
            vendor: vendor.to_owned(),
            version: before.map_or(0, |g| g.version) + 1,
            days_tenths: tenths,
            reason: reason.trim().to_owned(),
            by: by.to_owned(),
            at: self.now(),
        };
        let subject = Subject::Workflow(name.to_owned());
        let actor = tuesday_domain::actor::Actor::Person(by.to_owned());
        let entry = AuditEntry::new(row.at, actor, "exit.estimated", subject)
            .fact("vendor", row.vendor.clone())
            .fact("days_tenths", row.days_tenths)
            .fact("reason", row.reason.clone());
        self.money(vec![MoneyChange::InsertEstimate(row.clone())], entry)
            .await?;
        Ok(row)
    }
}
