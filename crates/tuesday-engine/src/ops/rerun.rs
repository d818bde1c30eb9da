//! Runs the event of an ended run again, as a new run that names the old one. The old run stays as it
//! is, and what any run of the same event has written is not written a second time.
//!
//! Every run of one event is numbered behind the first: `run_…/1`, `run_…/2`. The unique index on
//! events lets one of two people who repeat the same run win; and whoever comes later finds them all.

use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tuesday_domain::action::ActionState;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::{ReleaseId, RunId};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Payload, PayloadKind, Run, Workflow};
use tuesday_domain::run::{RunEvent, RunState};
use tuesday_domain::snapshot::{Snapshot, facts_of};
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::Stage;
use tuesday_store::{ApplyError, Work as Found};

use super::task::{damaged, not_found};
use crate::catalog::LiveRelease;
use crate::draft::Draft;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;
use crate::worker::drive::Work;

/// What the new run reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Inputs {
    /// The sources as they are now.
    #[default]
    Fresh,
    /// What the old run had frozen.
    Frozen,
}

/// Which release makes the new run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum With {
    /// The one that is live now.
    #[default]
    Live,
    /// The old run's own.
    Same,
    /// A named one of the workflow.
    Release(ReleaseId),
}

/// How a run is repeated.
#[derive(Clone, Debug, Default)]
pub struct Rerun {
    /// What it reads.
    pub inputs: Inputs,
    /// What makes it.
    pub with: With,
    /// Ends with the route and writes nothing, whatever the stage.
    pub without_effect: bool,
    /// Why.
    pub reason: String,
}

impl Rerun {
    /// Goes on where a run was stopped: its own release, and what it had frozen so far.
    #[must_use]
    pub fn resumed(frozen: bool, reason: String) -> Self {
        Self {
            inputs: if frozen {
                Inputs::Frozen
            } else {
                Inputs::Fresh
            },
            with: With::Same,
            without_effect: false,
            reason,
        }
    }
}

/// The new run in the making.
struct Again {
    run: Run,
    release: Arc<LiveRelease>,
    body: Arc<Vec<u8>>,
    /// The number that the manifest knows the event by.
    body_n: u32,
    input: Value,
    /// The manifest and what it refers to, when the inputs stay.
    frozen: Option<(Snapshot, Vec<Payload>)>,
}

impl Engine {
    /// Starts the new run.
    ///
    /// # Errors
    /// `reason_required`; `sending` while an action of the same event is on its way; `illegal_state`
    /// while a run of it is not over, once one has written, or without frozen inputs to use again;
    /// `erased`, `record_damaged`, `not_found`.
    pub async fn rerun(&self, id: RunId, how: &Rerun, by: &Actor) -> Result<Run, Problem> {
        let reason = how.reason.trim();
        if reason.is_empty() {
            return Err(
                Problem::new("reason_required", "repeating a run needs a reason").field("reason"),
            );
        }
        let found = self.0.reader.work(id).await.map_err(read_problem)?;
        let found = found.ok_or_else(|| not_found(&id.to_string()))?;
        if self
            .0
            .reader
            .seed(id)
            .await
            .map_err(read_problem)?
            .is_some()
        {
            return Err(Problem::new(
                "illegal_state",
                "this run carried a known error; there is no event to run again",
            )
            .way_out("repeat the run it was made from"));
        }
        let (first, count) = self.may_repeat(&found, how.without_effect).await?;
        let again = Box::pin(self.prepared(found, how, by)).await?;
        let release = Arc::clone(&again.release);
        let now = again.run.received_at;
        let mut draft = Draft::new_run(again.run, release.ready.strictest(), by.clone(), now);
        draft.run.event_id = format!("{first}/{count}");
        draft.run.payloads = again.body_n - 1;
        draft.run.body_ref = draft.payload(PayloadKind::Event, again.body.as_ref().clone());
        draft.fact("rerun_of", id.to_string());
        draft.fact("workflow", draft.run.workflow.clone());
        draft.fact("release", release.id.to_string());
        draft.fact("reason", reason);
        draft.fact("frozen_inputs", again.frozen.is_some());
        draft.fact("without_effect", how.without_effect);
        let mut snapshot = None;
        if let Some((manifest, payloads)) = again.frozen {
            carry_over(&mut draft, &payloads);
            draft.event(RunEvent::SnapshotTaken)?;
            snapshot = Some((manifest, payloads));
        }
        let place = self.queue(&mut draft, &release);
        let (decision, run) = draft.finish();
        self.crash_point("rerun.before_commit");
        self.apply(decision).await.map_err(|e| match e {
            ApplyError::Conflict { .. } | ApplyError::DuplicateEvent { .. } => {
                Problem::new("illegal_state", "somebody else has just repeated this run")
                    .way_out("look at the newer run")
            }
            e => apply_problem(e),
        })?;
        self.crash_point("rerun.after_commit");
        let mut work = Work::fresh(run.clone(), release, again.body, again.input, None);
        if let Some((manifest, payloads)) = snapshot {
            let bytes = |n| payloads.iter().find(|p| p.n == n).map(|p| p.bytes.clone());
            work.facts = facts_of(&work.release.ready.def, &manifest, bytes);
            work.snapshot = Some(manifest);
        }
        self.go_on(place, work);
        Ok(run)
    }

