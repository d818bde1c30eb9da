//! Puts delivered wrong outputs right: one tracked correction for each place, with its receipt.

use std::time::Duration;

use tuesday_domain::action::ActionState;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::{ActionId, CorrectionId, IncidentId, RunId};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Action, Change, Correction, Incident, IncidentRun, TroubleChange};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::incident::CorrectionState;

use super::Handling;
use crate::engine::{Engine, read_problem};
use crate::ids;

/// From its making until a correction is due.
const DUE: Duration = Duration::from_secs(2 * 86_400);
/// Most corrections in one go.
const MOST: usize = 1_000;

/// A place where something wrong was written.
#[derive(Clone, Debug)]
pub struct NewCorrection {
    /// The run whose output is wrong.
    pub run: RunId,
    /// The action that wrote it; absent where a person must find the place.
    pub action: Option<ActionId>,
    /// What is to be put right.
    pub words: String,
}

/// How a correction ended.
#[derive(Clone, Debug)]
pub enum Settled {
    /// Done; what the destination says about it.
    Done {
        /// Its id, version or answer.
        receipt: String,
    },
    /// Not possible or not wanted.
    Dropped {
        /// Why.
        reason: String,
    },
}

impl Engine {
    /// Makes corrections, each with an owner and a due time. One that exists for the same action is not
    /// made twice.
    ///
    /// # Errors
    /// `not_found`, `not_allowed`, `reason_required` without words, `bad_request` for none,
    /// `too_many_items`, `owner_not_a_person`, `illegal_state` once the incident is resolved.
    pub async fn correct(
        &self,
        id: IncidentId,
        wanted: &[NewCorrection],
        owner: Option<&str>,
        by: &str,
    ) -> Result<Vec<Correction>, Problem> {
        let found = self.incident(id).await?;
        self.may_handle(&found, by).await?;
        if !found.state.is_open() {
            let words = format!("the incident is {}", found.state);
            return Err(Problem::new("illegal_state", words).way_out("reopen it first"));
        }
        if wanted.is_empty() {
            return Err(Problem::new("bad_request", "nothing is to be corrected").field("runs"));
        }
        if wanted.len() > MOST {
            let words = format!("at most {MOST} corrections at once");
            return Err(Problem::new("too_many_items", words));
        }
        let owner = self.corrector(owner.unwrap_or(&found.owner)).await?;
        let known = self
            .0
            .reader
            .corrections_of(id)
            .await
            .map_err(read_problem)?;
        let now = self.now();
        let mut h = Handling::on(
            &found,
            &Actor::Person(by.to_owned()),
            "incident.corrected",
            now,
        );
        let mut made: Vec<Correction> = Vec::new();
        for new in wanted {
            let same = |c: &Correction| c.run == new.run && c.action == new.action;
            if known.iter().any(same) || made.iter().any(same) {
                continue;
            }
            let place = self.place_of(new).await?;
            made.push(correction(&found, new, &owner, place, now)?);
        }
        let runs: std::collections::BTreeSet<RunId> = made.iter().map(|c| c.run).collect();
        for run in runs {
            h.change(TroubleChange::LinkRun(IncidentRun {
                incident: id,
                run,
                at: now,
            }));
        }
        for c in &made {
            h.change(TroubleChange::InsertCorrection(c.clone()));
        }
        h.fact("corrections", made.len());
        h.fact("owner", owner.clone());
        h.say(
            "corrections",
            format!("{} corrections for {owner}", made.len()),
            None,
        );
        h.also(Change::InsertNotice(Box::new(crate::maintenance::notice(
            owner,
            found.workflow.clone().unwrap_or_default(),
            "corrections_due",
            format!("{} outputs are to be put right", made.len()),
            format!("/incidents/{id}"),
            now,
        ))));
        self.not_quiet(&mut h, now).await?;
        self.commit_incident(h).await?;
        Ok(made)
    }

    async fn corrector(&self, owner: &str) -> Result<String, Problem> {
        let people = self.0.reader.people().await.map_err(read_problem)?;
        if people.iter().any(|p| p.handle == owner && p.active) {
            return Ok(owner.to_owned());
        }
        let words = format!("{owner} is nobody who is there");
        Err(Problem::new("owner_not_a_person", words).field("owner"))
    }

