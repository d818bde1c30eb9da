//! What an answer leads to: judged, checked, routed by the decision table, planned, recorded, all
//! in one decision.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tuesday_domain::action::{Ability, ActionEvent, ActionState, action_key};
use tuesday_domain::actor::Actor;
use tuesday_domain::decide::{self, Decided, Under, confidence, decide, plan_facts};
use tuesday_domain::definition::FailurePlan;
use tuesday_domain::drift::calibration::Trust;
use tuesday_domain::port::{Intent, ModelAnswer};
use tuesday_domain::record::{
    Action, Attempt, AttemptResult, Change, PayloadKind, Routed, Run, SecondLookBasis,
};
use tuesday_domain::review::ReviewKind;
use tuesday_domain::route::{Destined, Planned, destine, plan};
use tuesday_domain::rules::{Facts, RuleSet, Verdict, pack};
use tuesday_domain::run::{Reason, RunEvent};
use tuesday_domain::snapshot::{Snapshot, sha256_hex};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::Category;
use tuesday_domain::validation::{Judged, judge};
use tuesday_domain::workflow::Stage;

use super::generate::book;
use super::person::{Ask, open_review, to_person};
use crate::catalog::LoadFault;
use crate::draft::Draft;
use crate::engine::Engine;
use crate::ids;
use crate::ops::Approved;
use crate::worker::drive::{Next, StepFault, Work};

/// Records an answer and what follows from it.
pub(crate) async fn answered(
    engine: &Engine,
    work: &mut Work,
    answer: ModelAnswer,
    mut attempt: Attempt,
    now: Timestamp,
) -> Result<Next, StepFault> {
    let ready = &work.release.ready;
    let judged = judge(
        &ready.def.output,
        &ready.output,
        &answer.text,
        answer.refusal,
        answer.incomplete.as_deref(),
    );
    let kind = if matches!(judged, Judged::Output(_) | Judged::Uncertain(..)) {
        PayloadKind::Output
    } else {
        PayloadKind::Answer
    };
    let mut draft = Draft::on(
        &work.run,
        ready.strictest(),
        Actor::System("worker"),
        "run.generated",
        now,
    );
    let n = draft.payload(kind, answer.text.clone().into_bytes());
    if kind == PayloadKind::Output {
        draft.run.output_ref = Some(n);
    }
    attempt.answer_ref = Some(n);
    attempt.result = match &judged {
        Judged::Output(_) | Judged::Uncertain(..) => AttemptResult::Done,
        Judged::Refused(_) => AttemptResult::Refused,
        Judged::Invalid(faults) => {
            attempt.detail = Some(faults.join("; "));
            AttemptResult::Invalid
        }
    };
    if !matches!(judged, Judged::Invalid(_)) {
        // An answer that cannot be used is no sign that the provider is back.
        let provider = super::found::provider(&ready.model);
        let dependencies = &engine.0.dependencies;
        dependencies.worked(Category::ProviderOutage, &provider, now);
    }
    draft.run.attempts = attempt.number;
    book(&mut draft, &attempt);
    super::spend::settle(&mut draft, work.spend.take(), attempt.cost_micros);
    draft.fact("release", work.run.release.to_string());
    who_answered(engine, work, &answer, &mut draft);
    draft.change(Change::InsertAttempt(Box::new(attempt)));
    match judged {
        Judged::Invalid(faults) => invalid(engine, work, draft, faults).await,
        Judged::Refused(sign) => {
            let ask = Ask::output(
                Reason::Refused,
                vec![format!("the model refused: {sign}")],
                RunEvent::OutputRefused,
            );
            to_person(engine, work, draft, ask).await
        }
        Judged::Uncertain(output, sign) => {
            let words = vec![format!("the model is not sure: {sign}")];
            let ask = Ask {
                bound_to: binding(work, &answer.text, &output),
                ..Ask::output(Reason::UncertainOutput, words, RunEvent::OutputRefused)
            };
            to_person(engine, work, draft, ask).await
        }
        Judged::Output(output) => match confidence(ready, &answer, &output) {
            Ok(confidence) => routed(engine, work, draft, (answer, output, confidence), now).await,
            Err(why) => invalid(engine, work, draft, vec![why]).await,
        },
    }
}

/// Keeps which model answered. Wherever the run goes from here: another one than the pinned one is an incident.
fn who_answered(engine: &Engine, work: &Work, answer: &ModelAnswer, draft: &mut Draft) {
    if let Some(reported) = &answer.model_reported {
        draft.fact("model_reported", reported.clone());
    }
    if let Some(words) = decide::mismatch(&work.release.ready, answer) {
        draft.fact("model_mismatch", words.clone());
        draft.change(engine.report_trouble(super::found::mismatched(work, words)));
    }
}

