//! Figures as people read them: numbers with groups, money with its currency, times in the unit that fits.

use super::figures::Money;
use super::mul_div;
use super::shown::Unit;

/// `1,240`: a number of cases.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1 run failed`, `3 runs failed`.
#[must_use]
pub fn counted(n: u64, one: &str, more: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { more })
}

/// Millionths of a currency with as many places as they need, at least two.
#[must_use]
pub fn money(micros: i64) -> String {
    let (sign, n) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let mut places = format!("{:06}", n % 1_000_000);
    while places.len() > 2 && places.ends_with('0') {
        places.pop();
    }
    format!("{sign}{}.{places}", count(n / 1_000_000))
}

/// Millionths as a price tag: two places, or more for small sums.
#[must_use]
pub fn cash(micros: i64, currency: &str) -> String {
    let small = micros.abs() < 1_000_000 && micros != 0;
    let text = if small {
        money(micros)
    } else {
        let cents = mul_div(micros, 1, 10_000).unwrap_or(0);
        let sign = if cents < 0 { "-" } else { "" };
        let n = cents.unsigned_abs();
        format!("{sign}{}.{:02}", count(n / 100), n % 100)
    };
    format!("{text} {currency}").trim_end().to_owned()
}

/// Sums by currency; a dash for none.
#[must_use]
pub fn sums(of: &Money) -> String {
    let each: Vec<String> = of.iter().map(|(c, n)| cash(*n, c)).collect();
    if each.is_empty() {
        "–".to_owned()
    } else {
        each.join(" + ")
    }
}

/// Milliseconds in the unit that fits: `40 ms`, `12 s`, `8 min`, `2.5 h`, `1,204 h`. Never days: a day of work
/// and a day of the calendar are not the same.
#[must_use]
pub fn time(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let n = ms.unsigned_abs();
    match n {
        0 => "0".to_owned(),
        1..1_000 => format!("{sign}{n} ms"),
        1_000..120_000 => format!("{sign}{} s", (n + 500) / 1_000),
        120_000..7_200_000 => format!("{sign}{} min", (n + 30_000) / 60_000),
        7_200_000..360_000_000 => {
            let tenths = (n + 180_000) / 360_000;
            format!("{sign}{}.{} h", tenths / 10, tenths % 10)
        }
        _ => format!("{sign}{} h", count((n + 1_800_000) / 3_600_000)),
    }
}

/// A value in its unit.
#[must_use]
pub fn text(n: i64, unit: Unit, currency: Option<&str>) -> String {
    let sign = if n < 0 { "-" } else { "" };
    match unit {
        Unit::Money => cash(n, currency.unwrap_or_default()),
        Unit::Time => time(n),
        Unit::Count => format!("{sign}{}", count(n.unsigned_abs())),
        Unit::Share => {
            let n = n.unsigned_abs();
            format!("{sign}{}.{} %", n / 10_000, n / 1_000 % 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_times_read_as_people_write_them() {
        assert_eq!(count(1_204), "1,204");
        assert_eq!(cash(1_234_567_890_000, "EUR"), "1,234,567.89 EUR");
        assert_eq!(cash(-1_500_000, "EUR"), "-1.50 EUR");
        assert_eq!(cash(3_120, "USD"), "0.00312 USD");
        assert_eq!(cash(0, "EUR"), "0.00 EUR");
        assert_eq!((time(0), time(7)), ("0".to_owned(), "7 ms".to_owned()));
        assert_eq!(time(-5_400_000), "-90 min");
        assert_eq!(time(9_000_000), "2.5 h");
        assert_eq!(time(-4_334_000_000), "-1,204 h");
        assert_eq!(text(-5_000, Unit::Share, None), "-0.5 %");
        assert_eq!(text(-5_000, Unit::Count, None), "-5,000");
    }
}
