//! Somebody finished the training of the tiers in force; another person says so.

use tuesday_domain::charter::{Statement, curriculum};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::CharterFact;

use crate::engine::Engine;

impl Engine {
    /// Records that `person` finished the training. It holds for the tiers, questions and guidance in
    /// force: when they change, it has to be done again.
    ///
    /// # Errors
    /// `own_word` for one's own training, `not_found` for who may not decide tasks here,
    /// `workflow_retired`, `unknown_workflow`.
    pub async fn record_training(
        &self,
        name: &str,
        person: &str,
        by: &str,
    ) -> Result<CharterFact, Problem> {
        self.not_retired(name).await?;
        if person == by {
            let words = "nobody records their own training";
            return Err(
                Problem::new("own_word", words).way_out("ask the operator owner or the backup")
            );
        }
        let gathered = self.gather(name).await?;
        if !gathered.deciders.iter().any(|d| d == person) {
            let words = format!("{person} may not decide tasks of {name}");
            return Err(Problem::new("not_found", words)
                .field("person")
                .way_out(format!("one of {}", gathered.deciders.join(", "))));
        }
        let value = curriculum(&gathered.live.ready.def.review);
        self.put_fact(name, Statement::Training, person, value, by)
            .await
    }
}
