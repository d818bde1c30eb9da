//! What a usable output leads to: checks, values for the table, verdict, plan, destination. Pure, and
//! the same for a run and for an eval case, so that a gate tests what production does.

use serde_json::{Map, Value, json};

use crate::definition::ConfidenceSource;
use crate::drift::calibration::{Trust, rests_on_confidence};
use crate::facts::{Ctx, at};
use crate::id::{ReleaseId, RunId};
use crate::port::ModelAnswer;
use crate::ready::Ready;
use crate::route::{
    Destined, PlanFault, Planned, ask, destine, merge, plan, table_facts, tier_name,
};
use crate::rules::{Facts, RuleSet, Verdict, foregone};
use crate::run::Reason;
use crate::snapshot::Snapshot;
use crate::time::Timestamp;
use crate::validation::failed_checks;
use crate::workflow::Stage;

/// Everything that follows from one usable output.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The values the table was asked with.
    pub table: Map<String, Value>,
    /// Declared checks that do not hold: name and message.
    pub failed: Vec<(String, String)>,
    /// What the table said.
    pub verdict: Verdict,
    /// The effects, or why none could be planned.
    pub planned: Result<Vec<Planned>, PlanFault>,
    /// Where it goes.
    pub destined: Destined,
    /// Confidence as recorded, four places; `null` without one.
    pub confidence: Value,
    /// The confidence in millionths.
    pub stated_ppm: Option<u32>,
    /// What the built-in model says about its answer; `null` for others.
    pub model: Value,
}

/// Where and by which rules an output is decided.
#[derive(Clone, Copy, Debug)]
pub struct Under<'a> {
    /// The release.
    pub ready: &'a Ready,
    /// The decision table.
    pub rules: &'a RuleSet,
    /// Its version.
    pub version: u64,
    /// How much the workflow may do by itself.
    pub stage: Stage,
    /// The lower stage that binds it now, when there is one; the plan stays that of its acceptance.
    pub at_most: Stage,
    /// The run, for keys and addresses.
    pub run: RunId,
    /// How far a stated confidence can be relied on, for the release that answered, at this moment. Absent
    /// where nothing is let through: an evaluation asks what the table says.
    pub trust: Option<(&'a Trust, ReleaseId, Timestamp)>,
}

/// Decides about an output over frozen inputs; `facts` as [`plan_facts`] answers them.
#[must_use]
pub fn decide(
    under: Under<'_>,
    facts: &Value,
    answer: &ModelAnswer,
    output: &Value,
    confidence: Option<f64>,
) -> Decided {
    let Under {
        ready,
        rules,
        version,
        stage,
        at_most,
        run,
        trust,
    } = under;
    let model = answer.extra.clone().unwrap_or(Value::Null);
    let stated = confidence.and_then(ppm);
    let confidence = confidence.map_or(Value::Null, |c| json!(round(c)));
    let run_facts = json!({"id": run.to_string()});
    let ctx = Ctx::new(&merge(
        facts,
        &[
            ("output", output),
            ("confidence", &confidence),
            ("model", &model),
            ("run", &run_facts),
        ],
    ));
    let failed = failed_checks(&ready.checks, &ctx);
    let table = table_facts(ready, &ctx);
    let verdict = ask(rules, version, &table);
    let planned = plan(ready, run, stage, facts, output);
    let mut destined = match &planned {
        Ok(p) => destine(ready, &verdict, stage.min(at_most), p, &failed),
        Err(fault) => Destined::Review(
            tier_name(ready, &verdict),
            fault.reason,
            vec![fault.words.clone()],
        ),
    };
    if destined == Destined::Auto
        && stage.min(at_most) == Stage::Auto
        && let Some(trust) = trust
        && let Some(words) = doubted((ready, rules), (&verdict, &table), trust, stated)
    {
        let tier = tier_name(ready, &verdict);
        destined = Destined::Review(tier, Reason::Uncalibrated, vec![words]);
    }
    if let Some(words) = mismatch(ready, answer) {
        match &mut destined {
            Destined::Auto => {
                let tier = tier_name(ready, &verdict);
                destined = Destined::Review(tier, Reason::ModelMismatch, vec![words]);
            }
            // It goes before a person anyway, who is told as well.
            Destined::Review(_, _, told) => told.push(words),
            Destined::Manual(_) | Destined::Shadow => {}
        }
    }
    Decided {
        table,
        failed,
        verdict,
        planned,
        destined,
        confidence,
        stated_ppm: stated,
        model,
    }
}

