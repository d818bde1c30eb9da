//! The queue as a page shows it: what is due by when, where the workflow is.

use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, DeskChange};
use tuesday_domain::time::Zone;
use tuesday_store::QueueTimes;

use crate::engine::{Engine, apply_problem};

impl Engine {
    /// One row around review tasks, with its entry.
    pub(crate) async fn desk(&self, change: DeskChange, entry: AuditEntry) -> Result<(), Problem> {
        let changes = vec![Change::Desk(Box::new(change))];
        self.apply(Decision { changes, entry })
            .await
            .map(drop)
            .map_err(apply_problem)
    }

    /// Now, and the end of today in the time zone of `workflow`, or in UTC without one.
    pub async fn queue_times(&self, workflow: Option<&str>) -> QueueTimes {
        let now = self.now();
        let day_end = match workflow {
            Some(name) => self
                .live(name)
                .await
                .ok()
                .map(|(_, live)| live.ready.zone.day_end(now)),
            None => Zone::named("UTC").ok().map(|zone| zone.day_end(now)),
        };
        QueueTimes {
            now,
            day_end: day_end.unwrap_or(now),
        }
    }
}
