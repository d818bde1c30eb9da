//! What people add to the pack, each under their name: a claim about a part, a cost nobody had planned,
//! why a step is jumped over, an answer that no record gives.

use tuesday_domain::charter::Statement;
use tuesday_domain::id::CostEntryId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::CharterFact;

use super::abouts;
use crate::engine::{Engine, read_problem};

impl Engine {
    /// Keeps what somebody says; a blank takes it back.
    ///
    /// # Errors
    /// `bad_request` for a part, step or question that there is not, `not_found` for a cost that is not
    /// in the ledger of this workflow, `reason_required` for a step without a reason, `charter_refused`,
    /// `workflow_retired`, `unknown_workflow`.
    pub async fn say_of_pilot(
        &self,
        name: &str,
        (what, about): (Statement, &str),
        text: &str,
        by: &str,
    ) -> Result<CharterFact, Problem> {
        let row = self.not_retired(name).await?;
        if what == Statement::HiddenCost {
            self.own_cost(name, about).await?;
        } else if !what.of_the_pilot() || !abouts(what).contains(&about) {
            return Err(Problem::new(
                "bad_request",
                format!("`{about}` is nothing that can be said here"),
            )
            .field("about")
            .way_out(format!("one of {}", abouts(what).join(", "))));
        }
        let live = self.loaded(row.live_release).await?;
        let value = what.read(text, self.now(), &live.ready.zone).map_err(|f| {
            Problem::new("charter_refused", format!("{what}: {}", f.words))
                .field(what.word())
                .way_out(f.way_out)
        })?;
        self.put_fact(name, what, about, value, by).await
    }

    async fn own_cost(&self, name: &str, about: &str) -> Result<(), Problem> {
        let missing = || {
            Problem::new(
                "not_found",
                format!("the ledger of {name} has no entry {about}"),
            )
            .field("about")
            .way_out(format!("tuesday cost list --workflow {name}"))
        };
        let id: CostEntryId = about.parse().map_err(|_| missing())?;
        let found = self.0.reader.cost_entry(id).await.map_err(read_problem)?;
        let own = |w: &Option<String>| w.as_deref().is_none_or(|w| w == name);
        match found {
            Some((entry, None)) if own(&entry.workflow) && entry.reverses.is_none() => Ok(()),
            _ => Err(missing()),
        }
    }
}
