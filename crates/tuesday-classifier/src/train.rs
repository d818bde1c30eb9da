//! Trains: reads the examples, scores each by a model that has not seen it, calibrates on those scores, fits the rest.

use std::collections::BTreeSet;

use super::calibrate::{self, Said, Scored};
use super::encode::{Encoder, Row};
use super::fields::{Raw, read};
use super::folds::deal;
use super::math::mix;
use super::model::Model;
use super::report::{LabelRows, TrainReport, rounded};
use super::scope::Scope;
use super::softmax::{Fit, Weights, fit};
use super::spec::TrainSpec;
use super::{Example, TrainError, Trained, artifact};

/// A set is gone over until at least this many rows were seen, so that small sets converge too.
const LEAST_STEPS: u32 = 60_000;
const MOST_PASSES: u32 = 120;
/// Penalties that are tried when none is declared.
const PENALTIES: [f64; 5] = [0.02, 0.2, 2.0, 10.0, 30.0];
/// Above this many rows times labels the search would take longer than it gains.
const MOST_SEARCHED: usize = 200_000;
/// The penalty without a search; texts with many labels hardly care between 0.05 and 0.5.
const USUAL_PENALTY: f64 = 0.1;

/// Trains on `rows` and returns the artefact with its report. The same spec and rows, in any order, give the same bytes.
///
/// # Errors
/// When the spec or the rows cannot give a classifier; see [`TrainError`].
pub fn train(spec: &TrainSpec, rows: &[Example]) -> Result<Trained, TrainError> {
    check(spec)?;
    let set = Set::read(spec, rows)?;
    let l2 = if spec.l2 > 0.0 {
        spec.l2
    } else {
        pick_penalty(spec, &set)
    };
    let scored = out_of_fold(spec, &set, l2, u32::MAX);
    let everything: Vec<&Scored> = scored.iter().collect();
    let temperature = calibrate::temperature(&everything);
    let all: Vec<u32> = (0..set.size()).collect();
    let (encoder, weights) = fit_on(spec, &set, &all, l2);
    if !temperature.is_finite()
        || scored
            .iter()
            .flat_map(|row| &row.logits)
            .any(|logit| !logit.is_finite())
    {
        return Err(TrainError::NotFinite);
    }
    let mut report = figures(&set, &scored, temperature);
    report.l2 = l2;
    report.folds = set.folds;
    report.columns_used = u32::try_from(encoder.width()).unwrap_or(u32::MAX);
    let scope = Scope::learn(&scored);
    let model = Model {
        features: spec.features.clone(),
        labels: set.labels,
        encoder,
        weights,
        temperature,
        scope,
        report,
    };
    let artifact = artifact::write(&model)?;
    Ok(Trained {
        artifact,
        report: model.report,
    })
}

fn check(spec: &TrainSpec) -> Result<(), TrainError> {
    let features = &spec.features;
    if features.text.len() + features.category.len() + features.number.len() + features.pair.len()
        == 0
    {
        return Err(TrainError::NoFeatures);
    }
    if !spec.l2.is_finite() || spec.l2 < 0.0 {
        return Err(TrainError::BadSpec(
            "l2 must be a number that is not negative",
        ));
    }
    if !(256..=1 << 22).contains(&spec.columns) {
        return Err(TrainError::BadSpec(
            "columns must lie between 256 and 4194304",
        ));
    }
    if !(1..=1000).contains(&spec.epochs) || !(2..=20).contains(&spec.folds) {
        return Err(TrainError::BadSpec(
            "epochs must lie between 1 and 1000, folds between 2 and 20",
        ));
    }
    Ok(())
}

/// The examples, in an order that does not depend on the order they came in.
struct Set {
    labels: Vec<String>,
    raws: Vec<Raw>,
    truth: Vec<u32>,
    fold: Vec<u32>,
    folds: u32,
    first_product: usize,
}

