//! The first shift: fixes a queue of twenty known cases for somebody who has finished the training, takes
//! their decisions in one go or case by case, and grades them against the pack when the last one came. What
//! those who build the workflow did to it meanwhile is read from the log: help makes it show nothing.

use std::collections::BTreeSet;

use tuesday_domain::access::{Act, Rights};
use tuesday_domain::actor::Actor;
use tuesday_domain::charter::first_shift::{
    FirstShiftState, ShiftAnswers, ShiftCase, ShiftFacts, ShiftReport, grade, queue,
};
use tuesday_domain::charter::practice::exercises;
use tuesday_domain::charter::{Facts, Statement, curriculum};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, CharterChange, FirstShift, Subject};
use tuesday_domain::time::Timestamp;

use super::first_shift_view::ShiftProgress;
use super::leaves::Logged;
use super::practice::{seed, tries};
use super::turnover::short;
use crate::catalog::LiveRelease;
use crate::engine::{Engine, read_problem};

/// Acts of builders that are named one by one.
const NAMED: usize = 5;
/// Kinds of entries that look or are refused, and change nothing.
const LOOKS: [&str; 6] = [
    "run.visited",
    "release.read",
    "rules.read",
    "audit.exported",
    "instance.exported",
    "session.",
];

impl Engine {
    /// Fixes the queue of `by` and starts the shift.
    ///
    /// # Errors
    /// `own_word` for who builds the workflow, `not_allowed` for who may not decide here, `training_needed`
    /// without the training of the tiers in force, `illegal_state` while one's own runs,
    /// `first_shift_unavailable` when the pack has fewer than twenty cases with an answer,
    /// `workflow_retired`, `unknown_workflow`.
    pub async fn start_first_shift(&self, name: &str, by: &str) -> Result<FirstShift, Problem> {
        let row = self.not_retired(name).await?;
        let engineers = self.engineers(name).await?;
        if engineers.contains(by) {
            return Err(
                Problem::new("own_word", format!("{by} builds {name}")).way_out(
                    "somebody who only runs it takes the first shift: a reviewer or an owner",
                ),
            );
        }
        self.may_take(name, by).await?;
        let reader = &self.0.reader;
        let live = self.loaded(row.live_release).await?;
        let facts = reader.charter_facts(name).await.map_err(read_problem)?;
        let facts = Facts::new(facts);
        let wanted = curriculum(&live.ready.def.review);
        trained(name, by, &wanted, &facts)?;
        let own = reader.first_shift_of(name, by).await;
        let own = own.map_err(read_problem)?;
        if own
            .as_ref()
            .is_some_and(|t| t.state == FirstShiftState::Running)
        {
            let words = format!("the first shift of {by} runs");
            return Err(Problem::new("illegal_state", words).way_out("decide its cases first"));
        }
        let newest = reader.first_shifts(name, 1).await.map_err(read_problem)?;
        let seq = newest.first().map_or(0, |t| t.seq) + 1;
        let seen = seen(name, by, &wanted, (&live, &facts), own.as_ref())?;
        let drawn = format!("{name} {by} {wanted} first shift {seq}");
        let cases = queue(&live.package.cases(), &drawn, &seen).ok_or_else(|| {
            let words = format!("the pack of {name} has fewer than 20 cases with an answer");
            Problem::new("first_shift_unavailable", words)
                .way_out("add cases with an expected output to evals/ and release the package")
        })?;
        let shares = reader
            .decision_shares(name, Timestamp::from_micros(0))
            .await;
        let mut shares = shares.map_err(read_problem)?.into_iter();
        let now = self.now();
        let shift = FirstShift {
            workflow: name.to_owned(),
            seq,
            state: FirstShiftState::Running,
            ended_at: None,
            report: None,
            answers: json(&ShiftAnswers::new())?,
            helped_by: None,
            version: 1,
            person: by.to_owned(),
            from: now,
            log_from: reader.audit_size().await.map_err(read_problem)?,
            release: row.live_release,
            cases: json(&cases)?,
            decided_before: shares.find(|s| s.0 == by).map_or(0, |s| s.1),
            engineers: Vec::from_iter(engineers).join(" "),
        };
        let entry = entry(&shift, now, "first_shift.started")
            .fact("release", live.number)
            .fact("of", cases.len())
            .fact("decided_before", shift.decided_before);
        let changes = vec![change(CharterChange::InsertFirstShift(shift.clone()))];
        self.commit(changes, entry).await?;
        Ok(shift)
    }

