//! Where a run goes: the decision table's verdict, capped by the stage and by what the planned
//! actions are allowed to do by rule. And the plan itself: which effects, on which records.

use serde_json::{Map, Value, json};

use crate::action::ActionClass;
use crate::definition::{OnApprove, TierSpec};
use crate::facts::{Ctx, is_missing};
use crate::id::RunId;
use crate::port::Intent;
use crate::ready::{Ready, ReadyAction};
use crate::rules::{Facts, ProblemCode, Route, RuleSet, Verdict, evaluate};
use crate::run::Reason;
use crate::workflow::Stage;

/// Where a run goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destined {
    /// Its actions are authorised by this row.
    Auto,
    /// In front of a person of this tier, for this reason, in these words.
    Review(String, Reason, Vec<String>),
    /// People do it by hand.
    Manual(Vec<String>),
    /// Compared only.
    Shadow,
}

/// One planned effect.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Place in the plan.
    pub ordinal: u16,
    /// Everything but the key, which depends on run and revision.
    pub intent: Intent,
}

/// Why a plan could not be made; a person decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFault {
    /// Stable code.
    pub reason: Reason,
    /// In words.
    pub words: String,
}

/// The values the decision table asks for. What cannot be evaluated is missing, which the table
/// sends to a person.
#[must_use]
pub fn table_facts(ready: &Ready, ctx: &Ctx) -> Map<String, Value> {
    ready
        .facts
        .iter()
        .map(|(name, expr)| {
            let value = expr.eval(ctx).unwrap_or(Value::Null);
            (
                name.clone(),
                if is_missing(Some(&value)) {
                    Value::Null
                } else {
                    value
                },
            )
        })
        .collect()
}

/// Asks the decision table.
#[must_use]
pub fn ask(rules: &RuleSet, version: u64, facts: &Map<String, Value>) -> Verdict {
    evaluate(rules, version, &Facts::new(facts))
}

/// Where the verdict leads in this stage.
#[must_use]
pub fn destine(
    ready: &Ready,
    verdict: &Verdict,
    stage: Stage,
    plan: &[Planned],
    failed: &[(String, String)],
) -> Destined {
    if stage == Stage::Shadow {
        return Destined::Shadow;
    }
    let mut words = verdict_words(verdict);
    if verdict.route() == Route::Manual || verdict.route() == Route::Excluded {
        return Destined::Manual(words);
    }
    let tier = tier_name(ready, verdict);
    if !failed.is_empty() {
        let mut all: Vec<String> = failed
            .iter()
            .map(|(name, message)| format!("{message} (check {name})"))
            .collect();
        all.append(&mut words);
        return Destined::Review(tier, Reason::CheckFailed, all);
    }
    match verdict {
        Verdict::Person(p) => {
            let unknown = p
                .problems
                .iter()
                .any(|p| p.code == ProblemCode::UnknownTier);
            let reason = if unknown {
                Reason::UnknownTier
            } else {
                Reason::RuleInput
            };
            Destined::Review(tier, reason, words)
        }
        Verdict::Hit(hit) if hit.route == Route::Auto => match stage_allows(stage, plan) {
            Ok(()) => Destined::Auto,
            Err(why) => {
                words.insert(0, why);
                Destined::Review(tier, Reason::Stage, words)
            }
        },
        Verdict::Hit(_) => Destined::Review(tier, Reason::Rule, words),
    }
}

fn stage_allows(stage: Stage, plan: &[Planned]) -> Result<(), String> {
    allows(
        stage,
        plan.iter()
            .map(|p| (p.intent.spec.name.as_str(), p.intent.spec.class)),
    )
}

/// Whether a rule may send whatever a run of this stage plans, judged by every action there is.
///
/// # Errors
/// What stands against it, in words.
pub fn rule_may_send(ready: &Ready, stage: Stage) -> Result<(), String> {
    let draft = |class: &ActionClass| stage != Stage::DraftOnly || *class <= ActionClass::Draft;
    let all = ready
        .actions
        .iter()
        .map(|a| (a.spec.name.as_str(), a.spec.class));
    allows(stage, all.filter(|(_, class)| draft(class)))
}

