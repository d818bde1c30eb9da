//! A person opens an incident.

use tuesday_domain::actor::Actor;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Incident, IncidentRun, TroubleChange};
use tuesday_domain::trouble::incident::IncidentState;
use tuesday_domain::trouble::{Category, Severity, key};

use super::Handling;
use crate::engine::{Engine, read_problem};
use crate::ids;

/// What a person says about it.
#[derive(Clone, Debug)]
pub struct NewIncident {
    /// What kind of cause.
    pub category: Category,
    /// How bad; absent means as usual for the category.
    pub severity: Option<Severity>,
    /// The workflow, where it concerns one.
    pub workflow: Option<String>,
    /// What happened, in a sentence.
    pub words: String,
    /// The runs that are known to be touched.
    pub runs: Vec<RunId>,
}

impl Engine {
    /// Opens an incident with an owner and an alert. A person's own words are a cause of their own: two
    /// reports are never taken for one without somebody saying so.
    ///
    /// # Errors
    /// `reason_required` without words, `unknown_workflow`, `not_found` for a run, `not_allowed`.
    pub async fn open_incident(&self, new: NewIncident, by: &str) -> Result<Incident, Problem> {
        let h = self.opening(new, by).await?;
        self.commit_incident(h).await
    }

    /// The decision that opens it, for those who add to it.
    pub(super) async fn opening(&self, new: NewIncident, by: &str) -> Result<Handling, Problem> {
        let words = new.words.trim();
        if words.is_empty() {
            return Err(Problem::new("reason_required", "say what happened").field("words"));
        }
        let mut workflow = new.workflow.clone();
        for run in &new.runs {
            let row = self.0.reader.run(*run).await.map_err(read_problem)?;
            let row = row.ok_or_else(|| Problem::new("not_found", format!("there is no {run}")))?;
            workflow.get_or_insert(row.workflow);
        }
        if let Some(name) = &workflow {
            self.known_workflow(name).await?;
        }
        let people = self.0.reader.people().await.map_err(read_problem)?;
        if !people.iter().any(|p| p.handle == by && p.active) {
            return Err(Problem::new(
                "not_allowed",
                format!("{by} is nobody who is there"),
            ));
        }
        let now = self.now();
        let walk = self.walk(new.category, workflow.as_deref(), now).await?;
        let id = ids::incident();
        let incident = Incident {
            id,
            state: IncidentState::Triggered,
            severity: new.severity.unwrap_or_else(|| new.category.severity()),
            owner: walk.chain.first().cloned().unwrap_or_default(),
            count: new.runs.len().max(1) as u64,
            last_at: now,
            acknowledged_by: None,
            acknowledged_at: None,
            resolution: None,
            resolved_by: None,
            resolved_at: None,
            case: None,
            waiver: None,
            fix_layer: None,
            without_code: None,
            reviewed_by: None,
            version: 1,
            key: key(new.category, &id.to_string()),
            category: new.category,
            title: match &workflow {
                Some(w) => format!("{}: {w}", new.category.title()),
                None => new.category.title().to_owned(),
            },
            workflow,
            opened_by: Actor::Person(by.to_owned()).to_string(),
            opened_at: now,
        };
        let mut h = Handling::new(incident, &Actor::Person(by.to_owned()), now);
        h.say("opened", words, None);
        let runs: std::collections::BTreeSet<RunId> = new.runs.into_iter().collect();
        for run in runs {
            h.change(TroubleChange::LinkRun(IncidentRun {
                incident: id,
                run,
                at: now,
            }));
        }
        let alert = Self::first_alert(&h.incident, &walk, now);
        h.change(TroubleChange::InsertAlert(alert));
        Ok(h)
    }
}