async fn invalid(
    engine: &Engine,
    work: &mut Work,
    mut draft: Draft,
    faults: Vec<String>,
) -> Result<Next, StepFault> {
    let def = &work.release.ready.def;
    if def.on_failure.validate == FailurePlan::Repair
        && work.run.repairs < def.output.repair_attempts
    {
        draft.run.repairs += 1;
        draft.event(RunEvent::RepairWanted)?;
        draft.event(RunEvent::LeaseTaken)?;
        draft.change(Change::CheckFence {
            run: work.run.id,
            fence: work.fence,
        });
        let (decision, run) = draft.finish();
        engine
            .apply_at(
                "generate.before_repair_commit",
                "generate.after_repair_commit",
                decision,
            )
            .await?;
        work.run = run;
        work.fresh_lease = true;
        work.repair = Some(faults.join("; "));
        return Ok(Next::GoOn);
    }
    to_person(
        engine,
        work,
        draft,
        Ask::output(Reason::InvalidOutput, faults, RunEvent::OutputRefused),
    )
    .await
}

async fn routed(
    engine: &Engine,
    work: &mut Work,
    mut draft: Draft,
    (answer, output, confidence): (ModelAnswer, Value, Option<f64>),
    now: Timestamp,
) -> Result<Next, StepFault> {
    let ready = &work.release.ready;
    let (Some(facts), Some(snapshot)) = (&work.facts, &work.snapshot) else {
        let words = vec!["the frozen inputs cannot be read".to_owned()];
        return to_person(
            engine,
            work,
            draft,
            Ask::output(Reason::PermanentFailure, words, RunEvent::RoutedReview),
        )
        .await;
    };
    let facts = plan_facts(facts, snapshot);
    let stage = engine.stage_of(&work.run);
    let (version, rules) = in_force(engine, &work.run.workflow).await?;
    let trust = trust_of(engine, &work.run.workflow);
    let under = Under {
        ready,
        rules: &rules,
        version,
        stage: work.run.stage,
        at_most: stage,
        run: work.run.id,
        trust: Some((&*trust, work.run.release, now)),
    };
    let Decided {
        table,
        failed,
        verdict,
        planned,
        destined,
        confidence,
        stated_ppm,
        model,
    } = decide(under, &facts, &answer, &output, confidence);
    let record = json!({
        "verdict": verdict, "facts": table, "confidence": confidence, "checks_failed": failed, "model": model,
        "flags": work.flags,
    });
    stamp(&mut draft, (version, stage), &verdict, &record);
    remember(&mut draft, &rules, &verdict, &table, stated_ppm);
    engine
        .note_unmapped(&mut draft, &rules, (&verdict, &table), &ready.def)
        .await?;
    let bound = bound_to(
        &answer.text,
        snapshot,
        planned.as_deref().unwrap_or_default(),
    );
    depart(
        engine,
        work,
        draft,
        destined,
        planned.unwrap_or_default(),
        bound,
        now,
    )
    .await
}

/// A case that the table excludes whatever the model would say goes to its owner, and the model does
/// not see it.
pub(crate) async fn excluded(engine: &Engine, work: &mut Work) -> Result<Option<Next>, StepFault> {
    let (Some(facts), Some(snapshot)) = (&work.facts, &work.snapshot) else {
        return Ok(None);
    };
    let stage = engine.stage_of(&work.run);
    let (version, rules) = in_force(engine, &work.run.workflow).await?;
    let ready = &work.release.ready;
    let under = Under {
        ready,
        rules: &rules,
        version,
        stage: work.run.stage,
        at_most: stage,
        run: work.run.id,
        trust: None,
    };
    let Some((table, verdict)) = decide::excluded(under, &plan_facts(facts, snapshot)) else {
        return Ok(None);
    };
    let now = engine.now();
    let class = ready.strictest();
    let mut draft = Draft::on(
        &work.run,
        class,
        Actor::System("worker"),
        "run.excluded",
        now,
    );
    draft.fact("release", work.run.release.to_string());
    let record =
        json!({"verdict": verdict, "facts": table, "flags": work.flags, "model_asked": false});
    stamp(&mut draft, (version, stage), &verdict, &record);
    remember(&mut draft, &rules, &verdict, &table, None);
    engine
        .note_unmapped(&mut draft, &rules, (&verdict, &table), &ready.def)
        .await?;
    let destined = destine(ready, &verdict, work.run.stage.min(stage), &[], &[]);
    depart(
        engine,
        work,
        draft,
        destined,
        Vec::new(),
        String::new(),
        now,
    )
    .await
    .map(Some)
}

/// The table in force, and its version.
async fn in_force(engine: &Engine, workflow: &str) -> Result<(u64, Arc<RuleSet>), LoadFault> {
    let (catalog, reader) = (&engine.0.catalog, &engine.0.reader);
    let version = catalog.rules_version(reader, workflow).await?;
    let rules = catalog.rules(reader, workflow, version).await?;
    Ok((version, rules))
}

