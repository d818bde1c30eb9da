//! Receives an event: authentic, small enough, the agreed JSON, new. Then it is a run, durable
//! before the sender hears of it. What is refused after that point is kept for its owner.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::TriggerKind;
use tuesday_domain::facts::{Ctx, at};
use tuesday_domain::id::RunId;
use tuesday_domain::json::parse_strict;
use tuesday_domain::problem::Problem;
use tuesday_domain::ready::Ready;
use tuesday_domain::record::{
    AuditEntry, Change, Decision, Intake, IntakeVerdict, Job, Lease, PayloadKind, Run, Scope,
    Subject, Token, Workflow,
};
use tuesday_domain::run::RunState;
use tuesday_domain::signature::{self, SignatureError};
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::{Label, Stage, Switch};
use tuesday_store::ApplyError;

use crate::catalog::LiveRelease;
use crate::draft::Draft;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;
use crate::steps;
use crate::steps::snapshot::Frozen;
use crate::worker::drive::{Work, hand_over};

/// Longest subject line kept, in characters.
const SUBJECT_CHARS: usize = 120;

/// An event as it arrived.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The sender's id from a header; otherwise the trigger's field, otherwise the body's hash.
    pub event_id: Option<String>,
    /// The exact bytes.
    pub body: Vec<u8>,
    /// How the sender is known.
    pub auth: IncomingAuth,
    /// The sender's own reference, kept as a reference only.
    pub reference: Option<String>,
}

/// How the sender of an event is known.
#[derive(Clone, Debug)]
pub enum IncomingAuth {
    /// Standard Webhooks headers.
    Signed {
        /// `webhook-id`.
        id: String,
        /// `webhook-timestamp`.
        timestamp: String,
        /// `webhook-signature`.
        signatures: String,
    },
    /// An API token, already checked.
    Token(Token),
    /// A person on the command line or in the console.
    Person(String),
    /// A pulling trigger of this node, by name.
    Feed(String),
}

/// What the sender hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The run.
    pub run: RunId,
    /// The event was known; nothing new was started.
    pub repeated: bool,
    /// The workflow is paused; the run waits.
    pub held: bool,
}

/// An event that passed authentication.
struct Authentic {
    source: String,
    requester: Actor,
    event_id: Option<String>,
}

impl Engine {
    /// Receives an event for `workflow`.
    ///
    /// # Errors
    /// A problem with a stable code; everything authentic that is refused is kept as an intake record.
    pub async fn receive(&self, workflow: &str, incoming: Incoming) -> Result<Accepted, Problem> {
        if self.0.stopping.load(Ordering::SeqCst) {
            return Err(Problem::new("shutting_down", "this node takes no new work")
                .way_out("send it again"));
        }
        if let IncomingAuth::Token(token) = &incoming.auth {
            self.0.rate.count(token.id)?;
        }
        let row = self.present_workflow(workflow).await?;
        let release = self
            .0
            .catalog
            .release(&self.0.reader, row.live_release)
            .await
            .map_err(|e| {
                Problem::new("unavailable", format!("{workflow} cannot take work: {e}"))
            })?;
        let now = self.now();
        let authentic = self.authenticate(&release, &incoming, now)?;
        match self.admit(&row, &release, &incoming, &authentic) {
            Ok((input, event_id)) => {
                self.accept(&row, &release, incoming, authentic, input, event_id, now)
                    .await
            }
            Err(problem) => {
                self.keep_refused(&row, &incoming, &authentic, &problem, now)
                    .await?;
                Err(problem)
            }
        }
    }

    /// As [`Engine::receive`], under the source the event first came from, and without keeping a
    /// second record when it is refused again.
    pub(crate) async fn receive_resubmitted(
        &self,
        workflow: &str,
        source: &str,
        incoming: Incoming,
    ) -> Result<Accepted, Problem> {
        let row = self.present_workflow(workflow).await?;
        let unusable = |e: crate::catalog::LoadFault| Problem::new("unavailable", e.to_string());
        let release = self
            .0
            .catalog
            .release(&self.0.reader, row.live_release)
            .await
            .map_err(unusable)?;
        let now = self.now();
        let authentic = Authentic {
            source: source.to_owned(),
            ..self.authenticate(&release, &incoming, now)?
        };
        let (input, event_id) = self.admit(&row, &release, &incoming, &authentic)?;
        self.accept(&row, &release, incoming, authentic, input, event_id, now)
            .await
    }

