//! What has to follow a change, and who sees to it: templates with their owners, policies that changed, duties
//! until they are answered.

mod answer;
mod late;
mod policy_changed;

pub use self::answer::Answered;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::upkeep::{Kept, kept};
use tuesday_domain::eval::{GateReason, Stopped};
use tuesday_domain::id::DutyId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    AuditEntry, Change, Decision, DeskChange, Duty, DutyKind, DutyState, Person, Subject,
};
use tuesday_domain::time::Timestamp;
use tuesday_domain::workflow::Label;

use crate::catalog::LiveRelease;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;
use crate::maintenance::notice;

/// A template or a rule of a live release, with who keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptRow {
    /// The workflow.
    pub workflow: String,
    /// Number of its live release.
    pub release: u32,
    /// `prompt prompt.md`, `text brand-voice`, `rule r3`.
    pub item: String,
    /// Handle of the person who keeps it.
    pub owner: Option<String>,
    /// Policies it embodies.
    pub policies: Vec<String>,
    /// Why somebody should look, when somebody should.
    pub finding: Option<String>,
}

/// A new duty, as far as its cause says it.
pub(in crate::ops) struct Owed<'a> {
    pub kind: DutyKind,
    pub owner: String,
    /// How long it may take from now on.
    pub within: Duration,
    pub about: &'a str,
    pub item: String,
    pub reason: &'a str,
}

impl Engine {
    /// Everything that is kept for policies in the live releases of all workflows, or of one.
    ///
    /// # Errors
    /// `unavailable`, `record_damaged`.
    pub async fn upkeep(&self, workflow: Option<&str>) -> Result<Vec<KeptRow>, Problem> {
        let reader = &self.0.reader;
        let (rows, people) =
            tokio::try_join!(reader.workflows(), reader.people()).map_err(read_problem)?;
        let here = active(&people);
        let mut out = Vec::new();
        for row in rows {
            if row.label == Label::Retired || workflow.is_some_and(|w| w != row.name) {
                continue;
            }
            let live = match self.loaded(row.live_release).await {
                Ok(live) => live,
                Err(e) if e.code == "unavailable" => return Err(e),
                Err(e) => {
                    out.push(damaged(&row.name, e.detail));
                    continue;
                }
            };
            for item in kept_of(&live) {
                out.push(KeptRow {
                    workflow: row.name.clone(),
                    release: live.number,
                    finding: unkept(&item, &here),
                    item: item.words(),
                    owner: item.owner,
                    policies: item.policies,
                });
            }
        }
        Ok(out)
    }

    /// Why a release may not go on because of who keeps its templates.
    pub(in crate::ops) async fn unkept_templates(
        &self,
        release: &LiveRelease,
    ) -> Result<Vec<Stopped>, Problem> {
        let people = self.0.reader.people().await.map_err(read_problem)?;
        let here = active(&people);
        let templates = kept_of(release).into_iter().filter(Kept::is_template);
        let stopped = templates.filter_map(|item| {
            Some(Stopped {
                reason: GateReason::TemplateWithoutOwner,
                detail: format!("{}: {}", item.words(), unkept(&item, &here)?),
            })
        });
        Ok(stopped.collect())
    }

    /// A duty that begins now, with the notice to whoever owes it.
    pub(in crate::ops) fn owed(
        &self,
        workflow: &str,
        owed: Owed<'_>,
        by: &Actor,
    ) -> (Duty, [Change; 2]) {
        self.owed_as(ids::duty(), workflow, owed, by)
    }

