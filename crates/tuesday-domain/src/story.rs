//! The whole story of one run as eight answers, told from its stored record alone.
//!
//! Nothing here asks a source system, the live prompt or a person who may have left. A part the run
//! never reached says so; bytes that do not match their commitment are called damaged and not shown.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::action::ActionState;
use crate::audit::Commitment;
use crate::record::{Action, Attempt, Payload, PayloadKind, Person, Review, Run};
use crate::rules::Verdict;
use crate::run::Step;
use crate::snapshot::{Freshness, Snapshot};

/// The rows of one run.
#[derive(Clone, Debug)]
pub struct Record {
    /// The run.
    pub run: Run,
    /// Its release.
    pub release: ReleaseFacts,
    /// Its payloads.
    pub payloads: Vec<Payload>,
    /// Its attempts.
    pub attempts: Vec<Attempt>,
    /// Its review tasks.
    pub reviews: Vec<Review>,
    /// Its actions.
    pub actions: Vec<Action>,
    /// Its audit entries: index (once assigned) and exact leaf bytes.
    pub entries: Vec<(Option<u64>, Vec<u8>)>,
    /// Persons, for their names.
    pub people: Vec<Person>,
    /// Entries covered by the newest checkpoint.
    pub sealed_size: Option<u64>,
}

/// What a story says about a release.
#[derive(Clone, Debug, Default)]
pub struct ReleaseFacts {
    /// Number within the workflow.
    pub number: Option<u32>,
    /// Hash in hex.
    pub hash: Option<String>,
    /// Pinned model.
    pub model: String,
    /// Its adapter.
    pub model_kind: String,
    /// Currency of costs.
    pub currency: Option<String>,
    /// Time zone of the workflow.
    pub zone: String,
    /// The workflow in words.
    pub title: String,
    /// Why the release cannot be read.
    pub fault: Option<String>,
}

impl ReleaseFacts {
    /// A release that cannot be read.
    #[must_use]
    pub fn unusable(fault: String) -> Self {
        Self {
            zone: "UTC".to_owned(),
            fault: Some(fault),
            ..Self::default()
        }
    }
}

/// The story.
#[derive(Clone, Debug, Serialize)]
pub struct Story {
    /// The run's id.
    pub run: String,
    /// Its workflow.
    pub workflow: String,
    /// The workflow in words.
    pub title: String,
    /// One line that names the case.
    pub subject: String,
    /// One sentence: what happened and how it ended.
    pub summary: String,
    /// Where it stands.
    pub status: String,
    /// How it ended.
    pub outcome: Option<String>,
    /// The eight answers, always eight, in this order.
    pub answers: Vec<Answer>,
    /// Every recorded change in order.
    pub timeline: Vec<Moment>,
    /// Whether the record is whole.
    pub integrity: Integrity,
}

/// One of the eight answers.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// Stable name: `started_by`, `read`, `versions`, `model_said`, `routed`, `decided`, `written`, `cost`.
    pub name: &'static str,
    /// The question in words.
    pub question: &'static str,
    /// False when the run never got there.
    pub reached: bool,
    /// The answer in words; "not reached" when it never got there.
    pub answer: String,
    /// The same in data.
    pub facts: Value,
}

/// One recorded change.
#[derive(Clone, Debug, Serialize)]
pub struct Moment {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// Clock time in the workflow's zone.
    pub local: String,
    /// Who.
    pub actor: String,
    /// What, such as `run.accepted`.
    pub kind: String,
    /// State changes.
    pub moves: Vec<String>,
    /// Index in the audit log, once assigned.
    pub index: Option<u64>,
}

/// Whether the record is whole.
#[derive(Clone, Debug, Serialize)]
pub struct Integrity {
    /// Entries of this run.
    pub entries: usize,
    /// Entries covered by a checkpoint.
    pub sealed: usize,
    /// Payloads whose bytes do not match what the log committed to, as `kind/number`.
    pub damaged: Vec<String>,
    /// Payloads that were erased.
    pub erased: Vec<String>,
    /// Sequence numbers without an entry.
    pub gaps: Vec<u32>,
    /// Nothing is damaged and nothing is missing.
    pub whole: bool,
}

