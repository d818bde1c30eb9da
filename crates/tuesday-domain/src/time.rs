//! Time as the store keeps it (UTC microseconds) and as people read it (a workflow's time zone).
//!
//! The domain never asks what time it is: every function that needs "now" takes it as an argument.

use std::fmt;
use std::time::Duration;

use jiff::tz::TimeZone;

/// A moment in UTC, microseconds since 1970-01-01.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }
    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }
    /// This moment plus `d`, saturating at the end of time.
    #[must_use]
    pub fn plus(self, d: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(d.as_micros()).unwrap_or(i64::MAX)),
        )
    }
    /// This moment less `d`, saturating at the beginning of time.
    #[must_use]
    pub fn minus(self, d: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(d.as_micros()).unwrap_or(i64::MAX)),
        )
    }
    /// How long ago `earlier` was; zero when it lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
    /// RFC 3339 in UTC with milliseconds, the form every JSON answer uses.
    #[must_use]
    pub fn rfc3339(self) -> String {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(t) => format!("{t:.3}"),
            Err(_) => format!("{}us", self.0),
        }
    }
    /// Parses RFC 3339, or a bare date taken as midnight UTC.
    ///
    /// # Errors
    /// Names the text when it is neither.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        if let Ok(t) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(t.as_microsecond()));
        }
        text.parse::<jiff::civil::Date>()
            .ok()
            .and_then(|d| d.to_zoned(TimeZone::UTC).ok())
            .map(|z| Self(z.timestamp().as_microsecond()))
            .ok_or_else(|| TimeError::Timestamp(text.to_owned()))
    }
    fn jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}
impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// Why a time or a zone could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Neither RFC 3339 nor a date.
    #[error("`{0}` is not a time: write 2026-11-17T09:30:00Z or 2026-11-17")]
    Timestamp(String),
    /// Not in the IANA database that is built into the binary.
    #[error("`{0}` is not an IANA time zone: write one such as Europe/Berlin")]
    Zone(String),
    /// Not a calendar day.
    #[error("`{0}` is not a day: write YYYY-MM-DD")]
    Day(String),
    /// Not a duration.
    #[error("`{0}` is not a duration: write a number and a unit, such as 30s, 15m, 4h or 7d")]
    Span(String),
}

/// A workflow's time zone (IANA name), checked once when the definition is read.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// Looks the name up in the built-in database.
    ///
    /// # Errors
    /// When no zone has that name.
    pub fn named(name: &str) -> Result<Self, TimeError> {
        TimeZone::get(name)
            .map(Self)
            .map_err(|_| TimeError::Zone(name.to_owned()))
    }

    /// Coordinated universal time.
    #[must_use]
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The calendar day of `at` in this zone, `YYYY-MM-DD`. Every moment belongs to exactly one day,
    /// also where clocks change, because the day is read off the moment and not counted in hours.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> String {
        at.jiff().to_zoned(self.0.clone()).date().to_string()
    }
    /// Clock time in this zone for people, `2026-11-17 09:30:05`.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> String {
        at.jiff()
            .to_zoned(self.0.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string()
    }
    /// The moment of a wall clock there, `2026-11-17T09:30` as a form sends it. A time that the clocks
    /// skip is the later one of the two that it could mean.
    ///
    /// # Errors
    /// When the text is no such time.
    pub fn moment(&self, text: &str) -> Result<Timestamp, TimeError> {
        let bad = || TimeError::Timestamp(text.to_owned());
        let clock: jiff::civil::DateTime = text.trim().parse().map_err(|_| bad())?;
        let there = clock.to_zoned(self.0.clone()).map_err(|_| bad())?;
        Ok(Timestamp::from_micros(there.timestamp().as_microsecond()))
    }
    /// The first moment of the next day there.
    #[must_use]
    pub fn day_end(&self, at: Timestamp) -> Timestamp {
        at.jiff()
            .to_zoned(self.0.clone())
            .date()
            .tomorrow()
            .and_then(|day| day.to_zoned(self.0.clone()))
            .map_or(at, |next| {
                Timestamp::from_micros(next.timestamp().as_microsecond())
            })
    }
    /// The minute of the week there, from Monday 00:00; below 10 080.
    #[must_use]
    pub fn week_minute(&self, at: Timestamp) -> u32 {
        let there = at.jiff().to_zoned(self.0.clone());
        let part = |n: i8| u32::try_from(n).unwrap_or(0);
        part(there.weekday().to_monday_zero_offset()) * 1_440
            + part(there.hour()) * 60
            + part(there.minute())
    }
    /// The first moment of the day there.
    #[must_use]
    pub fn day_start(&self, at: Timestamp) -> Timestamp {
        let there = at.jiff().to_zoned(self.0.clone());
        there.start_of_day().map_or(at, |start| {
            Timestamp::from_micros(start.timestamp().as_microsecond())
        })
    }
    /// The zone itself, for schedules.
    #[must_use]
    pub fn tz(&self) -> &TimeZone {
        &self.0
    }
}

