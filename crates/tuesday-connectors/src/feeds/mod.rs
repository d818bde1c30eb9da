//! Triggers that are polled: a folder for files and a queue table.
//!
//! Everything found is handed out again until it is marked as taken, and always under the same event
//! id, so a crash between the two is harmless: the engine knows the id.

use std::path::PathBuf;
use std::sync::Arc;

use tuesday_domain::definition::{TriggerKind, TriggerSpec};
use tuesday_domain::port::{Call, Feed, FeedItem, Secrets};

mod folder;
mod queue;
mod records;

/// Polls every kind of pulling trigger.
pub struct Feeds {
    folder: folder::Folders,
    queue: queue::Queues,
}

impl Feeds {
    /// `base` is the installation's data folder: relative paths in definitions start there.
    #[must_use]
    pub fn new(secrets: Arc<dyn Secrets>, base: impl Into<PathBuf>) -> Self {
        let base = base.into();
        Self {
            folder: folder::Folders::new(base.clone()),
            queue: queue::Queues::new(secrets, base),
        }
    }
}

impl Feed for Feeds {
    fn poll<'a>(
        &'a self,
        workflow: &'a str,
        spec: &'a TriggerSpec,
        limit: usize,
    ) -> Call<'a, Result<Vec<FeedItem>, String>> {
        Box::pin(async move {
            match spec.kind {
                TriggerKind::File => self.folder.poll(spec, limit).await,
                TriggerKind::Sql => self.queue.poll(spec, limit).await,
                _ => Err(format!(
                    "trigger `{}` of `{workflow}` is not one that is polled",
                    spec.name
                )),
            }
        })
    }

    fn taken<'a>(
        &'a self,
        spec: &'a TriggerSpec,
        item: &'a FeedItem,
        outcome: &'a str,
    ) -> Call<'a, Result<(), String>> {
        Box::pin(async move {
            match spec.kind {
                TriggerKind::File => self.folder.taken(spec, item, outcome).await,
                TriggerKind::Sql => self.queue.taken(spec, item, outcome).await,
                _ => Err(format!("trigger `{}` is not one that is polled", spec.name)),
            }
        })
    }
}
