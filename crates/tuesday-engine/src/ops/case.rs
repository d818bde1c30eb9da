//! Everything the review page shows about one task, in one read.

use std::sync::Arc;

use serde_json::Value;
use tuesday_domain::definition::TierSpec;
use tuesday_domain::id::ReviewId;
use tuesday_domain::problem::Problem;
use tuesday_domain::recheck::Recheck;
use tuesday_domain::record::{Action, Attempt, Payload, Review, Run, Seed};
use tuesday_domain::route::{approved_plan, plan};
use tuesday_domain::rules::{Compared, Verdict};
use tuesday_domain::run::Step;
use tuesday_domain::snapshot::{Conflict, Freshness, Snapshot};
use tuesday_domain::time::Timestamp;

use super::recall::recall_until;
use super::release::ToRead;
use super::task::{Task, people};
use crate::catalog::LiveRelease;
use crate::engine::{Engine, read_problem};

/// A task with everything a person needs to decide it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The task.
    pub review: Review,
    /// Its run.
    pub run: Run,
    /// The workflow in words.
    pub workflow_title: String,
    /// Name of the task's owner.
    pub owner_name: String,
    /// Time zone of the workflow.
    pub zone: String,
    /// Why a person looks, one sentence each.
    pub reasons: Vec<String>,
    /// Values the decision table compared.
    pub compared: Vec<Compared>,
    /// Row that fired.
    pub rules_row: Option<String>,
    /// Version of the table.
    pub rules_version: Option<u64>,
    /// What the run read.
    pub items: Vec<CaseItem>,
    /// Where sources disagreed.
    pub conflicts: Vec<Conflict>,
    /// What was flagged though the run went on.
    pub flags: Vec<String>,
    /// Optional things that are not there.
    pub absent: Vec<String>,
    /// The output in force.
    pub output: Option<Value>,
    /// Its schema.
    pub output_schema: Value,
    /// What approving will write.
    pub writes: Vec<CaseWrite>,
    /// How the output was made.
    pub made: CaseMade,
    /// Who must look.
    pub tier: Option<TierSpec>,
    /// Who may decide: handle and name.
    pub people: Vec<(String, String)>,
    /// Handle of the person who gets it when it is escalated: the next named one who is there.
    pub next_up: Option<String>,
    /// Codes for rejecting and editing.
    pub reasons_list: Vec<String>,
    /// The run's actions, for tasks about one.
    pub actions: Vec<CaseAction>,
    /// What the newest look at sources or target found, as noted on the task.
    pub recheck: Option<Recheck>,
    /// Approving although it changed is allowed here, with a reason.
    pub may_accept_changed: bool,
    /// Until when a decided task can be recalled.
    pub recall_until: Option<Timestamp>,
    /// The first thing an approval rests on and the reader may not see, with its class.
    pub not_cleared: Option<(String, &'static str)>,
    /// It was a known error; said only once it is decided.
    pub seed: Option<Seed>,
    /// The release that must be read before deciding, with who has.
    pub to_read: Option<ToRead>,
}

/// One thing the run read.
#[derive(Clone, Debug)]
pub struct CaseItem {
    /// Number on the page, from 1.
    pub n: usize,
    /// Its name in the workflow.
    pub name: String,
    /// The system of record.
    pub system: String,
    /// The record's id.
    pub record: Option<String>,
    /// The record's version.
    pub version: Option<String>,
    /// When it was last true.
    pub updated_at: Option<Timestamp>,
    /// `fresh`, `old` or `stale`.
    pub freshness: &'static str,
    /// Sensitivity class.
    pub class: &'static str,
    /// Where it was read.
    pub location: String,
    /// The stored copy.
    pub content: Value,
}

/// One effect that approving will have.
#[derive(Clone, Debug)]
pub struct CaseWrite {
    /// Name of the action.
    pub action: String,
    /// The system people use.
    pub system: String,
    /// Consequence.
    pub class: &'static str,
    /// What the destination can do about repeats.
    pub ability: &'static str,
    /// The record.
    pub target: String,
    /// Field and value.
    pub fields: Vec<(String, Value)>,
    /// Field and where its value comes from: `input`, `output`, `run`, a source's name, or nothing
    /// for a value that the package fixes.
    pub origins: Vec<(String, String)>,
}

