//! One condition cell: an interval, a set, their opposite, `missing` or `any`.

use super::column::{Column, ColumnType};
use super::decimal::Decimal;
use super::value::{Resolved, fold_text, is_placeholder};

/// One end of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) at: Decimal,
    pub(crate) included: bool,
}

/// An interval of numbers; an absent end is open for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) low: Option<Edge>,
    pub(crate) high: Option<Edge>,
}

impl Interval {
    fn point(at: Decimal) -> Self {
        let edge = Some(Edge { at, included: true });
        Self {
            low: edge,
            high: edge,
        }
    }

    pub(crate) fn contains(&self, value: Decimal) -> bool {
        let above = self
            .low
            .is_none_or(|e| value > e.at || (e.included && value == e.at));
        let below = self
            .high
            .is_none_or(|e| value < e.at || (e.included && value == e.at));
        above && below
    }

    fn is_upside_down(&self) -> bool {
        match (self.low, self.high) {
            (Some(low), Some(high)) => {
                low.at > high.at || (low.at == high.at && !(low.included && high.included))
            }
            _ => false,
        }
    }
}

/// The values a cell lists, in the form its column compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Items {
    Numbers(Vec<Interval>),
    Codes(Vec<u32>),
    Texts(Vec<String>),
}

/// What a cell asks of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// Nothing: the value is not even looked at.
    Any,
    /// The value is (or, negated, is not) listed.
    Listed {
        negated: bool,
        missing: bool,
        items: Items,
    },
}

/// How a cell judges one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Match,
    NoMatch,
    /// The cell needs a value and has none it can use.
    Unknown,
}

/// A condition cell: the text as written and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    text: String,
    test: Test,
}

