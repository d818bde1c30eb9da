//! The artefact: a model as bytes that are stored with a release.
//!
//! Layout: 8 bytes magic, 4 bytes version, 32 bytes SHA-256 of the rest, then the body, all little-endian. Weights are
//! whole numbers with one scale for each label: 8 bits where there are many, 16 where there are few, and only those that
//! are not zero. Only a loaded model answers, so what was measured on it is what runs.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::TrainError;
use super::encode::{Counts, Encoder, Spread};
use super::fields::value_names;
use super::model::Model;
use super::report::TrainReport;
use super::scope::Scope;
use super::softmax::Weights;
use super::spec::FeatureSpec;

const MAGIC: &[u8; 8] = b"TUESCLSF";
const VERSION: u32 = 1;
const HEADER: usize = 8 + 4 + 32;
/// From this many weights on, 8 bits each are enough and the size matters.
const MANY_WEIGHTS: usize = 100_000;

/// Why bytes are not a classifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactError {
    /// The bytes do not begin as an artefact does.
    #[error("not a classifier artefact")]
    NotAnArtifact,
    /// Written by another version of this program.
    #[error("classifier artefact of version {0}; this program reads version {VERSION}")]
    Version(u32),
    /// The checksum does not fit.
    #[error("the classifier artefact was changed or cut short: its checksum does not fit")]
    Checksum,
    /// The checksum fits and the content makes no sense all the same.
    #[error("the classifier artefact is broken: {0}")]
    Broken(&'static str),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    features: FeatureSpec,
    labels: Vec<String>,
    columns: u32,
    rows: u32,
    products_from: u32,
    report: TrainReport,
}

/// Writes a model.
pub(super) fn write(model: &Model) -> Result<Vec<u8>, TrainError> {
    let head = Head {
        features: model.features.clone(),
        labels: model.labels.clone(),
        columns: model.encoder.columns,
        rows: model.encoder.rows,
        products_from: model.encoder.products_from,
        report: model.report.clone(),
    };
    let head = serde_json::to_vec(&head).map_err(|fault| TrainError::Write(fault.to_string()))?;
    let mut out = Writer::default();
    out.number(head.len());
    out.bytes.extend(&head);
    out.float(model.temperature);
    out.floats(&model.scope.steps);
    out.counts(&model.encoder.used);
    for spread in &model.encoder.spreads {
        out.float(spread.mean);
        out.float(spread.deviation);
        out.floats(&spread.ends);
    }
    for counts in &model.encoder.pair_words {
        out.counts(counts);
    }
    out.weights(&model.weights)?;
    let mut bytes = Vec::with_capacity(HEADER + out.bytes.len());
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(Sha256::digest(&out.bytes).iter());
    bytes.extend(out.bytes);
    Ok(bytes)
}

/// Reads a model back and checks every length on the way.
pub(super) fn read(bytes: &[u8]) -> Result<Model, ArtifactError> {
    let (Some(magic), Some(version), Some(sum)) =
        (bytes.get(..8), bytes.get(8..12), bytes.get(12..HEADER))
    else {
        return Err(ArtifactError::NotAnArtifact);
    };
    if magic != MAGIC {
        return Err(ArtifactError::NotAnArtifact);
    }
    let version = version.try_into().map_or(0, u32::from_le_bytes);
    if version != VERSION {
        return Err(ArtifactError::Version(version));
    }
    let body = &bytes[HEADER..];
    if Sha256::digest(body)[..] != *sum {
        return Err(ArtifactError::Checksum);
    }
    let mut from = Reader { rest: body };
    let length = from.number()?;
    let head: Head = serde_json::from_slice(from.take(length)?)
        .map_err(|_| ArtifactError::Broken("its head does not read"))?;
    if head.labels.len() < 2 || !(256..=1 << 22).contains(&head.columns) {
        return Err(ArtifactError::Broken(
            "too few labels or an odd number of columns",
        ));
    }
    let temperature = from.float()?;
    let scope = Scope {
        steps: from.floats()?,
    };
    if temperature <= 0.0 || scope.steps.is_empty() {
        return Err(ArtifactError::Broken("no temperature or no scope"));
    }
    let used = from.counts(head.columns)?;
    let spreads = value_names(&head.features)
        .iter()
        .map(|_| from.spread())
        .collect::<Result<_, _>>()?;
    let text_pairs = head
        .features
        .pair
        .iter()
        .filter(|pair| pair.kind == super::PairKind::Text);
    let pair_words = text_pairs
        .map(|_| from.counts(head.columns))
        .collect::<Result<_, _>>()?;
    let encoder = Encoder::assemble(
        head.columns,
        head.rows,
        used,
        spreads,
        pair_words,
        head.products_from,
    );
    let weights = from.weights(head.labels.len(), encoder.width())?;
    if !from.rest.is_empty() {
        return Err(ArtifactError::Broken("bytes are left over"));
    }
    let Head {
        features,
        labels,
        report,
        ..
    } = head;
    Ok(Model {
        features,
        labels,
        encoder,
        weights,
        temperature,
        scope,
        report,
    })
}

