//! Closes a postmortem: every question answered, one root cause, one wall, nothing left to do.

use tuesday_domain::actor::Actor;
use tuesday_domain::postmortem::{
    Closing, NotClosable, RootCause, RuledOut, Verdict, Wall, closable,
};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Postmortem;

use super::{entry, short};
use crate::engine::Engine;

/// What is said when a postmortem is closed.
#[derive(Clone, Debug, Default)]
pub struct ClosedWith {
    /// What was at the root.
    pub root: Option<RootCause>,
    /// The wall it ran into.
    pub wall: Option<Wall>,
    /// What is learnt.
    pub lessons: String,
    /// For the model as the root: why it was nothing else.
    pub ruled_out: RuledOut,
}

impl Engine {
    /// Closes it with the answers in force; they are kept as they are now, with what they rest on.
    ///
    /// # Errors
    /// `postmortem_incomplete` naming the blank field, `follow_ups_open`, `illegal_state` once it is
    /// closed, `not_found`, `not_allowed`, `body_too_large`.
    pub async fn close_postmortem(
        &self,
        workflow: &str,
        seq: u32,
        with: ClosedWith,
        by: &str,
    ) -> Result<Postmortem, Problem> {
        let mut row = self.postmortem_row(workflow, seq).await?;
        self.may_answer(&row, by).await?;
        let closed = row.state.close();
        let closed = closed.map_err(|e| Problem::new("illegal_state", e.to_string()))?;
        let view = Box::pin(self.postmortem_view(row.clone())).await?;
        let lessons = short("lessons", &with.lessons)?;
        let open = view.follow_ups.iter().filter(|f| f.ended_at.is_none());
        let closing = Closing {
            root: with.root,
            wall: with.wall,
            lessons,
            ruled_out: with.ruled_out,
            open_follow_ups: open.count() as u64,
        };
        closable(&view.answers, &closing).map_err(|e| not_closable(&e))?;
        let json = |e: serde_json::Error| Problem::new("internal", e.to_string());
        row.state = closed;
        row.answers = serde_json::to_string(&view.answers).map_err(json)?;
        row.root = closing.root;
        row.wall = closing.wall;
        if closing.root == Some(RootCause::Model) {
            row.ruled_out = Some(serde_json::to_string(&closing.ruled_out).map_err(json)?);
        }
        row.lessons = Some(closing.lessons.clone());
        let now = self.now();
        row.closed_by = Some(by.to_owned());
        row.closed_at = Some(now);
        let word = |w: Option<&'static str>| w.unwrap_or_default();
        let entry = entry(&row, Actor::Person(by.to_owned()), "postmortem.closed", now)
            .fact("root", word(closing.root.map(RootCause::word)))
            .fact("wall", word(closing.wall.map(Wall::word)))
            .fact("verdict", Verdict::of(&view.answers).words())
            .fact("lessons", closing.lessons);
        self.commit_postmortem(row, entry, Vec::new()).await
    }
}

fn not_closable(e: &NotClosable) -> Problem {
    match e {
        NotClosable::FollowUps(_) => Problem::new("follow_ups_open", e.to_string())
            .way_out("finish them, or drop them with a reason"),
        NotClosable::Blank(question) => Problem::new("postmortem_incomplete", e.to_string())
            .field(question.word())
            .way_out("answer it with yes or no and what that rests on"),
        NotClosable::Missing { field } => {
            Problem::new("postmortem_incomplete", e.to_string()).field(*field)
        }
    }
}
