//! From nothing to ready, and from a killed server back to work.

use std::path::Path;
use std::time::{Duration, Instant};

use tuesday_bench::{Completion as _, drive};
use tuesday_domain::problem::Problem;

use super::child::Child;
use super::finished::AcceptedOnly;
use super::package::{AUTO, Bed};
use super::problem;
use super::report::{Killed, ms};
use crate::cli::Common;

/// Runs that are under way when the server dies: more than it finishes while they are accepted.
const BACKLOG: u64 = 2_000;
/// Between two looks at the ledger.
const PAUSE: Duration = Duration::from_millis(1);

/// Starts a server; answers the milliseconds until it was ready.
pub(super) async fn ready(common: &Common, dir: &Path, bed: &Bed) -> Result<(Child, f64), Problem> {
    let began = Instant::now();
    let server = Child::server(common, dir, &bed.listen)?;
    bed.ready().await?;
    Ok((server, ms(began.elapsed())))
}

/// Kills the server in the middle of its work and starts another on the same data.
pub(super) async fn kill(
    common: &Common,
    dir: &Path,
    bed: &Bed,
    server: Child,
) -> Result<(Child, Killed), Problem> {
    let written = bed.written()?;
    let effects = written.effects();
    let before = effects.finished().await.map_err(|e| problem(&e))?;
    drive(bed.events(AUTO, "kill", BACKLOG), &AcceptedOnly)
        .await
        .map_err(|e| problem(&e))?;
    drop(server);
    let killed = Instant::now();
    let done = effects.finished().await.map_err(|e| problem(&e))? - before;
    let (server, ready_ms) = ready(common, dir, bed).await?;
    let mut out = Killed {
        unfinished: BACKLOG - done,
        ready_ms,
        resumed_ms: None,
        finished_ms: None,
    };
    // Without anything left to do there is nothing to resume, and no figure is better than a good one.
    if out.unfinished > 0 {
        let reached = async |target| {
            effects
                .wait(target, PAUSE)
                .await
                .map(|()| ms(killed.elapsed()))
                .map_err(|e| problem(&e))
        };
        out.resumed_ms = Some(reached(before + done + 1).await?);
        out.finished_ms = Some(reached(before + BACKLOG).await?);
    }
    Ok((server, out))
}
