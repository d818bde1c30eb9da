//! Cron occurrences in a workflow's time zone; days on which clocks change have no gap and no
//! double occurrence, because the parser works on civil time with the zone's own rules.

use std::str::FromStr;

use jiff::tz::TimeZone;

use crate::time::Timestamp;

/// A five-field cron expression.
#[derive(Debug)]
pub struct Cron(croner::Cron);

impl Cron {
    /// Reads `minute hour day month weekday`.
    ///
    /// # Errors
    /// In words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.split_whitespace().count() != 5 {
            return Err(format!(
                "`{text}` is not five fields: minute hour day month weekday"
            ));
        }
        croner::Cron::from_str(text)
            .map(Self)
            .map_err(|e| format!("`{text}`: {e}"))
    }

    /// The first occurrence after `at`, if there is one.
    #[must_use]
    pub fn next_after(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let start = jiff::Timestamp::from_microsecond(at.micros())
            .ok()?
            .to_zoned(zone.clone());
        let next = self.0.find_next_occurrence(&start, false).ok()?;
        Some(Timestamp::from_micros(next.timestamp().as_microsecond()))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn nine_in_the_morning_stays_nine_across_the_change_of_clocks() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let cron = Cron::parse("0 9 * * *").unwrap();
        let mut at = Timestamp::parse("2026-10-30T00:00:00Z").unwrap();
        let mut days = Vec::new();
        for _ in 0..5 {
            at = cron.next_after(at, &zone).unwrap();
            days.push(at.rfc3339());
        }
        assert_eq!(days[0], "2026-10-30T13:00:00.000Z");
        assert_eq!(days[2], "2026-11-01T14:00:00.000Z");
        assert_eq!(days.len(), 5);
        assert!(Cron::parse("every day").is_err());
        assert!(Cron::parse("61 9 * * *").is_err());
    }
}
