//! Incidents: found by the machine or reported by people, answered for by a named person, closed when
//! everything they left behind is put right. One verb one file.

mod acknowledge;
pub(crate) mod alerts;
mod assign;
mod blast;
mod correct;
mod fixes;
mod guard;
mod link;
mod note;
mod open;
mod postmortem;
mod report;
mod resolve;
mod settle_correction;
mod sort;

pub use alerts::{AlertsView, ChannelView, KindView};
pub use blast::{Blast, BlastQuery, BlastRow};
pub use correct::NewCorrection;
pub(crate) use fixes::answered_without_code;
pub use fixes::{FixLine, FixTally, Fixes};
pub use open::NewIncident;
pub use resolve::{Closed, Looked};
pub use settle_correction::Settled;
pub(crate) use sort::Opened;
pub use sort::SortedReport;

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::IncidentId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    Alert, AuditEntry, Change, Decision, Incident, IncidentEntry, Subject, TroubleChange,
};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::Category;
use tuesday_domain::trouble::alert::AlertEvent;
use tuesday_domain::trouble::incident::{IncidentEvent, IncidentState};
use tuesday_domain::trouble::rotation;

use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;

/// A decision about an incident in the making: row, timeline and audit entry agree.
pub(crate) struct Handling {
    pub(crate) incident: Incident,
    changes: Vec<Change>,
    entry: AuditEntry,
    fresh: bool,
    said: bool,
}

impl Handling {
    /// Starts from the incident as read; the decision makes it one version newer.
    pub(crate) fn on(
        incident: &Incident,
        actor: &Actor,
        kind: &'static str,
        at: Timestamp,
    ) -> Self {
        let mut incident = incident.clone();
        incident.version += 1;
        let entry = entry(&incident, actor, kind, at);
        Self {
            incident,
            changes: Vec::new(),
            entry,
            fresh: false,
            said: false,
        }
    }

    /// Starts an incident that is not stored yet.
    pub(crate) fn new(incident: Incident, actor: &Actor, at: Timestamp) -> Self {
        let mut entry = entry(&incident, actor, "incident.opened", at)
            .fact("category", incident.category.word())
            .fact("severity", incident.severity.word())
            .fact("owner", incident.owner.clone());
        entry.moves.push(format!("incident {}", incident.state));
        Self {
            incident,
            changes: Vec::new(),
            entry,
            fresh: true,
            said: false,
        }
    }

    /// Lets an event happen to the incident.
    pub(crate) fn event(&mut self, event: IncidentEvent) -> Result<(), Problem> {
        let before = self.incident.state;
        self.incident.state = before
            .next(event)
            .map_err(|e| Problem::new("illegal_state", e.to_string()))?;
        self.entry
            .moves
            .push(format!("incident {before} {}", self.incident.state));
        Ok(())
    }

    /// Lets an event happen to its alert and keeps it.
    pub(crate) fn alert(&mut self, alert: &mut Alert, event: AlertEvent) -> Result<(), Problem> {
        let before = alert.state;
        alert.state = before
            .next(event)
            .map_err(|e| Problem::new("illegal_state", e.to_string()))?;
        alert.version += 1;
        self.entry
            .moves
            .push(format!("alert {} {before} {}", alert.id, alert.state));
        self.change(TroubleChange::UpdateAlert(alert.clone()));
        Ok(())
    }

    /// Adds a change.
    pub(crate) fn change(&mut self, change: TroubleChange) {
        self.changes.push(Change::Trouble(Box::new(change)));
    }

    /// Adds another change to the same decision.
    pub(crate) fn also(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Adds a fact to the audit entry.
    pub(crate) fn fact(&mut self, name: &str, value: impl Into<serde_json::Value>) {
        self.entry.facts.insert(name.to_owned(), value.into());
    }

    /// Writes the one line of the timeline that belongs to this decision. Its words are committed to in
    /// the audit entry.
    pub(crate) fn say(&mut self, kind: &str, words: impl Into<String>, about: Option<Timestamp>) {
        use sha2::{Digest as _, Sha256};
        let words = words.into();
        let hash = crate::catalog::hex(&Sha256::digest(words.as_bytes()));
        self.fact("words_sha256", hash);
        let line = IncidentEntry {
            incident: self.incident.id,
            seq: self.incident.version,
            at: self.entry.at,
            about,
            actor: self.entry.actor.to_string(),
            kind: kind.to_owned(),
            words,
        };
        debug_assert!(!self.said, "one line for each decision");
        self.said = true;
        self.change(TroubleChange::InsertEntry(line));
    }

    /// The decision.
    pub(crate) fn finish(mut self) -> (Decision, Incident) {
        let row = self.incident.clone();
        let own = if self.fresh {
            TroubleChange::InsertIncident(row)
        } else {
            TroubleChange::UpdateIncident(row)
        };
        self.changes.insert(0, Change::Trouble(Box::new(own)));
        (
            Decision {
                changes: self.changes,
                entry: self.entry,
            },
            self.incident,
        )
    }
}

fn entry(incident: &Incident, actor: &Actor, kind: &'static str, at: Timestamp) -> AuditEntry {
    let subject = incident
        .workflow
        .clone()
        .map_or(Subject::Instance, Subject::Workflow);
    AuditEntry::new(at, actor.clone(), kind, subject)
        .fact("incident", incident.id.to_string())
        .fact("version", incident.version)
}

/// Everybody an alert may walk to, and how long each of them has.
pub(crate) struct Walk {
    pub(crate) chain: Vec<String>,
    pub(crate) acknowledge: std::time::Duration,
    pub(crate) quiet: std::time::Duration,
}

impl Engine {
    /// An incident by its id.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn incident(&self, id: IncidentId) -> Result<Incident, Problem> {
        let found = self.0.reader.incident(id).await.map_err(read_problem)?;
        found.ok_or_else(|| {
            Problem::new("not_found", format!("there is no {id}"))
                .way_out("see `tuesday incident list --all`")
        })
    }

