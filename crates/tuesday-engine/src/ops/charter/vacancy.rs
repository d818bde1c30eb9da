//! Ownership survives people: for an owner who left a successor is asked for, and a workflow that nobody answers
//! for any more is paused until somebody does. Nothing here gives it back: a person resumes it.

use std::collections::BTreeSet;

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::charter::label::GRACE;
use tuesday_domain::definition::{OwnerRole, Owners, PersonSpec};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{
    Change, Decision, Duty, DutyAnswer, DutyKind, DutyState, Person, Workflow,
};
use tuesday_domain::workflow::{Label, Switch};
use tuesday_store::{ApplyError, DutyFilter};

use super::milestones::named;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::maintenance::notice;
use crate::ops::standing::Move;
use crate::ops::upkeep::{Owed, duty_entry};

const KEEPER: Actor = Actor::System("owners");
/// Duties of one workflow that are looked through for an open one.
const DUTIES: usize = 1_000;

impl Engine {
    /// Looks whether somebody answers for every workflow, and asks for a successor where an owner left.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look_at_owners(&self) -> Result<(), Problem> {
        let people = self.0.reader.people().await.map_err(read_problem)?;
        for row in self.0.reader.workflows().await.map_err(read_problem)? {
            if row.label == Label::Retired {
                continue;
            }
            // One workflow that cannot be read must not keep the others from being looked at.
            match Box::pin(self.owners_of(&row, &people)).await {
                // Another node did it.
                Err(e) if e.code == "revision_moved" => {}
                Err(e) => {
                    tracing::warn!(workflow = %row.name, error = %e, "its owners could not be looked at");
                }
                Ok(()) => {}
            }
        }
        Ok(())
    }

    async fn owners_of(&self, row: &Workflow, people: &[Person]) -> Result<(), Problem> {
        let live = self.loaded(row.live_release).await?;
        let owners = &live.ready.def.owners;
        let is_active = |h: &str| people.iter().any(|p| p.active && p.handle == h);
        let vacant = owners.vacant(is_active);
        self.ask_for_successors(row, owners, &vacant, people)
            .await?;
        let acts = matches!(row.switch, Switch::Running | Switch::Restricted);
        if acts && owners.answering(is_active).is_none() {
            return self.pause_vacant(row, owners).await;
        }
        Ok(())
    }

    /// One open duty for each place that is vacant; what is filled again needs no answer.
    async fn ask_for_successors(
        &self,
        row: &Workflow,
        owners: &Owners,
        vacant: &[(OwnerRole, &PersonSpec)],
        people: &[Person],
    ) -> Result<(), Problem> {
        let filter = DutyFilter {
            workflow: Some(row.name.clone()),
            ..DutyFilter::default()
        };
        let all = self.0.reader.duties(&filter, None, DUTIES).await;
        let all = all.map_err(read_problem)?.into_iter();
        let asked: Vec<Duty> = all.filter(|d| d.kind == DutyKind::Successor).collect();
        let is_open = |d: &&Duty| d.state == DutyState::Open;
        for (role, who) in vacant {
            let item = place(*role, who);
            if asked.iter().filter(is_open).any(|d| d.item == item) {
                continue;
            }
            let before = asked.iter().filter(|d| d.item == item).count();
            let id = named(&row.name, "successor", &format!("{item} {before}"));
            let reason = format!("{} is not active any more", who.name);
            let owed = Owed {
                kind: DutyKind::Successor,
                owner: self.finds_successor(row, owners, *role, people).await?,
                within: GRACE,
                about: "a successor",
                item,
                reason: &reason,
            };
            let (duty, made) = self.owed_as(id, &row.name, owed, &KEEPER);
            let entry = duty_entry(&duty, "owner.vacant", &KEEPER, self.now())
                .fact("reason", reason.clone());
            let changes = made.to_vec();
            match self.apply(Decision { changes, entry }).await {
                Ok(_) | Err(ApplyError::Conflict { .. }) => {}
                Err(e) => return Err(apply_problem(e)),
            }
        }
        let still: BTreeSet<String> = vacant.iter().map(|(role, who)| place(*role, who)).collect();
        for duty in asked.into_iter().filter(|d| is_open(&d)) {
            if !still.contains(&duty.item) {
                let words = filled(&duty.item, owners);
                self.shown(duty, words, &KEEPER).await?;
            }
        }
        Ok(())
    }

    /// Who names a successor: the sponsor for the owners, an owner for the sponsor, and when nobody of them is
    /// left, an administrator.
    async fn finds_successor(
        &self,
        row: &Workflow,
        owners: &Owners,
        role: OwnerRole,
        people: &[Person],
    ) -> Result<String, Problem> {
        let is_active = |h: &str| people.iter().any(|p| p.active && p.handle == h);
        let sponsor = owners.sponsor.as_ref().filter(|s| is_active(&s.handle));
        let found = match role {
            OwnerRole::Sponsor => owners.answering(is_active),
            _ => sponsor.or_else(|| owners.answering(is_active)),
        };
        if let Some(person) = found {
            return Ok(person.handle.clone());
        }
        let administrators = self.who_may(Act::ManagePeople, &row.name).await?;
        let first = administrators.into_iter().next();
        Ok(first.map_or_else(|| row.owner.clone(), |(handle, _)| handle))
    }

    /// Nobody is left who answers for it: it acts no more, and the administrators hear why.
    async fn pause_vacant(&self, row: &Workflow, owners: &Owners) -> Result<(), Problem> {
        let (now, name) = (self.now(), row.name.clone());
        let mut row = row.clone();
        let before = row.switch;
        let reason = nobody(owners);
        row.switch = Switch::Paused;
        row.rollout.switched_at = Some(now);
        row.rollout.switched_by = Some(KEEPER.to_string());
        row.rollout.switch_reason = Some(reason.clone());
        let words = "paused: nobody answers for it any more".to_owned();
        let mut moved = Move::new(row, "workflow.switch", format!("switch {before} paused"));
        for (person, _) in self.who_may(Act::ManagePeople, &name).await? {
            let (title, path) = (format!("{name}: {words}"), format!("/workflows/{name}"));
            let told = notice(person, name.clone(), "owner_vacant", title, path, now);
            moved.changes.push(Change::InsertNotice(Box::new(told)));
        }
        let moved = moved.tell(words);
        self.commit_move(moved, &KEEPER, &reason).await.map(drop)
    }

    /// Whether somebody who is active answers for the workflow; asked before it may act again.
    pub(in crate::ops) async fn answered_for(&self, row: &Workflow) -> Result<(), Problem> {
        let live = self.loaded(row.live_release).await?;
        let people = self.0.reader.people().await.map_err(read_problem)?;
        let owners = &live.ready.def.owners;
        let is_active = |h: &str| people.iter().any(|p| p.active && p.handle == h);
        if owners.answering(is_active).is_some() {
            return Ok(());
        }
        Err(Problem::new("nobody_answers", nobody(owners)).way_out(format!(
            "name an active person under [owners] and install the package of {}, or activate one of them; then resume it",
            row.name
        )))
    }

    /// A duty that the record answers, with what it shows.
    pub(in crate::ops) async fn shown(
        &self,
        mut duty: Duty,
        words: String,
        by: &Actor,
    ) -> Result<(), Problem> {
        let now = self.now();
        duty.state = DutyState::Done;
        duty.answer = Some(DutyAnswer::Reason);
        duty.words = Some(words.clone());
        duty.done_by = Some(by.to_string());
        duty.done_at = Some(now);
        duty.version += 1;
        let mut entry = duty_entry(&duty, "duty.answered", by, now)
            .fact("answer", DutyAnswer::Reason.word())
            .fact("reason", words);
        entry.moves.push("duty open done".to_owned());
        match self.duty_moved(&duty, Vec::new(), entry).await {
            Err(e) if e.code == "revision_moved" => Ok(()),
            done => done,
        }
    }
}

/// The place that a person held: `operator owner: rhea`.
fn place(role: OwnerRole, who: &PersonSpec) -> String {
    format!("{}: {}", role.title(), who.handle)
}

/// Who holds the place now.
fn filled(item: &str, owners: &Owners) -> String {
    let role = item.split(':').next().unwrap_or_default();
    let known = OwnerRole::ALL.iter().find(|r| r.title() == role);
    known.and_then(|r| owners.holder(*r)).map_or_else(
        || format!("no {role} is named any more"),
        |p| format!("{role} is {}", p.name),
    )
}

fn nobody(owners: &Owners) -> String {
    let sponsor = owners.sponsor.as_ref().map_or_else(
        || "no sponsor is named".to_owned(),
        |s| format!("neither is the sponsor {}", s.name),
    );
    format!(
        "nobody answers for it: the operator owner {} and the backup {} are not active any more, {sponsor}",
        owners.operator.name, owners.backup.name
    )
}
