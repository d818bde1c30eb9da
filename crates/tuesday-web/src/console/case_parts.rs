//! The parts of a case that are tables of their own: output, effects, sources, how it was made.

use serde_json::Value;
use tuesday_domain::record::{ReviewDecision, Seed, SeedResult};
use tuesday_domain::time::{Timestamp, Zone};
use tuesday_engine::ops::{Case, CaseItem, CaseWrite};

use super::case::name;
use super::forms::{is_long, label};
use super::views::{
    ActionState, Before, DecidedView, From, MadeView, Pair, SourceView, Weighed, WriteField,
    WriteView, pair,
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
            from: from(w, name, items),
        }
    };
    let fields: Vec<WriteField> = w.fields.iter().map(field).collect();
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
        known: fields.iter().any(|f| f.before != Before::Unread),
        fields,
    }
}

/// Where the value of a field comes from.
fn from(w: &CaseWrite, field: &str, items: &[CaseItem]) -> From {
    let root = w.origins.iter().find(|(f, _)| f == field);
    match root.map_or("", |(_, root)| root.as_str()) {
        "output" => From::Word("model"),
        "run" => From::Word("run"),
        "" => From::Word("fixed"),
        name => items
            .iter()
            .find(|i| i.name == name)
            .map_or(From::Word("computed"), |i| From::Source(i.n)),
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
    let (mut texts, mut fields) = (Vec::new(), Vec::new());
    let lines = match i.content.as_object() {
        Some(record) => record.iter().map(|(n, v)| pair(code(n), text(v))).collect(),
        None => vec![pair("Content", text(&i.content))],
    };
    for line in lines {
        if line.value.contains('\n') || line.value.chars().count() > 60 {
            texts.push(line)
        } else {
            fields.push(line)
        }
    }
    if let Some(at) = i.updated_at {
        fields.push(pair("Last true", local(at, zone)));
    }
    fields.push(pair("Sensitivity", code(i.class)));
    if !i.location.is_empty() {
        fields.push(pair("Read from", i.location.clone()));
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
        at: i.updated_at.map(|t| (t.rfc3339(), local(t, zone))),
        open: event,
        texts,
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
    if let Some(seed) = &case.seed {
        return Some(seeded(seed, lines));
    }
    Some(DecidedView {
        tone: match decision {
            ReviewDecision::Reject | ReviewDecision::CloseFailed => "bad",
            _ => "ok",
        },
        title: decision_words(decision).to_owned(),
        lines,
    })
}

/// A known error tells who decided it how that went.
fn seeded(seed: &Seed, mut lines: Vec<String>) -> DecidedView {
    let missed = seed.result == Some(SeedResult::Missed);
    lines.insert(
        0,
        format!(
            "This case was put here to see whether the error is found: {} was changed on purpose. Nothing was written, and it \
             counts in no figure but the share of known errors that are caught.",
            code(&seed.field)
        ),
    );
    DecidedView {
        tone: if missed { "bad" } else { "ok" },
        title: if missed {
            "A known error went through".to_owned()
        } else {
            "You caught a known error".to_owned()
        },
        lines,
    }
}

/// What the next page says about a known error that was just decided.
pub(crate) fn seed_words(seed: &Seed) -> String {
    let field = code(&seed.field);
    match seed.result {
        Some(SeedResult::Missed) => {
            format!(
                "That was a known error, and it went through: {field} was wrong on purpose. Nothing was written."
            )
        }
        _ => format!(
            "That was a known error, and it was caught: {field} was wrong on purpose. Nothing was written."
        ),
    }
}

/// What was decided, as something that has happened.
pub(crate) fn decision_words(decision: ReviewDecision) -> &'static str {
    match decision {
        ReviewDecision::Approve => "Approved",
        ReviewDecision::ApproveWithEdits => "Approved with edits",
        ReviewDecision::Reject => "Rejected",
        ReviewDecision::HandOver => "Done by hand",
        ReviewDecision::CloseFailed => "Closed as failed",
        ReviewDecision::Regenerate => "Sent back to be made again",
        ReviewDecision::Supply => "Input supplied",
        ReviewDecision::Happened => "Confirmed: it happened",
        ReviewDecision::Correct => "Found right",
        ReviewDecision::Incorrect => "Found wrong",
        ReviewDecision::DidNotHappen => "It had not happened, and was sent again",
    }
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
    let extra = m.extra.as_ref();
    MadeView {
        confidence: m.confidence.map(|c| format!("confidence {c:.2}")),
        lines,
        weighed: extra.map(weighed).unwrap_or_default(),
        evidence: extra.map(evidence).unwrap_or_default(),
    }
}

/// Pairs of a word and a weight, as the built-in model gives them.
fn ranked<'a>(extra: &'a Value, name: &str) -> impl Iterator<Item = (&'a str, f64)> {
    let list = extra.get(name).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|pair| Some((pair.get(0)?.as_str()?, pair.get(1)?.as_f64()?)))
}

/// The answers that were weighed, likeliest first.
fn weighed(extra: &Value) -> Vec<Weighed> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share from 0 to 1 as a length of at most 100"
    )]
    let one = |(word, share): (&str, f64)| Weighed {
        words: code(word),
        share: format!("{share:.2}"),
        width: (share.clamp(0.0, 1.0) * 100.0).round() as u32,
    };
    ranked(extra, "top").take(4).map(one).collect()
}

/// The words that spoke for the answer.
fn evidence(extra: &Value) -> String {
    ranked(extra, "evidence")
        .take(5)
        .map(|(word, _)| word)
        .collect::<Vec<_>>()
        .join(", ")
}
