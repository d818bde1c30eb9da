//! Who has learnt to decide: by practice, or by somebody else's word. And where that is asked for.

use std::collections::BTreeSet;

use tuesday_domain::charter::label::Basis;
use tuesday_domain::charter::{Statement, curriculum};
use tuesday_domain::definition::{Definition, TrainingRule};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::CharterFact;

use tuesday_domain::workflow::Label;

use super::gather::standing;
use crate::engine::{Engine, read_problem};

impl Engine {
    /// The handles of those who may decide; nothing where everybody with the right may. Training for
    /// tiers that changed since still counts here: the label lapses until it is renewed.
    pub(crate) async fn trained(
        &self,
        name: &str,
        def: &Definition,
    ) -> Result<Option<BTreeSet<String>>, Problem> {
        if !self.training_asked(name, def).await? {
            return Ok(None);
        }
        let all = self.0.reader.trained(name).await.map_err(read_problem)?;
        Ok(Some(all.into_iter().collect()))
    }

    pub(super) async fn training_asked(
        &self,
        name: &str,
        def: &Definition,
    ) -> Result<bool, Problem> {
        if def.review.training == TrainingRule::Always {
            return Ok(true);
        }
        // At most a moment old on this node; a label moves rarely, and never in the middle of a decision.
        let row = match self.0.catalog.cached_workflow(name) {
            Some(row) => row,
            None => std::sync::Arc::new(self.standing(name).await?),
        };
        if !matches!(row.label, Label::Pilot | Label::Production) {
            return Ok(false);
        }
        // A label that a test instance granted, or that an older version left, rests on no evidence and
        // asks for none here; the one lapses, the other may do nothing outside.
        let events = self.0.reader.label_events(name).await;
        let events = events.map_err(read_problem)?;
        Ok(standing(&row, &events, false).basis == Basis::Decided)
    }

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