    pub(crate) async fn known_workflow(&self, name: &str) -> Result<Arc<Workflow>, Problem> {
        self.0
            .catalog
            .workflow(&self.0.reader, name)
            .await
            .map_err(read_problem)?
            .ok_or_else(|| {
                Problem::new("unknown_workflow", format!("there is no workflow `{name}`"))
                    .way_out("see `tuesday workflow list`")
            })
    }

    /// As [`Engine::known_workflow`], by a picture that is fresh enough to start work by.
    async fn present_workflow(&self, name: &str) -> Result<Arc<Workflow>, Problem> {
        let present = self.0.catalog.present(&self.0.reader, name).await;
        match present.map_err(read_problem)? {
            Some(row) => Ok(row),
            None => self.known_workflow(name).await,
        }
    }

    fn authenticate(
        &self,
        release: &LiveRelease,
        incoming: &Incoming,
        now: Timestamp,
    ) -> Result<Authentic, Problem> {
        let webhook = || {
            release
                .ready
                .def
                .trigger
                .iter()
                .filter(|t| t.kind == TriggerKind::Webhook)
        };
        match &incoming.auth {
            IncomingAuth::Signed {
                id,
                timestamp,
                signatures,
            } => {
                let mut last = SignatureError::Incomplete;
                for trigger in webhook() {
                    let Some(reference) = &trigger.secret else {
                        continue;
                    };
                    let secret = self
                        .0
                        .ports
                        .secrets
                        .resolve(reference)
                        .map_err(|e| Problem::new("unavailable", e))?;
                    match signature::verify(&secret, id, timestamp, signatures, &incoming.body, now)
                    {
                        Ok(()) => {
                            return Ok(Authentic {
                                source: "webhook".to_owned(),
                                requester: Actor::Trigger(format!("webhook:{}", trigger.name)),
                                event_id: Some(id.clone()),
                            });
                        }
                        Err(e) => last = e,
                    }
                }
                let code = if last == SignatureError::ReplayWindow {
                    "replay_window"
                } else {
                    "bad_signature"
                };
                Err(Problem::new(code, last.to_string()))
            }
            IncomingAuth::Token(token) => {
                covers(
                    token,
                    &release.ready.def.workflow.name,
                    webhook().next().is_some(),
                )?;
                Ok(Authentic {
                    source: "webhook".to_owned(),
                    requester: Actor::Token(token.id.to_string()),
                    event_id: incoming.event_id.clone(),
                })
            }
            IncomingAuth::Person(handle) => Ok(Authentic {
                source: "cli".to_owned(),
                requester: Actor::Person(handle.clone()),
                event_id: incoming.event_id.clone(),
            }),
            IncomingAuth::Feed(trigger) => Ok(Authentic {
                source: trigger.clone(),
                requester: Actor::Trigger(trigger.clone()),
                event_id: incoming.event_id.clone(),
            }),
        }
    }

    /// Everything that can be wrong with an authentic event.
    fn admit(
        &self,
        row: &Workflow,
        release: &LiveRelease,
        incoming: &Incoming,
        authentic: &Authentic,
    ) -> Result<(Value, String), Problem> {
        let def = &release.ready.def;
        if row.label == Label::Retired || row.rollout.retiring {
            let words = format!("{} is retired and takes no new events", row.name);
            return Err(Problem::new("workflow_retired", words)
                .way_out(format!("tell {}, or send it elsewhere", row.owner)));
        }
        if row.switch == Switch::Killed || row.stage == Stage::Off {
            return Err(Problem::new(
                "workflow_killed",
                format!("{} takes no work", row.name),
            ));
        }
        let input = readable(&release.ready, &incoming.body)?;
        let field = def.trigger.iter().find_map(|t| t.event_id.as_deref());
        let from_body = field.and_then(|f| at(&input, f)).and_then(|v| match v {
            Value::String(s) if !s.trim().is_empty() => Some(s.clone()),
            Value::Number(n) => Some(n.to_string()),
            _ => None,
        });
        let event_id = authentic.event_id.clone().or(from_body).unwrap_or_else(|| {
            format!(
                "sha256:{}",
                crate::catalog::hex(&Sha256::digest(&incoming.body))
            )
        });
        if event_id.len() > 255 {
            return Err(Problem::new(
                "malformed_event",
                "the event id is longer than 255 bytes",
            ));
        }
        Ok((input, event_id))
    }

