//! Turnover tests: the rows, whose rights they suspend, and what tables show about their days.

use tuesday_domain::charter::turnover::TurnoverFigures;
use tuesday_domain::record::Turnover;
use tuesday_domain::time::Timestamp;

use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::select::limit as page;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, Value, big, opt_text, opt_time};

pub(crate) static TURNOVERS: Table = Table::new(
    "turnovers",
    &[
        ("workflow", Ty::Text),
        ("seq", Ty::Int),
        ("state", Ty::Text),
        ("ended_at", Ty::Int),
        ("signed_by", Ty::Text),
        ("report", Ty::Text),
        ("version", Ty::Int),
        ("without", Ty::Text),
        ("from_at", Ty::Int),
        ("until_at", Ty::Int),
        ("log_from", Ty::Int),
        ("started_by", Ty::Text),
        ("engineers", Ty::Text),
    ],
    2,
    7,
    true,
);

const COLUMNS: &str = "workflow, seq, state, ended_at, signed_by, report, version, without, from_at, until_at, \
    log_from, started_by, engineers";

/// A task of the last hour is tomorrow's work.
const LATE_US: i64 = 3_600_000_000;

pub(crate) fn bind<'a>(t: &'a Turnover, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&t.workflow),
        Param::Int(i64::from(t.seq)),
        Param::Text(t.state.word()),
        opt_time(t.ended_at),
        opt_text(t.signed_by.as_deref()),
        opt_text(t.report.as_deref()),
        Param::Int(i64::from(t.version)),
        Param::Text(&t.without),
        Param::Int(t.from.micros()),
        Param::Int(t.until.micros()),
        Param::Int(big(t.log_from)),
        Param::Text(&t.started_by),
        Param::Text(&t.engineers),
    ]);
}

fn turnover(r: Row<'_>) -> Result<Turnover, ReadError> {
    Ok(Turnover {
        workflow: r.text(0)?,
        seq: r.num(1)?,
        state: r.word(2)?,
        ended_at: r.opt_time(3)?,
        signed_by: r.opt_text(4)?,
        report: r.opt_text(5)?,
        version: r.num(6)?,
        without: r.text(7)?,
        from: r.time(8)?,
        until: r.time(9)?,
        log_from: r.num(10)?,
        started_by: r.text(11)?,
        engineers: r.text(12)?,
    })
}

/// A task that went up a level and is still open was not decided in its time either: going up gave it a new one.
const FIGURES: &str = "SELECT \
    (SELECT count(*) FROM runs WHERE workflow = $1 AND batch >= $4 AND batch <= $5 AND received_at >= $2 \
        AND received_at < $3), \
    (SELECT CAST(coalesce(sum(n) / count(*), 0) AS BIGINT) FROM (SELECT count(*) AS n FROM runs \
        WHERE workflow = $1 AND batch >= $6 AND batch < $4 GROUP BY batch) AS days), \
    (SELECT count(*) FROM runs AS r WHERE r.workflow = $1 AND r.batch >= $4 AND r.batch <= $5 \
        AND r.received_at >= $2 AND r.received_at < $3 AND r.outcome IS NULL \
        AND r.status <> 'held' AND NOT EXISTS (SELECT 1 FROM jobs AS j WHERE j.run_id = r.id) \
        AND NOT EXISTS (SELECT 1 FROM reviews AS v WHERE v.run_id = r.id \
            AND v.state IN ('open', 'claimed', 'suspended'))), \
    (SELECT count(*) FROM reviews WHERE workflow = $1 AND state IN ('open', 'claimed', 'suspended') \
        AND created_at >= $2 AND created_at < $7) + \
    (SELECT count(*) FROM reviews WHERE decided_by IS NOT NULL AND decided_at > $3 AND workflow = $1 \
        AND created_at >= $2 AND created_at < $7), \
    (SELECT count(*) FROM reviews WHERE workflow = $1 AND state IN ('open', 'claimed', 'suspended') \
        AND created_at < $3 AND (due_at < $3 OR level > 0)) + \
    (SELECT count(*) FROM reviews WHERE decided_by IS NOT NULL AND decided_at > $3 AND workflow = $1 \
        AND created_at < $3 AND (due_at < $3 OR level > 0)), \
    (SELECT count(*) FROM reviews WHERE workflow = $1 AND state IN ('open', 'claimed', 'suspended') \
        AND created_at >= $2 AND created_at < $3) + \
    (SELECT count(*) FROM reviews WHERE decided_by IS NOT NULL AND decided_at >= $2 AND workflow = $1 \
        AND created_at >= $2 AND created_at < $3)";

