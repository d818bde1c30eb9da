//! Who is on call, who comes next, and which part of the week nobody covers.

use std::collections::BTreeSet;

use super::Category;
use crate::definition::{Definition, Owners, ShiftSpec};

/// Minutes of a week, from Monday 00:00.
pub const WEEK: u32 = 7 * DAY;
const DAY: u32 = 24 * 60;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A stretch of the week, from a minute to before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// First minute.
    pub from: u32,
    /// The minute after the last one.
    pub to: u32,
}

impl std::fmt::Display for Stretch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let clock = |m: u32| {
            let day = DAYS[(m / DAY % 7) as usize];
            format!("{day} {:02}:{:02}", m % DAY / 60, m % 60)
        };
        write!(f, "{} to {}", clock(self.from), clock(self.to))
    }
}

/// The stretches of one shift, within one week.
///
/// # Errors
/// In words, for a day or a time that cannot be read.
pub fn stretches(shift: &ShiftSpec) -> Result<Vec<Stretch>, String> {
    let (from, to) = (minute(&shift.from)?, minute(&shift.to)?);
    if from == to {
        return Err(format!("from {} to {} is no time", shift.from, shift.to));
    }
    let mut out = Vec::new();
    for day in days(&shift.days)? {
        let start = day * DAY + from;
        // A shift that ends before it begins runs over midnight, and on Sunday into Monday.
        let end = day * DAY + to + if to < from { DAY } else { 0 };
        if end <= WEEK {
            out.push(Stretch {
                from: start,
                to: end,
            });
        } else {
            out.push(Stretch {
                from: start,
                to: WEEK,
            });
            out.push(Stretch {
                from: 0,
                to: end - WEEK,
            });
        }
    }
    Ok(out)
}

fn minute(text: &str) -> Result<u32, String> {
    let bad = || format!("`{text}` is not a time of day: write 08:00 to 24:00");
    let (hour, minute) = text.split_once(':').ok_or_else(bad)?;
    let hour: u32 = hour.parse().map_err(|_| bad())?;
    let minute: u32 = minute.parse().map_err(|_| bad())?;
    let all = hour * 60 + minute;
    if minute > 59 || all > DAY {
        return Err(bad());
    }
    Ok(all)
}

/// The days of `mon-fri` or `sat,sun`, Monday as 0.
///
/// # Errors
/// When a word is no day.
pub fn days(text: &str) -> Result<Vec<u32>, String> {
    let day = |word: &str| {
        let word = word.trim().to_lowercase();
        let at = DAYS.iter().position(|d| *d == word);
        at.and_then(|i| u32::try_from(i).ok())
            .ok_or_else(|| format!("`{word}` is not a day: write mon, mon-fri or sat,sun"))
    };
    let mut out = BTreeSet::new();
    for part in text.split(',') {
        if let Some((a, b)) = part.split_once('-') {
            let (a, b) = (day(a)?, day(b)?);
            let length = (b + 7 - a) % 7;
            out.extend((0..=length).map(|i| (a + i) % 7));
        } else {
            out.insert(day(part)?);
        }
    }
    Ok(out.into_iter().collect())
}

/// The parts of the week that no shift covers. Without any shift the operator owner is on call all
/// the time, and there is no gap.
#[must_use]
pub fn gaps(shifts: &[ShiftSpec]) -> Vec<Stretch> {
    if shifts.is_empty() {
        return Vec::new();
    }
    let mut all: Vec<Stretch> = shifts
        .iter()
        .filter_map(|s| stretches(s).ok())
        .flatten()
        .collect();
    all.sort_by_key(|s| s.from);
    let mut out = Vec::new();
    let mut covered = 0;
    for s in all {
        if s.from > covered {
            out.push(Stretch {
                from: covered,
                to: s.from,
            });
        }
        covered = covered.max(s.to);
    }
    if covered < WEEK {
        out.push(Stretch {
            from: covered,
            to: WEEK,
        });
    }
    out
}

/// The persons whose shift covers a minute of the week, in declared order.
#[must_use]
pub fn on_call(shifts: &[ShiftSpec], minute: u32) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    for shift in shifts {
        let covers =
            stretches(shift).is_ok_and(|s| s.iter().any(|s| s.from <= minute && minute < s.to));
        if covers && !out.contains(&shift.person.as_str()) {
            out.push(&shift.person);
        }
    }
    out
}

/// Everybody an alert may walk to, in order: the technical owner and who stands in first where the cause is technical,
/// who is on call now, the rest of the rotation, the operator owner, the backup, the escalation owner,
/// the sponsor and who stands in.
#[must_use]
pub fn named(def: &Definition, category: Category, minute: u32) -> Vec<String> {
    let owners = &def.owners;
    let shifts = &def.on_call.shift;
    let mut out: Vec<&str> = Vec::new();
    if category.is_technical() {
        out.push(&owners.technical.handle);
        out.extend(owners.technical_backup.as_ref().map(|p| p.handle.as_str()));
    }
    out.extend(on_call(shifts, minute));
    out.extend(shifts.iter().map(|s| s.person.as_str()));
    out.extend([
        owners.operator.handle.as_str(),
        &owners.backup.handle,
        &owners.escalation.handle,
    ]);
    let sponsors = [&owners.sponsor, &owners.sponsor_backup];
    out.extend(sponsors.into_iter().flatten().map(|s| s.handle.as_str()));
    once(out)
}