    /// Where the action wrote, in words.
    async fn place_of(&self, new: &NewCorrection) -> Result<String, Problem> {
        let missing = || Problem::new("not_found", format!("there is no {}", new.run));
        let run = self.0.reader.run(new.run).await.map_err(read_problem)?;
        let run = run.ok_or_else(missing)?;
        let Some(id) = new.action else {
            return Ok(String::new());
        };
        let actions = self
            .0
            .reader
            .actions_of(run.id)
            .await
            .map_err(read_problem)?;
        let action = actions
            .into_iter()
            .find(|a| a.id == id)
            .ok_or_else(|| Problem::new("not_found", format!("{} has no {id}", run.id)))?;
        Ok(format!("{}: {}", action.name, action.target))
    }

    /// Settles a correction: done with the destination's receipt, or dropped with a reason.
    ///
    /// # Errors
    /// `not_found`, `not_allowed`, `reason_required` without receipt or reason, `illegal_state`.
    pub async fn settle_correction(
        &self,
        id: CorrectionId,
        how: Settled,
        by: &str,
    ) -> Result<Correction, Problem> {
        let found = self.0.reader.correction(id).await.map_err(read_problem)?;
        let mut c = found.ok_or_else(|| Problem::new("not_found", format!("there is no {id}")))?;
        let incident = self.incident(c.incident).await?;
        if c.owner != by {
            self.may_handle(&incident, by).await?;
        }
        let done = matches!(how, Settled::Done { .. });
        let (field, text) = match how {
            Settled::Done { receipt } => ("receipt", receipt),
            Settled::Dropped { reason } => ("reason", reason),
        };
        if text.trim().is_empty() {
            let words = "a correction ends with the destination's receipt, or with the reason it was dropped";
            return Err(Problem::new("reason_required", words).field(field));
        }
        let before = c.state;
        c.state = before
            .settle(done)
            .map_err(|e| Problem::new("illegal_state", e))?;
        let now = self.now();
        c.settled_by = Some(by.to_owned());
        c.settled_at = Some(now);
        c.version += 1;
        if done {
            c.receipt = Some(text.trim().to_owned());
        } else {
            c.note = Some(text.trim().to_owned());
        }
        let mut h = Handling::on(
            &incident,
            &Actor::Person(by.to_owned()),
            "incident.correction_settled",
            now,
        );
        h.fact("correction", id.to_string());
        h.fact("state", c.state.word());
        h.say(
            "correction",
            format!("{} {}: {}", c.place, c.state, text.trim()),
            None,
        );
        h.change(TroubleChange::UpdateCorrection(c.clone()));
        self.not_quiet(&mut h, now).await?;
        self.commit_incident(h).await?;
        Ok(c)
    }

    /// Corrections whose wrong value was put back are done; the receipt is that of the action which did.
    pub(crate) async fn close_corrections(&self) -> Result<(), Problem> {
        let reader = &self.0.reader;
        let open = reader
            .corrections_undone(MOST)
            .await
            .map_err(read_problem)?;
        for c in open {
            let actions = reader.actions_of(c.run).await.map_err(read_problem)?;
            let wrong = actions.iter().find(|a| Some(a.id) == c.action);
            let by = |a: &&Action| {
                a.state == ActionState::Confirmed
                    && a.undoes()
                        .is_some_and(|p| wrong.is_some_and(|w| w.ordinal == p))
            };
            let Some(undone) = actions.iter().find(by) else {
                continue;
            };
            let receipt = format!("{} put the old value back, key {}", undone.id, undone.key);
            let authorised = undone.authorised_by.as_deref().unwrap_or_default();
            let person = authorised
                .strip_prefix("person:")
                .unwrap_or(&c.owner)
                .to_owned();
            let done = self.settle_correction(c.id, Settled::Done { receipt }, &person);
            match Box::pin(done).await {
                Ok(_) => {}
                // Somebody has just settled it by hand, or the incident moved: the next pass looks again.
                Err(p) if p.code == "illegal_state" || p.code == "revision_moved" => {}
                Err(p) => return Err(p),
            }
        }
        Ok(())
    }
}

fn correction(
    incident: &Incident,
    new: &NewCorrection,
    owner: &str,
    place: String,
    now: Timestamp,
) -> Result<Correction, Problem> {
    let words = new.words.trim();
    if words.is_empty() {
        return Err(Problem::new("reason_required", "say what is to be put right").field("words"));
    }
    Ok(Correction {
        id: ids::correction(),
        state: CorrectionState::Open,
        owner: owner.to_owned(),
        due_at: now.plus(DUE),
        receipt: None,
        settled_by: None,
        settled_at: None,
        note: None,
        version: 1,
        incident: incident.id,
        run: new.run,
        action: new.action,
        place,
        words: words.to_owned(),
        created_at: now,
    })
}