impl StoreReader {
    /// The turnover tests of a workflow, newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn turnovers(
        &self,
        workflow: &str,
        limit: usize,
    ) -> Result<Vec<Turnover>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM turnovers WHERE workflow = $1 ORDER BY seq DESC LIMIT $2"
        );
        let params = vec![Value::Text(workflow.to_owned()), page(limit)];
        self.rows(sql, params, turnover).await
    }

    /// The tests that run now, on all workflows.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn turnovers_running(&self) -> Result<Vec<Turnover>, ReadError> {
        let sql =
            format!("SELECT {COLUMNS} FROM turnovers WHERE state = 'running' ORDER BY workflow");
        self.rows(sql, vec![], turnover).await
    }

    /// The workflows on which a person's rights are suspended.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn suspended_on(&self, person: &str) -> Result<Vec<String>, ReadError> {
        let sql = "SELECT workflow FROM turnovers WHERE state = 'running' AND without = $1 ORDER BY workflow";
        let params = vec![Value::Text(person.to_owned())];
        self.rows(sql, params, |r: Row<'_>| r.text(0)).await
    }

    /// What tables show about the time from `from` to `to`; `days` are its first and last day and the
    /// one 28 days before, in the workflow's zone. Failures are not among it: the log has them.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn turnover_figures(
        &self,
        workflow: &str,
        (from, to): (Timestamp, Timestamp),
        days: [String; 3],
    ) -> Result<TurnoverFigures, ReadError> {
        let [first, last, before] = days;
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Int(from.micros()),
            Value::Int(to.micros()),
            Value::Text(first),
            Value::Text(last),
            Value::Text(before),
            Value::Int(to.micros().saturating_sub(LATE_US)),
        ];
        let found = self.first(FIGURES.to_owned(), params, |r: Row<'_>| {
            Ok(TurnoverFigures {
                accepted: r.num(0)?,
                ordinary: r.num(1)?,
                lost: r.num(2)?,
                unfinished: r.num(3)?,
                overdue: r.num(4)?,
                tasks: r.num(5)?,
                failures: 0,
            })
        });
        Ok(found.await?.unwrap_or_default())
    }

    /// Leaves of a workflow in order, with their index: those from index `from` on.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn leaves_of(
        &self,
        workflow: &str,
        from: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, ReadError> {
        let sql =
            "SELECT idx, leaf FROM audit WHERE idx >= $1 AND workflow = $2 ORDER BY idx LIMIT $3";
        let params = vec![
            Value::Int(big(from)),
            Value::Text(workflow.to_owned()),
            page(limit),
        ];
        self.rows(sql, params, |r: Row<'_>| Ok((r.num(0)?, r.blob(1)?)))
            .await
    }

    /// Leaves of a workflow that have no place in the tree yet.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn leaves_waiting(&self, workflow: &str) -> Result<Vec<Vec<u8>>, ReadError> {
        let sql = "SELECT leaf FROM audit WHERE idx IS NULL AND workflow = $1";
        let params = vec![Value::Text(workflow.to_owned())];
        self.rows(sql, params, |r: Row<'_>| r.blob(0)).await
    }

    /// Decisions of each person on a workflow's tasks since `since`, most first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn decision_shares(
        &self,
        workflow: &str,
        since: Timestamp,
    ) -> Result<Vec<(String, u64)>, ReadError> {
        let sql = "SELECT decided_by, count(*) FROM reviews WHERE decided_by IS NOT NULL AND decided_at >= $2 \
             AND workflow = $1 GROUP BY decided_by ORDER BY 2 DESC, 1";
        let params = vec![Value::Text(workflow.to_owned()), Value::Int(since.micros())];
        self.rows(sql, params, |r: Row<'_>| Ok((r.text(0)?, r.num(1)?)))
            .await
    }
}