/// The same with the sponsor in the place of operator owner and backup, where both have left for good.
#[must_use]
pub fn sponsor_steps_in(
    mut named: Vec<String>,
    owners: &Owners,
    is_active: impl Fn(&str) -> bool,
) -> Vec<String> {
    if let Some(sponsor) = owners.sponsor_answers(is_active) {
        named.retain(|p| *p != sponsor.handle);
        let place = named.iter().position(|p| *p == owners.operator.handle);
        named.insert(place.unwrap_or(0), sponsor.handle.clone());
    }
    named
}

/// Those of `named` who are there now; when nobody is, those who still have an account; then anybody
/// of `anybody`; and at the very last the named ones all the same. Never nobody, unless there is no
/// person at all.
#[must_use]
pub fn chain(
    named: &[String],
    is_there: impl Fn(&str) -> bool,
    is_active: impl Fn(&str) -> bool,
    anybody: &[String],
) -> Vec<String> {
    let pick = |from: &[String], keep: &dyn Fn(&str) -> bool| -> Vec<String> {
        from.iter().filter(|p| keep(p)).cloned().collect()
    };
    for (from, keep) in [
        (named, &is_there as &dyn Fn(&str) -> bool),
        (named, &is_active),
        (anybody, &is_there),
        (anybody, &is_active),
        (named, &|_| true),
    ] {
        let found = pick(from, keep);
        if !found.is_empty() {
            return found;
        }
    }
    anybody.to_vec()
}

fn once(people: Vec<&str>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    people
        .into_iter()
        .filter(|p| !p.is_empty() && seen.insert(*p))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shift(person: &str, days: &str, from: &str, to: &str) -> ShiftSpec {
        ShiftSpec {
            person: person.to_owned(),
            days: days.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
        }
    }

    #[test]
    fn a_gap_is_named() {
        let week = [
            shift("pia", "mon-fri", "08:00", "20:00"),
            shift("olga", "mon-thu", "20:00", "08:00"),
            shift("olga", "sat-sun", "00:00", "24:00"),
        ];
        let named: Vec<String> = gaps(&week).iter().map(ToString::to_string).collect();
        assert_eq!(named, ["mon 00:00 to mon 08:00", "fri 20:00 to sat 00:00"]);
        assert!(gaps(&[]).is_empty());
        assert!(gaps(&[shift("pia", "mon-sun", "00:00", "24:00")]).is_empty());
    }

    #[test]
    fn a_night_shift_runs_over_sunday_into_monday() {
        let night = [shift("olga", "sun", "22:00", "06:00")];
        assert_eq!(on_call(&night, WEEK - 30), ["olga"]);
        assert_eq!(on_call(&night, 5 * 60), ["olga"]);
        assert!(on_call(&night, 6 * 60).is_empty());
    }

    #[test]
    fn what_is_no_shift_says_so() {
        for (days, from, to) in [
            ("monday", "08:00", "09:00"),
            ("mon", "8", "09:00"),
            ("mon", "08:00", "25:00"),
            ("mon", "08:60", "09:00"),
            ("mon", "08:00", "08:00"),
        ] {
            assert!(
                stretches(&shift("a", days, from, to)).is_err(),
                "{days} {from} {to}"
            );
        }
        assert_eq!(
            stretches(&shift("a", "fri-mon", "00:00", "24:00"))
                .unwrap()
                .len(),
            4
        );
    }

    proptest! {
        /// Against every minute counted one by one.
        #[test]
        fn gaps_are_exactly_the_minutes_nobody_covers(
            raw in proptest::collection::vec((0..7_usize, 0..1_440_u32, 1..1_440_u32), 1..6),
        ) {
            let shifts: Vec<ShiftSpec> = raw.iter().map(|(d, from, len)| {
                let to = (from + len) % 1_440;
                let clock = |m: u32| format!("{:02}:{:02}", m / 60, m % 60);
                shift("p", DAYS[*d], &clock(*from), &clock(to))
            }).collect();
            let named = gaps(&shifts);
            for m in 0..WEEK {
                let in_gap = named.iter().any(|s| s.from <= m && m < s.to);
                prop_assert_eq!(in_gap, on_call(&shifts, m).is_empty(), "minute {}", m);
            }
        }

        /// As long as one person exists, somebody is asked; and whoever is there comes before whoever is not.
        #[test]
        fn there_is_always_somebody(there in 0_u8..16, active in 0_u8..16, named in 1_usize..5) {
            let people: Vec<String> = (0..4).map(|i| format!("p{i}")).collect();
            let bit = |mask: u8, p: &str| mask >> p[1..].parse::<u8>().unwrap() & 1 == 1;
            let chosen = chain(&people[..named.min(4)], |p| bit(there & active, p), |p| bit(active, p), &people);
            prop_assert!(!chosen.is_empty());
            if people[..named.min(4)].iter().any(|p| bit(there & active, p)) {
                prop_assert!(chosen.iter().all(|p| bit(there & active, p)));
            }
        }
    }
}
