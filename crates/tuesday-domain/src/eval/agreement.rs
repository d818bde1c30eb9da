//! How far a grader agrees with people: the raw share with Wilson's interval (see
//! [`crate::ledger::interval`]), and kappa, which takes away what chance alone would give (J. Cohen,
//! Educational and Psychological Measurement 20, 1960). A label without a usable answer is a disagreement.

use serde::{Deserialize, Serialize};

use super::grader::{GraderTerms, Label, ModelGrader, Opinion, Said};
use super::measure::ratio;
use crate::ledger::interval::{WHOLE, wilson};

/// Faults of a grader that are told one by one.
const TOLD: usize = 5;

/// What a grader said of its labels, bound to the grader and to the labels by their hashes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// The grader.
    pub name: String,
    /// Its own number.
    pub version: u32,
    /// Hash of the grader, hex.
    pub hash: String,
    /// Hash of the labels, hex.
    pub labels_hash: String,
    /// The model that answered.
    pub model: String,
    /// Labels.
    pub labels: u64,
    /// Labels on which both say the same.
    pub agreed: u64,
    /// Lower end of the 95 % interval of the share, 0 to 1.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Cohen's kappa; unknown where one side always says the same as the other could only say.
    pub kappa: Option<f64>,
    /// Both pass.
    pub both_pass: u64,
    /// Both fail.
    pub both_fail: u64,
    /// The grader passes what a person failed: the dangerous kind.
    pub let_through: u64,
    /// The grader fails what a person passed.
    pub held_back: u64,
    /// No usable answer on what a person passed.
    pub silent_pass: u64,
    /// No usable answer on what a person failed.
    pub silent_fail: u64,
    /// Why there was none; the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

impl Agreement {
    /// Nothing asked yet.
    #[must_use]
    pub fn new(grader: &ModelGrader) -> Self {
        Self {
            name: grader.name.clone(),
            version: grader.terms.version,
            hash: grader.terms.hash.clone(),
            labels_hash: grader.terms.labels_hash.clone(),
            model: grader.terms.model.clone(),
            high: 1.0,
            ..Self::default()
        }
    }

    /// Takes what came of one label.
    pub fn add(&mut self, label: &Label, said: &Result<Opinion, String>) {
        let place = match (label.said, said.as_ref().map(|o| o.passed)) {
            (Said::Pass, Ok(true)) => &mut self.both_pass,
            (Said::Pass, Ok(false)) => &mut self.held_back,
            (Said::Fail, Ok(true)) => &mut self.let_through,
            (Said::Fail, Ok(false)) => &mut self.both_fail,
            (Said::Pass, Err(_)) => &mut self.silent_pass,
            (Said::Fail, Err(_)) => &mut self.silent_fail,
        };
        *place += 1;
        if let Err(why) = said
            && self.faults.len() < TOLD
        {
            self.faults.push(why.clone());
        }
        *self = self.measured();
    }

    /// The same with every figure taken from the counts.
    fn measured(&self) -> Self {
        let c = self;
        let pass = c.both_pass + c.held_back + c.silent_pass;
        let fail = c.both_fail + c.let_through + c.silent_fail;
        let (of, agreed) = (pass + fail, c.both_pass + c.both_fail);
        let (low, high) = wilson(agreed, of);
        let said = (c.both_pass + c.let_through, c.both_fail + c.held_back);
        let chance = ratio(pass, of) * ratio(said.0, of) + ratio(fail, of) * ratio(said.1, of);
        let kappa = (of > 0 && chance < 1.0).then(|| (ratio(agreed, of) - chance) / (1.0 - chance));
        Self {
            labels: of,
            agreed,
            low: share(low),
            high: share(high),
            kappa,
            ..c.clone()
        }
    }

    /// Why the grader does not count on these terms; nothing when it does.
    #[must_use]
    pub fn short_of(&self, terms: &GraderTerms) -> Option<String> {
        let m = self.measured();
        let mut why = Vec::new();
        if (&m.hash, &m.labels_hash, m.version) != (&terms.hash, &terms.labels_hash, terms.version)
        {
            why.push("was measured as another grader or on other labels".to_owned());
        }
        if m.labels < terms.min_labels {
            why.push(format!(
                "{} labels, at least {} are asked for",
                m.labels, terms.min_labels
            ));
        }
        if m.low < terms.agreement {
            why.push(format!(
                "agrees with people on {} of {} labels, at least {:.1} %; {:.1} % is asked for",
                m.agreed,
                m.labels,
                m.low * 100.0,
                terms.agreement * 100.0
            ));
        }
        if m.kappa.is_none_or(|k| k < terms.kappa) {
            let found = m
                .kappa
                .map_or_else(|| "unknown".to_owned(), |k| format!("{k:.2}"));
            why.push(format!("kappa is {found}, {} is asked for", terms.kappa));
        }
        let fault = m.faults.first().map(|f| format!("; no answer: {f}"));
        (!why.is_empty()).then(|| format!("{}{}", why.join(", "), fault.unwrap_or_default()))
    }

    /// One line for reports.
    #[must_use]
    pub fn words(&self) -> String {
        let kappa = self
            .kappa
            .map_or_else(|| "unknown".to_owned(), |k| format!("{k:.2}"));
        format!(
            "{} version {} ({}, {}): agrees with people on {} of {} labels, {:.1} to {:.1} %, kappa {kappa}",
            self.name,
            self.version,
            self.hash.get(..12).unwrap_or_default(),
            self.model,
            self.agreed,
            self.labels,
            self.low * 100.0,
            self.high * 100.0
        )
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share in millionths is at most a million"
)]
fn share(ppm: i64) -> f64 {
    ppm as f64 / WHOLE as f64
}
