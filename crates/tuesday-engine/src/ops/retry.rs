//! Runs a run again as a new run that refers to the old one; confirmed write-backs stay as they are.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use tuesday_domain::actor::Actor;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{PayloadKind, Run, Workflow};
use tuesday_domain::run::RunState;
use tuesday_domain::time::Timestamp;

use super::task::not_found;
use crate::catalog::LiveRelease;
use crate::draft::Draft;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;
use crate::worker::drive::Work;

impl Engine {
    /// Starts a new run from the event of an ended one, with fresh inputs and the live release.
    ///
    /// # Errors
    /// `illegal_state` while the old run is not over, or when it wrote something that is confirmed.
    pub async fn retry(&self, id: RunId, by: &Actor) -> Result<Run, Problem> {
        let reader = &self.0.reader;
        let found = reader
            .work(id)
            .await
            .map_err(read_problem)?
            .ok_or_else(|| not_found(&id.to_string()))?;
        let old = found.run;
        if !old.state.status.is_terminal() {
            return Err(
                Problem::new("illegal_state", format!("the run is {}", old.state.status))
                    .way_out("decide its task, or cancel it first"),
            );
        }
        if found
            .actions
            .iter()
            .any(|a| a.state == tuesday_domain::action::ActionState::Confirmed)
        {
            return Err(Problem::new(
                "illegal_state",
                "this run has written its result; running it again would write twice",
            )
            .way_out("send a new event to make a correction"));
        }
        let body = found
            .payloads
            .iter()
            .find(|p| p.n == old.body_ref)
            .map(|p| Arc::new(p.bytes.clone()))
            .ok_or_else(|| Problem::new("record_damaged", "the event's bytes are gone"))?;
        let row = self.known_workflow(&old.workflow).await?;
        let release = self
            .0
            .catalog
            .release(reader, row.live_release)
            .await
            .map_err(|e| Problem::new("unavailable", e.to_string()))?;
        let input = tuesday_domain::json::parse_strict(&body)
            .map_err(|e| Problem::new("record_damaged", e))?;
        let now = self.now();
        let new = repeated(old, &row, &release, &body, by, now);
        let mut draft = Draft::new_run(new, release.ready.strictest(), by.clone(), now);
        draft.run.body_ref = draft.payload(PayloadKind::Event, body.as_ref().clone());
        draft.fact("rerun_of", id.to_string());
        draft.fact("workflow", row.name.clone());
        draft.fact("release", release.id.to_string());
        let place = self.queue(&mut draft, &release);
        let (decision, run) = draft.finish();
        self.apply(decision).await.map_err(apply_problem)?;
        self.go_on(place, Work::fresh(run.clone(), release, body, input, None));
        Ok(run)
    }
}

/// A new run of the same event, under the live release.
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
        event_id: format!("{}/{}", old.id, now.micros()),
        body_hash: Sha256::digest(body).into(),
        requester: by.to_string(),
        batch: ready.zone.day(now),
        stage: row.stage.capped_by(row.label),
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
        ..old
    }
}