    #[expect(clippy::too_many_arguments, reason = "one event's facts, used once")]
    async fn accept(
        &self,
        row: &Workflow,
        release: &Arc<LiveRelease>,
        incoming: Incoming,
        authentic: Authentic,
        input: Value,
        event_id: String,
        now: Timestamp,
    ) -> Result<Accepted, Problem> {
        // Slowed intake takes every event and lets it wait for its turn.
        let paused = !row.acts() || row.rollout.load.slow.is_some();
        let body = Arc::new(incoming.body);
        let run = new_run(
            row, release, &authentic, event_id, &body, &input, paused, now,
        );
        let (id, body_hash) = (run.id, run.body_hash);
        let place = if paused {
            None
        } else {
            let cap = release.ready.def.limits.concurrency;
            self.0.slots.take_soon(&row.name, cap).await
        };
        let mut draft = Draft::new_run(run, release.ready.strictest(), authentic.requester, now);
        draft.run.body_ref = draft.payload(PayloadKind::Event, body.as_ref().clone());
        draft.fact("workflow", row.name.clone());
        draft.fact("release", release.id.to_string());
        draft.fact(
            "event",
            format!("{} {}", draft.run.event_source, draft.run.event_id),
        );
        if let Some(reference) = incoming.reference {
            draft.fact("reference", reference.chars().take(120).collect::<String>());
        }
        if paused {
            draft.run.owner = Some(row.owner.clone());
        } else {
            let lease = place.as_ref().map(|_| Lease {
                node: self.0.config.node.clone(),
                until: now.plus(self.0.config.lease),
            });
            let fence = i64::from(lease.is_some());
            draft.change(Change::InsertJob(Job {
                run: id,
                workflow: row.name.clone(),
                due_at: now,
                fence,
                lease,
            }));
        }
        let frozen = if place.is_some() {
            steps::snapshot::at_once(&mut draft, release, &input, &body, now)?
        } else {
            None
        };
        let (decision, run) = draft.finish();
        self.crash_point("accept.before_commit");
        if let Err(e) = self.apply(decision).await {
            return known(e);
        }
        self.crash_point("accept.after_commit");
        debug_assert_eq!(run.body_hash, body_hash);
        match place {
            Some(place) => hand_over(
                self,
                place,
                Work::fresh(run, Arc::clone(release), body, input, frozen),
            ),
            None => self.0.slots.left_over(),
        }
        Ok(Accepted {
            run: id,
            repeated: false,
            held: paused,
        })
    }

    async fn keep_refused(
        &self,
        row: &Workflow,
        incoming: &Incoming,
        authentic: &Authentic,
        problem: &Problem,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let most = 1 << 20;
        let intake = Intake {
            id: ids::intake(),
            workflow: row.name.clone(),
            source: authentic.source.clone(),
            event_id: authentic.event_id.clone(),
            verdict: IntakeVerdict::Refused,
            code: problem.code.to_owned(),
            detail: problem.detail.clone(),
            body: incoming.body.iter().copied().take(most).collect(),
            body_len: incoming.body.len() as u64,
            owner: row.owner.clone(),
            received_at: now,
            run: None,
            version: 1,
        };
        let entry = AuditEntry::new(
            now,
            authentic.requester.clone(),
            "event.refused",
            Subject::Workflow(row.name.clone()),
        )
        .fact("intake", intake.id.to_string())
        .fact("code", problem.code);
        let decision = Decision {
            changes: vec![Change::InsertIntake(Box::new(intake))],
            entry,
        };
        self.apply_at("refuse.before_commit", "refuse.after_commit", decision)
            .await
            .map(drop)
            .map_err(apply_problem)
    }
}

impl Work {
    pub(crate) fn fresh(
        run: Run,
        release: Arc<LiveRelease>,
        body: Arc<Vec<u8>>,
        input: Value,
        frozen: Option<Frozen>,
    ) -> Self {
        let (snapshot, facts, flags) = match frozen {
            Some(f) => (Some(f.snapshot), Some(f.facts), f.flags),
            None => (None, None, Vec::new()),
        };
        Self {
            run,
            fence: 1,
            release,
            body,
            input,
            snapshot,
            facts,
            flags,
            actions: Vec::new(),
            accepted: None,
            damaged: None,
            repair: None,
            attempt: None,
            spend: None,
            fresh_lease: true,
            turns: None,
        }
    }
}