/// How an output was made.
#[derive(Clone, Debug)]
pub struct CaseMade {
    /// Release id.
    pub release: String,
    /// Its number.
    pub release_number: u32,
    /// The pinned model.
    pub model: String,
    /// Tries of the model call.
    pub attempts: u32,
    /// Calibrated or declared confidence.
    pub confidence: Option<f64>,
    /// Cost in millionths; absent when unknown.
    pub cost_micros: Option<i64>,
    /// Duration of the last call in microseconds.
    pub latency_us: Option<i64>,
    /// What the built-in model adds: best labels, evidence.
    pub extra: Option<Value>,
    /// SHA-256 of the exact request.
    pub prompt_hash: Option<String>,
}

/// One action of the run.
#[derive(Clone, Debug)]
pub struct CaseAction {
    /// Name.
    pub name: String,
    /// Where it stands.
    pub state: &'static str,
    /// The record.
    pub target: String,
    /// Its key.
    pub key: String,
    /// Tries.
    pub attempts: u32,
    /// Why it is not confirmed.
    pub detail: Option<String>,
    /// The destination's id for the effect.
    pub external_id: Option<String>,
    /// What the destination answered.
    pub receipt: Option<Value>,
}

impl Engine {
    /// The case behind a review task.
    ///
    /// # Errors
    /// `not_found`, `unavailable`, `record_damaged`.
    pub async fn case(&self, id: ReviewId) -> Result<Case, Problem> {
        Ok(Box::pin(self.case_and_release(id)).await?.0)
    }

    pub(super) async fn case_and_release(
        &self,
        id: ReviewId,
    ) -> Result<(Case, Arc<LiveRelease>), Problem> {
        let task = self.task(id).await?;
        let release = Arc::clone(&task.release);
        let attempts = self.0.reader.attempts(task.run.id).await;
        let attempts = attempts.map_err(read_problem)?;
        let persons = self.0.reader.people().await.map_err(read_problem)?;
        let name = |h: &str| {
            persons
                .iter()
                .find(|p| p.handle == h)
                .map_or_else(|| h.to_owned(), |p| p.name.clone())
        };
        let record = verdict_record(&task);
        let verdict: Option<Verdict> = record
            .get("verdict")
            .and_then(|v| serde_json::from_value(v.clone()).ok());
        let gone = self.gone(Some(&task.review.workflow), self.now()).await?;
        let mut flags: Vec<String> = self.rolled_back_words(&task).await?.into_iter().collect();
        flags.extend(strings(record.get("flags")));
        let (def, snapshot) = (&task.release.ready.def, task.snapshot());
        let case = Case {
            workflow_title: def.workflow.title.clone(),
            owner_name: name(&task.review.owner),
            zone: def.workflow.time_zone.clone(),
            reasons: task.review.reasons.clone(),
            compared: match verdict {
                Some(Verdict::Hit(hit)) => hit.compared,
                _ => Vec::new(),
            },
            rules_row: task.run.rules_row.clone(),
            rules_version: task.run.rules_version,
            items: snapshot
                .as_ref()
                .map_or_else(|| event_item(&task), |s| items(&task, s)),
            conflicts: snapshot
                .as_ref()
                .map(|s| s.conflicts.clone())
                .unwrap_or_default(),
            flags,
            absent: snapshot.map(|s| s.absent).unwrap_or_default(),
            output: task.output().map(|(_, v)| v),
            output_schema: task.release.ready.output.source().clone(),
            writes: task
                .output()
                .map(|(_, output)| writes_of(&task, &output))
                .unwrap_or_default(),
            made: made(&task, &attempts, &record),
            tier: def
                .review
                .tier
                .iter()
                .find(|t| t.name == task.review.tier)
                .cloned(),
            people: people(&task)
                .into_iter()
                .map(|h| (h.clone(), name(&h)))
                .collect(),
            next_up: super::escalate::next_person(&task.review, &gone),
            reasons_list: def.review.reasons.clone(),
            actions: task
                .actions
                .iter()
                .map(|a| action(a, &task.payloads))
                .collect(),
            recheck: task.recheck(),
            may_accept_changed: task.tier().is_some_and(|t| t.may_accept_changed),
            recall_until: recall_until(&task.actions, self.now()),
            not_cleared: None,
            seed: task.told_seed(),
            to_read: task.release_news,
            run: task.run,
            review: task.review,
        };
        Ok((case, release))
    }
}

