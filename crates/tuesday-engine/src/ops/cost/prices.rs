//! Somebody sets prices: of a model's tokens, of an hour. Each setting is a version; what was booked by
//! an older one stays booked.

use tuesday_domain::actor::Actor;
use tuesday_domain::definition::ModelSpec;
use tuesday_domain::ledger::TokenPrice;
use tuesday_domain::ledger::price::{NewPrice, PriceTable};
use tuesday_domain::problem::Problem;
use tuesday_domain::ready::Ready;
use tuesday_domain::record::{AuditEntry, MoneyChange, PriceKind, PriceRow, Subject};
use tuesday_domain::time::Timestamp;

use super::unbookable;
use crate::engine::{Engine, read_problem};

impl Engine {
    /// Every version of every price.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn prices(&self) -> Result<PriceTable, Problem> {
        let rows = self.0.reader.prices().await.map_err(read_problem)?;
        Ok(PriceTable::new(rows))
    }

    /// Sets prices, all of them or none; answers the new version of the table.
    ///
    /// # Errors
    /// `cost_invalid` naming the price; `reason_required`, `not_allowed`, `revision_moved` when
    /// somebody else set prices meanwhile.
    pub async fn set_prices(
        &self,
        prices: &[NewPrice],
        reason: &str,
        by: &str,
    ) -> Result<u32, Problem> {
        if reason.trim().is_empty() {
            return Err(Problem::new("reason_required", "prices need a reason").field("reason"));
        }
        self.keeps_ledger(None, by).await?;
        let now = self.now();
        checked(prices, now)?;
        let table = self.prices().await?;
        let version = table.rows().last().map_or(0, |r| r.version) + 1;
        let rows: Vec<PriceRow> = prices
            .iter()
            .map(|p| PriceRow {
                version,
                kind: p.kind,
                name: p.name.clone(),
                currency: p.currency.clone(),
                input_micros: p.input_micros,
                output_micros: p.output_micros,
                hour_micros: p.hour_micros,
                starts_at: p.from.unwrap_or(now),
                reason: reason.trim().to_owned(),
                set_by: by.to_owned(),
                set_at: now,
            })
            .collect();
        let told: Vec<String> = rows.iter().map(told).collect();
        let entry = AuditEntry::new(
            now,
            Actor::Person(by.to_owned()),
            "prices.set",
            Subject::Instance,
        )
        .fact("version", version)
        .fact("prices", told)
        .fact("reason", reason.trim());
        let changes = rows.into_iter().map(MoneyChange::InsertPrice).collect();
        self.money(changes, entry).await?;
        let _ = self.0.catalog.refresh(&self.0.reader).await;
        Ok(version)
    }

    /// What a call of this release's model costs now: by the price table, or else by the package.
    pub(crate) fn token_price(&self, ready: &Ready, now: Timestamp) -> Option<TokenPrice> {
        self.price_of(&ready.model, now)
    }

    /// The same of any model, such as that of a grader.
    pub(crate) fn price_of(&self, spec: &ModelSpec, now: Timestamp) -> Option<TokenPrice> {
        let own = || TokenPrice::of_package(spec.price.as_ref()?);
        self.0.catalog.prices().tokens(&spec.pin, now).or_else(own)
    }
}

fn checked(prices: &[NewPrice], now: Timestamp) -> Result<(), Problem> {
    if prices.is_empty() {
        return Err(unbookable("prices", "there is no price in it"));
    }
    let mut seen = std::collections::BTreeSet::new();
    for p in prices {
        if let Some(why) = p.fault() {
            return Err(unbookable("prices", format!("{}: {why}", p.name)));
        }
        if !seen.insert((p.kind, &p.name)) {
            return Err(unbookable("prices", format!("{} is there twice", p.name)));
        }
        if p.kind == PriceKind::Model && p.from.is_some_and(|at| at < now) {
            let words = format!(
                "{}: calls from before now are booked already; leave `from` empty",
                p.name
            );
            return Err(unbookable("from", words));
        }
    }
    Ok(())
}

/// A price for the audit log; amounts in millionths.
fn told(p: &PriceRow) -> String {
    let n = |v: Option<i64>| v.map_or_else(String::new, |v| format!(" {v}"));
    format!(
        "{} {} {}{}{}{} from {}",
        p.kind,
        p.name,
        p.currency,
        n(p.input_micros),
        n(p.output_micros),
        n(p.hour_micros),
        p.starts_at
    )
}
