//! Reading what is due for erasure, what is held, and everything a name could stand in.

use tuesday_domain::actor::Class;
use tuesday_domain::id::{ErasureId, HoldId, IncidentId, IntakeId, ProblemReportId, RunId};
use tuesday_domain::privacy::Hold;
use tuesday_domain::record::{ErasureOrder, PayloadKind, Run};
use tuesday_domain::time::Timestamp;
use uuid::Uuid;

use super::{ERASURE, HOLD, NO_SALT, erasure, hold};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::runs::{COLUMNS, run};
use crate::select::{Select, limit as page};
use crate::value::{Row, Value};

/// Up to which day retention has been through a class of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionMark {
    /// Workflow name.
    pub workflow: String,
    /// The class.
    pub class: Class,
    /// Days up to this one hold nothing that is due; empty before the first.
    pub done_to: String,
    /// Except these: something of them was open, held or too young.
    pub waiting: Vec<String>,
}

/// A class of the payloads of a workflow that were received on a day.
#[derive(Clone, Copy, Debug)]
pub struct Due<'a> {
    /// Workflow name.
    pub workflow: &'a str,
    /// Day of receipt.
    pub day: &'a str,
    /// The class.
    pub class: Class,
}

/// A text that stands somewhere, with the run it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// The run.
    pub run: RunId,
    /// Where it stands: `payload`, or the name of a column.
    pub place: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

fn text(t: &str) -> Value {
    Value::Text(t.to_owned())
}

fn count(r: Row<'_>) -> Result<u64, ReadError> {
    r.num(0)
}

/// Every text column beside the payloads that may quote a case. `$1` and `$2` bound the runs.
const TEXTS: &str = "SELECT id, 'subject', subject FROM runs WHERE id > $1 AND id <= $2 \
    UNION ALL SELECT id, 'event id', event_id FROM runs WHERE id > $1 AND id <= $2 \
    UNION ALL SELECT run_id, 'target', target FROM actions WHERE run_id > $1 AND run_id <= $2 \
    UNION ALL SELECT run_id, 'note', note FROM reviews WHERE note IS NOT NULL AND run_id > $1 AND run_id <= $2 \
    UNION ALL SELECT run_id, 'report', words FROM problem_reports WHERE run_id > $1 AND run_id <= $2 \
    UNION ALL SELECT run_id, 'signal', record FROM signals WHERE record IS NOT NULL AND run_id > $1 AND run_id <= $2";

