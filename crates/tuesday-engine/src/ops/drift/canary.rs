//! Asks the live model the canary's cases when it is time, on one node, and says so when it answers
//! otherwise than expected or not at all.

use std::sync::Arc;

use futures::StreamExt as _;
use serde::Serialize;
use tuesday_domain::drift::canary::{
    CanaryMiss, CanarySpec, CanaryState, CanaryVerdict, NOT_ASKED, UNANSWERED, judge, own,
};
use tuesday_domain::eval::{Case, CaseResult};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, CanaryTry, Change, Decision, LoadChange, Subject, Workflow,
};
use tuesday_domain::time::{Span, Timestamp};
use tuesday_domain::trouble::{Category, Trouble};
use tuesday_domain::workflow::Label;
use tuesday_store::ApplyError;

use super::{SYSTEM, signal};
use crate::catalog::LiveRelease;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::eval::{Graders, Item, Purse, Trial, evaluate};
use crate::maintenance::notice;
use crate::ops::GradedOf;

/// The kind of signal that a failed try posts; pause rules can count it.
const KIND: &str = "canary";
/// A try of a node that was killed is given up after so long.
const LEASE: std::time::Duration = std::time::Duration::from_secs(30 * 60);
/// Cases at once: a canary must not push work aside.
const AT_ONCE: usize = 2;
/// A case that failed is asked so often again.
const AGAIN: u32 = 2;
/// Tries that are shown.
const SHOWN: usize = 30;

/// One try, as people see it.
#[derive(Clone, Debug, Serialize)]
pub struct CanaryShown {
    /// From 1.
    pub seq: u32,
    /// `running`, `passed`, `failed` or `unanswered`.
    pub state: &'static str,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Which release answered.
    pub release_id: String,
    /// How many cases were asked.
    pub cases: u32,
    /// Those that did not pass.
    pub misses: Vec<CanaryMiss>,
    /// What it cost in millionths; absent when unknown.
    pub cost_micros: Option<i64>,
}

/// The canary of a workflow.
#[derive(Clone, Debug, Serialize)]
pub struct Canary {
    /// What is declared.
    pub spec: CanarySpec,
    /// Tries, the newest first.
    pub tries: Vec<CanaryShown>,
}

fn shown(t: CanaryTry) -> CanaryShown {
    CanaryShown {
        seq: t.seq,
        state: t.state.word(),
        started_at: t.started_at.rfc3339(),
        ended_at: t.ended_at.map(Timestamp::rfc3339),
        release_id: t.release.to_string(),
        cases: t.cases,
        misses: serde_json::from_str(&t.misses).unwrap_or_default(),
        cost_micros: t.cost_micros,
    }
}

/// Whether a try is due after the newest one; a release is asked as soon as it is live.
fn due(every: Span, newest: Option<&CanaryTry>, live: &LiveRelease, now: Timestamp) -> bool {
    newest.is_none_or(|t| t.release != live.id || t.started_at.plus(every.0) <= now)
}

impl Engine {
    /// The canary of a workflow; nothing without a declared one.
    pub(super) async fn canary(
        &self,
        live: &LiveRelease,
        name: &str,
    ) -> Result<Option<Canary>, Problem> {
        let Some(spec) = live.ready.def.canary.clone() else {
            return Ok(None);
        };
        let tries = self.0.reader.canary_tries(name, SHOWN).await;
        let tries = tries.map_err(read_problem)?;
        Ok(Some(Canary {
            spec,
            tries: tries.into_iter().map(shown).collect(),
        }))
    }