/// Why a rule may not let this through: it rests on a confidence that cannot be relied on.
#[must_use]
pub fn doubted(
    (ready, rules): (&Ready, &RuleSet),
    (verdict, table): (&Verdict, &Map<String, Value>),
    (trust, release, now): (&Trust, ReleaseId, Timestamp),
    stated_ppm: Option<u32>,
) -> Option<String> {
    rests_on_confidence(ready, rules, verdict, &Facts::new(table))
        .then(|| trust.doubt(release, stated_ppm, now))
        .flatten()
}

/// What the table says before the model is asked, when it excludes the case whatever the answer would
/// be. The case is then not shown to the model at all.
#[must_use]
pub fn excluded(under: Under<'_>, facts: &Value) -> Option<(Map<String, Value>, Verdict)> {
    let later = |path: &String| {
        let group = path.split('.').next();
        matches!(group, Some("output" | "confidence" | "model"))
    };
    let open: Vec<&str> = under
        .ready
        .facts
        .iter()
        .filter(|(_, expr)| expr.reads().iter().any(later))
        .map(|(name, _)| name.as_str())
        .collect();
    let run_facts = json!({"id": under.run.to_string()});
    let ctx = Ctx::new(&merge(facts, &[("run", &run_facts)]));
    let mut table = table_facts(under.ready, &ctx);
    table.retain(|name, _| !open.contains(&name.as_str()));
    let verdict = foregone(under.rules, under.version, &Facts::new(&table), &|column| {
        open.contains(&column)
    })?;
    Some((table, verdict))
}

/// Confidence from its declared source.
///
/// # Errors
/// A value outside 0..1, which makes the output invalid.
pub fn confidence(
    ready: &Ready,
    answer: &ModelAnswer,
    output: &Value,
) -> Result<Option<f64>, String> {
    let spec = &ready.model.confidence;
    let value = match spec.source {
        ConfidenceSource::None => None,
        ConfidenceSource::Classifier
        | ConfidenceSource::Logprob
        | ConfidenceSource::SelfConsistency => answer.confidence,
        ConfidenceSource::Field => {
            spec.field
                .as_deref()
                .and_then(|f| at(output, f))
                .and_then(|v| match v {
                    Value::Number(n) => n.as_f64(),
                    Value::String(s) => s.parse().ok(),
                    _ => None,
                })
        }
    };
    match value {
        Some(c) if !(0.0..=1.0).contains(&c) => Err(format!("confidence {c} is outside 0..1")),
        other => Ok(other),
    }
}

/// Facts of the snapshot with the versions of the records read, for preconditions.
#[must_use]
pub fn plan_facts(facts: &Value, snapshot: &Snapshot) -> Value {
    let versions: Map<_, _> = snapshot
        .items
        .iter()
        .filter_map(|i| {
            i.version
                .as_ref()
                .map(|v| (i.system.clone(), Value::String(v.clone())))
        })
        .collect();
    merge(facts, &[("versions", &Value::Object(versions))])
}

/// Another model than the pinned one answered, in words.
#[must_use]
pub fn mismatch(ready: &Ready, answer: &ModelAnswer) -> Option<String> {
    let (reported, pin) = (answer.model_reported.as_ref()?, &ready.model.pin);
    (!ready.model.kind.is_built_in() && reported != pin)
        .then(|| format!("the provider answered with {reported}, the release pins {pin}"))
}

/// A confidence in millionths, as it is kept; nothing for what is none.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "within 0..1, which is looked at first"
)]
pub fn ppm(confidence: f64) -> Option<u32> {
    (0.0..=1.0)
        .contains(&confidence)
        .then(|| (confidence * 1e6).round() as u32)
}

/// Four places are enough for a probability and keep records readable.
fn round(c: f64) -> f64 {
    (c * 10_000.0).round() / 10_000.0
}