impl Set {
    fn read(spec: &TrainSpec, rows: &[Example]) -> Result<Self, TrainError> {
        let labels: Vec<String> = rows
            .iter()
            .map(|row| row.label.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        if labels.len() < 2 {
            return Err(TrainError::TooFewLabels(labels.len()));
        }
        if labels.len() > 4096 || rows.len() > 2_000_000 {
            return Err(TrainError::BadSpec(
                "more than 4096 labels or two million rows",
            ));
        }
        let mut read_rows: Vec<(u32, Raw)> = rows
            .iter()
            .map(|row| {
                let label = labels.binary_search(&row.label).unwrap_or(0);
                (
                    u32::try_from(label).unwrap_or(0),
                    read(&spec.features, spec.columns, &row.fields),
                )
            })
            .collect();
        read_rows.sort_by_key(|(label, raw)| (*label, mix(raw.identity ^ spec.seed)));
        let (truth, raws): (Vec<u32>, Vec<Raw>) = read_rows.into_iter().unzip();
        for (label, group) in (0..).zip(truth.chunk_by(|a, b| a == b)) {
            if group.len() < 2 {
                return Err(TrainError::TooFewRows(
                    labels[usize::min(label, labels.len() - 1)].clone(),
                ));
            }
        }
        if raws.iter().all(says_nothing) {
            return Err(TrainError::NoFeatures);
        }
        let fold = deal(spec.folds, &truth, &raws);
        let first_product = spec.features.number.len();
        Ok(Self {
            labels,
            raws,
            truth,
            fold,
            folds: spec.folds,
            first_product,
        })
    }

    fn size(&self) -> u32 {
        u32::try_from(self.raws.len()).unwrap_or(u32::MAX)
    }
}

/// Whether a record has none of the declared fields: no text, no number, and flags only for what is wrong.
fn says_nothing(raw: &Raw) -> bool {
    raw.texts.iter().all(|text| text.words.is_empty())
        && raw.values.iter().all(|value| value.is_nan())
        && raw
            .flags
            .iter()
            .all(|(_, name)| name.ends_with(" is missing") || name.ends_with(" is unreadable"))
}

fn fit_on(spec: &TrainSpec, set: &Set, places: &[u32], l2: f64) -> (Encoder, Weights) {
    let raws: Vec<&Raw> = places
        .iter()
        .map(|place| &set.raws[*place as usize])
        .collect();
    let encoder = Encoder::fit(spec.columns, set.first_product, &raws);
    let rows: Vec<Row> = raws.iter().map(|raw| encoder.row(raw)).collect();
    let truth: Vec<u32> = places
        .iter()
        .map(|place| set.truth[*place as usize])
        .collect();
    let enough = LEAST_STEPS.div_ceil(set.size().max(1)).min(MOST_PASSES);
    let how = Fit {
        l2,
        passes: spec.epochs.max(enough),
        seed: spec.seed,
    };
    let rows: Vec<&Row> = rows.iter().collect();
    let weights = fit(&rows, &truth, set.labels.len(), encoder.width(), how);
    (encoder, weights)
}

/// Scores the rows of the first `most` folds, each by a model of all other folds.
fn out_of_fold(spec: &TrainSpec, set: &Set, l2: f64, most: u32) -> Vec<Scored> {
    let mut scored = Vec::with_capacity(set.raws.len());
    for fold in 0..set.folds.min(most) {
        let (held, kept): (Vec<u32>, Vec<u32>) =
            (0..set.size()).partition(|place| set.fold[*place as usize] == fold);
        if held.is_empty() {
            continue;
        }
        let (encoder, weights) = fit_on(spec, set, &kept, l2);
        scored.extend(held.iter().map(|place| {
            let place = *place as usize;
            let row = encoder.row(&set.raws[place]);
            Scored {
                logits: weights.logits(&row),
                truth: set.truth[place] as usize,
                fold,
            }
        }));
    }
    scored
}

/// Picks the penalty with the best calibrated likelihood; of the larger sets one fold is enough to judge by.
fn pick_penalty(spec: &TrainSpec, set: &Set) -> f64 {
    if set.raws.len() * set.labels.len() > MOST_SEARCHED {
        return USUAL_PENALTY;
    }
    let folds = if set.size() > 3000 { 1 } else { u32::MAX };
    let mut best = (f64::INFINITY, PENALTIES[0]);
    for l2 in PENALTIES {
        let scored = out_of_fold(spec, set, l2, folds);
        let rows: Vec<&Scored> = scored.iter().collect();
        let loss = calibrate::nll(scored.iter(), calibrate::temperature(&rows));
        if loss < best.0 {
            best = (loss, l2);
        }
    }
    best.1
}

fn figures(set: &Set, scored: &[Scored], temperature: f64) -> TrainReport {
    let said: Vec<Said> = scored
        .iter()
        .map(|row| calibrate::said(row, temperature))
        .collect();
    let plain: Vec<Said> = scored.iter().map(|row| calibrate::said(row, 1.0)).collect();
    let total = f64::from(set.size());
    let share = |count: usize| rounded(f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / total);
    let mut labels: Vec<LabelRows> = set
        .labels
        .iter()
        .map(|label| LabelRows {
            label: label.clone(),
            rows: 0,
            right: 0,
        })
        .collect();
    for (row, said) in scored.iter().zip(&said) {
        labels[row.truth].rows += 1;
        labels[row.truth].right += u32::from(said.right);
    }
    let reliability = calibrate::reliability(&said);
    let binary = (labels.len() == 2).then(|| {
        let rarer = usize::from(labels[1].rows <= labels[0].rows);
        calibrate::binary(scored, temperature, rarer, &labels[rarer].label)
    });
    TrainReport {
        rows: set.size(),
        folds: 0,
        columns_used: 0,
        l2: 0.0,
        temperature: rounded(temperature),
        accuracy: share(said.iter().filter(|said| said.right).count()),
        top3: share(scored.iter().filter(|row| calibrate::in_top3(row)).count()),
        nll: rounded(calibrate::nll(scored.iter(), temperature)),
        nll_uncalibrated: rounded(calibrate::nll(scored.iter(), 1.0)),
        ece: rounded(calibrate::ece(&reliability)),
        ece_uncalibrated: rounded(calibrate::ece(&calibrate::reliability(&plain))),
        ece_carried_over: rounded(carried_over(scored)),
        reliability,
        cutoffs: calibrate::cutoffs(&said),
        labels,
        binary,
    }
}

/// Calibration error when each fold is scaled by a temperature from the other folds.
fn carried_over(scored: &[Scored]) -> f64 {
    let folds: BTreeSet<u32> = scored.iter().map(|row| row.fold).collect();
    let mut said = Vec::with_capacity(scored.len());
    for fold in folds {
        let others: Vec<&Scored> = scored.iter().filter(|row| row.fold != fold).collect();
        let temperature = calibrate::temperature(&others);
        said.extend(
            scored
                .iter()
                .filter(|row| row.fold == fold)
                .map(|row| calibrate::said(row, temperature)),
        );
    }
    calibrate::ece(&calibrate::reliability(&said))
}
