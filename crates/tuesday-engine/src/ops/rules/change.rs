//! Changes the decision table: cells, a whole file, or an earlier version again. Inside the soft
//! bounds alone and at once; past them it waits for the bound owner; past the hard ones never.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, RuleSetEvent, RuleSetRow, RuleSetState, Workflow};
use tuesday_domain::rules::{
    CellEdit, Change as Difference, Finding, Judged, RuleSet, edit, judge, lines_of, remapped,
    table_text, to_csv,
};
use tuesday_domain::settling::Changed;
use tuesday_domain::time::Timestamp;

use super::{
    Desk, bound_owner, entry, moved, next, notice, readable, reason_given, refused, replaced, told,
};
use crate::engine::{Engine, read_problem};
use crate::ops::settling::watched_from;

/// What becomes of the table.
#[derive(Clone, Debug)]
pub enum RulesEdit {
    /// Single cells.
    Cells(Vec<CellEdit>),
    /// The whole file.
    Text(String),
    /// The rows of an earlier version, under the present header.
    Version(u64),
}

/// A change of the rules.
#[derive(Clone, Debug)]
pub struct RulesChange {
    /// The version that was read; absent takes the one in force.
    pub base: Option<u64>,
    /// What changes.
    pub edit: RulesEdit,
    /// Why.
    pub reason: String,
    /// In force from then, and not at once.
    pub starts_at: Option<Timestamp>,
    /// In force until then.
    pub ends_at: Option<Timestamp>,
}

/// What became of a change.
#[derive(Clone, Debug)]
pub struct RulesChanged {
    /// The new version.
    pub row: RuleSetRow,
    /// What the checks have to say about it.
    pub findings: Vec<Finding>,
    /// What it does differently.
    pub change: Difference,
    /// Why a second person must agree; empty when nobody must.
    pub second_person: Vec<Finding>,
}

impl Engine {
    /// `by` changes the rules of a workflow.
    ///
    /// # Errors
    /// `reason_required`, `not_allowed`, `rules_moved`, `rules_invalid`, `bound_exceeded`,
    /// `not_editable`, `illegal_state` when nothing would change.
    pub async fn change_rules(
        &self,
        workflow: &str,
        by: &str,
        change: RulesChange,
    ) -> Result<RulesChanged, Problem> {
        let reason = reason_given(&change.reason)?;
        let desk = self.rules_desk(workflow).await?;
        self.may_about_rules(Act::EditRules, workflow, by, "ask the operator owner")
            .await?;
        at_base(&desk, change.base)?;
        let now = self.now();
        times(&change, now)?;
        let judged = self.judged(&desk, by, &change.edit).await?;
        let mut starts_at = change.starts_at.filter(|at| *at > now);
        let eases = !judged.change.only_tightens() && !matches!(change.edit, RulesEdit::Version(_));
        if eases && judged.second_person.is_empty() {
            starts_at = self.after_changes(&desk, starts_at)?;
        }
        let event = if !judged.second_person.is_empty() {
            RuleSetEvent::Propose
        } else if starts_at.is_some() {
            RuleSetEvent::Schedule
        } else {
            RuleSetEvent::Activate
        };
        let mut row = self
            .fresh_row(&desk, &judged.rules, by, reason, now)
            .await?;
        row.state = next(RuleSetState::Draft, event)?;
        row.starts_at = starts_at;
        row.ends_at = change.ends_at;
        row.restores = match change.edit {
            RulesEdit::Version(version) => Some(version),
            RulesEdit::Cells(_) | RulesEdit::Text(_) => None,
        };
        row.bound_owner = (event == RuleSetEvent::Propose).then(|| bound_owner(desk.def(), by));
        self.commit_rules(decision(&desk, &row, &judged, by, now)?)
            .await?;
        self.take_back_unsent(workflow).await;
        Ok(RulesChanged {
            row,
            findings: judged.findings,
            change: judged.change,
            second_person: judged.second_person,
        })
    }

