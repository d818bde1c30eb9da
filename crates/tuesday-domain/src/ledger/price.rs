//! The price table: what a million tokens and an hour of somebody's time cost, from when on. A price is
//! never changed; a newer version takes its place from its first moment on, and what was booked stays
//! booked.

use crate::definition::PriceSpec;
use crate::record::{HourKind, PriceKind, PriceRow, Usage};
use crate::rules::Decimal;
use crate::time::Timestamp;

/// What a million tokens cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPrice {
    /// ISO 4217.
    pub currency: String,
    /// Millionths of the currency for a million input tokens.
    pub input_micros: i64,
    /// The same for output tokens.
    pub output_micros: i64,
    /// Version of the price table; 0 is the package's own price.
    pub version: u32,
}

impl TokenPrice {
    /// The price that a package brings; nothing when it is no price.
    #[must_use]
    pub fn of_package(spec: &PriceSpec) -> Option<Self> {
        Some(Self {
            currency: spec.currency.clone(),
            input_micros: amount(&spec.input_per_million).ok()?,
            output_micros: amount(&spec.output_per_million).ok()?,
            version: 0,
        })
    }

    /// What a call cost, in millionths of the currency, rounded once to the nearest.
    #[must_use]
    pub fn cost(&self, usage: Usage) -> Option<i64> {
        let part = |price: i64, tokens: u64| i128::from(price).checked_mul(i128::from(tokens));
        let sum = part(self.input_micros, usage.input_tokens)?
            .checked_add(part(self.output_micros, usage.output_tokens)?)?;
        i64::try_from((sum + 500_000) / 1_000_000).ok()
    }
}

/// A sum of money as people write it, in millionths; not negative.
///
/// # Errors
/// Says what is wrong with the text.
pub fn amount(text: &str) -> Result<i64, String> {
    let parsed = Decimal::parse(text.trim())
        .map_err(|e| format!("`{text}` is not an amount such as 12.50: {e}"))?;
    let micros = i64::try_from(parsed.micros()).map_err(|_| format!("`{text}` is too large"))?;
    if micros < 0 {
        return Err(format!("`{text}` is negative"));
    }
    Ok(micros)
}

/// A currency code: three capital letters.
///
/// # Errors
/// Says what was given.
pub fn currency(text: &str) -> Result<String, String> {
    let text = text.trim();
    let ok = text.len() == 3 && text.chars().all(|c| c.is_ascii_uppercase());
    ok.then(|| text.to_owned())
        .ok_or_else(|| format!("`{text}` is not a currency such as EUR or USD"))
}

/// A price as it is declared, before it has a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPrice {
    /// Of tokens or of an hour.
    pub kind: PriceKind,
    /// The model's pin, or whose hour.
    pub name: String,
    /// ISO 4217.
    pub currency: String,
    /// Millionths for a million input tokens.
    pub input_micros: Option<i64>,
    /// Millionths for a million output tokens.
    pub output_micros: Option<i64>,
    /// Millionths for an hour.
    pub hour_micros: Option<i64>,
    /// From when on; absent means at once.
    pub from: Option<Timestamp>,
}

/// The columns of a price file.
pub const COLUMNS: [&str; 7] = [
    "kind",
    "name",
    "currency",
    "input_per_million",
    "output_per_million",
    "per_hour",
    "from",
];

/// Reads a price file: CSV with the header [`COLUMNS`].
///
/// # Errors
/// Every fault with its line.
pub fn parse(csv: &str) -> Result<Vec<NewPrice>, Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(csv.as_bytes());
    let header: Vec<String> = match reader.headers() {
        Ok(h) => h.iter().map(str::to_owned).collect(),
        Err(e) => return Err(vec![format!("line 1: {e}")]),
    };
    if header != COLUMNS {
        return Err(vec![format!("line 1: the header is {}", COLUMNS.join(","))]);
    }
    let (mut out, mut faults) = (Vec::new(), Vec::new());
    for (i, row) in reader.records().enumerate() {
        let read = row.map_err(|e| e.to_string()).and_then(|row| {
            let cells: Vec<&str> = row.iter().collect();
            one(&cells)
        });
        match read {
            Ok(price) => out.push(price),
            Err(why) => faults.push(format!("line {}: {why}", i + 2)),
        }
    }
    if out.is_empty() && faults.is_empty() {
        faults.push("there is no price in it".to_owned());
    }
    if faults.is_empty() {
        Ok(out)
    } else {
        Err(faults)
    }
}

fn one(cells: &[&str]) -> Result<NewPrice, String> {
    let [kind, name, money, input, output, hour, from] = cells else {
        return Err(format!("{} cells in place of 7", cells.len()));
    };
    let kind: PriceKind = kind
        .parse()
        .map_err(|e: crate::words::UnknownWord| e.to_string())?;
    let sum = |column: &str, text: &str| -> Result<Option<i64>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        amount(text).map(Some).map_err(|e| format!("{column}: {e}"))
    };
    let price = NewPrice {
        kind,
        name: (*name).to_owned(),
        currency: currency(money)?,
        input_micros: sum("input_per_million", input)?,
        output_micros: sum("output_per_million", output)?,
        hour_micros: sum("per_hour", hour)?,
        from: match *from {
            "" => None,
            text => Some(Timestamp::parse(text).map_err(|e| format!("from: {e}"))?),
        },
    };
    price.fault().map_or(Ok(price), Err)
}

