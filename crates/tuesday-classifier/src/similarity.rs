//! How alike two strings, two numbers or two dates are, as numbers that a linear model can weigh.

use std::collections::BTreeSet;

use super::math::{count, ln};
use super::text::words;

/// The likenesses of two strings that need no training, in the order of [`TEXT_NAMES`].
pub(super) const TEXT_NAMES: [&str; 10] = [
    "shared words",
    "same spelling",
    "shared letters",
    "one inside the other",
    "shared numbers",
    "conflicting numbers",
    "same start",
    "length",
    "equal",
    "initials",
];

/// Likenesses of two strings, each between 0 and 1. Without a number on both sides "shared numbers" is NaN (not known).
pub(super) fn text(left: &str, right: &str) -> [f64; TEXT_NAMES.len()] {
    let (a, b) = (words(left), words(right));
    let (joined_a, joined_b) = (a.join(" "), b.join(" "));
    let (set_a, set_b): (BTreeSet<&str>, BTreeSet<&str>) = (
        a.iter().map(String::as_str).collect(),
        b.iter().map(String::as_str).collect(),
    );
    let shared = count(set_a.intersection(&set_b).count());
    let either = count(set_a.union(&set_b).count());
    let fewer = count(set_a.len().min(set_b.len()));
    let (numbers_a, numbers_b) = (numbers(&set_a), numbers(&set_b));
    let (shared_numbers, conflicting) = compare_numbers(&numbers_a, &numbers_b);
    let start = a.first().zip(b.first()).is_some_and(|(a, b)| a == b);
    let (long_a, long_b) = (
        count(joined_a.chars().count()),
        count(joined_b.chars().count()),
    );
    [
        share(shared, either),
        jaro_winkler(&joined_a, &joined_b),
        dice(&joined_a, &joined_b),
        share(shared, fewer),
        shared_numbers,
        conflicting,
        f64::from(u8::from(start)),
        share(long_a.min(long_b), long_a.max(long_b)),
        f64::from(u8::from(joined_a == joined_b && !joined_a.is_empty())),
        initials(&a, &b).max(initials(&b, &a)),
    ]
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Words with a digit in them: versions, sizes, order numbers.
fn numbers<'a>(words: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    words
        .iter()
        .copied()
        .filter(|word| word.chars().any(|letter| letter.is_ascii_digit()))
        .collect()
}

fn compare_numbers(a: &BTreeSet<&str>, b: &BTreeSet<&str>) -> (f64, f64) {
    if a.is_empty() || b.is_empty() {
        return (f64::NAN, 0.0);
    }
    let shared = count(a.intersection(b).count());
    (
        share(shared, count(a.union(b).count())),
        f64::from(u8::from(shared == 0.0)),
    )
}

/// Share of the words of `short` that stand for a word of `full`: equal, or its beginning ("F" for "Frederick").
fn initials(short: &[String], full: &[String]) -> f64 {
    let matched = short
        .iter()
        .filter(|part| full.iter().any(|whole| whole.starts_with(part.as_str())))
        .count();
    share(count(matched), count(short.len()))
}

/// Dice coefficient of the sets of three-letter groups.
pub(super) fn dice(a: &str, b: &str) -> f64 {
    let groups = |text: &str| -> BTreeSet<[char; 3]> {
        let letters: Vec<char> = format!("  {text} ").chars().collect();
        letters
            .windows(3)
            .map(|group| [group[0], group[1], group[2]])
            .collect()
    };
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let (a, b) = (groups(a), groups(b));
    share(
        2.0 * count(a.intersection(&b).count()),
        count(a.len() + b.len()),
    )
}

