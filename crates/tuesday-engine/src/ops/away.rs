//! What is away now, and which behaviour is in force for each workflow that needs it: told on every page
//! and over the API, so that nobody has to ask what happens to the work meanwhile.

use tuesday_domain::definition::{Definition, DegradedPlan};
use tuesday_domain::id::IncidentId;
use tuesday_domain::record::{Incident, Workflow};
use tuesday_domain::run::Status;
use tuesday_domain::time::{Span, Timestamp};
use tuesday_domain::trouble::Category;

use crate::catalog::LiveRelease;
use crate::engine::Engine;
use crate::ops::release::may_stand_by;
use crate::steps::degraded::{down, needs};

/// What happens to the work of a workflow while a system that it needs is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It waits, and goes on by itself.
    Held,
    /// Nothing is declared, so it waits.
    Undeclared,
    /// Another approved release does it.
    Alternative,
    /// People do it.
    People,
    /// A person has stopped the workflow.
    Paused,
}

impl Behaviour {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Undeclared => "undeclared",
            Self::Alternative => "alternative",
            Self::People => "people",
            Self::Paused => "paused",
        }
    }
}

/// What is in force for one workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meanwhile {
    /// Name of the workflow.
    pub workflow: String,
    /// Its title.
    pub title: String,
    /// The behaviour in force, which is not always the declared one.
    pub behaviour: Behaviour,
    /// The same in a sentence without its subject.
    pub words: String,
}

/// A system that is away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Away {
    /// Its incident.
    pub incident: IncidentId,
    /// What kind of system.
    pub category: Category,
    /// What is away, as the incident is titled.
    pub title: String,
    /// Name of the system, where the machine found it.
    pub system: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Every workflow that needs it and that the reader may see, by name.
    pub workflows: Vec<Meanwhile>,
}

impl Engine {
    /// The systems that are away by these open incidents, with the behaviour in force; of the workflows
    /// named in `among`, or of all.
    pub async fn away(&self, open: &[Incident], among: Option<&[String]>) -> Vec<Away> {
        let mut out = Vec::new();
        for i in open {
            if !i.category.is_outage() || !i.state.is_burning() {
                continue;
            }
            // What a person opened names no system that the machine could know.
            let system = i
                .key
                .split_once(':')
                .map(|(_, name)| name.to_owned())
                .filter(|_| i.opened_by.starts_with("system:"));
            let workflows = match &system {
                Some(name) => self.needing(i.category, name, among).await,
                None => Vec::new(),
            };
            out.push(Away {
                incident: i.id,
                category: i.category,
                title: i.title.clone(),
                system,
                since: i.opened_at,
                workflows,
            });
        }
        out
    }

    async fn needing(
        &self,
        outage: Category,
        name: &str,
        among: Option<&[String]>,
    ) -> Vec<Meanwhile> {
        let mut out = Vec::new();
        for workflow in self.0.catalog.workflows() {
            if among.is_some_and(|names| !names.contains(&workflow.name)) {
                continue;
            }
            let live = self
                .0
                .catalog
                .release(&self.0.reader, workflow.live_release)
                .await;
            // A release that cannot be used is another incident.
            let Ok(live) = live else { continue };
            let def = &live.ready.def;
            let asked = needs(def, before(outage));
            if !asked.iter().any(|(_, n)| n == name) {
                continue;
            }
            let (behaviour, words) = self.in_force(&workflow, def, outage, name).await;
            out.push(Meanwhile {
                workflow: workflow.name.clone(),
                title: workflow.title.clone(),
                behaviour,
                words,
            });
        }
        out
    }

    async fn in_force(
        &self,
        workflow: &Workflow,
        def: &Definition,
        outage: Category,
        name: &str,
    ) -> (Behaviour, String) {
        if !workflow.switch.acts(workflow.stage) {
            let words = format!(
                "is {}: nothing goes on before a person resumes it",
                workflow.switch
            );
            return (Behaviour::Paused, words);
        }
        let d = &def.degraded;
        let declared = match outage {
            Category::SourceOutage => d.source,
            Category::DestinationOutage => d.destination,
            _ => d.model,
        };
        let held = format!("is held until {name} answers again, and goes on by itself then");
        match declared {
            None => (
                Behaviour::Undeclared,
                format!("{held}; no behaviour is declared for this"),
            ),
            Some(DegradedPlan::Hold) => (Behaviour::Held, held),
            Some(DegradedPlan::People) => {
                let after = Span(d.people_after());
                let words = format!(
                    "goes to people as manual work once it has waited {after}; new work goes on by itself when {name} answers again"
                );
                (Behaviour::People, words)
            }
            Some(DegradedPlan::Alternative) => match self.standing_by(workflow).await {
                Some(other) if down(self, &other.ready.def, Status::Queued).is_none() => {
                    let words = format!(
                        "goes on with release {}, which stands in until {name} answers again",
                        other.number
                    );
                    (Behaviour::Alternative, words)
                }
                Some(other) => (
                    Behaviour::Held,
                    format!("{held}; what release {} needs is away too", other.number),
                ),
                None => (
                    Behaviour::Held,
                    format!("{held}; no release was approved to stand by"),
                ),
            },
        }
    }

    /// The release that was approved to stand by, where it still may.
    async fn standing_by(&self, workflow: &Workflow) -> Option<std::sync::Arc<LiveRelease>> {
        let id = workflow.rollout.alternative?;
        let reader = &self.0.reader;
        let row = reader.release(id).await.ok().flatten()?;
        if !may_stand_by(row.state) {
            return None;
        }
        self.0.catalog.release(reader, id).await.ok()
    }
}

/// Where work stands that needs a system of this kind next.
const fn before(outage: Category) -> Status {
    match outage {
        Category::SourceOutage => Status::Received,
        Category::DestinationOutage => Status::Dispatching,
        _ => Status::Queued,
    }
}