fn verdict_record(task: &Task) -> Value {
    task.run
        .verdict_ref
        .and_then(|n| task.bytes(n))
        .and_then(|b| serde_json::from_slice(&b).ok())
        .unwrap_or(Value::Null)
}

fn strings(v: Option<&Value>) -> Vec<String> {
    v.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|s| s.as_str().map(str::to_owned))
        .collect()
}

fn json_or_text(bytes: Vec<u8>) -> Value {
    serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()))
}

fn event_item(task: &Task) -> Vec<CaseItem> {
    vec![CaseItem {
        n: 1,
        name: "input".to_owned(),
        system: "event".to_owned(),
        record: None,
        version: None,
        updated_at: None,
        freshness: "fresh",
        class: task.release.ready.input.strictest().word(),
        location: String::new(),
        content: json_or_text(task.bytes(task.run.body_ref).unwrap_or_default()),
    }]
}

fn items(task: &Task, snapshot: &Snapshot) -> Vec<CaseItem> {
    snapshot
        .items
        .iter()
        .enumerate()
        .map(|(i, item)| CaseItem {
            n: i + 1,
            name: item.name.clone(),
            system: item.system.clone(),
            record: item.record.clone(),
            version: item.version.clone(),
            updated_at: item.updated_at,
            freshness: match item.freshness {
                Freshness::Fresh => "fresh",
                Freshness::Old => "old",
                Freshness::Stale => "stale",
            },
            class: item.class.word(),
            location: item.location.clone(),
            content: json_or_text(task.bytes(item.payload).unwrap_or_default()),
        })
        .collect()
}

/// What approving `output` would write.
pub(super) fn writes_of(task: &Task, output: &Value) -> Vec<CaseWrite> {
    let Some(facts) = task.facts() else {
        return Vec::new();
    };
    let planned = plan(
        &task.release.ready,
        task.run.id,
        task.run.stage,
        &facts,
        output,
    )
    .unwrap_or_default();
    approved_plan(&task.release.ready, planned)
        .into_iter()
        .map(|p| CaseWrite {
            action: p.intent.spec.name.clone(),
            system: p.intent.spec.system.clone(),
            class: p.intent.spec.class.word(),
            ability: p.intent.spec.ability.word(),
            target: p.intent.target,
            origins: p
                .intent
                .spec
                .fields
                .iter()
                .map(|(field, expr)| (field.clone(), origin(expr)))
                .collect(),
            fields: p.intent.fields.into_iter().collect(),
        })
        .collect()
}

/// The first word of an expression that something else is read from: `crm` of `crm.tier | upper`.
fn origin(expr: &str) -> String {
    let end = expr
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(expr.len());
    let (root, rest) = expr.split_at(end);
    if rest.starts_with('.') && !root.starts_with(|c: char| c.is_ascii_digit()) {
        root.to_owned()
    } else {
        String::new()
    }
}

fn made(task: &Task, attempts: &[Attempt], record: &Value) -> CaseMade {
    let calls: Vec<_> = attempts
        .iter()
        .filter(|a| a.step == Step::Generate)
        .collect();
    let last = calls.last();
    CaseMade {
        release: task.release.id.to_string(),
        release_number: task.release.number,
        model: task.release.ready.model.pin.clone(),
        attempts: u32::try_from(calls.len()).unwrap_or(u32::MAX),
        confidence: record.get("confidence").and_then(Value::as_f64),
        cost_micros: (!task.run.cost_unknown).then_some(task.run.cost_micros),
        latency_us: last.map(|a| a.duration_us),
        extra: record.get("model").filter(|m| !m.is_null()).cloned(),
        prompt_hash: last
            .and_then(|a| a.request_hash)
            .map(|h| crate::catalog::hex(&h)),
    }
}

fn action(a: &Action, payloads: &[Payload]) -> CaseAction {
    let receipt = a
        .receipt_ref
        .and_then(|n| payloads.iter().find(|p| p.n == n))
        .map(|p| json_or_text(p.bytes.clone()));
    CaseAction {
        name: a.name.clone(),
        state: a.state.word(),
        target: a.target.clone(),
        key: a.key.clone(),
        attempts: a.attempts,
        detail: a.detail.clone(),
        external_id: a.external_id.clone(),
        receipt,
    }
}