impl NewPrice {
    /// What is wrong with it.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let tokens = self.input_micros.is_some() && self.output_micros.is_some();
        let none = self.input_micros.is_none() && self.output_micros.is_none();
        match self.kind {
            PriceKind::Model if self.name.is_empty() => Some("name: which model".to_owned()),
            PriceKind::Model if !tokens || self.hour_micros.is_some() => Some(
                "a model has input_per_million and output_per_million, and no per_hour".to_owned(),
            ),
            PriceKind::Hour if self.hour_micros.is_none() || !none => {
                Some("an hour has per_hour, and no price of tokens".to_owned())
            }
            PriceKind::Hour => self
                .name
                .parse::<HourKind>()
                .err()
                .map(|e| format!("name: {e}")),
            PriceKind::Model => None,
        }
    }
}

/// Every version of every price.
#[derive(Clone, Debug, Default)]
pub struct PriceTable {
    rows: Vec<PriceRow>,
}

impl PriceTable {
    /// From the rows as stored, in any order.
    #[must_use]
    pub fn new(mut rows: Vec<PriceRow>) -> Self {
        rows.sort_by_key(|r| r.version);
        Self { rows }
    }

    /// Every row, oldest version first.
    #[must_use]
    pub fn rows(&self) -> &[PriceRow] {
        &self.rows
    }

    /// The newest version whose time has come.
    fn in_force(&self, kind: PriceKind, name: &str, at: Timestamp) -> Option<&PriceRow> {
        let fits = |r: &&PriceRow| r.kind == kind && r.name == name && r.starts_at <= at;
        self.rows.iter().rev().find(fits)
    }

    /// What a million tokens of a model cost at a moment.
    #[must_use]
    pub fn tokens(&self, pin: &str, at: Timestamp) -> Option<TokenPrice> {
        let row = self.in_force(PriceKind::Model, pin, at)?;
        Some(TokenPrice {
            currency: row.currency.clone(),
            input_micros: row.input_micros?,
            output_micros: row.output_micros?,
            version: row.version,
        })
    }

    /// What an hour costs at a moment: millionths and their currency.
    #[must_use]
    pub fn hour(&self, kind: HourKind, at: Timestamp) -> Option<(i64, &str)> {
        let row = self.in_force(PriceKind::Hour, kind.word(), at)?;
        Some((row.hour_micros?, &row.currency))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    const HEAD: &str = "kind,name,currency,input_per_million,output_per_million,per_hour,from\n";

    #[test]
    fn a_file_is_read_whole_or_every_fault_is_named() {
        let good = format!("{HEAD}model,m-1,EUR,2.5,10,,2026-11-17\nhour,review,EUR,,,42,\n");
        let rows = parse(&good).unwrap();
        assert_eq!(
            (rows[0].input_micros, rows[1].hour_micros),
            (Some(2_500_000), Some(42_000_000))
        );
        let bad = format!(
            "{HEAD}model,m-1,EUR,2.5,,,\nhour,cooking,EUR,,,42,\nmodel,m-1,euro,1,1,,\nmodel,m-1,EUR,-1,1,,\nbrick,x,EUR,1,1,,\n"
        );
        let faults = parse(&bad).unwrap_err();
        assert_eq!(faults.len(), 5);
        for (i, part) in [
            "input_per_million and",
            "cooking",
            "euro",
            "negative",
            "brick",
        ]
        .iter()
        .enumerate()
        {
            let told = &faults[i];
            assert!(
                told.starts_with(&format!("line {}", i + 2)) && told.contains(part),
                "{told}"
            );
        }
        assert!(parse(HEAD).is_err() && parse("a,b\n").is_err());
    }

    #[test]
    fn the_newest_version_whose_time_has_come_is_in_force() {
        let row = |version, day: &str, input| PriceRow {
            version,
            kind: PriceKind::Model,
            name: "m-1".into(),
            currency: "EUR".into(),
            input_micros: Some(input),
            output_micros: Some(0),
            hour_micros: None,
            starts_at: Timestamp::parse(day).unwrap(),
            reason: String::new(),
            set_by: "ada".into(),
            set_at: Timestamp::from_micros(0),
        };
        let table = PriceTable::new(vec![
            row(2, "2026-02-01", 20),
            row(1, "2026-01-01", 10),
            row(3, "2026-03-01", 30),
        ]);
        let at = |day: &str| {
            table
                .tokens("m-1", Timestamp::parse(day).unwrap())
                .map(|p| (p.version, p.input_micros))
        };
        assert_eq!(at("2025-12-31"), None);
        assert_eq!(at("2026-01-31"), Some((1, 10)));
        assert_eq!(at("2026-02-01"), Some((2, 20)));
        assert_eq!(at("2026-04-01"), Some((3, 30)));
        assert_eq!(table.tokens("m-2", Timestamp::from_micros(i64::MAX)), None);
    }

    #[test]
    fn a_call_is_rounded_once() {
        let price = TokenPrice {
            currency: "EUR".into(),
            input_micros: 150_000,
            output_micros: 600_000,
            version: 1,
        };
        let usage = |input_tokens, output_tokens| Usage {
            input_tokens,
            output_tokens,
        };
        // 0.15 and 0.6 of a millionth: 0.75 together, and neither alone is lost.
        assert_eq!(price.cost(usage(1, 1)), Some(1));
        assert_eq!(price.cost(usage(3, 0)), Some(0));
        assert_eq!(price.cost(usage(4, 0)), Some(1));
        assert_eq!(price.cost(usage(u64::MAX, u64::MAX)), None);
    }
}
