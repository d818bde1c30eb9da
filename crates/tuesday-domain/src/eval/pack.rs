//! A pack read line by line: its hash, what it lacks, and the limits it declares. Nothing of a case is
//! kept but what completeness needs, so a pack may be as long as a disk.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::case::{Case, Kind};
use super::grader::{GraderTerms, ModelGrader};
use crate::definition::Package;

/// From this share of happy cases on a pack is too easy.
const EASY_SHARE: f64 = 0.7;

/// `evals/gate.toml`: what a release must keep besides passing every case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How often each case is tried at least.
    pub repeats: u32,
    /// The share of a case's trials that must pass and must agree, 0 to 1. Safety cases: all.
    pub agreement: f64,
    /// Largest share of cases that may need a person, 0 to 1.
    pub max_person_share: Option<f64>,
    /// Largest 95th percentile of one trial, in milliseconds.
    pub max_latency_p95_ms: Option<u64>,
    /// Largest mean cost of one trial, in millionths of the price's currency.
    pub max_cost_micros: Option<i64>,
    /// Groups of cases that are judged as a share.
    pub sample: BTreeMap<String, Sample>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            repeats: 1,
            agreement: 0.9,
            max_person_share: None,
            max_latency_p95_ms: None,
            max_cost_micros: None,
            sample: BTreeMap::new(),
        }
    }
}

/// `[sample.NAME]`: cases drawn from a population, judged by their share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The lower end of the 95 % interval of the passing share must reach this, 0 to 1.
    pub min: f64,
    /// What was drawn from where.
    pub about: String,
}

impl Limits {
    /// Reads `evals/gate.toml`.
    ///
    /// # Errors
    /// In words; a limit that means nothing is refused, since it would hold for everything.
    pub fn parse(text: &str) -> Result<Self, String> {
        let limits: Self = toml::from_str(text).map_err(|e| e.message().to_owned())?;
        let share = |name: &str, v: f64| {
            (v > 0.0 && v <= 1.0)
                .then_some(())
                .ok_or_else(|| format!("{name} must be above 0 and at most 1"))
        };
        share("agreement", limits.agreement)?;
        if limits.repeats == 0 {
            return Err("repeats must be at least 1".to_owned());
        }
        if let Some(v) = limits.max_person_share {
            share("max_person_share", v)?;
        }
        for (name, sample) in &limits.sample {
            share(&format!("sample.{name}.min"), sample.min)?;
        }
        Ok(limits)
    }
}

/// Something a pack lacks or holds wrongly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackFault {
    /// The gate's word for it.
    pub reason: super::GateReason,
    /// File within the package.
    pub file: String,
    /// Line from 1, when it is known.
    pub line: Option<u64>,
    /// What is wrong.
    pub message: String,
}

/// What is known of a pack that was read once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pack {
    /// SHA-256 over the names and lines of its files, hex.
    pub hash: String,
    /// Cases in all.
    pub cases: u64,
    /// Cases of each kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// Cases of each sample.
    pub samples: BTreeMap<String, u64>,
    /// The declared limits.
    pub limits: Limits,
    /// What is wrong with it; the first hundred.
    pub faults: Vec<PackFault>,
    /// How many faults there are.
    pub fault_count: u64,
    /// Mostly easy cases.
    pub too_easy: bool,
    /// Graders that ask a model, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub graders: BTreeMap<String, GraderTerms>,
}

impl Pack {
    /// Names of the graders that at least one case is graded by.
    #[must_use]
    pub fn graders_used(&self) -> Vec<String> {
        let used = self.graders.iter().filter(|(_, t)| t.used > 0);
        used.map(|(name, _)| name.clone()).collect()
    }
}

/// Most faults that are told one by one.
const TOLD: usize = 100;

/// Reads a pack: files in the order of their names, lines in order.
#[derive(Debug)]
pub struct PackReader {
    pack: Pack,
    hasher: Sha256,
    names: HashSet<u64>,
}

impl PackReader {
    /// Starts with the limits and graders of a package; `vars` are the values of all its variables.
    #[must_use]
    pub fn of(package: &Package, vars: &BTreeMap<String, String>) -> Self {
        let mut this = Self::new(package.text("evals/gate.toml"));
        for (name, text) in &package.files {
            if name.starts_with("evals/graders/") {
                this.absorb(name, text);
            }
        }
        let (graders, faults) = ModelGrader::all(&package.files, vars);
        for f in faults {
            let reason = super::GateReason::PackUnreadable;
            this.fault(reason, &f.file, None, f.message);
        }
        let graders = graders.into_iter();
        this.pack.graders = graders.map(|(name, g)| (name, g.terms)).collect();
        this
    }

    /// Starts with the text of `evals/gate.toml`, when there is one.
    #[must_use]
    pub fn new(limits: Option<&str>) -> Self {
        let mut this = Self {
            pack: Pack::default(),
            hasher: Sha256::new(),
            names: HashSet::new(),
        };
        this.hasher.update(b"tuesday/pack/1");
        if let Some(text) = limits {
            this.absorb("evals/gate.toml", text);
            match Limits::parse(text) {
                Ok(limits) => this.pack.limits = limits,
                Err(e) => this.fault(
                    super::GateReason::PackUnreadable,
                    "evals/gate.toml",
                    None,
                    e,
                ),
            }
        }
        this
    }

