//! What a column of the decision table holds: its type, unit and the limits its owner has set.

use serde::{Deserialize, Serialize};

use super::decimal::Decimal;
use super::mapping::Mapping;

/// The type of the values in one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ColumnType {
    /// An amount in one currency, at most four decimal places, not negative unless `signed`.
    Money {
        /// ISO 4217 code; a value in another currency is mistyped.
        currency: String,
        /// Whether negative amounts are allowed.
        signed: bool,
    },
    /// A decimal number, not negative unless `signed`.
    Number {
        /// The unit as people write it, for example `h`.
        unit: Option<String>,
        /// Whether negative numbers are allowed.
        signed: bool,
    },
    /// A number from 0 to 1, both included.
    Ratio,
    /// `yes` or `no`.
    YesNo,
    /// One of a closed list of words; case matters.
    OneOf {
        /// The words, in the order of the header.
        choices: Vec<String>,
    },
    /// One of a closed list of words, for which the words of a source stand by the table's mapping.
    Mapped {
        /// The words, in the order of the header.
        choices: Vec<String>,
    },
    /// Free text, compared without regard to case and surrounding blanks.
    Text,
}

/// A closed interval of rule values: both ends are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The smallest allowed value.
    pub low: Decimal,
    /// The largest allowed value.
    pub high: Decimal,
}

impl Range {
    /// Whether a value lies inside, ends included.
    #[must_use]
    pub fn contains(&self, value: Decimal) -> bool {
        self.low <= value && value <= self.high
    }
}

/// One condition column of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The name under which the value arrives, for example `amount`.
    pub name: String,
    /// The type of its values.
    pub kind: ColumnType,
    /// Rule values beyond this need a second person.
    pub soft: Option<Range>,
    /// Rule values beyond this are refused.
    pub hard: Option<Range>,
    /// The header cell as written.
    pub header: String,
    /// Which words of the source stand for which choice; empty unless the type is mapped.
    pub mapping: Mapping,
}

impl Column {
    /// The unit to print after a value: the currency or the declared unit.
    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        match &self.kind {
            ColumnType::Money { currency, .. } => Some(currency),
            ColumnType::Number { unit, .. } => unit.as_deref(),
            _ => None,
        }
    }

    /// Whether the column holds numbers, which are the values that bounds can limit.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        matches!(
            self.kind,
            ColumnType::Money { .. } | ColumnType::Number { .. } | ColumnType::Ratio
        )
    }

    /// The smallest and largest value the type itself allows, where it has such an end.
    #[must_use]
    pub(crate) fn type_limits(&self) -> (Option<Decimal>, Option<Decimal>) {
        match &self.kind {
            ColumnType::Ratio => (Some(Decimal::ZERO), Some(Decimal::ONE)),
            ColumnType::Money { signed: false, .. } | ColumnType::Number { signed: false, .. } => {
                (Some(Decimal::ZERO), None)
            }
            _ => (None, None),
        }
    }

    /// Whether the type allows a number.
    #[must_use]
    pub(crate) fn type_allows(&self, value: Decimal) -> bool {
        let (low, high) = self.type_limits();
        low.is_none_or(|low| value >= low) && high.is_none_or(|high| value <= high)
    }

    /// The words of a column with a closed list, `no` before `yes`; the index is the code.
    #[must_use]
    pub fn choices(&self) -> Vec<&str> {
        match &self.kind {
            ColumnType::YesNo => vec!["no", "yes"],
            ColumnType::OneOf { choices } | ColumnType::Mapped { choices } => {
                choices.iter().map(String::as_str).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The choice that a word of the source stands for.
    #[must_use]
    pub fn mapped(&self, word: &str) -> Option<&str> {
        let at = self.mapping.of(word)? as usize;
        self.choices().get(at).copied()
    }

    /// Whether two columns hold values of the same kind: what was read for one serves the other.
    #[must_use]
    pub(crate) fn reads_like(&self, name: &str, kind: &ColumnType) -> bool {
        let mapped = |k: &ColumnType| matches!(k, ColumnType::Mapped { .. });
        self.name == name && (self.kind == *kind || (mapped(&self.kind) && mapped(kind)))
    }

    /// Whether the header says the same: types and bounds, not the mapping.
    #[must_use]
    pub(crate) fn same_header(&self, other: &Self) -> bool {
        (&self.name, &self.kind, self.soft, self.hard, &self.header)
            == (
                &other.name,
                &other.kind,
                other.soft,
                other.hard,
                &other.header,
            )
    }

    /// A number as people read it: money with a fraction shows at least two places.
    #[must_use]
    pub(crate) fn show(&self, value: Decimal) -> String {
        let text = value.to_string();
        let money = matches!(self.kind, ColumnType::Money { .. });
        if money && value.places() == 1 {
            format!("{text}0")
        } else {
            text
        }
    }
}
