//! Who has learnt what, and when: for each person who may decide, the tiers that are theirs, the training that
//! counts, and what is owed since tiers, their questions or their guidance changed.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tuesday_domain::access::{Act, Rights, may};
use tuesday_domain::actor::Actor;
use tuesday_domain::charter::{Facts, Statement, curriculum};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Decision, Duty, DutyKind, DutyState, Grant, Person, Workflow};
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::Label;
use tuesday_store::{ApplyError, DutyFilter};

use super::milestones::named;
use crate::catalog::LiveRelease;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::ops::upkeep::{Owed, duty_entry};

const KEEPER: Actor = Actor::System("training");
/// So long somebody has to practise again.
const WITHIN: Duration = Duration::from_secs(14 * 86_400);
/// Duties of one workflow that are looked through for an open one.
const DUTIES: usize = 1_000;

/// What a tier asks of whoever decides in it.
#[derive(Clone, Debug, Serialize)]
pub struct TierTaught {
    /// Its name.
    pub tier: String,
    /// When to trust and when to pass on.
    pub guidance: String,
    /// The points that are gone through each time.
    pub checklist: Vec<String>,
}

/// One person who may decide.
#[derive(Clone, Debug, Serialize)]
pub struct TrainedPerson {
    /// Handle.
    pub person: String,
    /// Name.
    pub name: String,
    /// The roles by which they decide.
    pub roles: Vec<&'static str>,
    /// The tiers that they decide, and so have to know.
    pub tiers: Vec<String>,
    /// `current`, `renew` when what is asked changed since, `none`.
    pub state: &'static str,
    /// `practice`, or `word` of somebody else.
    pub how: Option<&'static str>,
    /// Who said so, by handle.
    pub by: Option<String>,
    /// When the training that counts was finished, RFC 3339.
    pub at: Option<String>,
    /// The newest try at the practice, in words.
    pub last_try: Option<String>,
    /// The newest first shift, in words.
    pub first_shift: Option<String>,
    /// Until when it has to be renewed, RFC 3339.
    pub renew_until: Option<String>,
}

/// The training of a workflow.
#[derive(Clone, Debug, Serialize)]
pub struct TrainingView {
    /// Workflow name.
    pub workflow: String,
    /// Its title.
    pub title: String,
    /// Who has not finished it may decide nothing now.
    pub asked: bool,
    /// Where it is practised.
    pub practice: String,
    /// What is taught, by tier.
    pub tiers: Vec<TierTaught>,
    /// Everybody who may decide, by name.
    pub people: Vec<TrainedPerson>,
}

/// What the records say about training, read once.
struct Known {
    live: std::sync::Arc<LiveRelease>,
    facts: Facts,
    held: BTreeMap<String, Vec<Grant>>,
    people: Vec<Person>,
    duties: Vec<Duty>,
}

impl Known {
    /// Everybody who may decide, by handle.
    fn deciders(&self, workflow: &str) -> Vec<&String> {
        let decides = |grants: &[Grant]| {
            let rights = Rights::new(grants.to_vec());
            rights.may(Act::DecideReview, workflow)
        };
        let all = self.held.iter().filter(|(_, grants)| decides(grants));
        all.map(|(person, _)| person).collect()
    }

    fn open(&self, person: &str) -> Option<&Duty> {
        let mut all = self.duties.iter();
        all.find(|d| d.state == DutyState::Open && d.owner == person)
    }
}

