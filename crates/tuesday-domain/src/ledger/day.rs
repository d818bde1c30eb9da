//! Calendar days as numbers, so that a span can be divided and a week be named.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::time::TimeError;

/// A calendar day, `YYYY-MM-DD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Day(Date);

impl Day {
    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// When it is no day.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        text.trim()
            .parse()
            .map(Self)
            .map_err(|_| TimeError::Day(text.to_owned()))
    }

    /// This day and `days` more, or less; the calendar's end where it would leave it.
    #[must_use]
    pub fn plus(self, days: i64) -> Self {
        let end = if days < 0 { Date::MIN } else { Date::MAX };
        Self(self.0.checked_add(days.days()).unwrap_or(end))
    }

    /// How many days from `earlier` to this one; 0 for the same day.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0
            .since(earlier.0)
            .map_or(0, |span| i64::from(span.get_days()))
    }

    /// Its place in the week, Monday as 0.
    #[must_use]
    pub fn weekday(self) -> usize {
        usize::try_from(self.0.weekday().to_monday_zero_offset()).unwrap_or(0)
    }

    /// The Monday of its week.
    #[must_use]
    pub fn monday(self) -> Self {
        self.plus(-i64::from(self.0.weekday().to_monday_zero_offset()))
    }

    /// `2026-11`.
    #[must_use]
    pub fn month(self) -> String {
        self.to_string().chars().take(7).collect()
    }

    /// The first day of its quarter.
    #[must_use]
    pub fn quarter(self) -> Self {
        let month = (self.0.month() - 1) / 3 * 3 + 1;
        Self(Date::new(self.0.year(), month, 1).unwrap_or(self.0))
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl serde::Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// Days from the first to the last, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Days {
    /// The first.
    pub from: Day,
    /// The last.
    pub to: Day,
}

impl Days {
    /// How many; never less than one.
    #[must_use]
    pub fn count(self) -> i64 {
        self.to.since(self.from).max(0) + 1
    }

    /// Whether the day is one of them.
    #[must_use]
    pub fn has(self, day: Day) -> bool {
        self.from <= day && day <= self.to
    }

    /// As many days, right before these.
    #[must_use]
    pub fn before(self) -> Self {
        Self {
            from: self.from.plus(-self.count()),
            to: self.from.plus(-1),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_over_months_and_weeks_begin_on_monday() {
        let day = |t: &str| Day::parse(t).unwrap();
        assert_eq!(day("2026-03-01").since(day("2026-02-01")), 28);
        assert_eq!(day("2027-01-01").since(day("2026-01-01")), 365);
        assert_eq!(day("2026-11-21").monday(), day("2026-11-16"));
        assert_eq!(day("2026-11-16").monday(), day("2026-11-16"));
        assert_eq!(day("2026-11-21").quarter(), day("2026-10-01"));
        let week = Days {
            from: day("2026-11-16"),
            to: day("2026-11-22"),
        };
        assert_eq!(week.count(), 7);
        assert_eq!(week.before().from, day("2026-11-09"));
        assert_eq!(week.before().to, day("2026-11-15"));
        assert!(Day::parse("2026-02-30").is_err());
    }
}
