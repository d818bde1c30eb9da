//! The eight answers, each from the stored record alone.

use serde_json::{Value, json};

use super::{Answer, ErasedPart, Moment, Record};
use crate::action::ActionState;
use crate::ledger::told::counted;
use crate::record::{Action, Payload, PayloadKind, Review};
use crate::rules::Verdict;
use crate::run::Step;
use crate::snapshot::{Freshness, Snapshot};

pub(super) struct Teller<'a> {
    pub(super) r: &'a Record,
    pub(super) damaged: &'a [String],
    pub(super) erased: &'a [ErasedPart],
    pub(super) zone: Option<&'a crate::time::Zone>,
}

impl Teller<'_> {
    fn payload(&self, n: Option<u32>) -> Option<&Payload> {
        self.r.payloads.iter().find(|p| Some(p.n) == n)
    }

    /// The payload's JSON, or a word for why it is not shown.
    fn content(&self, n: Option<u32>) -> Option<Value> {
        let p = self.payload(n)?;
        if let Some(gone) = self.erased.iter().find(|e| e.n == p.n) {
            return Some(json!(gone.words));
        }
        let name = format!("{}/{}", p.kind, p.n);
        if self
            .damaged
            .iter()
            .any(|d| d.split(' ').next() == Some(&name))
        {
            return Some(json!(
                "damaged: the stored bytes do not match what the audit log committed to"
            ));
        }
        let value = serde_json::from_slice(&p.bytes)
            .unwrap_or_else(|_| json!(String::from_utf8_lossy(&p.bytes)));
        Some(self.r.veil.payload(p.kind, p.class, &value))
    }

    pub(super) fn subject(&self) -> String {
        let veil = &self.r.veil;
        veil.text(&self.r.run.subject, veil.subject_class())
    }

    /// A sentence that may quote anything of the run.
    fn quoting(&self, text: &str) -> String {
        self.r.veil.text(text, self.r.veil.strictest())
    }

    fn quoted(&self, text: Option<&String>) -> Option<String> {
        text.map(|t| self.quoting(t))
    }

    fn local(&self, at: crate::time::Timestamp) -> String {
        self.zone.map_or_else(|| at.rfc3339(), |z| z.local(at))
    }

    fn name(&self, handle: &str) -> String {
        self.r
            .people
            .iter()
            .find(|p| p.handle == handle)
            .map_or_else(|| handle.to_owned(), |p| p.name.clone())
    }

    pub(super) fn moment(&self, index: Option<u64>, leaf: &Value) -> Moment {
        let text = |k: &str| {
            leaf.get(k)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let at = crate::time::Timestamp::from_micros(
            leaf.get("at").and_then(Value::as_i64).unwrap_or_default(),
        );
        Moment {
            at: at.rfc3339(),
            local: self.local(at),
            actor: text("actor"),
            kind: text("kind"),
            moves: leaf
                .get("moves")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|m| m.as_str().map(str::to_owned))
                .collect(),
            index,
        }
    }

    pub(super) fn summary(&self) -> String {
        let run = &self.r.run;
        let when = self.local(run.received_at);
        let end = match run.state.outcome {
            Some(outcome) => format!("ended {}", outcome.word().replace('_', " ")),
            None => match (&run.owner, run.state.status.wants_person()) {
                (Some(owner), true) => format!(
                    "is with {} ({})",
                    self.name(owner),
                    run.state.status.word().replace('_', " ")
                ),
                _ => format!("is {}", run.state.status.word().replace('_', " ")),
            },
        };
        let calls = self.r.attempts.iter();
        let calls = calls.filter(|a| a.step == Step::Generate).count();
        let written = self.r.actions.iter();
        let written = written.filter(|a| a.state == ActionState::Confirmed);
        format!(
            "Received {when}, {end}; {}, {}, {} confirmed.",
            counted(calls as u64, "model call", "model calls"),
            counted(
                self.r.reviews.len() as u64,
                "task for people",
                "tasks for people"
            ),
            counted(written.count() as u64, "write-back", "write-backs"),
        )
    }

    pub(super) fn started_by(&self) -> Answer {
        let run = &self.r.run;
        let mut answer = format!(
            "event {} from {} at {}, sent by {}",
            run.event_id,
            run.event_source,
            self.local(run.received_at),
            run.requester
        );
        if let Some(old) = run.rerun_of {
            answer.push_str(&format!("; it repeats {old}"));
        }
        let facts = json!({
            "source": run.event_source, "event_id": run.event_id, "requester": run.requester,
            "received_at": run.received_at.rfc3339(), "batch": run.batch, "rerun_of": run.rerun_of.map(|r| r.to_string()),
        });
        reached("started_by", "What started it?", answer, facts)
    }

    pub(super) fn read(&self) -> Answer {
        const Q: &str = "What did it read?";
        let Some(content) = self.content(self.r.run.snapshot_ref) else {
            let facts = json!({"event": self.content(Some(self.r.run.body_ref))});
            return Answer {
                facts,
                ..not_reached("read", Q)
            };
        };
        let Ok(snapshot) = serde_json::from_value::<Snapshot>(content.clone()) else {
            let why = content.as_str().map_or_else(
                || "the stored manifest is damaged".to_owned(),
                str::to_owned,
            );
            return reached("read", Q, why, content);
        };
        let words: Vec<String> = snapshot
            .items
            .iter()
            .map(|i| {
                let age = match (i.freshness, i.updated_at) {
                    (Freshness::Fresh, _) => String::new(),
                    (f, Some(t)) => format!(
                        ", {} old, {}",
                        crate::snapshot::age_words(snapshot.taken_at.since(t)),
                        if f == Freshness::Old {
                            "past its warning age"
                        } else {
                            "past its refusal age"
                        }
                    ),
                    (_, None) => ", without a usable time".to_owned(),
                };
                let record = i.record.as_ref().map(|r| format!(" record {r}"));
                let same = i
                    .same_as
                    .as_ref()
                    .map(|first| format!(", the same document as {first}"));
                format!(
                    "{} from {}{}{age}{}",
                    i.name,
                    i.system,
                    record.unwrap_or_default(),
                    same.unwrap_or_default()
                )
            })
            .collect();
        let earlier = self.earlier();
        let mut facts = json!({
            "taken_at": snapshot.taken_at.rfc3339(), "items": self.items(&snapshot), "conflicts": snapshot.conflicts,
            "absent": snapshot.absent, "duplicates": snapshot.items.iter().filter(|i| i.same_as.is_some()).count(),
        });
        let mut answer = words.join("; ");
        if !earlier.is_empty() {
            let number = earlier.len() + 1;
            answer.push_str(&format!(
                " (snapshot {number}; the earlier ones are kept with what was made from them)"
            ));
            facts["snapshot"] = json!(number);
            facts["earlier"] = Value::Array(earlier);
        }
        reached("read", Q, answer, facts)
    }

    fn items(&self, snapshot: &Snapshot) -> Vec<Value> {
        snapshot
            .items
            .iter()
            .map(|i| {
                let mut v = serde_json::to_value(i).unwrap_or_default();
                if let Some(o) = v.as_object_mut() {
                    o.insert(
                        "content".into(),
                        self.content(Some(i.payload)).unwrap_or(Value::Null),
                    );
                }
                v
            })
            .collect()
    }

    /// The snapshots before the one in force, oldest first, each with the outputs made from it.
    fn earlier(&self) -> Vec<Value> {
        let of = |kind| self.r.payloads.iter().filter(move |p| p.kind == kind);
        let frozen: Vec<u32> = of(PayloadKind::Snapshot).map(|p| p.n).collect();
        let in_force = self.r.run.snapshot_ref.unwrap_or(u32::MAX);
        let pairs = frozen.iter().zip(frozen.iter().skip(1));
        pairs
            .filter(|(n, _)| **n < in_force)
            .enumerate()
            .map(|(i, (n, next))| {
                let content = self.content(Some(*n)).unwrap_or_default();
                let snapshot = serde_json::from_value::<Snapshot>(content).ok();
                let outputs: Vec<Value> = of(PayloadKind::Output)
                    .filter(|p| p.n > *n && p.n < *next)
                    .filter_map(|p| self.content(Some(p.n)))
                    .collect();
                json!({
                    "snapshot": i + 1,
                    "taken_at": snapshot.as_ref().map(|s| s.taken_at.rfc3339()),
                    "items": snapshot.map(|s| self.items(&s)),
                    "outputs": outputs,
                })
            })
            .collect()
    }

    pub(super) fn versions(&self) -> Answer {
        let (run, rel) = (&self.r.run, &self.r.release);
        let release = rel
            .number
            .map_or_else(|| run.release.to_string(), |n| format!("release {n}"));
        let rules = run.rules_version.map_or_else(
            || "no rules yet".to_owned(),
            |v| format!("rules version {v}"),
        );
        let mut answer = format!(
            "{release}, model {} ({}), {rules}, stage {}",
            rel.model, rel.model_kind, run.stage
        );
        if let Some(fault) = &rel.fault {
            answer = format!("release {} cannot be read: {fault}", run.release);
        }
        let facts = json!({
            "release": run.release.to_string(), "release_number": rel.number, "release_hash": rel.hash,
            "model": rel.model, "model_kind": rel.model_kind, "rules_version": run.rules_version, "stage": run.stage.word(),
        });
        reached("versions", "Which versions made it?", answer, facts)
    }

    pub(super) fn model_said(&self) -> Answer {
        const Q: &str = "What did the model say?";
        let calls: Vec<_> = self
            .r
            .attempts
            .iter()
            .filter(|a| a.step == Step::Generate)
            .collect();
        let Some(last) = calls.last() else {
            return not_reached("model_said", Q);
        };
        let facts: Vec<Value> = calls
            .iter()
            .map(|a| {
                json!({
                    "number": a.number, "result": a.result.word(), "code": a.code, "detail": self.quoted(a.detail.as_ref()),
                    "started_at": a.started_at.rfc3339(), "duration_us": a.duration_us, "model": a.model,
                    "model_reported": a.model_reported, "request_sha256": a.request_hash.map(hex::encode),
                    "usage": a.usage, "cost_micros": a.cost_micros, "answer": self.content(a.answer_ref),
                    "retry_at": a.retry_at.map(crate::time::Timestamp::rfc3339),
                    // Recorded answers are for evaluations: a run's answer is always the provider's own.
                    "cached": false,
                })
            })
            .collect();
        let said = match self.content(last.answer_ref) {
            Some(Value::String(s)) => s,
            Some(v) => plain(&v),
            None => format!(
                "nothing: {} ({})",
                self.quoted(last.detail.as_ref()).unwrap_or_default(),
                last.code.clone().unwrap_or_default()
            ),
        };
        let tries = if calls.len() > 1 {
            format!("after {} attempts: ", calls.len())
        } else {
            String::new()
        };
        reached(
            "model_said",
            Q,
            format!("{tries}{said}"),
            json!({"attempts": facts}),
        )
    }

    pub(super) fn routed(&self) -> Answer {
        const Q: &str = "Why was it routed so?";
        let verdict = self.content(self.r.run.verdict_ref);
        // What the table itself said is told by the verdict; the rest is told by the tasks.
        let by_table = |r: &&Review| {
            !matches!(
                r.reason,
                crate::run::Reason::Rule
                    | crate::run::Reason::RuleInput
                    | crate::run::Reason::UnknownTier
                    | crate::run::Reason::Manual
            )
        };
        let tasks = self
            .r
            .reviews
            .iter()
            .filter(|r| verdict.is_none() || by_table(r));
        let asked: Vec<String> = tasks
            .flat_map(|r| {
                let mut shown = (*r).clone();
                self.r.veil.review(&mut shown);
                let words = shown.reasons.into_iter();
                words.map(move |w| format!("{}: {w}", r.reason))
            })
            .collect();
        match verdict {
            Some(v) => {
                let words = v
                    .get("verdict")
                    .and_then(|x| serde_json::from_value::<Verdict>(x.clone()).ok())
                    .map_or_else(|| plain(&v), |v| v.explain().join("; "));
                let words = if asked.is_empty() {
                    words
                } else {
                    format!("{words}; {}", asked.join("; "))
                };
                reached("routed", Q, words, v)
            }
            None if !asked.is_empty() => {
                reached("routed", Q, asked.join("; "), json!({"reasons": asked}))
            }
            None => not_reached("routed", Q),
        }
    }

    pub(super) fn decided(&self) -> Answer {
        const Q: &str = "Who decided?";
        let facts: Vec<Value> = self
            .r
            .reviews
            .iter()
            .map(|r| {
                json!({
                    "review": r.id.to_string(), "kind": r.kind.word(), "state": r.state.word(), "tier": r.tier, "owner": r.owner,
                    "decided_by": r.decided_by, "decided_at": r.decided_at.map(crate::time::Timestamp::rfc3339),
                    "decision": r.decision.map(crate::record::ReviewDecision::word), "reason": r.decision_reason, "note": self.quoted(r.note.as_ref()),
                    "approved_by": r.approved_by, "level": r.level,
                })
            })
            .collect();
        let edits: Vec<Value> = self
            .r
            .payloads
            .iter()
            .filter(|p| p.kind == PayloadKind::Edit)
            .filter_map(|p| self.content(Some(p.n)))
            .collect();
        let words: Vec<String> = self
            .r
            .reviews
            .iter()
            .map(|r| match (&r.decided_by, r.decision) {
                (Some(by), Some(d)) => {
                    let reason = r
                        .decision_reason
                        .as_ref()
                        .map(|x| format!(" ({x})"))
                        .unwrap_or_default();
                    format!(
                        "{} decided: {}{reason}",
                        self.name(by),
                        d.word().replace('_', " ")
                    )
                }
                _ => format!("{} has it, {}", self.name(&r.owner), r.state),
            })
            .collect();
        let rule = self.r.actions.iter().find_map(|a| {
            a.authorised_by
                .as_deref()
                .filter(|b| b.starts_with("rule:"))
        });
        match (words.is_empty(), rule) {
            (false, _) => reached(
                "decided",
                Q,
                words.join("; "),
                json!({"reviews": facts, "edits": edits}),
            ),
            (true, Some(rule)) => reached(
                "decided",
                Q,
                format!("the decision table, {rule}"),
                json!({"rule": rule}),
            ),
            (true, None) => not_reached("decided", Q),
        }
    }

    pub(super) fn written(&self) -> Answer {
        const Q: &str = "What was written where?";
        if self.r.actions.is_empty() {
            let ended = self.r.run.state.status.is_terminal();
            let a = not_reached("written", Q);
            return if ended {
                Answer {
                    answer: "not reached: nothing was written".to_owned(),
                    ..a
                }
            } else {
                a
            };
        }
        let words: Vec<String> = self
            .r
            .actions
            .iter()
            .map(|a| self.seen(a))
            .map(|a| {
                let id = a
                    .external_id
                    .as_ref()
                    .map(|i| format!(" as {i}"))
                    .unwrap_or_default();
                let why = a
                    .detail
                    .as_ref()
                    .map(|d| format!(": {d}"))
                    .unwrap_or_default();
                format!("{} to {}{id}, {}{why}", a.name, a.target, a.state)
            })
            .collect();
        let facts: Vec<Value> = self
            .r
            .actions
            .iter()
            .map(|a| self.seen(a))
            .map(|a| {
                json!({
                    "action": a.id.to_string(), "name": a.name, "class": a.class.word(), "ability": a.ability.word(),
                    "target": a.target, "key": a.key, "state": a.state.word(), "authorised_by": a.authorised_by,
                    "attempts": a.attempts, "external_id": a.external_id, "detail": a.detail,
                    "request": self.content(Some(a.request_ref)), "receipt": self.content(a.receipt_ref),
                })
            })
            .collect();
        reached("written", Q, words.join("; "), json!({"actions": facts}))
    }

    fn seen(&self, action: &Action) -> Action {
        let mut seen = action.clone();
        self.r.veil.action(&mut seen);
        seen
    }

    pub(super) fn cost(&self) -> Answer {
        let run = &self.r.run;
        let currency = self.r.release.currency.clone().unwrap_or_default();
        let tokens: (u64, u64) = self
            .r
            .attempts
            .iter()
            .filter_map(|a| a.usage)
            .fold((0, 0), |(i, o), u| {
                (i + u.input_tokens, o + u.output_tokens)
            });
        let known = format!(
            "{}.{:06} {currency}",
            run.cost_micros / 1_000_000,
            run.cost_micros % 1_000_000
        );
        let answer = if run.cost_unknown {
            format!(
                "at least {} for model calls; the cost of a call is unknown",
                known.trim_end()
            )
        } else {
            format!(
                "{} for model calls, {} tokens in, {} out",
                known.trim_end(),
                tokens.0,
                tokens.1
            )
        };
        let end = run.finished_at.unwrap_or(run.updated_at);
        let facts = json!({
            "model_micros": run.cost_micros, "unknown": run.cost_unknown, "currency": currency,
            "input_tokens": tokens.0, "output_tokens": tokens.1,
            "duration_ms": u64::try_from(end.since(run.received_at).as_millis()).unwrap_or(u64::MAX),
        });
        reached("cost", "What did it cost?", answer, facts)
    }
}

/// A value in a sentence: what is masked says so in words.
fn plain(value: &Value) -> String {
    if crate::mask::is_masked(value) {
        let class = value.get(crate::mask::MASK).and_then(Value::as_str);
        return format!("({}: {})", crate::mask::MASK, class.unwrap_or_default());
    }
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn reached(name: &'static str, question: &'static str, answer: String, facts: Value) -> Answer {
    Answer {
        name,
        question,
        reached: true,
        answer,
        facts,
    }
}

fn not_reached(name: &'static str, question: &'static str) -> Answer {
    Answer {
        name,
        question,
        reached: false,
        answer: "not reached".to_owned(),
        facts: Value::Null,
    }
}