/// What an event's body says: small enough, the agreed JSON. The same for a run and an eval case.
///
/// # Errors
/// `body_too_large`, `malformed_event`, or `schema_violation` with every field.
pub(crate) fn readable(ready: &Ready, body: &[u8]) -> Result<Value, Problem> {
    let def = &ready.def;
    if body.len() > def.input.max_bytes {
        let detail = format!("{} bytes, at most {}", body.len(), def.input.max_bytes);
        return Err(Problem::new("body_too_large", detail)
            .way_out("send a reference instead of the content"));
    }
    let input = parse_strict(body).map_err(|e| {
        Problem::new("malformed_event", e)
            .way_out("correct the body; the intake record keeps what was sent")
    })?;
    let errors = ready.input.check(&input);
    let Some(first) = errors.first() else {
        return Ok(input);
    };
    let place = if first.field.is_empty() {
        "the event:"
    } else {
        &first.field
    };
    let mut problem = Problem::new("schema_violation", format!("{place} {}", first.detail))
        .field(first.field.clone())
        .way_out(format!(
            "see `tuesday workflow schema {}`",
            def.workflow.name
        ));
    problem.errors = errors;
    Err(problem)
}

/// May this token trigger this workflow?
fn covers(token: &Token, workflow: &str, has_webhook: bool) -> Result<(), Problem> {
    let scope_fits = matches!(token.scope, Scope::Trigger | Scope::Admin);
    if !scope_fits || token.workflow.as_ref().is_some_and(|w| w != workflow) {
        let detail = "the token does not cover triggering this workflow";
        return Err(Problem::new("not_allowed", detail));
    }
    if !has_webhook {
        let detail = "this workflow declares no webhook trigger";
        return Err(Problem::new("not_allowed", detail));
    }
    Ok(())
}

/// An event that was seen before is answered with its run; with another body it is a conflict.
fn known(e: ApplyError) -> Result<Accepted, Problem> {
    match e {
        ApplyError::DuplicateEvent {
            run,
            same_body: true,
        } => Ok(Accepted {
            run,
            repeated: true,
            held: false,
        }),
        ApplyError::DuplicateEvent {
            run,
            same_body: false,
        } => {
            let detail = "this event id came before with another body";
            Err(Problem::new("event_mismatch", detail)
                .with("run_id", run.to_string())
                .way_out("use a new id for new content"))
        }
        e => Err(apply_problem(e)),
    }
}

/// The restriction in force, for the run's own record.
pub(crate) fn scope_words(row: &Workflow) -> Option<String> {
    let scope = &row.rollout.scope;
    (!scope.is_empty()).then(|| scope.words())
}

#[expect(clippy::too_many_arguments, reason = "one event's facts, used once")]
fn new_run(
    row: &Workflow,
    release: &LiveRelease,
    authentic: &Authentic,
    event_id: String,
    body: &[u8],
    input: &Value,
    paused: bool,
    now: Timestamp,
) -> Run {
    let ready = &release.ready;
    let ctx = Ctx::new(&serde_json::json!({"input": input}));
    let subject = ready
        .subject
        .render(&ctx)
        .unwrap_or_else(|_| event_id.clone());
    Run {
        id: ids::run(),
        workflow: row.name.clone(),
        release: release.id,
        event_source: authentic.source.clone(),
        event_id,
        body_hash: Sha256::digest(body).into(),
        requester: authentic.requester.to_string(),
        subject: subject
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .take(SUBJECT_CHARS)
            .collect(),
        batch: ready.zone.day(now),
        stage: row.stage_in_force(),
        state: RunState::accepted(paused),
        reason: None,
        owner: None,
        attempts: 0,
        repairs: 0,
        payloads: 0,
        body_ref: 1,
        snapshot_ref: None,
        output_ref: None,
        verdict_ref: None,
        rules_version: None,
        rules_row: None,
        version: 1,
        received_at: now,
        updated_at: now,
        deadline_at: now.plus(ready.def.limits.deadline.0),
        finished_at: None,
        cost_micros: 0,
        cost_unknown: false,
        rerun_of: None,
        scope: scope_words(row),
    }
}
