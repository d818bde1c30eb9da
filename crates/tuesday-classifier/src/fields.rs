//! Reads the declared fields of a record and turns them into raw features, before anything is learned.
//!
//! A field that is missing or of the wrong kind is a feature of its own ("missing", "unreadable"), never an error: at the
//! time of a prediction the record is what it is.

use serde_json::Value;

use super::math::{HASH_START, column, hash};
use super::similarity;
use super::spec::{FeatureSpec, PairKind};
use super::text::{Piece, pieces, words};

/// How many learned likenesses a text pair adds (see `encode`).
pub(super) const LEARNED: usize = 3;
const LEARNED_NAMES: [&str; LEARNED] = [
    "likeness by rare words",
    "rare words found",
    "rarest word not found",
];

/// Counted columns of one text field: words and word pairs apart from letter groups, each sorted by column.
#[derive(Debug, Clone, Default)]
pub(super) struct RawText {
    pub(super) words: Vec<(u32, f32)>,
    pub(super) letters: Vec<(u32, f32)>,
}

/// One record's features before weighting.
#[derive(Debug, Clone, Default)]
pub(super) struct Raw {
    /// One entry for each text field.
    pub(super) texts: Vec<RawText>,
    /// Yes-or-no features: the column and its name for people.
    pub(super) flags: Vec<(u32, String)>,
    /// Numbers in the order of [`value_names`]; NaN where there is none.
    pub(super) values: Vec<f64>,
    /// For each text pair: the place of its first learned value and the hashed words of both sides.
    pub(super) pairs: Vec<RawPair>,
    /// Hash of everything above, to keep equal records in one fold.
    pub(super) identity: u64,
}

/// Hashed words of the two sides of a text pair, each sorted and without repeats.
#[derive(Debug, Clone)]
pub(super) struct RawPair {
    pub(super) first_value: usize,
    pub(super) left: Vec<u32>,
    pub(super) right: Vec<u32>,
}

/// Names of the numbers that a record yields, in order; the same for every record of a spec.
pub(super) fn value_names(spec: &FeatureSpec) -> Vec<String> {
    let mut names = spec.number.clone();
    for pair in &spec.pair {
        let suffixes: Vec<&str> = match pair.kind {
            PairKind::Text => similarity::TEXT_NAMES
                .iter()
                .chain(&LEARNED_NAMES)
                .copied()
                .collect(),
            PairKind::Number => similarity::NUMBER_NAMES.to_vec(),
            PairKind::Date => vec!["days"],
        };
        names.extend(
            suffixes
                .iter()
                .map(|suffix| format!("{} ~ {}: {suffix}", pair.left, pair.right)),
        );
    }
    names
}

/// Reads `fields` as `spec` says.
pub(super) fn read(spec: &FeatureSpec, columns: u32, fields: &Value) -> Raw {
    let mut reader = Reader {
        columns,
        fields,
        raw: Raw {
            identity: HASH_START,
            ..Raw::default()
        },
    };
    for path in &spec.text {
        reader.text(path);
    }
    for path in &spec.category {
        reader.category(path);
    }
    for path in &spec.number {
        let value = reader.number(path);
        reader.value(value);
    }
    for pair in &spec.pair {
        match pair.kind {
            PairKind::Text => reader.text_pair(&pair.left, &pair.right),
            PairKind::Number => reader.number_pair(&pair.left, &pair.right),
            PairKind::Date => reader.date_pair(&pair.left, &pair.right),
        }
    }
    reader.raw
}

/// The value at a dotted path; `None` when a step is missing or the value is null.
pub(super) fn at<'a>(fields: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(fields, |value, step| value.get(step))
        .filter(|value| !value.is_null())
}

/// What a field says as text; a list of texts is joined. `None` for a missing or empty field and for objects.
pub(super) fn as_text(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(yes) => yes.to_string(),
        Value::Array(items) => items
            .iter()
            .filter_map(|item| as_text(Some(item)))
            .collect::<Vec<_>>()
            .join(" "),
        Value::Null | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// A finite number, from a number or from a text such as `1,234.50` or `EUR 12`; `None` when it does not read as one.
fn as_number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => {
            let bare = text.trim().trim_matches(|letter: char| {
                letter.is_alphabetic()
                    || letter.is_whitespace()
                    || matches!(letter, '$' | '€' | '£' | '%')
            });
            bare.replace(',', "").parse().ok()?
        }
        _ => return None,
    };
    number.is_finite().then_some(number)
}

struct Reader<'a> {
    columns: u32,
    fields: &'a Value,
    raw: Raw,
}

