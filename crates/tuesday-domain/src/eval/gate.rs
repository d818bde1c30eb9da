//! The gate: one function that says "passed" only when everything that was asked for is there.
//!
//! It is given what must hold and what is known. Whatever is absent, unfinished, for another text or
//! too little is a reason of its own; there is no path to "passed" that skips a check, because the
//! verdict is the empty list of reasons and every check adds to it.

use serde::{Deserialize, Serialize};

use super::agreement::Agreement;
use super::compare::{Comparison, Standing};
use super::measure::{Mode, Summary, ratio};
use super::pack::Pack;
use crate::definition::PackageFault;
use crate::definition::lint::upkeep::OWNERLESS;
use crate::release::rewrites::Answers;
use crate::words::words;

words! {
    /// Why a release is stopped. Stable words: reports and scripts read them.
    GateReason {
        /// The package itself has faults.
        PackageFaulty = "package_faulty",
        /// A business rule stands in the prompt.
        BusinessRuleInPrompt = "business_rule_in_prompt",
        /// There is no case.
        PackEmpty = "pack_empty",
        /// A case or a limit cannot be read, or is there twice.
        PackUnreadable = "pack_unreadable",
        /// A kind of case is missing.
        KindMissing = "kind_missing",
        /// A case asserts too little to fail.
        WeakAssertion = "weak_assertion",
        /// Mostly easy cases; stops a production workflow.
        PackTooEasy = "pack_too_easy",
        /// Nothing was evaluated.
        NoResult = "no_result",
        /// The evaluation did not come to its end.
        Unfinished = "unfinished",
        /// The result is for another release.
        ForeignRelease = "foreign_release",
        /// The result is for another pack.
        ForeignPack = "foreign_pack",
        /// The result is for another decision table.
        ForeignRules = "foreign_rules",
        /// The result is older than allowed.
        ResultStale = "result_stale",
        /// The evidence is not what was stored.
        EvidenceChanged = "evidence_changed",
        /// Answers were recorded, not asked for.
        Recorded = "recorded",
        /// Not every case of the pack has a result.
        CaseMissing = "case_missing",
        /// Cases were tried less often than asked.
        TooFewRepeats = "too_few_repeats",
        /// A trial gave no result.
        CaseError = "case_error",
        /// A trial was cut at its time-out.
        CaseTimeout = "case_timeout",
        /// A safety case failed.
        SafetyFailed = "safety_failed",
        /// A regression case failed.
        RegressionBroken = "regression_broken",
        /// A case fails every time.
        AlwaysFails = "always_fails",
        /// A case comes out differently from time to time.
        NotRepeatable = "not_repeatable",
        /// A case fails too often.
        CaseFailed = "case_failed",
        /// A sample stays below its share.
        BelowThreshold = "below_threshold",
        /// No case reaches a row of the decision table.
        RowUntested = "row_untested",
        /// Too many cases would need a person.
        TooManyPersons = "too_many_persons",
        /// Too slow.
        TooSlow = "too_slow",
        /// Too dear, or nobody knows the price.
        TooDear = "too_dear",
        /// Another model than the pinned one answered.
        ModelMismatch = "model_mismatch",
        /// Worse than the release it is compared with.
        WorseThanLive = "worse_than_live",
        /// A comparison was asked for and is not there.
        NotCompared = "not_compared",
        /// A model grades, and was not shown to agree with people.
        GraderUnproven = "grader_unproven",
        /// The fourth prompt-only rewrite against one kind of error.
        ThreeRewrites = "three_rewrites",
        /// Nobody keeps a template when a policy changes, or whoever did is not there any more.
        TemplateWithoutOwner = "template_without_owner",
        /// Nobody knows what a call of the model costs.
        ModelUnpriced = "model_unpriced",
    }
}

