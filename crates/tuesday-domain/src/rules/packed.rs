//! The compared values of one run in few bytes, so that a history of a million runs can be asked
//! again in a second.
//!
//! One value after the other, in the order of the columns of the rules version that was asked: a
//! tag, then a zigzag LEB128 number, an index into the choices, or a text with its length. What
//! could not be compared then is kept as "bad" and goes to a person under every table.

use super::column::{Column, ColumnType};
use super::decimal::Decimal;
use super::value::{Facts, Resolved};

const MISSING: u8 = 0;
const BAD: u8 = 1;
const CODE: u8 = 2;
const TEXT: u8 = 3;
/// `NUMBER + p` is a number with `p` decimal places, 0 to 18.
const NUMBER: u8 = 8;
const MOST_PLACES: u32 = 18;

/// One unpacked value; texts borrow from the packed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packed<'a> {
    Missing,
    Bad,
    Number(i128),
    Code(u32),
    Text(&'a str),
}

/// Packs the values that the columns compare.
#[must_use]
pub fn pack(columns: &[Column], facts: &Facts<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(columns.len() * 4);
    for column in columns {
        match facts.kept(column) {
            Resolved::Missing => out.push(MISSING),
            Resolved::Bad(_) => out.push(BAD),
            Resolved::Number(number) => push_number(&mut out, number),
            Resolved::Code(code) => {
                out.push(CODE);
                push_varint(&mut out, u128::from(code));
            }
            Resolved::Text(text) => {
                out.push(TEXT);
                push_varint(&mut out, text.len() as u128);
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
    out
}

fn push_number(out: &mut Vec<u8>, number: Decimal) {
    let places = number.places().min(MOST_PLACES);
    let mantissa = number.scaled() / 10_i128.pow(MOST_PLACES - places);
    out.push(NUMBER + u8::try_from(places).unwrap_or(0));
    push_varint(out, ((mantissa << 1) ^ (mantissa >> 127)).cast_unsigned());
}

fn push_varint(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads packed values one by one; nothing once the bytes make no sense.
pub(crate) struct Unpack<'a> {
    bytes: &'a [u8],
}

impl<'a> Unpack<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) const fn is_done(&self) -> bool {
        self.bytes.is_empty()
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn varint(&mut self) -> Option<u128> {
        let first = self.byte()?;
        let mut value = u128::from(first & 0x7f);
        let mut last = first;
        let mut shift = 7_u32;
        while last & 0x80 != 0 {
            last = self.byte()?;
            if shift > 126 {
                return None;
            }
            value |= u128::from(last & 0x7f) << shift;
            shift += 7;
        }
        Some(value)
    }

    /// The next value.
    pub(crate) fn value(&mut self) -> Option<Packed<'a>> {
        Some(match self.byte()? {
            MISSING => Packed::Missing,
            BAD => Packed::Bad,
            CODE => Packed::Code(u32::try_from(self.varint()?).ok()?),
            TEXT => {
                let len = usize::try_from(self.varint()?).ok()?;
                if len > self.bytes.len() {
                    return None;
                }
                let (text, rest) = self.bytes.split_at(len);
                self.bytes = rest;
                Packed::Text(std::str::from_utf8(text).ok()?)
            }
            tag if (NUMBER..=NUMBER + 18).contains(&tag) => {
                let raw = self.varint()?;
                let mantissa = (raw >> 1).cast_signed() ^ -((raw & 1).cast_signed());
                let unit = 10_i128.pow(MOST_PLACES - u32::from(tag - NUMBER));
                Packed::Number(mantissa.checked_mul(unit)?)
            }
            _ => return None,
        })
    }
}

/// The packed values in words, by column, for lists of runs. Texts are left out: they may name
/// persons, and a list is no place for them.
#[must_use]
pub fn unpack_words(columns: &[Column], bytes: &[u8]) -> Vec<(String, String)> {
    let mut unpack = Unpack::new(bytes);
    let mut out = Vec::with_capacity(columns.len());
    for column in columns {
        let words = match unpack.value() {
            Some(Packed::Number(n)) => column.show(Decimal::from_scaled(n)),
            Some(Packed::Code(code)) => match column.choices().get(code as usize) {
                Some(choice) => (*choice).to_owned(),
                None => return out,
            },
            Some(Packed::Text(word)) if is_mapped(column) => column
                .mapped(word)
                .unwrap_or("not in the mapping")
                .to_owned(),
            Some(Packed::Text(_)) => continue,
            Some(Packed::Missing) => "missing".to_owned(),
            Some(Packed::Bad) => "not comparable".to_owned(),
            None => return out,
        };
        out.push((column.name.clone(), words));
    }
    out
}

const fn is_mapped(column: &Column) -> bool {
    matches!(column.kind, ColumnType::Mapped { .. })
}

/// One number of a packed run, as a float; absent when the value is no number.
#[must_use]
pub fn number_of(columns: &[Column], bytes: &[u8], name: &str) -> Option<f64> {
    let mut unpack = Unpack::new(bytes);
    for column in columns {
        let value = unpack.value()?;
        if column.name == name {
            let Packed::Number(scaled) = value else {
                return None;
            };
            return Decimal::from_scaled(scaled).to_string().parse().ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn broken_bytes_are_nothing_and_never_a_panic() {
        for bytes in [
            &[TEXT, 200][..],
            &[NUMBER, 0xff],
            &[99],
            &[TEXT, 1, 0xff],
            &[CODE],
        ] {
            assert_eq!(Unpack::new(bytes).value(), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn numbers_come_back(mantissa in any::<i64>(), places in 0_u32..=6) {
            let scaled = i128::from(mantissa) * 10_i128.pow(18 - places);
            let mut out = Vec::new();
            push_number(&mut out, Decimal::from_scaled(scaled));
            let mut unpack = Unpack::new(&out);
            prop_assert_eq!(unpack.value(), Some(Packed::Number(scaled)));
            prop_assert!(unpack.is_done());
        }

        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut unpack = Unpack::new(&bytes);
            while unpack.value().is_some() {}
        }
    }
}
