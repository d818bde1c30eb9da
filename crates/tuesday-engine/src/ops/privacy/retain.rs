//! Retention: what is past its time by the policy in force goes, some runs at a time.
//!
//! The policy is that of the live release, bounded by the instance, so that a tightened one reaches what
//! was received before it. Days are gone through once; a day on which something was still open, held or
//! too young is looked at again. Where a release cannot be read nothing of its workflow is erased.

use std::collections::BTreeSet;
use std::time::Duration;

use tuesday_domain::actor::{Actor, Class};
use tuesday_domain::ledger::day::Day;
use tuesday_domain::privacy::{CLASSES, Kept};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, PrivacyChange, Run, Subject, Workflow};
use tuesday_domain::time::{Timestamp, Zone};
use tuesday_store::{Due, RetentionMark};

use super::wipe::{Holds, Wipe};
use crate::catalog::LiveRelease;
use crate::engine::{Engine, read_problem};

/// Most runs that a pass erases of one class of a workflow.
const MOST: usize = 500;
/// Runs read at once.
const PAGE: usize = 100;
/// Days that a pass goes through at most, for a class of a workflow.
const DAYS: usize = 200;
const DAY: Duration = Duration::from_secs(86_400);

/// What a pass erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Retained {
    /// Runs.
    pub runs: u64,
    /// Refused events.
    pub intake: u64,
    /// Runs that are past their time and kept: held, or not over for everybody.
    pub kept: u64,
}

/// One class of one workflow.
struct Lane<'a> {
    workflow: &'a Workflow,
    zone: &'a Zone,
    class: Class,
    kept: Kept,
    ended_by: Timestamp,
}

