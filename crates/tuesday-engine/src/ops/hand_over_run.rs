//! Gives one run to people: what is unsent is voided, its tasks are superseded, and a person is asked to
//! do by hand what is left.

use tuesday_domain::action::ActionEvent;
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Change;
use tuesday_domain::review::{ReviewEvent, ReviewKind};
use tuesday_domain::run::{Reason, RunEvent};
use tuesday_store::Work;

use crate::draft::Draft;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::steps::{Ask, open_review};

impl Engine {
    /// `words` tell the person why. Nothing of the run may be on its way to a destination.
    ///
    /// # Errors
    /// `illegal_state` in a state that cannot be handed over, `revision_moved`, `unavailable`.
    pub(crate) async fn hand_over_run(
        &self,
        found: Work,
        by: Actor,
        words: Vec<String>,
    ) -> Result<(), Problem> {
        let id = found.run.id;
        let release = self.loaded(found.run.release).await?;
        let now = self.now();
        let class = release.ready.strictest();
        let mut draft = Draft::on(&found.run, class, by, "run.handed_to_people", now);
        for mut action in found.actions {
            if !action.state.is_settled() {
                draft.action(&mut action, &[ActionEvent::Void], false)?;
            }
        }
        for mut review in self.0.reader.reviews_of(id).await.map_err(read_problem)? {
            if !review.state.is_decided() && review.kind != ReviewKind::SecondLook {
                review.decided_at = Some(now);
                draft.review(&mut review, ReviewEvent::Supersede)?;
            }
        }
        if found.run.state.status.wants_job() {
            draft.event(RunEvent::Paused)?;
            draft.change(Change::DropJob { run: id });
        }
        draft.event(RunEvent::ManualFallback)?;
        let ask = Ask {
            kind: ReviewKind::Manual,
            ..Ask::output(Reason::ManualFallback, words, RunEvent::ManualFallback)
        };
        draft.open_review(open_review(&release.ready.def, &draft.run, ask, now));
        draft.run.owner = None;
        let (decision, _) = draft.finish();
        self.apply(decision).await.map(drop).map_err(apply_problem)
    }
}
