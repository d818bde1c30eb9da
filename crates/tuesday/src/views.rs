//! Rows as the command line shows them: one JSON form each, the same members as on the API, and the
//! few words that several tables share.

use serde_json::{Value, json};
use tuesday_domain::record::{Action, Attempt, Intake, Review, Run};
use tuesday_domain::time::Timestamp;

/// A run as one JSON object.
pub(crate) fn run(r: &Run) -> Value {
    json!({
        "id": r.id.to_string(), "workflow": r.workflow, "release": r.release.to_string(), "subject": r.subject,
        "status": r.state.status.word(), "step": r.state.step.word(), "review": r.state.review.word(),
        "outcome": r.state.outcome.map(|o| o.word()), "reason": r.reason.map(|x| x.word()), "owner": r.owner,
        "event_source": r.event_source, "event_id": r.event_id, "requester": r.requester, "batch": r.batch,
        "stage": r.stage.word(), "scope": r.scope, "attempts": r.attempts, "rules_version": r.rules_version, "rules_row": r.rules_row,
        "received_at": r.received_at.rfc3339(), "updated_at": r.updated_at.rfc3339(), "deadline_at": r.deadline_at.rfc3339(),
        "finished_at": r.finished_at.map(Timestamp::rfc3339), "cost_micros": (!r.cost_unknown).then_some(r.cost_micros),
        "version": r.version, "rerun_of": r.rerun_of.map(|id| id.to_string()),
    })
}

/// A review task as one JSON object.
pub(crate) fn review(r: &Review) -> Value {
    json!({
        "id": r.id.to_string(), "run_id": r.run.to_string(), "workflow": r.workflow, "kind": r.kind.word(),
        "state": r.state.word(), "tier": r.tier, "subject": r.subject, "reason": r.reason.word(), "reasons": r.reasons,
        "owner": r.owner, "claimed_by": r.claimed_by, "claim_until": r.claim_until.map(Timestamp::rfc3339),
        "due_at": r.due_at.rfc3339(), "created_at": r.created_at.rfc3339(), "level": r.level,
        "decision": r.decision.map(|d| d.word()), "decision_reason": r.decision_reason, "decided_by": r.decided_by,
        "decided_at": r.decided_at.map(Timestamp::rfc3339), "approved_by": r.approved_by,
        "approvals_needed": r.approvals_needed, "revision": r.revision,
    })
}

/// An action as one JSON object.
pub(crate) fn action(a: &Action) -> Value {
    json!({
        "id": a.id.to_string(), "name": a.name, "state": a.state.word(), "class": a.class.word(), "ability": a.ability.word(),
        "target": a.target, "key": a.key, "attempts": a.attempts, "authorised_by": a.authorised_by,
        "external_id": a.external_id, "detail": a.detail, "updated_at": a.updated_at.rfc3339(),
    })
}

/// One try of a step as one JSON object.
pub(crate) fn attempt(a: &Attempt) -> Value {
    json!({
        "step": a.step.word(), "number": a.number, "started_at": a.started_at.rfc3339(), "duration_us": a.duration_us,
        "result": a.result.word(), "code": a.code, "detail": a.detail, "model": a.model, "model_reported": a.model_reported,
        "cost_micros": a.cost_micros, "retry_at": a.retry_at.map(Timestamp::rfc3339),
    })
}

/// An intake record as one JSON object, without its body.
pub(crate) fn intake(i: &Intake) -> Value {
    json!({
        "id": i.id.to_string(), "workflow": i.workflow, "source": i.source, "event_id": i.event_id,
        "verdict": i.verdict.word(), "code": i.code, "detail": i.detail, "body_len": i.body_len, "owner": i.owner,
        "received_at": i.received_at.rfc3339(), "run": i.run.map(|r| r.to_string()),
    })
}

/// Where a run stands, in one or two words.
pub(crate) fn standing(r: &Run) -> String {
    r.state
        .outcome
        .map_or_else(|| r.state.status.word(), |o| o.word())
        .replace('_', " ")
}

/// How long until `due`, or how late it is, in one unit.
pub(crate) fn left(now: Timestamp, due: Timestamp) -> String {
    if due >= now {
        span(due.since(now).as_secs())
    } else {
        format!("{} late", span(now.since(due).as_secs()))
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Microseconds as people say them.
pub(crate) fn took(micros: i64) -> String {
    match micros {
        ..1_000 => format!("{micros} us"),
        1_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}

/// Millionths of a currency with two digits, or four for small amounts.
pub(crate) fn money(micros: i64, currency: Option<&str>) -> String {
    if micros == 0 {
        return "0".to_owned();
    }
    let digits = if micros.abs() < 1_000_000 { 4 } else { 2 };
    let amount = format!("{:.digits$}", micros as f64 / 1e6);
    currency.map_or_else(|| amount.clone(), |c| format!("{amount} {c}"))
}

/// A JSON value on one line, texts without quotes, cut to `most` characters.
pub(crate) fn short(value: &Value, most: usize) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
        .replace('\n', " ");
    if text.chars().count() <= most {
        text
    } else {
        format!("{}…", text.chars().take(most).collect::<String>())
    }
}