/// Tells the story.
#[must_use]
pub fn tell(record: Record) -> Story {
    let zone = crate::time::Zone::named(&record.release.zone).ok();
    let leaves: Vec<(Option<u64>, Value)> = record
        .entries
        .iter()
        .map(|(i, leaf)| (*i, serde_json::from_slice(leaf).unwrap_or(Value::Null)))
        .collect();
    let integrity = integrity(&record, &leaves);
    let t = Teller {
        r: &record,
        damaged: &integrity.damaged,
        zone: zone.as_ref(),
    };
    let answers = vec![
        t.started_by(),
        t.read(),
        t.versions(),
        t.model_said(),
        t.routed(),
        t.decided(),
        t.written(),
        t.cost(),
    ];
    Story {
        run: record.run.id.to_string(),
        workflow: record.run.workflow.clone(),
        title: record.release.title.clone(),
        subject: record.run.subject.clone(),
        summary: t.summary(),
        status: record.run.state.status.to_string(),
        outcome: record.run.state.outcome.map(|o| o.to_string()),
        answers,
        timeline: leaves.iter().map(|(i, leaf)| t.moment(*i, leaf)).collect(),
        integrity,
    }
}

fn integrity(record: &Record, leaves: &[(Option<u64>, Value)]) -> Integrity {
    let mut committed: Map<String, Value> = Map::new();
    for (_, leaf) in leaves {
        if let Some(commits) = leaf.get("commits").and_then(Value::as_object) {
            committed.extend(commits.clone());
        }
    }
    let (mut damaged, mut erased) = (Vec::new(), Vec::new());
    for p in &record.payloads {
        let name = format!("{}/{}", p.kind, p.n);
        let said: Option<Commitment> = committed
            .get(&name)
            .and_then(Value::as_str)
            .and_then(|s| s.parse().ok());
        if p.bytes.is_empty() && p.salt == [0; 16] {
            erased.push(name);
        } else if said.is_none_or(|c| !c.opens_with(&p.salt, &p.bytes)) {
            damaged.push(name);
        }
    }
    for name in committed.keys() {
        if !record
            .payloads
            .iter()
            .any(|p| format!("{}/{}", p.kind, p.n) == *name)
        {
            damaged.push(format!("{name} is gone"));
        }
    }
    let seqs: std::collections::BTreeSet<u64> = leaves
        .iter()
        .filter_map(|(_, l)| l.get("seq").and_then(Value::as_u64))
        .collect();
    let gaps: Vec<u32> = (1..=record.run.version)
        .filter(|s| !seqs.contains(&u64::from(*s)))
        .collect();
    let sealed = leaves
        .iter()
        .filter(|(i, _)| matches!((i, record.sealed_size), (Some(i), Some(n)) if *i < n))
        .count();
    Integrity {
        entries: leaves.len(),
        sealed,
        whole: damaged.is_empty() && gaps.is_empty(),
        damaged,
        erased,
        gaps,
    }
}

struct Teller<'a> {
    r: &'a Record,
    damaged: &'a [String],
    zone: Option<&'a crate::time::Zone>,
}

