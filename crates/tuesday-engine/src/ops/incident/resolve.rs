//! Ends an incident: contained, put right, looked back upon; and reopens one.

use tuesday_domain::actor::Actor;
use tuesday_domain::id::IncidentId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Incident;
use tuesday_domain::trouble::alert::{AlertEvent, AlertState};
use tuesday_domain::trouble::incident::{
    Closing, CorrectionState, FixLayer, IncidentEvent, IncidentState, closable,
};

use super::Handling;
use crate::engine::{Engine, read_problem};

/// What is said when an incident is resolved.
#[derive(Clone, Debug, Default)]
pub struct Closed {
    /// What was done.
    pub resolution: String,
    /// The eval case that guards against it.
    pub case: Option<String>,
    /// Why there is none.
    pub waiver: Option<String>,
}

/// What is said when people look back on an incident.
#[derive(Clone, Debug)]
pub struct Looked {
    /// In which layer it was fixed.
    pub layer: FixLayer,
    /// What failed.
    pub words: String,
    /// Why nothing caught it before it did harm.
    pub uncaught: String,
    /// Whether somebody who writes no code can fix the next one. It has to be said.
    pub without_code: Option<bool>,
}

impl Engine {
    /// The cause is contained; the alert ends.
    ///
    /// # Errors
    /// `not_found`, `not_allowed`, `reason_required`, `illegal_state`.
    pub async fn mitigate_incident(
        &self,
        id: IncidentId,
        words: &str,
        by: &str,
    ) -> Result<Incident, Problem> {
        let found = self.incident(id).await?;
        self.may_handle(&found, by).await?;
        if words.trim().is_empty() {
            return Err(Problem::new("reason_required", "say how it is contained").field("words"));
        }
        let now = self.now();
        let actor = Actor::Person(by.to_owned());
        let mut h = Handling::on(&found, &actor, "incident.mitigated", now);
        h.event(IncidentEvent::Mitigate)?;
        h.say("mitigated", words.trim(), None);
        self.clear_alert(&mut h).await?;
        self.commit_incident(h).await
    }

    /// Everything it left behind is put right.
    ///
    /// # Errors
    /// `corrections_open`, `case_required`, `unknown_case`, `reason_required`; `not_found`, `not_allowed`,
    /// `illegal_state`.
    pub async fn resolve_incident(
        &self,
        id: IncidentId,
        closed: Closed,
        by: &str,
    ) -> Result<Incident, Problem> {
        let found = self.incident(id).await?;
        self.may_handle(&found, by).await?;
        let corrections = self.0.reader.corrections_of(id).await;
        let open = corrections
            .map_err(read_problem)?
            .iter()
            .filter(|c| c.state == CorrectionState::Open)
            .count();
        let said = |t: &Option<String>| t.clone().filter(|t| !t.trim().is_empty());
        let closing = Closing {
            open_corrections: open as u64,
            case: said(&closed.case).or_else(|| found.case.clone()),
            waiver: said(&closed.waiver).or_else(|| found.waiver.clone()),
            resolution: closed.resolution,
        };
        closable(found.category, &closing).map_err(|e| not_closable(&e))?;
        if let Some(case) = &closing.case {
            self.guarded_by(found.workflow.as_deref(), case).await?;
        }
        let now = self.now();
        let actor = Actor::Person(by.to_owned());
        let mut h = Handling::on(&found, &actor, "incident.resolved", now);
        if found.state.is_burning() {
            h.event(IncidentEvent::Mitigate)?;
            self.clear_alert(&mut h).await?;
        }
        h.event(IncidentEvent::Resolve)?;
        h.incident.resolution = Some(closing.resolution.trim().to_owned());
        h.incident.resolved_by = Some(by.to_owned());
        h.incident.resolved_at = Some(now);
        h.incident.case = closing.case;
        h.incident.waiver = closing.waiver;
        if let Some(case) = &h.incident.case {
            let case = case.clone();
            h.fact("case", case);
        }
        h.say("resolved", closing.resolution.trim(), None);
        self.commit_incident(h).await
    }

