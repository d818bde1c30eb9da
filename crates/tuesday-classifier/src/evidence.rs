//! Names what spoke for a label, in words a reviewer can find in the record.

use std::collections::BTreeMap;

use serde_json::Value;

use super::encode::{CELLS, Row};
use super::fields::{Raw, as_text, at, value_names};
use super::math::{column, count};
use super::model::Model;
use super::text::{Piece, pieces, words};

const MOST: usize = 5;

/// Up to five features that raised `label` most above the average label, strongest first. Letter groups count for the
/// word they stand in.
pub(super) fn strongest(
    model: &Model,
    fields: &Value,
    raw: &Raw,
    row: &Row,
    label: usize,
) -> Vec<(String, f64)> {
    let mut said: BTreeMap<String, f64> = BTreeMap::new();
    let pulls: BTreeMap<u32, f64> = row
        .cells
        .iter()
        .map(|(place, value)| (*place, pull(model, *place, *value, label)))
        .collect();
    from_text(model, fields, &pulls, &mut said);
    for (column, name) in &raw.flags {
        if let Some(pull) = model
            .encoder
            .place(*column)
            .and_then(|place| pulls.get(&place))
        {
            *said.entry(name.clone()).or_default() += pull;
        }
    }
    from_values(model, raw, &pulls, &mut said);
    let mut found: Vec<(String, f64)> = said.into_iter().filter(|entry| entry.1 > 0.0).collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found.truncate(MOST);
    found
}

fn pull(model: &Model, place: u32, value: f32, label: usize) -> f64 {
    let weights = model.weights.column(place);
    let mean = weights.iter().map(|weight| f64::from(*weight)).sum::<f64>() / count(weights.len());
    f64::from(value) * (f64::from(weights[label]) - mean) / model.temperature
}

fn from_text(
    model: &Model,
    fields: &Value,
    pulls: &BTreeMap<u32, f64>,
    said: &mut BTreeMap<String, f64>,
) {
    for path in &model.features.text {
        let words = words(&as_text(at(fields, path)).unwrap_or_default());
        let mut found: Vec<(String, u32)> = Vec::new();
        pieces(path, &words, |piece, place, hash| {
            if let Some(place_in_model) = model.encoder.place(column(hash, model.encoder.columns)) {
                let name = match piece {
                    Piece::Two => format!("{} {}", words[place], words[place + 1]),
                    Piece::Word | Piece::Letters => words[place].clone(),
                };
                found.push((name, place_in_model));
            }
        });
        // A column that several pieces share has one pull, which they share too.
        let mut shares: BTreeMap<u32, f64> = BTreeMap::new();
        for (_, place) in &found {
            *shares.entry(*place).or_default() += 1.0;
        }
        for (name, place) in found {
            if let (Some(pull), Some(share)) = (pulls.get(&place), shares.get(&place)) {
                *said.entry(name).or_default() += pull / share;
            }
        }
    }
}

fn from_values(
    model: &Model,
    raw: &Raw,
    pulls: &BTreeMap<u32, f64>,
    said: &mut BTreeMap<String, f64>,
) {
    if raw.values.is_empty() {
        return;
    }
    let values = model.encoder.values(raw);
    for (place, (name, value)) in value_names(&model.features)
        .into_iter()
        .zip(values)
        .enumerate()
    {
        let first = u32::try_from(model.encoder.first_cell(place)).unwrap_or(u32::MAX);
        let cells = u32::try_from(CELLS).unwrap_or(0);
        let pull: f64 = pulls
            .range(first..first.saturating_add(cells))
            .map(|entry| entry.1)
            .sum();
        let name = if value.is_nan() {
            format!("{name} not known")
        } else {
            format!("{name} {value:.2}")
        };
        *said.entry(name).or_default() += pull;
    }
}