impl Teller<'_> {
    fn payload(&self, n: Option<u32>) -> Option<&Payload> {
        self.r.payloads.iter().find(|p| Some(p.n) == n)
    }

    /// The payload's JSON, or a word for why it is not shown.
    fn content(&self, n: Option<u32>) -> Option<Value> {
        let p = self.payload(n)?;
        if self.damaged.contains(&format!("{}/{}", p.kind, p.n)) {
            return Some(json!(
                "damaged: the stored bytes do not match what the audit log committed to"
            ));
        }
        if p.bytes.is_empty() && p.salt == [0; 16] {
            return Some(json!("erased"));
        }
        Some(
            serde_json::from_slice(&p.bytes)
                .unwrap_or_else(|_| json!(String::from_utf8_lossy(&p.bytes))),
        )
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

    fn moment(&self, index: Option<u64>, leaf: &Value) -> Moment {
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

    fn summary(&self) -> String {
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
        format!(
            "Received {when}, {end}; {} model calls, {} tasks for people, {} write-backs confirmed.",
            self.r
                .attempts
                .iter()
                .filter(|a| a.step == Step::Generate)
                .count(),
            self.r.reviews.len(),
            self.r
                .actions
                .iter()
                .filter(|a| a.state == ActionState::Confirmed)
                .count()
        )
    }

    fn started_by(&self) -> Answer {
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

    fn read(&self) -> Answer {
        const Q: &str = "What did it read?";
        let Some(content) = self.content(self.r.run.snapshot_ref) else {
            let facts = json!({"event": self.content(Some(self.r.run.body_ref))});
            return Answer {
                facts,
                ..not_reached("read", Q)
            };
        };
        let Ok(snapshot) = serde_json::from_value::<Snapshot>(content.clone()) else {
            return reached(
                "read",
                Q,
                "the stored manifest is damaged or erased".to_owned(),
                content,
            );
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
                format!(
                    "{} from {}{}{age}",
                    i.name,
                    i.system,
                    i.record
                        .as_ref()
                        .map(|r| format!(" record {r}"))
                        .unwrap_or_default()
                )
            })
            .collect();
        let items: Vec<Value> = snapshot
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
            .collect();
        let facts = json!({
            "taken_at": snapshot.taken_at.rfc3339(), "items": items, "conflicts": snapshot.conflicts, "absent": snapshot.absent,
        });
        reached("read", Q, words.join("; "), facts)
    }

    fn versions(&self) -> Answer {
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

    fn model_said(&self) -> Answer {
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
                    "number": a.number, "result": a.result.word(), "code": a.code, "detail": a.detail,
                    "started_at": a.started_at.rfc3339(), "duration_us": a.duration_us, "model": a.model,
                    "model_reported": a.model_reported, "request_sha256": a.request_hash.map(hex::encode),
                    "usage": a.usage, "cost_micros": a.cost_micros, "answer": self.content(a.answer_ref),
                    "retry_at": a.retry_at.map(crate::time::Timestamp::rfc3339),
                })
            })
            .collect();
        let said = match self.content(last.answer_ref) {
            Some(Value::String(s)) => s,
            Some(v) => v.to_string(),
            None => format!(
                "nothing: {} ({})",
                last.detail.clone().unwrap_or_default(),
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

    fn routed(&self) -> Answer {
        const Q: &str = "Why was it routed so?";
        let verdict = self.content(self.r.run.verdict_ref);
        // What the table itself said is told by the verdict; the rest is told by the tasks.
        let by_table = |r: &&Review| {
            !matches!(
                r.reason,
                crate::run::Reason::Rule
                    | crate::run::Reason::RuleInput
                    | crate::run::Reason::Manual
            )
        };
        let tasks = self
            .r
            .reviews
            .iter()
            .filter(|r| verdict.is_none() || by_table(r));
        let asked: Vec<String> = tasks
            .flat_map(|r| r.reasons.iter().map(move |w| format!("{}: {w}", r.reason)))
            .collect();
        match verdict {
            Some(v) => {
                let words = v
                    .get("verdict")
                    .and_then(|x| serde_json::from_value::<Verdict>(x.clone()).ok())
                    .map_or_else(|| v.to_string(), |v| v.explain().join("; "));
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

    fn decided(&self) -> Answer {
        const Q: &str = "Who decided?";
        let facts: Vec<Value> = self
            .r
            .reviews
            .iter()
            .map(|r| {
                json!({
                    "review": r.id.to_string(), "kind": r.kind.word(), "state": r.state.word(), "tier": r.tier, "owner": r.owner,
                    "decided_by": r.decided_by, "decided_at": r.decided_at.map(crate::time::Timestamp::rfc3339),
                    "decision": r.decision.map(crate::record::ReviewDecision::word), "reason": r.decision_reason, "note": r.note,
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

    fn written(&self) -> Answer {
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

    fn cost(&self) -> Answer {
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

impl Story {
    /// The story as text for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        use std::fmt::Write as _;
        let mut out = format!(
            "{} · {}\n{}\n{}\n",
            self.run, self.title, self.subject, self.summary
        );
        for (i, a) in self.answers.iter().enumerate() {
            let _ = write!(out, "\n{}. {}\n   {}\n", i + 1, a.question, a.answer);
        }
        let _ = writeln!(out, "\nTimeline");
        for m in &self.timeline {
            let _ = writeln!(
                out,
                "  {}  {:<24} {:<22} {}",
                m.local,
                m.kind,
                m.actor,
                m.moves.join(", ")
            );
        }
        let i = &self.integrity;
        let verdict = if i.whole { "whole" } else { "NOT whole" };
        let _ = writeln!(
            out,
            "\nRecord {verdict}: {} entries, {} sealed",
            i.entries, i.sealed
        );
        for d in &i.damaged {
            let _ = writeln!(out, "  damaged: {d}");
        }
        out
    }
}