impl StoreReader {
    /// Up to where retention has been.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn retention_mark(
        &self,
        workflow: &str,
        class: Class,
    ) -> Result<Option<RetentionMark>, ReadError> {
        let sql = "SELECT workflow, class, done_to, waiting FROM retention_marks WHERE workflow = $1 AND class = $2";
        self.first(
            sql,
            vec![text(workflow), text(class.word())],
            |r: Row<'_>| {
                Ok(RetentionMark {
                    workflow: r.text(0)?,
                    class: r.word(1)?,
                    done_to: r.text(2)?,
                    waiting: r.text(3)?.split_whitespace().map(str::to_owned).collect(),
                })
            },
        )
        .await
    }

    /// The first day after `after` and before `before` on which the workflow received something.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn next_day(
        &self,
        workflow: &str,
        after: &str,
        before: &str,
    ) -> Result<Option<String>, ReadError> {
        let sql = "SELECT min(batch) FROM runs WHERE workflow = $1 AND batch > $2 AND batch < $3";
        let params = vec![text(workflow), text(after), text(before)];
        Ok(self
            .first(sql, params, |r: Row<'_>| r.opt_text(0))
            .await?
            .flatten())
    }

    /// Runs of a day that ended by `ended_by` and still hold payloads of a class, by id.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn due_runs(
        &self,
        due: Due<'_>,
        ended_by: Timestamp,
        after: Option<RunId>,
        limit: usize,
    ) -> Result<Vec<Run>, ReadError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM runs AS r WHERE r.workflow = $1 AND r.batch = $2 AND r.id > $3 \
             AND r.finished_at <= $4 AND EXISTS (SELECT 1 FROM payloads AS p WHERE p.run_id = r.id \
             AND p.class = $5 AND p.salt <> $6) ORDER BY r.id LIMIT $7"
        );
        let params = vec![
            text(due.workflow),
            text(due.day),
            Value::Id(after.map_or(Uuid::nil(), RunId::uuid)),
            Value::Int(ended_by.micros()),
            text(due.class.word()),
            Value::Blob(NO_SALT.to_vec()),
            page(limit),
        ];
        self.rows(sql, params, run).await
    }

    /// How many runs of a day still hold payloads of a class.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn runs_holding(&self, due: Due<'_>) -> Result<u64, ReadError> {
        let sql = "SELECT count(*) FROM runs AS r WHERE r.workflow = $1 AND r.batch = $2 \
                   AND EXISTS (SELECT 1 FROM payloads AS p WHERE p.run_id = r.id AND p.class = $3 AND p.salt <> $4)";
        let params = vec![
            text(due.workflow),
            text(due.day),
            text(due.class.word()),
            Value::Blob(NO_SALT.to_vec()),
        ];
        Ok(self.first(sql, params, count).await?.unwrap_or(0))
    }

    /// Number, kind and class of the payloads of a run that are still there, without their bytes.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn payload_heads(
        &self,
        run: RunId,
    ) -> Result<Vec<(u32, PayloadKind, Class)>, ReadError> {
        let sql = "SELECT n, kind, class FROM payloads WHERE run_id = $1 AND salt <> $2 ORDER BY n";
        let params = vec![Value::Id(run.uuid()), Value::Blob(NO_SALT.to_vec())];
        self.rows(sql, params, |r: Row<'_>| {
            Ok((r.num(0)?, r.word(1)?, r.word(2)?))
        })
        .await
    }

    /// Refused events with a body, received by `until`, that became no run.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn old_intake(
        &self,
        workflow: &str,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<(IntakeId, Timestamp)>, ReadError> {
        let sql = "SELECT id, received_at FROM intake WHERE workflow = $1 AND received_at <= $2 \
                   AND length(body) > 0 AND run_id IS NULL ORDER BY id LIMIT $3";
        let params = vec![text(workflow), Value::Int(until.micros()), page(limit)];
        self.rows(sql, params, |r: Row<'_>| {
            Ok((IntakeId::new(r.id(0)?), r.time(1)?))
        })
        .await
    }

    /// How often holds have changed, and those in force; read in this order, an erasure that checks the
    /// number misses none.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn holds_in_force(&self) -> Result<(u64, Vec<Hold>), ReadError> {
        let sql = "SELECT holds FROM privacy_head WHERE one = 1";
        let seen = self.first(sql, vec![], count).await?;
        let seen = seen.ok_or_else(|| ReadError::Corrupt("the holds have no count".into()))?;
        let sql = format!("SELECT {HOLD} FROM holds WHERE lifted_at IS NULL ORDER BY id");
        Ok((seen, self.rows(sql, vec![], hold).await?))
    }

    /// Every hold, the newest first; `after` is the last one of the page before.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn holds(&self, after: Option<HoldId>, limit: usize) -> Result<Vec<Hold>, ReadError> {
        let sql = format!("SELECT {HOLD} FROM holds WHERE id < $1 ORDER BY id DESC LIMIT $2");
        let after = after.map_or(Uuid::max(), HoldId::uuid);
        self.rows(sql, vec![Value::Id(after), page(limit)], hold)
            .await
    }

    /// One hold.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn hold(&self, id: HoldId) -> Result<Option<Hold>, ReadError> {
        let sql = format!("SELECT {HOLD} FROM holds WHERE id = $1");
        self.first(sql, vec![Value::Id(id.uuid())], hold).await
    }

    /// Erasures that were ordered, the newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn erasures(
        &self,
        after: Option<ErasureId>,
        limit: usize,
    ) -> Result<Vec<ErasureOrder>, ReadError> {
        let sql = format!("SELECT {ERASURE} FROM erasures WHERE id < $1 ORDER BY id DESC LIMIT $2");
        let after = after.map_or(Uuid::max(), ErasureId::uuid);
        self.rows(sql, vec![Value::Id(after), page(limit)], erasure)
            .await
    }

    /// Erasures that are not done, the oldest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn open_erasures(&self) -> Result<Vec<ErasureOrder>, ReadError> {
        let sql =
            format!("SELECT {ERASURE} FROM erasures WHERE done_at IS NULL ORDER BY ordered_at, id");
        self.rows(sql, vec![], erasure).await
    }

    /// Runs that carry copies of this one's inputs: repeated from it, or a known error made from it.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn copies_of(&self, id: RunId) -> Result<Vec<RunId>, ReadError> {
        let sql = "SELECT id FROM runs WHERE rerun_of = $1 UNION SELECT run_id FROM seeds WHERE made_from = $1";
        self.rows(sql, vec![Value::Id(id.uuid())], |r: Row<'_>| {
            Ok(RunId::new(r.id(0)?))
        })
        .await
    }

    /// The last of the next `limit` runs after `after`, by id; nothing when there are none.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn run_stretch(&self, after: Uuid, limit: usize) -> Result<Option<Uuid>, ReadError> {
        let sql = "SELECT id FROM (SELECT id FROM runs WHERE id > $1 ORDER BY id LIMIT $2) AS s ORDER BY id DESC LIMIT 1";
        self.first(sql, vec![Value::Id(after), page(limit)], |r: Row<'_>| {
            r.id(0)
        })
        .await
    }

    /// Texts of the runs after `after` up to `upto`, beside their payloads.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn texts_between(&self, after: Uuid, upto: Uuid) -> Result<Vec<Scanned>, ReadError> {
        self.rows(
            TEXTS,
            vec![Value::Id(after), Value::Id(upto)],
            |r: Row<'_>| {
                Ok(Scanned {
                    run: RunId::new(r.id(0)?),
                    place: r.text(1)?,
                    bytes: r.text(2)?.into_bytes(),
                })
            },
        )
        .await
    }

    /// Payloads of the runs after `(after, n)` up to `upto`, with their number.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn payloads_between(
        &self,
        after: (Uuid, u32),
        upto: Uuid,
        limit: usize,
    ) -> Result<Vec<(u32, Scanned)>, ReadError> {
        let sql = "SELECT run_id, n, kind, bytes FROM payloads WHERE (run_id, n) > ($1, $2) AND run_id <= $3 \
                   AND length(bytes) > 0 ORDER BY run_id, n LIMIT $4";
        let params = vec![
            Value::Id(after.0),
            Value::Int(i64::from(after.1)),
            Value::Id(upto),
            page(limit),
        ];
        self.rows(sql, params, |r: Row<'_>| {
            let scanned = Scanned {
                run: RunId::new(r.id(0)?),
                place: r.text(2)?,
                bytes: r.blob(3)?,
            };
            Ok((r.num(1)?, scanned))
        })
        .await
    }

    /// Refused events after one, with their bodies.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn intake_bodies(
        &self,
        after: Option<IntakeId>,
        limit: usize,
    ) -> Result<Vec<(IntakeId, String, Vec<u8>)>, ReadError> {
        let sql = "SELECT id, workflow, body FROM intake WHERE id > $1 AND length(body) > 0 ORDER BY id LIMIT $2";
        let after = after.map_or(Uuid::nil(), IntakeId::uuid);
        self.rows(sql, vec![Value::Id(after), page(limit)], |r: Row<'_>| {
            Ok((IntakeId::new(r.id(0)?), r.text(1)?, r.blob(2)?))
        })
        .await
    }

    /// Words of problem reports after one: its own, what it asked for, its answer, and who made it.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn report_words(
        &self,
        after: Option<ProblemReportId>,
        limit: usize,
    ) -> Result<Vec<(ProblemReportId, [String; 4])>, ReadError> {
        let sql = "SELECT id, words, coalesce(asked_for, ''), coalesce(answer, ''), reported_by FROM problem_reports \
                   WHERE id > $1 ORDER BY id LIMIT $2";
        let after = after.map_or(Uuid::nil(), ProblemReportId::uuid);
        self.rows(sql, vec![Value::Id(after), page(limit)], |r: Row<'_>| {
            Ok((
                ProblemReportId::new(r.id(0)?),
                [r.text(1)?, r.text(2)?, r.text(3)?, r.text(4)?],
            ))
        })
        .await
    }

    /// Signals of a record, in lower case, that name no run: for each workflow the first and the last time
    /// one came in.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn loose_signals(
        &self,
        record: &str,
    ) -> Result<Vec<(String, Timestamp, Timestamp)>, ReadError> {
        let sql = "SELECT workflow, min(received_at), max(received_at) FROM signals \
                   WHERE run_id IS NULL AND lower(record) = $1 GROUP BY workflow ORDER BY workflow";
        self.rows(sql, vec![Value::Text(record.to_owned())], |r: Row<'_>| {
            Ok((r.text(0)?, r.time(1)?, r.time(2)?))
        })
        .await
    }

    /// Incidents that these runs are linked to.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn incidents_touching(&self, runs: &[RunId]) -> Result<Vec<IncidentId>, ReadError> {
        let mut found = std::collections::BTreeSet::new();
        for some in runs.chunks(200) {
            let mut q =
                Select::new("SELECT DISTINCT incident_id FROM incident_runs WHERE run_id IN (");
            for (i, id) in some.iter().enumerate() {
                q.push(if i == 0 { "?" } else { ", ?" }, [Value::Id(id.uuid())]);
            }
            let (sql, params) = q.push(")", []).done();
            let row = |r: Row<'_>| Ok(IncidentId::new(r.id(0)?));
            found.extend(self.rows(sql, params, row).await?);
        }
        Ok(found.into_iter().collect())
    }
}
