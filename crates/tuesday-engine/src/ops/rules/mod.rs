//! Changing the decision table while runs go on, by the people who answer for it: what each verb
//! needs, and the refusals they share.

mod acknowledge;
mod advise;
mod backtest;
mod change;
mod decide;
mod due;
mod judge;
mod recheck;
mod report;
mod reroute;
mod shipped;
mod unmapped;

use std::sync::Arc;

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::Definition;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Change, Decision, Notice, NoticeState, RuleSetEvent, RuleSetRow, RuleSetState,
    Subject, Workflow,
};
use tuesday_domain::rules::{ChangeRefused, Finding, RuleSet, Severity, parse};
use tuesday_domain::schema::FieldError;
use tuesday_domain::time::Timestamp;
use tuesday_store::ApplyError;

pub use self::acknowledge::RulesNews;
pub(crate) use self::acknowledge::acknowledged;
pub use self::advise::CutoffAdvice;
pub use self::backtest::{Backtest, BacktestWindow};
pub use self::change::{RulesChange, RulesChanged, RulesEdit};
pub use self::judge::Draft as RulesDraft;
pub use self::report::RowReport;
pub use self::reroute::{Rerouted, Rerouting};
pub use self::unmapped::WaitingWord;
use crate::catalog::LiveRelease;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;

/// A workflow with its rules in force, read from the database and not from the node's memory.
pub(super) struct Desk {
    pub(super) workflow: Workflow,
    pub(super) release: Arc<LiveRelease>,
    pub(super) active: RuleSetRow,
    pub(super) rules: RuleSet,
}

impl Desk {
    pub(super) fn def(&self) -> &Definition {
        &self.release.ready.def
    }
}

impl Engine {
    pub(super) async fn rules_desk(&self, name: &str) -> Result<Desk, Problem> {
        let reader = &self.0.reader;
        let workflow = reader
            .workflow(name)
            .await
            .map_err(read_problem)?
            .ok_or_else(|| {
                Problem::new("unknown_workflow", format!("there is no workflow `{name}`"))
            })?;
        let release = self.loaded(workflow.live_release).await?;
        let active = self.rules_row(name, workflow.rules_version).await?;
        if active.state != RuleSetState::Active {
            return Err(moved("another change came first"));
        }
        let rules = readable(&active)?;
        Ok(Desk {
            workflow,
            release,
            active,
            rules,
        })
    }

    /// Refuses whoever may not do this to the rules of the workflow.
    pub(super) async fn may_about_rules(
        &self,
        act: Act,
        workflow: &str,
        by: &str,
        way_out: &str,
    ) -> Result<(), Problem> {
        if self.rights(by).await?.may(act, workflow) {
            return Ok(());
        }
        Err(Problem::new(
            "not_allowed",
            format!("{by} may not do that to the rules of {workflow}"),
        )
        .with("act", act.word())
        .way_out(way_out.to_owned()))
    }

    pub(in crate::ops) async fn rules_row(
        &self,
        name: &str,
        version: u64,
    ) -> Result<RuleSetRow, Problem> {
        let row = self.0.reader.ruleset(name, version).await;
        row.map_err(read_problem)?.ok_or_else(|| {
            Problem::new(
                "not_found",
                format!("{name} has no rules version {version}"),
            )
        })
    }

    /// Commits a decision about rules; whoever was faster is told as such. Live on this node at
    /// once, on the others with their next look, twice a second.
    pub(super) async fn commit_rules(&self, decision: Decision) -> Result<(), Problem> {
        match self.apply(decision).await {
            Ok(_) => {}
            Err(ApplyError::Conflict { .. }) => return Err(moved("another change came first")),
            Err(e) => return Err(apply_problem(e)),
        }
        let _ = self.0.catalog.refresh(&self.0.reader).await;
        Ok(())
    }
}

pub(super) fn readable(row: &RuleSetRow) -> Result<RuleSet, Problem> {
    parse(&row.csv).map(|(rules, _)| rules).map_err(|f| {
        let first = f.first().map(|f| f.message.clone()).unwrap_or_default();
        Problem::new(
            "record_damaged",
            format!("rules version {} cannot be read: {first}", row.version),
        )
    })
}

pub(super) fn moved(why: &str) -> Problem {
    Problem::new("rules_moved", why.to_owned()).way_out("read the rules again and change them anew")
}

/// Who owns the bounds: the sponsor, or where there is none, or the sponsor made the change, the
/// next named person who is not its author.
pub(super) fn bound_owner(def: &Definition, author: &str) -> String {
    let o = &def.owners;
    [
        o.sponsor.as_ref(),
        Some(&o.escalation),
        Some(&o.technical),
        Some(&o.backup),
        Some(&o.operator),
    ]
    .into_iter()
    .flatten()
    .map(|p| p.handle.clone())
    .find(|handle| handle != author)
    .unwrap_or_default()
}

pub(super) fn reason_given(reason: &str) -> Result<String, Problem> {
    match reason.trim() {
        "" => Err(
            Problem::new("reason_required", "a change of the rules needs a reason").field("reason"),
        ),
        words => Ok(words.to_owned()),
    }
}