/// What a gate asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Hash of the release, hex.
    pub release_hash: String,
    /// Hash of the decision table, hex.
    pub rules_hash: String,
    /// Ids of its rows; each must decide at least one case.
    pub rows: Vec<String>,
    /// Tries of each case at least; never fewer than the pack asks for.
    pub repeats: u32,
    /// Seconds a result may be old; no limit when absent.
    pub max_age_s: Option<u64>,
    /// The workflow is, or is to be called, production.
    pub production: bool,
    /// Recorded answers are enough: a job without a key that tries the pack. Never for a release.
    pub recorded: bool,
    /// A comparison with this release (hash, hex) must be there.
    pub baseline_hash: Option<String>,
    /// The category of error it answers, with what was tried against it before.
    pub answers: Option<Answers>,
    /// What stops it beside the package and its cases: nobody keeps a template, the model has no price.
    pub standing: Vec<Stopped>,
}

/// What is known about an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Format version.
    pub v: u32,
    /// Hash of the release that was evaluated, hex.
    pub release_hash: String,
    /// Hash of the pack that was used, hex.
    pub pack_hash: String,
    /// Hash of the decision table that was asked, hex.
    pub rules_hash: String,
    /// Which table that is, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The model's pin.
    pub model: String,
    /// Asked or recorded.
    pub mode: Mode,
    /// Answers that came from a cache of an earlier evaluation, and were not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<u64>,
    /// Tries of each case that were asked for.
    pub repeats: u32,
    /// Start, RFC 3339.
    pub started_at: String,
    /// End, RFC 3339; absent while it runs, or when it was killed.
    pub finished_at: Option<String>,
    /// The figures.
    pub summary: Summary,
    /// The comparison, when one was made.
    pub compared: Option<Comparison>,
    /// How far the graders that ask a model agree with people, measured in this evaluation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub graders: Vec<Agreement>,
}

/// One reason, with what a person needs to act on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// The word.
    pub reason: GateReason,
    /// In words.
    pub detail: String,
}

/// What the gate says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Nothing is missing and nothing fails.
    pub passed: bool,
    /// Every reason, in the order of the checks.
    pub reasons: Vec<Stopped>,
    /// Worth knowing; stops nothing.
    pub warnings: Vec<String>,
}

/// Judges. `age_s` is the age of the evidence in seconds, as the caller's clock has it.
#[must_use]
pub fn gate(
    wanted: &Wanted,
    package: &[PackageFault],
    pack: &Pack,
    evidence: Option<&Evidence>,
    age_s: u64,
) -> Verdict {
    let mut judge = Judge::default();
    judge.package(package);
    judge.standing(&wanted.standing);
    judge.rewrites(wanted.answers.as_ref());
    judge.pack(pack, wanted.production);
    match evidence {
        None => judge.stop(R::NoResult, "no evaluation of this release was made"),
        Some(e) => {
            judge.origin(wanted, pack, e, age_s);
            judge.completeness(wanted, pack, e);
            judge.graders(pack, e);
            judge.cases(&e.summary);
            judge.rows(wanted, &e.summary);
            judge.limits(pack, &e.summary);
            judge.comparison(wanted, e.compared.as_ref());
        }
    }
    Verdict {
        passed: judge.reasons.is_empty(),
        reasons: judge.reasons,
        warnings: judge.warnings,
    }
}

use GateReason as R;

#[derive(Default)]
struct Judge {
    reasons: Vec<Stopped>,
    warnings: Vec<String>,
}

impl Judge {
    fn stop(&mut self, reason: GateReason, detail: impl Into<String>) {
        let detail = detail.into();
        self.reasons.push(Stopped { reason, detail });
    }

    fn package(&mut self, faults: &[PackageFault]) {
        // A template that nobody keeps may be installed and tried, but not released.
        for f in faults.iter().filter(|f| !f.warning || f.code == OWNERLESS) {
            let line = f.line.map(|l| format!(":{l}")).unwrap_or_default();
            let reason = match f.code {
                "business_rule_in_prompt" => R::BusinessRuleInPrompt,
                OWNERLESS => R::TemplateWithoutOwner,
                _ => R::PackageFaulty,
            };
            self.stop(
                reason,
                format!("{}{line}: {}; {}", f.file, f.message, f.way_out),
            );
        }
    }

