//! A person decides what becomes of a workflow, on evidence; kept for good.

use tuesday_domain::actor::Actor;
use tuesday_domain::charter::is_blank;
use tuesday_domain::id::DecisionId;
use tuesday_domain::link::Link;
use tuesday_domain::postmortem::Stopped;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Change, Choice, Decision, DecisionRecord, RolloutChange, Subject, TextList,
};

use super::postmortem::Stop;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;

/// Most bytes of each text.
const MOST: usize = 8 * 1_024;
/// Most links, and most conditions.
const LIST: usize = 20;
/// Most characters of a condition.
const CONDITION: usize = 300;

/// What is decided.
#[derive(Clone, Debug)]
pub struct WorkflowDecision {
    /// What was chosen.
    pub choice: Choice,
    /// What was asked.
    pub question: String,
    /// What it rests on, in words.
    pub evidence: String,
    /// What can be opened to see it; at least one.
    pub links: Vec<String>,
    /// What must stay true for it to hold.
    pub conditions: Vec<String>,
    /// Why.
    pub reason: String,
    /// The decision that it takes the place of.
    pub supersedes: Option<DecisionId>,
}

/// A decision, and what took its place.
#[derive(Clone, Debug)]
pub struct DecisionView {
    /// As it was decided.
    pub record: DecisionRecord,
    /// The decision in its place.
    pub superseded_by: Option<DecisionRecord>,
}

impl Engine {
    /// Keeps a decision about a workflow under the name of a person.
    ///
    /// # Errors
    /// `evidence_not_linked` without a link, or for one that leads nowhere; `bad_request` naming the empty field,
    /// `reason_required`, `body_too_large`, `already_decided` when another one took that place, `not_found`,
    /// `workflow_retired`, `unknown_workflow`.
    pub async fn decide_workflow(
        &self,
        name: &str,
        decision: WorkflowDecision,
        by: &str,
    ) -> Result<DecisionRecord, Problem> {
        super::standing::reasoned(&decision.reason)?;
        let fields = [
            ("question", &decision.question),
            ("evidence", &decision.evidence),
            ("reason", &decision.reason),
        ];
        for (field, text) in fields {
            if text.trim().is_empty() {
                return Err(Problem::new("bad_request", format!("the {field} is empty"))
                    .field(field)
                    .way_out("say what was asked, what the answer rests on, and why"));
            }
            if text.len() > MOST {
                let words = format!("the {field} holds at most {MOST} bytes");
                return Err(Problem::new("body_too_large", words).field(field));
            }
        }
        let conditions = conditions(&decision.conditions)?;
        let row = self.not_retired(name).await?;
        let links = self.linked(name, &decision.links).await?;
        if let Some(before) = decision.supersedes {
            self.may_supersede(name, before).await?;
        }
        let record = DecisionRecord {
            id: ids::decision(),
            workflow: row.name.clone(),
            choice: decision.choice,
            question: decision.question,
            evidence: decision.evidence,
            links: TextList::new(&links),
            conditions: TextList::new(&conditions),
            supersedes: decision.supersedes,
            reason: decision.reason,
            decided_by: by.to_owned(),
            decided_at: self.now(),
        };
        let mut entry = AuditEntry::new(
            record.decided_at,
            Actor::Person(by.to_owned()),
            "workflow.decided",
            Subject::Workflow(row.name.clone()),
        )
        .fact("decision", record.id.to_string())
        .fact("choice", record.choice.word())
        .fact("question", record.question.clone())
        .fact("evidence", record.evidence.clone())
        .fact("links", links)
        .fact("conditions", conditions)
        .fact("reason", record.reason.clone());
        if let Some(before) = record.supersedes {
            entry = entry.fact("supersedes", before.to_string());
        }
        let insert = RolloutChange::InsertDecision(record.clone());
        let mut changes = vec![Change::Rollout(Box::new(insert))];
        if record.choice == Choice::AnotherPilot {
            changes.extend(self.tell_pilot_trap(name, record.decided_at).await?);
        }
        if record.choice == Choice::Stop {
            let actor = Actor::Person(by.to_owned());
            let stop = Stop {
                stopped: Stopped::Decided,
                reason: &record.reason,
                by: &actor,
                at: record.decided_at,
            };
            changes.extend(self.postmortem_of(&row, &stop).await?);
        }
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        Ok(record)
    }