impl Engine {
    /// One pass of retention over every workflow, and the rest of what people ordered.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn retain(&self) -> Result<Retained, Problem> {
        let mut done = Retained {
            runs: self.finish_erasures().await? as u64,
            ..Retained::default()
        };
        let holds = self.holds_now().await?;
        for workflow in self.0.reader.workflows().await.map_err(read_problem)? {
            let live = match self.loaded(workflow.live_release).await {
                Ok(live) => live,
                Err(e) => {
                    tracing::warn!(workflow = workflow.name, error = %e, "nothing is erased: its policy cannot be read");
                    continue;
                }
            };
            for class in CLASSES {
                let lane = self.lane(&workflow, &live, class);
                self.retain_class(&lane, &holds, &mut done).await?;
            }
            self.retain_intake(&workflow, &live, &holds, &mut done)
                .await?;
        }
        if done.runs + done.intake > 0 {
            self.scrub().await;
        }
        Ok(done)
    }

    /// What was overwritten leaves the files as well; what cannot be reached now goes with the next pass.
    pub(super) async fn scrub(&self) {
        if let Err(e) = self.0.store.scrub().await {
            tracing::warn!(error = %e, "erased pages are not out of the files yet");
        }
    }

    fn lane<'a>(&self, workflow: &'a Workflow, live: &'a LiveRelease, class: Class) -> Lane<'a> {
        let kept = self
            .0
            .config
            .retention
            .kept(&live.ready.def.retention, class);
        let ended_by = self.now().minus(DAY * kept.days);
        Lane {
            workflow,
            zone: &live.ready.zone,
            class,
            kept,
            ended_by,
        }
    }

    async fn retain_class(
        &self,
        lane: &Lane<'_>,
        holds: &Holds,
        done: &mut Retained,
    ) -> Result<(), Problem> {
        let reader = &self.0.reader;
        let name = lane.workflow.name.as_str();
        let old = reader
            .retention_mark(name, lane.class)
            .await
            .map_err(read_problem)?;
        let mut mark = old.clone().unwrap_or(RetentionMark {
            workflow: name.to_owned(),
            class: lane.class,
            done_to: String::new(),
            waiting: Vec::new(),
        });
        // Whatever was received before the end of that day may have ended by then.
        let last = Day::parse(&lane.zone.day(lane.ended_by))
            .map_err(|e| Problem::new("internal", e.to_string()))?;
        let before = last.plus(1).to_string();
        let mut waiting: BTreeSet<String> = mark.waiting.iter().cloned().collect();
        let mut days: Vec<String> = mark.waiting.clone();
        let mut budget = MOST;
        let mut gone_through = 0;
        loop {
            let day = match days.pop() {
                Some(day) => day,
                None => match reader
                    .next_day(name, &mark.done_to, &before)
                    .await
                    .map_err(read_problem)?
                {
                    Some(day) if gone_through < DAYS => day,
                    _ => break,
                },
            };
            gone_through += 1;
            if !self
                .retain_day(lane, &day, holds, &mut budget, done)
                .await?
            {
                break;
            }
            let due = Due {
                workflow: name,
                day: &day,
                class: lane.class,
            };
            if reader.runs_holding(due).await.map_err(read_problem)? > 0 {
                waiting.insert(day.clone());
            } else {
                waiting.remove(&day);
            }
            if day > mark.done_to {
                mark.done_to = day;
            }
        }
        mark.waiting = waiting.into_iter().collect();
        if old.as_ref() != Some(&mark) {
            let kept = self.0.store.put_retention_mark(&mark).await;
            kept.map_err(crate::engine::apply_problem)?;
        }
        Ok(())
    }

    /// Everything of a day that is due; `false` when the pass has done enough.
    async fn retain_day(
        &self,
        lane: &Lane<'_>,
        day: &str,
        holds: &Holds,
        budget: &mut usize,
        done: &mut Retained,
    ) -> Result<bool, Problem> {
        let due = Due {
            workflow: &lane.workflow.name,
            day,
            class: lane.class,
        };
        let mut after = None;
        loop {
            let page = self
                .0
                .reader
                .due_runs(due, lane.ended_by, after, PAGE)
                .await;
            let page = page.map_err(read_problem)?;
            after = page.last().map(|r| r.id);
            for run in &page {
                if *budget == 0 {
                    return Ok(false);
                }
                if self.retain_run(lane, run, holds).await? {
                    *budget -= 1;
                    done.runs += 1;
                } else {
                    done.kept += 1;
                }
            }
            if page.len() < PAGE {
                return Ok(true);
            }
        }
    }

    /// Erases the class of one run, unless a hold keeps it or somebody still has it open.
    async fn retain_run(&self, lane: &Lane<'_>, run: &Run, holds: &Holds) -> Result<bool, Problem> {
        if self.held(run, holds).await?.is_some() {
            return Ok(false);
        }
        let reader = &self.0.reader;
        let (reviews, heads) =
            tokio::try_join!(reader.reviews_of(run.id), reader.payload_heads(run.id))
                .map_err(read_problem)?;
        if reviews.iter().any(|r| !r.state.is_decided()) {
            return Ok(false);
        }
        let wipe = Wipe {
            classes: &[lane.class],
            policy: &lane.kept.policy,
            by: Actor::System("retention"),
            order: None,
            seen: holds.seen,
        };
        match self.wipe(run, &heads, Vec::new(), &wipe).await {
            Ok(()) => Ok(true),
            // Another node was faster, or a hold was placed meanwhile: the next pass reads again.
            Err(p) if p.code == "revision_moved" => Ok(false),
            Err(p) => Err(p),
        }
    }

    /// Bodies of refused events count as the strictest class that an event may hold.
    async fn retain_intake(
        &self,
        workflow: &Workflow,
        live: &LiveRelease,
        holds: &Holds,
        done: &mut Retained,
    ) -> Result<(), Problem> {
        let lane = self.lane(workflow, live, live.ready.strictest());
        let old = self
            .0
            .reader
            .old_intake(&workflow.name, lane.ended_by, MOST)
            .await;
        let mut ids = Vec::new();
        for (id, received) in old.map_err(read_problem)? {
            let fits = |h: &tuesday_domain::privacy::Hold| h.scope.fits(&workflow.name, received);
            // A refused event names no record that could be told apart: any hold that fits keeps it.
            if holds.all.iter().any(fits) {
                done.kept += 1;
            } else {
                ids.push(id);
            }
        }
        if ids.is_empty() {
            return Ok(());
        }
        let subject = Subject::Workflow(workflow.name.clone());
        let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let entry = AuditEntry::new(
            self.now(),
            Actor::System("retention"),
            "intake.erased",
            subject,
        )
        .fact("policy", lane.kept.policy)
        .fact("erased", names);
        let check = PrivacyChange::CheckHolds { seen: holds.seen };
        let erase = ids.iter().map(|id| PrivacyChange::EraseIntake { id: *id });
        let changes = std::iter::once(check).chain(erase);
        let changes = changes.map(|c| Change::Privacy(Box::new(c))).collect();
        match self.commit(changes, entry).await {
            Ok(()) => done.intake += ids.len() as u64,
            Err(p) if p.code == "revision_moved" => {}
            Err(p) => return Err(p),
        }
        Ok(())
    }
}
