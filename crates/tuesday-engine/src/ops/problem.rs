//! Somebody says that an output is wrong, slow or annoying; somebody answers.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::id::{ProblemReportId, ReviewId, RunId};
use tuesday_domain::ledger::entry::fault;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Change, CostCategory, CostEntry, Decision, DeskChange, MoneyChange, ProblemKind,
    ProblemReport, ProblemState, ProblemTie, Run, Subject,
};
use tuesday_domain::trouble::Category;
use tuesday_domain::trouble::incident::FixLayer;
use tuesday_store::RunFilter;

use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;
use crate::maintenance::notice;
use crate::ops::cost::unbookable;
use crate::ops::incident::{Opened, answered_without_code};

/// Most bytes of words.
pub(super) const MOST: usize = 8 * 1_024;
/// From the report until the answer is due.
pub(super) const ANSWER: Duration = Duration::from_secs(3 * 86_400);

/// What somebody says, and what they know about the case.
#[derive(Clone, Debug)]
pub struct Complaint {
    /// What it says.
    pub kind: ProblemKind,
    /// Free words; may be empty where the case is named and the kind says enough.
    pub words: String,
    /// The run, when the reporter knows it.
    pub run: Option<RunId>,
    /// The task, when the reporter knows it.
    pub review: Option<ReviewId>,
    /// The record that was written to, or words of its subject.
    pub record: Option<String>,
    /// The workflow, when the reporter knows it.
    pub workflow: Option<String>,
    /// Who reports: a handle, an address.
    pub reported_by: String,
}

/// What is said when a report is answered.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The answer; whoever reported reads it.
    pub words: String,
    /// For a wrong output: in which layer the error is fixed.
    pub layer: Option<FixLayer>,
    /// For a wrong output: whether somebody who writes no code can fix the next one.
    pub without_code: Option<bool>,
    /// How long it took; booked as support.
    pub minutes: Option<u32>,
}

impl From<&str> for Answer {
    fn from(words: &str) -> Self {
        Self {
            words: words.to_owned(),
            ..Self::default()
        }
    }
}

/// What sorting a report stores, and what the log says of it.
pub(crate) struct Told {
    pub(crate) moved: String,
    pub(crate) facts: Vec<(&'static str, serde_json::Value)>,
    pub(crate) changes: Vec<Change>,
}

impl Engine {
    /// Keeps the report, tied to its run where one is found, with an owner and a due time.
    ///
    /// # Errors
    /// `report_empty` when it says nothing, `body_too_large`, `not_found` for a run or task that
    /// is named and not there.
    pub async fn report_problem(&self, c: Complaint, by: &Actor) -> Result<ProblemReport, Problem> {
        let (run, tied_by) = self.tied(&c).await?;
        let (report, decision) = self.reported(c, run, tied_by, by).await?;
        self.apply(decision).await.map_err(apply_problem)?;
        Ok(report)
    }

    /// The report and the decision that keeps it. Nothing is stored yet.
    pub(super) async fn reported(
        &self,
        c: Complaint,
        run: Option<Run>,
        tied_by: ProblemTie,
        by: &Actor,
    ) -> Result<(ProblemReport, Decision), Problem> {
        if c.words.len() > MOST {
            return Err(
                Problem::new("body_too_large", "a report holds at most 8 KiB of words")
                    .field("words"),
            );
        }
        let named = c.run.is_some() || c.review.is_some() || c.record.is_some();
        if c.words.trim().is_empty() && !(named && c.kind != ProblemKind::Other) {
            return Err(Problem::new("report_empty", "the report says nothing")
                .field("words")
                .way_out("say in a sentence what is wrong, or name the case and pick wrong, slow or annoying"));
        }
        let workflow = run.as_ref().map(|r| r.workflow.clone()).or(c.workflow);
        let owner = self.answers_for(workflow.as_deref()).await?;
        let now = self.now();
        let report = ProblemReport {
            id: ids::problem_report(),
            state: ProblemState::New,
            owner,
            due_at: now.plus(ANSWER),
            answer: None,
            answered_by: None,
            answered_at: None,
            fix_layer: None,
            without_code: None,
            minutes: None,
            version: 1,
            kind: c.kind,
            words: c.words,
            reported_by: c.reported_by,
            workflow,
            run: run.map(|r| r.id),
            tied_by,
            asked_for: c.record,
            created_at: now,
        };
        let subject = report
            .workflow
            .clone()
            .map_or(Subject::Instance, Subject::Workflow);
        let mut entry = AuditEntry::new(now, by.clone(), "problem.reported", subject)
            .fact("report", report.id.to_string())
            .fact("kind", report.kind.word())
            .fact("tied_by", tied_by.word())
            .fact("owner", report.owner.clone());
        if let Some(run) = report.run {
            entry = entry.fact("about", run.to_string());
        }
        let title = match &report.workflow {
            Some(w) => format!("{w}: somebody reported a problem"),
            None => "Somebody reported a problem that fits no run".to_owned(),
        };
        let told = notice(
            report.owner.clone(),
            report.workflow.clone().unwrap_or_default(),
            "problem_reported",
            title,
            format!("/problem-reports/{}", report.id),
            now,
        );
        let changes = vec![
            Change::Desk(Box::new(DeskChange::InsertProblem(report.clone()))),
            Change::InsertNotice(Box::new(told)),
        ];
        Ok((report, Decision { changes, entry }))
    }