    /// A decision by its id, with what took its place.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn decision(&self, id: DecisionId) -> Result<DecisionView, Problem> {
        let reader = &self.0.reader;
        let (record, superseded_by) =
            tokio::try_join!(reader.decision(id), reader.decision_instead(id))
                .map_err(read_problem)?;
        let record = record.ok_or_else(|| {
            Problem::new("not_found", format!("there is no {id}"))
                .way_out("tuesday decision list WORKFLOW")
        })?;
        Ok(DecisionView {
            record,
            superseded_by,
        })
    }

    /// What was decided about a workflow, the newest first; what was decided otherwise later stays in the list.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn decisions_of(
        &self,
        name: &str,
        limit: usize,
    ) -> Result<Vec<DecisionView>, Problem> {
        self.known_workflow(name).await?;
        let all = self.0.reader.decisions(name, limit).await;
        let all = all.map_err(read_problem)?;
        // What takes a place is always newer, so it stands in the same list.
        let instead = |id| all.iter().find(|d| d.supersedes == Some(id)).cloned();
        let views = all.iter().map(|d| DecisionView {
            superseded_by: instead(d.id),
            record: d.clone(),
        });
        Ok(views.collect())
    }

    /// The links in the one form each has; every one leads somewhere.
    async fn linked(&self, workflow: &str, links: &[String]) -> Result<Vec<String>, Problem> {
        let way_out = "give the id of a run, task, incident, release, report or decision, a page here \
            (/workflows/NAME/scorecard), or an https:// address";
        let bad = |words: String| {
            Problem::new("evidence_not_linked", words)
                .field("links")
                .way_out(way_out)
        };
        let given: Vec<&str> = links
            .iter()
            .map(|l| l.trim())
            .filter(|l| !l.is_empty())
            .collect();
        if given.is_empty() {
            let words =
                format!("the decision about {workflow} rests on nothing that can be opened");
            return Err(bad(words));
        }
        if given.len() > LIST {
            return Err(bad(format!("at most {LIST} links")));
        }
        let mut out = Vec::with_capacity(given.len());
        for text in given {
            let link = Link::parse(text).map_err(bad)?;
            if !self.leads_somewhere(&link).await? {
                return Err(bad(format!("{text} is not here")));
            }
            out.push(text.to_owned());
        }
        Ok(out)
    }

    async fn leads_somewhere(&self, link: &Link) -> Result<bool, Problem> {
        let r = &self.0.reader;
        Ok(match link {
            Link::Run(id) => r.run(*id).await.map_err(read_problem)?.is_some(),
            Link::Review(id) => r.review(*id).await.map_err(read_problem)?.is_some(),
            Link::Incident(id) => r.incident(*id).await.map_err(read_problem)?.is_some(),
            Link::Release(id) => r.release(*id).await.map_err(read_problem)?.is_some(),
            Link::Report(id) => r.problem_report(*id).await.map_err(read_problem)?.is_some(),
            Link::Decision(id) => r.decision(*id).await.map_err(read_problem)?.is_some(),
            Link::Page(_) => match link.workflow() {
                Some(name) => r.workflow(name).await.map_err(read_problem)?.is_some(),
                None => true,
            },
            Link::Web(_) => true,
        })
    }

    async fn may_supersede(&self, name: &str, before: DecisionId) -> Result<(), Problem> {
        let found = self.decision(before).await?;
        if found.record.workflow != name {
            let words = format!("{before} is about {}", found.record.workflow);
            return Err(Problem::new("bad_request", words).field("supersedes"));
        }
        match found.superseded_by {
            None => Ok(()),
            Some(by) => Err(Problem::new(
                "already_decided",
                format!("{} took the place of {before} already", by.id),
            )
            .field("supersedes")
            .way_out(format!("name {} instead", by.id))),
        }
    }
}

/// The conditions without blanks; each is a sentence, not a page.
fn conditions(given: &[String]) -> Result<Vec<String>, Problem> {
    let all = given.iter().map(|c| c.trim()).filter(|c| !c.is_empty());
    let all: Vec<String> = all.map(str::to_owned).collect();
    let long = all.iter().any(|c| c.chars().count() > CONDITION);
    if long || all.len() > LIST {
        let words = format!("at most {LIST} conditions of {CONDITION} characters each");
        return Err(Problem::new("body_too_large", words).field("conditions"));
    }
    if let Some(blank) = all.iter().find(|c| is_blank(c)) {
        let words = format!("`{blank}` is no condition");
        return Err(Problem::new("bad_request", words).field("conditions"));
    }
    Ok(all)
}
