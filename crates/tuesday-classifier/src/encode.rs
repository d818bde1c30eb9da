//! What is learned about the features before any label is looked at: which columns occur, how rare each is, how numbers
//! are spread. Fitted on the rows of one fold or of all, then applied to any record.

use super::fields::{LEARNED, Raw, RawPair};
use super::math::ln;

/// Ranges that a number is cut into, at most.
const RANGES: usize = 8;
/// Cells that one number can fill: itself, one of the ranges, "not known".
pub(super) const CELLS: usize = RANGES + 2;
/// Products of two numbers are features only for comparisons, and only while they are few.
const MOST_PRODUCT_VALUES: usize = 40;
/// Products of two scaled numbers grow large; this keeps them in the range of the rest.
const PRODUCT_SCALE: f64 = 0.3;

/// A record as the linear model sees it.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// Places and values, without zeros.
    pub(super) cells: Vec<(u32, f32)>,
}

/// How one number is spread over the training rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spread {
    pub(super) mean: f64,
    pub(super) deviation: f64,
    /// Upper ends of the ranges, ascending; one more range lies above the last.
    pub(super) ends: Vec<f64>,
}

/// In how many records each of some columns occurs, sorted by column.
pub(super) type Counts = Vec<(u32, u32)>;

/// The learned encoding.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Encoder {
    pub(super) columns: u32,
    /// Rows it was fitted on.
    pub(super) rows: u32,
    /// Hashed columns in use; the place of a column here plus one is its place in the model (0 is the constant).
    pub(super) used: Counts,
    /// One for each number.
    pub(super) spreads: Vec<Spread>,
    /// One for each text pair: how many of the (twice `rows`) sides have a word.
    pub(super) pair_words: Vec<Counts>,
    /// First number that takes part in products.
    pub(super) products_from: u32,
    /// For each column its place in the model, 0 when not in use.
    places: Vec<u32>,
    /// For each place of a hashed column its rarity.
    rarity: Vec<f32>,
}

impl Encoder {
    /// Learns from `rows`; numbers before `products_from` take no part in products.
    pub(super) fn fit(columns: u32, products_from: usize, rows: &[&Raw]) -> Self {
        // What occurs once in a large set is noise; in a small one it may be all there is.
        let least = if rows.len() < 400 { 1 } else { 2 };
        let mut seen = vec![0_u32; columns as usize];
        for row in rows {
            let texts = row
                .texts
                .iter()
                .flat_map(|text| text.words.iter().chain(&text.letters))
                .map(|cell| cell.0);
            for column in texts.chain(row.flags.iter().map(|flag| flag.0)) {
                seen[column as usize] += 1;
            }
        }
        let used = (0_u32..)
            .zip(seen)
            .filter(|(_, count)| *count >= least)
            .collect();
        let pairs = rows.first().map_or(0, |row| row.pairs.len());
        let pair_words = (0..pairs)
            .map(|pair| count_words(columns, rows.iter().map(|row| &row.pairs[pair])))
            .collect();
        let total = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let from = u32::try_from(products_from).unwrap_or(u32::MAX);
        let mut encoder = Self::assemble(columns, total, used, Vec::new(), pair_words, from);
        let filled: Vec<Vec<f64>> = rows.iter().map(|row| encoder.values(row)).collect();
        let numbers = rows.first().map_or(0, |row| row.values.len());
        encoder.spreads = (0..numbers)
            .map(|place| spread(filled.iter().map(|values| values[place])))
            .collect();
        encoder
    }

    /// Rebuilds the look-up tables around what is stored.
    pub(super) fn assemble(
        columns: u32,
        rows: u32,
        used: Counts,
        spreads: Vec<Spread>,
        pair_words: Vec<Counts>,
        products_from: u32,
    ) -> Self {
        let mut places = vec![0; columns as usize];
        let mut rarity = vec![0.0];
        for (place, (column, count)) in (1_u32..).zip(&used) {
            places[*column as usize] = place;
            rarity.push(rare(rows, *count));
        }
        Self {
            columns,
            rows,
            used,
            spreads,
            pair_words,
            products_from,
            places,
            rarity,
        }
    }

    /// Width of an encoded row: the constant, the hashed columns, the cells of the numbers, the products.
    pub(super) fn width(&self) -> usize {
        let products = self.product_values();
        1 + self.used.len() + self.spreads.len() * CELLS + products * (products + 1) / 2
    }

    fn product_values(&self) -> usize {
        let compared = self
            .spreads
            .len()
            .saturating_sub(self.products_from as usize);
        if compared > MOST_PRODUCT_VALUES {
            0
        } else {
            compared
        }
    }

    /// Place of the first cell of number `value`.
    pub(super) fn first_cell(&self, value: usize) -> usize {
        1 + self.used.len() + value * CELLS
    }

    /// Place of a hashed column, `None` when training did not use it.
    pub(super) fn place(&self, column: u32) -> Option<u32> {
        self.places
            .get(column as usize)
            .copied()
            .filter(|place| *place > 0)
    }

    /// The numbers of a record, with the learned likenesses filled in.
    pub(super) fn values(&self, raw: &Raw) -> Vec<f64> {
        let mut values = raw.values.clone();
        for (pair, counts) in raw.pairs.iter().zip(&self.pair_words) {
            if !pair.left.is_empty() && !pair.right.is_empty() {
                let learned = likeness(pair, |word| {
                    let found = counts.binary_search_by_key(&word, |entry| entry.0);
                    rare(
                        self.rows.saturating_mul(2),
                        found.map_or(0, |at| counts[at].1),
                    )
                });
                values[pair.first_value..pair.first_value + LEARNED].copy_from_slice(&learned);
            }
        }
        values
    }

