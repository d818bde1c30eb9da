//! Ends a workflow: new events refused, open work finished or handed over, its tokens withdrawn, its
//! people told. Final; what it did can still be read.

use tuesday_domain::actor::Actor;
use tuesday_domain::postmortem::Stopped;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, LabelMove, Workflow};
use tuesday_domain::workflow::{Label, Stage, Switch};

use super::postmortem::Stop;
use super::standing::{Move, reasoned};
use crate::engine::{Engine, read_problem};

/// What becomes of open work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenWork {
    /// Nothing may be open.
    None,
    /// It is finished first; new events are refused at once.
    Drain,
    /// People do it by hand.
    HandOver,
}

/// Most open runs a refusal names.
const NAMED: usize = 20;

impl Engine {
    /// Retires the workflow, at once or, with [`OpenWork::Drain`], when nothing is open any more.
    ///
    /// # Errors
    /// `open_work` with the runs that are open, `reason_required`, `workflow_retired`,
    /// `unknown_workflow`.
    pub async fn retire(
        &self,
        name: &str,
        open: OpenWork,
        by: &Actor,
        reason: &str,
    ) -> Result<Workflow, Problem> {
        reasoned(reason)?;
        let mut row = self.not_retired(name).await?;
        let left = self.0.reader.open_runs(name, None, NAMED + 1).await;
        let left = left.map_err(read_problem)?;
        if left.is_empty() || open == OpenWork::HandOver {
            return self.retire_now(row, by, reason).await;
        }
        if open == OpenWork::Drain {
            row.rollout.retiring = true;
            row.rollout.switch_reason = Some(reason.to_owned());
            let moved = Move::new(row, "workflow.draining", "retiring off on".to_owned());
            let moved = moved.tell("takes no new events; retires when its work is done".to_owned());
            return self.commit_move(moved, by, reason).await;
        }
        let many = if left.len() > NAMED {
            format!("more than {NAMED}")
        } else {
            left.len().to_string()
        };
        let runs: Vec<_> = left.iter().take(NAMED).map(|r| r.id.to_string()).collect();
        Err(
            Problem::new("open_work", format!("{name} has open work: {many} runs"))
                .way_out("finish it first with --drain, or give it to people with --hand-over")
                .with("runs", runs),
        )
    }

    /// Retires a draining workflow of which nothing is open.
    pub(crate) async fn retire_drained(&self, seen: &Workflow) -> Result<(), Problem> {
        let left = self.0.reader.open_runs(&seen.name, None, 1).await;
        if !left.map_err(read_problem)?.is_empty() {
            return Ok(());
        }
        let row = self.standing(&seen.name).await?;
        if row.label == Label::Retired || !row.rollout.retiring {
            return Ok(());
        }
        let reason = row.rollout.switch_reason.clone();
        let reason = reason.unwrap_or_else(|| "its work is done".to_owned());
        self.retire_now(row, &Actor::System("retire"), &reason)
            .await
            .map(drop)
    }

    async fn retire_now(
        &self,
        mut row: Workflow,
        by: &Actor,
        reason: &str,
    ) -> Result<Workflow, Problem> {
        let at = self.now();
        let tokens = self.0.reader.tokens().await.map_err(read_problem)?;
        let own = tokens
            .into_iter()
            .filter(|t| t.workflow.as_deref() == Some(&row.name) && t.revoked_at.is_none());
        let revoked: Vec<_> = own.map(|t| Change::RevokeToken { id: t.id, at }).collect();
        let words = format!("label {} {}", row.label, Label::Retired);
        row.label = Label::Retired;
        row.stage = Stage::Off;
        row.switch = match row.switch {
            Switch::Killed => Switch::Killed,
            _ => Switch::Paused,
        };
        row.rollout.retiring = false;
        row.rollout.switched_at = Some(at);
        row.rollout.switched_by = Some(by.to_string());
        row.rollout.switch_reason = Some(reason.to_owned());
        let mut moved = Move::new(row, "workflow.retired", words).tell("retired".to_owned());
        moved.facts = vec![("tokens_revoked", revoked.len().into())];
        moved.changes = revoked;
        let events = self.0.reader.label_events(&moved.row.name).await;
        let last = events.map_err(read_problem)?.last().map_or(0, |e| e.seq);
        let retired = super::Told {
            workflow: &moved.row.name,
            kind: LabelMove::Retired,
            label: Label::Retired,
            reasons: reason.to_owned(),
            until: None,
            decision: None,
            quarter: None,
            by: by.to_string(),
        };
        let retired = retired.behind(last, at);
        moved.changes.push(retired);
        let stop = Stop {
            stopped: Stopped::Retired,
            reason,
            by,
            at,
        };
        let opened = self.postmortem_of(&moved.row, &stop).await?;
        moved.changes.extend(opened);
        let row = self.commit_move(moved, by, reason).await?;
        self.0.tokens.forget();
        Ok(row)
    }
}