/// Checks that `text` is a calendar day, `YYYY-MM-DD`.
///
/// # Errors
/// When it is not.
pub fn parse_day(text: &str) -> Result<String, TimeError> {
    text.parse::<jiff::civil::Date>()
        .map(|d| d.to_string())
        .map_err(|_| TimeError::Day(text.to_owned()))
}

/// A duration written by people: `30s`, `15m`, `4h`, `7d`, `250ms`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Span(pub Duration);

impl std::str::FromStr for Span {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let bad = || TimeError::Span(text.to_owned());
        let t = text.trim();
        let split = t.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let n: u64 = t[..split].parse().map_err(|_| bad())?;
        let millis = match t[split..].trim() {
            "ms" => n,
            "s" => n.saturating_mul(1_000),
            "m" | "min" => n.saturating_mul(60_000),
            "h" => n.saturating_mul(3_600_000),
            "d" => n.saturating_mul(86_400_000),
            _ => return Err(bad()),
        };
        Ok(Self(Duration::from_millis(millis)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        match ms {
            _ if ms.is_multiple_of(86_400_000) && ms > 0 => write!(f, "{}d", ms / 86_400_000),
            _ if ms.is_multiple_of(3_600_000) && ms > 0 => write!(f, "{}h", ms / 3_600_000),
            _ if ms.is_multiple_of(60_000) && ms > 0 => write!(f, "{}m", ms / 60_000),
            _ if ms.is_multiple_of(1_000) => write!(f, "{}s", ms / 1_000),
            _ => write!(f, "{ms}ms"),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
impl serde::Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn late_evening_in_new_york_is_still_tuesday() {
        let ny = Zone::named("America/New_York").unwrap();
        let at = Timestamp::parse("2026-11-18T04:30:00Z").unwrap();
        assert_eq!(ny.day(at), "2026-11-17");
    }

    #[test]
    fn the_days_clocks_change_have_no_gap_and_no_double_count() {
        let ny = Zone::named("America/New_York").unwrap();
        let start = Timestamp::parse("2026-10-31T00:00:00Z").unwrap();
        let mut last = ny.day(start);
        let mut hours = std::collections::BTreeMap::<String, u32>::new();
        for h in 0..96 {
            let day = ny.day(start.plus(Duration::from_secs(h * 3600)));
            assert!(day >= last);
            *hours.entry(day.clone()).or_default() += 1;
            last = day;
        }
        assert_eq!(
            hours["2026-11-01"], 25,
            "the day the clock goes back has 25 hours"
        );
    }

    #[test]
    fn spans_read_and_print_alike() {
        for text in ["30s", "15m", "4h", "7d", "250ms"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        for bad in ["", "10", "h", "-1s", "1.5h", "5 weeks"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }
}