    /// Asks the canary's cases when it is time. Nothing is asked while the workflow may not call its
    /// model. Of two nodes one does it.
    ///
    /// # Errors
    /// When the database does not answer or the release cannot be loaded.
    pub(crate) async fn watch_canary(&self, seen: &Workflow) -> Result<(), Problem> {
        if seen.label == Label::Retired || !seen.acts() {
            return Ok(());
        }
        let (row, live) = self.live(&seen.name).await?;
        let Some(spec) = &live.ready.def.canary else {
            return Ok(());
        };
        let tries = self.0.reader.canary_tries(&row.name, UNANSWERED).await;
        let tries = tries.map_err(read_problem)?;
        let now = self.now();
        if let Some(open) = tries.first().filter(|t| t.state == CanaryState::Running) {
            if open.started_at.plus(LEASE) > now {
                return Ok(());
            }
            let silent = CanaryVerdict {
                state: CanaryState::Unanswered,
                misses: Vec::new(),
                cost_micros: None,
            };
            return self
                .canary_ended(&live, open.clone(), silent, &tries[1..])
                .await;
        }
        if !due(spec.every, tries.first(), &live, now) {
            return Ok(());
        }
        let cases = chosen(spec, &live.package.cases());
        let begun = CanaryTry {
            workflow: row.name.clone(),
            seq: tries.first().map_or(0, |t| t.seq) + 1,
            state: CanaryState::Running,
            ended_at: None,
            misses: "[]".to_owned(),
            cost_micros: None,
            revision: 0,
            release: live.id,
            cases: u32::try_from(cases.len()).unwrap_or(u32::MAX),
            started_at: now,
        };
        let entry = entry("canary.begun", &begun, now);
        let change = Change::Load(Box::new(LoadChange::BeginCanary(begun.clone())));
        match self
            .apply(Decision {
                changes: vec![change],
                entry,
            })
            .await
        {
            // Another node is at it.
            Err(ApplyError::Conflict { .. }) => return Ok(()),
            done => done.map_err(apply_problem)?,
        };
        let (results, refused) = Box::pin(self.ask_cases(&live, &cases)).await?;
        let verdict = match refused {
            None => judge(&results),
            // What the limit left unasked says nothing about the model.
            Some(why) => judge(&results).not_asked(spec, &why),
        };
        self.canary_ended(&live, begun, verdict, &tries).await
    }

    /// Every case once, and twice more where the answer was not as expected; and why the limit let not all of
    /// them be asked, when it did not.
    async fn ask_cases(
        &self,
        live: &LiveRelease,
        cases: &[Case],
    ) -> Result<(Vec<CaseResult>, Option<String>), Problem> {
        let name = &live.ready.def.workflow.name;
        let rules = self.live_rules(name).await?;
        let zone = &live.ready.zone;
        let purse = Purse::new(self.clone(), name.clone(), zone.clone(), "canary");
        let purse = Arc::new(purse);
        let graders = Graders::of(
            &live.package,
            Arc::clone(&live.ready),
            Arc::clone(&self.0.ports.model),
        );
        let graders = Arc::new(graders.paid_from(Arc::clone(&purse)));
        let trial = Trial::of(
            Arc::clone(&live.ready),
            &rules.csv,
            Arc::clone(&live.artifact),
            live.hash,
            Arc::clone(&self.0.ports.model),
        )?;
        let trial = trial
            .priced(self.token_price(&live.ready, self.now()))
            .paid_from(Arc::clone(&purse));
        let trial = Arc::new(trial.graded_by(Arc::clone(&graders)));
        let mut out = tried(&trial, cases, 1).await;
        let failed = |r: &&mut CaseResult| r.trials.iter().any(|t| !t.faults.is_empty());
        for result in out.iter_mut().filter(failed) {
            let again = cases.iter().filter(|c| c.name == result.case);
            let again: Vec<Case> = again.cloned().collect();
            for more in tried(&trial, &again, AGAIN).await {
                result.trials.extend(more.trials);
            }
        }
        let asked = || GradedOf {
            workflow: name,
            release: live.id,
            zone,
            about: "canary",
        };
        self.keep_graded(&graders, asked()).await?;
        self.keep_tried(&trial, asked()).await?;
        Ok((out, purse.refused()))
    }

    async fn canary_ended(
        &self,
        live: &LiveRelease,
        mut row: CanaryTry,
        verdict: CanaryVerdict,
        before: &[CanaryTry],
    ) -> Result<(), Problem> {
        let now = self.now();
        row.state = verdict.state;
        row.ended_at = Some(now);
        row.cost_micros = verdict.cost_micros;
        row.misses = serde_json::to_string(&verdict.misses)
            .map_err(|e| Problem::new("internal", e.to_string()))?;
        row.revision += 1;
        let names: Vec<&str> = verdict.misses.iter().map(|m| m.case.as_str()).collect();
        let entry = entry(ended(verdict.state), &row, now)
            .fact("cases", row.cases)
            .fact("missed", names.join(" "));
        let mut changes = vec![Change::Load(Box::new(LoadChange::EndCanary(row.clone())))];
        changes.extend(self.canary_told(live, &row, &verdict, before));
        match self.apply(Decision { changes, entry }).await {
            Ok(_) | Err(ApplyError::Conflict { .. }) => Ok(()),
            Err(e) => Err(apply_problem(e)),
        }
    }

