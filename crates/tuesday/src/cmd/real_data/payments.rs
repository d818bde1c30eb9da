//! Payments, and which of them are worth comparing.

use std::path::Path;

use jiff::civil::Date;
use tuesday_bench::ratio;
use tuesday_domain::problem::Problem;

use super::sets::{fixed_hash, get, rows};

/// One payment on one side.
pub(super) struct Payment {
    pub(super) id: String,
    pub(super) memo: String,
    pub(super) date: String,
    pub(super) amount_text: String,
    /// Days since 1970.
    pub(super) day: i32,
    amount: f64,
    /// Hashes of the memo's groups of three letters, sorted.
    letters: Vec<u64>,
}

/// Reads one side.
pub(super) fn read(path: &Path) -> Result<Vec<Payment>, Problem> {
    let bad = |id: &str| {
        Problem::new(
            "bad_request",
            format!("{}: {id} has no date or amount", path.display()),
        )
    };
    rows(path)?
        .iter()
        .map(|r| {
            let (id, date, amount) = (get(r, "id"), get(r, "transaction_date"), get(r, "amount"));
            let day: Date = date.parse().map_err(|_| bad(id))?;
            let memo = get(r, "memo").to_owned();
            Ok(Payment {
                letters: letters(&memo),
                id: id.to_owned(),
                memo,
                date: date.to_owned(),
                amount_text: amount.to_owned(),
                day: day
                    .duration_since(Date::constant(1970, 1, 1))
                    .as_hours()
                    .try_into()
                    .unwrap_or(0)
                    / 24,
                amount: amount.parse().map_err(|_| bad(id))?,
            })
        })
        .collect()
}

fn letters(memo: &str) -> Vec<u64> {
    let padded: Vec<char> = format!(" {} ", memo.to_lowercase()).chars().collect();
    let mut all: Vec<u64> = padded
        .windows(3)
        .map(|w| fixed_hash(&w.iter().collect::<String>()))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// How far partners lie apart, learnt from pairs that are known.
pub(super) struct Windows {
    pub(super) days: i32,
    pub(super) log_ratio: f64,
}

impl Windows {
    pub(super) fn learn<'a>(known: impl Iterator<Item = (&'a Payment, &'a Payment)>) -> Self {
        known.fold(
            Self {
                days: 0,
                log_ratio: 0.0,
            },
            |w, (a, b)| Self {
                days: w.days.max(b.day - a.day),
                log_ratio: w.log_ratio.max((b.amount / a.amount).ln().abs()),
            },
        )
    }

    /// The same amount on the same day is 1, at the edge of both windows it is 0.
    fn nearness(&self, a: &Payment, b: &Payment) -> Option<f64> {
        let days = b.day - a.day;
        let apart = (b.amount / a.amount).ln().abs();
        ((0..=self.days).contains(&days) && apart <= self.log_ratio)
            .then(|| 1.0 - apart / self.log_ratio.max(f64::MIN_POSITIVE))
    }
}

/// The payments inside the windows whose memo and amount are nearest.
pub(super) fn candidates<'a>(
    left: &Payment,
    right: &'a [Payment],
    windows: &Windows,
    most: usize,
) -> Vec<&'a Payment> {
    let mut scored: Vec<(f64, &Payment)> = right
        .iter()
        .filter_map(|r| {
            Some((
                windows.nearness(left, r)? + 4.0 * alike(&left.letters, &r.letters),
                r,
            ))
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.id.cmp(&b.1.id)));
    scored.into_iter().take(most).map(|s| s.1).collect()
}

/// Shared groups by all groups.
fn alike(a: &[u64], b: &[u64]) -> f64 {
    let shared = a.iter().filter(|x| b.binary_search(x).is_ok()).count();
    ratio(shared, a.len() + b.len() - shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(id: &str, memo: &str, day: i32, amount: f64) -> Payment {
        let (date, amount_text) = (String::new(), String::new());
        Payment {
            id: id.to_owned(),
            memo: memo.to_owned(),
            date,
            amount_text,
            day,
            amount,
            letters: letters(memo),
        }
    }

    #[test]
    fn candidates_lie_inside_the_windows_and_the_likest_comes_first() {
        let left = payment("o", "GREY PLUMBING", 10, 100.0);
        let right = [
            payment("early", "GREY PLUMBING", 9, 100.0),
            payment("dear", "GREY PLUMBING", 12, 150.0),
            payment("near", "R HOLT", 12, 100.0),
            payment("same", "GREY PLUMB", 14, 104.0),
        ];
        let windows = Windows::learn([(&left, &right[3])].into_iter());
        assert_eq!(windows.days, 4);
        let ids: Vec<&str> = candidates(&left, &right, &windows, 5)
            .iter()
            .map(|p| p.id.as_str())
            .collect();
        assert_eq!(ids, ["same", "near"]);
    }
}
