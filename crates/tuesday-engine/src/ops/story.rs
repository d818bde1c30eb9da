//! The whole story of one run: a read, not an investigation.

use std::sync::Arc;

use tuesday_domain::actor::Class;
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::story::{Record, ReleaseFacts, Story, tell};
use tuesday_domain::veil::Veil;

use super::cleared::Reader;
use super::task::not_found;
use crate::engine::{Engine, read_problem};

/// How much of a run is seen.
#[derive(Clone, Copy)]
enum Sight<'a> {
    /// All of it.
    All,
    /// What this reader is cleared for, which is kept.
    Of(&'a Reader<'a>),
    /// What a clearance shows.
    UpTo(Class),
}

impl Engine {
    /// Answers the eight questions about a run from its own record.
    ///
    /// # Errors
    /// `not_found`, `unavailable`.
    pub async fn story(&self, id: RunId) -> Result<Story, Problem> {
        self.told(id, Sight::All).await
    }

    /// The same for one reader: masked by clearance, and kept as an access when it shows or hides what
    /// is restricted.
    ///
    /// # Errors
    /// As [`Engine::story`]; also when the access cannot be kept.
    pub async fn story_for(&self, id: RunId, reader: &Reader<'_>) -> Result<Story, Problem> {
        self.told(id, Sight::Of(reader)).await
    }

    /// The same as far as a clearance shows it, for what leaves as a whole: its taking is kept once, and
    /// not for each run.
    ///
    /// # Errors
    /// As [`Engine::story`].
    pub(crate) async fn story_up_to(&self, id: RunId, clearance: Class) -> Result<Story, Problem> {
        self.told(id, Sight::UpTo(clearance)).await
    }

    async fn told(&self, id: RunId, sight: Sight<'_>) -> Result<Story, Problem> {
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
        let loaded = self.0.catalog.release(reader, run.release).await;
        let ready = loaded.as_ref().ok().map(|r| Arc::clone(&r.ready));
        let veil = match sight {
            Sight::All => Veil::open(),
            Sight::Of(who) => who.veil(&run.workflow, ready),
            Sight::UpTo(clearance) => Veil::new(clearance, ready),
        };
        if let Sight::Of(who) = sight {
            self.accessed(who, &run.workflow, id.to_string(), &veil)
                .await?;
        }
        let release = match loaded {
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
        let (read, workflow) = (run.version, run.workflow.clone());
        let story = tell(Record {
            run,
            release,
            payloads,
            attempts,
            reviews,
            actions,
            entries,
            people,
            sealed_size: sealed.map(|c| c.size),
            veil,
        });
        if !story.integrity.whole {
            self.not_as_committed(id, read, workflow, &story).await?;
        }
        Ok(story)
    }

    /// What was read is not whole. While a run moves, its rows may be newer than its entries: only what
    /// stands still is damaged.
    async fn not_as_committed(
        &self,
        id: RunId,
        read: u32,
        workflow: String,
        story: &Story,
    ) -> Result<(), Problem> {
        let now = self.0.reader.run(id).await.map_err(read_problem)?;
        if now.is_some_and(|r| r.version == read) {
            let i = &story.integrity;
            let words = format!(
                "damaged: {}; changes without an entry: {}",
                listed(&i.damaged),
                listed(&i.gaps)
            );
            self.record_broken(id, &workflow, words).await;
        }
        Ok(())
    }
}

fn listed<T: std::fmt::Display>(all: &[T]) -> String {
    if all.is_empty() {
        return "none".to_owned();
    }
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    all.join(", ")
}
