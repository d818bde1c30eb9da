//! A figure as people get to see it: with its unit, how it is known, what it means, and where the records
//! behind it are. Quality and speed stay apart; nothing is blended into one score.

use serde::Serialize;

use crate::words::words;

words! {
    /// How a figure is known.
    Standing {
        /// Counted from records.
        Measured = "measured",
        /// From a part of the cases; the true value lies in the interval.
        Estimated = "estimated",
        /// Nobody knows; the words say what is lacking.
        Missing = "missing",
    }
}

words! {
    /// What a figure counts.
    Unit {
        /// Millionths of a currency.
        Money = "money_micros",
        /// Milliseconds.
        Time = "ms",
        /// Millionths of a whole.
        Share = "share_ppm",
        /// Cases.
        Count = "count",
    }
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Stable name.
    pub key: &'static str,
    /// For people.
    pub title: String,
    /// What it counts.
    pub unit: Unit,
    /// With money.
    pub currency: Option<String>,
    /// The value; absent when it is missing.
    pub value: Option<i64>,
    /// Lower end of the interval, where there is one.
    pub low: Option<i64>,
    /// Upper end.
    pub high: Option<i64>,
    /// How it is known.
    pub standing: Standing,
    /// What it means, or what is lacking.
    pub means: String,
    /// The page with the records behind it.
    pub records: Option<String>,
}

impl Shown {
    /// A figure counted from records.
    #[must_use]
    pub fn measured(key: &'static str, title: &str, unit: Unit, value: i64, means: &str) -> Self {
        Self {
            key,
            title: title.to_owned(),
            unit,
            currency: None,
            value: Some(value),
            low: None,
            high: None,
            standing: Standing::Measured,
            means: means.to_owned(),
            records: None,
        }
    }

    /// A figure that nobody knows, and what is lacking.
    #[must_use]
    pub fn missing(key: &'static str, title: &str, unit: Unit, lacks: &str) -> Self {
        Self {
            value: None,
            standing: Standing::Missing,
            ..Self::measured(key, title, unit, 0, lacks)
        }
    }

    /// The true value lies between these.
    #[must_use]
    pub const fn between(mut self, low: i64, high: i64) -> Self {
        self.low = Some(low);
        self.high = Some(high);
        self.standing = Standing::Estimated;
        self
    }

    /// In this currency.
    #[must_use]
    pub fn of(mut self, currency: &str) -> Self {
        self.currency = Some(currency.to_owned());
        self
    }

    /// The records are there.
    #[must_use]
    pub fn behind(mut self, page: impl Into<String>) -> Self {
        self.records = Some(page.into());
        self
    }
}