    /// The run that repeated the event of this one next, if any did.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn ran_again(&self, run: &Run) -> Result<Option<RunId>, Problem> {
        let (first, number) = place_in_line(run);
        let next = format!("{first}/{}", number + 1);
        let reader = &self.0.reader;
        let found = reader.run_by_event(&run.workflow, "rerun", &next).await;
        Ok(found.map_err(read_problem)?.map(|r| r.id))
    }

    /// Whether this event may run once more: answers its first run and the number of the new one.
    async fn may_repeat(&self, old: &Found, without_effect: bool) -> Result<(RunId, u32), Problem> {
        let (first, _) = place_in_line(&old.run);
        let reader = &self.0.reader;
        let mut line = vec![reader.work(first).await.map_err(read_problem)?];
        loop {
            let name = format!("{first}/{}", line.len());
            let next = reader
                .run_by_event(&old.run.workflow, "rerun", &name)
                .await
                .map_err(read_problem)?;
            let Some(next) = next else { break };
            line.push(reader.work(next.id).await.map_err(read_problem)?);
        }
        for found in line.iter().flatten() {
            standing(found, without_effect)?;
        }
        standing(old, without_effect)?;
        Ok((first, u32::try_from(line.len()).unwrap_or(u32::MAX)))
    }

    async fn prepared(&self, found: Found, how: &Rerun, by: &Actor) -> Result<Again, Problem> {
        let old = found.run;
        self.not_erased(old.id, &found.payloads).await?;
        if let Some(why) = damaged(&found.payloads) {
            return Err(Problem::new("record_damaged", why));
        }
        let row = self.known_workflow(&old.workflow).await?;
        let release = match how.with {
            With::Live => row.live_release,
            With::Same => old.release,
            With::Release(named) => named,
        };
        let release = self.loaded(release).await?;
        if release.ready.def.workflow.name != old.workflow {
            return Err(Problem::new(
                "not_found",
                format!("{} is no release of {}", release.id, old.workflow),
            )
            .field("release"));
        }
        let body = found.payloads.iter().find(|p| p.n == old.body_ref);
        let body = body
            .map(|p| Arc::new(p.bytes.clone()))
            .ok_or_else(|| Problem::new("record_damaged", "the event's bytes are gone"))?;
        let input = tuesday_domain::json::parse_strict(&body)
            .map_err(|e| Problem::new("record_damaged", e))?;
        let frozen = match how.inputs {
            Inputs::Fresh => None,
            Inputs::Frozen => Some(frozen(&old, &found.payloads, &release)?),
        };
        let body_n = if frozen.is_some() {
            old.body_ref.max(1)
        } else {
            1
        };
        let mut run = repeated(old, &row, &release, &body, by, self.now());
        if how.without_effect {
            run.stage = Stage::Shadow;
        }
        Ok(Again {
            run,
            release,
            body,
            body_n,
            input,
            frozen,
        })
    }
}

