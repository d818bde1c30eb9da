//! Who is paid, and who answers the model calls: each vendor's share of both.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::ledger::day::{Day, Days};
use tuesday_domain::ledger::entry;
use tuesday_domain::ledger::exposure::{Measured, VendorVolume, shares};

use super::report::Gathered;
use crate::engine::Engine;

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

/// Sums by currency and vendor, with model calls.
type Paid = BTreeMap<(String, String), (i64, u64)>;

impl Engine {
    /// What was measured of each release's model on these days; what cannot be loaded is of an unknown
    /// vendor.
    pub(super) async fn measured(
        &self,
        gathered: &Gathered,
        days: Days,
    ) -> BTreeMap<ReleaseId, Measured> {
        let mut out: BTreeMap<ReleaseId, Measured> = BTreeMap::new();
        let inside = |day: &str| Day::parse(day).is_ok_and(|day| days.has(day));
        for row in gathered.rows.iter().filter(|r| inside(&r.day)) {
            let of = match out.entry(row.release) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(self.model_of(row.release).await),
            };
            let f = &row.figures;
            of.calls += f.calls;
            of.unreported += f.unreported;
            of.input_tokens += f.input_tokens;
            of.output_tokens += f.output_tokens;
        }
        out
    }

    /// A release's model, with nothing measured yet.
    async fn model_of(&self, release: ReleaseId) -> Measured {
        match self.loaded(release).await {
            Ok(found) => Measured {
                vendor: crate::steps::found::provider(&found.ready.model),
                model: found.ready.model.pin.clone(),
                built_in: found.ready.model.kind.is_built_in(),
                ..Measured::default()
            },
            Err(_) => Measured {
                vendor: "unknown".to_owned(),
                model: "unknown".to_owned(),
                ..Measured::default()
            },
        }
    }

    /// Shares of what was paid, by currency, and of the model calls.
    pub(super) async fn vendors(
        &self,
        gathered: &Gathered,
        days: Days,
    ) -> (Vec<VendorShare>, Vec<VendorVolume>) {
        let measured = self.measured(gathered, days).await;
        let mut paid = Paid::new();
        let mut calls: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        let inside = |day: &str| Day::parse(day).is_ok_and(|day| days.has(day));
        for row in gathered.rows.iter().filter(|r| inside(&r.day)) {
            let Some(of) = measured.get(&row.release) else {
                continue;
            };
            let f = &row.figures;
            let mut uncounted = f.calls;
            for (currency, micros) in f.first.iter().chain(&f.again) {
                let sum = paid
                    .entry((currency.clone(), of.vendor.clone()))
                    .or_default();
                sum.0 += micros;
                sum.1 += std::mem::take(&mut uncounted);
            }
            let own = calls.entry(of.vendor.clone()).or_default();
            own.0 += f.calls;
            own.1 += f.unpriced.values().sum::<u64>();
        }
        for (release, of) in &measured {
            if self.has_no_price(*release, of).await
                && let Some(own) = calls.get_mut(&of.vendor)
            {
                own.1 += of.unreported;
            }
        }
        for g in &gathered.graders {
            if !inside(&g.day) {
                continue;
            }
            if let (Some(micros), Some(currency)) = (g.cost_micros, &g.currency) {
                let place = (currency.clone(), g.vendor.clone());
                let sum = paid.entry(place).or_default();
                sum.0 += micros;
                sum.1 += g.calls;
            }
            let own = calls.entry(g.vendor.clone()).or_default();
            own.0 += g.calls;
            // Without a price nothing of them is known, reported or not.
            own.1 += g.cost_micros.map_or(g.calls, |_| 0);
        }
        for e in &gathered.entries {
            if let (Some(vendor), Some(amount), Some(currency), Some(over)) =
                (&e.vendor, e.amount_micros, &e.currency, entry::days(e))
            {
                let part = entry::part(amount, over, days);
                paid.entry((currency.clone(), vendor.clone()))
                    .or_default()
                    .0 += part;
            }
        }
        (spend(paid), volume(calls))
    }

    /// Calls whose usage nobody reported, of a model that has no price either: volume that is in no cost.
    pub(super) async fn has_no_price(&self, release: ReleaseId, of: &Measured) -> bool {
        of.unreported > 0 && !of.built_in && self.price_of_release(release).await.is_none()
    }

    /// What a call of this release's model costs now; nothing without a price, or when the release cannot
    /// be loaded.
    pub(super) async fn price_of_release(
        &self,
        release: ReleaseId,
    ) -> Option<tuesday_domain::ledger::TokenPrice> {
        let loaded = self.loaded(release).await.ok()?;
        self.token_price(&loaded.ready, self.now())
    }
}

fn volume(calls: BTreeMap<String, (u64, u64)>) -> Vec<VendorVolume> {
    let called: Vec<_> = calls.into_iter().filter(|(_, (n, _))| *n > 0).collect();
    let parts: Vec<i64> = called
        .iter()
        .map(|(_, (n, _))| i64::try_from(*n).unwrap_or(i64::MAX))
        .collect();
    let mut out: Vec<VendorVolume> = called
        .into_iter()
        .zip(shares(&parts))
        .map(|((vendor, (calls, unpriced)), share_ppm)| VendorVolume {
            vendor,
            calls,
            share_ppm,
            unpriced,
        })
        .collect();
    out.sort_by_key(|v| std::cmp::Reverse(v.calls));
    out
}

fn spend(paid: Paid) -> Vec<VendorShare> {
    let mut by_currency: BTreeMap<String, Vec<(String, i64, u64)>> = BTreeMap::new();
    for ((currency, vendor), (micros, calls)) in paid {
        let all = by_currency.entry(currency).or_default();
        all.push((vendor, micros, calls));
    }
    let mut out = Vec::new();
    for (currency, mut all) in by_currency {
        all.sort_by_key(|(_, micros, _)| std::cmp::Reverse(*micros));
        let parts: Vec<i64> = all.iter().map(|(_, micros, _)| *micros).collect();
        let each = all.into_iter().zip(shares(&parts));
        out.extend(
            each.map(|((vendor, micros, calls), share_ppm)| VendorShare {
                vendor,
                currency: currency.clone(),
                micros,
                share_ppm,
                calls,
            }),
        );
    }
    out
}