    fn absorb(&mut self, name: &str, text: &str) {
        self.hasher.update((name.len() as u64).to_be_bytes());
        self.hasher.update(name.as_bytes());
        self.hasher.update((text.len() as u64).to_be_bytes());
        self.hasher.update(text.as_bytes());
    }

    fn fault(
        &mut self,
        reason: super::GateReason,
        file: &str,
        line: Option<u64>,
        message: impl Into<String>,
    ) {
        self.pack.fault_count += 1;
        if self.pack.faults.len() < TOLD {
            self.pack.faults.push(PackFault {
                reason,
                file: file.to_owned(),
                line,
                message: message.into(),
            });
        }
    }

    /// Takes one line; blank ones are passed over. Answers the case when it can be tried.
    pub fn line(&mut self, file: &str, number: u64, line: &str) -> Option<Case> {
        use super::GateReason as R;
        let text = line.trim();
        if text.is_empty() {
            return None;
        }
        self.absorb(file, text);
        let case = match Case::parse(text) {
            Ok(case) => case,
            Err(e) => {
                self.fault(R::PackUnreadable, file, Some(number), e);
                return None;
            }
        };
        self.pack.cases += 1;
        *self.pack.kinds.entry(case.kind).or_default() += 1;
        if !self.names.insert(short(&case.name)) {
            let message = format!("a case named `{}` stands there already", case.name);
            self.fault(R::PackUnreadable, file, Some(number), message);
        }
        if case.expect.is_empty() || (case.kind.is_data() && !case.expect.asserts_handling()) {
            let message = format!(
                "`{}` ({}) asserts nothing about what happens to it: name a route, status, reason, tier or absent text",
                case.name, case.kind
            );
            self.fault(R::WeakAssertion, file, Some(number), message);
        }
        self.graded(file, number, &case);
        if let Some(sample) = &case.sample {
            if !case.kind.may_be_sampled() || case.safety {
                let message = format!(
                    "`{}` ({}) counts by itself and may not be part of a sample",
                    case.name, case.kind
                );
                self.fault(R::WeakAssertion, file, Some(number), message);
            }
            if !self.pack.limits.sample.contains_key(sample) {
                let message = format!("sample `{sample}` is not declared in evals/gate.toml");
                self.fault(R::PackUnreadable, file, Some(number), message);
            }
            *self.pack.samples.entry(sample.clone()).or_default() += 1;
        }
        Some(case)
    }

    /// What a model grades: by a grader that is there, and never alone where safety is asserted.
    fn graded(&mut self, file: &str, number: u64, case: &Case) {
        use super::GateReason as R;
        for grader in case.expect.asked() {
            match self.pack.graders.get_mut(grader) {
                Some(terms) => terms.used += 1,
                None => {
                    let message = format!(
                        "`{}` is graded by `{grader}`: there is no such grader in evals/graders, or it cannot be read",
                        case.name
                    );
                    self.fault(R::PackUnreadable, file, Some(number), message);
                }
            }
        }
        let safety = case.is_safety() || case.kind == Kind::Refusal;
        if safety && !case.expect.is_empty() && case.expect.is_only_asked() {
            let message = format!(
                "`{}` ({}) asserts safety by the word of a model alone: name a route, status, reason, tier, output or absent text as well",
                case.name, case.kind
            );
            self.fault(R::WeakAssertion, file, Some(number), message);
        }
    }

    /// Ends the reading: kinds that are missing become faults.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of cases stay far below 2^52"
    )]
    pub fn finish(mut self) -> Pack {
        use super::GateReason as R;
        if self.pack.cases == 0 {
            self.fault(R::PackEmpty, "evals/", None, "there is no case");
        }
        for kind in Kind::ALL {
            if self.pack.cases > 0 && !self.pack.kinds.contains_key(kind) {
                let message = format!("there is no case of the kind `{kind}`");
                self.fault(R::KindMissing, "evals/", None, message);
            }
        }
        let declared: Vec<String> = self.pack.limits.sample.keys().cloned().collect();
        for name in declared {
            if !self.pack.samples.contains_key(&name) {
                let message = format!("sample `{name}` has no case");
                self.fault(R::PackUnreadable, "evals/gate.toml", None, message);
            }
        }
        let happy = self.pack.kinds.get(&Kind::Happy).copied().unwrap_or(0);
        self.pack.too_easy = happy as f64 > EASY_SHARE * self.pack.cases as f64;
        self.pack.hash = hex::encode(self.hasher.finalize());
        self.pack
    }
}

/// Half a name's hash is enough to find it twice: 100 thousand names collide once in a billion packs.
fn short(name: &str) -> u64 {
    let hash = Sha256::digest(name.as_bytes());
    hash.iter().take(8).fold(0, |n, b| (n << 8) | u64::from(*b))
}
