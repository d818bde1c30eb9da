//! The right column of the run page: answer, inputs, effects, proof.

use std::time::Duration;

use serde_json::Value;
use tuesday_domain::action::ActionState;
use tuesday_domain::port::Delivery;
use tuesday_domain::privacy::ERASED;
use tuesday_domain::record::{Action, Attempt, Payload, Run};
use tuesday_domain::run::Step;
use tuesday_domain::snapshot::Snapshot;
use tuesday_domain::story::Story;
use tuesday_domain::time::Zone;
use tuesday_engine::ops::Inclusion;

use super::views::{Pair, pair};
use super::words::{code, count, local, money, span, took};

/// A number of the strip on top.
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) extra: String,
    pub(crate) tone: &'static str,
}

/// What the model answered.
pub(crate) struct ModelView {
    pub(crate) title: String,
    pub(crate) answer: Option<String>,
    pub(crate) nothing: &'static str,
    pub(crate) lines: Vec<Pair>,
}

/// One frozen input with its stored copy.
pub(crate) struct InputView {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) lines: Vec<Pair>,
    pub(crate) copy: String,
}

/// One effect and its receipt.
pub(crate) struct EffectView {
    pub(crate) name: String,
    pub(crate) tone: &'static str,
    pub(crate) state: String,
    pub(crate) lines: Vec<Pair>,
    pub(crate) request: Option<String>,
    pub(crate) receipt: Option<String>,
    /// The action, where its receipt says what was there before and which version it left.
    pub(crate) undo: Option<String>,
}

/// Why the page can be believed.
pub(crate) struct ProofView {
    pub(crate) badge: Option<String>,
    pub(crate) lines: Vec<Pair>,
    /// The entries that a checkpoint covers, each with its way up to it.
    pub(crate) entries: Vec<EntryProof>,
    /// The checkpoint they lead to.
    pub(crate) checkpoint: String,
}

/// One entry and its path.
pub(crate) struct EntryProof {
    pub(crate) index: u64,
    pub(crate) kind: String,
    pub(crate) size: String,
    pub(crate) leaf: String,
    pub(crate) path: Vec<String>,
}

/// Stored bytes as text: JSON indented, other text as it is, erased bytes said so.
pub(crate) fn shown(payloads: &[Payload], n: u32) -> Option<String> {
    let bytes = &payloads.iter().find(|p| p.n == n)?.bytes;
    if bytes.is_empty() {
        return Some(ERASED.to_owned());
    }
    let json = serde_json::from_slice::<Value>(bytes)
        .ok()
        .and_then(|v| serde_json::to_string_pretty(&v).ok());
    Some(json.unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned()))
}

/// Puts the words of the log where erased bytes were, so that every part of the page says them.
pub(crate) fn say_erased(story: &Story, payloads: &mut [Payload]) {
    for p in payloads.iter_mut().filter(|p| p.bytes.is_empty()) {
        let gone = story.integrity.erased.iter().find(|e| e.n == p.n);
        if let Some(gone) = gone {
            p.bytes = gone.words.clone().into_bytes();
        }
    }
}

pub(crate) fn facts(
    run: &Run,
    attempts: &[Attempt],
    decided_by: &[String],
    currency: Option<&str>,
) -> Vec<Fact> {
    let fact = |name, value: String| Fact {
        name,
        value,
        extra: String::new(),
        tone: "",
    };
    let (tone, state) = super::runs::state(run);
    let machine: i64 = attempts.iter().map(|a| a.duration_us).sum();
    let total = run.finished_at.map(|t| t.since(run.received_at));
    let mut out = vec![
        Fact {
            name: if run.state.outcome.is_some() {
                "Outcome"
            } else {
                "State"
            },
            value: state,
            extra: String::new(),
            tone,
        },
        fact(
            "Trigger to finish",
            total.map_or_else(|| "not finished".to_owned(), long_span),
        ),
        fact("Machine time", took(machine)),
        Fact {
            name: "Cost",
            value: if run.cost_unknown {
                "not all known".to_owned()
            } else {
                money(run.cost_micros)
            },
            extra: currency.unwrap_or_default().to_owned(),
            tone: "",
        },
    ];
    if !decided_by.is_empty() {
        out.push(fact("Decided by", decided_by.join(", ")));
    }
    if let Some(reason) = run.reason {
        out.push(fact("Why a person", code(reason.word())));
    }
    out.push(fact("Stage", code(run.stage.word())));
    out.extend(run.scope.clone().map(|scope| fact("Rollout", scope)));
    out
}

