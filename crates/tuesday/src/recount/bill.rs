//! What some days cost, added up by kind and currency; minutes by the price of an hour.

use std::collections::BTreeMap;

use super::money::Graded;

/// Millionths by currency.
pub(super) type ByCurrency = BTreeMap<String, i64>;

/// Rounded to the nearest, halves away from zero.
pub(super) fn rounded(a: i64, b: i64, c: i64) -> i64 {
    let (product, c) = (i128::from(a) * i128::from(b), i128::from(c));
    let twice = (product.abs() * 2 + c) / (2 * c);
    i64::try_from(twice * product.signum()).unwrap_or(i64::MAX)
}

/// What some days cost.
#[derive(Default)]
pub(super) struct Bill {
    pub(super) by_category: BTreeMap<String, ByCurrency>,
    pub(super) total: ByCurrency,
    pub(super) unpriced_ms: BTreeMap<String, i64>,
    /// What graders asked: calls without usage, and calls without a price by model.
    pub(super) unreported: i64,
    pub(super) unpriced: BTreeMap<String, i64>,
}

impl Bill {
    pub(super) fn graded(&mut self, g: &Graded) {
        if let Some((currency, micros)) = &g.paid {
            self.book("tokens", currency, *micros);
        }
        self.unreported += g.unreported;
        if g.unpriced > 0 {
            *self.unpriced.entry(g.model.clone()).or_default() += g.unpriced;
        }
    }

    pub(super) fn book(&mut self, category: &str, currency: &str, micros: i64) {
        if micros != 0 {
            let sums = self.by_category.entry(category.to_owned()).or_default();
            *sums.entry(currency.to_owned()).or_default() += micros;
            *self.total.entry(currency.to_owned()).or_default() += micros;
        }
    }

    pub(super) fn time(&mut self, category: &str, ms: i64, hour: Option<(i64, &str)>) {
        match hour {
            _ if ms == 0 => {}
            Some((price, currency)) => self.book(category, currency, rounded(ms, price, 3_600_000)),
            None => *self.unpriced_ms.entry(category.to_owned()).or_default() += ms,
        }
    }
}
