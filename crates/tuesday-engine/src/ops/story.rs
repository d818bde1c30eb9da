//! The whole story of one run: a read, not an investigation.

use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::story::{Record, ReleaseFacts, Story, tell};

use super::task::not_found;
use crate::engine::{Engine, read_problem};

impl Engine {
    /// Answers the eight questions about a run from its own record.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn story(&self, id: RunId) -> Result<Story, Problem> {
        let reader = &self.0.reader;
        let run = reader
            .run(id)
            .await
            .map_err(read_problem)?
            .ok_or_else(|| not_found(&id.to_string()))?;
        let (payloads, attempts, reviews, actions, entries, people) = tokio::try_join!(
            reader.payloads(id),
            reader.attempts(id),
            reader.reviews_of(id),
            reader.actions_of(id),
            reader.audit_of(id),
            reader.people(),
        )
        .map_err(read_problem)?;
        let release = match self.0.catalog.release(reader, run.release).await {
            Ok(r) => ReleaseFacts {
                number: Some(r.number),
                hash: Some(crate::catalog::hex(&r.hash)),
                model: r.ready.model.pin.clone(),
                model_kind: r.ready.model.kind.word().to_owned(),
                currency: r.ready.model.price.as_ref().map(|p| p.currency.clone()),
                zone: r.ready.def.workflow.time_zone.clone(),
                title: r.ready.def.workflow.title.clone(),
                fault: None,
            },
            Err(e) => ReleaseFacts::unusable(e.to_string()),
        };
        let sealed = reader.latest_checkpoint().await.map_err(read_problem)?;
        Ok(tell(Record {
            run,
            release,
            payloads,
            attempts,
            reviews,
            actions,
            entries,
            people,
            sealed_size: sealed.map(|c| c.size),
        }))
    }
}