/// Moves a version that was in force out of it.
pub(crate) fn replaced(active: &RuleSetRow, event: RuleSetEvent) -> Result<Change, Problem> {
    let mut row = active.clone();
    row.state = next(active.state, event)?;
    Ok(Change::MoveRuleSet {
        from: active.state,
        row: Box::new(row),
    })
}

pub(super) fn next(state: RuleSetState, event: RuleSetEvent) -> Result<RuleSetState, Problem> {
    state
        .next(event)
        .map_err(|e| Problem::new("illegal_state", e.to_string()))
}

/// The refusal of a change, naming row and column of every fault.
pub(super) fn refused(def: &Definition, author: &str, why: ChangeRefused) -> Problem {
    match why {
        ChangeRefused::Invalid(findings) => invalid(&findings),
        ChangeRefused::BeyondBound(first, findings) => {
            let owner = bound_owner(def, author);
            faults(
                Problem::new("bound_exceeded", first.message.clone())
                    .field(place(&first))
                    .with("owner", owner.clone())
                    .way_out(format!(
                        "stay inside the bound, or ask {owner} for wider bounds: they stand in the header of rules.csv"
                    )),
                &findings,
            )
        }
        ChangeRefused::HeaderChanged => Problem::new(
            "not_editable",
            "columns, types and bounds stand in the header and belong to their owner",
        )
        .field("header")
        .with("owner", bound_owner(def, author))
        .way_out("keep the header; a new one comes with the package"),
        ChangeRefused::NoBounds(columns) => Problem::new(
            "not_editable",
            format!(
                "{} has no bounds, so its values cannot be moved",
                columns.join(", ")
            ),
        )
        .field(columns.first().cloned().unwrap_or_default())
        .with("owner", bound_owner(def, author))
        .way_out("ask the bound owner to set bounds in the header of rules.csv"),
        ChangeRefused::Nothing => {
            Problem::new("illegal_state", "the table in force says this already")
        }
    }
}

/// A table that cannot be read, with every fault at its cell.
pub(super) fn invalid(findings: &[Finding]) -> Problem {
    let errors = findings.iter().filter(|f| f.severity == Severity::Error);
    let first = errors.clone().next().or_else(|| findings.first());
    let words = first.map_or_else(
        || "the table cannot be read".to_owned(),
        |f| format!("line {}: {}", f.line, f.message),
    );
    let mut problem = Problem::new("rules_invalid", words);
    if let Some(first) = first {
        problem = problem.field(place(first)).way_out(first.way_out.clone());
    }
    faults(problem, findings)
}

fn faults(mut problem: Problem, findings: &[Finding]) -> Problem {
    problem.errors = findings
        .iter()
        .filter(|f| f.severity == Severity::Error)
        .map(|f| FieldError {
            field: place(f),
            detail: f.message.clone(),
        })
        .collect();
    problem.with(
        "findings",
        serde_json::to_value(findings).unwrap_or_default(),
    )
}

/// `r3.amount`, as the command line and the page name a cell.
fn place(finding: &Finding) -> String {
    match (&finding.row, &finding.column) {
        (Some(row), Some(column)) => format!("{row}.{column}"),
        (Some(row), None) => row.clone(),
        (None, Some(column)) => column.clone(),
        (None, None) => format!("line {}", finding.line),
    }
}

/// The start of an audit entry about rules.
pub(super) fn entry(
    kind: &'static str,
    workflow: &str,
    actor: Actor,
    reason: &str,
    at: Timestamp,
) -> AuditEntry {
    AuditEntry::new(at, actor, kind, Subject::Workflow(workflow.to_owned())).fact("reason", reason)
}

/// A notice about rules: a version and a link, no value and no reason.
pub(super) fn notice(
    person: &str,
    workflow: &str,
    kind: &str,
    title: String,
    at: Timestamp,
) -> Change {
    Change::InsertNotice(Box::new(Notice {
        id: ids::notice(),
        person: person.to_owned(),
        workflow: workflow.to_owned(),
        kind: kind.to_owned(),
        title,
        path: format!("/workflows/{workflow}/rules"),
        state: NoticeState::Waiting,
        attempts: 0,
        due_at: at,
        detail: None,
        created_at: at,
        version: 1,
    }))
}

/// Everybody who decides in the workflow and did not make the change.
pub(super) fn told(def: &Definition, row: &RuleSetRow, at: Timestamp) -> Vec<Change> {
    let title = format!(
        "{}: rules version {} is in force; read it before your next decision",
        row.workflow, row.version
    );
    let mut people: Vec<&str> = Vec::new();
    let tiers = def.review.tier.iter().flat_map(|t| {
        [&t.owner, &t.backup]
            .into_iter()
            .chain(&t.people)
            .map(String::as_str)
    });
    let owners = def.owners.people().into_iter().map(|p| p.handle.as_str());
    for person in tiers.chain(owners) {
        let made_it = row.created_by == format!("person:{person}")
            || row.decided_by.as_deref() == Some(person);
        if !made_it && !people.contains(&person) {
            people.push(person);
        }
    }
    people
        .into_iter()
        .map(|p| notice(p, &row.workflow, "rules_changed", title.clone(), at))
        .collect()
}