    /// When a change that eases something may begin: not during a freeze, and after the change that
    /// settles now.
    ///
    /// # Errors
    /// `change_frozen`.
    pub(super) fn after_changes(
        &self,
        desk: &Desk,
        wanted: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, Problem> {
        if wanted.is_none() {
            self.not_frozen(desk.def())?;
        }
        let free = desk.workflow.rollout.changes.settling.map(|s| s.until);
        Ok(wanted.max(free))
    }

    /// The new table of an edit, judged against the one in force. Changes nothing.
    pub(super) async fn judged(
        &self,
        desk: &Desk,
        by: &str,
        wanted: &RulesEdit,
    ) -> Result<Judged, Problem> {
        let text = match wanted {
            RulesEdit::Text(text) => text.clone(),
            RulesEdit::Cells(edits) => edit(&desk.rules, edits).map_err(|e| {
                Problem::new("rules_invalid", e.message.clone())
                    .field(format!("{}.{}", e.row, e.column))
            })?,
            RulesEdit::Version(version) => {
                let row = self.rules_row(&desk.workflow.name, *version).await?;
                under_header(&desk.rules, &readable(&row)?)?
            }
        };
        let judged = judge(&desk.rules, &text).map_err(|why| refused(desk.def(), by, why))?;
        let tiers = &desk.def().review.tier;
        for row in judged.rules.rows() {
            if let Some(name) = &row.review_tier
                && !tiers.iter().any(|t| t.name == *name)
            {
                let known: Vec<_> = tiers.iter().map(|t| t.name.as_str()).collect();
                return Err(Problem::new(
                    "rules_invalid",
                    format!("line {}: there is no review tier {name}", row.line),
                )
                .field(format!("{}.review_tier", row.id))
                .way_out(format!("one of: {}", known.join(", "))));
            }
        }
        Ok(judged)
    }

    /// The next version of a workflow's table, still a draft.
    pub(super) async fn fresh_row(
        &self,
        desk: &Desk,
        rules: &RuleSet,
        by: &str,
        reason: String,
        now: Timestamp,
    ) -> Result<RuleSetRow, Problem> {
        let name = &desk.workflow.name;
        let all = self.0.reader.rulesets(name).await.map_err(read_problem)?;
        Ok(RuleSetRow {
            workflow: name.clone(),
            version: all.iter().map(|r| r.version).max().unwrap_or(0) + 1,
            state: RuleSetState::Draft,
            csv: to_csv(rules),
            hash: crate::ops::install::unhex(&rules.hash()),
            reason,
            created_at: now,
            created_by: Actor::Person(by.to_owned()).to_string(),
            base: Some(desk.active.version),
            restores: None,
            bound_owner: None,
            decided_at: None,
            decided_by: None,
            starts_at: None,
            ends_at: None,
        })
    }
}

fn at_base(desk: &Desk, base: Option<u64>) -> Result<(), Problem> {
    match base {
        Some(base) if base != desk.active.version => Err(moved(&format!(
            "version {} is in force, you edited version {base}",
            desk.active.version
        ))
        .with("version", desk.active.version)),
        _ => Ok(()),
    }
}

fn times(change: &RulesChange, now: Timestamp) -> Result<(), Problem> {
    let start = change.starts_at.map_or(now, |at| at.max(now));
    match change.ends_at {
        Some(end) if end <= start => {
            Err(Problem::new("bad_request", "the change would end before it begins").field("until"))
        }
        _ => Ok(()),
    }
}

/// The rows of an earlier version under the header in force, whose bounds are the present ones.
pub(super) fn under_header(present: &RuleSet, old: &RuleSet) -> Result<String, Problem> {
    let same = |a: &RuleSet, b: &RuleSet| {
        let kinds = |r: &RuleSet| -> Vec<_> {
            r.columns()
                .iter()
                .map(|c| (c.name.clone(), c.kind.clone()))
                .collect()
        };
        kinds(a) == kinds(b)
    };
    if !same(present, old) {
        return Err(Problem::new(
            "not_editable",
            "that version has other columns than the table in force",
        )
        .way_out("change the cells one by one"));
    }
    let rows = lines_of(old, present.has_note());
    Ok(table_text(present.columns(), present.has_note(), &rows))
}

/// The workflow's row with another version in force, watched from now on.
pub(super) fn in_force(desk: &Desk, version: u64, now: Timestamp) -> Change {
    let mut row = desk.workflow.clone();
    let back = row.rules_version;
    let changed = Changed::Rules {
        came: version,
        back,
    };
    row.rollout.changes = watched_from(&row.rollout.changes, desk.def(), changed, now);
    row.rules_version = version;
    row.version += 1;
    Change::PutWorkflow(Box::new(row))
}

/// The workflow's row with an earlier version in force again.
pub(super) fn back_in_force(workflow: &Workflow, version: u64, taken_back: bool) -> Change {
    let mut row = workflow.clone();
    row.rules_version = version;
    row.version += 1;
    if taken_back {
        row.rollout.changes = row.rollout.changes.back_at(u32::MAX);
    }
    Change::PutWorkflow(Box::new(row))
}

fn decision(
    desk: &Desk,
    row: &RuleSetRow,
    judged: &Judged,
    by: &str,
    now: Timestamp,
) -> Result<Decision, Problem> {
    let active = row.state == RuleSetState::Active;
    let kind = match row.state {
        RuleSetState::Proposed => "rules.proposed",
        RuleSetState::Scheduled => "rules.scheduled",
        _ if row.restores.is_some() => "rules.rolled_back",
        _ => "rules.changed",
    };
    let mut changes = vec![Change::InsertRuleSet(Box::new(row.clone()))];
    let actor = Actor::Person(by.to_owned());
    let mut entry = entry(kind, &row.workflow, actor, &row.reason, now)
        .fact("version", row.version)
        .fact("before", desk.active.version)
        .fact("hash", crate::catalog::hex(&row.hash))
        .fact("hash_before", crate::catalog::hex(&desk.active.hash))
        .fact("rows", judged.change.rows.clone())
        .fact("cells", cells(&desk.rules, &judged.rules));
    entry
        .moves
        .push(format!("rules {} draft {}", row.version, row.state));
    if let Some(at) = row.starts_at {
        entry = entry.fact("starts_at", at.rfc3339());
    }
    if let Some(at) = row.ends_at {
        entry = entry.fact("ends_at", at.rfc3339());
    }
    if let Some(version) = row.restores {
        entry = entry.fact("restores", version);
    }
    if active {
        changes.insert(0, replaced(&desk.active, RuleSetEvent::Supersede)?);
        changes.push(match row.restores {
            Some(_) => back_in_force(&desk.workflow, row.version, false),
            None => in_force(desk, row.version, now),
        });
        changes.extend(told(desk.def(), row, now));
        entry
            .moves
            .push(format!("rules {} active superseded", desk.active.version));
    }
    if let Some(owner) = &row.bound_owner {
        let title = format!(
            "{}: rules version {} waits for your agreement",
            row.workflow, row.version
        );
        changes.push(notice(owner, &row.workflow, "rules_proposed", title, now));
        entry = entry.fact("bound_owner", owner.clone());
    }
    Ok(Decision { changes, entry })
}

/// Every changed cell before and after, for the record. Free texts are named and not shown: an
/// exclusion list may hold the names of customers.
pub(super) fn cells(old: &RuleSet, new: &RuleSet) -> Vec<String> {
    let mut out = Vec::new();
    for row in new.rows() {
        let Some(before) = old.row(&row.id) else {
            out.push(format!("{}: new", row.id));
            continue;
        };
        for ((column, is), was) in new.columns().iter().zip(&row.cells).zip(&before.cells) {
            if is == was {
                continue;
            }
            let text = matches!(column.kind, tuesday_domain::rules::ColumnType::Text);
            out.push(if text {
                format!("{}.{}: changed", row.id, column.name)
            } else {
                format!(
                    "{}.{}: {} to {}",
                    row.id,
                    column.name,
                    was.text(),
                    is.text()
                )
            });
        }
        if row.route != before.route || row.review_tier != before.review_tier {
            out.push(format!(
                "{}.route: {} to {}",
                row.id, before.route, row.route
            ));
        }
    }
    let gone = old.rows().iter().filter(|row| new.row(&row.id).is_none());
    out.extend(gone.map(|row| format!("{}: removed", row.id)));
    let word = |w: &Option<String>| w.clone().unwrap_or_else(|| "nothing".to_owned());
    out.extend(remapped(old.columns(), new.columns()).iter().map(|m| {
        let (before, after) = (word(&m.before), word(&m.after));
        format!("map.{}: {} from {before} to {after}", m.column, m.word)
    }));
    out.truncate(200);
    out
}
