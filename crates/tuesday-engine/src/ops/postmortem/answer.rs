//! A person answers one of the seven questions, where records cannot tell or tell it wrong.

use tuesday_domain::actor::Actor;
use tuesday_domain::postmortem::{Answer, Question};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Postmortem;

use super::{entry, short, stored};
use crate::engine::Engine;

/// What a person says to a question.
#[derive(Clone, Debug)]
pub struct PostmortemAnswer {
    /// Which question.
    pub question: Question,
    /// Yes or no; nothing takes the person's answer back.
    pub yes: Option<bool>,
    /// What it rests on.
    pub evidence: String,
}

impl Engine {
    /// Keeps a person's answer beside what records say; the person's counts.
    ///
    /// # Errors
    /// `reason_required` without evidence, `illegal_state` once it is closed, `not_found`,
    /// `not_allowed`, `body_too_large`.
    pub async fn answer_postmortem(
        &self,
        workflow: &str,
        seq: u32,
        said: PostmortemAnswer,
        by: &str,
    ) -> Result<Postmortem, Problem> {
        let mut row = self.postmortem_row(workflow, seq).await?;
        self.may_answer(&row, by).await?;
        let closed = |e: tuesday_domain::postmortem::ClosedAlready| {
            Problem::new("illegal_state", e.to_string())
        };
        row.state.answer().map_err(closed)?;
        let evidence = short("evidence", &said.evidence)?;
        if said.yes.is_some() && evidence.is_empty() {
            return Err(
                Problem::new("reason_required", "say what the answer rests on")
                    .field("evidence")
                    .way_out(
                        "name a run, a report, a page: an answer without evidence is an opinion",
                    ),
            );
        }
        let mut answers = stored(&row)?;
        answers.retain(|a| a.question != said.question);
        if said.yes.is_some() {
            answers.push(Answer {
                question: said.question,
                yes: said.yes,
                evidence: evidence.clone(),
                path: String::new(),
                by: Some(by.to_owned()),
            });
        }
        row.answers =
            serde_json::to_string(&answers).map_err(|e| Problem::new("internal", e.to_string()))?;
        let word = match said.yes {
            Some(true) => "yes",
            Some(false) => "no",
            None => "as records say",
        };
        let actor = Actor::Person(by.to_owned());
        let entry = entry(&row, actor, "postmortem.answered", self.now())
            .fact("question", said.question.word())
            .fact("answer", word)
            .fact("evidence", evidence);
        self.commit_postmortem(row, entry, Vec::new()).await
    }
}