fn allows<'a>(
    stage: Stage,
    actions: impl Iterator<Item = (&'a str, ActionClass)> + Clone,
) -> Result<(), String> {
    let mut classes = actions.clone().map(|(_, class)| class);
    let drafts = stage == Stage::DraftOnly && classes.all(|class| class <= ActionClass::Draft);
    if stage != Stage::Auto && !drafts {
        return Err(format!(
            "the workflow's stage is {stage}: nothing is written without a person"
        ));
    }
    let mut actions = actions;
    actions
        .find(|(_, class)| !class.rule_may_authorise())
        .map_or(Ok(()), |(name, class)| {
            Err(format!(
                "{name} is of class {class}: a rule may not authorise it"
            ))
        })
}

/// Why a person looks, in a reviewer's words: the row's own reason first, then the values that made
/// the difference, then what kept the run from going without a person. What a row merely rules out
/// (`threat is no`) is left to the full explanation of the run.
#[must_use]
pub fn verdict_words(verdict: &Verdict) -> Vec<String> {
    let hit = match verdict {
        Verdict::Person(p) => {
            return vec![format!("{} (rules version {})", p.reason, p.rules_version)];
        }
        Verdict::Hit(hit) => hit,
    };
    let place = format!("(rule {}, rules version {})", hit.row, hit.rules_version);
    let reason = hit
        .reason
        .clone()
        .unwrap_or_else(|| "The rules ask for a person".to_owned());
    let mut words = vec![format!("{reason} {place}")];
    words.extend(
        hit.compared
            .iter()
            .filter(|c| telling(&c.cell))
            .map(|c| c.words.clone()),
    );
    if let Some(near) = &hit.near_miss
        && near.route == Route::Auto
    {
        words.extend(near.failed.iter().map(|c| {
            format!(
                "{} (rule {} would have gone without a person)",
                c.words, near.row
            )
        }));
    }
    words.dedup();
    words
}

fn telling(cell: &str) -> bool {
    !matches!(cell.trim(), "no" | "any") && !cell.trim_start().starts_with("not ")
}

/// The tier a verdict names. Where nothing names one, the workflow's first. A name that no tier has
/// is kept: such a task goes to the operator owner.
#[must_use]
pub fn tier_name(ready: &Ready, verdict: &Verdict) -> String {
    let named = match verdict {
        Verdict::Hit(hit) => hit.review_tier.as_deref(),
        Verdict::Person(_) => None,
    };
    match named.map(str::trim).filter(|n| !n.is_empty()) {
        Some(named) => named.to_owned(),
        None => tier(ready, "").map_or_else(String::new, |t| t.name.clone()),
    }
}

/// The tier of that name, or the first.
#[must_use]
pub fn tier<'a>(ready: &'a Ready, name: &str) -> Option<&'a TierSpec> {
    let tiers = &ready.def.review.tier;
    tiers
        .iter()
        .find(|t| t.name == name)
        .or_else(|| tiers.first())
}

/// Plans the effects of an output. Ids, recipients and addresses come from the snapshot; only
/// mapped fields are planned; in stage `draft_only` only drafts are.
///
/// # Errors
/// A target that is missing, or an expression that fails.
pub fn plan(
    ready: &Ready,
    run: RunId,
    stage: Stage,
    snapshot: &Value,
    output: &Value,
) -> Result<Vec<Planned>, PlanFault> {
    let run_facts = json!({"id": run.to_string()});
    let with_output = Ctx::new(&merge(snapshot, &[("output", output), ("run", &run_facts)]));
    let mut planned = Vec::new();
    for (ordinal, action) in ready.actions.iter().enumerate() {
        if stage == Stage::DraftOnly && action.spec.class > ActionClass::Draft {
            continue;
        }
        if let Some(when) = &action.when {
            let wanted = when
                .eval(&with_output)
                .map_err(|e| fault(action, Reason::CheckFailed, &e))?;
            if wanted != Value::Bool(true) {
                continue;
            }
        }
        let ordinal = u16::try_from(ordinal).unwrap_or(u16::MAX);
        planned.push(Planned {
            ordinal,
            intent: intent(ready, action, run, snapshot, &with_output, output)?,
        });
    }
    Ok(planned)
}