/// How far the model's confidence can be relied on, as this node knows; not at all for a workflow that it
/// does not know.
fn trust_of(engine: &Engine, workflow: &str) -> Arc<Trust> {
    let row = engine.0.catalog.cached_workflow(workflow);
    row.map(|w| Arc::clone(&w.rollout.trust))
        .unwrap_or_default()
}

/// Stamps the run with what routed it.
pub(crate) fn stamp(
    draft: &mut Draft,
    (version, stage): (u64, Stage),
    verdict: &Verdict,
    record: &Value,
) {
    if stage != draft.run.stage {
        draft.fact("stage", stage.word());
    }
    draft.run.rules_version = Some(version);
    draft.run.rules_row = row(verdict);
    draft.fact("rules_version", version);
    if let Some(row) = draft.run.rules_row.clone() {
        draft.fact("row", row);
    }
    let bytes = record.to_string().into_bytes();
    draft.run.verdict_ref = Some(draft.payload(PayloadKind::Verdict, bytes));
}

/// Keeps where the table sent the run, on which values, for back-tests and reports.
pub(crate) fn remember(
    draft: &mut Draft,
    rules: &RuleSet,
    verdict: &Verdict,
    table: &Map<String, Value>,
    confidence_ppm: Option<u32>,
) {
    let routed = Routed {
        run: draft.run.id,
        workflow: draft.run.workflow.clone(),
        rules_version: verdict.rules_version(),
        row: row(verdict),
        route: verdict.route(),
        facts: pack(rules.columns(), &Facts::new(table)),
        at: draft.run.updated_at,
        decision: None,
        confidence_ppm,
    };
    draft.change(Change::PutRouted(Box::new(routed)));
}

fn row(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Hit(hit) => Some(hit.row.clone()),
        Verdict::Person(p) => p.row.clone(),
    }
}

/// What an approval is bound to: output, frozen inputs and effect. Void when any of them changes.
pub(crate) fn bound_to(output: &str, snapshot: &Snapshot, planned: &[Planned]) -> String {
    let effects: Vec<Value> = planned.iter().map(|p| request_json(&p.intent)).collect();
    let snapshot = serde_json::to_string(snapshot).unwrap_or_default();
    sha256_hex(json!([output, snapshot, effects]).to_string().as_bytes())
}

/// The binding of an output that goes to a person before the table is asked. Without frozen inputs
/// there is nothing to bind to: such an output cannot be approved.
fn binding(work: &Work, text: &str, output: &Value) -> String {
    let (Some(facts), Some(snapshot)) = (&work.facts, &work.snapshot) else {
        return String::new();
    };
    let facts = plan_facts(facts, snapshot);
    let (ready, run) = (&work.release.ready, &work.run);
    let planned = plan(ready, run.id, run.stage, &facts, output).unwrap_or_default();
    bound_to(text, snapshot, &planned)
}

/// The exact request of an action as it is stored.
pub(crate) fn request_json(intent: &Intent) -> Value {
    json!({
        "target": intent.target, "fields": intent.fields, "rendered": intent.rendered,
        "expected_version": intent.expected_version,
    })
}

async fn depart(
    engine: &Engine,
    work: &mut Work,
    mut draft: Draft,
    destined: Destined,
    planned: Vec<Planned>,
    bound_to: String,
    now: Timestamp,
) -> Result<Next, StepFault> {
    match destined {
        Destined::Shadow => {
            draft.event(RunEvent::ShadowFinished)?;
            draft.change(Change::FinishJob {
                run: work.run.id,
                fence: work.fence,
            });
            commit(engine, work, draft, Vec::new()).await?;
            Ok(Next::Stop)
        }
        Destined::Manual(words) => {
            draft.event(RunEvent::RoutedManual)?;
            let ask = Ask {
                kind: ReviewKind::Manual,
                ..Ask::output(Reason::Manual, words, RunEvent::RoutedManual)
            };
            let review = open_review(&work.release.ready.def, &draft.run, ask, now);
            draft.open_review(review);
            draft.run.owner = None;
            draft.change(Change::FinishJob {
                run: work.run.id,
                fence: work.fence,
            });
            commit(engine, work, draft, Vec::new()).await?;
            Ok(Next::Stop)
        }
        Destined::Review(tier, reason, words) => {
            let ask = Ask {
                tier,
                bound_to,
                ..Ask::output(reason, words, RunEvent::RoutedReview)
            };
            to_person(engine, work, draft, ask).await
        }
        Destined::Auto => automatic(engine, work, draft, planned, now).await,
    }
}