impl Reader<'_> {
    fn flag(&mut self, name: String) {
        let hashed = hash(hash(HASH_START, b"flag\0"), name.as_bytes());
        self.raw.identity = hash(self.raw.identity, &hashed.to_le_bytes());
        self.raw.flags.push((column(hashed, self.columns), name));
    }

    fn value(&mut self, value: Option<f64>) {
        let value = value.unwrap_or(f64::NAN);
        self.raw.identity = hash(self.raw.identity, &value.to_bits().to_le_bytes());
        self.raw.values.push(value);
    }

    /// The text at `path`; without one a flag says what is wrong.
    fn string(&mut self, path: &str) -> Option<String> {
        let found = at(self.fields, path);
        let text = as_text(found);
        if text.is_none() {
            let fault = if found.is_some_and(Value::is_object) {
                "unreadable"
            } else {
                "missing"
            };
            self.flag(format!("{path} is {fault}"));
        } else if let Some(text) = &text {
            self.raw.identity = hash(self.raw.identity, text.as_bytes());
        }
        text
    }

    fn number(&mut self, path: &str) -> Option<f64> {
        let found = at(self.fields, path)
            .filter(|value| value.as_str().is_none_or(|text| !text.trim().is_empty()));
        let number = found.and_then(as_number);
        if number.is_none() {
            let fault = if found.is_some() {
                "unreadable"
            } else {
                "missing"
            };
            self.flag(format!("{path} is {fault}"));
        }
        number
    }

    fn text(&mut self, path: &str) {
        let text = self.string(path).unwrap_or_default();
        let (mut found, mut letters) = (Vec::new(), Vec::new());
        pieces(path, &words(&text), |piece, _, hash| {
            let cell = (column(hash, self.columns), 1.0);
            if piece == Piece::Letters {
                letters.push(cell)
            } else {
                found.push(cell)
            }
        });
        self.raw.texts.push(RawText {
            words: counted(found),
            letters: counted(letters),
        });
    }

    fn category(&mut self, path: &str) {
        if let Some(value) = self.string(path) {
            self.flag(format!("{path} = {value}"));
        }
    }

    fn text_pair(&mut self, left: &str, right: &str) {
        let sides = (self.string(left), self.string(right));
        let both = sides.0.is_some() && sides.1.is_some();
        let (left, right) = (sides.0.unwrap_or_default(), sides.1.unwrap_or_default());
        for likeness in similarity::text(&left, &right) {
            self.value(both.then_some(likeness));
        }
        let hashed = |text: &str| {
            let mut found: Vec<u32> = words(text)
                .iter()
                .map(|word| column(hash(HASH_START, word.as_bytes()), self.columns))
                .collect();
            found.sort_unstable();
            found.dedup();
            found
        };
        let pair = RawPair {
            first_value: self.raw.values.len(),
            left: hashed(&left),
            right: hashed(&right),
        };
        self.raw.pairs.push(pair);
        self.raw.values.extend([f64::NAN; LEARNED]);
    }

    fn number_pair(&mut self, left: &str, right: &str) {
        let compared = self
            .number(left)
            .zip(self.number(right))
            .map(|(left, right)| similarity::number(left, right));
        for place in 0..similarity::NUMBER_NAMES.len() {
            self.value(compared.map(|compared| compared[place]));
        }
    }

    fn date_pair(&mut self, left: &str, right: &str) {
        let (from, to) = (self.date(left), self.date(right));
        let Some((from, to)) = from.zip(to) else {
            self.value(None);
            return;
        };
        let apart = to - from;
        let above = similarity::DAY_ENDS.iter().rev().find(|end| **end < apart);
        let range = match (
            above,
            similarity::DAY_ENDS.iter().find(|end| **end >= apart),
        ) {
            (Some(above), Some(end)) => format!("{} to {end} days", above + 1),
            (None, Some(end)) => format!("at most {end} days"),
            (Some(above), None) => format!("over {above} days"),
            (None, None) => return,
        };
        self.flag(format!("{left} ~ {right}: {range}"));
        #[expect(
            clippy::cast_precision_loss,
            reason = "days of four-digit years are far below 2^52"
        )]
        self.value(Some(apart as f64));
    }

    fn date(&mut self, path: &str) -> Option<i64> {
        let text = self.string(path)?;
        let days = similarity::days(&text);
        if days.is_none() {
            self.flag(format!("{path} is unreadable"));
        }
        days
    }
}

/// Sorts by column and adds up what stands in the same one.
fn counted(mut cells: Vec<(u32, f32)>) -> Vec<(u32, f32)> {
    cells.sort_unstable_by_key(|cell| cell.0);
    cells.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    cells
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use serde_json::json;

    use super::super::spec::PairSpec;
    use super::*;

    fn spec() -> FeatureSpec {
        let pair = |left: &str, right: &str, kind| PairSpec {
            left: left.into(),
            right: right.into(),
            kind,
        };
        FeatureSpec {
            text: vec!["text".into()],
            category: vec!["client.tier".into()],
            number: vec!["amount".into()],
            pair: vec![
                pair("a.memo", "b.memo", PairKind::Text),
                pair("a.amount", "b.amount", PairKind::Number),
                pair("a.day", "b.day", PairKind::Date),
            ],
        }
    }

    #[test]
    fn every_record_yields_the_same_number_of_values() {
        let full = json!({"text": "hello", "client": {"tier": "gold"}, "amount": "$1,200.50",
            "a": {"memo": "F BOND", "amount": 10, "day": "2022-01-05"},
            "b": {"memo": "Frederick Bond", "amount": 11, "day": "2022-01-08"}});
        let (full, empty) = (read(&spec(), 1024, &full), read(&spec(), 1024, &json!({})));
        assert_eq!(full.values.len(), value_names(&spec()).len());
        assert_eq!(empty.values.len(), full.values.len());
        assert!((full.values[0] - 1200.5).abs() < 1e-9);
        assert!((full.values.last().unwrap() - 3.0).abs() < 1e-9);
        let names: Vec<&str> = full.flags.iter().map(|flag| flag.1.as_str()).collect();
        assert_eq!(names, ["client.tier = gold", "a.day ~ b.day: 3 to 4 days"]);
        assert!(empty.values.iter().all(|value| value.is_nan()));
        assert_eq!(empty.flags.len(), 9);
        assert_ne!(full.identity, empty.identity);
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_unreadable_and_not_missing() {
        let raw = read(
            &spec(),
            1024,
            &json!({"amount": "a lot", "text": {"x": 1}, "a": {"day": "soon"}}),
        );
        let names: Vec<&str> = raw.flags.iter().map(|flag| flag.1.as_str()).collect();
        for expected in [
            "amount is unreadable",
            "text is unreadable",
            "a.day is unreadable",
            "b.day is missing",
        ] {
            assert!(names.contains(&expected), "{expected} in {names:?}");
        }
    }
}
