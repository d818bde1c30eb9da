//! Turns a JSON value into the typed value a column compares, or into the reason it cannot.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::column::{Column, ColumnType};
use super::decimal::{Decimal, DecimalError};

/// Texts that stand for "nothing known" in exports; they are not values.
const PLACEHOLDERS: [&str; 5] = ["n/a", "#n/a", "null", "nan", "undefined"];
/// Longest part of a faulty value that is repeated in a message.
const SHOWN_CHARS: usize = 40;

/// The values of one run, by column name. Other names may be present and are ignored.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    values: &'a Map<String, Value>,
}

impl<'a> Facts<'a> {
    /// Wraps a JSON object.
    #[must_use]
    pub fn new(values: &'a Map<String, Value>) -> Self {
        Self { values }
    }

    pub(crate) fn resolve(&self, column: &Column) -> Resolved<'a> {
        resolve(column, self.values.get(&column.name), mapped)
    }

    /// The value as it is kept for later questions: of a mapped column the source's own word, so
    /// that another mapping can be asked about it.
    pub(crate) fn kept(&self, column: &Column) -> Resolved<'a> {
        resolve(column, self.values.get(&column.name), |_, value| {
            source_word(value).map(Resolved::Text)
        })
    }
}

/// Why a value cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemCode {
    /// Absent, `null` or blank text.
    MissingValue,
    /// Not of the column's type.
    MistypedValue,
    /// Of the right type and outside what the type allows: negative, or a ratio over 1.
    ValueOutOfRange,
    /// An amount in a currency other than the column's.
    ForeignCurrency,
    /// A word that is not in the column's list.
    UnknownChoice,
    /// A word of the source that the column's mapping does not know.
    UnknownTier,
}

/// One value that cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The column.
    pub column: String,
    /// Stable name of the fault.
    pub code: ProblemCode,
    /// The value as it arrived, shortened; absent when there was none.
    pub value: Option<String>,
    /// What is the matter, in words for people.
    pub words: String,
}

/// A value after typing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Resolved<'a> {
    Missing,
    Bad(Fault<'a>),
    Number(Decimal),
    Code(u32),
    Text(Cow<'a, str>),
}

/// A value that is there and cannot be compared; turned into words only when reported.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault<'a> {
    pub(crate) code: ProblemCode,
    pub(crate) value: &'a Value,
    pub(crate) why: &'static str,
}

