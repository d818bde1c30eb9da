//! Exact decimals for rule values, because a cutoff compared in binary floating point moves by
//! itself: `0.1 + 0.2 > 0.3` must not decide whether money is paid.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Decimal places kept by [`Decimal`].
const PLACES: u32 = 18;
/// Decimal places a money value may use: one hundredth of a cent.
const MONEY_PLACES: u32 = 4;
/// Every decimal text of at most this many significant digits survives a trip through `f64`.
const SAFE_FLOAT_DIGITS: u32 = 15;
const ONE: i128 = 10_i128.pow(PLACES);

/// An exact decimal number with up to 18 decimal places and about 20 digits before the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i128);

/// Why a text or number cannot be held exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// The text is not plain digits with an optional sign and one point.
    #[error("is not a plain number such as 1234.50 (no separators, no exponent)")]
    NotANumber,
    /// More decimal places than can be kept.
    #[error("has too many decimal places")]
    TooManyPlaces,
    /// More digits before the point than can be kept.
    #[error("is too large")]
    TooLarge,
    /// A binary float that does not say which decimal was meant.
    #[error("is a floating-point number with too many digits; send it as text")]
    InexactFloat,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// One.
    pub const ONE: Self = Self(ONE);

    /// Millionths, cut towards zero: the unit of the cost ledger.
    #[must_use]
    pub const fn micros(self) -> i128 {
        self.0 / (ONE / 1_000_000)
    }

    /// Reads plain digits: `-`, no leading zeros, one point, at most 18 places.
    ///
    /// # Errors
    /// Refuses separators, exponents, signs other than `-`, and whatever does not fit exactly.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return Err(DecimalError::NotANumber),
            Some((whole, fraction)) => (whole, fraction),
            None => (digits, ""),
        };
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || leading_zero || !plain(whole) || !plain(fraction) {
            return Err(DecimalError::NotANumber);
        }
        if fraction.len() > PLACES as usize {
            return Err(DecimalError::TooManyPlaces);
        }
        let mut scaled: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            scaled = push_digit(scaled, digit)?;
        }
        for _ in fraction.len()..PLACES as usize {
            scaled = push_digit(scaled, b'0')?;
        }
        Ok(Self(if negative { -scaled } else { scaled }))
    }

    /// The decimal a JSON float was most likely written as, refused when that is not certain.
    ///
    /// # Errors
    /// [`DecimalError::InexactFloat`] when its shortest form has more than 15 significant digits.
    pub fn from_f64_exact(float: f64) -> Result<Self, DecimalError> {
        let (mantissa, digits, power) = shortest_digits(float)?;
        if digits > SAFE_FLOAT_DIGITS || power < 0 {
            return Err(DecimalError::InexactFloat);
        }
        scale_up(mantissa, power)
    }

    /// The decimal nearest to a JSON float, for scores where the eighteenth place means nothing.
    ///
    /// # Errors
    /// Refuses NaN, infinities and numbers that are too large.
    pub fn from_f64_rounded(float: f64) -> Result<Self, DecimalError> {
        let (mantissa, _, power) = shortest_digits(float)?;
        if power >= 0 {
            return scale_up(mantissa, power);
        }
        let Some(divisor) = 10_i128.checked_pow(power.unsigned_abs()) else {
            return Ok(Self::ZERO);
        };
        let half = divisor / 2;
        let away = if mantissa < 0 { -half } else { half };
        Ok(Self((mantissa + away) / divisor))
    }

    /// How far apart two numbers are; nothing when that does not fit.
    #[must_use]
    pub fn distance(self, other: Self) -> Option<Self> {
        self.0
            .checked_sub(other.0)
            .and_then(i128::checked_abs)
            .map(Self)
    }

    /// How many decimal places the number really uses.
    #[must_use]
    pub fn places(self) -> u32 {
        if self.0 == 0 {
            return 0;
        }
        let mut places = PLACES;
        let mut rest = self.0;
        while places > 0 && rest % 10 == 0 {
            rest /= 10;
            places -= 1;
        }
        places
    }

    /// Whether the number fits the four places money may use.
    #[must_use]
    pub(crate) fn fits_money(self) -> bool {
        self.0 % 10_i128.pow(PLACES - MONEY_PLACES) == 0
    }

    /// The number divided by one hundred, or nothing when a place would be lost.
    #[must_use]
    pub(crate) fn percent(self) -> Option<Self> {
        (self.0 % 100 == 0).then_some(Self(self.0 / 100))
    }

    /// The number as an integer count of 10^-18.
    #[must_use]
    pub(crate) const fn scaled(self) -> i128 {
        self.0
    }

    /// The number with the given count of 10^-18.
    #[must_use]
    pub(crate) const fn from_scaled(scaled: i128) -> Self {
        Self(scaled)
    }

    /// Whether some value that money may take lies strictly between two numbers.
    #[must_use]
    pub(crate) fn money_between(low: Self, high: Self) -> bool {
        let step = 10_i128.pow(PLACES - MONEY_PLACES);
        low.0
            .div_euclid(step)
            .checked_add(1)
            .and_then(|next| next.checked_mul(step))
            .is_some_and(|next| next < high.0)
    }

    /// Whether some decimal lies strictly between two numbers.
    #[must_use]
    pub(crate) fn any_between(low: Self, high: Self) -> bool {
        low.0.checked_add(1).is_some_and(|next| next < high.0)
    }
}

