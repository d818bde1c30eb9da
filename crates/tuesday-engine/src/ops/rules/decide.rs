//! The bound owner agrees to a proposed change, or refuses it; its author may withdraw it.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, RuleSetEvent, RuleSetRow, RuleSetState};

use super::change::in_force;
use super::{entry, moved, next, reason_given, replaced, told};
use crate::engine::Engine;

impl Engine {
    /// `by` agrees to a proposal: in force at once, or when its time comes.
    ///
    /// # Errors
    /// `not_allowed` for its author and for everybody but the bound owner, `illegal_state`,
    /// `rules_moved` when another version came into force since.
    pub async fn approve_rules(
        &self,
        workflow: &str,
        version: u64,
        by: &str,
        note: &str,
    ) -> Result<RuleSetRow, Problem> {
        let desk = self.rules_desk(workflow).await?;
        let before = self.rules_row(workflow, version).await?;
        if before.state != RuleSetState::Proposed {
            return Err(not_waiting(&before));
        }
        self.may_agree(&before, by).await?;
        if before.base != Some(desk.active.version) {
            return Err(moved(&format!(
                "version {} is in force, the proposal was made from version {}",
                desk.active.version,
                before.base.unwrap_or(0)
            )));
        }
        let now = self.now();
        let mut row = before.clone();
        row.starts_at = self.after_changes(&desk, row.starts_at.filter(|at| *at > now))?;
        let event = if row.starts_at.is_some_and(|at| at > now) {
            RuleSetEvent::Schedule
        } else {
            RuleSetEvent::Activate
        };
        row.state = next(row.state, event)?;
        row.decided_at = Some(now);
        row.decided_by = Some(by.to_owned());
        let mut entry = entry(
            "rules.approved",
            workflow,
            Actor::Person(by.to_owned()),
            &row.reason,
            now,
        )
        .fact("version", version)
        .fact("before", desk.active.version)
        .fact("proposed_by", row.created_by.clone());
        if !note.trim().is_empty() {
            entry = entry.fact("note", note.trim());
        }
        entry
            .moves
            .push(format!("rules {version} proposed {}", row.state));
        let mut changes = Vec::new();
        if event == RuleSetEvent::Activate {
            changes.push(replaced(&desk.active, RuleSetEvent::Supersede)?);
            entry
                .moves
                .push(format!("rules {} active superseded", desk.active.version));
        }
        changes.push(Change::MoveRuleSet {
            from: before.state,
            row: Box::new(row.clone()),
        });
        if event == RuleSetEvent::Activate {
            changes.push(in_force(&desk, version, now));
            changes.extend(told(desk.def(), &row, now));
        }
        self.commit_rules(Decision { changes, entry }).await?;
        self.take_back_unsent(workflow).await;
        Ok(row)
    }

    /// `by` refuses a proposal, or withdraws an own change that is not in force yet.
    ///
    /// # Errors
    /// `reason_required`, `not_allowed`, `illegal_state`.
    pub async fn refuse_rules(
        &self,
        workflow: &str,
        version: u64,
        by: &str,
        reason: &str,
    ) -> Result<RuleSetRow, Problem> {
        let reason = reason_given(reason)?;
        let before = self.rules_row(workflow, version).await?;
        if !matches!(
            before.state,
            RuleSetState::Proposed | RuleSetState::Scheduled
        ) {
            return Err(not_waiting(&before));
        }
        let author = before.created_by == format!("person:{by}");
        if !author {
            self.may_agree(&before, by).await?;
        }
        let now = self.now();
        let mut row = before.clone();
        row.state = next(row.state, RuleSetEvent::Refuse)?;
        row.decided_at = Some(now);
        row.decided_by = Some(by.to_owned());
        let mut entry = entry(
            "rules.refused",
            workflow,
            Actor::Person(by.to_owned()),
            &reason,
            now,
        )
        .fact("version", version);
        entry
            .moves
            .push(format!("rules {version} {} refused", before.state));
        let changes = vec![Change::MoveRuleSet {
            from: before.state,
            row: Box::new(row.clone()),
        }];
        self.commit_rules(Decision { changes, entry }).await?;
        Ok(row)
    }
}

fn not_waiting(row: &RuleSetRow) -> Problem {
    Problem::new(
        "illegal_state",
        format!("rules version {} is {}", row.version, row.state),
    )
}

impl Engine {
    /// The bound owner whom the proposal names, or somebody else who may agree in this workflow;
    /// never its author.
    async fn may_agree(&self, row: &RuleSetRow, by: &str) -> Result<(), Problem> {
        let owner = row.bound_owner.clone().unwrap_or_default();
        if row.created_by == format!("person:{by}") {
            return Err(Problem::new(
                "not_allowed",
                "nobody agrees to a change of their own: a second person is needed",
            )
            .with("owner", owner));
        }
        if owner == by {
            return Ok(());
        }
        let way_out = format!("{owner} owns the bound and must agree");
        self.may_about_rules(Act::ApproveBounds, &row.workflow, by, &way_out)
            .await
    }
}
