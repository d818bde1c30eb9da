//! The one success metric that the charter states, counted from the log.

use super::bill::{ByCurrency, rounded};
use super::numbers::{Books, Named, Number, Sums};

const FAILED: [&str; 6] = [
    "permanent_failure",
    "attempts_spent",
    "invalid_output",
    "check_failed",
    "action_failed",
    "model_mismatch",
];
const REFUSED: [&str; 2] = ["refused", "uncertain_output"];
const STALE: [&str; 4] = [
    "stale_source",
    "source_unavailable",
    "conflicting_sources",
    "freshness_unknown",
];

/// Its value over so many days; none where the statement names another metric, or nothing was there to count.
pub(super) fn all(out: &mut Named, books: &Books<'_>, sums: &Sums<'_>, days: i64) {
    let stated = books.money.metric.as_deref().unwrap_or_default();
    let words: Vec<&str> = stated.split_whitespace().collect();
    let [name, "at", _, number, .., "by", _] = words.as_slice() else {
        return;
    };
    if number.parse::<f64>().is_err() {
        return;
    }
    let of = |reasons: &[&str]| -> i64 { reasons.iter().filter_map(|r| sums.reasons.get(r)).sum() };
    let share = |part: i64, whole: i64| (whole > 0).then(|| rounded(part, 1_000_000, whole));
    let value = match *name {
        "error_rate" => share(of(&FAILED), sums.runs),
        "refusal_rate" => share(of(&REFUSED), sums.runs),
        "stale_rate" => share(of(&STALE), sums.runs),
        "override_rate" => share(sums.changed, sums.decided),
        "cost_per_day" => a_day(sums, days),
        _ => None,
    };
    out.extend(value.map(|n| ("metric.now.value".to_owned(), Number::Exact(n))));
}

/// What the calls cost a day; none where some of it is unknown, or was paid in several currencies.
fn a_day(sums: &Sums<'_>, days: i64) -> Option<i64> {
    let known = sums.unreported == 0 && sums.unpriced.is_empty();
    let mut by = ByCurrency::new();
    for (currency, micros) in sums.first.iter().chain(&sums.again) {
        *by.entry(currency.clone()).or_default() += micros;
    }
    let sum = by.values().next().copied().unwrap_or(0);
    (known && sums.runs > 0 && by.len() < 2).then(|| rounded(sum, 1, days.max(1)))
}
