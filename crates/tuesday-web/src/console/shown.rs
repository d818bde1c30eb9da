//! Figures as people read them: the value in its unit, how it is known, and the page behind it.

use tuesday_domain::ledger::figures::Money;
use tuesday_domain::ledger::shown::{Shown, Standing, Unit};

use super::words::{count, money};

/// A figure on a page.
pub(super) struct Tile {
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

/// Millionths as a price tag: two places, or more for small sums.
pub(crate) fn cash(micros: i64, currency: &str) -> String {
    let small = micros.abs() < 1_000_000 && micros != 0;
    let text = if small {
        money(micros)
    } else {
        let cents = tuesday_domain::ledger::mul_div(micros, 1, 10_000).unwrap_or(0);
        let sign = if cents < 0 { "-" } else { "" };
        let n = cents.unsigned_abs();
        format!("{sign}{}.{:02}", count(n / 100), n % 100)
    };
    format!("{text} {currency}").trim_end().to_owned()
}

/// Sums by currency.
pub(super) fn sums(of: &Money) -> String {
    let each: Vec<String> = of.iter().map(|(c, n)| cash(*n, c)).collect();
    if each.is_empty() {
        "–".to_owned()
    } else {
        each.join(" + ")
    }
}

/// Milliseconds in the unit that fits: `40 ms`, `12 s`, `8 min`, `2.5 h`, `3.1 d`.
pub(super) fn time(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let n = ms.unsigned_abs();
    let tenths = |unit: u64, name: &str| {
        let tenths = (n * 10 + unit / 2) / unit;
        format!("{sign}{}.{} {name}", count(tenths / 10), tenths % 10)
    };
    match n {
        0..1_000 => format!("{sign}{n} ms"),
        1_000..120_000 => format!("{sign}{} s", (n + 500) / 1_000),
        120_000..7_200_000 => format!("{sign}{} min", (n + 30_000) / 60_000),
        7_200_000..172_800_000 => tenths(3_600_000, "h"),
        _ => tenths(86_400_000, "d"),
    }
}

/// A value in its unit.
pub(super) fn text(n: i64, unit: Unit, currency: Option<&str>) -> String {
    match unit {
        Unit::Money => cash(n, currency.unwrap_or_default()),
        Unit::Time => time(n),
        Unit::Count => {
            let sign = if n < 0 { "-" } else { "" };
            format!("{sign}{}", count(n.unsigned_abs()))
        }
        Unit::Share => {
            let sign = if n < 0 { "-" } else { "" };
            let n = n.unsigned_abs();
            format!("{sign}{}.{} %", n / 10_000, n / 1_000 % 10)
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_times_read_as_people_write_them() {
        assert_eq!(cash(1_234_567_890_000, "EUR"), "1,234,567.89 EUR");
        assert_eq!(cash(-1_500_000, "EUR"), "-1.50 EUR");
        assert_eq!(cash(3_120, "USD"), "0.00312 USD");
        assert_eq!(cash(0, "EUR"), "0.00 EUR");
        assert_eq!(time(-5_400_000), "-90 min");
        assert_eq!(time(9_000_000), "2.5 h");
        assert_eq!(text(-5_000, Unit::Share, None), "-0.5 %");
    }
}
