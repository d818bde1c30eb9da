//! A postmortem as people see it: what records say, what people said instead, where both point.

use tuesday_domain::postmortem::{
    Answer, Known, PostmortemState, RootCause, Verdict, Wall, offered, prefill,
};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{FollowUp, Postmortem};
use tuesday_domain::time::Timestamp;
use tuesday_store::FollowUpFilter;

use super::stored;
use crate::engine::{Engine, read_problem};

/// Most follow-ups of one postmortem.
const MOST: usize = 200;
/// Most postmortems that are listed.
const LISTED: usize = 200;

/// A root cause that records point to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedCause {
    /// Which.
    pub root: RootCause,
    /// Why it is offered.
    pub because: String,
}

/// A postmortem with everything people need to answer it.
#[derive(Clone, Debug)]
pub struct PostmortemView {
    /// As it is stored.
    pub row: Postmortem,
    /// The seven answers in force, in the order of the questions.
    pub answers: Vec<Answer>,
    /// What they come to.
    pub verdict: Verdict,
    /// Where records point, the likeliest first; none once it is closed.
    pub offered: Vec<OfferedCause>,
    /// What somebody has to do.
    pub follow_ups: Vec<FollowUp>,
}

impl Engine {
    /// The newest postmortem of a workflow, or the one with this number.
    ///
    /// # Errors
    /// `not_found`, `unknown_workflow`, `record_damaged`, `unavailable`.
    pub async fn postmortem_of_workflow(
        &self,
        workflow: &str,
        seq: Option<u32>,
    ) -> Result<PostmortemView, Problem> {
        self.standing(workflow).await?;
        let row = match seq {
            Some(seq) => self.postmortem_row(workflow, seq).await?,
            None => {
                let newest = self.0.reader.postmortems(Some(workflow), 1).await;
                let newest = newest.map_err(read_problem)?.into_iter().next();
                newest.ok_or_else(|| {
                    Problem::new("not_found", format!("{workflow} has no postmortem")).way_out(
                        "one opens by itself when a workflow is killed, retired or decided to stop; \
                         tuesday postmortem open WORKFLOW --reason … asks for one",
                    )
                })?
            }
        };
        self.postmortem_view(row).await
    }

    /// The postmortems of one workflow or of all, newest first.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn postmortems(&self, workflow: Option<&str>) -> Result<Vec<Postmortem>, Problem> {
        if let Some(name) = workflow {
            self.standing(name).await?;
        }
        let found = self.0.reader.postmortems(workflow, LISTED).await;
        found.map_err(read_problem)
    }

    /// How often each root cause and wall was found since then.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn postmortem_causes(
        &self,
        since: Timestamp,
    ) -> Result<Vec<(RootCause, Wall, u64)>, Problem> {
        let found = self.0.reader.postmortem_counts(since).await;
        found.map_err(read_problem)
    }

    pub(super) async fn postmortem_view(&self, row: Postmortem) -> Result<PostmortemView, Problem> {
        let filter = FollowUpFilter {
            postmortem: Some((row.workflow.clone(), row.seq)),
            ..FollowUpFilter::default()
        };
        let follow_ups = self.0.reader.follow_ups(&filter, MOST).await;
        let follow_ups = follow_ups.map_err(read_problem)?;
        let said = stored(&row)?;
        if row.state == PostmortemState::Closed {
            let verdict = Verdict::of(&said);
            return Ok(PostmortemView {
                row,
                answers: said,
                verdict,
                offered: Vec::new(),
                follow_ups,
            });
        }
        let known: Known = Box::pin(self.known_of(&row)).await?;
        let mut answers = prefill(&row.workflow, &known);
        for answer in &mut answers {
            if let Some(own) = said.iter().find(|s| s.question == answer.question) {
                let path = std::mem::take(&mut answer.path);
                *answer = Answer {
                    path,
                    ..own.clone()
                };
            }
        }
        let unnoticed = self.changed_unnoticed(&row.workflow, row.opened_at).await?;
        let offers = offered(&answers, unnoticed.as_deref()).into_iter();
        Ok(PostmortemView {
            verdict: Verdict::of(&answers),
            offered: offers
                .map(|(root, because)| OfferedCause { root, because })
                .collect(),
            row,
            answers,
            follow_ups,
        })
    }
}