    /// As [`Engine::owed`], under an id that two nodes come to alike.
    pub(in crate::ops) fn owed_as(
        &self,
        id: DutyId,
        workflow: &str,
        owed: Owed<'_>,
        by: &Actor,
    ) -> (Duty, [Change; 2]) {
        let now = self.now();
        let duty = Duty {
            id,
            state: DutyState::Open,
            owner: owed.owner,
            due_at: now.plus(owed.within),
            answer: None,
            number: None,
            words: None,
            done_by: None,
            done_at: None,
            late_at: None,
            version: 1,
            kind: owed.kind,
            workflow: workflow.to_owned(),
            about: owed.about.to_owned(),
            item: owed.item,
            reason: owed.reason.to_owned(),
            opened_by: by.to_string(),
            opened_at: now,
        };
        let title = match duty.kind {
            DutyKind::PolicyUpdate => format!(
                "{workflow}: policy {} changed, look at {} until {}",
                duty.about, duty.item, duty.due_at
            ),
            DutyKind::EmergencyReview => format!(
                "{workflow}: look back at an emergency change, {}, until {}",
                duty.item, duty.due_at
            ),
            DutyKind::ThirtyDays => format!(
                "{workflow}: thirty days are over, say whether it is working until {}",
                duty.due_at
            ),
            DutyKind::NinetyDays => format!(
                "{workflow}: the ninety-day metric has its verdict, decide until {}",
                duty.due_at
            ),
            DutyKind::Successor => format!(
                "{workflow}: name a successor ({}) until {}",
                duty.item, duty.due_at
            ),
            DutyKind::Retraining => format!(
                "{workflow}: what is asked in review changed, practise again until {}",
                duty.due_at
            ),
        };
        let told = self.duty_notice(&duty, duty.owner.clone(), "duty_owed", title);
        let changes = [
            Change::Desk(Box::new(DeskChange::InsertDuty(duty.clone()))),
            told,
        ];
        (duty, changes)
    }

    pub(in crate::ops) fn duty_notice(
        &self,
        duty: &Duty,
        person: String,
        kind: &str,
        title: String,
    ) -> Change {
        let path = format!("/duties/{}", duty.id);
        let told = notice(person, duty.workflow.clone(), kind, title, path, self.now());
        Change::InsertNotice(Box::new(told))
    }

    /// Commits what became of a duty, with its entry.
    pub(in crate::ops) async fn duty_moved(
        &self,
        duty: &Duty,
        mut changes: Vec<Change>,
        entry: AuditEntry,
    ) -> Result<(), Problem> {
        changes.insert(
            0,
            Change::Desk(Box::new(DeskChange::UpdateDuty(duty.clone()))),
        );
        let decision = Decision { changes, entry };
        self.apply(decision).await.map(drop).map_err(apply_problem)
    }
}

pub(in crate::ops) fn duty_entry(
    duty: &Duty,
    kind: &'static str,
    by: &Actor,
    now: Timestamp,
) -> AuditEntry {
    let subject = Subject::Workflow(duty.workflow.clone());
    AuditEntry::new(now, by.clone(), kind, subject)
        .fact("duty", duty.id.to_string())
        .fact("about", duty.about.clone())
        .fact("item", duty.item.clone())
        .fact("owner", duty.owner.clone())
}

/// A release that cannot be read hides what it cites: somebody looks.
fn damaged(workflow: &str, why: String) -> KeptRow {
    KeptRow {
        workflow: workflow.to_owned(),
        release: 0,
        item: "the live release".to_owned(),
        owner: None,
        policies: Vec::new(),
        finding: Some(why),
    }
}

fn kept_of(release: &LiveRelease) -> Vec<Kept> {
    let ready = &release.ready;
    kept(&ready.def, &release.package, &ready.texts)
}

fn active(people: &[Person]) -> BTreeSet<&str> {
    let here = people.iter().filter(|p| p.active);
    here.map(|p| p.handle.as_str()).collect()
}

/// What is wrong about who keeps it.
fn unkept(item: &Kept, here: &BTreeSet<&str>) -> Option<String> {
    match &item.owner {
        None => Some("nobody keeps it when a policy changes: [prompt] owner is missing".to_owned()),
        Some(owner) if !here.contains(owner.as_str()) => Some(format!(
            "{owner}, who keeps it, is deactivated: name another owner in the package"
        )),
        Some(_) => None,
    }
}