/// Lower case with surrounding blanks removed; borrows when nothing changes.
pub(crate) fn fold_text(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.chars().any(|c| c.is_uppercase() || !c.is_ascii()) {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

type Typed<'a> = Result<Resolved<'a>, Refusal>;

fn resolve<'a>(
    column: &Column,
    value: Option<&'a Value>,
    mapped: fn(&Column, &'a Value) -> Typed<'a>,
) -> Resolved<'a> {
    let Some(value) = value else {
        return Resolved::Missing;
    };
    match value {
        Value::Null => return Resolved::Missing,
        Value::String(text) if text.trim().is_empty() => return Resolved::Missing,
        _ => {}
    }
    let typed = match &column.kind {
        ColumnType::Money { currency, .. } => {
            money(currency, value).and_then(|number| in_range(column, number))
        }
        ColumnType::Number { .. } | ColumnType::Ratio => {
            plain_number(column, value).and_then(|number| in_range(column, number))
        }
        ColumnType::YesNo => yes_no(value),
        ColumnType::OneOf { choices } => one_of(choices, value),
        ColumnType::Mapped { .. } => mapped(column, value),
        ColumnType::Text => text(value).map(Resolved::Text),
    };
    typed.unwrap_or_else(|(code, why)| Resolved::Bad(Fault { code, value, why }))
}

type Refusal = (ProblemCode, &'static str);

fn mistyped(why: &'static str) -> Refusal {
    (ProblemCode::MistypedValue, why)
}

fn in_range<'a>(column: &Column, number: Decimal) -> Result<Resolved<'a>, Refusal> {
    if column.type_allows(number) {
        return Ok(Resolved::Number(number));
    }
    Err((
        ProblemCode::ValueOutOfRange,
        if matches!(column.kind, ColumnType::Ratio) {
            "is outside 0 to 1"
        } else {
            "is negative"
        },
    ))
}

/// Text, a whole number, a float that says clearly which decimal it means, or
/// `{"amount": …, "currency": …}`.
fn money(currency: &str, value: &Value) -> Result<Decimal, Refusal> {
    let amount = match value {
        Value::Object(parts) => {
            match parts.get("currency").and_then(Value::as_str) {
                Some(code) if code == currency => {}
                Some(_) => return Err(foreign()),
                None => return Err(mistyped("has no currency")),
            }
            match parts.get("amount") {
                Some(Value::String(text)) => decimal_text(text.trim())?,
                Some(Value::Number(number)) => json_number(number, Decimal::from_f64_exact)?,
                _ => return Err(mistyped("has no amount")),
            }
        }
        Value::String(text) => money_text(currency, text.trim())?,
        Value::Number(number) => json_number(number, Decimal::from_f64_exact)?,
        _ => return Err(mistyped("is not an amount")),
    };
    if amount.fits_money() {
        Ok(amount)
    } else {
        Err(mistyped("has more than four decimal places"))
    }
}

fn foreign() -> Refusal {
    (ProblemCode::ForeignCurrency, "is in another currency")
}

/// `750` or `750 USD`; another code of three capitals is a foreign currency.
fn money_text(currency: &str, text: &str) -> Result<Decimal, Refusal> {
    let Some((amount, code)) = text.rsplit_once(' ') else {
        return decimal_text(text);
    };
    if code == currency {
        return decimal_text(amount);
    }
    let is_code = code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
    Err(if is_code {
        foreign()
    } else {
        mistyped("is not a plain number such as 1234.50")
    })
}

fn plain_number(column: &Column, value: &Value) -> Result<Decimal, Refusal> {
    match value {
        Value::Number(number) => {
            // Rounding to 18 places must not turn a tiny negative score into a valid zero.
            let negative = number.as_f64().is_some_and(|f| f < 0.0);
            if negative && !column.type_allows(Decimal::from(-1_i64)) {
                let ratio = matches!(column.kind, ColumnType::Ratio);
                let why = if ratio {
                    "is outside 0 to 1"
                } else {
                    "is negative"
                };
                return Err((ProblemCode::ValueOutOfRange, why));
            }
            json_number(number, Decimal::from_f64_rounded)
        }
        Value::String(text) => decimal_text(text.trim()),
        _ => Err(mistyped("is not a number")),
    }
}

fn json_number(
    number: &serde_json::Number,
    from_float: fn(f64) -> Result<Decimal, DecimalError>,
) -> Result<Decimal, Refusal> {
    if let Some(whole) = number.as_i64() {
        return Ok(Decimal::from(whole));
    }
    if let Some(whole) = number.as_u64() {
        return Ok(Decimal::from(whole));
    }
    let float = number.as_f64().ok_or(mistyped("is not a number"))?;
    from_float(float).map_err(|error| mistyped(decimal_words(error)))
}

fn decimal_text(text: &str) -> Result<Decimal, Refusal> {
    Decimal::parse(text).map_err(|error| mistyped(decimal_words(error)))
}

fn decimal_words(error: DecimalError) -> &'static str {
    match error {
        DecimalError::NotANumber => "is not a plain number such as 1234.50",
        DecimalError::TooManyPlaces => "has too many decimal places",
        DecimalError::TooLarge => "is too large",
        DecimalError::InexactFloat => "is a floating-point number with too many digits",
    }
}

fn yes_no<'a>(value: &Value) -> Result<Resolved<'a>, Refusal> {
    match value {
        Value::Bool(flag) => Ok(Resolved::Code(u32::from(*flag))),
        Value::String(text) if text.trim() == "yes" => Ok(Resolved::Code(1)),
        Value::String(text) if text.trim() == "no" => Ok(Resolved::Code(0)),
        _ => Err(mistyped("is neither yes nor no")),
    }
}

fn one_of<'a>(choices: &[String], value: &Value) -> Result<Resolved<'a>, Refusal> {
    let Value::String(word) = value else {
        return Err(mistyped("is not a word"));
    };
    let word = word.trim();
    choices
        .iter()
        .position(|choice| choice == word)
        .and_then(|at| u32::try_from(at).ok())
        .map(Resolved::Code)
        .ok_or((
            ProblemCode::UnknownChoice,
            "is not in the list of the column",
        ))
}

fn mapped<'a>(column: &Column, value: &'a Value) -> Typed<'a> {
    let word = source_word(value)?;
    column.mapping.of_folded(&word).map(Resolved::Code).ok_or((
        ProblemCode::UnknownTier,
        "is not in the mapping of the column",
    ))
}

/// The folded word of a source; some number their tiers.
fn source_word(value: &Value) -> Result<Cow<'_, str>, Refusal> {
    match value {
        Value::Number(number) if !number.is_f64() => Ok(Cow::Owned(number.to_string())),
        _ => text(value),
    }
}

fn text(value: &Value) -> Result<Cow<'_, str>, Refusal> {
    let Value::String(text) = value else {
        return Err(mistyped("is not a text"));
    };
    // Characters that cannot be seen could make two texts look equal and compare as different.
    if text.trim().chars().any(is_invisible) {
        return Err(mistyped("contains characters that cannot be seen"));
    }
    let folded = fold_text(text);
    if is_placeholder(&folded) {
        return Err(mistyped("is a placeholder, not a value"));
    }
    Ok(folded)
}

/// Whether a folded text stands for "nothing known".
pub(crate) fn is_placeholder(folded: &str) -> bool {
    PLACEHOLDERS.contains(&folded)
}

/// Control, zero-width, bidirectional and byte-order characters.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl Fault<'_> {
    pub(crate) fn problem(&self, column: &Column) -> Problem {
        let value = shown(self.value);
        let unit = match column.unit() {
            Some(unit) if self.code == ProblemCode::ForeignCurrency => format!(" than {unit}"),
            _ => String::new(),
        };
        let words = format!("{} {value} {}{unit}", column.name, self.why);
        Problem {
            column: column.name.clone(),
            code: self.code,
            value: Some(value),
            words,
        }
    }
}

pub(crate) fn missing(column: &Column) -> Problem {
    Problem {
        column: column.name.clone(),
        code: ProblemCode::MissingValue,
        value: None,
        words: format!("{} is missing", column.name),
    }
}

/// A JSON value as text, without characters that could disturb a log line, shortened.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    let mut short: String = text
        .chars()
        .filter(|c| !is_invisible(*c))
        .take(SHOWN_CHARS)
        .collect();
    if text.chars().count() > SHOWN_CHARS {
        short.push('…');
    }
    short
}