    /// Encodes one record.
    pub(super) fn row(&self, raw: &Raw) -> Row {
        let mut row = Row {
            cells: vec![(0, 1.0)],
        };
        for block in raw
            .texts
            .iter()
            .flat_map(|text| [&text.words, &text.letters])
        {
            self.block(block, &mut row.cells);
        }
        row.cells.extend(
            raw.flags
                .iter()
                .filter_map(|flag| self.place(flag.0))
                .map(|place| (place, 1.0)),
        );
        self.numbers(raw, &mut row.cells);
        row
    }

    /// Weighs one block of counted columns, scales it to length one.
    fn block(&self, counted: &[(u32, f32)], cells: &mut Vec<(u32, f32)>) {
        let first = cells.len();
        let (mut known, mut unknown) = (0.0_f64, 0.0_f64);
        for (column, count) in counted {
            let often = 1.0 + narrow(ln(f64::from(*count)));
            if let Some(place) = self.place(*column) {
                let weight = often * self.rarity[place as usize];
                known += f64::from(weight * weight);
                cells.push((place, weight));
            } else {
                let weight = often * rare(self.rows, 0);
                unknown += f64::from(weight * weight);
            }
        }
        // Unknown pieces count for the length, so that a strange text gets low scores from the little that is known.
        let length = narrow((known + unknown).sqrt());
        for cell in &mut cells[first..] {
            cell.1 /= length;
        }
    }

    fn numbers(&self, raw: &Raw, cells: &mut Vec<(u32, f32)>) {
        if self.spreads.is_empty() {
            return;
        }
        let mut push = |place: usize, value: f64| {
            cells.push((u32::try_from(place).unwrap_or(0), narrow(value)));
        };
        let values = self.values(raw);
        let mut scaled = Vec::with_capacity(values.len());
        for (place, (value, spread)) in values.iter().zip(&self.spreads).enumerate() {
            let cell = self.first_cell(place);
            if value.is_nan() {
                push(cell + CELLS - 1, 1.0);
                scaled.push(0.0);
                continue;
            }
            let z = ((value - spread.mean) / spread.deviation).clamp(-4.0, 4.0);
            push(cell, z);
            push(
                cell + 1 + spread.ends.iter().filter(|end| **end < *value).count(),
                1.0,
            );
            scaled.push(z);
        }
        if self.product_values() == 0 {
            return;
        }
        let mut place = self.first_cell(self.spreads.len());
        let compared = &scaled[self.products_from as usize..];
        for (at, one) in compared.iter().enumerate() {
            for other in &compared[at..] {
                push(place, PRODUCT_SCALE * one * other);
                place += 1;
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "features need no more than single precision"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// Rarity of what occurs in `count` of `rows`: one for everywhere, more the rarer.
fn rare(rows: u32, count: u32) -> f32 {
    narrow(ln((1.0 + f64::from(rows)) / (1.0 + f64::from(count))) + 1.0)
}

fn count_words<'a>(columns: u32, pairs: impl Iterator<Item = &'a RawPair>) -> Counts {
    let mut seen = vec![0_u32; columns as usize];
    for pair in pairs {
        for word in pair.left.iter().chain(&pair.right) {
            seen[*word as usize] += 1;
        }
    }
    (0_u32..)
        .zip(seen)
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// Cosine by rarity, rarity found on the other side as a share of the shorter side's, and rarity of the rarest word of the
/// shorter side that the other does not have.
fn likeness(pair: &RawPair, rarity: impl Fn(u32) -> f32) -> [f64; LEARNED] {
    let weight = |word: &u32| f64::from(rarity(*word));
    let square = |words: &[u32]| {
        words
            .iter()
            .map(|word| weight(word) * weight(word))
            .sum::<f64>()
    };
    let shorter = if pair.left.len() <= pair.right.len() {
        &pair.left
    } else {
        &pair.right
    };
    let other = if pair.left.len() <= pair.right.len() {
        &pair.right
    } else {
        &pair.left
    };
    let (mut shared, mut found, mut total, mut rarest) = (0.0, 0.0, 0.0, 0.0_f64);
    for word in shorter {
        let weight = weight(word);
        total += weight;
        if other.binary_search(word).is_ok() {
            shared += weight * weight;
            found += weight;
        } else {
            rarest = rarest.max(weight);
        }
    }
    [
        shared / (square(&pair.left) * square(&pair.right)).sqrt(),
        found / total,
        rarest,
    ]
}

fn spread(values: impl Iterator<Item = f64>) -> Spread {
    let mut sorted: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
    let count = sorted.len().max(1) as f64;
    let mean = sorted.iter().sum::<f64>() / count;
    let deviation = (sorted
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum::<f64>()
        / count)
        .sqrt();
    let mut ends: Vec<f64> = (1..RANGES)
        .filter_map(|range| sorted.get(sorted.len() * range / RANGES).copied())
        .collect();
    ends.dedup();
    // The largest value as an end would leave the range above it empty in training.
    if ends.last() == sorted.last() {
        ends.pop();
    }
    Spread {
        mean,
        deviation: if deviation > 1e-9 { deviation } else { 1.0 },
        ends,
    }
}
