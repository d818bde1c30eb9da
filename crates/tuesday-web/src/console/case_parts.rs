//! The parts of a case that are tables of their own: output, effects, sources, how it was made.

use serde_json::Value;
use tuesday_domain::time::{Timestamp, Zone};
use tuesday_engine::ops::{Case, CaseItem, CaseWrite};

use super::case::name;
use super::forms::{is_long, label};
use super::views::{
    ActionState, Before, DecidedView, MadeView, Pair, SourceView, WriteField, WriteView, pair,
};
use super::words::{code, local, money, span, took};

/// A JSON value as people read it.
pub(crate) fn text(v: &Value) -> String {
    match v {
        Value::Null => "empty".to_owned(),
        Value::String(s) if s.is_empty() => "empty".to_owned(),
        Value::String(s) => s.clone(),
        Value::Bool(b) => if *b { "yes" } else { "no" }.to_owned(),
        Value::Array(_) | Value::Object(_) => serde_json::to_string_pretty(v).unwrap_or_default(),
        Value::Number(n) => n.to_string(),
    }
}

/// Short values for the table, long texts to read.
pub(crate) fn output(case: &Case) -> (Vec<Pair>, Vec<Pair>) {
    let specs = case.output_schema.get("properties");
    let fields = case
        .output
        .as_ref()
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let (mut short, mut long) = (Vec::new(), Vec::new());
    for (field, value) in fields {
        let spec = specs.and_then(|p| p.get(field)).unwrap_or(&Value::Null);
        let shown = pair(label(field, spec), text(value));
        if is_long(&shown.value) {
            long.push(shown)
        } else {
            short.push(shown)
        }
    }
    (short, long)
}

pub(crate) fn write(w: &CaseWrite, items: &[CaseItem]) -> WriteView {
    // What the record said is known where a source of the same system was read.
    let known = items
        .iter()
        .find(|i| i.system == w.system)
        .and_then(|i| i.content.as_object());
    let field = |(name, after): &(String, Value)| {
        let after = text(after);
        let before = match known.and_then(|record| record.get(name)).map(text) {
            None => Before::Unread,
            Some(v) if v == after => Before::Same,
            Some(v) => Before::Was(v),
        };
        WriteField {
            name: code(name),
            before,
            after,
        }
    };
    let promise = match w.ability {
        "A" => "once, with a receipt in the same transaction",
        "B" => "once, by a key the destination keeps",
        "C" => "once in effect, by its natural key",
        "D" => "once, and never over a newer version",
        "E" => "once, found again by its key",
        _ => "at most once; an unclear answer comes back to a person",
    };
    WriteView {
        action: w.action.clone(),
        system: w.system.clone(),
        target: w.target.clone(),
        promise,
        fields: w.fields.iter().map(field).collect(),
    }
}

pub(crate) fn actions(case: &Case) -> Vec<ActionState> {
    let system = |name: &str| {
        case.writes
            .iter()
            .find(|w| w.action == name)
            .map(|w| w.system.clone())
            .unwrap_or_default()
    };
    let tone = |s: &str| match s {
        "confirmed" => "ok",
        "failed" => "bad",
        "uncertain" | "blocked" => "warn",
        _ => "clock",
    };
    case.actions
        .iter()
        .map(|a| ActionState {
            system: system(&a.name),
            name: code(&a.name),
            target: a.target.clone(),
            tone: tone(a.state),
            state: code(a.state),
            detail: a.detail.clone(),
            key: a.key.clone(),
        })
        .collect()
}

pub(crate) fn source(i: &CaseItem, now: Timestamp, zone: Option<&Zone>) -> SourceView {
    let mut fields = vec![pair("Class", i.class)];
    if let Some(at) = i.updated_at {
        fields.push(pair("Last true", local(at, zone)));
    }
    if !i.location.is_empty() {
        fields.push(pair("Read from", i.location.clone()));
    }
    match i.content.as_object() {
        Some(record) => fields.extend(record.iter().map(|(n, v)| pair(code(n), text(v)))),
        None => fields.push(pair("Content", text(&i.content))),
    }
    let event = i.name == "input";
    let about = [
        Some(if event {
            "what started the run".to_owned()
        } else {
            i.name.clone()
        }),
        i.record.clone().map(|r| format!("record {r}")),
        i.version.clone().map(|v| format!("version {v}")),
    ];
    SourceView {
        n: i.n,
        name: if event {
            "Event".to_owned()
        } else {
            i.system.clone()
        },
        about: about.into_iter().flatten().collect::<Vec<_>>().join(", "),
        age: i
            .updated_at
            .map_or_else(|| "no time".to_owned(), |t| span(now.since(t))),
        tone: match i.freshness {
            "fresh" => "ok",
            "old" => "warn",
            _ => "bad",
        },
        fields,
    }
}

pub(crate) fn decided(case: &Case, zone: Option<&Zone>) -> Option<DecidedView> {
    let r = &case.review;
    let (decision, by) = (r.decision?, r.decided_by.as_deref()?);
    let mut lines = Vec::new();
    if let Some(at) = r.decided_at {
        lines.push(format!("{}, {}", name(case, by), local(at, zone)));
    }
    lines.extend(
        r.decision_reason
            .as_deref()
            .map(|x| format!("Reason: {}", code(x).to_lowercase())),
    );
    lines.extend(r.note.clone());
    Some(DecidedView {
        title: code(decision.word()),
        lines,
    })
}

pub(crate) fn made(case: &Case) -> MadeView {
    let m = &case.made;
    let mut lines = vec![
        pair("Release", m.release_number.to_string()),
        pair("Model", m.model.clone()),
        pair("Attempts", m.attempts.to_string()),
    ];
    if let Some(v) = case.rules_version {
        lines.insert(1, pair("Rules", format!("version {v}")));
    }
    lines.push(pair(
        "Cost",
        m.cost_micros.map_or_else(|| "unknown".to_owned(), money),
    ));
    lines.extend(m.latency_us.map(|us| pair("Took", took(us))));
    lines.extend(
        m.prompt_hash
            .as_deref()
            .map(|h| pair("Prompt", h.chars().take(12).collect::<String>())),
    );
    if let Some(extra) = m.extra.as_ref().and_then(Value::as_object) {
        lines.extend(extra.iter().take(6).map(|(n, v)| pair(code(n), ranked(v))));
    }
    MadeView {
        confidence: m.confidence.map(|c| format!("confidence {c:.2}")),
        lines,
    }
}

/// What a built-in model adds: pairs of a word and a weight in one line, other values as they are.
fn ranked(v: &Value) -> String {
    let one = |pair: &Value| {
        let (word, weight) = (pair.get(0)?.as_str()?, pair.get(1)?.as_f64()?);
        Some(format!("{word} {weight:.2}"))
    };
    let list: Option<Vec<String>> = v
        .as_array()
        .and_then(|l| l.iter().take(5).map(one).collect());
    match (list, v) {
        (Some(list), _) if !list.is_empty() => list.join(", "),
        (_, Value::Number(n)) => n
            .as_f64()
            .map_or_else(|| n.to_string(), |f| format!("{f:.2}")),
        _ => text(v),
    }
}
