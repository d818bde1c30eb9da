//! Starts what a schedule missed in a window of time, such as an outage. Each occurrence has the
//! event id it would have had, so what ran already is found and nothing starts twice.

use tuesday_domain::actor::Actor;
use tuesday_domain::definition::{TriggerKind, TriggerSpec};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Subject};
use tuesday_domain::time::Timestamp;

use super::{Incoming, IncomingAuth};
use crate::engine::Engine;
use crate::maintenance::schedule::occurrences;

/// Most occurrences of one call; more are asked for in parts.
const MOST: usize = 1000;

/// What a backfill led to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Backfilled {
    /// New runs.
    pub started: u64,
    /// Occurrences that had their run already.
    pub known: u64,
    /// Kept as intake records.
    pub refused: u64,
}

impl Engine {
    /// `by` starts every occurrence of the workflow's schedules from `from` up to `to`, both
    /// included, that has no run yet; of one schedule when `trigger` names it.
    ///
    /// # Errors
    /// `bad_request` for a window that is empty, lies in the future or holds more than 1000
    /// occurrences, or a workflow without such a schedule; `unavailable` when the database is.
    pub async fn backfill(
        &self,
        workflow: &str,
        trigger: Option<&str>,
        window: (Timestamp, Timestamp),
        by: &Actor,
    ) -> Result<Backfilled, Problem> {
        let (from, to) = window;
        if from > to {
            return Err(
                Problem::new("bad_request", "the window ends before it begins").field("to"),
            );
        }
        if to > self.now() {
            return Err(
                Problem::new("bad_request", "the window reaches into the future")
                    .field("to")
                    .way_out("what is to come starts by itself"),
            );
        }
        let (_, release) = self.live(workflow).await?;
        let schedules: Vec<&TriggerSpec> = release
            .ready
            .def
            .trigger
            .iter()
            .filter(|t| t.kind == TriggerKind::Schedule)
            .filter(|t| trigger.is_none_or(|name| t.name == name))
            .collect();
        if schedules.is_empty() {
            return Err(Problem::new("bad_request", format!("{workflow} has no such schedule"))
                .field("trigger")
                .way_out("dropped files and queue rows are read by themselves; senders of webhooks send again, under the same event id"));
        }
        let mut done = Backfilled::default();
        for schedule in schedules {
            let before = Timestamp::from_micros(from.micros() - 1);
            let cron = schedule.cron.as_deref().unwrap_or_default();
            let missed = occurrences(cron, release.ready.zone.tz(), before, to)
                .map_err(|e| Problem::new("record_damaged", e))?;
            if missed.len() >= MOST {
                return Err(Problem::new(
                    "bad_request",
                    format!("the window holds {MOST} occurrences or more"),
                )
                .field("from")
                .way_out("take it in parts"));
            }
            for at in missed {
                self.start_missed(workflow, schedule, at, &mut done).await?;
            }
        }
        self.tell_backfilled(workflow, window, by, done).await?;
        Ok(done)
    }

    async fn start_missed(
        &self,
        workflow: &str,
        schedule: &TriggerSpec,
        at: Timestamp,
        done: &mut Backfilled,
    ) -> Result<(), Problem> {
        let body = schedule.body.clone().unwrap_or_else(|| "{}".to_owned());
        let incoming = Incoming {
            event_id: Some(at.rfc3339()),
            body: body.into_bytes(),
            auth: IncomingAuth::Feed(format!("schedule:{}", schedule.name)),
            reference: None,
        };
        match self.receive(workflow, incoming).await {
            Ok(accepted) if accepted.repeated => done.known += 1,
            Ok(_) => done.started += 1,
            // Kept as an intake record, with an owner.
            Err(p) if p.status() < 500 => done.refused += 1,
            Err(p) => return Err(p),
        }
        Ok(())
    }

    async fn tell_backfilled(
        &self,
        workflow: &str,
        (from, to): (Timestamp, Timestamp),
        by: &Actor,
        done: Backfilled,
    ) -> Result<(), Problem> {
        let entry = AuditEntry::new(
            self.now(),
            by.clone(),
            "trigger.backfilled",
            Subject::Workflow(workflow.to_owned()),
        )
        .fact("from", from.rfc3339())
        .fact("to", to.rfc3339())
        .fact("started", done.started)
        .fact("known", done.known)
        .fact("refused", done.refused);
        self.commit(Vec::new(), entry).await
    }
}