/// Largest whole number that a weight becomes.
fn largest(labels: usize, width: usize) -> i16 {
    if labels * width >= MANY_WEIGHTS {
        127
    } else {
        i16::MAX
    }
}

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A whole number, seven bits a byte, lowest first.
    fn number(&mut self, number: usize) {
        let mut rest = number;
        while rest >= 0x80 {
            self.bytes
                .push(u8::try_from(rest & 0x7f).unwrap_or(0) | 0x80);
            rest >>= 7;
        }
        self.bytes.push(u8::try_from(rest).unwrap_or(0));
    }

    fn float(&mut self, value: f64) {
        self.bytes.extend(value.to_le_bytes());
    }

    fn floats(&mut self, values: &[f64]) {
        self.number(values.len());
        values.iter().for_each(|value| self.float(*value));
    }

    fn counts(&mut self, counts: &Counts) {
        self.number(counts.len());
        let mut last = 0;
        for (column, count) in counts {
            self.number((column - last) as usize);
            self.number(*count as usize);
            last = *column;
        }
    }

    fn weights(&mut self, weights: &Weights) -> Result<(), TrainError> {
        let largest = largest(weights.labels, weights.width());
        let mut scales = vec![0.0_f32; weights.labels];
        for place in 0..weights.width() {
            for (scale, weight) in scales
                .iter_mut()
                .zip(weights.column(u32::try_from(place).unwrap_or(0)))
            {
                *scale = scale.max(weight.abs());
            }
        }
        for scale in &mut scales {
            *scale = if *scale > 0.0 {
                *scale / f32::from(largest)
            } else {
                1.0
            };
            if !scale.is_finite() {
                return Err(TrainError::NotFinite);
            }
            self.bytes.extend(scale.to_le_bytes());
        }
        for place in 0..weights.width() {
            let column = weights.column(u32::try_from(place).unwrap_or(0));
            #[expect(
                clippy::cast_possible_truncation,
                reason = "scaled to the range of the whole number"
            )]
            let whole: Vec<i16> = column
                .iter()
                .zip(&scales)
                .map(|(weight, scale)| (weight / scale).round() as i16)
                .collect();
            for weights in whole.chunks(8) {
                self.bytes
                    .push(weights.iter().enumerate().fold(0, |mask, (bit, weight)| {
                        mask | (u8::from(*weight != 0) << bit)
                    }));
            }
            for weight in whole.iter().filter(|weight| **weight != 0) {
                match i8::try_from(*weight) {
                    Ok(small) if largest == 127 => self.bytes.extend(small.to_le_bytes()),
                    _ => self.bytes.extend(weight.to_le_bytes()),
                }
            }
        }
        Ok(())
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

const SHORT: ArtifactError = ArtifactError::Broken("it ends too early");
const ODD: ArtifactError = ArtifactError::Broken("a number is out of range");

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ArtifactError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(SHORT)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ArtifactError> {
        self.take(N)?.try_into().map_err(|_| SHORT)
    }

    fn number(&mut self) -> Result<usize, ArtifactError> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let [byte] = self.array()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(ODD)
    }

    fn float(&mut self) -> Result<f64, ArtifactError> {
        let value = f64::from_le_bytes(self.array()?);
        if value.is_finite() {
            Ok(value)
        } else {
            Err(ODD)
        }
    }

    fn floats(&mut self) -> Result<Vec<f64>, ArtifactError> {
        let count = self.number()?;
        (0..count).map(|_| self.float()).collect()
    }

    fn spread(&mut self) -> Result<Spread, ArtifactError> {
        let (mean, deviation, ends) = (self.float()?, self.float()?, self.floats()?);
        if deviation <= 0.0 || ends.len() + 3 > super::encode::CELLS {
            return Err(ODD);
        }
        Ok(Spread {
            mean,
            deviation,
            ends,
        })
    }

    fn counts(&mut self, columns: u32) -> Result<Counts, ArtifactError> {
        let length = self.number()?;
        let (mut counts, mut last) = (Vec::new(), 0_usize);
        for place in 0..length {
            let step = self.number()?;
            last += step;
            if (place > 0 && step == 0) || last >= columns as usize {
                return Err(ODD);
            }
            counts.push((
                u32::try_from(last).map_err(|_| ODD)?,
                u32::try_from(self.number()?).map_err(|_| ODD)?,
            ));
        }
        Ok(counts)
    }

    fn weights(&mut self, labels: usize, width: usize) -> Result<Weights, ArtifactError> {
        let small = largest(labels, width) == 127;
        let mut scales = Vec::new();
        for _ in 0..labels {
            let scale = f32::from_le_bytes(self.array()?);
            if !scale.is_finite() || scale <= 0.0 {
                return Err(ODD);
            }
            scales.push(scale);
        }
        let mut weights = Weights::zero(labels, width);
        for place in 0..width {
            let masks = self.take(labels.div_ceil(8))?;
            let column = weights.column_mut(u32::try_from(place).map_err(|_| ODD)?);
            for (label, (weight, scale)) in column.iter_mut().zip(&scales).enumerate() {
                if masks[label / 8] >> (label % 8) & 1 == 1 {
                    let whole = if small {
                        f32::from(i8::from_le_bytes(self.array()?))
                    } else {
                        f32::from(i16::from_le_bytes(self.array()?))
                    };
                    *weight = whole * scale;
                }
            }
        }
        Ok(weights)
    }
}