fn long_span(d: Duration) -> String {
    if d < Duration::from_secs(3_600) {
        took(i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
    } else {
        span(d)
    }
}

pub(crate) fn model(run: &Run, attempts: &[Attempt], payloads: &[Payload]) -> ModelView {
    let last = attempts.iter().rfind(|a| a.step == Step::Generate);
    let answer = last
        .and_then(|a| a.answer_ref)
        .or(run.output_ref)
        .and_then(|n| shown(payloads, n));
    let mut lines = Vec::new();
    if let Some(a) = last {
        lines.extend(a.model.clone().map(|m| pair("Asked for", m)));
        lines.extend(a.model_reported.clone().map(|m| pair("Answered by", m)));
        lines.extend(
            a.request_hash
                .map(|h| pair("Request", hex::encode(&h[..8]))),
        );
        if let Some(u) = a.usage {
            lines.push(pair(
                "Tokens",
                format!(
                    "{} in, {} out",
                    count(u.input_tokens),
                    count(u.output_tokens)
                ),
            ));
        }
        lines.push(pair(
            "Cost",
            a.cost_micros.map_or_else(|| "unknown".to_owned(), money),
        ));
    }
    let title = last.filter(|a| a.number > 1).map_or_else(
        || "Model answer".to_owned(),
        |a| format!("Model answer, attempt {}", a.number),
    );
    ModelView {
        title,
        answer,
        nothing: "The model was not asked.",
        lines,
    }
}

pub(crate) fn inputs(run: &Run, payloads: &[Payload], zone: Option<&Zone>) -> Vec<InputView> {
    let manifest = run
        .snapshot_ref
        .and_then(|n| payloads.iter().find(|p| p.n == n));
    let Some(snapshot) = manifest.and_then(|p| serde_json::from_slice::<Snapshot>(&p.bytes).ok())
    else {
        return event_only(run, payloads);
    };
    let item = |i: &tuesday_domain::snapshot::Item| {
        let mut lines = vec![pair("System", i.system.clone())];
        lines.extend(i.record.clone().map(|r| pair("Record", r)));
        lines.extend(i.version.clone().map(|v| pair("Version", v)));
        lines.extend(i.updated_at.map(|t| pair("Last true", local(t, zone))));
        if !i.location.is_empty() {
            lines.push(pair("Read from", i.location.clone()));
        }
        lines.extend(i.same_as.clone().map(|s| pair("Same document as", s)));
        lines.push(pair("Class", i.class.word()));
        lines.push(pair(
            "SHA-256",
            i.sha256.chars().take(16).collect::<String>(),
        ));
        InputView {
            name: if i.name == "input" {
                "Event".to_owned()
            } else {
                code(&i.name)
            },
            about: format!("{}, frozen {}", i.system, local(snapshot.taken_at, zone)),
            lines,
            copy: shown(payloads, i.payload).unwrap_or_else(|| "(not kept)".to_owned()),
        }
    };
    snapshot.items.iter().map(item).collect()
}

fn event_only(run: &Run, payloads: &[Payload]) -> Vec<InputView> {
    let copy = shown(payloads, run.body_ref);
    copy.into_iter()
        .map(|copy| InputView {
            name: "Event".to_owned(),
            about: run.event_source.clone(),
            lines: vec![pair("Id", run.event_id.clone())],
            copy,
        })
        .collect()
}

pub(crate) fn effects(
    actions: &[Action],
    payloads: &[Payload],
    zone: Option<&Zone>,
) -> Vec<EffectView> {
    let newest = actions.iter().filter(|a| {
        !actions
            .iter()
            .any(|b| b.ordinal == a.ordinal && b.revision > a.revision)
    });
    newest
        .map(|a| {
            let tone = match a.state.word() {
                "confirmed" | "delivered" => "ok",
                "failed" => "bad",
                "uncertain" | "blocked" => "warn",
                "voided" | "compensated" => "plain",
                _ => "clock",
            };
            let mut lines = vec![
                pair("Record", a.target.clone()),
                pair("Kind", format!("{}, class {}", a.class, a.ability)),
            ];
            lines.extend(
                a.authorised_by
                    .clone()
                    .map(|who| pair("Authorised by", who)),
            );
            lines.extend(a.external_id.clone().map(|id| pair("Their id", id)));
            lines.extend(a.first_sent_at.map(|t| pair("First sent", local(t, zone))));
            lines.push(pair("Tries", a.attempts.to_string()));
            lines.push(pair("Key", a.key.clone()));
            lines.extend(a.detail.clone().map(|d| pair("What is known", d)));
            EffectView {
                name: match a.undoes() {
                    Some(_) => format!("{}: old value back", code(&a.name)),
                    None => code(&a.name),
                },
                tone,
                state: code(a.state.word()),
                undo: undoable(a, payloads).then(|| a.id.to_string()),
                lines,
                request: shown(payloads, a.request_ref),
                receipt: a.receipt_ref.and_then(|n| shown(payloads, n)),
            }
        })
        .collect()
}

/// Does the receipt say enough to put the old value back? The engine decides; this spares a refusal.
fn undoable(action: &Action, payloads: &[Payload]) -> bool {
    let stored = |n| payloads.iter().find(|p| Some(p.n) == n);
    let receipt = stored(action.receipt_ref);
    let receipt = receipt.and_then(|p| serde_json::from_slice::<Delivery>(&p.bytes).ok());
    let request = stored(Some(action.request_ref));
    let request = request.and_then(|p| serde_json::from_slice::<serde_json::Value>(&p.bytes).ok());
    let written = request.as_ref().and_then(|r| r["fields"].as_object());
    action.state == ActionState::Confirmed
        && action.undoes().is_none()
        && receipt.is_some_and(|r| {
            let before = r.before.as_ref().and_then(|b| b.as_object());
            let had = |b: &serde_json::Map<_, _>| {
                written.is_some_and(|w| w.keys().all(|name| b.contains_key(name)))
            };
            r.version_after.is_some() && before.is_some_and(had)
        })
}

pub(crate) fn proof(
    story: &Story,
    newest: Option<(u64, String)>,
    inclusions: &[Inclusion],
) -> ProofView {
    let i = &story.integrity;
    let indexes: Vec<u64> = story.timeline.iter().filter_map(|m| m.index).collect();
    let mut lines = vec![pair("Entries of this run", i.entries.to_string())];
    if let (Some(first), Some(last)) = (indexes.first(), indexes.last()) {
        lines.push(pair(
            "Places in the log",
            format!("{} to {}", count(*first), count(*last)),
        ));
    }
    lines.push(pair(
        "Sealed by a checkpoint",
        format!("{} of {}", i.sealed, i.entries),
    ));
    lines.push(pair(
        "Newest checkpoint",
        newest.map_or_else(
            || "none yet".to_owned(),
            |(size, at)| format!("{} entries, {at}", count(size)),
        ),
    ));
    if !i.damaged.is_empty() {
        lines.push(pair("Damaged", i.damaged.join(", ")));
    }
    // One line for each erasure, with everything that it took.
    let mut gone: Vec<(String, Vec<&str>)> = Vec::new();
    for part in &i.erased {
        match gone.iter_mut().find(|(words, _)| *words == part.words) {
            Some((_, names)) => names.push(&part.payload),
            None => gone.push((part.words.clone(), vec![&part.payload])),
        }
    }
    for (words, names) in gone {
        lines.push(pair("Erased", format!("{}: {words}", names.join(", "))));
    }
    if !i.gaps.is_empty() {
        lines.push(pair("Missing", format!("{:?}", i.gaps)));
    }
    ProofView {
        badge: i
            .whole
            .then(|| format!("Record intact, {} entries", i.entries)),
        lines,
        entries: inclusions.iter().map(|i| entry_proof(story, i)).collect(),
        checkpoint: inclusions
            .first()
            .map(|i| i.proof.checkpoint.clone())
            .unwrap_or_default(),
    }
}

fn entry_proof(story: &Story, i: &Inclusion) -> EntryProof {
    let entry = story.timeline.iter().find(|m| m.index == Some(i.index));
    EntryProof {
        index: i.index,
        kind: entry.map_or_else(String::new, |m| code(&m.kind.replace('.', " "))),
        size: count(i.size),
        leaf: hex::encode(i.leaf_hash),
        path: i.proof.hashes.iter().map(hex::encode).collect(),
    }
}
