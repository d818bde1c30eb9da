//! What the same days would cost at another volume: calls by the prices of a table, review in proportion;
//! what was entered stays. A model that the table has no price for is named, and its calls are in no sum.

use serde::Serialize;
use tuesday_domain::ledger::day::Days;
use tuesday_domain::ledger::exposure::{PricedVolume, at_volume};
use tuesday_domain::ledger::figures::Money;
use tuesday_domain::ledger::mul_div;
use tuesday_domain::ledger::price::{NewPrice, PriceTable};
use tuesday_domain::ledger::report::{By, Costs};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{CostCategory, GraderCalls, PriceRow};
use tuesday_domain::time::Timestamp;

use super::unbookable;
use crate::engine::Engine;

/// The same days at another volume.
#[derive(Clone, Debug, Serialize)]
pub struct Forecast {
    /// The span it is made from.
    pub days: Days,
    /// How many times the volume, in thousandths.
    pub factor_milli: i64,
    /// Whose prices: the table of the instance, or one that somebody tries.
    pub table: String,
    /// The calls, model by model, at the prices of the table.
    pub models: Vec<PricedVolume>,
    /// What grows with it: tokens and review, by currency.
    pub grows: Money,
    /// What stays: everything that was entered, and what graders asked, by currency.
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

/// A table that is tried: only its own prices count, for all days.
fn tried(prices: &[NewPrice]) -> Result<PriceTable, Problem> {
    if prices.is_empty() {
        return Err(unbookable("prices", "there is no price in it"));
    }
    let row = |p: &NewPrice| PriceRow {
        version: 1,
        kind: p.kind,
        name: p.name.clone(),
        currency: p.currency.clone(),
        input_micros: p.input_micros,
        output_micros: p.output_micros,
        hour_micros: p.hour_micros,
        starts_at: Timestamp::from_micros(i64::MIN),
        reason: String::new(),
        set_by: String::new(),
        set_at: Timestamp::from_micros(0),
    };
    Ok(PriceTable::new(prices.iter().map(row).collect()))
}

fn too_large() -> Problem {
    Problem::new("bad_request", "the sum is too large").field("volume")
}

fn book(sums: &mut Money, currency: &str, micros: i64) -> Result<(), Problem> {
    let sum = sums.entry(currency.to_owned()).or_default();
    *sum = sum.checked_add(micros).ok_or_else(too_large)?;
    Ok(())
}

impl Engine {
    /// The same days at `factor_milli` thousandths of their volume: calls at the prices in force now, or at
    /// those of `prices` alone.
    ///
    /// # Errors
    /// As [`Engine::cost_report`]; `bad_request` for a factor below 1 or above 1,000,000 thousandths, or a
    /// sum that is too large; `cost_invalid` for a table without a price.
    pub async fn cost_forecast(
        &self,
        workflow: &str,
        days: Days,
        factor_milli: i64,
        prices: Option<&[NewPrice]>,
    ) -> Result<Forecast, Problem> {
        if !(1..=1_000_000).contains(&factor_milli) {
            let words = "0.001x to 1000x";
            return Err(Problem::new("bad_request", words).field("volume"));
        }
        let other = prices.map(tried).transpose()?;
        let gathered = self.gathered(Some(workflow), None, days).await?;
        let table = other.as_ref().unwrap_or(&gathered.prices);
        let mut costs = gathered.report_by(table, days, By::Nothing).total;
        costs.unpriced.clear();
        let (mut grows, mut stays, mut models) = (Money::new(), Money::new(), Vec::new());
        for (release, of) in self.measured(&gathered, days).await {
            if of.calls == 0 {
                continue;
            }
            let price = match &other {
                Some(table) => table.tokens(&of.model, self.now()),
                None => self.price_of_release(release).await,
            };
            let priced = at_volume(&of, price.as_ref(), factor_milli).ok_or_else(too_large)?;
            if let (Some(micros), Some(currency)) = (priced.micros, &priced.currency) {
                book(&mut grows, currency, micros)?;
            } else if !of.built_in {
                *costs.unpriced.entry(of.model.clone()).or_default() += of.calls;
            }
            joined(&mut models, priced);
        }
        with_volume(&costs, factor_milli, &mut grows, &mut stays)?;
        evaluated(&gathered.graders, &mut costs, &mut stays)?;
        let mut total = grows.clone();
        for (currency, micros) in &stays {
            book(&mut total, currency, *micros)?;
        }
        let resolved = i64::try_from(costs.resolved).unwrap_or(i64::MAX);
        let tasks = mul_div(resolved, factor_milli, 1_000).filter(|t| *t > 0);
        let per_task = tasks.map(|tasks| {
            let each = total.iter();
            each.filter_map(|(c, sum)| Some((c.clone(), mul_div(*sum, 1, tasks)?)))
                .collect()
        });
        let version = table.rows().last().map_or(0, |r| r.version);
        Ok(Forecast {
            rests_on: format!(
                "{} runs and {resolved} resolved tasks from {} to {}",
                costs.runs, days.from, days.to
            ),
            table: match (&other, version) {
                (Some(_), _) => "the prices that were given, and no others".to_owned(),
                (None, 0) => "the prices of the packages".to_owned(),
                (None, n) => format!("the price table, version {n}, and the packages' own prices"),
            },
            days,
            factor_milli,
            lacks: costs.lacks(),
            models,
            grows,
            stays,
            total,
            per_task,
        })
    }
}

/// Review grows with the volume, what was entered stays; the calls are priced elsewhere.
fn with_volume(
    costs: &Costs,
    factor_milli: i64,
    grows: &mut Money,
    stays: &mut Money,
) -> Result<(), Problem> {
    for (category, sums) in &costs.by_category {
        for (currency, micros) in sums {
            match category {
                CostCategory::Tokens => {}
                CostCategory::Review => {
                    let grown = mul_div(*micros, factor_milli, 1_000).ok_or_else(too_large)?;
                    book(grows, currency, grown)?;
                }
                _ => book(stays, currency, *micros)?,
            }
        }
    }
    Ok(())
}

/// Evaluations come with releases, not with volume.
fn evaluated(graders: &[GraderCalls], costs: &mut Costs, stays: &mut Money) -> Result<(), Problem> {
    for g in graders {
        if g.unpriced() > 0 {
            *costs.unpriced.entry(g.model.clone()).or_default() += g.unpriced();
        }
        if let (Some(micros), Some(currency)) = (g.cost_micros, &g.currency) {
            book(stays, currency, micros)?;
        }
    }
    Ok(())
}

/// Releases of one model at one price are one line.
fn joined(models: &mut Vec<PricedVolume>, new: PricedVolume) {
    let same = |m: &&mut PricedVolume| {
        (&m.vendor, &m.model, m.price_version, &m.currency)
            == (&new.vendor, &new.model, new.price_version, &new.currency)
    };
    let Some(m) = models.iter_mut().find(same) else {
        models.push(new);
        return;
    };
    m.calls += new.calls;
    m.input_tokens += new.input_tokens;
    m.output_tokens += new.output_tokens;
    m.micros = m.micros.zip(new.micros).map(|(a, b)| a.saturating_add(b));
}