impl Engine {
    /// Who has learnt to decide here, what and when.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn training(&self, name: &str) -> Result<TrainingView, Problem> {
        let row = self.standing(name).await?;
        let known = self.training_known(&row).await?;
        let def = &known.live.ready.def;
        let tiers = def.review.tier.iter().map(|t| TierTaught {
            tier: t.name.clone(),
            guidance: t.guidance.clone(),
            checklist: t.checklist.clone(),
        });
        let wanted = curriculum(&def.review);
        let deciders = known.deciders(name).into_iter();
        let mut people: Vec<TrainedPerson> = deciders
            .map(|person| trained(&known, name, person, &wanted))
            .collect();
        people.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(TrainingView {
            workflow: name.to_owned(),
            title: def.workflow.title.clone(),
            asked: self.training_asked(name, def).await?,
            practice: format!("/workflows/{name}/practice"),
            tiers: tiers.collect(),
            people,
        })
    }

    async fn training_known(&self, row: &Workflow) -> Result<Known, Problem> {
        let live = self.loaded(row.live_release).await?;
        let reader = &self.0.reader;
        let filter = DutyFilter {
            workflow: Some(row.name.clone()),
            ..DutyFilter::default()
        };
        let (facts, grants, people, duties) = tokio::try_join!(
            reader.charter_facts(&row.name),
            reader.grants_on(&row.name),
            reader.people(),
            reader.duties(&filter, None, DUTIES),
        )
        .map_err(read_problem)?;
        let now = self.now();
        let mut held = BTreeMap::<String, Vec<Grant>>::new();
        for grant in grants.into_iter().filter(|g| g.holds(now)) {
            held.entry(grant.person.clone()).or_default().push(grant);
        }
        let duties = duties.into_iter();
        Ok(Known {
            live,
            facts: Facts::new(facts),
            held,
            people,
            duties: duties.filter(|d| d.kind == DutyKind::Retraining).collect(),
        })
    }

    /// Asks everybody to practise again whose training is for tiers that changed since.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look_at_training(&self) -> Result<(), Problem> {
        for row in self.0.reader.workflows().await.map_err(read_problem)? {
            if row.label == Label::Retired {
                continue;
            }
            // One workflow that cannot be read must not keep the others from being looked at.
            if let Err(e) = Box::pin(self.renew_training(&row)).await {
                tracing::warn!(workflow = %row.name, error = %e, "its training could not be looked at");
            }
        }
        Ok(())
    }

    async fn renew_training(&self, row: &Workflow) -> Result<(), Problem> {
        let known = self.training_known(row).await?;
        let wanted = curriculum(&known.live.ready.def.review);
        let has = |person: &str| {
            let fact = known.facts.about(Statement::Training, person);
            fact.map(|f| f.value == wanted)
        };
        let deciders = known.deciders(&row.name);
        for person in &deciders {
            if has(person) == Some(false) && known.open(person).is_none() {
                self.ask_to_renew(row, &known, person, &wanted).await?;
            }
        }
        let open = known.duties.iter().filter(|d| d.state == DutyState::Open);
        for duty in open {
            let words = if has(&duty.owner) == Some(true) {
                "trained for the tiers in force"
            } else if !deciders.contains(&&duty.owner) {
                "decides nothing here any more"
            } else {
                continue;
            };
            self.shown(duty.clone(), words.to_owned(), &KEEPER).await?;
        }
        Ok(())
    }

    async fn ask_to_renew(
        &self,
        row: &Workflow,
        known: &Known,
        person: &str,
        wanted: &str,
    ) -> Result<(), Problem> {
        let tiers = known.live.ready.def.review.tier.iter();
        let tiers: Vec<&str> = tiers.map(|t| t.name.as_str()).collect();
        let before = known.duties.iter().filter(|d| d.owner == person).count();
        let about = format!("{person} {wanted} {before}");
        let reason = format!(
            "tiers, their questions or their guidance changed with release {}",
            known.live.number
        );
        let owed = Owed {
            kind: DutyKind::Retraining,
            owner: person.to_owned(),
            within: WITHIN,
            about: "training",
            item: format!("tiers {}", tiers.join(", ")),
            reason: &reason,
        };
        let id = named(&row.name, "retraining", &about);
        let (duty, made) = self.owed_as(id, &row.name, owed, &KEEPER);
        let entry =
            duty_entry(&duty, "training.due", &KEEPER, self.now()).fact("reason", reason.clone());
        let changes = made.to_vec();
        match self.apply(Decision { changes, entry }).await {
            // Another node was faster.
            Ok(_) | Err(ApplyError::Conflict { .. }) => Ok(()),
            Err(e) => Err(apply_problem(e)),
        }
    }
}

fn trained(known: &Known, workflow: &str, person: &str, wanted: &str) -> TrainedPerson {
    let grants = known.held.get(person).cloned().unwrap_or_default();
    let mut roles: Vec<&'static str> = grants
        .iter()
        .filter(|g| may(g.role, Act::DecideReview))
        .map(|g| g.role.word())
        .collect();
    roles.sort_unstable();
    roles.dedup();
    let rights = Rights::new(grants);
    let tiers = known.live.ready.def.review.tier.iter();
    let tiers = tiers
        .filter(|t| rights.decides(workflow, &t.name, !t.people.is_empty()))
        .map(|t| t.name.clone());
    let fact = known.facts.about(Statement::Training, person);
    let name = known.people.iter().find(|p| p.handle == person);
    TrainedPerson {
        person: person.to_owned(),
        name: name.map_or_else(|| person.to_owned(), |p| p.name.clone()),
        roles,
        tiers: tiers.collect(),
        state: match fact {
            Some(f) if f.value == wanted => "current",
            Some(_) => "renew",
            None => "none",
        },
        how: fact.map(|f| if f.by == person { "practice" } else { "word" }),
        by: fact.map(|f| f.by.clone()),
        at: fact.map(|f| f.at.rfc3339()),
        last_try: known
            .facts
            .about(Statement::Practice, person)
            .map(|f| f.value.clone()),
        first_shift: known
            .facts
            .about(Statement::FirstShift, person)
            .map(|f| f.value.clone()),
        renew_until: known.open(person).map(|d| Timestamp::rfc3339(d.due_at)),
    }
}