    /// Who is asked about a cause now, in order. Never nobody, as long as there is a person.
    pub(crate) async fn walk(
        &self,
        category: Category,
        workflow: Option<&str>,
        now: Timestamp,
    ) -> Result<Walk, Problem> {
        let name = match workflow {
            Some(name) => Some(name.to_owned()),
            None => {
                let mut all: Vec<_> = self.0.catalog.workflows();
                all.sort_by(|a, b| a.name.cmp(&b.name));
                all.first().map(|w| w.name.clone())
            }
        };
        let defaults = tuesday_domain::definition::OnCallSpec::default();
        let (mut named, mut acknowledge, mut quiet) =
            (Vec::new(), defaults.acknowledge.0, defaults.quiet.0);
        let people = self.0.reader.people().await.map_err(read_problem)?;
        let is_active = |p: &str| people.iter().any(|x| x.handle == p && x.active);
        if let Some(name) = &name {
            // A release that cannot be loaded still has an owner in its workflow's row.
            match self.live(name).await {
                Ok((_, live)) => {
                    let def = &live.ready.def;
                    let zone = tuesday_domain::time::Zone::named(&def.workflow.time_zone);
                    let minute = zone.map_or(0, |z| z.week_minute(now));
                    named = rotation::named(def, category, minute);
                    named = rotation::sponsor_steps_in(named, &def.owners, is_active);
                    acknowledge = def.on_call.acknowledge.0;
                    quiet = def.on_call.quiet.0;
                }
                Err(_) => named.extend(
                    self.0
                        .catalog
                        .cached_workflow(name)
                        .map(|w| w.owner.clone()),
                ),
            }
        }
        let gone = self.gone(name.as_deref(), now).await?;
        let away = gone.people();
        let anybody: Vec<String> = people.iter().map(|p| p.handle.clone()).collect();
        let is_there = |p: &str| is_active(p) && !away.iter().any(|a| a == p);
        let chain = rotation::chain(&named, is_there, is_active, &anybody);
        if chain.is_empty() {
            return Err(Problem::new(
                "owner_not_a_person",
                "no person is known, so nobody can be told",
            ));
        }
        Ok(Walk {
            chain,
            acknowledge,
            quiet,
        })
    }

    /// A new alert about an incident, due at once.
    pub(crate) fn first_alert(incident: &Incident, walk: &Walk, now: Timestamp) -> Alert {
        Alert {
            id: ids::alert(),
            state: tuesday_domain::trouble::alert::AlertState::Firing,
            person: walk.chain.first().cloned().unwrap_or_default(),
            chain: walk.chain.join(" "),
            level: 0,
            round: 0,
            tries: 0,
            due_at: now,
            detail: None,
            acknowledged_by: None,
            version: 1,
            incident: incident.id,
            workflow: incident.workflow.clone(),
            fired_at: now,
        }
    }

    /// Lets the alert fire again, from the first person who is there now.
    pub(crate) fn refire(alert: &mut Alert, walk: &Walk, now: Timestamp) {
        alert.chain = walk.chain.join(" ");
        alert.person = walk.chain.first().cloned().unwrap_or_default();
        alert.level = 0;
        alert.round = 0;
        alert.tries = 0;
        alert.due_at = now;
        alert.acknowledged_by = None;
    }

    /// The person may handle this incident: by role, as its owner, or because its alert walks to them.
    pub(crate) async fn may_handle(&self, incident: &Incident, by: &str) -> Result<(), Problem> {
        let reader = &self.0.reader;
        let place = incident.workflow.as_deref().unwrap_or_default();
        // Away is not forbidden; deactivated, or done without on this workflow, is.
        let known = reader.person(by).await.map_err(read_problem)?;
        let suspended = reader.suspended_on(by).await.map_err(read_problem)?;
        let active = known.is_some_and(|p| p.active) && !suspended.iter().any(|w| w == place);
        let rights = self.rights(by).await?;
        if active && (incident.owner == by || rights.may(Act::HandleIncident, place)) {
            return Ok(());
        }
        let alert = reader.alert_of(incident.id).await.map_err(read_problem)?;
        if active && alert.is_some_and(|a| a.people().contains(&by)) {
            return Ok(());
        }
        Err(
            Problem::new("not_allowed", format!("{by} does not handle this incident"))
                .way_out(format!("ask its owner, {}", incident.owner))
                .with("people", vec![incident.owner.clone()]),
        )
    }

    pub(crate) async fn commit_incident(&self, handling: Handling) -> Result<Incident, Problem> {
        let (decision, incident) = handling.finish();
        self.apply(decision).await.map_err(apply_problem)?;
        Ok(incident)
    }

    /// A sign of life of the one who is on it: an acknowledgement counts from here again.
    pub(crate) async fn not_quiet(
        &self,
        handling: &mut Handling,
        now: Timestamp,
    ) -> Result<(), Problem> {
        if handling.incident.state != IncidentState::Acknowledged {
            return Ok(());
        }
        let i = &handling.incident;
        let alert = self.0.reader.alert_of(i.id).await.map_err(read_problem)?;
        if let Some(mut alert) =
            alert.filter(|a| a.state == tuesday_domain::trouble::alert::AlertState::Acknowledged)
        {
            let walk = self.walk(i.category, i.workflow.as_deref(), now).await?;
            alert.due_at = now.plus(walk.quiet);
            alert.version += 1;
            handling.change(TroubleChange::UpdateAlert(alert));
        }
        Ok(())
    }
}
