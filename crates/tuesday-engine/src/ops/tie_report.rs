//! A person says which run a report is about, after it came without one or was tied to another by a guess.
//! Whoever reported it is believed: what they named is not changed.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::{ProblemReportId, RunId};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Change, Decision, DeskChange, ProblemReport, ProblemTie, Subject,
};

use super::task::not_found;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::maintenance::notice;

impl Engine {
    /// Ties a report to a run. With another workflow it gets that one's operator owner, who is told.
    ///
    /// # Errors
    /// `not_found` for the report or the run, `illegal_state` once it is answered, is tied to that run
    /// already or names its run itself, `not_allowed` unless `by` owns it or its workflow, and may read the
    /// run's.
    pub async fn tie_report(
        &self,
        id: ProblemReportId,
        to: RunId,
        by: &str,
    ) -> Result<ProblemReport, Problem> {
        let reader = &self.0.reader;
        let found = reader.problem_report(id).await.map_err(read_problem)?;
        let mut report = found.ok_or_else(|| not_found(&id.to_string()))?;
        self.answers_report(&report, by).await?;
        let run = reader.run(to).await.map_err(read_problem)?;
        let run = run.ok_or_else(|| not_found(&to.to_string()))?;
        if !self.rights(by).await?.may(Act::ReadWork, &run.workflow) {
            let words = format!("{by} may not read {}", run.workflow);
            return Err(Problem::new("not_allowed", words)
                .way_out("ask somebody who may, or name a run of a workflow that you read"));
        }
        tieable(&report, to)?;
        let (before, old_owner) = (report.tied_by, report.owner.clone());
        if report.workflow.as_deref() != Some(run.workflow.as_str()) {
            report.owner = self.answers_for(Some(&run.workflow)).await?;
        }
        report.workflow = Some(run.workflow.clone());
        report.run = Some(to);
        report.tied_by = ProblemTie::Hand;
        report.version += 1;
        let now = self.now();
        let subject = Subject::Workflow(run.workflow.clone());
        let mut entry = AuditEntry::new(now, Actor::Person(by.to_owned()), "problem.tied", subject)
            .fact("report", id.to_string())
            .fact("about", to.to_string())
            .fact("owner", report.owner.clone());
        entry
            .moves
            .push(format!("problem {before} {}", report.tied_by));
        let mut changes = vec![Change::Desk(Box::new(DeskChange::UpdateProblem(
            report.clone(),
        )))];
        if report.owner != old_owner {
            let told = notice(
                report.owner.clone(),
                run.workflow.clone(),
                "problem_reported",
                format!("{}: somebody reported a problem", run.workflow),
                format!("/problem-reports/{id}"),
                now,
            );
            changes.push(Change::InsertNotice(Box::new(told)));
        }
        let decision = Decision { changes, entry };
        self.apply(decision).await.map_err(apply_problem)?;
        Ok(report)
    }
}

fn tieable(report: &ProblemReport, to: RunId) -> Result<(), Problem> {
    let why = if report.state.is_answered() {
        "it has its answer"
    } else if report.run == Some(to) {
        "it is tied to that run already"
    } else if report.tied_by == ProblemTie::Run {
        "whoever reported it named its run"
    } else {
        return Ok(());
    };
    let words = format!("{} cannot be tied: {why}", report.id);
    Err(Problem::new("illegal_state", words).field("run_id"))
}