    /// Takes decisions on cases of the shift of `by`: for each by its number, whether it should be approved.
    /// With the last of them the shift is graded and ends. `help` is who helped, or `nobody`.
    ///
    /// # Errors
    /// `not_found` when none of `by` runs, `bad_request` naming a case that there is not or when it is not
    /// said at the end whether somebody helped, `revision_moved` for a case that was decided already.
    pub async fn answer_first_shift(
        &self,
        name: &str,
        answers: &[(u32, bool)],
        help: Option<&str>,
        by: &str,
    ) -> Result<ShiftProgress, Problem> {
        self.known_workflow(name).await?;
        let own = self.0.reader.first_shift_of(name, by).await;
        let own = own
            .map_err(read_problem)?
            .filter(|t| t.state == FirstShiftState::Running);
        let mut shift = own.ok_or_else(|| {
            Problem::new(
                "not_found",
                format!("no first shift of {by} runs on {name}"),
            )
            .way_out(format!("tuesday readiness first-shift {name}"))
        })?;
        let cases = kept_cases(&shift)?;
        let said = merged(&mut shift, &cases, answers)?;
        let help = help.map(str::trim).filter(|h| !h.is_empty());
        if let Some(who) = help.filter(|h| *h != "nobody") {
            shift.helped_by = Some(short(who.to_owned()));
        }
        let now = self.now();
        shift.version += 1;
        if said.len() < cases.len() {
            let entry = entry(&shift, now, "first_shift.decided")
                .fact("cases", answers.len())
                .fact("left", cases.len() - said.len());
            let changes = vec![change(CharterChange::UpdateFirstShift(shift.clone()))];
            self.commit(changes, entry).await?;
            return Ok(ShiftProgress::going_on(&shift, cases.len() - said.len()));
        }
        if help.is_none() && shift.helped_by.is_none() {
            let words = "it is not said whether somebody helped";
            return Err(Problem::new("bad_request", words)
                .field("help")
                .way_out("say nobody, or who"));
        }
        let builders = self.shift_builders(&shift).await?;
        let facts = ShiftFacts {
            engineer: builders.contains(by),
            helped_by: shift.helped_by.clone(),
            acts: self.builders_acts(&shift, &builders, now).await?,
            decided_before: shift.decided_before,
            from: shift.from,
            at: now,
        };
        let (state, report) = grade(&cases, &said, &facts);
        let shift = self.end_first_shift(shift, state, &report, now).await?;
        Ok(ShiftProgress::ended(&shift, report, cases, &said))
    }

    async fn may_take(&self, name: &str, by: &str) -> Result<(), Problem> {
        let grants = self.0.reader.grants_on(name).await.map_err(read_problem)?;
        let now = self.now();
        let own = grants.into_iter();
        let own = own.filter(|g| g.person == by && g.holds(now)).collect();
        if Rights::new(own).may(Act::DecideReview, name) {
            return Ok(());
        }
        let words = format!("{by} may not decide tasks of {name}");
        Err(Problem::new("not_allowed", words)
            .way_out("ask for a role that decides, then pass the practice"))
    }

    /// Keeps the result, what the training page and the evidence say of it, and its entry, or nothing.
    async fn end_first_shift(
        &self,
        mut shift: FirstShift,
        state: FirstShiftState,
        report: &ShiftReport,
        now: Timestamp,
    ) -> Result<FirstShift, Problem> {
        shift.state = state;
        shift.ended_at = Some(now);
        shift.report = Some(json(report)?);
        let kind = match state {
            FirstShiftState::Passed => "first_shift.passed",
            FirstShiftState::NotCounted => "first_shift.not_counted",
            FirstShiftState::Running | FirstShiftState::Failed => "first_shift.failed",
        };
        let person = shift.person.clone();
        let told = state.word().replace('_', " ");
        let value = short(format!("{told}: {}", report.words()));
        let fact = self
            .next_fact(
                &shift.workflow,
                Statement::FirstShift,
                &person,
                value,
                &person,
            )
            .await?;
        let entry = entry(&shift, now, kind)
            .fact("right", report.right)
            .fact("of", report.of)
            .fact("counted", report.counted)
            .fact("why", short(report.why.join("; ")));
        let changes = vec![
            change(CharterChange::UpdateFirstShift(shift.clone())),
            change(CharterChange::InsertFact(fact)),
        ];
        self.commit(changes, entry).await?;
        Ok(shift)
    }

    /// Who built it when the shift began or builds it now: a role that is taken away meanwhile does not make
    /// a builder's act anybody's.
    async fn shift_builders(&self, shift: &FirstShift) -> Result<BTreeSet<String>, Problem> {
        let mut out = self.engineers(&shift.workflow).await?;
        out.extend(shift.engineers.split_whitespace().map(str::to_owned));
        Ok(out)
    }

