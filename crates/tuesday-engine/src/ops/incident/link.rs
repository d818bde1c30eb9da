//! Ties runs to an incident.

use std::collections::BTreeSet;

use tuesday_domain::actor::Actor;
use tuesday_domain::id::{IncidentId, RunId};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Incident, IncidentRun, TroubleChange};

use super::Handling;
use crate::engine::{Engine, read_problem};

/// Most runs in one go.
pub(super) const MOST: usize = 10_000;

impl Engine {
    /// Links runs; one that is linked already stays linked once.
    ///
    /// # Errors
    /// `not_found` for the incident or a run, `not_allowed`, `too_many_items`, `bad_request` for none.
    pub async fn link_runs(
        &self,
        id: IncidentId,
        runs: &[RunId],
        by: &str,
    ) -> Result<Incident, Problem> {
        let found = self.incident(id).await?;
        self.may_handle(&found, by).await?;
        let runs: BTreeSet<RunId> = runs.iter().copied().collect();
        if runs.is_empty() {
            return Err(Problem::new("bad_request", "no run is named").field("runs"));
        }
        if runs.len() > MOST {
            return Err(Problem::new(
                "too_many_items",
                format!("at most {MOST} runs at once"),
            ));
        }
        for run in &runs {
            let row = self.0.reader.run(*run).await.map_err(read_problem)?;
            if row.is_none() {
                return Err(Problem::new("not_found", format!("there is no {run}")));
            }
        }
        let now = self.now();
        let mut h = Handling::on(
            &found,
            &Actor::Person(by.to_owned()),
            "incident.linked",
            now,
        );
        h.fact("runs", runs.len());
        h.say("linked", format!("{} runs", runs.len()), None);
        for run in runs {
            h.change(TroubleChange::LinkRun(IncidentRun {
                incident: id,
                run,
                at: now,
            }));
        }
        self.not_quiet(&mut h, now).await?;
        self.commit_incident(h).await
    }
}