/// No person is asked: the actions are authorised by the row that fired, to go out at once or when
/// their recall window is over.
async fn automatic(
    engine: &Engine,
    work: &mut Work,
    mut draft: Draft,
    planned: Vec<Planned>,
    now: Timestamp,
) -> Result<Next, StepFault> {
    draft.event(RunEvent::RoutedAuto)?;
    let by = format!(
        "rule:{}@{}",
        draft.run.rules_row.clone().unwrap_or_default(),
        draft.run.rules_version.unwrap_or(0)
    );
    let wait = work.release.ready.def.review.automatic_recall_seconds;
    let not_before = recallable(wait, now);
    let at_once = not_before.is_none()
        && !super::recheck::wanted(&work.release)
        && !engine.may_have_sent(&work.run);
    let approved = Approved {
        basis: SecondLookBasis::Automatic,
        by: by.clone(),
        tier: "",
        stored: &[],
    };
    engine
        .draw_second_look(&mut draft, &work.release.ready.def, approved)
        .await
        .map_err(LoadFault::Read)?;
    let actions = authorise(&mut draft, planned, &by, 0, at_once, not_before, now)?;
    if actions.is_empty() {
        draft.event(RunEvent::ActionsConfirmed { drafts_only: true })?;
        draft.change(Change::FinishJob {
            run: work.run.id,
            fence: work.fence,
        });
        commit(engine, work, draft, Vec::new()).await?;
        return Ok(Next::Stop);
    }
    let (run, fence) = (work.run.id, work.fence);
    draft.change(match not_before {
        Some(due_at) => Change::ReleaseJob {
            run,
            fence,
            due_at,
            lease: None,
        },
        None => Change::CheckFence { run, fence },
    });
    commit(engine, work, draft, actions).await?;
    if not_before.is_some() {
        engine.0.slots.wake.notify_one();
        return Ok(Next::Stop);
    }
    Ok(Next::GoOn)
}

async fn commit(
    engine: &Engine,
    work: &mut Work,
    draft: Draft,
    actions: Vec<(Action, Value)>,
) -> Result<(), StepFault> {
    let (decision, run) = draft.finish();
    engine.crash_point("route.before_commit");
    engine.apply(decision).await?;
    engine.crash_point("route.after_commit");
    work.run = run;
    work.actions = actions;
    work.fresh_lease = true;
    Ok(())
}

/// The end of a recall window that starts now; none for a workflow without one.
pub(crate) fn recallable(seconds: u32, now: Timestamp) -> Option<Timestamp> {
    (seconds > 0).then(|| now.plus(std::time::Duration::from_secs(seconds.into())))
}

/// Adds the planned actions, authorised by `by`. The first one goes straight on to `sending` when a
/// worker holds the lease and nothing must be read before: intent and key are then committed here.
pub(crate) fn authorise(
    draft: &mut Draft,
    planned: Vec<Planned>,
    by: &str,
    revision: u16,
    leased: bool,
    not_before: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<(Action, Value)>, StepFault> {
    let mut actions = Vec::with_capacity(planned.len());
    for (i, p) in planned.into_iter().enumerate() {
        let request = request_json(&p.intent);
        let request_ref = draft.payload(PayloadKind::Request, request.to_string().into_bytes());
        let mut action = new_action(&draft.run, &p, revision, request_ref, by, now);
        action.not_before = not_before;
        let at_once = leased && i == 0 && !waits_to_begin(&p.intent);
        let events: &[ActionEvent] = if at_once {
            &[ActionEvent::Authorise, ActionEvent::Send]
        } else {
            &[ActionEvent::Authorise]
        };
        if at_once {
            action.attempts = 1;
            action.first_sent_at = Some(now);
        }
        draft.action(&mut action, events, true)?;
        actions.push((action, request));
    }
    Ok(actions)
}

/// Something comes before the intent: the target is read, or other runs have their turn at it.
fn waits_to_begin(intent: &Intent) -> bool {
    needs_look(intent) || intent.spec.writes_to_a_record()
}

/// Must the target be read before writing?
pub(crate) fn needs_look(intent: &Intent) -> bool {
    intent.spec.ability == Ability::Conditional
}

fn new_action(
    run: &Run,
    p: &Planned,
    revision: u16,
    request_ref: u32,
    by: &str,
    now: Timestamp,
) -> Action {
    Action {
        id: ids::action(),
        run: run.id,
        ordinal: p.ordinal,
        revision,
        name: p.intent.spec.name.clone(),
        class: p.intent.spec.class,
        ability: p.intent.spec.ability,
        target: p.intent.target.clone(),
        key: action_key(run.id, p.ordinal, revision),
        state: ActionState::Proposed,
        request_ref,
        authorised_by: Some(by.to_owned()),
        attempts: 0,
        first_sent_at: None,
        not_before: None,
        receipt_ref: None,
        external_id: None,
        detail: None,
        updated_at: now,
        version: 0,
    }
}
