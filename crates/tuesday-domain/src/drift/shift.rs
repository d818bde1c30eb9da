//! The parts of a working day that outcomes are compared by: as the workflow declares them, or thirds of the
//! day.

use serde::{Deserialize, Serialize};

/// What the part of a shift is called that lies after midnight.
const AFTER_MIDNIGHT: &str = ", after midnight";
/// Minutes of a day.
const DAY: u32 = 1_440;
/// Most shifts of a day, and most characters of a name.
const MOST: usize = 12;
const NAME: usize = 30;

/// `[[shift]]`: it lasts until the next one begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftTime {
    /// What people call it.
    pub name: String,
    /// When it begins, `HH:MM` in the workflow's time zone.
    pub from: String,
}

impl ShiftTime {
    /// The minute of the day at which it begins.
    fn minute(&self) -> Option<u32> {
        let (hours, minutes) = self.from.split_once(':')?;
        let two = |t: &str| (t.len() == 2).then(|| t.parse::<u32>().ok()).flatten();
        let (hours, minutes) = (two(hours)?, two(minutes)?);
        (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
    }
}

/// The shifts of a day in their order, each with the minute at which it begins. The last one goes on until
/// the first begins: what of it lies after midnight is a part of its own, so that two nights are not one.
#[must_use]
pub fn shifts(declared: &[ShiftTime]) -> Vec<(u32, String)> {
    let mut all: Vec<(u32, String)> = declared
        .iter()
        .filter_map(|s| Some((s.minute()?, s.name.clone())))
        .collect();
    all.sort_by_key(|s| s.0);
    if all.is_empty() {
        let thirds = [(0, "night"), (480, "day"), (960, "evening")];
        return thirds.map(|(from, name)| (from, name.to_owned())).into();
    }
    if all[0].0 > 0 {
        let last = all[all.len() - 1].1.clone();
        let name = if all.len() == 1 {
            last
        } else {
            last + AFTER_MIDNIGHT
        };
        all.insert(0, (0, name));
    }
    all
}

/// The shift that a minute of the week is in.
#[must_use]
pub fn shift_of(shifts: &[(u32, String)], week_minute: u32) -> String {
    let minute = week_minute % DAY;
    let begun = shifts.iter().rev().find(|(from, _)| *from <= minute);
    begun.map(|(_, name)| name.clone()).unwrap_or_default()
}

/// What is wrong with declared shifts.
#[must_use]
pub fn shift_faults(declared: &[ShiftTime]) -> Vec<String> {
    let mut out = Vec::new();
    if declared.len() > MOST {
        out.push(format!("more than {MOST} shifts in a day"));
    }
    for (i, s) in declared.iter().enumerate() {
        if s.name.trim().is_empty() || s.name.chars().count() > NAME || s.name.contains(',') {
            out.push(format!(
                "`{}`: a name of 1 to {NAME} characters, without a comma",
                s.name
            ));
        }
        if s.minute().is_none() {
            out.push(format!("`{}`: write from = \"06:00\"", s.from));
        }
        let before = &declared[..i];
        if before
            .iter()
            .any(|b| b.name == s.name || b.minute() == s.minute())
        {
            out.push(format!("`{}` at {} stands there twice", s.name, s.from));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str, from: &str) -> ShiftTime {
        ShiftTime {
            name: name.to_owned(),
            from: from.to_owned(),
        }
    }

    #[test]
    fn without_a_declaration_a_day_has_three_parts() {
        let all = shifts(&[]);
        let of = |minute| shift_of(&all, minute);
        assert_eq!(
            [of(0), of(479), of(480), of(960)],
            ["night", "night", "day", "evening"]
        );
        assert_eq!(of(3 * 1_440 + 500), "day", "a minute of the week");
    }

    #[test]
    fn declared_times_are_used_and_two_nights_are_not_one() {
        let all = shifts(&[
            at("late", "14:00"),
            at("early", "06:00"),
            at("night", "22:00"),
        ]);
        let names: Vec<_> = all.iter().map(|s| s.1.as_str()).collect();
        assert_eq!(names, ["night, after midnight", "early", "late", "night"]);
        let of = |minute| shift_of(&all, minute);
        assert_eq!(of(359), "night, after midnight");
        assert_eq!([of(360), of(840), of(1_320)], ["early", "late", "night"]);
        assert_eq!(
            shifts(&[at("all day", "06:00")])[0],
            (0, "all day".to_owned())
        );
        assert_eq!(shifts(&[at("a", "00:00"), at("b", "12:00")]).len(), 2);
    }

    #[test]
    fn times_that_are_none_and_names_twice_are_faults() {
        for bad in ["6:00", "24:00", "06:60", "06.00", ""] {
            assert_eq!(shift_faults(&[at("early", bad)]).len(), 1, "{bad}");
        }
        assert_eq!(shift_faults(&[at("a", "06:00"), at("a", "07:00")]).len(), 1);
        assert_eq!(shift_faults(&[at("a", "06:00"), at("b", "06:00")]).len(), 1);
        assert_eq!(shift_faults(&[at(" ", "06:00")]).len(), 1);
        assert!(shift_faults(&[at("a", "06:00"), at("b", "18:00")]).is_empty());
    }
}
