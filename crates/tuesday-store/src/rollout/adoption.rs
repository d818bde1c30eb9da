//! What is known about the use of delivered outputs: what signals say, and whose case a run is. Also what was
//! wrong with its inputs.

use tuesday_domain::adoption::Uptake;
use tuesday_domain::id::RunId;
use tuesday_domain::record::UseReport;
use tuesday_domain::time::Timestamp;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::limit as page;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, Value, opt_id};

pub(crate) static USES: Table = Table::new(
    "use_reports",
    &[
        ("workflow", Ty::Text),
        ("event", Ty::Text),
        ("run_id", Ty::Id),
        ("uptake", Ty::Text),
        ("count", Ty::Int),
        ("day", Ty::Text),
        ("at", Ty::Int),
        ("received_at", Ty::Int),
    ],
    2,
    2,
    false,
);

pub(crate) static GROUPS: Table = Table::new(
    "run_groups",
    &[
        ("run_id", Ty::Id),
        ("name", Ty::Text),
        ("workflow", Ty::Text),
    ],
    1,
    2,
    false,
);

pub(crate) static INPUTS: Table = Table::new(
    "run_inputs",
    &[
        ("run_id", Ty::Id),
        ("source", Ty::Text),
        ("fault", Ty::Text),
        ("workflow", Ty::Text),
    ],
    3,
    4,
    false,
);

pub(crate) fn bind_use<'a>(u: &'a UseReport, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&u.workflow),
        Param::Text(&u.event),
        opt_id(u.run.map(RunId::uuid)),
        Param::Text(u.uptake.word()),
        Param::Int(i64::from(u.count)),
        Param::Text(&u.day),
        Param::Int(u.at.micros()),
        Param::Int(u.received_at.micros()),
    ]);
}

/// The old way was used once, or several times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldPathEvent {
    /// The sender's name for it.
    pub event: String,
    /// The run whose output was there, when one is known.
    pub run: Option<RunId>,
    /// The record it is about, in the sender's words.
    pub record: Option<String>,
    /// How many.
    pub count: u32,
    /// The day, in the workflow's time zone.
    pub day: String,
    /// When.
    pub at: Timestamp,
    /// Who posted it, as an actor.
    pub posted_by: String,
}

fn text(t: &str) -> Value {
    Value::Text(t.to_owned())
}

fn old_path(r: Row<'_>) -> Result<OldPathEvent, ReadError> {
    Ok(OldPathEvent {
        event: r.text(0)?,
        run: r.opt_id(1)?.map(RunId::new),
        record: r.opt_text(2)?,
        count: r.num(3)?,
        day: r.text(4)?,
        at: r.time(5)?,
        posted_by: r.text(6)?,
    })
}

impl StoreReader {
    /// How often the old way was used on these days, both included: in all, and where no run is known.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn old_path_uses(
        &self,
        workflow: &str,
        (from, to): (&str, &str),
    ) -> Result<(u64, u64), ReadError> {
        let sql = "SELECT CAST(coalesce(sum(count), 0) AS BIGINT), \
                   CAST(coalesce(sum(CASE WHEN run_id IS NULL THEN count ELSE 0 END), 0) AS BIGINT) \
                   FROM use_reports WHERE workflow = $1 AND uptake = $2 AND day >= $3 AND day <= $4";
        let bypassed = text(Uptake::Bypassed.word());
        let params = vec![text(workflow), bypassed, text(from), text(to)];
        let found = self.first(sql, params, |r: Row<'_>| Ok((r.num(0)?, r.num(1)?)));
        Ok(found.await?.unwrap_or_default())
    }

    /// The newest uses of the old way on these days, both included.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn old_path_events(
        &self,
        workflow: &str,
        (from, to): (&str, &str),
        limit: usize,
    ) -> Result<Vec<OldPathEvent>, ReadError> {
        let sql = "SELECT u.event, u.run_id, s.record, u.count, u.day, u.at, s.posted_by FROM use_reports AS u \
                   JOIN signals AS s ON s.workflow = u.workflow AND s.event = u.event WHERE u.workflow = $1 \
                   AND u.uptake = $2 AND u.day >= $3 AND u.day <= $4 ORDER BY u.day DESC, u.at DESC, u.event LIMIT $5";
        let bypassed = text(Uptake::Bypassed.word());
        let params = vec![text(workflow), bypassed, text(from), text(to), page(limit)];
        self.rows(sql, params, old_path).await
    }

    /// Whether use of the old way has been reported since `since`, by when the reports arrived.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn old_path_told(&self, workflow: &str, since: Timestamp) -> Result<bool, ReadError> {
        let sql = "SELECT 1 FROM use_reports WHERE workflow = $1 AND uptake = $2 AND received_at >= $3 LIMIT 1";
        let bypassed = text(Uptake::Bypassed.word());
        let params = vec![text(workflow), bypassed, Value::Int(since.micros())];
        Ok(self.first(sql, params, |_| Ok(())).await?.is_some())
    }
}