impl From<i64> for Decimal {
    fn from(whole: i64) -> Self {
        Self(i128::from(whole) * ONE)
    }
}

impl From<u64> for Decimal {
    fn from(whole: u64) -> Self {
        Self(i128::from(whole) * ONE)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let one = ONE.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}", magnitude / one)?;
        let fraction = magnitude % one;
        if fraction == 0 {
            return Ok(());
        }
        let digits = format!("{fraction:018}");
        write!(f, ".{}", digits.trim_end_matches('0'))
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Appends one ASCII digit, refusing overflow.
fn push_digit(number: i128, digit: u8) -> Result<i128, DecimalError> {
    number
        .checked_mul(10)
        .and_then(|n| n.checked_add(i128::from(digit - b'0')))
        .ok_or(DecimalError::TooLarge)
}

fn scale_up(mantissa: i128, power: i32) -> Result<Decimal, DecimalError> {
    if mantissa == 0 {
        return Ok(Decimal::ZERO);
    }
    10_i128
        .checked_pow(power.unsigned_abs())
        .and_then(|factor| mantissa.checked_mul(factor))
        .map(Decimal)
        .ok_or(DecimalError::TooLarge)
}

/// Splits a float into its shortest decimal digits: (signed digits, how many, power of ten that
/// turns them into a count of 10^-18).
fn shortest_digits(float: f64) -> Result<(i128, u32, i32), DecimalError> {
    if !float.is_finite() {
        return Err(DecimalError::NotANumber);
    }
    // Scientific form is at most 24 characters, so no allocation is needed on the hot path.
    let mut buffer = ShortText::default();
    write!(buffer, "{float:e}").map_err(|_| DecimalError::NotANumber)?;
    let text = buffer.as_str().ok_or(DecimalError::NotANumber)?;
    let (mantissa, exponent) = text.split_once('e').ok_or(DecimalError::NotANumber)?;
    let exponent: i32 = exponent.parse().map_err(|_| DecimalError::NotANumber)?;
    let mut number: i128 = 0;
    let mut digits: u32 = 0;
    for digit in mantissa.bytes().filter(u8::is_ascii_digit) {
        number = push_digit(number, digit)?;
        digits += 1;
    }
    let fraction_digits = i32::try_from(digits).map_err(|_| DecimalError::TooLarge)? - 1;
    let power = PLACES.cast_signed() + exponent - fraction_digits;
    let signed = if mantissa.starts_with('-') {
        -number
    } else {
        number
    };
    Ok((signed, digits, power))
}

/// A text of at most 32 bytes on the stack.
#[derive(Default)]
struct ShortText {
    bytes: [u8; 32],
    len: usize,
}

impl ShortText {
    fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes.get(..self.len)?).ok()
    }
}

impl fmt::Write for ShortText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes
            .get_mut(self.len..end)
            .ok_or(fmt::Error)?
            .copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