    /// What builders did to the workflow from the beginning of the shift until `to`, each entry named.
    async fn builders_acts(
        &self,
        shift: &FirstShift,
        builders: &BTreeSet<String>,
        to: Timestamp,
    ) -> Result<Vec<String>, Problem> {
        let mut found = Vec::new();
        let each = |index: Option<u64>, leaf: &[u8]| {
            let entry = Logged::read(leaf)?;
            let by = entry.actor.strip_prefix("person:");
            let by = by.filter(|p| builders.contains(*p));
            if let (Some(by), true) = (by, entry.at >= shift.from && entry.at <= to)
                && is_act(&entry.kind)
            {
                let place = index.map_or(String::new(), |i| format!(", entry {i}"));
                let at = entry.at.rfc3339();
                found.push(format!("{by}: {} at {at}{place}", entry.kind));
            }
            Ok(())
        };
        self.each_leaf(&shift.workflow, shift.log_from, each)
            .await?;
        let more = found.len().saturating_sub(NAMED);
        found.truncate(NAMED);
        if more > 0 {
            found.push(format!("and {more} more"));
        }
        Ok(found)
    }
}

/// An entry that does something. Opening a page and being refused do not.
fn is_act(kind: &str) -> bool {
    !kind.starts_with("access.") && !LOOKS.iter().any(|look| kind.starts_with(look))
}

fn trained(name: &str, by: &str, wanted: &str, facts: &Facts) -> Result<(), Problem> {
    let fact = facts.about(Statement::Training, by);
    if fact.is_some_and(|f| f.value == wanted) {
        return Ok(());
    }
    let words = match fact {
        Some(_) => format!("the tiers of {name} changed since the training of {by}"),
        None => format!("{by} has not passed the practice of {name}"),
    };
    Err(Problem::new("training_needed", words)
        .way_out(format!("ten cases: /workflows/{name}/practice"))
        .with("practice", format!("/workflows/{name}/practice")))
}

/// Names of the cases of the person's newest practice and newest first shift.
fn seen(
    name: &str,
    by: &str,
    wanted: &str,
    (live, facts): (&LiveRelease, &Facts),
    before: Option<&FirstShift>,
) -> Result<BTreeSet<String>, Problem> {
    let mut out = BTreeSet::new();
    if let Some(last) = facts.about(Statement::Practice, by) {
        let drawn = seed(name, by, wanted, tries(&last.value));
        let cases = exercises(&live.package.cases(), &drawn);
        out.extend(cases.unwrap_or_default().into_iter().map(|c| c.name));
    }
    if let Some(before) = before {
        out.extend(kept_cases(before)?.into_iter().map(|c| c.name));
    }
    Ok(out)
}

/// Adds decisions to those that were taken; one that was taken stands.
fn merged(
    shift: &mut FirstShift,
    cases: &[ShiftCase],
    answers: &[(u32, bool)],
) -> Result<ShiftAnswers, Problem> {
    let mut said = kept_answers(shift)?;
    if answers.is_empty() {
        return Err(Problem::new("bad_request", "no case is decided")
            .field("answers")
            .way_out("decide a case, or all that are left"));
    }
    for (number, approve) in answers {
        if !cases.iter().any(|c| c.number == *number) {
            let words = format!("there is no case {number}: 1 to {}", cases.len());
            return Err(Problem::new("bad_request", words).field(format!("case.{number}")));
        }
        if said.insert(*number, *approve).is_some() {
            let words = format!("case {number} was decided");
            return Err(Problem::new("revision_moved", words).way_out("decide those that are left"));
        }
    }
    shift.answers = json(&said)?;
    Ok(said)
}

pub(super) fn kept_cases(shift: &FirstShift) -> Result<Vec<ShiftCase>, Problem> {
    serde_json::from_str(&shift.cases).map_err(|e| damaged(shift, &e))
}

pub(super) fn kept_answers(shift: &FirstShift) -> Result<ShiftAnswers, Problem> {
    serde_json::from_str(&shift.answers).map_err(|e| damaged(shift, &e))
}

pub(super) fn damaged(shift: &FirstShift, e: &serde_json::Error) -> Problem {
    Problem::new("record_damaged", format!("first shift {}: {e}", shift.seq))
}

fn json(of: &impl serde::Serialize) -> Result<String, Problem> {
    serde_json::to_string(of).map_err(|e| Problem::new("internal", e.to_string()))
}

fn change(change: CharterChange) -> Change {
    Change::Charter(Box::new(change))
}

fn entry(shift: &FirstShift, now: Timestamp, kind: &'static str) -> AuditEntry {
    let by = Actor::Person(shift.person.clone());
    AuditEntry::new(now, by, kind, Subject::Workflow(shift.workflow.clone()))
        .fact("test", shift.seq)
        .fact("state", shift.state.word())
        .fact("person", shift.person.clone())
}
