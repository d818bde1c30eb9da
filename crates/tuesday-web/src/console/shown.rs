//! Figures as people read them: the value in its unit, how it is known, and the page behind it.

use tuesday_domain::ledger::shown::{Shown, Standing};

pub(crate) use tuesday_domain::ledger::told::cash;
pub(super) use tuesday_domain::ledger::told::{sums, text, time};

/// A figure on a page.
pub(super) struct Tile {
    /// Stable name, for what paper leaves out.
    pub(super) key: &'static str,
    pub(super) title: String,
    pub(super) value: String,
    /// `measured`, `estimated` or `missing`.
    pub(super) standing: &'static str,
    pub(super) tone: &'static str,
    pub(super) interval: String,
    pub(super) means: String,
    pub(super) records: Option<String>,
    pub(super) before: String,
}

/// The figure as a tile, beside its value before.
pub(super) fn tile(s: &Shown, before: Option<i64>) -> Tile {
    let currency = s.currency.as_deref();
    let told = |n: i64| text(n, s.unit, currency);
    let interval = match (s.low, s.high) {
        (Some(low), Some(high)) => format!("{} to {}", told(low), told(high)),
        (Some(low), None) => format!("{} or more", told(low)),
        _ => String::new(),
    };
    Tile {
        key: s.key,
        title: s.title.clone(),
        value: s.value.map_or_else(|| "–".to_owned(), told),
        standing: s.standing.word(),
        tone: match s.standing {
            Standing::Measured => "ok",
            Standing::Estimated => "plain",
            Standing::Missing => "warn",
        },
        interval,
        means: s.means.clone(),
        records: s.records.clone(),
        before: before
            .map(|n| format!("{} the week before", told(n)))
            .unwrap_or_default(),
    }
}