    /// The run a report is about: named, or the only one whose subject or event fits the words.
    async fn tied(&self, c: &Complaint) -> Result<(Option<Run>, ProblemTie), Problem> {
        let reader = &self.0.reader;
        let missing = |id: String| Problem::new("not_found", format!("there is no {id}"));
        let mut id = c.run;
        if let Some(review) = c.review {
            let found = reader.review(review).await.map_err(read_problem)?;
            id = Some(found.ok_or_else(|| missing(review.to_string()))?.run);
        }
        if let Some(id) = id {
            let run = reader.run(id).await.map_err(read_problem)?;
            return Ok((
                Some(run.ok_or_else(|| missing(id.to_string()))?),
                ProblemTie::Run,
            ));
        }
        if let Some(record) = c.record.as_deref().map(str::trim).filter(|r| !r.is_empty()) {
            let written = reader.run_written_to(record).await.map_err(read_problem)?;
            if let Some(id) = written {
                let run = reader.run(id).await.map_err(read_problem)?;
                return Ok((run, ProblemTie::Record));
            }
            let filter = RunFilter {
                workflow: c.workflow.clone(),
                text: Some(record.to_owned()),
                ..RunFilter::default()
            };
            let mut found = reader
                .run_page(&filter, None, 2)
                .await
                .map_err(read_problem)?;
            // Two cases that fit are none: a person ties the report.
            if found.len() == 1 {
                return Ok((found.pop(), ProblemTie::Words));
            }
        }
        Ok((None, ProblemTie::Nothing))
    }

    /// The operator owner of the workflow; without one, that of the first workflow.
    pub(super) async fn answers_for(&self, workflow: Option<&str>) -> Result<String, Problem> {
        if let Some(name) = workflow {
            return Ok(self.known_workflow(name).await?.owner.clone());
        }
        let all = self.0.reader.workflows().await.map_err(read_problem)?;
        all.into_iter().next().map(|w| w.owner).ok_or_else(|| {
            Problem::new(
                "unknown_workflow",
                "no workflow is installed, so nobody answers for it",
            )
        })
    }

    /// Sorts a report: somebody is on it (`triaged`), or it has its answer. What is an incident opens
    /// one, of a late delivery or a wrong answer by what was reported; [`Engine::sort_report`] applies
    /// the written criteria.
    ///
    /// # Errors
    /// `illegal_state` for an answered report, `reason_required` for an answer without words,
    /// `fix_not_said` for a wrong output without its layer and whether it takes code, `cost_invalid` for
    /// minutes that cannot be booked, `not_allowed` unless `by` owns it or the workflow.
    pub async fn triage(
        &self,
        id: ProblemReportId,
        to: ProblemState,
        by: &str,
        answer: impl Into<Answer> + Send,
    ) -> Result<ProblemReport, Problem> {
        let answer = answer.into();
        let words = answer.words.clone();
        let found = self
            .0
            .reader
            .problem_report(id)
            .await
            .map_err(read_problem)?;
        let report = found.ok_or_else(|| Problem::new("not_found", format!("there is no {id}")))?;
        let (report, told) = self.answered(report, to, by, answer).await?;
        if to == ProblemState::Incident {
            let category = match report.kind {
                ProblemKind::Slow => Category::DeliveryLate,
                _ => Category::WrongAnswer,
            };
            let opened = Opened {
                category,
                severity: None,
                count: 1,
                extra: &[],
            };
            let said = (by, words.as_str());
            Box::pin(self.incident_of(&report, told, opened, said)).await?;
            return Ok(report);
        }
        let subject = report
            .workflow
            .clone()
            .map_or(Subject::Instance, Subject::Workflow);
        let mut entry = AuditEntry::new(
            self.now(),
            Actor::Person(by.to_owned()),
            "problem.sorted",
            subject,
        )
        .fact("report", id.to_string());
        entry.moves.push(told.moved);
        for (name, value) in told.facts {
            entry = entry.fact(name, value);
        }
        let changes = told.changes;
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        Ok(report)
    }

