//! What the people of a workflow have to talk about in a week besides its figures: feedback with its answers,
//! incidents, decisions, and where people overrode the machine. In words without content; each leads to its
//! record.

use serde::Serialize;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{DecisionRecord, Incident, ProblemReport, Review};
use tuesday_domain::time::Timestamp;
use tuesday_store::{IncidentFilter, ProblemFilter};

use crate::engine::{Engine, read_problem};

/// Records of each kind.
const MOST: usize = 200;
/// Overdue reports that the agenda names one by one.
const NAMED: usize = 3;

/// One record of the week.
#[derive(Clone, Debug, Serialize)]
pub struct WeeklyItem {
    /// What it is about, without content.
    pub words: String,
    /// Where it stands.
    pub state: String,
    /// When it came in, was opened or decided, RFC 3339.
    pub at: String,
    /// A report whose answer is due and not given.
    pub overdue: bool,
    /// Somebody still has to do something.
    pub open: bool,
    /// Its page.
    pub path: String,
}

/// What there is to talk about; at most 200 of each.
#[derive(Clone, Debug, Default, Serialize)]
pub struct WeeklyTalk {
    /// Reports that came in in this week, and those without an answer: overdue ones first, then the open ones,
    /// then the answered ones.
    pub reports: Vec<WeeklyItem>,
    /// Incidents that were opened in this week or are still open, the newest first.
    pub incidents: Vec<WeeklyItem>,
    /// What was decided about the workflow, the newest first.
    pub decisions: Vec<WeeklyItem>,
    /// Where a person overrode the machine, the newest first.
    pub overrides: Vec<WeeklyItem>,
}

fn day(at: Timestamp) -> String {
    at.rfc3339().chars().take(10).collect()
}

fn report(r: &ProblemReport, now: Timestamp) -> WeeklyItem {
    let open = !r.state.is_answered();
    let overdue = open && r.due_at < now;
    let due = if overdue {
        format!("its answer was due {}", day(r.due_at))
    } else if open {
        format!("its answer is due {}", day(r.due_at))
    } else {
        let by = r.answered_by.as_deref().unwrap_or(&r.owner);
        format!("answered by {by}")
    };
    WeeklyItem {
        words: format!("{}: {due}; {} answers for it", r.kind, r.owner),
        state: if overdue { "overdue" } else { r.state.word() }.to_owned(),
        at: r.created_at.rfc3339(),
        overdue,
        open,
        path: format!("/problem-reports/{}", r.id),
    }
}

fn incident(i: &Incident) -> WeeklyItem {
    WeeklyItem {
        words: format!("{}, {}: {}", i.severity, i.category, i.title),
        state: i.state.word().to_owned(),
        at: i.opened_at.rfc3339(),
        overdue: false,
        open: i.state.is_open(),
        path: format!("/incidents/{}", i.id),
    }
}

fn decision(d: &DecisionRecord) -> WeeklyItem {
    WeeklyItem {
        words: format!("{} ({})", d.question, d.decided_by),
        state: d.choice.word().to_owned(),
        at: d.decided_at.rfc3339(),
        overdue: false,
        open: false,
        path: format!("/workflows/{}#{}", d.workflow, d.id),
    }
}

fn overridden(r: &Review) -> WeeklyItem {
    let by = r.decided_by.as_deref().unwrap_or_default();
    let why = r.decision_reason.as_deref().unwrap_or("no reason");
    WeeklyItem {
        words: format!("{} ({by})", why.replace('_', " ")),
        state: r.override_kind.map_or("", |k| k.word()).to_owned(),
        at: r.decided_at.unwrap_or(r.created_at).rfc3339(),
        overdue: false,
        open: false,
        path: format!("/runs/{}", r.run),
    }
}

impl WeeklyTalk {
    /// What is put on the agenda before anything else, with the page that says more.
    pub(super) fn agenda(&self, workflow: &str) -> Vec<(String, String)> {
        let overdue: Vec<&WeeklyItem> = self.reports.iter().filter(|r| r.overdue).collect();
        let mut out: Vec<(String, String)> = overdue
            .iter()
            .take(NAMED)
            .map(|r| (format!("Unanswered feedback, {}.", r.words), r.path.clone()))
            .collect();
        let page = format!("/problem-reports?workflow={workflow}");
        if overdue.len() > NAMED {
            let words = format!(
                "Unanswered feedback past its limit: {} more.",
                overdue.len() - NAMED
            );
            out.push((words, format!("{page}&late=1")));
        }
        let waiting = self.reports.iter().filter(|r| r.open && !r.overdue).count();
        if waiting > 0 {
            let words = format!("Feedback that waits for its answer, within the limit: {waiting}.");
            out.push((words, page));
        }
        let open = self.incidents.iter().filter(|i| i.open).count();
        if open > 0 {
            let words = format!("Incidents still open: {open}. Who ends them?");
            out.push((words, format!("/incidents?workflow={workflow}")));
        }
        out
    }
}

impl Engine {
    /// What there is to talk about of these moments.
    pub(super) async fn weekly_talk(
        &self,
        workflow: &str,
        span: (Timestamp, Timestamp),
    ) -> Result<WeeklyTalk, Problem> {
        let (reader, now) = (&self.0.reader, self.now());
        let came = ProblemFilter {
            workflow: Some(workflow.to_owned()),
            created: Some(span),
            ..ProblemFilter::default()
        };
        let waiting = ProblemFilter {
            workflow: Some(workflow.to_owned()),
            open: true,
            created: Some((Timestamp::from_micros(0), span.1)),
            ..ProblemFilter::default()
        };
        let opened = IncidentFilter {
            workflow: Some(workflow.to_owned()),
            opened: Some(span),
            ..IncidentFilter::default()
        };
        let unsolved = IncidentFilter {
            workflow: Some(workflow.to_owned()),
            open: true,
            opened: Some((Timestamp::from_micros(0), span.1)),
            ..IncidentFilter::default()
        };
        let (waiting, came, opened, unsolved, decided, overrides) = tokio::try_join!(
            reader.problem_reports(&waiting, None, MOST),
            reader.problem_reports(&came, None, MOST),
            reader.incidents(&opened, None, MOST),
            reader.incidents(&unsolved, None, MOST),
            reader.decisions_in(workflow, span, MOST),
            reader.overrides_in(workflow, span, MOST),
        )
        .map_err(read_problem)?;
        // Both lists come with the longest due first; what waits stands before what has its answer.
        let answered = came.iter().filter(|r| r.state.is_answered());
        let reports = waiting.iter().chain(answered).take(MOST);
        let mut incidents = opened;
        for one in unsolved {
            if !incidents.iter().any(|i| i.id == one.id) {
                incidents.push(one);
            }
        }
        incidents.sort_by_key(|i| std::cmp::Reverse(i.opened_at));
        Ok(WeeklyTalk {
            reports: reports.map(|r| report(r, now)).collect(),
            incidents: incidents.iter().take(MOST).map(incident).collect(),
            decisions: decided.iter().map(decision).collect(),
            overrides: overrides.iter().map(overridden).collect(),
        })
    }
}