    /// The incident, the signal, and word to the technical owner; nothing for a try that says nothing.
    fn canary_told(
        &self,
        live: &LiveRelease,
        row: &CanaryTry,
        verdict: &CanaryVerdict,
        before: &[CanaryTry],
    ) -> Vec<Change> {
        let name = &row.workflow;
        let silent = before.iter().take(UNANSWERED - 1);
        if let Some(why) = verdict.left_unasked() {
            return self.canary_unasked(live, name, why, before);
        }
        let words = match verdict.state {
            CanaryState::Failed => {
                let first = verdict.misses.first();
                let first =
                    first.map_or_else(String::new, |m| format!(": {} ({})", m.case, m.words));
                let failed = verdict.misses.len();
                format!(
                    "{failed} of {} canary cases are not answered as expected{first}",
                    row.cases
                )
            }
            CanaryState::Unanswered
                if before.len() + 1 >= UNANSWERED
                    && silent
                        .clone()
                        .all(|t| t.state == CanaryState::Unanswered && !unasked(t)) =>
            {
                format!("{UNANSWERED} tries of the canary in a row had no answer")
            }
            _ => return Vec::new(),
        };
        let trouble = Trouble::new(Category::CanaryFailed, name.clone(), Some(name), &words);
        let now = self.now();
        let mut out = vec![
            signal(name, KIND, row.seq, now),
            self.report_trouble(trouble),
        ];
        // Told once, until it is otherwise.
        let streak = if verdict.state == CanaryState::Failed {
            1
        } else {
            UNANSWERED
        };
        let known = before.get(streak - 1);
        if known.is_none_or(|t| t.state != verdict.state || unasked(t)) {
            let owner = live.ready.def.owners.technical.handle.clone();
            let path = format!("/workflows/{name}/drift");
            let told = notice(
                owner,
                name.clone(),
                "canary_failed",
                format!("{name}: {words}"),
                path,
                now,
            );
            out.push(Change::InsertNotice(Box::new(told)));
        }
        out
    }

    /// The limit left the model unasked: no fault of the model, so only the technical owner hears, once while it
    /// goes on.
    fn canary_unasked(
        &self,
        live: &LiveRelease,
        name: &str,
        why: &str,
        before: &[CanaryTry],
    ) -> Vec<Change> {
        if before.first().is_some_and(unasked) {
            return Vec::new();
        }
        let owner = live.ready.def.owners.technical.handle.clone();
        let title = format!("{name}: the canary was not asked: {why}");
        let path = format!("/workflows/{name}/drift");
        let kind = "canary_not_asked";
        let told = notice(owner, name.to_owned(), kind, title, path, self.now());
        vec![Change::InsertNotice(Box::new(told))]
    }
}

/// Whether the limit left this try unasked.
fn unasked(t: &CanaryTry) -> bool {
    let misses: Vec<CanaryMiss> = serde_json::from_str(&t.misses).unwrap_or_default();
    misses.iter().any(|m| m.words.starts_with(NOT_ASKED))
}

fn chosen(spec: &CanarySpec, pack: &[Case]) -> Vec<Case> {
    let named = spec.cases.iter();
    named
        .filter_map(|name| pack.iter().find(|c| c.name == *name))
        .map(own)
        .collect()
}

async fn tried(trial: &Arc<Trial>, cases: &[Case], repeats: u32) -> Vec<CaseResult> {
    let items = cases.iter().cloned().map(|case| Item {
        case,
        hash: String::new(),
        known: None,
    });
    let told = evaluate(trial, None, items, repeats, AT_ONCE).map(|(_, result, _)| result);
    let mut out: Vec<CaseResult> = told.collect().await;
    // A trial that panicked leaves no result: its case was not answered.
    let lost = cases
        .iter()
        .filter(|c| !out.iter().any(|r| r.case == c.name));
    let lost: Vec<CaseResult> = lost
        .map(|c| CaseResult {
            case: c.name.clone(),
            hash: String::new(),
            trials: Vec::new(),
        })
        .collect();
    out.extend(lost);
    out
}

const fn ended(state: CanaryState) -> &'static str {
    match state {
        CanaryState::Running => "canary.begun",
        CanaryState::Passed => "canary.passed",
        CanaryState::Failed => "canary.failed",
        CanaryState::Unanswered => "canary.unanswered",
    }
}

fn entry(kind: &'static str, row: &CanaryTry, now: Timestamp) -> AuditEntry {
    AuditEntry::new(now, SYSTEM, kind, Subject::Workflow(row.workflow.clone()))
        .fact("try", row.seq)
        .fact("release", row.release.to_string())
}
