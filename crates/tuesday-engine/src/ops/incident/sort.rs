//! Sorts a problem report by the written criteria: a quality issue, or an incident with category and
//! severity.

use tuesday_domain::id::ProblemReportId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Incident, ProblemReport, ProblemState};
use tuesday_domain::trouble::sort::{Facts, Sorted, sort};
use tuesday_domain::trouble::{Category, Severity};

use super::NewIncident;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::ops::Answer;
use crate::ops::problem::Told;

/// What became of a report.
#[derive(Clone, Debug)]
pub struct SortedReport {
    /// The report with its answer.
    pub report: ProblemReport,
    /// The incident, when it is one.
    pub incident: Option<Incident>,
}

/// How an incident begins that a report is.
pub(crate) struct Opened<'a> {
    pub(crate) category: Category,
    pub(crate) severity: Option<Severity>,
    pub(crate) count: u32,
    pub(crate) extra: &'a [(&'static str, &'static str)],
}

impl Engine {
    /// Applies the criteria to what `by` found out about a report. An incident is opened in the same
    /// decision that answers the report.
    ///
    /// # Errors
    /// `incident_category_required` for an incident without a category, `fix_not_said` for a quality
    /// issue without its layer and whether it takes code, `reason_required` without words, `bad_request` for a count of 0, `not_allowed`, `not_found`, `illegal_state`.
    pub async fn sort_report(
        &self,
        id: ProblemReportId,
        facts: Facts,
        category: Option<Category>,
        answer: impl Into<Answer> + Send,
        by: &str,
    ) -> Result<SortedReport, Problem> {
        let answer = answer.into();
        if facts.count == 0 {
            return Err(Problem::new("bad_request", "at least one output is wrong").field("count"));
        }
        let severity = match sort(facts) {
            Sorted::QualityIssue => {
                let report = self
                    .triage(id, ProblemState::QualityIssue, by, answer)
                    .await?;
                return Ok(SortedReport {
                    report,
                    incident: None,
                });
            }
            Sorted::Incident(severity) => severity,
        };
        let category = category.ok_or_else(|| {
            Problem::new(
                "incident_category_required",
                "by these answers it is an incident, and an incident has a category",
            )
            .field("category")
            .with("severity", severity.word())
            .way_out("name one: wrong_answer, data_exposed, delivery_late, record_missing, connector_failing or source_outage")
        })?;
        let found = self
            .0
            .reader
            .problem_report(id)
            .await
            .map_err(read_problem)?;
        let report = found.ok_or_else(|| Problem::new("not_found", format!("there is no {id}")))?;
        let words = answer.words.clone();
        let (report, told) = self
            .answered(report, ProblemState::Incident, by, answer)
            .await?;
        let extra = [
            ("reach", facts.reach.word()),
            ("reversibility", facts.reversibility.word()),
        ];
        let opened = Opened {
            category,
            severity: Some(severity),
            count: facts.count,
            extra: &extra,
        };
        let incident = self
            .incident_of(&report, told, opened, (by, &words))
            .await?;
        Ok(SortedReport {
            report,
            incident: Some(incident),
        })
    }

    /// Opens the incident that a report is, in the same decision that answers the report.
    pub(crate) async fn incident_of(
        &self,
        report: &ProblemReport,
        told: Told,
        opened: Opened<'_>,
        (by, words): (&str, &str),
    ) -> Result<Incident, Problem> {
        let new = NewIncident {
            category: opened.category,
            severity: opened.severity,
            workflow: report.workflow.clone(),
            words: words.to_owned(),
            runs: report.run.into_iter().collect(),
        };
        let mut h = self.opening(new, by).await?;
        h.incident.count = u64::from(opened.count);
        h.fact("report", report.id.to_string());
        h.fact("report_move", told.moved);
        for (name, value) in told.facts {
            h.fact(name, value);
        }
        for (name, word) in opened.extra {
            h.fact(name, *word);
        }
        for change in told.changes {
            h.also(change);
        }
        let (decision, incident) = h.finish();
        self.apply(decision).await.map_err(apply_problem)?;
        Ok(incident)
    }
}
