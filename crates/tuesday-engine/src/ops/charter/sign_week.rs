//! Somebody signs the metric of the week: what they saw is kept with it.

use tuesday_domain::charter::Statement;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::CharterFact;

use crate::engine::Engine;

impl Engine {
    /// Signs what the figures say now. The text is made from the records, not by the person.
    ///
    /// # Errors
    /// `charter_refused` without a metric, `workflow_retired`, `unknown_workflow`.
    pub async fn sign_week(&self, name: &str, by: &str) -> Result<CharterFact, Problem> {
        self.not_retired(name).await?;
        let gathered = self.gather(name).await?;
        let Some(metric) = gathered.facts.value(Statement::NinetyDayMetric) else {
            return Err(Problem::new(
                "charter_refused",
                "there is no metric that could be reviewed",
            )
            .field(Statement::NinetyDayMetric.word())
            .way_out("state the ninety-day metric first"));
        };
        let n = gathered.figures;
        let words = format!(
            "{metric}; seen: {} of {} decided outputs changed, {} of {} runs with a failure, {} open",
            n.decided.saturating_sub(n.stood),
            n.decided,
            n.failed,
            n.finished,
            n.open,
        );
        self.put_fact(name, Statement::WeeklyReview, "", words, by)
            .await
    }
}
