//! Reads one header cell: `amount:money[USD] soft 0..1000 hard 0..2000`.

use super::column::{Column, ColumnType, Range};
use super::decimal::Decimal;
use super::mapping::Mapping;

/// Names that the table itself uses.
pub(crate) const RESERVED: [&str; 5] = ["row", "route", "review_tier", "reason", "note"];
/// Words with a meaning of their own inside cells.
const CELL_WORDS: [&str; 4] = ["any", "missing", "not", "is"];

/// Reads a header cell, or says in words what is wrong with it.
pub(crate) fn parse_header(text: &str) -> Result<Column, String> {
    let (name, rest) = text.split_once(':').ok_or_else(|| {
        format!("\"{text}\" has no type; write name:type, for example amount:money[USD]")
    })?;
    let name = name.trim();
    if !is_name(name) {
        return Err(format!(
            "\"{name}\" is not a column name; use small letters, digits and _, starting with a letter"
        ));
    }
    if RESERVED.contains(&name) {
        return Err(format!(
            "\"{name}\" is a name of the table itself; choose another"
        ));
    }
    let (kind, mut words) = parse_type(rest.trim())?;
    let mut column = Column {
        name: name.to_owned(),
        kind,
        soft: None,
        hard: None,
        header: text.to_owned(),
        mapping: Mapping::default(),
    };
    if words.first() == Some(&"signed") {
        set_signed(&mut column)?;
        words.remove(0);
    }
    parse_bounds(&mut column, &words)?;
    check_bounds(&column)?;
    Ok(column)
}

/// Small letters, digits and `_`, starting with a letter, at most 64 bytes.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The type and the words after it.
fn parse_type(text: &str) -> Result<(ColumnType, Vec<&str>), String> {
    if let Some(list) = text.strip_prefix("one of ") {
        return Ok((
            ColumnType::OneOf {
                choices: parse_choices(list)?,
            },
            Vec::new(),
        ));
    }
    if let Some(list) = text.strip_prefix("mapped to ") {
        return Ok((
            ColumnType::Mapped {
                choices: parse_choices(list)?,
            },
            Vec::new(),
        ));
    }
    let mut words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return Err("the type is missing after the colon".to_owned());
    }
    let word = words.remove(0);
    let (base, unit) = match word.split_once('[') {
        Some((base, rest)) => {
            let unit = rest
                .strip_suffix(']')
                .ok_or_else(|| format!("\"{word}\" has no closing ]"))?;
            (base, Some(unit))
        }
        None => (word, None),
    };
    let kind = match (base, unit) {
        ("money", Some(code))
            if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) =>
        {
            ColumnType::Money {
                currency: code.to_owned(),
                signed: false,
            }
        }
        ("money", _) => return Err("money needs its currency, for example money[USD]".to_owned()),
        ("number", Some("")) => return Err("the unit in [] is empty".to_owned()),
        ("number", unit) => ColumnType::Number {
            unit: unit.map(str::to_owned),
            signed: false,
        },
        ("ratio", None) => ColumnType::Ratio,
        ("yes/no", None) => ColumnType::YesNo,
        ("text", None) => ColumnType::Text,
        _ => {
            return Err(format!(
                "\"{word}\" is not a type; use money[USD], number, number[h], ratio, yes/no, text, one of a|b|c or mapped to a|b|c"
            ));
        }
    };
    Ok((kind, words))
}

fn parse_choices(list: &str) -> Result<Vec<String>, String> {
    let mut choices: Vec<String> = Vec::new();
    for choice in list.split('|').map(str::trim) {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.' | '/');
        if choice.is_empty() || !choice.chars().all(plain) || choice.contains("..") {
            return Err(format!(
                "\"{choice}\" cannot be a choice; use letters, digits, blanks, _ - . /"
            ));
        }
        let first = choice.split(' ').next().unwrap_or_default();
        if CELL_WORDS
            .iter()
            .any(|word| word.eq_ignore_ascii_case(first))
        {
            return Err(format!("a choice cannot start with the word \"{first}\""));
        }
        if choices.iter().any(|known| known == choice) {
            return Err(format!("the choice \"{choice}\" is listed twice"));
        }
        choices.push(choice.to_owned());
    }
    Ok(choices)
}

fn set_signed(column: &mut Column) -> Result<(), String> {
    match &mut column.kind {
        ColumnType::Money { signed, .. } | ColumnType::Number { signed, .. } => {
            *signed = true;
            Ok(())
        }
        _ => Err("only money and number can be signed".to_owned()),
    }
}

/// Reads `soft a..b` and `hard a..b` in either order, each at most once.
fn parse_bounds(column: &mut Column, words: &[&str]) -> Result<(), String> {
    if !words.is_empty() && !column.is_numeric() {
        return Err(format!(
            "\"{}\" has no meaning here; only numbers have bounds",
            words.join(" ")
        ));
    }
    for pair in words.chunks(2) {
        let [word, range] = pair else {
            return Err(format!(
                "\"{}\" stands alone; write soft 0..1000 or hard 0..2000",
                pair.join(" ")
            ));
        };
        let slot = match *word {
            "soft" => &mut column.soft,
            "hard" => &mut column.hard,
            _ => {
                return Err(format!(
                    "\"{word}\" is not known here; use signed, soft a..b, hard a..b"
                ));
            }
        };
        if slot.is_some() {
            return Err(format!("{word} is given twice"));
        }
        *slot = Some(parse_range(range)?);
    }
    Ok(())
}

fn parse_range(text: &str) -> Result<Range, String> {
    let (low, high) = text
        .split_once("..")
        .ok_or_else(|| format!("\"{text}\" is not a range such as 0..1000"))?;
    let number = |part: &str| Decimal::parse(part).map_err(|error| format!("\"{part}\" {error}"));
    let range = Range {
        low: number(low)?,
        high: number(high)?,
    };
    if range.low > range.high {
        return Err(format!("the range {text} is upside down"));
    }
    Ok(range)
}

fn check_bounds(column: &Column) -> Result<(), String> {
    for range in [column.soft, column.hard].into_iter().flatten() {
        if !column.type_allows(range.low) || !column.type_allows(range.high) {
            return Err(
                "the bounds leave the range of the type (add signed for negative values)"
                    .to_owned(),
            );
        }
    }
    match (column.soft, column.hard) {
        (Some(soft), Some(hard)) if soft.low < hard.low || soft.high > hard.high => {
            Err("the soft bounds must lie inside the hard bounds".to_owned())
        }
        _ => Ok(()),
    }
}
