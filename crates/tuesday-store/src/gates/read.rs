//! Reading gates and results.

use tuesday_domain::id::ReleaseId;
use tuesday_domain::record::{EvalPart, GateRow, Judgement, ReleaseAck, ReleaseFix};
use tuesday_domain::release::layers;
use tuesday_domain::release::rewrites::Cited;
use tuesday_domain::time::Timestamp;

use super::{GATE_COLUMNS, gate};
use crate::error::ReadError;
use crate::reader::StoreReader;
use crate::value::{Row, Value};

/// The first time that an error of the category was met after a release went live: an incident of it
/// opened, was met or came back, somebody reported it, a person overrode an output for it. What is said
/// about a case from before the release is no answer to it.
const CITED: &str = "SELECT r.number, f.layers, g.live_at, \
    (SELECT min(i.opened_at) FROM incidents i WHERE i.workflow = r.workflow AND i.category = f.category \
        AND i.opened_at > g.live_at), \
    (SELECT min(n.at) FROM incidents i JOIN findings n ON n.incident_id = i.id \
        WHERE i.workflow = r.workflow AND i.category = f.category AND n.at > g.live_at), \
    (SELECT min(e.at) FROM incidents i JOIN incident_entries e ON e.incident_id = i.id \
        WHERE i.workflow = r.workflow AND i.category = f.category AND e.at > g.live_at \
        AND (e.kind = 'recurred' OR e.kind = 'reopened')), \
    (SELECT min(p.created_at) FROM problem_reports p LEFT JOIN runs t ON t.id = p.run_id \
        WHERE p.workflow = r.workflow AND p.kind = f.category AND p.created_at > g.live_at \
        AND (p.run_id IS NULL OR t.received_at > g.live_at)), \
    (SELECT min(v.decided_at) FROM reviews v JOIN runs t ON t.id = v.run_id \
        WHERE v.override_kind IS NOT NULL AND v.workflow = r.workflow AND v.decision_reason = f.category \
        AND v.decided_at > g.live_at AND t.received_at > g.live_at) \
    FROM releases r JOIN release_fixes f ON f.release_id = r.id \
    LEFT JOIN release_gates g ON g.release_id = r.id \
    WHERE r.workflow = $1 AND f.category = $2 ORDER BY r.number";

impl StoreReader {
    /// The category of error that a release answers; nothing when it cites none.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn release_fix(&self, release: ReleaseId) -> Result<Option<ReleaseFix>, ReadError> {
        let sql = "SELECT category, layers, class, excuse, excused_by, excused_at, release_id FROM release_fixes \
            WHERE release_id = $1";
        self.first(sql, vec![Value::Id(release.uuid())], |r: Row<'_>| {
            Ok(ReleaseFix {
                release: ReleaseId::new(r.id(6)?),
                category: r.text(0)?,
                layers: r.text(1)?,
                class: r.opt_word(2)?,
                excuse: r.opt_text(3)?,
                excused_by: r.opt_text(4)?,
                excused_at: r.opt_time(5)?,
            })
        })
        .await
    }

    /// Who has read which release of a workflow last.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn release_acks(&self, workflow: &str) -> Result<Vec<ReleaseAck>, ReadError> {
        let sql = "SELECT workflow, person, number, at FROM release_acks WHERE workflow = $1 ORDER BY person";
        self.rows(sql, vec![Value::Text(workflow.to_owned())], |r: Row<'_>| {
            Ok(ReleaseAck {
                workflow: r.text(0)?,
                person: r.text(1)?,
                number: r.num(2)?,
                at: r.time(3)?,
            })
        })
        .await
    }

    /// The releases of a workflow that cite a category of error, with the first error of it after
    /// each went live.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn releases_citing(
        &self,
        workflow: &str,
        category: &str,
    ) -> Result<Vec<Cited>, ReadError> {
        let params = [workflow, category].map(|t| Value::Text(t.to_owned()));
        self.rows(CITED, params.into(), |r: Row<'_>| {
            let again: [Option<Timestamp>; 5] = [
                r.opt_time(3)?,
                r.opt_time(4)?,
                r.opt_time(5)?,
                r.opt_time(6)?,
                r.opt_time(7)?,
            ];
            Ok(Cited {
                number: r.num(0)?,
                layers: read_layers(&r.text(1)?)?,
                live_at: r.opt_time(2)?,
                again_at: again.into_iter().flatten().min(),
            })
        })
        .await
    }

    /// The gate of a release; nothing before its first evaluation.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn gate(&self, release: ReleaseId) -> Result<Option<GateRow>, ReadError> {
        let sql = format!("SELECT {GATE_COLUMNS} FROM release_gates WHERE release_id = $1");
        self.first(sql, vec![Value::Id(release.uuid())], gate).await
    }

    /// What the gate said about a release while it was live, the newest first.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn judgements(
        &self,
        release: ReleaseId,
        most: u32,
    ) -> Result<Vec<Judgement>, ReadError> {
        let sql = "SELECT number, at, judged_by, judged, judged_hash, release_id FROM judgements WHERE release_id = $1 \
            ORDER BY number DESC LIMIT $2";
        let params = vec![Value::Id(release.uuid()), Value::Int(i64::from(most))];
        self.rows(sql, params, |r: Row<'_>| {
            Ok(Judgement {
                release: ReleaseId::new(r.id(5)?),
                number: r.num(0)?,
                at: r.time(1)?,
                by: r.text(2)?,
                judged: r.blob(3)?,
                hash: r.fixed(4)?,
            })
        })
        .await
    }

    /// One part of a release's results, from 0; nothing behind the last.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn eval_part(
        &self,
        release: ReleaseId,
        part: u32,
    ) -> Result<Option<EvalPart>, ReadError> {
        let sql = "SELECT results FROM eval_parts WHERE release_id = $1 AND part = $2";
        let params = vec![Value::Id(release.uuid()), Value::Int(i64::from(part))];
        let found = self.first(sql, params, |r: Row<'_>| r.blob(0)).await?;
        Ok(found.map(|results| EvalPart {
            release,
            part,
            results,
        }))
    }

    /// When each release of a workflow that went live in this span was approved, and when it was live.
    ///
    /// # Errors
    /// See [`StoreReader::run`].
    pub async fn lead_times(
        &self,
        workflow: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(Timestamp, Timestamp)>, ReadError> {
        let sql = "SELECT g.decided_at, g.live_at FROM release_gates AS g JOIN releases AS r ON r.id = g.release_id \
             WHERE r.workflow = $1 AND g.live_at >= $2 AND g.live_at < $3 AND g.decided_at IS NOT NULL \
             ORDER BY g.live_at";
        let params = vec![
            Value::Text(workflow.to_owned()),
            Value::Int(from.micros()),
            Value::Int(to.micros()),
        ];
        let times = |r: Row<'_>| Ok((r.time(0)?, r.time(1)?));
        self.rows(sql, params, times).await
    }
}

fn read_layers(text: &str) -> Result<layers::Layers, ReadError> {
    layers::parse(text).map_err(|e| ReadError::Corrupt(format!("the layers of a release: {e}")))
}