impl Cell {
    /// The text as written, trimmed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the cell is `any` and so never looks at the value.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.test == Test::Any
    }

    pub(crate) fn test(&self) -> &Test {
        &self.test
    }

    /// Whether an absent value stops the evaluation at this cell: it compares, and does not name
    /// `missing`.
    #[must_use]
    pub fn requires_value(&self) -> bool {
        matches!(self.test, Test::Listed { missing: false, .. })
    }

    pub(crate) fn judge(&self, value: &Resolved<'_>) -> Judgement {
        let Test::Listed {
            negated,
            missing,
            items,
        } = &self.test
        else {
            return Judgement::Match;
        };
        let listed = match (value, items) {
            (Resolved::Bad(_), _) => return Judgement::Unknown,
            (Resolved::Missing, _) if *missing => true,
            (Resolved::Missing, _) => return Judgement::Unknown,
            (Resolved::Number(v), Items::Numbers(list)) => list.iter().any(|i| i.contains(*v)),
            (Resolved::Code(v), Items::Codes(list)) => list.contains(v),
            (Resolved::Text(v), Items::Texts(list)) => list.iter().any(|t| t == v),
            _ => return Judgement::Unknown,
        };
        if listed == *negated {
            Judgement::NoMatch
        } else {
            Judgement::Match
        }
    }

    /// The numbers written in the cell, which are the values that bounds limit.
    pub(crate) fn numbers(&self) -> Vec<Decimal> {
        let Test::Listed {
            items: Items::Numbers(list),
            ..
        } = &self.test
        else {
            return Vec::new();
        };
        let mut numbers: Vec<Decimal> = list
            .iter()
            .flat_map(|i| [i.low, i.high])
            .flatten()
            .map(|e| e.at)
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

/// Reads a cell of a column, or says in words what is wrong with it.
pub(crate) fn parse_cell(column: &Column, text: &str) -> Result<Cell, String> {
    let text = text.trim();
    if text == "any" {
        return Ok(Cell {
            text: text.to_owned(),
            test: Test::Any,
        });
    }
    refuse_separators(column, text)?;
    if column.kind == ColumnType::Text && text.starts_with(['=', '+', '-', '@']) {
        return Err(format!(
            "a spreadsheet would run {text} as a formula; put it in double quotes"
        ));
    }
    let (negated, list) = match text.strip_prefix("not ") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut missing = false;
    let mut items = match column.kind {
        ColumnType::YesNo | ColumnType::OneOf { .. } | ColumnType::Mapped { .. } => {
            Items::Codes(Vec::new())
        }
        ColumnType::Text => Items::Texts(Vec::new()),
        _ => Items::Numbers(Vec::new()),
    };
    for atom in split_atoms(list)? {
        if atom == "missing" {
            missing = true;
            continue;
        }
        match &mut items {
            Items::Numbers(list) => list.push(parse_interval(column, atom)?),
            Items::Codes(list) => list.push(parse_code(column, atom)?),
            Items::Texts(list) => list.push(parse_text(atom)?),
        }
    }
    Ok(Cell {
        text: text.to_owned(),
        test: Test::Listed {
            negated,
            missing,
            items,
        },
    })
}

/// `1,500` could be read as one number or as two: it is refused instead of guessed.
fn refuse_separators(column: &Column, text: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    let between_digits = bytes.iter().enumerate().any(|(at, byte)| {
        let before = at.checked_sub(1).and_then(|i| bytes.get(i));
        let after = bytes.get(at + 1);
        *byte == b','
            && before.is_some_and(u8::is_ascii_digit)
            && after.is_some_and(u8::is_ascii_digit)
    });
    if column.is_numeric() && between_digits {
        return Err(format!(
            "\"{text}\" could be one number or two; write 1500 without a separator, or a list with blanks: 1, 500"
        ));
    }
    Ok(())
}

/// Splits at commas outside double quotes; empty parts are refused.
fn split_atoms(list: &str) -> Result<Vec<&str>, String> {
    let mut atoms = Vec::new();
    let mut quoted = false;
    let mut start = 0;
    for (at, c) in list.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                atoms.push(list[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    atoms.push(list[start..].trim());
    if quoted {
        return Err("a double quote is not closed".to_owned());
    }
    if atoms.iter().any(|atom| atom.is_empty()) {
        return Err("the list has an empty place".to_owned());
    }
    Ok(atoms)
}

fn parse_interval(column: &Column, atom: &str) -> Result<Interval, String> {
    let number = |text: &str| parse_number(column, text.trim());
    let edge = |text: &str, included: bool| {
        Ok::<_, String>(Some(Edge {
            at: number(text)?,
            included,
        }))
    };
    let interval = if let Some(rest) = atom.strip_prefix(">=") {
        Interval {
            low: edge(rest, true)?,
            high: None,
        }
    } else if let Some(rest) = atom.strip_prefix("<=") {
        Interval {
            low: None,
            high: edge(rest, true)?,
        }
    } else if let Some(rest) = atom.strip_prefix('>') {
        Interval {
            low: edge(rest, false)?,
            high: None,
        }
    } else if let Some(rest) = atom.strip_prefix('<') {
        Interval {
            low: None,
            high: edge(rest, false)?,
        }
    } else if let Some((low, high)) = atom.split_once("..") {
        let (low, low_in) = low
            .strip_suffix('<')
            .map_or((low, true), |rest| (rest, false));
        let (high, high_in) = high
            .strip_prefix('<')
            .map_or((high, true), |rest| (rest, false));
        Interval {
            low: edge(low, low_in)?,
            high: edge(high, high_in)?,
        }
    } else {
        Interval::point(number(strip_is(atom))?)
    };
    if interval.is_upside_down() {
        return Err(format!("the range \"{atom}\" holds nothing"));
    }
    Ok(interval)
}

/// A number of the column's type, with its unit or `%` allowed after it.
fn parse_number(column: &Column, text: &str) -> Result<Decimal, String> {
    let wrong = |why: &str| format!("\"{text}\" {why}");
    let bare = match &column.kind {
        ColumnType::Money { currency, .. } => text
            .strip_suffix(currency.as_str())
            .map_or(text, str::trim_end),
        ColumnType::Ratio => text.strip_suffix('%').map_or(text, str::trim_end),
        _ => text,
    };
    let mut value = Decimal::parse(bare).map_err(|error| match (&error, column.unit()) {
        (_, Some(unit)) => wrong(&format!("{error}, in {unit}")),
        _ => wrong(&error.to_string()),
    })?;
    if matches!(column.kind, ColumnType::Ratio) && text.ends_with('%') {
        value = value
            .percent()
            .ok_or_else(|| wrong("has too many decimal places"))?;
    }
    if matches!(column.kind, ColumnType::Money { .. }) && !value.fits_money() {
        return Err(wrong("has more than four decimal places"));
    }
    if !column.type_allows(value) {
        return Err(wrong(match column.kind {
            ColumnType::Ratio => "is outside 0..1",
            _ => "is negative and the column is not signed",
        }));
    }
    Ok(value)
}

fn parse_code(column: &Column, atom: &str) -> Result<u32, String> {
    let word = strip_is(atom);
    let choices = column.choices();
    choices
        .iter()
        .position(|choice| *choice == word)
        .and_then(|at| u32::try_from(at).ok())
        .ok_or_else(|| format!("\"{word}\" is not one of {}", choices.join(", ")))
}

fn parse_text(atom: &str) -> Result<String, String> {
    let word = strip_is(atom);
    let inner = match word
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        Some(inner) => inner,
        None if word.starts_with(['<', '>']) => {
            return Err(format!(
                "\"{word}\" compares text as a number; list the texts instead"
            ));
        }
        None if is_table_word(word) => {
            return Err(format!(
                "{word} is a word of the table; put the text in double quotes"
            ));
        }
        None => word,
    };
    if inner.contains('"') || inner.trim().is_empty() {
        return Err(format!(
            "{word} is not a text; put double quotes around the whole of it"
        ));
    }
    let folded = fold_text(inner).into_owned();
    if is_placeholder(&folded) {
        return Err(format!("{word} is never a value; write missing"));
    }
    Ok(folded)
}

/// `Any` or a `not` inside a list would silently be read as a text that never occurs.
fn is_table_word(word: &str) -> bool {
    let first = word.split_whitespace().next().unwrap_or_default();
    let alone = |name: &str| word.eq_ignore_ascii_case(name);
    alone("any") || alone("missing") || first.eq_ignore_ascii_case("not")
}

/// `= x` and `is x` mean the same as `x`.
fn strip_is(atom: &str) -> &str {
    atom.strip_prefix('=')
        .or_else(|| atom.strip_prefix("is "))
        .unwrap_or(atom)
        .trim()
}