/// Jaro-Winkler likeness: the same letters in about the same order, and a common beginning.
pub(super) fn jaro_winkler(a: &str, b: &str) -> f64 {
    // Long strings are cut: the measure is for names, and its time grows with the product of the lengths.
    let (a, b): (Vec<char>, Vec<char>) =
        (a.chars().take(200).collect(), b.chars().take(200).collect());
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let reach = (a.len().max(b.len()) / 2).saturating_sub(1);
    let mut taken = vec![false; b.len()];
    let mut matched_a = Vec::new();
    for (place, letter) in a.iter().enumerate() {
        let window = place.saturating_sub(reach)..(place + reach + 1).min(b.len());
        if let Some(found) = window
            .into_iter()
            .find(|at| !taken[*at] && b[*at] == *letter)
        {
            taken[found] = true;
            matched_a.push(*letter);
        }
    }
    if matched_a.is_empty() {
        return 0.0;
    }
    let matched_b = b
        .iter()
        .zip(&taken)
        .filter(|(_, taken)| **taken)
        .map(|(letter, _)| letter);
    let swapped = count(
        matched_a
            .iter()
            .zip(matched_b)
            .filter(|(a, b)| a != b)
            .count(),
    ) / 2.0;
    let matched = count(matched_a.len());
    let jaro =
        (matched / count(a.len()) + matched / count(b.len()) + (matched - swapped) / matched) / 3.0;
    let prefix = count(a.iter().zip(&b).take(4).take_while(|(a, b)| a == b).count());
    jaro + prefix * 0.1 * (1.0 - jaro)
}

/// The likenesses of two numbers, in the order of [`number`].
pub(super) const NUMBER_NAMES: [&str; 3] = ["relative difference", "ratio", "equal"];

/// Relative difference (0 to 2), logarithm of the ratio (NaN unless both have one sign) and equality of two numbers.
pub(super) fn number(left: f64, right: f64) -> [f64; NUMBER_NAMES.len()] {
    let larger = left.abs().max(right.abs());
    let difference = if larger > 0.0 {
        (left - right).abs() / larger
    } else {
        0.0
    };
    let ratio = if left * right > 0.0 {
        ln(right / left)
    } else {
        f64::NAN
    };
    [difference, ratio, f64::from(u8::from(difference < 1e-9))]
}

/// Upper ends of the ranges of days that get a feature of their own; one more range lies above the last.
pub(super) const DAY_ENDS: [i64; 15] = [-31, -8, -4, -2, -1, 0, 1, 2, 4, 7, 10, 14, 21, 31, 92];

/// Days since 1970-01-01 of a string that begins with `YYYY-MM-DD`; `None` when it does not or when no such day exists.
pub(super) fn days(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    if !(rest.is_empty() || rest.starts_with(['T', ' ', 't'])) {
        return None;
    }
    let mut parts = date.splitn(3, '-');
    let mut part = |digits: usize| -> Option<i64> {
        let part = parts.next()?;
        (part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse().ok())?
    };
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // The year is counted from March, so that the leap day comes last.
    let shifted = if month < 3 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(
        shifted * 365 + shifted.div_euclid(4) - shifted.div_euclid(100)
            + shifted.div_euclid(400)
            + of_year
            - 719_468,
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn days_know_the_calendar() {
        assert_eq!(days("1970-01-01"), Some(0));
        assert_eq!(days("2000-03-01").unwrap() - days("2000-02-28").unwrap(), 2);
        assert_eq!(days("2022-02-17T10:00:00Z"), Some(19_040));
        for wrong in [
            "2023-02-29",
            "2023-13-01",
            "17.02.2022",
            "2022-2-7",
            "",
            "2022-02-171",
        ] {
            assert_eq!(days(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn jaro_winkler_gives_the_textbook_values() {
        assert!((jaro_winkler("martha", "marhta") - 0.9611).abs() < 1e-4);
        assert!((jaro_winkler("dixon", "dicksonx") - 0.8133).abs() < 1e-4);
        assert!(jaro_winkler("", "x").abs() < 1e-12);
    }

    #[test]
    fn version_numbers_that_differ_are_a_conflict() {
        let same = text("adobe cs3 design", "design CS3");
        let other = text("adobe cs3 design", "adobe cs4 design");
        assert!((same[4] - 1.0).abs() < 1e-12 && same[5].abs() < 1e-12);
        assert!(other[4].abs() < 1e-12 && (other[5] - 1.0).abs() < 1e-12);
        assert!(text("design", "adobe cs4")[4].is_nan());
    }

    #[test]
    fn numbers_compare_by_size_not_by_difference() {
        let [difference, ratio, equal] = number(100.0, 110.0);
        assert!((difference - 10.0 / 110.0).abs() < 1e-12 && (ratio - 1.1_f64.ln()).abs() < 1e-12);
        assert!(equal.abs() < 1e-12);
        assert!(number(-1.0, 1.0)[1].is_nan());
        assert!((number(0.0, 0.0)[2] - 1.0).abs() < 1e-12);
    }
}
