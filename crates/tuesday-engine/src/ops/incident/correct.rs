//! Puts delivered wrong outputs right: one tracked correction for each place.

use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::id::{ActionId, IncidentId, RunId};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Correction, Incident, IncidentRun, TroubleChange};
use tuesday_domain::time::Timestamp;
use tuesday_domain::trouble::incident::CorrectionState;

use super::Handling;
use crate::engine::{Engine, read_problem};
use crate::ids;

/// From its making until a correction is due.
const DUE: Duration = Duration::from_secs(2 * 86_400);
/// Most corrections in one go.
pub(super) const MOST: usize = 1_000;

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
        proof: None,
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
