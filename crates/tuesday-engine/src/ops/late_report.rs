//! Tells people once that a report has no answer although its limit is over: its owner, and whoever answers for
//! the workflow. The notice's id follows from what it is about, so two nodes tell it once.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use tuesday_domain::actor::Actor;
use tuesday_domain::id::{NoticeId, ProblemReportId};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, ProblemReport, Subject};
use tuesday_store::{ApplyError, ProblemFilter};

use super::charter::named;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::maintenance::notice;

/// Reports that are read at once.
const PAGE: usize = 100;

/// Reports and owners that this node knows to be told, so that a report nobody answers is not looked up again
/// in every pass. It forgets them when it starts anew, and finds the notice then.
#[derive(Default)]
pub(crate) struct LateTold(Mutex<HashSet<(ProblemReportId, String)>>);

impl LateTold {
    fn has(&self, report: &ProblemReport) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(&(report.id, report.owner.clone()))
    }

    fn keep(&self, report: &ProblemReport) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert((report.id, report.owner.clone()));
    }
}

impl Engine {
    /// Every report whose answer is overdue and that its owner was not told of yet.
    pub(crate) async fn tell_late_reports(&self) -> Result<(), Problem> {
        let filter = ProblemFilter {
            open: true,
            due_before: Some(self.now()),
            ..ProblemFilter::default()
        };
        let mut after = None;
        loop {
            let found = self.0.reader.problem_reports(&filter, after, PAGE).await;
            let found = found.map_err(read_problem)?;
            for report in found.iter().filter(|r| !self.0.late_told.has(r)) {
                if self.tell_late_report(report).await? {
                    self.0.late_told.keep(report);
                }
            }
            after = found.last().map(|r| (r.due_at, r.id));
            if found.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Whether its owner had been told before.
    async fn tell_late_report(&self, report: &ProblemReport) -> Result<bool, Problem> {
        let told = |person: &str| {
            let id = named(&report.id.to_string(), "problem_late", person);
            NoticeId::new(id.uuid())
        };
        let known = self.0.reader.notice(told(&report.owner)).await;
        if known.map_err(read_problem)?.is_some() {
            return Ok(true);
        }
        let now = self.now();
        let place = report.workflow.clone().unwrap_or_default();
        let mut people = vec![report.owner.clone()];
        if let Some(name) = &report.workflow {
            people.push(self.standing(name).await?.owner);
        }
        people.sort();
        people.dedup();
        let subject = report
            .workflow
            .clone()
            .map_or(Subject::Instance, Subject::Workflow);
        let entry = AuditEntry::new(now, Actor::System("problems"), "problem.late", subject)
            .fact("report", report.id.to_string())
            .fact("owner", report.owner.clone())
            .fact("due", report.due_at.rfc3339());
        let mut changes = Vec::new();
        for person in people {
            let id = told(&person);
            // Who answers for the workflow may have heard of it while somebody else owned it.
            if self
                .0
                .reader
                .notice(id)
                .await
                .map_err(read_problem)?
                .is_some()
            {
                continue;
            }
            let title = format!("{} has not answered a report in time", report.owner);
            let path = format!("/problem-reports/{}", report.id);
            let mut one = notice(person, place.clone(), "problem_late", title, path, now);
            one.id = id;
            changes.push(Change::InsertNotice(Box::new(one)));
        }
        match self.apply(Decision { changes, entry }).await {
            // Another node was faster.
            Ok(_) | Err(ApplyError::Conflict { .. }) => Ok(false),
            Err(e) => Err(apply_problem(e)),
        }
    }
}
