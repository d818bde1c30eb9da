//! Somebody answers what no record can tell about a sign that a workflow is past the pilot. The answer stands under
//! their name; what the records say otherwise is marked and counts in its place.

use tuesday_domain::charter::{Sign, Statement};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::CharterFact;

use crate::engine::Engine;

impl Engine {
    /// Keeps an answer: `production: …` or `pilot: …` with what shows it; a blank one takes it back.
    ///
    /// # Errors
    /// `charter_refused` for a text that is not of its form, `workflow_retired`, `unknown_workflow`.
    pub async fn answer_sign(
        &self,
        name: &str,
        sign: Sign,
        text: &str,
        by: &str,
    ) -> Result<CharterFact, Problem> {
        let row = self.not_retired(name).await?;
        let live = self.loaded(row.live_release).await?;
        let statement = Statement::SignAnswer;
        let value = statement
            .read(text, self.now(), &live.ready.zone)
            .map_err(|f| {
                Problem::new("charter_refused", format!("{sign}: {}", f.words))
                    .field(sign.word())
                    .way_out(f.way_out)
            })?;
        self.put_fact(name, statement, sign.word(), value, by).await
    }
}
