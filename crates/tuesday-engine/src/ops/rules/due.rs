//! Changes whose time has come: scheduled ones begin, expiring ones give way to what was in force
//! before. The system acts, with the reason the person gave.

use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, RuleSetEvent, RuleSetRow, RuleSetState};
use tuesday_domain::rules::{ChangeRefused, judge};
use tuesday_domain::settling::frozen;

use super::change::{back_in_force, in_force, under_header};
use super::{Desk, entry, next, notice, readable, replaced, told};
use crate::engine::{Engine, read_problem};

const SYSTEM: Actor = Actor::System("rules");

impl Engine {
    /// Begins and ends what is due, and holds unsent automatic actions against the rules in force.
    pub(crate) async fn due_rules(&self) -> Result<(), Problem> {
        let due = self
            .0
            .reader
            .due_rulesets(self.now())
            .await
            .map_err(read_problem)?;
        for row in due {
            let done = if row.state == RuleSetState::Scheduled {
                self.begin_rules(row).await
            } else {
                self.end_rules(row).await
            };
            match done {
                // Another node was faster.
                Ok(()) => {}
                Err(p) if p.code == "rules_moved" => {}
                Err(p) => {
                    tracing::error!(error = %p, "a rules version that is due could not be moved")
                }
            }
        }
        for workflow in self.0.catalog.workflows() {
            self.take_back_unsent(&workflow.name).await;
        }
        Ok(())
    }

    async fn begin_rules(&self, before: RuleSetRow) -> Result<(), Problem> {
        let desk = self.rules_desk(&before.workflow).await?;
        let now = self.now();
        // It begins once the change before it has settled and no freeze is on.
        let settles = desk.workflow.rollout.changes.settling.is_some();
        if settles || frozen(&desk.def().freeze, now).is_some() {
            return Ok(());
        }
        let mut row = before.clone();
        // Another change came into force since: what was agreed to is not what this would do now.
        let overtaken = row.base != Some(desk.active.version);
        row.state = next(
            row.state,
            if overtaken {
                RuleSetEvent::Refuse
            } else {
                RuleSetEvent::Activate
            },
        )?;
        let kind = if overtaken {
            "rules.overtaken"
        } else {
            "rules.began"
        };
        let mut entry =
            entry(kind, &row.workflow, SYSTEM, &row.reason, now).fact("version", row.version);
        entry
            .moves
            .push(format!("rules {} scheduled {}", row.version, row.state));
        let moved = Change::MoveRuleSet {
            from: before.state,
            row: Box::new(row.clone()),
        };
        let mut changes = Vec::new();
        if overtaken {
            changes.push(moved);
            if let Some(author) = row.created_by.strip_prefix("person:") {
                let title = format!(
                    "{}: rules version {} was planned from a version that is no longer in force; it was dropped",
                    row.workflow, row.version
                );
                changes.push(notice(author, &row.workflow, "rules_overtaken", title, now));
            }
        } else {
            changes.push(replaced(&desk.active, RuleSetEvent::Supersede)?);
            changes.push(moved);
            changes.push(in_force(&desk, row.version, now));
            changes.extend(told(desk.def(), &row, now));
            entry
                .moves
                .push(format!("rules {} active superseded", desk.active.version));
        }
        self.commit_rules(Decision { changes, entry }).await
    }

    /// A version whose guard broke gives way to what was in force before.
    pub(in crate::ops) async fn take_rules_back(
        &self,
        over: RuleSetRow,
        why: String,
        more: Vec<Change>,
    ) -> Result<(), Problem> {
        self.restored_rules(over, ("rules.taken_back", why), Some(more))
            .await
    }

    /// What was in force before comes back as a new version.
    async fn end_rules(&self, over: RuleSetRow) -> Result<(), Problem> {
        let why = over.reason.clone();
        self.restored_rules(over, ("rules.expired", why), None)
            .await
    }

    async fn restored_rules(
        &self,
        over: RuleSetRow,
        (kind, why): (&'static str, String),
        taken_back: Option<Vec<Change>>,
    ) -> Result<(), Problem> {
        // Only what has an end expires.
        let event = match taken_back {
            Some(_) => RuleSetEvent::Supersede,
            None => RuleSetEvent::Expire,
        };
        let away = next(over.state, event)?;
        let desk = self.rules_desk(&over.workflow).await?;
        let now = self.now();
        let base = over
            .base
            .ok_or_else(|| Problem::new("record_damaged", "an expiring version names no base"))?;
        let text = self.earlier(&desk, base).await?;
        let mut row = over.clone();
        let all = self
            .0
            .reader
            .rulesets(&over.workflow)
            .await
            .map_err(read_problem)?;
        row.version = all.iter().map(|r| r.version).max().unwrap_or(0) + 1;
        (row.csv, row.hash) = text;
        row.state = next(RuleSetState::Draft, RuleSetEvent::Activate)?;
        row.base = Some(over.version);
        row.restores = Some(base);
        row.created_at = now;
        row.created_by = SYSTEM.to_string();
        row.reason.clone_from(&why);
        (row.bound_owner, row.decided_at, row.decided_by) = (None, None, None);
        (row.starts_at, row.ends_at) = (None, None);
        let mut entry = entry(kind, &over.workflow, SYSTEM, &why, now)
            .fact("version", row.version)
            .fact("before", over.version)
            .fact("restores", base);
        entry
            .moves
            .push(format!("rules {} active {away}", over.version));
        entry
            .moves
            .push(format!("rules {} draft active", row.version));
        let mut changes = vec![
            replaced(&over, event)?,
            Change::InsertRuleSet(Box::new(row.clone())),
            back_in_force(&desk.workflow, row.version, taken_back.is_some()),
        ];
        changes.extend(told(desk.def(), &row, now));
        changes.extend(taken_back.unwrap_or_default());
        self.commit_rules(Decision { changes, entry }).await
    }

    /// The text of an earlier version under the present header, and its hash.
    async fn earlier(&self, desk: &Desk, version: u64) -> Result<(String, [u8; 32]), Problem> {
        let row = self.rules_row(&desk.workflow.name, version).await?;
        let text = under_header(&desk.rules, &readable(&row)?)?;
        let rules = match judge(&desk.rules, &text) {
            Ok(judged) => judged.rules,
            Err(ChangeRefused::Nothing) => desk.rules.clone(),
            Err(why) => return Err(super::refused(desk.def(), "", why)),
        };
        let hash = crate::ops::install::unhex(&rules.hash());
        Ok((tuesday_domain::rules::to_csv(&rules), hash))
    }
}