    /// The report as it is once `by` has sorted it, and what is stored and told of it. Nothing is stored
    /// yet.
    pub(super) async fn answered(
        &self,
        mut report: ProblemReport,
        to: ProblemState,
        by: &str,
        answer: Answer,
    ) -> Result<(ProblemReport, Told), Problem> {
        self.answers_report(&report, by).await?;
        let from = report.state;
        report.state = from
            .sorted_as(to)
            .map_err(|e| Problem::new("illegal_state", e.to_string()).field("state"))?;
        let now = self.now();
        if to.is_answered() {
            if answer.words.trim().is_empty() {
                return Err(
                    Problem::new("reason_required", "an answer needs words").field("answer")
                );
            }
            self.closed_as(&mut report, to, &answer)?;
            report.answer = Some(answer.words);
            report.answered_by = Some(by.to_owned());
            report.answered_at = Some(now);
        } else {
            if answer.minutes.is_some() {
                let words = "minutes are said with the answer";
                return Err(Problem::new("bad_request", words).field("minutes"));
            }
            by.clone_into(&mut report.owner);
        }
        report.version += 1;
        let mut told = Told {
            moved: format!("problem {from} {to}"),
            facts: Vec::new(),
            changes: vec![Change::Desk(Box::new(DeskChange::UpdateProblem(
                report.clone(),
            )))],
        };
        if let Some(layer) = report.fix_layer {
            told.facts.push(("fix_layer", layer.word().into()));
        }
        if let Some(yes) = report.without_code {
            told.facts.push(("without_code", yes.into()));
        }
        if let Some(minutes) = report.minutes {
            let entry = self.support_of(&report, minutes, by).await?;
            told.facts.push(("minutes", minutes.into()));
            told.facts.push(("cost_entry", entry.id.to_string().into()));
            let entry = MoneyChange::InsertEntry(entry);
            told.changes.push(Change::Money(Box::new(entry)));
        }
        Ok((report, told))
    }

    /// Whoever owns a report answers it, and whoever answers for its workflow.
    pub(super) async fn answers_report(
        &self,
        report: &ProblemReport,
        by: &str,
    ) -> Result<(), Problem> {
        let owners = match &report.workflow {
            Some(name) => {
                let (_, live) = self.live(name).await?;
                let o = &live.ready.def.owners;
                vec![
                    o.operator.handle.clone(),
                    o.backup.handle.clone(),
                    o.technical.handle.clone(),
                ]
            }
            None => Vec::new(),
        };
        if report.owner != by && !owners.iter().any(|o| o == by) {
            return Err(
                Problem::new("not_allowed", format!("{by} does not answer this report"))
                    .with("people", vec![report.owner.clone()])
                    .way_out("ask its owner"),
            );
        }
        Ok(())
    }

    /// What is asked of an answer: an error is closed with its layer and whether the next one takes code.
    /// An incident is asked when people look back on it.
    fn closed_as(
        &self,
        report: &mut ProblemReport,
        to: ProblemState,
        answer: &Answer,
    ) -> Result<(), Problem> {
        if to == ProblemState::QualityIssue {
            let layer = answer.layer.ok_or_else(|| {
                Problem::new("fix_not_said", "say in which layer the error is fixed")
                    .field("fixed_in")
                    .way_out("one of input, prompt, model, rules, connector, process, platform")
            })?;
            report.fix_layer = Some(layer);
            report.without_code = Some(answered_without_code(answer.without_code)?);
        }
        report.minutes = answer.minutes;
        Ok(())
    }

    /// The minutes of an answer as a cost of support; the report's id counts once.
    async fn support_of(
        &self,
        report: &ProblemReport,
        minutes: u32,
        by: &str,
    ) -> Result<CostEntry, Problem> {
        let day = self.today(report.workflow.as_deref()).await?.to_string();
        let entry = CostEntry {
            id: ids::cost_entry(),
            category: CostCategory::Support,
            workflow: report.workflow.clone(),
            day_from: day.clone(),
            day_to: day,
            amount_micros: None,
            currency: None,
            minutes: Some(i64::from(minutes)),
            person: Some(by.to_owned()),
            vendor: None,
            bucket: None,
            words: format!("answering {}", report.id),
            reference: Some(report.id.to_string()),
            reverses: None,
            entered_by: by.to_owned(),
            entered_at: self.now(),
        };
        if let Some((field, why)) = fault(&entry) {
            return Err(unbookable(field, why));
        }
        self.within_a_day(&entry, &[]).await?;
        Ok(entry)
    }
}