/// The first run of the event, and the number of this one behind it.
fn place_in_line(run: &Run) -> (RunId, u32) {
    let placed = || {
        let (first, number) = run.event_id.split_once('/')?;
        Some((first.parse().ok()?, number.parse().ok()?))
    };
    let repeated = run.event_source == "rerun";
    repeated.then(placed).flatten().unwrap_or((run.id, 0))
}

/// A run of the event that forbids another one.
fn standing(found: &Found, without_effect: bool) -> Result<(), Problem> {
    let id = found.run.id;
    let on_its_way = |s| {
        matches!(
            s,
            ActionState::Sending | ActionState::Delivered | ActionState::Uncertain
        )
    };
    if found.actions.iter().any(|a| on_its_way(a.state)) {
        return Err(Problem::new(
            "sending",
            format!("an action of {id} is being sent, or nobody knows whether it was"),
        )
        .with("run", id.to_string())
        .way_out("wait for its receipt, or say in its task what became of it"));
    }
    let status = found.run.state.status;
    if !status.is_terminal() {
        return Err(
            Problem::new("illegal_state", format!("{id} is {status}: it is not over"))
                .with("run", id.to_string())
                .way_out("decide its task, or cancel it first"),
        );
    }
    let wrote = found
        .actions
        .iter()
        .any(|a| a.state == ActionState::Confirmed);
    if wrote && !without_effect {
        return Err(Problem::new(
            "illegal_state",
            format!("{id} has written its result; running the event again would write twice"),
        )
        .with("run", id.to_string())
        .way_out("repeat it without effect, or send a new event to make a correction"));
    }
    Ok(())
}

/// The manifest of the old run with the payloads it refers to, if the release can read them.
fn frozen(
    old: &Run,
    payloads: &[Payload],
    release: &LiveRelease,
) -> Result<(Snapshot, Vec<Payload>), Problem> {
    let nothing = || {
        Problem::new(
            "illegal_state",
            "the run has frozen no inputs that this release can use",
        )
        .field("inputs")
        .way_out("repeat it with fresh inputs")
    };
    let manifest = payloads.iter().find(|p| Some(p.n) == old.snapshot_ref);
    let manifest = manifest.ok_or_else(nothing)?;
    let snapshot: Snapshot = serde_json::from_slice(&manifest.bytes).map_err(|_| nothing())?;
    let bytes = |n| payloads.iter().find(|p| p.n == n).map(|p| p.bytes.clone());
    facts_of(&release.ready.def, &snapshot, bytes).ok_or_else(nothing)?;
    let used = |p: &&Payload| p.n == manifest.n || snapshot.items.iter().any(|i| i.payload == p.n);
    let kept = payloads.iter().filter(used).cloned().collect();
    Ok((snapshot, kept))
}

/// Keeps the payloads under the numbers that the manifest knows them by.
fn carry_over(draft: &mut Draft, payloads: &[Payload]) {
    let body = draft.run.body_ref;
    for p in payloads.iter().filter(|p| p.n != body) {
        draft.run.payloads = draft.run.payloads.max(p.n - 1);
        let n = draft.payload_of_class(p.kind, p.class, p.bytes.clone());
        if p.kind == PayloadKind::Snapshot {
            draft.run.snapshot_ref = Some(n);
        }
    }
}

/// A new run of the same event.
fn repeated(
    old: Run,
    row: &Workflow,
    release: &LiveRelease,
    body: &[u8],
    by: &Actor,
    now: Timestamp,
) -> Run {
    let ready = &release.ready;
    Run {
        id: ids::run(),
        release: release.id,
        event_source: "rerun".to_owned(),
        event_id: String::new(),
        body_hash: Sha256::digest(body).into(),
        requester: by.to_string(),
        batch: ready.zone.day(now),
        stage: row.stage_in_force(),
        state: RunState::accepted(false),
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
        rerun_of: Some(old.id),
        scope: super::receive::scope_words(row),
        ..old
    }
}
