//! Runs an ended run again with fresh inputs and the live release: the plainest way to repeat it.

use tuesday_domain::actor::Actor;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Run;

use super::rerun::Rerun;
use crate::engine::Engine;

impl Engine {
    /// Starts a new run from the event of an ended one, with fresh inputs and the live release.
    ///
    /// # Errors
    /// As [`Engine::rerun`].
    pub async fn retry(&self, id: RunId, by: &Actor) -> Result<Run, Problem> {
        let how = Rerun {
            reason: "tried again".to_owned(),
            ..Rerun::default()
        };
        self.rerun(id, &how, by).await
    }
}