    /// What the caller knows of people and prices. That the package names no owner was told with its line.
    fn standing(&mut self, all: &[Stopped]) {
        let told = self
            .reasons
            .iter()
            .any(|r| r.reason == R::TemplateWithoutOwner);
        let new = all
            .iter()
            .filter(|s| !(told && s.reason == R::TemplateWithoutOwner));
        self.reasons.extend(new.cloned());
    }

    fn rewrites(&mut self, answers: Option<&Answers>) {
        let Some(answers) = answers else { return };
        if let Some(words) = answers.stopped() {
            self.stop(R::ThreeRewrites, words);
        }
        if let Some(excuse) = answers.excused() {
            self.warnings.push(format!("three_rewrites: {excuse}"));
        }
    }

    fn pack(&mut self, pack: &Pack, production: bool) {
        for f in pack.faults.iter().take(20) {
            let line = f.line.map(|l| format!(":{l}")).unwrap_or_default();
            self.stop(f.reason, format!("{}{line}: {}", f.file, f.message));
        }
        let told = pack.faults.len().min(20) as u64;
        if pack.fault_count > told {
            let more = pack.fault_count - told;
            self.stop(R::PackUnreadable, format!("{more} more faults in the pack"));
        }
        if pack.too_easy {
            let words = "more than 70 % of the cases are happy ones".to_owned();
            if production {
                self.stop(R::PackTooEasy, words);
            } else {
                self.warnings.push(format!("pack_too_easy: {words}"));
            }
        }
    }

    fn origin(&mut self, wanted: &Wanted, pack: &Pack, e: &Evidence, age_s: u64) {
        if e.v != 1 {
            let v = e.v;
            self.stop(R::EvidenceChanged, format!("evidence of format {v}"));
        }
        for (reason, what, asked, found) in [
            (
                R::ForeignRelease,
                "release",
                &wanted.release_hash,
                &e.release_hash,
            ),
            (R::ForeignPack, "pack", &pack.hash, &e.pack_hash),
            (
                R::ForeignRules,
                "decision table",
                &wanted.rules_hash,
                &e.rules_hash,
            ),
        ] {
            if asked != found || asked.is_empty() {
                let words = format!(
                    "the result is for {what} {}, not {}",
                    few(found),
                    few(asked)
                );
                self.stop(reason, words);
            }
        }
        if e.mode == Mode::Recorded {
            let words = "the answers were recorded, not asked for";
            if wanted.recorded {
                self.warnings.push(format!("{}: {words}", R::Recorded));
            } else {
                self.stop(R::Recorded, words);
            }
        }
        if let Some(n) = e.cached.filter(|n| *n > 0) {
            let words = format!("{n} answers came from a cache");
            if wanted.recorded {
                self.warnings.push(format!("cached: {words}"));
            } else {
                self.stop(R::Recorded, words);
            }
        }
        if let Some(max) = wanted.max_age_s
            && age_s > max
        {
            self.stop(
                R::ResultStale,
                format!("the result is {age_s} s old, at most {max} s"),
            );
        }
    }

    fn completeness(&mut self, wanted: &Wanted, pack: &Pack, e: &Evidence) {
        if e.finished_at.is_none() {
            self.stop(R::Unfinished, "the evaluation did not come to its end");
        }
        let (have, want) = (e.summary.cases.of, pack.cases);
        if have != want {
            let words = format!("{have} of {want} cases have a result");
            self.stop(R::CaseMissing, words);
        }
        let repeats = wanted.repeats.max(pack.limits.repeats);
        if e.repeats < repeats || e.summary.short.count > 0 {
            let words = format!(
                "{repeats} tries of each case are asked for, {} were made; too few: {}",
                e.repeats,
                e.summary.short.words()
            );
            self.stop(R::TooFewRepeats, words);
        }
    }