    /// People have looked back on it: what failed, why nothing caught it, in which layer it was fixed.
    ///
    /// # Errors
    /// `not_found`, `not_allowed`, `reason_required`, `follow_ups_open`, `illegal_state` unless it is resolved;
    /// `fix_not_said` without the answer whether it takes code; `three_rewrites` for the prompt, when it was
    /// rewritten three times against this before.
    pub async fn review_incident(
        &self,
        id: IncidentId,
        looked: Looked,
        by: &str,
    ) -> Result<Incident, Problem> {
        let found = self.incident(id).await?;
        self.may_handle(&found, by).await?;
        if looked.words.trim().is_empty() {
            let words = "say what failed";
            return Err(Problem::new("reason_required", words).field("words"));
        }
        if looked.uncaught.trim().is_empty() {
            let words = "say why nothing caught it before it did harm";
            return Err(Problem::new("reason_required", words).field("uncaught"));
        }
        self.nothing_follows(id).await?;
        let without_code = super::answered_without_code(looked.without_code)?;
        if let (FixLayer::Prompt, Some(workflow)) = (looked.layer, &found.workflow) {
            let category = found.category.word();
            self.not_the_prompt_again(workflow, category).await?;
        }
        let now = self.now();
        let actor = Actor::Person(by.to_owned());
        let mut h = Handling::on(&found, &actor, "incident.reviewed", now);
        h.event(IncidentEvent::Review)?;
        h.incident.fix_layer = Some(looked.layer);
        h.incident.reviewed_by = Some(by.to_owned());
        let (failed, uncaught) = (looked.words.trim(), looked.uncaught.trim());
        h.fact("fix_layer", looked.layer.word());
        h.incident.without_code = Some(without_code);
        h.fact("without_code", without_code);
        h.say(
            "reviewed",
            format!("{failed}. Not caught: {uncaught}"),
            None,
        );
        self.commit_incident(h).await
    }

    /// Passes when nobody has anything left to do after the incident.
    async fn nothing_follows(&self, id: IncidentId) -> Result<(), Problem> {
        let filter = tuesday_store::FollowUpFilter {
            open: true,
            incident: Some(id),
            ..Default::default()
        };
        let open = self.follow_ups(&filter).await?;
        let Some(first) = open.first() else {
            return Ok(());
        };
        let words = format!(
            "{} follow-ups are open; the first is with {}: {}",
            open.len(),
            first.owner,
            first.words
        );
        Err(Problem::new("follow_ups_open", words)
            .way_out("finish them, or drop them with a reason"))
    }

    /// It was not over; the alert fires again.
    ///
    /// # Errors
    /// `not_found`, `not_allowed`, `reason_required`, `illegal_state` while it is open and burning.
    pub async fn reopen_incident(
        &self,
        id: IncidentId,
        words: &str,
        by: &str,
    ) -> Result<Incident, Problem> {
        let found = self.incident(id).await?;
        self.may_handle(&found, by).await?;
        if words.trim().is_empty() {
            return Err(Problem::new("reason_required", "say why it is not over").field("words"));
        }
        let newest = self.0.reader.incident_of_cause(&found.key).await;
        if newest.map_err(read_problem)?.is_some_and(|n| n.id != id) {
            return Err(Problem::new(
                "illegal_state",
                "its cause has a newer incident",
            ));
        }
        let now = self.now();
        let actor = Actor::Person(by.to_owned());
        let mut h = Handling::on(&found, &actor, "incident.reopened", now);
        h.event(IncidentEvent::Recur)?;
        h.incident.forget_end();
        h.say("reopened", words.trim(), None);
        self.fire_again(&mut h, now).await?;
        self.commit_incident(h).await
    }

    /// The cause has passed by itself: what waited goes on, and the alert ends. What it left behind is
    /// still somebody's work.
    pub(crate) async fn cause_passed(
        &self,
        incident: &Incident,
        words: &str,
    ) -> Result<(), Problem> {
        if !incident.state.is_burning() {
            return Ok(());
        }
        let actor = Actor::System("incidents");
        let mut h = Handling::on(incident, &actor, "incident.passed", self.now());
        h.event(IncidentEvent::Pass)?;
        h.say("passed", words, None);
        self.clear_alert(&mut h).await?;
        self.commit_incident(h).await.map(drop)
    }

    async fn clear_alert(&self, h: &mut Handling) -> Result<(), Problem> {
        let alert = self.0.reader.alert_of(h.incident.id).await;
        if let Some(mut alert) = alert
            .map_err(read_problem)?
            .filter(|a| a.state != AlertState::Cleared)
        {
            alert.due_at = self.now();
            h.alert(&mut alert, AlertEvent::Clear)?;
        }
        Ok(())
    }
}

fn not_closable(e: &tuesday_domain::trouble::incident::NotClosable) -> Problem {
    use tuesday_domain::trouble::incident::NotClosable as N;
    match e {
        N::OpenCorrections(n) => Problem::new("corrections_open", e.to_string())
            .with("open", *n)
            .way_out("settle each of them: done with its receipt, or dropped with a reason"),
        N::NoCase => Problem::new("case_required", e.to_string())
            .field("case")
            .way_out("name the eval case, or give a waiver with its reason"),
        N::NoWords => Problem::new("reason_required", e.to_string()).field("resolution"),
    }
}

/// Kept for pages: what a person may do next.
impl Engine {
    /// The verbs that are open to an incident, in the order people use them.
    #[must_use]
    pub const fn next_for(state: IncidentState) -> &'static [&'static str] {
        match state {
            IncidentState::Triggered => &["acknowledge", "mitigate", "resolve"],
            IncidentState::Acknowledged => &["mitigate", "resolve"],
            IncidentState::Mitigated => &["resolve", "reopen"],
            IncidentState::Resolved => &["review", "reopen"],
            IncidentState::Reviewed => &["reopen"],
        }
    }
}