/// The part of a plan that a person's approval carries out.
#[must_use]
pub fn approved_plan(ready: &Ready, planned: Vec<Planned>) -> Vec<Planned> {
    match ready.def.review.on_approve {
        OnApprove::Act => planned,
        OnApprove::SaveDraft => planned
            .into_iter()
            .filter(|p| p.intent.spec.class <= ActionClass::Draft)
            .collect(),
    }
}

/// The effect of one action over facts that somebody wrote down, whatever its `when` says: for trying
/// a destination out. The key is that of `run`, so each try has its own.
///
/// # Errors
/// What cannot be evaluated, in words; also when there is no action of that name.
pub fn intent_of(
    ready: &Ready,
    name: &str,
    run: RunId,
    snapshot: &Value,
    output: &Value,
) -> Result<Intent, PlanFault> {
    let found = ready.actions.iter().find(|a| a.spec.name == name);
    let action = found.ok_or_else(|| PlanFault {
        reason: Reason::CheckFailed,
        words: format!("there is no action `{name}`"),
    })?;
    let run_facts = json!({"id": run.to_string()});
    let with_output = Ctx::new(&merge(snapshot, &[("output", output), ("run", &run_facts)]));
    Ok(Intent {
        key: crate::action::action_key(run, 0, 0),
        ..intent(ready, action, run, snapshot, &with_output, output)?
    })
}

fn intent(
    ready: &Ready,
    action: &ReadyAction,
    run: RunId,
    snapshot: &Value,
    with_output: &Ctx,
    output: &Value,
) -> Result<Intent, PlanFault> {
    // The target is evaluated without the output in reach: model text never becomes an id.
    let run_facts = json!({"id": run.to_string()});
    let bare = merge(snapshot, &[("run", &run_facts)]);
    let target = action
        .target
        .eval(&Ctx::new(&bare))
        .map_err(|e| fault(action, Reason::NoUniqueTarget, &e))?;
    if is_missing(Some(&target)) {
        return Err(fault(
            action,
            Reason::NoUniqueTarget,
            "the record to write to is missing",
        ));
    }
    let target = target
        .as_str()
        .map_or_else(|| target.to_string(), str::to_owned);
    let mut fields = Map::new();
    for (name, expr) in &action.fields {
        fields.insert(
            name.clone(),
            expr.eval(with_output)
                .map_err(|e| fault(action, Reason::CheckFailed, &format!("field {name}: {e}")))?,
        );
    }
    let target_value = Value::String(target.clone());
    let addresses = Ctx::new(&merge(&bare, &[("target", &target_value)]));
    let texts = Ctx::new(&merge(
        &bare,
        &[("target", &target_value), ("output", output)],
    ));
    let mut rendered = Map::new();
    for (key, template) in &action.templates {
        let ctx = if *key == "subject" {
            &texts
        } else {
            &addresses
        };
        // `key` is only known once the action has one; adapters put it in when they search.
        if *key == "lookup_url" {
            continue;
        }
        let text = template
            .render(ctx)
            .map_err(|e| fault(action, Reason::CheckFailed, &format!("{key}: {e}")))?;
        rendered.insert((*key).to_owned(), Value::String(text));
    }
    Ok(Intent {
        run,
        key: String::new(),
        spec: action.spec.clone(),
        target,
        fields,
        rendered,
        expected_version: expected_version(snapshot, action),
        timeout_ms: u64::try_from(ready.def.limits.connector_timeout.0.as_millis())
            .unwrap_or(u64::MAX),
    })
}

/// Class D: the version the snapshot saw, carried by the source of the same system.
fn expected_version(snapshot: &Value, action: &ReadyAction) -> Option<String> {
    let versions = snapshot.get("versions")?.get(&action.spec.system)?;
    versions.as_str().map(str::to_owned)
}

fn fault(action: &ReadyAction, reason: Reason, words: &str) -> PlanFault {
    PlanFault {
        reason,
        words: format!("{}: {words}", action.spec.name),
    }
}

/// An object with further top-level keys.
#[must_use]
pub fn merge(base: &Value, more: &[(&str, &Value)]) -> Value {
    let mut out = base.as_object().cloned().unwrap_or_default();
    for (key, value) in more {
        out.insert((*key).to_owned(), (*value).clone());
    }
    Value::Object(out)
}