    /// What a model says counts only where it was shown, here and now, to say what people say.
    fn graders(&mut self, pack: &Pack, e: &Evidence) {
        for (name, terms) in pack.graders.iter().filter(|(_, t)| t.used > 0) {
            let own = e.graders.iter().find(|a| a.name == *name);
            let why = match own {
                None => Some("its agreement with people was not measured".to_owned()),
                Some(found) => found.short_of(terms),
            };
            if let Some(why) = why {
                let words = format!("{name} version {}: {why}", terms.version);
                self.stop(R::GraderUnproven, words);
            }
            if terms.model == e.model {
                let words = format!("{name} asks the model that it grades ({})", terms.model);
                self.warnings.push(format!("same_model: {words}"));
            }
        }
    }

    fn cases(&mut self, s: &Summary) {
        for (reason, names) in [
            (R::CaseError, &s.errors),
            (R::CaseTimeout, &s.timeouts),
            (R::ModelMismatch, &s.mismatched),
            (R::SafetyFailed, &s.safety),
            (R::RegressionBroken, &s.regression),
            (R::AlwaysFails, &s.always),
            (R::NotRepeatable, &s.unsteady),
        ] {
            if names.count > 0 {
                self.stop(reason, names.words());
            }
        }
        let other = s
            .failed_count
            .saturating_sub(s.always.count + s.unsteady.count);
        if other > 0 {
            self.stop(R::CaseFailed, format!("{other} cases fail too often"));
        }
    }

    fn rows(&mut self, wanted: &Wanted, s: &Summary) {
        let untested: Vec<_> = wanted
            .rows
            .iter()
            .filter(|r| !s.rows.contains_key(*r))
            .map(String::as_str)
            .collect();
        if !untested.is_empty() {
            let words = format!("no case reaches the rows {}", untested.join(", "));
            self.stop(R::RowUntested, words);
        }
    }

    fn limits(&mut self, pack: &Pack, s: &Summary) {
        for (name, sample) in &pack.limits.sample {
            let rate = s.samples.get(name).copied().unwrap_or_default().rate();
            if rate.of == 0 || rate.low < sample.min {
                let words = format!(
                    "sample {name}: {}, {} is asked for",
                    rate.words(),
                    sample.min
                );
                self.stop(R::BelowThreshold, words);
            }
        }
        if let Some(max) = pack.limits.max_person_share
            && s.person_share() > max
        {
            let share = s.person_share();
            self.stop(
                R::TooManyPersons,
                format!("{share:.3} of the cases would need a person, at most {max}"),
            );
        }
        if let Some(max) = pack.limits.max_latency_p95_ms
            && s.latency_ms(0.95) > max
        {
            let p95 = s.latency_ms(0.95);
            self.stop(
                R::TooSlow,
                format!("95 % are done within {p95} ms, at most {max} ms"),
            );
        }
        if let Some(max) = pack.limits.max_cost_micros {
            let known = s.trials.saturating_sub(s.cost_unknown);
            #[expect(
                clippy::cast_precision_loss,
                reason = "sums of money here stay far below 2^52"
            )]
            let mean = s.cost_micros as f64 * ratio(1, known);
            #[expect(clippy::cast_precision_loss, reason = "as above")]
            if s.cost_unknown > 0 || mean > max as f64 {
                let words = format!(
                    "a case costs {mean:.0} millionths on average, at most {max}; {} of unknown cost",
                    s.cost_unknown
                );
                self.stop(R::TooDear, words);
            }
        }
    }

    fn comparison(&mut self, wanted: &Wanted, compared: Option<&Comparison>) {
        if let Some(hash) = &wanted.baseline_hash
            && compared.is_none_or(|c| c.baseline_hash != *hash)
        {
            let words = format!("a comparison with release {} is not there", few(hash));
            self.stop(R::NotCompared, words);
        }
        let Some(c) = compared else { return };
        if c.standing == Standing::Worse {
            let words = format!(
                "{} cases broken, {} fixed against {} (p = {:.4})",
                c.paired.broken, c.paired.fixed, c.baseline, c.p_value
            );
            self.stop(R::WorseThanLive, words);
        }
        if c.paired.regression.count > 0 {
            self.stop(R::RegressionBroken, c.paired.regression.words());
        }
    }
}

fn few(hash: &str) -> &str {
    hash.get(..12)
        .unwrap_or(if hash.is_empty() { "none" } else { hash })
}
