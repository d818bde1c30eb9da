//! Commands that wait for a run: with a server running it does the work, otherwise this process
//! works for as long as it waits.

use std::time::Duration;

use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Run;
use tuesday_engine::Worker;

use super::serve::Lock;
use crate::args::{absent, stored};
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Node, Opening};

/// Runs worked on at once by a worker that lives for one command.
const SLOTS: u32 = 8;
/// How long running work may take to finish when the command is done.
const GRACE: Duration = Duration::from_secs(20);
/// How often the run is read again.
const LOOK: Duration = Duration::from_millis(50);

/// A node for one command, with a worker where nobody else works.
pub(crate) struct Session {
    pub(crate) node: Node,
    worker: Option<Worker>,
    _lock: Option<Lock>,
}

impl Session {
    /// Opens the instance. With `work` and no server on an embedded database, this process becomes
    /// its worker; on PostgreSQL it is one more worker among others.
    pub(crate) async fn open(common: &Common, work: bool) -> Result<Self, Problem> {
        let home = Home::find(common)?;
        let there = home.database.is_some() || home.sqlite().exists();
        let (slots, lock) = match (work && there).then(|| Lock::take(&home)) {
            // Somebody serves this database and does the work.
            None | Some(Err(_)) => (0, None),
            Some(Ok(lock)) => (SLOTS, lock),
        };
        let node = wiring::open(
            home,
            Opening {
                slots,
                ..Opening::default()
            },
        )
        .await?;
        if lock.is_some() {
            // The one process of this database: whoever held leases before is gone.
            node.store
                .release_leases_of("")
                .await
                .map_err(|e| out::unavailable(e.to_string()))?;
        }
        let worker = (slots > 0).then(|| Worker::start(&node.engine));
        Ok(Self {
            node,
            worker,
            _lock: lock,
        })
    }

    /// The run once it has ended or a person has it.
    ///
    /// # Errors
    /// `unavailable` when it takes longer than `most`; the run itself goes on.
    pub(crate) async fn settled(&self, run: RunId, most: Duration) -> Result<Run, Problem> {
        let reader = self.node.engine.reader();
        let look = async {
            loop {
                let found = reader
                    .run(run)
                    .await
                    .map_err(stored)?
                    .ok_or_else(|| absent(&run))?;
                if found.state.status.is_terminal() || found.state.status.wants_person() {
                    return Ok(found);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(most, look).await.unwrap_or_else(|_| {
            Err(Problem::new(
                "unavailable",
                format!(
                    "{run} is not settled after {} s; it goes on when a worker runs",
                    most.as_secs()
                ),
            )
            .with("run_id", run.to_string())
            .way_out(format!(
                "look with `tuesday run show {run}`, or wait longer with --timeout"
            )))
        })
    }

    /// Lets work in hand finish.
    pub(crate) async fn close(self) {
        if let Some(worker) = self.worker {
            worker.shut_down(GRACE).await;
            let _ = self.node.engine.seal().await;
        }
    }
}
